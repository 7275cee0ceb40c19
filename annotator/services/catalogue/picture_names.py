"""One written name for every picture file, and which file a name in any spelling means."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from annotator.domain import ImagePath
from annotator.errors import NotFound
from annotator.images.decoding import SUFFIXES
from annotator.services.catalogue.lookup import nearest

MOST_CANDIDATES = 4
"""Files that a message about an ambiguous name lists."""

MOST_CODINGS = 3
"""How often a name with % codes may have been coded."""

BY_ENDING = "by the end of the path"
"""Reason of a match where a name has more or fewer folders than the file."""


class WrittenNames:
    """The rule by which a file is called: on pages, in exports, in messages, on the command line.

    In a project with one image folder (root) it is the path below the folder. With several, it is
    the first of `path`, `root/path` and `root/./path` that no other file could be called by: as
    its path below its root, or as that with the name of the root in front. Every file counts that
    the project ever listed. So no two files share a name; and one that comes later never takes an
    old name over, it only makes it ambiguous. The dot in the third form, as in `rsync --relative`,
    says where the root ends: `valid/a.jpg` could be in the root `valid` or below another root.
    """

    def __init__(self, files: Iterable[tuple[str, str]], roots: Collection[str]) -> None:
        """Note which names are taken twice.

        Args:
            files: Root and path of every file, or of all that could share a name with those that
                `of` is asked about.
            roots: Of the project.
        """
        self._several = len(roots) > 1
        self._shared: set[str] = set()
        seen: set[str] = set()
        for root, path in files if self._several else ():
            for name in (path, f"{root}/{path}"):
                (self._shared if name in seen else seen).add(name)

    def of(self, root: str, path: str) -> str:
        """Return the name of a file."""
        if not self._several or path not in self._shared:
            return path
        full = f"{root}/{path}"
        return f"{root}/./{path}" if full in self._shared else full


class _Spelling(NamedTuple):
    """A way to compare names; those further down the list forgive more."""

    reason: str
    of_name: Callable[[str], str]
    """Of names and folders."""
    of_path: Callable[[str], str]
    """Of the paths of the project."""


def plain(name: str) -> str:
    r"""Return what the spellings of one path have in common.

    >>> plain(" .\\s//a.jpg") == plain("s/./a.jpg") == "s/a.jpg"
    True
    """
    text = unicodedata.normalize("NFC", name.strip().replace("\\", "/"))
    return posixpath.normpath(text).lstrip("/") if text else ""


def _decoded(name: str) -> str:
    """Return a name without % codes, even where they were coded again, as `%2520` for a blank."""
    text = plain(name)
    for _ in range(MOST_CODINGS if "%" in text else 0):
        # surrogates keep names apart whose bytes are no UTF-8
        text = plain(unquote(text, errors="surrogateescape"))
    return text


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", _decoded(name).casefold())


def _without_ending(path: str) -> str:
    folded = _folded(path)
    ending = PurePosixPath(folded).suffix
    return folded.removesuffix(ending) if ending in SUFFIXES else folded


SPELLINGS = (
    _Spelling("", str, str),
    _Spelling("with other separators, blanks or accents", plain, plain),
    _Spelling("with % codes", _decoded, _decoded),
    _Spelling("in another case", _folded, _folded),
    _Spelling("without ending", _folded, _without_ending),
)
_PLAIN, _NO_ENDING = 1, len(SPELLINGS) - 1


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
        self._indexes: dict[int, _Index] = {}

    def written(self, path: ImagePath) -> str:
        """Return the name of a file."""
        return self._names.of(path.root, path.path)

    def below(self, root: str) -> PictureNames:
        """Return the names of the files of one root; names are relative to it."""
        own = [p for p in self._paths if p.root == root]
        return PictureNames(own, self._folders, names=self._names)

    def match(self, name: str) -> NameMatch:
        """Return what a name means."""
        best: list[NameMatch] = []
        for place, spelling in enumerate(SPELLINGS):
            key = spelling.of_name(name)
            if place == _NO_ENDING and PurePosixPath(key).suffix in SUFFIXES:
                break
            found = list(self._index(place).find(key))
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
        more = len(names) - MOST_CANDIDATES
        if more > 0:
            names[MOST_CANDIDATES:] = [f"{more} other{'s' if more > 1 else ''}"]
        return f"{name!r} could be {', '.join(names[:-1])} or {names[-1]}"

    def refusal(self, name: str, match: NameMatch) -> str:
        """Return why the file that a name means cannot be used, without a full stop."""
        assert match.unusable is not None
        written = self.written(match.unusable)
        which = f"{name!r} is {_shown(written)}, which" if written != name else f"{name!r}"
        return f"{which} cannot be used because it {match.unusable.problem}"

    def _index(self, place: int) -> _Index:
        if place not in self._indexes:
            self._indexes[place] = _Index(place, self._paths, self.roots, self._folders)
        return self._indexes[place]


WRITE_FOLDER = "write the name of the folder in front of it"
"""What a person can do about an ambiguous name."""


class _Index:
    """Files by their names in one spelling."""

    def __init__(
        self,
        place: int,
        paths: Sequence[ImagePath],
        roots: Sequence[str],
        folders: Mapping[str, Path],
    ) -> None:
        self._place = place
        spelling = SPELLINGS[place]
        self._whole: dict[str, list[ImagePath]] = defaultdict(list)
        for path in paths:
            self._whole[spelling.of_path(path.path)].append(path)
        self._of_path = spelling.of_path
        self._roots = [(root, spelling.of_name(root)) for root in roots]
        self._above = {
            root: [
                spelling.of_name(above).split("/")
                for above in (root, folders[root].as_posix() if root in folders else "")
            ]
            for root in roots
        }

    def find(self, name: str) -> Iterator[NameMatch]:
        """Yield the files that fit best, all equally well."""
        whole = list(self._from_root(name))
        if whole or self._place == 0:
            yield from (NameMatch(p, spelling=self._place) for p in whole)
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
            yield NameMatch(path, dropped=best, spelling=self._place, whole=False)

    def _from_root(self, name: str) -> Iterator[ImagePath]:
        """Yield the files that can be called so: by path, or with the root in front."""
        several = len(self._roots) > 1
        for root, key in self._roots if several else ():
            if self._place == 0 and name.startswith(f"{root}/./"):
                yield from self._in_root(root, name[len(root) + 3 :])
            elif name.startswith(f"{key}/"):
                yield from self._in_root(root, name[len(key) + 1 :])
        yield from self._whole.get(name, ())

    def _in_root(self, root: str, key: str) -> Iterator[ImagePath]:
        return (p for p in self._whole.get(key, ()) if p.root == root)

    def _agreeing(self, before: Sequence[str], root: str) -> int:
        """Return how many folders before a path are those in which its root lies."""
        return max(_common(before, above) for above in self._above[root])

    @cached_property
    def _ends(self) -> dict[str, list[ImagePath]]:
        """Some files by every end of their path that is shorter than the whole."""
        ends: dict[str, list[ImagePath]] = {}
        for key, paths in self._whole.items():
            parts = key.split("/")
            for cut in range(1, len(parts)):
                have = ends.setdefault("/".join(parts[cut:]), [])
                if len(have) <= 2 * MOST_CANDIDATES:  # one folder may hold a file many times
                    have += paths
        return ends


def _adds(new: NameMatch, best: NameMatch) -> bool:
    """Whether a match in a laxer spelling is better in another way, so that it must be asked."""
    if new.dropped != best.dropped:
        return new.dropped < best.dropped
    return new.whole and not best.whole


def _chosen(name: str, found: Sequence[NameMatch]) -> NameMatch:
    if not found:
        return NameMatch(None)
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
    if spelling == _PLAIN and plain(name) == name and plain(first.path) == first.path:
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
