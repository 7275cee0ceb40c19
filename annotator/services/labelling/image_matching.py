"""Which images fit a filter, and in which order they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays.likeness import NO_GROUP
from annotator.domain import Annotator, Category, name_key
from annotator.errors import NotFound
from annotator.services.catalogue.lookup import CategoryNames, nearest
from annotator.services.labelling import image_filter
from annotator.services.labelling.image_answers import (
    ABSENT,
    CONFLICT,
    PRESENT,
    UNKNOWN,
    UNSURE,
    Mask,
)
from annotator.services.labelling.image_facts import SUGGESTED, UNCERTAIN, Facts
from annotator.services.labelling.image_filter import (
    ANY,
    BOOKMARKED,
    DONE,
    DUPLICATE,
    FLAGGED,
    ME,
    UNTOUCHED,
    Kind,
    Range,
    Sort,
    Term,
)
from annotator.services.labelling.similar_images import SimilarImages

Floats = npt.NDArray[np.float64]

_STATES = {
    "present": PRESENT,
    "absent": ABSENT,
    "unknown": UNKNOWN,
    "unsure": UNSURE,
    "conflict": CONFLICT,
}
_OPINIONS = {"suggested": SUGGESTED, "uncertain": UNCERTAIN}


@dataclass(frozen=True)
class Question:
    """Who asks, when, and what the names in a filter stand for."""

    facts: Facts
    categories: Sequence[Category]
    """Those in use."""
    people: Sequence[Annotator]
    me: int
    flagged: frozenset[int]
    """Ids of images, by anybody."""
    bookmarked: frozenset[int]
    """Ids of images, by who asks."""
    now: datetime
    similar: SimilarImages

    def matching(self, terms: Sequence[Term]) -> Mask:
        """Return which images in use fit all terms, `(N,)`.

        Raises:
            NotFound: If a term names a category or a person that is not in the project.
        """
        mask = self.facts.in_use.copy()
        for term in terms:
            found = self._fits(term)
            mask &= ~found if term.is_not else found
        return mask

    def ordered(self, mask: Mask, sort: Sort) -> npt.NDArray[np.int64]:
        """Return the ordinals of some images in an order; ties by ordinal, unknown values last.

        Raises:
            NotFound: If the order names a category or images that are not in the project.
            AnnotatorError: If it goes by features that are not there yet.
        """
        ordinals = np.flatnonzero(mask)
        if sort.by == "file":
            return ordinals[::-1] if sort.is_reversed else ordinals
        if sort.by == "name":
            keys = self.facts.files.keys
            listed = sorted(ordinals.tolist(), key=keys.__getitem__, reverse=sort.is_reversed)
            return np.array(listed, np.int64)
        values = self._values(sort)[ordinals]
        return ordinals[np.argsort(values if sort.is_reversed else -values, kind="stable")]

    def category(self, name: str) -> Category:
        """Return the category of a name or alias.

        Raises:
            NotFound: If there is none in use.
        """
        return CategoryNames(self.categories).get(name)

    def first_category(self, terms: Sequence[Term], sort: Sort) -> Category | None:
        """Return the category that a list is about: the first that its filter or order names."""
        named = (v for t in terms if t.field.kind is Kind.CATEGORY for v in t.values if v != ANY)
        name = next(named, sort.category)
        return self.category(name) if name else None

    def _values(self, sort: Sort) -> Floats:
        """Return what images are sorted by, `(N,)`, the largest first; NaN where unknown."""
        if sort.by == "like":
            return self._likeness(sort.images)
        if sort.by == "duplicates":
            groups = self.similar.groups(self.facts.in_use)
            return np.where(groups == NO_GROUP, np.nan, -groups)
        if sort.by == "score" or sort.category:
            scores, threshold = self._scores(self.category(sort.category))
            return scores if sort.by == "score" else -np.abs(scores - threshold)
        name = "megapixels" if sort.by == "size" else sort.by
        return self._number(name)

    def _likeness(self, numbers: Sequence[str]) -> Floats:
        """Return how much each image is like some, `(N,)`; NaN without features."""
        ordinals = np.flatnonzero(self._numbered(numbers))
        if not len(ordinals):
            raise NotFound(f"There is no image {', '.join(numbers)} in this project.")
        return self.similar.likeness(ordinals.tolist(), self.facts.size)

    def _numbered(self, numbers: Sequence[str]) -> Mask:
        """Return the images in use with some numbers, `(N,)`."""
        ranges = [image_filter.number_range(number) for number in numbers]
        return _within(self._number("id"), ranges) & self.facts.in_use

    def _scores(self, category: Category) -> tuple[Floats, float]:
        """Return the raw scores of a category, `(N,)`, and its threshold."""
        found = np.full(self.facts.size, np.nan)
        arrays = self.facts.arrays
        column = None if arrays is None else arrays.columns.get(category.ordinal)
        if arrays is None or column is None:
            return found, 0.0
        scores = arrays.category_scores(category.ordinal)[: self.facts.size]
        found[: len(scores)] = scores
        return found, arrays.parameters.thresholds[column]

    def _fits(self, term: Term) -> Mask:
        kind, name = term.field.kind, term.field.name
        if name == "duplicates":
            groups = self.similar.groups(self.facts.in_use)
            ours = groups[self._numbered(term.values)]
            return np.isin(groups, ours[ours != NO_GROUP])
        if kind is Kind.NUMBER:
            ranges = [image_filter.number_range(value) for value in term.values]
            return _within(self._number(name), ranges)
        if kind is Kind.TIME:
            ranges = [image_filter.time_range(value, self.now) for value in term.values]
            newest = self.facts.answers.newest
            return _within(newest, ranges) & (newest > 0)
        one: Callable[[str], Mask] = {
            Kind.CATEGORY: lambda value: self._of_category(name, value),
            Kind.PERSON: lambda value: self.facts.answered_by(self._person(value)),
            Kind.CHOICE: lambda value: self._standing(value, is_mine=name == "mine"),
            Kind.TEXT: lambda value: self._of_text(name, name_key(value)),
        }[kind]
        return np.asarray(np.logical_or.reduce([one(value) for value in term.values]), bool)

    def _number(self, name: str) -> Floats:
        """Return a number of each image, `(N,)`."""
        facts = self.facts
        rows = facts.files.rows
        values: Mapping[str, Callable[[], npt.NDArray[Any]]] = {
            "newest": lambda: facts.answers.newest,
            "labels": lambda: facts.known,
            "positives": lambda: facts.positives,
            "doubt": lambda: facts.doubt,
            "width": lambda: self._of_files(rows.width),
            "height": lambda: self._of_files(rows.height),
            "megapixels": lambda: self._of_files(rows.width * rows.height / 1e6),
            "id": lambda: self._of_files(rows.id),
        }
        return values[name]().astype(np.float64)

    def _of_files(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values of the images in use by ordinal, `(N,)`; 0 for the others."""
        found = np.zeros(self.facts.size, values.dtype)
        found[self.facts.files.rows.ordinal] = values
        return found

    def _of_category(self, name: str, value: str) -> Mask:
        facts = self.facts
        at = list(facts.shown) if value == ANY else [self.category(value).ordinal]
        if name in _STATES:
            found = facts.answers.states[:, at] == _STATES[name]
            if name == "unknown" and facts.closed is not None:
                found &= ~facts.closed[:, at]
        else:
            found = (facts.opinions[:, at] & _OPINIONS[name]).astype(bool) & facts.open[:, at]
        return np.asarray(found.any(axis=1), bool)

    def _person(self, name: str) -> int:
        if name == ME:
            return self.me
        ids = {name_key(person.name): person.id for person in self.people}
        if name_key(name) not in ids:
            near = nearest(name, [person.name for person in self.people])
            raise NotFound(f"Nobody is called {name!r} here; {near}.")
        return ids[name_key(name)]

    def _standing(self, value: str, *, is_mine: bool) -> Mask:
        facts = self.facts
        if value in (FLAGGED, BOOKMARKED):
            ids = self.flagged if value == FLAGGED else self.bookmarked
            return self._of_files(np.isin(facts.files.rows.id, list(ids)))
        if value == DUPLICATE:
            return np.asarray(self.similar.groups(facts.in_use) != NO_GROUP, bool)
        touched = facts.touched_by(self.me) if is_mine else facts.touched_for(self.me)
        done = facts.done_for(self.me)
        if value == DONE:
            return touched & done if is_mine else done
        if value == UNTOUCHED:
            return ~touched if is_mine else ~touched & ~done
        return touched & ~done

    def _of_text(self, name: str, wanted: str) -> Mask:
        files, mask = self.facts.files, np.zeros(self.facts.size, bool)
        if name == "name":
            mask[[ordinal for ordinal, key in files.keys.items() if wanted in key]] = True
            return mask
        wanted = wanted.strip("/")
        inside = {f for f in set(files.folders.values()) if _is_below(name_key(f), wanted)}
        mask[[ordinal for ordinal, folder in files.folders.items() if folder in inside]] = True
        return mask


def _is_below(folder: str, wanted: str) -> bool:
    return not wanted or folder == wanted or folder.startswith(f"{wanted}/")


def _within(values: npt.NDArray[Any], ranges: Sequence[Range]) -> Mask:
    """Return which values lie in any of some ranges, of which there may be many."""
    ordered = sorted((each.low, each.high) for each in ranges)
    lows = np.array([low for low, _ in ordered])
    highs = np.maximum.accumulate([high for _, high in ordered])
    place = np.searchsorted(lows, values, side="right") - 1
    return np.asarray((place >= 0) & (values <= highs[np.maximum(place, 0)]), bool)
