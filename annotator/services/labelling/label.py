"""What an annotator does on the Label page: look, answer, undo, go on."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from annotator.arrays.version_features import gives_order, usable_features
from annotator.domain import Category, Image, ImagePath, name_key
from annotator.errors import AnnotatorError
from annotator.services.catalogue import hierarchy
from annotator.services.catalogue.hotkeys import keys_for
from annotator.services.catalogue.lookup import in_order
from annotator.services.catalogue.pictures import REMOVED, Media, names_of, search
from annotator.services.catalogue.revision import categories_revision
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.conditional_update import own_labels
from annotator.services.knowledge.fills import Fills, filled_rows
from annotator.services.knowledge.open_pairs import settled_categories
from annotator.services.knowledge.predictions import PredictorOpinions
from annotator.services.knowledge.prototypes import Prototypes
from annotator.services.knowledge.suggestions import ImageSuggestions, Suggestions
from annotator.services.labelling.flags import flag_rows
from annotator.services.labelling.likely_here import (
    SLASH,
    LikelyHere,
    worth_reading,
)
from annotator.services.labelling.most_worth_asking import asked_by, most_worth_asking
from annotator.services.labelling.queue import Queue
from annotator.services.labelling.recording import label_row
from annotator.services.project.identity import Lineage
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    bookmarks,
    categories,
    flags,
    hotkeys,
    images,
    visits,
)
from annotator.wire import label as wire
from annotator.wire.label import (
    CategoryList,
    FoundImages,
    History,
    ItemData,
    NextImages,
    Start,
)
from annotator.wire.recording import Opinion, Visited, VisitRequest

MOST_FOUND = 20
"""Images that a search for a name answers with."""

MOST_BOOKMARKS = 200
"""Bookmarked images that are listed, the last ones first."""

MOST_ITEMS = 50
"""Images of one request, their ids or all that is shown of them; the page's album has it, too."""


class Labelling:
    """The Label page of one project, for any number of annotators."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        prototypes: Prototypes,
        media: Media,
        clock: Clock = utc_now,
        fills: Fills | None = None,
        lineage: Lineage | None = None,
        likely: LikelyHere | None = None,
    ) -> None:
        self._lineage = lineage or Lineage(store)
        self._project = project
        self._store = store
        self._fills = fills or Fills(project)
        self._suggestions = suggestions
        self._prototypes = prototypes
        self._predictions = PredictorOpinions(project)
        self._media = media
        self._likely = likely or LikelyHere(store, clock=clock)
        self._queue = Queue(project, store, suggestions, clock)
        self._clock = clock

    def check(self) -> None:
        """Refuse settings that no page could work with.

        Raises:
            ProjectError: If `[hierarchy]` names what is no category, or goes in a circle.
        """
        with self._store.reading() as tx:
            every = categories.every(tx, archived=True)
        hierarchy.resolve(self._project.settings.hierarchy, every)

    def start(self, annotator: str) -> Start:
        """Return what the page needs once: project, categories, where this annotator left off.

        Whoever comes under a name of the past (`said`) learns the present one (`annotator`) and
        all `former` ones, under which a browser may hold answers.
        """
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, self._clock())
        with self._store.reading() as tx:
            former = annotators.former_names(tx, person.id)
            last = visits.last_images(tx, person.id, 1)
            listed = self._categories(tx, person.id)
            total = images.count(tx)
            version, _ = self._suggestions.current(tx)
        settings = self._project.settings
        return {
            "annotator": annotator if name_key(annotator) == name_key(person.name) else person.name,
            "said": annotator,
            "former": former,
            "project": {
                "name": settings.name,
                "description": settings.description,
                "key": self._lineage.key(),
                "ancestors": self._lineage.ancestors(),
                "grey_range": settings.images.grey_range,
            },
            **listed,
            "version": version,
            "total": total,
            "resume": last[-1] if last else None,
            "ordered": version is not None or gives_order(self._project.features_path),
            "labelling": {
                "enter": settings.labelling.enter,
                "commit_delay_ms": settings.labelling.commit_delay_ms,
            },
        }

    def categories(self, annotator: str) -> CategoryList:
        """Return the categories as they are now, with this person's keys."""
        with self._store.reading() as tx:
            return self._categories(tx, annotators.id_of(tx, annotator))

    def _categories(self, tx: Transaction, person: int) -> CategoryList:
        every = categories.every(tx, archived=True)
        shown = [c for c in every if not c.archived]
        keys, names = keys_for(tx, person, shown), {c.id: c.name for c in every}
        parents = hierarchy.resolve(self._project.settings.hierarchy, every)
        return {
            "categories": [category_row(c, keys.get(str(c.id), "")) for c in in_order(shown)],
            "implies": hierarchy.consequences(parents),
            "merged": {str(c.id): names[c.merged_into] for c in every if c.merged_into is not None},
            "categories_revision": categories_revision(shown, hotkeys.of(tx, person)),
        }

    def next_images(
        self,
        annotator: str,
        tab: str,
        *,
        count: int = 10,
        exclude: Sequence[int] = (),
        among: Sequence[int] = (),
    ) -> NextImages:
        """Return the next images worth labelling, leased to the tab; see `Queue.next_images`.

        With `among`, the first of these images; see `Queue.next_among`.
        """
        del annotator  # the order does not depend on who asks
        count = max(1, min(count, MOST_ITEMS))
        if among:
            chosen, done = self._queue.next_among(tab, among, count=count), False
        else:
            chosen, done = self._queue.next_images(tab, count=count, exclude=exclude)
        self._media.prepare(chosen)
        return {"images": chosen, "done": done}

    def release(self, tab: str) -> None:
        """Give back the images leased to a tab that is closed, those of the grid too."""
        self._queue.release(tab)

    def items(self, annotator: str, ids: Sequence[int]) -> list[ItemData]:
        """Return what the page shows of images, `MOST_ITEMS` at most; unknown ids are left out."""
        wanted = ids[:MOST_ITEMS]
        with self._store.reading() as tx:
            me = annotators.id_of(tx, annotator)
            found = images.many(tx, wanted)
            labels = answers.labels_of(tx, list(found))
            unsure = answers.unsure_of(tx, me, list(found))
            people = {a.id: a.name for a in annotators.every(tx)}
            every = categories.every(tx, archived=True)
            shown = in_order(c for c in every if not c.archived)
            flagged = flags.of_images(tx, list(found))
            marked = bookmarks.among(tx, me, list(found))
            version, arrays = self._suggestions.current(tx)
            rankings = self._prototypes.current(tx)
            predicted = self._predictions.current(tx)
            paths, names = images.paths_of(tx, list(found)), names_of(tx, list(found))
            fills = self._fills.of_images(tx, [image.ordinal for image in found.values()])
            costs = self._likely.costs.current(tx)
        named = {c.ordinal: c.id for c in shown}
        ordinals = {c.id: c.ordinal for c in every}
        parents = hierarchy.resolve(self._project.settings.hierarchy, every)
        rows: list[ItemData] = []
        for image_id in wanted:
            if image_id not in found:
                continue
            image = found[image_id]
            own = {label.category_id: label for label in labels.get(image_id, [])}
            known_here = own_labels(own.values(), ordinals)
            opinion = self._suggestions.of_image(arrays, image.ordinal, known_here)
            opinion = rankings.added_to(opinion, arrays, image.ordinal)
            opinion = predicted.added_to(opinion, arrays, image.ordinal, shown)
            filled = filled_rows(fills.get(image.ordinal, {}), named, own)
            settled = settled_categories(own.values(), parents, [int(c) for c in filled])
            no_answer = {*settled, *unsure.get(image_id, [])}  # nobody is asked about these
            askable = [c for c in shown if c.id not in no_answer]
            chances = self._likely.chances(shown, opinion, arrays, known_here)
            asked = most_worth_asking(askable, opinion, chances)
            likely = worth_reading(askable, chances, costs, extra=SLASH)
            rows.append(
                {
                    "id": image_id,
                    "name": names[image_id],
                    "width": image.width,
                    "height": image.height,
                    "problem": self._problem(image, paths.get(image_id, [])),
                    "labels": {
                        str(c): row for c, x in own.items() if (row := label_row(x, people, me))
                    },
                    "unsure": unsure.get(image_id, []),
                    "filled": filled,
                    "flags": flag_rows(flagged.get(image_id, ()), people),
                    "bookmarked": image_id in marked,
                    **standing(version, shown, settled, opinion, likely),
                    "ask": [c.id for c in asked],
                    "worth": worth_reading(asked, chances, costs),
                    "asked_by": asked_by(version, askable, opinion),
                }
            )
        return rows

    def opinion(self, image_id: int) -> Opinion:
        """Return how an image's open categories stand, given what is known of it by now.

        It follows every answer, so it reads no more than it needs.

        Raises:
            NotFound: If there is no such image.
        """
        with self._store.reading() as tx:
            image = images.get(tx, image_id)
            labels = answers.labels_of(tx, [image_id]).get(image_id, [])
            every = categories.every(tx, archived=True)
            version, arrays = self._suggestions.current(tx)
            rankings = self._prototypes.current(tx)
            predicted = self._predictions.current(tx)
            filled = self._fills.of_images(tx, [image.ordinal]).get(image.ordinal, {})
            costs = self._likely.costs.current(tx)
        own = own_labels(labels, {c.id: c.ordinal for c in every})
        opinion = self._suggestions.of_image(arrays, image.ordinal, own)
        shown = [c for c in every if not c.archived]
        opinion = rankings.added_to(opinion, arrays, image.ordinal)
        opinion = predicted.added_to(opinion, arrays, image.ordinal, shown)
        parents = hierarchy.resolve(self._project.settings.hierarchy, every)
        settled = settled_categories(labels, parents, [c.id for c in shown if c.ordinal in filled])
        chances = self._likely.chances(shown, opinion, arrays, own)
        askable = [c for c in shown if c.id not in settled]
        likely = worth_reading(askable, chances, costs, extra=SLASH)
        return {
            **standing(version, shown, settled, opinion, likely),
            "rankings": len(rankings.of),
        }

    def _problem(self, image: Image, paths: list[ImagePath]) -> str | None:
        if image.removed:
            return REMOVED
        try:
            self._media.first_existing(image, paths)
        except AnnotatorError as error:
            return str(error)
        return None

    def visit(self, annotator: str, request: VisitRequest) -> Visited:
        """Record that an image was on the screen, and which categories were drawn beside it."""
        now = self._clock()
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            images.get(tx, request.image)
            ordinals = categories.ordinals(tx)
            shown = [ordinals[c] for c in request.shown if c in ordinals]
            opened, closed = request.opened_at or now, request.closed_at or now
            visits.record(tx, request.op, person.id, request.image, shown, opened, closed)
        return {}

    def has_features(self) -> bool:
        """Whether any image has been embedded, so that images can be compared."""
        return usable_features(self._project.features_path) is not None

    def find_images(self, annotator: str, text: str) -> FoundImages:
        """Return the image of that number and images with the text in their name, at most 20.

        Without a text they are the images that this person has bookmarked, the last ones first.
        """
        wanted = text.strip()
        with self._store.reading() as tx:
            me = annotators.id_of(tx, annotator)
            if wanted:
                number = int(wanted) - 1 if wanted.isdecimal() and len(wanted) <= 9 else -1
                ids = list(images.ids_at(tx, [number]).values())
                ids += [p.image_id for p in search(tx, wanted, MOST_FOUND) if p.image_id]
                ids = list(dict.fromkeys(ids))[:MOST_FOUND]
            else:
                ids = bookmarks.of(tx, me, MOST_BOOKMARKS)
            found, names = images.many(tx, ids), names_of(tx, ids)
            marked = bookmarks.among(tx, me, ids)
        return {
            "images": [
                {
                    "id": i,
                    "number": found[i].ordinal + 1,
                    "name": names[i],
                    "bookmarked": i in marked,
                }
                for i in ids
            ]
        }

    def history(self, image_id: int, category_id: int) -> History:
        """Return every answer about a pair, newest first, undone and late ones included."""
        with self._store.reading() as tx:
            told = answers.history(tx, image_id, category_id)
        return {
            "answers": [
                {
                    "by": record.annotator,
                    "state": record.state.value,
                    "source": record.source.value,
                    "at": record.at.isoformat(),
                    "late": record.late,
                    "check": record.check,
                    "cancelled": record.cancelled,
                    "score": record.score,
                    "version": record.version,
                }
                for record in reversed(told)
            ]
        }


def category_row(category: Category, key: str) -> wire.Category:
    """Return a category as the page knows it, with this person's key."""
    return {
        "id": category.id,
        "name": category.name,
        "supercategory": category.supercategory,
        "ordinal": category.ordinal,
        "aliases": list(category.aliases),
        "description": category.description,
        "key": key,
    }


def standing(
    version: int | None,
    shown: Sequence[Category],
    settled: Collection[int],
    opinion: ImageSuggestions,
    likely: list[int],
) -> Opinion:
    """Return the scores and marks of one image as the page knows them; no mark where settled."""
    ids = {c.ordinal: c.id for c in shown}
    marked = [ids[o] for o in sorted(opinion.suggested) if o in ids]
    found: Opinion = {
        "version": version,
        "scores": {str(ids[o]): round(bar, 4) for o, bar in opinion.bars.items() if o in ids},
        "ranked": [ids[o] for o in sorted(opinion.ranked) if o in ids],
        "suggested": [c for c in marked if c not in settled],
        "likely": likely,
    }
    if opinion.sources:
        found["sources"] = {str(ids[o]): by for o, by in opinion.sources.items() if o in ids}
    return found
