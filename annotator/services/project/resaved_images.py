"""New files that are pictures of the project saved again: found by what they show, and joined."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import usable_features
from annotator.domain import Image, ImagePath
from annotator.errors import NotFound
from annotator.services.catalogue.pictures import written_names
from annotator.services.message import Message, counted
from annotator.services.project.removed_images import names_of_unused
from annotator.settings import Project
from annotator.store import Store, Transaction, image_use, images
from annotator.store.image_use import Unused

ALIKE = 0.95
"""Cosine of two search vectors from which on the pictures count as one; see decision 0405."""

_OVERTAKEN = "This pair is not offered any more; list them again."
_BLOCK = 4096
_MOST = 5
"""Files that are considered for one lost image."""


class ResavedRow(TypedDict):
    """An image without a file, and the file that it seems to be now."""

    original: int
    """Id of the image that has no file."""
    copy: int
    """Id of the image of the new file."""
    old: str
    new: str
    similarity: float | None
    """Cosine of their features; None where one of the two has none yet."""
    answers: int
    """Pairs that were answered about the old one."""
    new_answers: int
    accepted: bool
    note: str


class Joined(Message):
    """What was joined or separated."""

    images: int


@dataclass(frozen=True)
class _Candidate:
    lost: Unused
    fresh: Image
    path: ImagePath
    similarity: float | None

    @property
    def rank(self) -> tuple[bool, bool, bool, float]:
        """What may be alike comes first; then the same file, then one of the same name."""
        old = self.lost.path
        likely = self.similarity is None or self.similarity >= ALIKE
        if old is None:
            return likely, False, False, self.similarity or 0.0
        namesake = PurePosixPath(old.path).name == PurePosixPath(self.path.path).name
        return likely, old.id == self.path.id, namesake, self.similarity or 0.0


class ResavedImages:
    """Finds what became of images that lost their file, and lets people say that it is so."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store

    def rows(self) -> list[ResavedRow]:
        """Return what is offered, and then what was accepted."""
        return [*self.offered(), *self.accepted()]

    def accepted(self) -> list[ResavedRow]:
        """Return what was accepted, by ordinal of the new file's image."""
        with self._store.reading() as tx:
            return list(_accepted(tx))

    def accept(self, names: Sequence[str] = (), *, everything: bool = False) -> Joined:
        """Let new files be the images that they were before: ids, answers, folds and boxes stay.

        Args:
            names: Names of old or new files, as `rows` gives them.
            everything: All that are offered and were found to be alike.

        Raises:
            NotFound: If a name is not among those that are offered; nothing is done then.
        """
        offered = self.offered()
        if not everything:
            return self._join(_chosen(names, offered, "is offered as an image saved again"))
        chosen = [row for row in offered if (row["similarity"] or 0.0) >= ALIKE]
        if not chosen:
            raise NotFound(_nothing(offered))
        return self._join(chosen)

    def accept_pairs(self, pairs: Sequence[tuple[int, int]]) -> Joined:
        """Do what `accept` does with pairs of the ids `original` and `copy`."""
        offered = {(row["original"], row["copy"]): row for row in self.offered()}
        if not offered.keys() >= set(pairs):
            raise NotFound(_OVERTAKEN)
        return self._join([offered[pair] for pair in pairs])

    def undo(self, names: Sequence[str]) -> Joined:
        """Separate images again that were accepted as one.

        Raises:
            NotFound: If a name is not among those that were accepted; nothing is done then.
        """
        chosen = _chosen(names, self.accepted(), "was accepted as an image saved again")
        return self.undo_copies([row["copy"] for row in chosen])

    def undo_copies(self, copies: Sequence[int]) -> Joined:
        """Do what `undo` does with the ids `copy`; those that are separate already stay so."""
        with self._store.writing() as tx:
            linked = {each.image.id for each, _ in image_use.linked(tx)}
            chosen = sorted(linked.intersection(copies))
            for copy in chosen:
                image_use.unlink(tx, copy)
        said = f"{_pictures(len(chosen))} separate again, each with its own answers."
        return {"images": len(chosen), "message": said}

    def _join(self, chosen: Sequence[ResavedRow]) -> Joined:
        with self._store.writing() as tx:
            for row in chosen:
                if not image_use.link(tx, row["copy"], row["original"]):
                    raise NotFound(_OVERTAKEN)
        answers = counted(sum(row["answers"] for row in chosen), "earlier answer")
        undo = "`annotator images PROJECT resaved --undo NAME` separates them again"
        said = f"{_pictures(len(chosen))} joined with {answers}; {undo}."
        return {"images": len(chosen), "message": said}

    def offered(self) -> list[ResavedRow]:
        """Return the files that seem to be images which lost theirs, the most similar first."""
        with self._store.reading() as tx:
            lost = image_use.lost(tx)
            features = usable_features(self._project.features_path) if lost else None
            found = [*_same_path(tx, lost, features), *_alike(tx, lost, features)]
            counts = image_use.standing(tx, [each.fresh.id for each in found])
            olds = names_of_unused(tx, lost)
            news = written_names(tx, [each.path for each in found])
        taken: set[int] = set()
        rows: list[ResavedRow] = []
        for each in sorted(found, key=lambda c: c.rank, reverse=True):
            if taken.isdisjoint((each.lost.image.id, each.fresh.id)):
                taken |= {each.lost.image.id, each.fresh.id}
                names = olds[each.lost.image.id], news[each.path.id]
                rows.append(_row(each, names, counts.get(each.fresh.id, 0)))
        return rows


def _same_path(
    tx: Transaction, lost: Sequence[Unused], features: FeatureFiles | None
) -> Iterator[_Candidate]:
    """Yield what lies under the last name of images: alike, different, or not compared yet."""
    there = images.many(tx, [e.path.image_id for e in lost if e.path and e.path.image_id])
    for each in lost:
        fresh = None if each.path is None else there.get(each.path.image_id or 0)
        if each.path is None or fresh is None or not fresh.in_use:
            continue
        yield _Candidate(each, fresh, each.path, _likeness(features, each.image, fresh))


def _likeness(features: FeatureFiles | None, one: Image, other: Image) -> float | None:
    """Return the cosine of two search vectors, or None while one of them is missing."""
    if features is None or not all(_has(features, each.ordinal) for each in (one, other)):
        return None
    first, second = np.asarray(features.search[[one.ordinal, other.ordinal]], np.float32)
    return round(float(first @ second), 4)


def _alike(
    tx: Transaction, lost: Sequence[Unused], features: FeatureFiles | None
) -> Iterator[_Candidate]:
    """Yield the files that came after an image was lost and are all but equal to it."""
    known = [each for each in lost if _has(features, each.image.ordinal)]
    if features is None or not known:
        return
    first = min(_since(each) for each in known)
    order = {o: i for o, i in images.order(tx).items() if o >= first and _has(features, o)}
    rows = np.array(sorted(order), np.int64)
    pairs = [
        (each, int(rows[place]), float(likeness))
        for start in range(0, len(known), _BLOCK)
        for each, places, values in _nearest(features, known[start : start + _BLOCK], rows)
        for place, likeness in zip(places, values, strict=True)
        if rows[place] >= _since(each)
    ]
    ids = sorted({order[ordinal] for _, ordinal, _ in pairs})
    there, paths = images.many(tx, ids), images.paths_of(tx, ids)
    for each, ordinal, likeness in pairs:
        fresh = there[order[ordinal]]
        yield _Candidate(each, fresh, paths[fresh.id][0], round(likeness, 4))


def _nearest(
    features: FeatureFiles, lost: Sequence[Unused], rows: npt.NDArray[np.int64]
) -> Iterator[tuple[Unused, list[int], list[float]]]:
    """Yield each image with the places of the rows that are `ALIKE`, the nearest few."""
    own = np.asarray(features.search[[each.image.ordinal for each in lost]], np.float32)
    found: list[list[tuple[float, int]]] = [[] for _ in lost]
    for start in range(0, len(rows), _BLOCK):
        part = np.asarray(features.search[rows[start : start + _BLOCK]], np.float32)
        for place, row in zip(*np.nonzero((products := own @ part.T) >= ALIKE), strict=True):
            found[place].append((float(products[place, row]), start + int(row)))
    for each, near in zip(lost, found, strict=True):
        near.sort(reverse=True)
        yield each, [row for _, row in near[:_MOST]], [value for value, _ in near[:_MOST]]


def _since(each: Unused) -> int:
    """Return the ordinal of the first image that can be this one: those before were beside it."""
    since = each.image.missing_since
    return each.image.ordinal + 1 if since is None else since


def _has(features: FeatureFiles | None, ordinal: int) -> bool:
    return features is not None and features.is_done(ordinal)


def _row(each: _Candidate, names: tuple[str, str], new_answers: int) -> ResavedRow:
    notes = []
    if each.similarity is None:
        notes.append("same file name; features are not computed yet, so look at both")
    elif each.similarity < ALIKE:
        notes.append("same file name, but it looks different; accept it by name if it is not")
    if each.lost.image.removed:
        notes.append("was removed, and would stay so")
    return {
        "original": each.lost.image.id,
        "copy": each.fresh.id,
        "old": names[0],
        "new": names[1],
        "similarity": each.similarity,
        "answers": each.lost.answers,
        "new_answers": new_answers,
        "accepted": False,
        "note": "; ".join(notes),
    }


def _accepted(tx: Transaction) -> Iterator[ResavedRow]:
    pairs = image_use.linked(tx)
    originals = images.many(tx, [original for _, original in pairs])
    formers = image_use.last_paths(tx, list(originals))
    counts = image_use.standing(tx, list(originals))
    olds, news = (
        written_names(tx, list(formers.values())),
        names_of_unused(tx, [e for e, _ in pairs]),
    )
    for each, original in pairs:
        former = formers.get(original)
        yield {
            "original": original,
            "copy": each.image.id,
            "old": f"image {original}" if former is None else olds[former.id],
            "new": news[each.image.id],
            "similarity": None,
            "answers": counts.get(original, 0),
            "new_answers": each.answers,
            "accepted": True,
            "note": "accepted",
        }


def _chosen(names: Sequence[str], rows: Sequence[ResavedRow], what: str) -> list[ResavedRow]:
    chosen = {}
    for name in names:
        fitting = [r for r in rows if r["new"] == name] or [r for r in rows if r["old"] == name]
        if len(fitting) != 1:
            found = "More than one file" if fitting else "No file"
            raise NotFound(
                f"{found} named {name!r} {what}; see `annotator images PROJECT resaved`."
            )
        chosen[fitting[0]["copy"]] = fitting[0]
    if not chosen:
        raise NotFound("Name the files; see `annotator images PROJECT resaved`.")
    return list(chosen.values())


def _nothing(offered: Sequence[ResavedRow]) -> str:
    if not offered:
        return "No new file looks like an image that has lost its file; nothing was changed."
    return (
        f"{_pictures(len(offered))} offered by file name only; look at them and accept them by "
        "name, or first run `annotator embed PROJECT` if features are missing."
    )


def _pictures(number: int) -> str:
    return "1 image is" if number == 1 else f"{number:,} images are"
