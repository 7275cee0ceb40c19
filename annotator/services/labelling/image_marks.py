"""How far images are, for the marks beside them: done, partly known or untouched, and by whom."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from annotator.domain import PairLabel
from annotator.services.catalogue import hierarchy
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.open_pairs import settled_categories
from annotator.settings import Project
from annotator.store import Store, annotators, answers, categories, images
from annotator.wire.label import ImageMark

MOST_MARKS = 50
"""Images of one request."""


class ImageMarks:
    """The marks of one project, as each annotator sees them."""

    def __init__(self, project: Project, store: Store, fills: Fills) -> None:
        self._project = project
        self._store = store
        self._fills = fills

    def of(self, annotator: str, ids: Sequence[int]) -> list[ImageMark]:
        """Return the marks of images, `MOST_MARKS` at most; unknown ids are left out."""
        with self._store.reading() as tx:
            me = annotators.id_of(tx, annotator)
            found = images.many(tx, ids[:MOST_MARKS])
            labels = answers.labels_of(tx, list(found))
            unsure = answers.unsure_of(tx, me, list(found))
            every = categories.every(tx, archived=True)
            fills = self._fills.of_images(tx, [image.ordinal for image in found.values()])
        parents = hierarchy.resolve(self._project.settings.hierarchy, every)
        shown = {c.id: c.ordinal for c in every if not c.archived}
        rows: list[ImageMark] = []
        for image_id, image in found.items():
            own = labels.get(image_id, [])
            cannot_tell = unsure.get(image_id, [])
            filled = [c for c, o in shown.items() if o in fills.get(image.ordinal, {})]
            closed = {*settled_categories(own, parents, filled), *cannot_tell}
            rows.append(mark_of(image_id, shown, closed, own, cannot_tell, me))
        return rows


def mark_of(
    image_id: int,
    shown: Collection[int],
    closed: Collection[int],
    labels: Collection[PairLabel],
    unsure: Collection[int],
    me: int,
) -> ImageMark:
    """Return the mark of one image. `Item.mark` of the Label page says the same of what it knows.

    Args:
        image_id: The image.
        shown: Ids of the categories in use.
        closed: Those about which nobody asks this person any more.
        labels: Of the image, those in conflict included.
        unsure: Categories about which this person cannot tell.
        me: This person.
    """
    given = [x for x in labels if x.category_id in shown and x.answer_id is not None]
    decided = {x.category_id for x in given}
    own_doubts = [c for c in unsure if c in shown and c not in decided]
    is_done = all(c in closed for c in shown)
    touched = bool(given or own_doubts)
    return {
        "image": image_id,
        "standing": "done" if is_done else "partly" if touched else "untouched",
        "mine": bool(own_doubts) or any(x.annotator_id == me for x in given),
    }
