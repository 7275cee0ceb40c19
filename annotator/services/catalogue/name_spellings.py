"""The ways in which people and programs spell the name of one file."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from annotator.images.kinds import SUFFIXES

MOST_CODINGS = 3
"""How often a name with % codes may have been coded."""


class Spelling(NamedTuple):
    """A way to compare names; those further down the list forgive more."""

    reason: str
    of_name: Callable[[str], str]
    """From the spelling before: of names and folders."""
    of_path: Callable[[str], str]
    """Likewise of the paths of the project."""


def plain(name: str) -> str:
    r"""Return what the spellings of one path have in common.

    >>> plain(" .\\s//a.jpg") == plain("s/./a.jpg") == "s/a.jpg"
    True
    """
    if name.isascii() and not _UNTIDY.search(name):  # as nearly all are
        return name
    text = unicodedata.normalize("NFC", name.strip().replace("\\", "/"))
    return posixpath.normpath(text).lstrip("/") if text else ""


_UNTIDY = re.compile(r"\\|^[/.\s]|/[/.]|[/\s]$")


def _decoded(name: str) -> str:
    """Return a name without % codes, even where they were coded again, as `%2520` for a blank."""
    for _ in range(MOST_CODINGS if "%" in name else 0):
        # surrogates keep names apart whose bytes are no UTF-8
        name = plain(unquote(name, errors="surrogateescape"))
    return name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def without_ending(path: str) -> str:
    """Return a path in lower case without the ending of a picture."""
    stem, dot, ending = path.rpartition(".")
    return stem if dot + ending in SUFFIXES else path


SPELLINGS = (
    Spelling("", str, str),
    Spelling("with other separators, blanks or accents", plain, plain),
    Spelling("with % codes", _decoded, _decoded),
    Spelling("in another case", _folded, _folded),
    Spelling("without ending", str, without_ending),
)
PLAIN, NO_ENDING = 1, len(SPELLINGS) - 1


def spelled(name: str) -> Iterator[str]:
    """Yield a name in each of `SPELLINGS`."""
    for spelling in SPELLINGS:
        name = spelling.of_name(name)
        yield name
