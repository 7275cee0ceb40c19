"""Which picture file a name means, in whatever spelling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from annotator.domain import ImagePath
from annotator.errors import NotFound
from annotator.services.catalogue.lookup import nearest
from annotator.services.catalogue.name_spellings import (
    NO_ENDING,
    PLAIN,
    SPELLINGS,
    Spelling,
    plain,
    spelled,
    without_ending,
)
from annotator.services.catalogue.written_names import WrittenNames

MOST_CANDIDATES = 4
"""Files that a message about an ambiguous name lists."""

BY_ENDING = "by the end of the path"
"""Reason of a match where a name has more or fewer folders than the file."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """What a name means in a project."""

    path: ImagePath | None
    """The file, if exactly one picture fits best."""
    candidates: tuple[ImagePath, ...] = ()
    """Files of several pictures that fit equally well; the name is ambiguous."""
    unusable: ImagePath | None = None
    """The file, if it holds no picture."""
    dropped: int = 0
    """Folders at the beginning of the name that the file is not known to lie in."""
    spelling: int = 0
    """Place in `SPELLINGS`."""
    whole: bool = True
    """The name is that of the file, from the root on; otherwise its ends agree."""

    def beats(self, other: NameMatch) -> bool:
        """Whether this is the better match of two."""
        if self.dropped != other.dropped:
            return self.dropped < other.dropped
        mine, theirs = (self.spelling, not self.whole), (other.spelling, not other.whole)
        return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]

    @property
    def is_unknown(self) -> bool:
        """Whether no file is called so."""
        return not (self.path or self.candidates or self.unusable)

    @property
    def reasons(self) -> list[str]:
        """Why a name that is not the file's own was taken for it."""
        reason = SPELLINGS[self.spelling].reason
        return [r for r in (reason, "" if self.whole else BY_ENDING) if r]


class PictureNames:
    """The files of a project by the names that label files and people use for them.

    A name that some file can be called by (see `WrittenNames`) means that file. Any other means the
    one picture that fits best: most of its folders agree, then from the root on rather than by the
    end, then in the strictest of `SPELLINGS`. Where several pictures fit, none is taken.
    """

    def __init__(
        self,
        paths: Iterable[ImagePath],
        folders: Mapping[str, Path] | None = None,
        *,
        names: WrittenNames | None = None,
    ) -> None:
        """Index files.

        Args:
            paths: Every path of the project.
            folders: Where the roots are, so that names that begin above a root are understood.
            names: What the files are called; None if `paths` are all of the project.
        """
        listed = sorted(paths, key=lambda p: (p.size < 0, p.id))  # files that are there first
        self._names = names or WrittenNames(
            ((p.root, p.path) for p in listed), {p.root for p in listed}
        )
        self._paths = [p for p in listed if p.image_id is not None or p.size >= 0]
        self._folders = folders or {}
        self.roots = sorted({p.root for p in self._paths})
        above = {
            r: [r, self._folders[r].as_posix() if r in self._folders else r] for r in self.roots
        }
        self._indexes = [_Index(self._paths, [p.path for p in self._paths], above)]

    def written(self, path: ImagePath) -> str:
        """Return the name of a file."""
        return self._names.of(path.root, path.path)

    def below(self, root: str) -> PictureNames:
        """Return the names of the files of one root; names are relative to it."""
        return PictureNames(self._by_root.get(root, ()), self._folders, names=self._names)

    @cached_property
    def _by_root(self) -> Mapping[str, Sequence[ImagePath]]:
        found: dict[str, list[ImagePath]] = {root: [] for root in self.roots}
        for path in self._paths:
            found[path.root].append(path)
        return found

    def match(self, name: str) -> NameMatch:
        """Return what a name means."""
        best: list[NameMatch] = []
        before: tuple[str, _Index] | None = None
        for place, key in enumerate(spelled(name)):
            if place == NO_ENDING and without_ending(key) != key:
                break
            index = self._index(place)
            if before == (key, index):
                continue  # nothing else can be found than in the spelling before
            before = None if place == 0 else (key, index)
            found = list(index.find(key, place))
            if not found or (best and not _adds(found[0], best[0])):
                continue
            best = found if not best or found[0].dropped < best[0].dropped else [*best, *found]
            if found[0].whole:
                break
        return _chosen(name, best)

    def get(self, name: str) -> ImagePath:
        """Return the path meant by a name.

        Raises:
            NotFound: If no picture or more than one is meant; the message says which.
        """
        match = self.match(name)
        if match.path is not None:
            return match.path
        if match.candidates:
            raise NotFound(f"{self.ambiguity(name, match)}; {WRITE_FOLDER}.")
        if match.unusable is not None:
            raise NotFound(self.refusal(name, match) + "; repair it or name another image.")
        known = [self.written(p) for p in self._paths[:20000] if p.image_id is not None]
        raise NotFound(f"No image {name!r} in this project; {nearest(name, known)}.")

    def ambiguity(self, name: str, match: NameMatch) -> str:
        """Return what an ambiguous name could mean, without a full stop."""
        names = [_shown(self.written(p)) for p in match.candidates]
        if len(names) > MOST_CANDIDATES:
            names[MOST_CANDIDATES:] = ["others"]
        return f"{name!r} could be {', '.join(names[:-1])} or {names[-1]}"

    def refusal(self, name: str, match: NameMatch) -> str:
        """Return why the file that a name means cannot be used, without a full stop."""
        assert match.unusable is not None
        written = self.written(match.unusable)
        which = f"{name!r} is {_shown(written)}, which" if written != name else f"{name!r}"
        return f"{which} cannot be used because it {match.unusable.problem}"

    def _index(self, place: int) -> _Index:
        while len(self._indexes) <= place:
            spelling = SPELLINGS[len(self._indexes)]
            self._indexes.append(self._indexes[-1].respelled(spelling))
        return self._indexes[place]


WRITE_FOLDER = "write the name of the folder in front of it"
"""What a person can do about an ambiguous name."""


class _Index:
    """Files by their names in one spelling."""

    def __init__(
        self,
        paths: Sequence[ImagePath],
        keys: Sequence[str],
        above: Mapping[str, Sequence[str]],
    ) -> None:
        """Index files.

        Args:
            paths: The files.
            keys: Their paths in this spelling.
            above: What may stand before them, by root: its name and its folder, likewise.
        """
        self._paths = paths
        self._keys = keys
        self._above = above
        self._folders = {root: [name.split("/") for name in found] for root, found in above.items()}
        self._whole: dict[str, list[ImagePath]] = defaultdict(list)
        for key, path in zip(keys, paths, strict=True):
            self._whole[key].append(path)

    def respelled(self, spelling: Spelling) -> _Index:
        """Return the files in the next spelling; this index if that changes none of their names."""
        keys = [spelling.of_path(key) for key in self._keys]
        above = {root: [spelling.of_name(n) for n in found] for root, found in self._above.items()}
        if (keys, above) == (self._keys, self._above):
            return self
        return _Index(self._paths, keys, above)

    def find(self, name: str, place: int) -> Iterator[NameMatch]:
        """Yield the files that fit best, all equally well.

        Args:
            name: In the spelling of this index.
            place: Of the spelling; as it is written, a name is compared as a whole only.
        """
        whole = [*self._from_root(name), *self._whole.get(name, ())]
        if whole or place == 0:
            yield from (NameMatch(path, spelling=place) for path in whole)
            return
        parts = name.split("/")
        best, found = len(parts), list[ImagePath]()
        if name in self._ends:
            best, found = 0, list(self._ends[name])
        for cut in range(1, len(parts)):
            for path in self._whole.get("/".join(parts[cut:]), ()):
                dropped = cut - self._agreeing(parts[:cut], path.root)
                if dropped < best:
                    best, found = dropped, [path]
                elif dropped == best:
                    found.append(path)
        for path in found:
            yield NameMatch(path, dropped=best, spelling=place, whole=False)

    def _from_root(self, name: str) -> Iterator[ImagePath]:
        """Yield the files that are called so with their root, where there are several."""
        for root, (key, *_) in self._above.items() if len(self._above) > 1 else ():
            if name.startswith(f"{root}/./"):  # only as it is written; other spellings have no dot
                yield from self._in_root(root, name[len(root) + 3 :])
            elif name.startswith(f"{key}/"):
                yield from self._in_root(root, name[len(key) + 1 :])

    def _in_root(self, root: str, key: str) -> Iterator[ImagePath]:
        return (p for p in self._whole.get(key, ()) if p.root == root)

    def _agreeing(self, before: Sequence[str], root: str) -> int:
        """Return how many folders before a path are those in which its root lies."""
        return max(_common(before, above) for above in self._folders[root])

    @cached_property
    def _ends(self) -> dict[str, list[ImagePath]]:
        """A file of each picture, or of many pictures, by every shorter end of its path."""
        ends: dict[str, list[ImagePath]] = {}
        for key, path in zip(self._keys, self._paths, strict=True):
            parts = key.split("/")
            for cut in range(1, len(parts)):
                have = ends.setdefault("/".join(parts[cut:]), [])
                if len(have) > MOST_CANDIDATES:
                    continue  # it is ambiguous, whatever else there is
                if all(other.image_id != path.image_id for other in have):
                    have.append(path)
        return ends


def _adds(new: NameMatch, best: NameMatch) -> bool:
    """Whether a match in a laxer spelling is better in another way, so that it must be asked."""
    if new.dropped != best.dropped:
        return new.dropped < best.dropped
    return new.whole and not best.whole


def _chosen(name: str, found: Sequence[NameMatch]) -> NameMatch:
    if not found:
        return NameMatch(None)
    if len(found) == 1 and found[0].spelling == 0 and found[0].path and found[0].path.image_id:
        return found[0]
    pictures: dict[object, ImagePath] = {}
    for match in found:
        assert match.path is not None
        path = match.path
        pictures.setdefault(path.image_id or ("unusable", path.id), path)
    if len(pictures) > 1:
        return NameMatch(None, candidates=tuple(pictures.values()))
    last = found[-1]
    first = next(m.path for m in found if (m.spelling, m.whole) == (last.spelling, last.whole))
    assert first is not None
    spelling = last.spelling
    if spelling == PLAIN and plain(name) == name and plain(first.path) == first.path:
        spelling = 0  # names are compared by their ends from the second spelling on
    usable = first.image_id is not None
    return NameMatch(
        first if usable else None,
        unusable=None if usable else first,
        dropped=last.dropped,
        spelling=spelling,
        whole=last.whole,
    )


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many parts two paths have in common at the end."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _shown(name: str) -> str:
    return name if name.isprintable() else repr(name)
