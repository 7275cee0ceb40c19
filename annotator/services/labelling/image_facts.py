"""What is known of all images, as arrays in memory, for lists of them."""

from __future__ import annotations

import os.path
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, name_key
from annotator.services.background.following_cache import FollowingCache
from annotator.services.catalogue import hierarchy
from annotator.services.catalogue.written_names import WrittenNames
from annotator.services.knowledge.fills import Fill, Fills
from annotator.services.knowledge.open_pairs import CHUNK
from annotator.services.knowledge.open_suggestions import unsure_range
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.labelling import image_answers
from annotator.services.labelling.image_answers import (
    ABSENT,
    PRESENT,
    UNKNOWN,
    UNSURE,
    Answers,
    Mask,
    Numbers,
)
from annotator.settings import Project
from annotator.store import (
    Transaction,
    activity,
    categories,
    image_rows,
    picture_files,
)
from annotator.store.image_rows import ImageRows, Stand

SUGGESTED, UNCERTAIN = 1, 2
"""Bits of `Facts.opinions`."""


@dataclass(frozen=True, eq=False)
class Files:
    """The images in use and what their files are called."""

    stand: Stand
    rows: ImageRows
    names: dict[int, str]
    """By ordinal."""
    folders: dict[int, str]
    """Likewise; with the root in front where there are several."""

    @cached_property
    def keys(self) -> dict[int, str]:
        """Names without their case, by ordinal."""
        return {ordinal: name_key(name) for ordinal, name in self.names.items()}


@dataclass(frozen=True, eq=False)
class Facts:
    """One moment of a project. `N` and `C` are as in `Answers`."""

    answers: Answers
    files: Files
    opinions: npt.NDArray[np.uint8]
    """`(N, C)` bits SUGGESTED and UNCERTAIN, of answered pairs too."""
    closed: Mask | None
    """`(N, C)` what a certificate fills in or the hierarchy implies; None where nothing is."""
    arrays: VersionArrays | None
    version: int | None
    shown: tuple[int, ...]
    """Ordinals of the categories in use."""
    counted: tuple[int, ...]
    """Those, and the ones that are merged into them."""

    @property
    def size(self) -> int:
        """N."""
        return len(self.answers.states)

    @cached_property
    def in_use(self) -> Mask:
        """`(N,)`."""
        mask = np.zeros(self.size, bool)
        mask[self.files.rows.ordinal] = True
        return mask

    @cached_property
    def open(self) -> Mask:
        """`(N, C)` pairs of categories in use that somebody could still answer."""
        states = self.answers.states
        found = (states == UNKNOWN) | (states == UNSURE)
        if self.closed is not None:
            found &= ~self.closed
        hidden = np.ones(states.shape[1], bool)
        hidden[list(self.shown)] = False
        found[:, hidden] = False
        return np.asarray(found, bool)

    @cached_property
    def known(self) -> Numbers:
        """`(N,)` categories in use that are known to be present or absent."""
        states = self.answers.states[:, list(self.shown)]
        return _per_image((states == PRESENT) | (states == ABSENT))

    @cached_property
    def positives(self) -> Numbers:
        """`(N,)` categories in use that are present."""
        return _per_image(self.answers.states[:, list(self.shown)] == PRESENT)

    @cached_property
    def doubt(self) -> Numbers:
        """`(N,)` open categories that the model is not sure about."""
        return _per_image((self.opinions & UNCERTAIN).astype(bool) & self.open)

    @cached_property
    def labelled(self) -> Mask:
        """`(N,)` images with a label of a category in use, one in conflict included."""
        states = self.answers.states[:, list(self.shown)]
        return np.asarray(((states != UNKNOWN) & (states != UNSURE)).any(axis=1), bool)

    @cached_property
    def done(self) -> Mask:
        """`(N,)` images of which no category is open."""
        return np.asarray(~self.open.any(axis=1), bool)

    @cached_property
    def _unsure(self) -> tuple[npt.NDArray[np.intp], ...]:
        return np.nonzero(self.answers.states == UNSURE)

    def own_doubts(self, person: int) -> Mask:
        """Return `(N, C)` the pairs about which somebody cannot tell, and is not asked again."""
        answers, mask = self.answers, np.zeros(self.answers.states.shape, bool)
        rows, columns = self._unsure
        mine = answers.people[rows, columns] == person
        mask[rows[mine], columns[mine]] = True
        rows, columns, people = answers.others.T
        mine = (people == person) & (answers.states[rows, columns] == UNSURE)
        mask[rows[mine], columns[mine]] = True
        return mask

    def own_doubts_about(self, ordinal: int, person: int) -> Mask:
        """Return the row of `own_doubts` of one image, `(C,)`."""
        answers = self.answers
        mine = answers.people[ordinal] == person
        image, category, people = answers.others.T
        mine[category[(image == ordinal) & (people == person)]] = True
        return np.asarray(mine & (answers.states[ordinal] == UNSURE), bool)

    def answered_by(self, person: int) -> Mask:
        """Return the images about which somebody has said anything that stands, `(N,)`."""
        answers = self.answers
        mask = (answers.people[:, list(self.counted)] == person).any(axis=1)
        others = answers.others[answers.others[:, 2] == person]
        mask[others[np.isin(others[:, 1], self.counted), 0]] = True
        return np.asarray(mask & (person > 0), bool)  # 0 has said nothing, and stands for nobody

    def authors(self, ordinal: int) -> list[int]:
        """Return the ids of those who have said anything that stands about an image, ascending."""
        others = self.answers.others[self.answers.others[:, 0] == ordinal]
        found = {*self.answers.people[ordinal, list(self.counted)].tolist()}
        found.update(others[np.isin(others[:, 1], self.counted), 2].tolist())
        return sorted(found - {0})

    def touched_by(self, person: int) -> Mask:
        """Return the images with an own label or doubt of somebody, `(N,)`."""
        own = (self.answers.people == person) & (self.answers.states != UNKNOWN)
        own |= self.own_doubts(person)
        return np.asarray(own[:, list(self.shown)].any(axis=1), bool)

    def touched_for(self, person: int) -> Mask:
        """Return the images about which somebody knows anything, `(N,)`."""
        doubts = self.own_doubts(person)[:, list(self.shown)].any(axis=1)
        return np.asarray(self.labelled | doubts, bool)

    def done_for(self, person: int) -> Mask:
        """Return the images that somebody has nothing left to say about, `(N,)`."""
        doubts = self.own_doubts(person)
        done, rows = self.done.copy(), np.flatnonzero(doubts.any(axis=1))
        done[rows] = ~(self.open[rows] & ~doubts[rows]).any(axis=1)
        return done


@dataclass(frozen=True)
class _Kept:
    facts: Facts
    filled: tuple[object, ...]

    def is_made_of(
        self,
        parts: tuple[Answers, Files, VersionArrays | None],
        shown: tuple[int, ...],
        filled: tuple[object, ...],
    ) -> bool:
        own = self.facts.answers, self.facts.files, self.facts.arrays
        same = all(one is other for one, other in zip(own, parts, strict=True))
        return same and self.facts.shown == shown and self.filled == filled


class ImageFacts:
    """The facts of one project as they are now; the first look reads all labels."""

    def __init__(self, project: Project, suggestions: Suggestions, fills: Fills) -> None:
        self._project = project
        self._suggestions = suggestions
        self._fills = fills
        self._labels = FollowingCache(image_answers.read, image_answers.patched)
        self._lock = threading.Lock()
        self._files: Files | None = None
        self._kept: _Kept | None = None
        self._opinions: tuple[VersionArrays | None, tuple[int, int], npt.NDArray[np.uint8]] | None
        self._opinions = None

    def now(self, tx: Transaction) -> Facts:
        """Return the facts that a transaction sees."""
        shape = activity.shape(tx)
        answers = self._labels.current(tx, shape)
        every = categories.every(tx, archived=True)
        number, arrays = self._suggestions.current(tx)
        fills = self._fills.active(tx)
        with self._lock:
            files = self._files_now(tx)
            shown = tuple(c.ordinal for c in every if not c.archived)
            filled = tuple(fill.key for fill in fills)
            made_of = answers, files, arrays
            if self._kept is None or not self._kept.is_made_of(made_of, shown, filled):
                facts = Facts(
                    answers=answers,
                    files=files,
                    opinions=self._opinions_now(arrays, answers.states.shape),
                    closed=_closed(self._project, answers, every, fills),
                    arrays=arrays,
                    version=number,
                    shown=shown,
                    counted=_counted(every),
                )
                self._kept = _Kept(facts, filled)
            return self._kept.facts

    def folders(self, tx: Transaction) -> set[str]:
        """Return the folders of all images in use."""
        with self._lock:
            return set(self._files_now(tx).folders.values())

    def _files_now(self, tx: Transaction) -> Files:
        stand = image_rows.stand(tx)
        if self._files is None or self._files.stand != stand:
            self._files = _files(tx, stand, image_rows.in_use(tx))
        return self._files

    def _opinions_now(
        self, arrays: VersionArrays | None, shape: tuple[int, ...]
    ) -> npt.NDArray[np.uint8]:
        rows, columns = shape
        kept = self._opinions
        if kept is None or kept[0] is not arrays or kept[1] != (rows, columns):
            self._opinions = kept = arrays, (rows, columns), _opinions(arrays, rows, columns)
        return kept[2]


def _counted(every: Sequence[Category]) -> tuple[int, ...]:
    by_id = {c.id: c for c in every}

    def target(category: Category) -> Category:
        return category if category.merged_into is None else target(by_id[category.merged_into])

    return tuple(c.ordinal for c in every if not target(c).archived)


def _files(tx: Transaction, stand: Stand, rows: ImageRows) -> Files:
    found, roots = image_rows.files(tx), picture_files.roots(tx)
    written = WrittenNames(picture_files.every(tx), roots)
    names, folders = {}, {}
    for ordinal, image_id in zip(rows.ordinal.tolist(), rows.id.tolist(), strict=True):
        root, path = found.get(image_id, ("", f"image {image_id}"))
        names[ordinal] = written.of(root, path)
        folder = os.path.dirname(path)  # noqa: PTH120 - of a picture's name, not of a file here
        folders[ordinal] = f"{root}/{folder}".rstrip("/") if len(roots) > 1 else folder
    return Files(stand, rows, names, folders)


def _opinions(arrays: VersionArrays | None, rows: int, columns: int) -> npt.NDArray[np.uint8]:
    found = np.zeros((rows, columns), np.uint8)
    if arrays is None:
        return found
    low, high = unsure_range(arrays)
    places = [(c, o) for c, o in enumerate(arrays.parameters.category_ordinals) if o < columns]
    take, ordinals = [c for c, _ in places], [o for _, o in places]
    for start in range(0, min(rows, len(arrays.scores)), CHUNK):
        stop = min(rows, len(arrays.scores), start + CHUNK)
        scores = np.asarray(arrays.scores[start:stop])
        says = arrays.suggested(scores).astype(np.uint8) * SUGGESTED
        says |= ((scores >= low) & (scores < high)).astype(np.uint8) * UNCERTAIN
        found[start:stop, ordinals] = says[:, take]
    return found


def _closed(
    project: Project, answers: Answers, every: Sequence[Category], fills: Sequence[Fill]
) -> Mask | None:
    parents = hierarchy.resolve(project.settings.hierarchy, every)
    if not fills and not parents:
        return None
    rows, columns = answers.states.shape
    closed = np.zeros((rows, columns), bool)
    for start in range(0, rows if fills else 0, CHUNK):
        stop = min(rows, start + CHUNK)
        for fill in fills:
            closed[start:stop] |= fill.rows(start, stop, columns)
    return closed | _implied(answers.states, parents, {c.id: c.ordinal for c in every})


def _implied(
    states: npt.NDArray[np.int8], parents: hierarchy.Parents, ordinals: Mapping[int, int]
) -> Mask:
    """Return which pairs follow from other labels, as `hierarchy.implications` has it."""
    present, absent = np.zeros(states.shape, bool), np.zeros(states.shape, bool)
    for child, ancestors in parents.items():
        for ancestor in ancestors:
            here, there = ordinals[child], ordinals[ancestor]
            present[:, there] |= states[:, here] == PRESENT
            absent[:, here] |= states[:, there] == ABSENT
    is_open = (states == UNKNOWN) | (states == UNSURE)
    return np.asarray((present ^ absent) & is_open, bool)


def _per_image(pairs: Mask) -> Numbers:
    return np.asarray(np.count_nonzero(pairs, axis=1), np.int64)
