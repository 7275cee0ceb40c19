"""Which pictures of a project the names in a label file mean, and which names are left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import ImagePath
from annotator.errors import NotFound
from annotator.formats.records import ImageRecord
from annotator.services.catalogue.name_spellings import plain
from annotator.services.catalogue.picture_names import NameMatch, PictureNames


@dataclass(frozen=True)
class Folder:
    """A folder at or below a root."""

    root: str
    path: str
    """From the root on, with slashes; empty for the root itself."""
    name: str
    """What people call it."""


Found = Sequence[tuple[ImageRecord, ImagePath]]


@dataclass(frozen=True, kw_only=True)
class MatchedNames:
    """A file's images by what became of them."""

    listed: int
    """Images of the file."""
    matched: Found
    """In the order of the file; a name and another spelling of it may both be there."""
    unmatched: Sequence[str]
    """Names that no picture of the project has."""
    ambiguous: Sequence[str]
    """A sentence for each name that several pictures could have."""
    by_root: bool
    """Whether some of those pictures lie in different roots."""
    left_out: Sequence[str]
    """A sentence for each name whose picture is not its own, or cannot be used."""
    repeated: int
    """Names that are another spelling of an earlier one."""
    inexact: Mapping[str, int]
    """Matched names that are not those of the files, by reason."""
    root: str
    """The root that the names are relative to; empty where they are relative to none."""
    folder: str
    """The label file's own folder where the names are relative to that; else empty."""


def match_names(
    records: Sequence[ImageRecord],
    names: PictureNames,
    root: str | None = None,
    beside: Folder | None = None,
) -> MatchedNames:
    """Find the pictures that a file's names mean.

    A picture file is never taken for two names: the one that fits better has it, and of names that
    fit equally well none. Where names are ambiguous but all of them are found from one root on, and
    from no other, they are relative to that root; else to the folder in which the label file lies,
    if all are found there.

    Args:
        records: The images of the file.
        names: Of the project's files.
        root: The root that the names are relative to; None if the names decide.
        beside: The folder in which the label file lies, if it is one of pictures.
    """
    chosen, folder = root, ""
    within = names if root is None else names.below(root)
    found = [within.match(record.file_name) for record in records]
    if root is None and any(match.candidates for match in found):
        chosen = _only_root(records, names)
        if chosen is not None:
            found = [names.below(chosen).match(record.file_name) for record in records]
        elif beside is not None and (own := _in_folder(records, names, beside)):
            found, folder = own, beside.name
    listed = list(zip(records, found, strict=True))
    taken, left_out, repeated = _one_name_each(listed, names)
    return MatchedNames(
        listed=len(records),
        matched=[(r, m.path) for place, (r, m) in enumerate(listed) if place in taken and m.path],
        unmatched=[r.file_name for r, m in listed if m.is_unknown],
        ambiguous=[names.ambiguity(r.file_name, m) for r, m in listed if m.candidates],
        by_root=any(len({p.root for p in m.candidates}) > 1 for m in found),
        left_out=[*left_out, *(names.refusal(r.file_name, m) for r, m in listed if m.unusable)],
        repeated=repeated,
        inexact=dict(Counter(r for place in sorted(taken) for r in found[place].reasons)),
        root=chosen or "",
        folder=folder,
    )


def root_named(name: str | None, folders: Mapping[str, Path]) -> str | None:
    """Return the root of that name, or else the one whose folder is called so.

    Raises:
        NotFound: If there is none; the message lists the roots.
    """
    if not name or name in folders:
        return name or None
    same = [root for root, folder in folders.items() if folder.name == Path(name).name]
    if len(same) == 1:
        return same[0]
    known = ", ".join(f"{root!r} ({folder})" for root, folder in folders.items())
    raise NotFound(f"There is no image folder {name!r} in this project; known: {known}.")


def folder_of(file: Path, roots: Mapping[str, Path]) -> Folder | None:
    """Return the folder in which a label file lies, if that is a root or below one."""
    folder = file.resolve().parent
    holding = [(r, f.resolve()) for r, f in roots.items() if folder.is_relative_to(f.resolve())]
    if not holding:
        return None
    root, top = max(holding, key=lambda item: len(item[1].parts))  # a root may lie in another
    path = folder.relative_to(top).as_posix()
    return Folder(root, "" if path == "." else path, folder.name)


def _in_folder(
    records: Sequence[ImageRecord], names: PictureNames, folder: Folder
) -> list[NameMatch] | None:
    """Return what the names mean relative to a folder, if all are found there."""
    within = names.below(folder.root)
    before = f"{folder.path}/" if folder.path else ""
    found = [within.match(before + record.file_name) for record in records]
    return found if all(m.whole and not m.candidates and not m.is_unknown for m in found) else None


def _only_root(records: Sequence[ImageRecord], names: PictureNames) -> str | None:
    """Return the only root from which on all names are found, if there is one."""
    fits = [
        root
        for root in names.roots
        if (within := names.below(root)) and all(_is_there(r, within) for r in records)
    ]
    return fits[0] if len(fits) == 1 else None


def _is_there(record: ImageRecord, names: PictureNames) -> bool:
    match = names.match(record.file_name)
    return match.whole and not match.candidates and not match.is_unknown


def _one_name_each(
    listed: Sequence[tuple[ImageRecord, NameMatch]], names: PictureNames
) -> tuple[set[int], list[str], int]:
    """Return the places of names that have a file to themselves, and a sentence for each other.

    Spellings of one name count as one; the last number is how many are repeated so.
    """
    places: dict[int, list[int]] = defaultdict(list)
    for place, (_, match) in enumerate(listed):
        if match.path is not None:
            places[match.path.id].append(place)
    taken: set[int] = set()
    left_out: list[str] = []
    repeated = 0
    for rivals in places.values():
        if len(rivals) == 1:
            taken.update(rivals)
            continue
        spellings: dict[str, list[int]] = defaultdict(list)
        for place in rivals:
            spellings[plain(listed[place][0].file_name)].append(place)
        groups = [_best_first(group, listed) for group in spellings.values()]
        winner = _winner(groups, listed)
        if winner is not None:
            taken.update(winner)
            repeated += len(winner) - 1
        left_out += _sentences(groups, winner, listed, names)
    return taken, left_out, repeated


Listed = Sequence[tuple[ImageRecord, NameMatch]]


def _best_first(places: list[int], listed: Listed) -> list[int]:
    return sorted(places, key=lambda p: (not listed[p][1].whole, listed[p][1].spelling, p))


def _winner(groups: Sequence[list[int]], listed: Listed) -> list[int] | None:
    """Return the spellings of the name that fits better than all others, if one does."""
    for group in groups:
        others = (listed[other[0]][1] for other in groups if other is not group)
        if all(listed[group[0]][1].beats(other) for other in others):
            return group
    return None


def _sentences(
    groups: Sequence[list[int]], winner: list[int] | None, listed: Listed, names: PictureNames
) -> Iterator[str]:
    path = listed[groups[0][0]][1].path
    assert path is not None
    written = names.written(path)
    told = [listed[group[0]][0].file_name for group in groups]
    for group, name in zip(groups, told, strict=True):
        if group is winner:
            continue
        if winner is not None:
            own = listed[winner[0]][0].file_name
            how = "itself" if plain(own) == plain(written) else f"as {own!r}"
            yield f"{name!r} would be {written}, which the file lists {how}"
        else:
            rival = next(other for other in told if other != name)
            yield f"{name!r} would be {written}, and so would {rival!r}"
