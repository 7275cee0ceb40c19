"""The words in which images are looked for: what they are, and how a line of them is read.

A line is a list of terms, all of which must hold: `present:cat -by:me labels:<5 beach`. A term is
a field and a value; several values with commas mean any of them, a minus in front the opposite. A
word without a field is looked for in the names of the files. Quotes hold together what has a space,
a comma or a colon in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from annotator.errors import AnnotatorError

LONGEST = 1_000_000
"""Characters of a line; the ids of images that were picked by hand may be many."""

ANY = "*"
"""In place of a category: any of them."""

ME = "me"
"""In place of a name: whoever asks."""


class Kind(StrEnum):
    """What the values of a field are."""

    CATEGORY = "category"
    PERSON = "person"
    NUMBER = "number"
    TIME = "time"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True)
class Field:
    """Something by which images can be looked for."""

    name: str
    kind: Kind
    text: str
    """What it finds, in a few words for the person at the screen."""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Range:
    """Numbers from one to another, both included."""

    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Term:
    """One condition."""

    field: Field
    values: tuple[str, ...]
    """As they were written, without their quotes; any of them will do."""
    is_not: bool = False


DONE, PARTLY, UNTOUCHED = "done", "partly", "untouched"
STANDINGS = (DONE, PARTLY, UNTOUCHED)
"""No category of an image is open, some are, or nothing is known of it; as `image_marks` has it."""

FLAGGED, BOOKMARKED = "flagged", "bookmarked"
"""By anybody; by whoever asks."""

DUPLICATE = "duplicate"
"""Nearly the same as another image."""

FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("present", Kind.CATEGORY, "the category is present"),
        Field("absent", Kind.CATEGORY, "the category is absent"),
        Field("unknown", Kind.CATEGORY, "nobody has answered the category"),
        Field("unsure", Kind.CATEGORY, "somebody cannot tell"),
        Field("conflict", Kind.CATEGORY, "people disagree"),
        Field("suggested", Kind.CATEGORY, "open, and the model suggests it"),
        Field("uncertain", Kind.CATEGORY, "open, and the model is not sure either way"),
        Field("labels", Kind.NUMBER, "number of categories known to be present or absent"),
        Field("positives", Kind.NUMBER, "number of categories present"),
        Field("doubt", Kind.NUMBER, "number of open categories that the model is not sure about"),
        Field("by", Kind.PERSON, "who has answered any category of it"),
        Field("answered", Kind.TIME, "when the newest label was given"),
        Field(
            "is",
            Kind.CHOICE,
            "how far the image is, flagged, bookmarked by you, or a near duplicate",
            (*STANDINGS, FLAGGED, BOOKMARKED, DUPLICATE),
        ),
        Field("mine", Kind.CHOICE, "the same, with or without answers of yours", STANDINGS),
        Field("folder", Kind.TEXT, "in a folder or below it"),
        Field("name", Kind.TEXT, "part of the file name"),
        Field("width", Kind.NUMBER, "width in pixels"),
        Field("height", Kind.NUMBER, "height in pixels"),
        Field("megapixels", Kind.NUMBER, "size in megapixels"),
        Field("id", Kind.NUMBER, "numbers of images, as in the address of the Label page"),
        Field("duplicates", Kind.NUMBER, "near duplicates of the images of these numbers"),
    )
}
"""All fields, in the order in which a page offers them."""

SORTS: Mapping[str, str] = {
    "file": "order of the project",
    "name": "name",
    "newest": "newest label first",
    "labels": "most labels first",
    "positives": "most present first",
    "doubt": "most uncertain first",
    "score": "highest score first",
    "size": "largest first",
    "duplicates": "near duplicates together",
    "like": "most similar first",
}
"""What a list can be sorted by. A minus reverses it.

`score` names a category, and `doubt` may; `like` names the numbers of images, as `id` does.
"""


@dataclass(frozen=True)
class Sort:
    """The order of a list."""

    by: str = "file"
    category: str = ""
    is_reversed: bool = False
    images: tuple[str, ...] = ()
    """Numbers of the images that others are compared with, as the values of `id`."""


_PIECE = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s",:]+)|([,:])')
_OPEN_QUOTE = "A quotation mark is not closed; add the second one."

_COMPARISON = re.compile(r"^(>=|<=|>|<|=)?(.+)$")
_AGE = re.compile(r"^(\d{1,5})(h|d|w)$")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7}


@dataclass(frozen=True)
class _Piece:
    """A part of a word: text, or a sign that stands for something."""

    text: str
    is_quoted: bool = False
    sign: str = ""


def parse(text: str) -> list[Term]:
    """Return the terms of a line.

    Raises:
        AnnotatorError: If a field does not exist, has no value or one that it cannot have.
    """
    if len(text) > LONGEST:
        raise AnnotatorError("The filter is too long; shorten it.")
    return [_term(word) for word in _words(text)]


def parse_sort(text: str) -> Sort:
    """Return the order that a text such as `-score:"traffic light"` names; empty: the usual one.

    Raises:
        AnnotatorError: If there is no such order.
    """
    if not text.strip():
        return Sort()
    pieces = [piece for word in _words(text) for piece in word]
    is_reversed = pieces[0].text.startswith("-")
    by = pieces[0].text[is_reversed:]
    names = _values(pieces[2:]) if len(pieces) > 1 and pieces[1].sign == ":" else ()
    if by == "like" and names:
        return Sort(by, "", is_reversed, _checked(FIELDS["id"], names))
    takes = {"score": (1,), "doubt": (0, 1), "like": ()}.get(by, (0,))
    if by not in SORTS or len(names) not in takes:
        raise AnnotatorError(
            f"Images cannot be sorted by {text.strip()!r}; use one of {', '.join(SORTS)}, where "
            "score names a category, as score:cat, and like the numbers of images, as like:12."
        )
    return Sort(by, names[0] if names else "", is_reversed)


def quoted(value: str) -> str:
    """Return a value as it stands in a line."""
    if value and not re.search(r'[\s",:\\]', value) and not value.startswith("-"):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def number_range(value: str) -> Range:
    """Return the numbers that a value means, such as `3`, `>=3`, `<10`, `2..5`.

    Raises:
        AnnotatorError: If it is no number.
    """
    return _range(value, lambda text: (_number(text), _number(text)))


def time_range(value: str, now: datetime) -> Range:
    """Return the times that a value means, in microseconds since 1970.

    A day is one of the time zone of the server; `7d`, `24h` and `2w` are the time up to now.

    Raises:
        AnnotatorError: If it is no time.
    """
    age = _AGE.match(value)
    if age:
        return Range(_stamp(now - timedelta(hours=int(age[1]) * _HOURS[age[2]])))
    return _range(value, lambda text: _day(text, now))


def _words(text: str) -> list[list[_Piece]]:
    words: list[list[_Piece]] = []
    place, is_new = 0, True
    while place < len(text):
        if text[place].isspace():
            place, is_new = place + 1, True
            continue
        found = _PIECE.match(text, place)
        if found is None:
            raise AnnotatorError(_OPEN_QUOTE)
        quote, plain, sign = found.groups()
        if is_new:
            words.append([])
        if quote is not None:
            words[-1].append(_Piece(re.sub(r"\\(.)", r"\1", quote), is_quoted=True))
        else:
            words[-1].append(_Piece(plain or "", sign=sign or ""))
        place, is_new = found.end(), False
    return words


def _term(word: list[_Piece]) -> Term:
    first = word[0]
    is_not = (
        first.text.startswith("-") and not first.is_quoted and (first.text, len(word)) != ("-", 1)
    )
    begin = first.text[is_not:]
    if len(word) > 1 and word[1].sign == ":" and not first.is_quoted and not first.sign:
        field = FIELDS.get(begin.lower())
        if field is None:
            raise AnnotatorError(
                f"There is no filter {begin!r}; use one of {', '.join(FIELDS)}, or put quotation "
                "marks around a file name with a colon."
            )
        return Term(field, _checked(field, _values(word[2:])), is_not)
    rest = "".join(piece.text + piece.sign for piece in word[1:])
    return Term(FIELDS["name"], (begin + first.sign + rest,), is_not)


def _values(pieces: list[_Piece]) -> tuple[str, ...]:
    values = [""]
    for piece in pieces:
        if piece.sign == ",":
            values.append("")
        else:
            values[-1] += piece.text + piece.sign
    return tuple(value for value in values if value)


def _checked(field: Field, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise AnnotatorError(f"The filter {field.name!r} lacks its value; add it after the colon.")
    for value in values:
        if field.kind is Kind.NUMBER:
            number_range(value)
        elif field.kind is Kind.TIME:
            time_range(value, datetime.now(UTC))
        elif field.kind is Kind.CHOICE and value not in field.choices:
            raise AnnotatorError(
                f"{value!r} is nothing that {field.name!r} can be; use one of "
                f"{', '.join(field.choices)}."
            )
    return values


def _range(value: str, ends: Callable[[str], tuple[float, float]]) -> Range:
    if ".." in value:
        low, _, high = value.partition("..")
        return Range(ends(low)[0] if low else -math.inf, ends(high)[1] if high else math.inf)
    found = _COMPARISON.match(value)
    if found is None:
        raise AnnotatorError(f"{value!r} is no number; write one, such as 3, >=3 or 2..5.")
    sign, (first, last) = found[1], ends(found[2])
    return {
        ">": Range(low=math.nextafter(last, math.inf)),
        ">=": Range(low=first),
        "<": Range(high=math.nextafter(first, -math.inf)),
        "<=": Range(high=last),
    }.get(sign or "", Range(first, last))


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise AnnotatorError(f"{text!r} is no number; write one, such as 3, >=3 or 2..5.")
    return found


def _day(text: str, now: datetime) -> tuple[float, float]:
    """Return the first and last microsecond of a day."""
    try:
        day = now.astimezone().date() if text == "today" else date.fromisoformat(text)
        start = datetime.combine(day, time()).astimezone()
        return _stamp(start), _stamp(start + timedelta(days=1)) - 1
    except (ValueError, OverflowError, OSError):
        raise AnnotatorError(
            f"{text!r} is no time; write a day as 2026-01-31, today, or how long ago at most, as "
            "24h, 7d or 2w."
        ) from None


def _stamp(at: datetime) -> float:
    return float((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
