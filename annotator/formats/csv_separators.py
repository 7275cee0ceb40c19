"""Takes the tags of a column of cells apart, by what the whole column shows."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NoReturn

from annotator.domain import name_key
from annotator.formats.notes import Notes
from annotator.formats.options import SEPARATORS

Refuse = Callable[[int, str], NoReturn]
"""Raises what is wrong with the cell of that place in the column."""

_BAR = SEPARATORS["bar"]
_SIGNS = {_BAR: "bar", ";": "semicolon", ",": "comma", "#": "hash", "\t": "tab"}
"""What may join tags, in the order in which it counts."""
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


def split_tags(
    cells: Sequence[str],
    *,
    separator: str | None,
    repeated: bool,
    refuse: Refuse,
    notes: Notes,
) -> list[list[str]]:
    """Return the tags of every cell, each once.

    Args:
        cells: The whole column.
        separator: What joins tags, a word of `SEPARATORS`; None: the column has to show it.
        repeated: Whether files come several times, so that a cell may well be one tag.
        refuse: Called with the place of a cell that has two meanings.
        notes: Of the file.
    """
    if separator is not None:
        sign = SEPARATORS[separator]
        found = [_pieces(cell, sign) for cell in cells]
    else:
        found = _Column(cells, repeated, refuse, notes).tags()
    return [list(dict.fromkeys(tags)) for tags in found]


class _Column:
    def __init__(self, cells: Sequence[str], repeated: bool, refuse: Refuse, notes: Notes) -> None:
        self._lists = {i: tags for i, c in enumerate(cells) if (tags := listed(c)) is not None}
        self._cells = [_without_brackets(cell) for cell in cells]
        self._repeated = repeated
        self._refuse = refuse
        self._notes = notes
        self._signs = [_signs_in(cell) if i not in self._lists else "" for i, cell in self._each()]
        counts = Counter(sign for signs in self._signs for sign in signs)
        self._main = max(counts, key=lambda sign: (sign == _BAR, counts[sign]), default="")

    def tags(self) -> list[list[str]]:
        """Return the tags of every cell."""
        found: list[list[str]] = [self._lists.get(i, []) for i, _ in self._each()]
        sure = {i: None for i, signs in enumerate(self._signs) if signs and self._main in signs}
        for i in sure:
            self._refuse_two_signs(i)
            found[i] = _pieces(self._cells[i], self._main)
        if self._lists:
            self._notes.say("Tags are read from lists in brackets.")
        if sure and self._main != _BAR:
            self._notes.say(f"Tags are read as joined by the sign {self._main!r}.")
        joined = {name_key(tag) for tags in found for tag in tags}
        rest = [i for i, cell in self._each() if i not in self._lists and i not in sure]
        alone = {name_key(self._cells[i]) for i in rest if len(self._cells[i].split()) == 1}
        for i in rest:
            found[i] = self._other(i, joined, joined | alone, bool(joined) or self._repeated)
        return found

    def _other(self, place: int, joined: set[str], known: set[str], shown: bool) -> list[str]:
        """Return the tags of a cell without the sign that joins the tags of other cells."""
        self._refuse_two_signs(place)
        cell, sign = self._cells[place].strip(), self._signs[place] or " "
        pieces = _pieces(cell, sign)
        if len(pieces) < 2 or name_key(cell) in joined:
            return [cell] if cell else []
        shown_apart = all(name_key(piece) in known for piece in pieces)
        if not shown_apart and (self._main == _BAR or (sign == " " and shown)):
            return [cell]
        if not shown_apart or (sign == " " and self._repeated):
            word = "blank" if sign == " " else _SIGNS[sign[0]]
            self._refuse(
                place,
                f"{cell!r} may be one tag or several, joined by a {word}; say which with "
                f"--separator none or --separator {word}",
            )
        self._notes.count(
            "Cells whose tags are joined by another sign or a blank, taken apart because other "
            "rows have these tags",
            repr(cell),
        )
        return pieces

    def _refuse_two_signs(self, place: int) -> None:
        signs = self._signs[place]
        if self._main != _BAR and len(signs) > 1:
            words = [_SIGNS[sign] for sign in signs]
            self._refuse(
                place,
                f"{self._cells[place]!r} may be joined by a {words[0]} or a {words[1]}; say which "
                f"with --separator {words[0]} or --separator {words[1]}",
            )

    def _each(self) -> enumerate[str]:
        return enumerate(self._cells)


def _pieces(cell: str, sign: str) -> list[str]:
    """Return what stands between the signs of a cell, without blanks around it."""
    if sign == " ":
        return cell.split()
    pieces = cell.split(sign) if sign else [cell]
    return [piece.strip() for piece in pieces if piece.strip()]


def _signs_in(cell: str) -> str:
    """Return the signs of a cell that may join tags; a # in `C#` does not.

    >>> [_signs_in(cell) for cell in ("cat, dog", "#cat #dog", "C#", "#cat, #dog", "cat;dog,")]
    [',', '#', '', ',', ';,']
    """
    found = "".join(sign for sign in _SIGNS if sign in cell and sign != "#")
    joins = cell.strip().startswith("#") or len(_pieces(cell, "#")) > 1
    return found or ("#" if "#" in cell and joins else "")


def listed(cell: str) -> list[str] | None:
    """Return the tags of a cell that holds a list as Python or JSON writes it; None: it does not.

    >>> listed("['cat', 'hot dog']"), listed("[]"), listed("cat"), listed("[cat, dog]")
    (['cat', 'hot dog'], [], None, None)
    """
    text = cell.strip()
    if len(text) < 2 or text[0] + text[-1] not in ("[]", "{}"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return [str(item).strip() for item in value if str(item).strip()]
    inner = text[1:-1]
    if _QUOTED.sub("", inner).strip(" ,;\t\r\n"):
        return None
    return [tag for one, other in _QUOTED.findall(inner) if (tag := (one or other).strip())]


def _without_brackets(cell: str) -> str:
    text = cell.strip()
    return text[1:-1] if text.startswith("[") and text.endswith("]") else cell
