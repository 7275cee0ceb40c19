"""All images of a project as a list: found, shown, answered in bulk, opened on other pages."""

from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from annotator.arrays.version_features import features_path
from annotator.services.catalogue.archived import Archived
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.labelling.image_answers import (
    ABSENT,
    CONFLICT,
    PRESENT,
    UNKNOWN,
    UNSURE,
    Mask,
)
from annotator.services.labelling.image_facts import ImageFacts
from annotator.services.labelling.image_filter import FIELDS, SORTS, parse, parse_sort
from annotator.services.labelling.image_list_rows import Rows
from annotator.services.labelling.image_matching import Question
from annotator.services.labelling.similar_images import SimilarImages
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    annotators,
    bookmarks,
    categories,
    derivation,
    flags,
    pair_search,
)
from annotator.wire.image_list import (
    BulkPlan,
    BulkRequest,
    ListChoices,
    ListedImages,
    ListRequest,
    ListRows,
    ListRowsRequest,
)

MOST_FOLDERS = 500
"""Folders that a page offers."""


class NamedImage(TypedDict):
    """One image of a list."""

    id: int
    name: str


class ImageList:
    """The Images page of one project, for any number of annotators."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        fills: Fills,
        clock: Clock = utc_now,
    ) -> None:
        self._project = project
        self._store = store
        self._clock = clock
        self._facts = ImageFacts(project, suggestions, fills)

    def choices(self) -> ListChoices:
        """Return what a page offers to filter by."""
        with self._store.reading() as tx:
            people = [person.name for person in annotators.every(tx)]
            folders = self._facts.folders(tx) - {""}
        return {
            "fields": [
                {"name": f.name, "kind": f.kind.value, "text": f.text, "choices": list(f.choices)}
                for f in FIELDS.values()
            ],
            "sorts": [{"name": name, "text": text} for name, text in SORTS.items()],
            "people": people,
            "folders": sorted(folders)[:MOST_FOLDERS],
        }

    def listed(self, annotator: str, request: ListRequest) -> ListedImages:
        """Return all images in use that fit a filter, in an order.

        Raises:
            AnnotatorError: If the filter or the order cannot be read, or names what is not there.
        """
        terms, sort = parse(request.filter), parse_sort(request.sort)
        with self._store.reading() as tx:
            question = self.question(tx, annotator)
            found = question.ordered(question.matching(terms), sort)
            about = question.first_category(terms, sort)
        facts = question.facts
        ids = np.zeros(facts.size, "<u4")
        ids[facts.files.rows.ordinal] = facts.files.rows.id
        return {
            "ids": base64.b64encode(ids[found].tobytes()).decode(),
            "total": len(facts.files.rows.id),
            "category": None if about is None else about.id,
            "version": facts.version,
        }

    def names(self, text: str, sort: str) -> list[NamedImage]:
        """Return the images that fit a filter, as a command without a person behind it lists them.

        Raises:
            AnnotatorError: As `listed`.
        """
        with self._store.reading() as tx:
            question = self.question(tx, "")
            found = question.ordered(question.matching(parse(text)), parse_sort(sort))
        facts = question.facts
        ids = dict(
            zip(facts.files.rows.ordinal.tolist(), facts.files.rows.id.tolist(), strict=True)
        )
        return [{"id": ids[o], "name": facts.files.names[o]} for o in found.tolist()]

    def mask(self, tx: Transaction, annotator: str, text: str) -> Mask:
        """Return which images fit a filter, `(N,)` by ordinal.

        Raises:
            AnnotatorError: As `listed`.
        """
        terms = parse(text)
        return self.question(tx, annotator).matching(terms)

    def rows(self, annotator: str, request: ListRowsRequest) -> ListRows:
        """Return what a list shows of some images; those that are not in use are left out."""
        with self._store.reading() as tx:
            question = self.question(tx, annotator)
            flagged = flags.of_images(tx, request.ids)
        about = next((c for c in question.categories if c.id == request.category), None)
        described = Rows(question, about)
        rows = []
        for image_id, ordinal in described.in_use(request.ids):
            notes = [flag.note for flag in flagged.get(image_id, ())]
            rows.append(described.row(image_id, ordinal, notes))
        return {"rows": rows}

    def plan(self, annotator: str, request: BulkRequest) -> BulkPlan:
        """Return what an answer to many images would change, before it is given.

        Raises:
            AnnotatorError: If the category is archived.
        """
        with self._store.reading() as tx:
            Archived(tx).refuse(request.category)
            question = self.question(tx, annotator)
            ordinal = categories.ordinals(tx)[request.category]
            described = Rows(question, None)
            found = np.array(described.in_use(request.ids), np.int64).reshape(-1, 2)
            states = question.facts.answers.states[found[:, 1], ordinal]
            mine = question.facts.answers.people[found[:, 1], ordinal] == question.me
            if request.state == "cleared":
                fresh = np.zeros(len(found), bool)
                changed = mine & (states != UNKNOWN) & (states != CONFLICT)
                changed |= self._is_mine(tx, found, states == CONFLICT, request.category, question)
                disputed = np.zeros(len(found), bool)
            else:
                wanted = PRESENT if request.state == "present" else ABSENT
                fresh = (states == UNKNOWN) | (states == UNSURE)
                other = (states == -wanted) | (states == CONFLICT)
                changed = other & mine & (states != CONFLICT)
                disputed = other & ~changed
            seen = _labels(tx, found[changed | disputed, 0].tolist(), request.category)
        chosen = fresh | changed | disputed
        return {
            "images": found[chosen, 0].tolist(),
            "seen": seen,
            "fresh": int(fresh.sum()),
            "changed": int(changed.sum()),
            "disputed": int(disputed.sum()),
            "same": int((~chosen).sum()),
        }

    def _is_mine(
        self,
        tx: Transaction,
        found: npt.NDArray[np.int64],
        which: Mask,
        category: int,
        question: Question,
    ) -> Mask:
        """Return in which of some pairs in conflict the person who asks has a say."""
        said = pair_search.opinions(tx, [(i, category) for i in found[which, 0].tolist()])
        own = {
            i for (i, _), each in said.items() if any(j.annotator_id == question.me for j in each)
        }
        return which & np.isin(found[:, 0], list(own))

    def question(self, tx: Transaction, annotator: str) -> Question:
        """Return what is known of all images, as somebody asks about them."""
        me, facts = annotators.id_of(tx, annotator), self._facts.now(tx)
        return Question(
            facts=facts,
            categories=categories.every(tx),
            people=annotators.every(tx),
            me=me,
            flagged=frozenset(flag.image_id for flag in flags.unresolved(tx)),
            bookmarked=frozenset(bookmarks.of(tx, me)),
            now=self._clock(),
            similar=SimilarImages(features_path(self._project, facts.version)),
        )


def _labels(tx: Transaction, image_ids: list[int], category: int) -> dict[str, int]:
    """Return the answer that is the label of each of some pairs, by image id as JSON has it."""
    labels = derivation.current(tx, [(image_id, category) for image_id in image_ids])
    return {str(i): label.answer_id for (i, _), label in labels.items() if label.answer_id}
