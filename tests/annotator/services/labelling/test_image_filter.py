"""The words of a filter: what a line means, and what is said about one that means nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.errors import AnnotatorError
from annotator.services.labelling.image_filter import (
    FIELDS,
    Kind,
    Range,
    Sort,
    number_range,
    parse,
    parse_sort,
    quoted,
    time_range,
)

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def read(text: str) -> list[tuple[str, tuple[str, ...], bool]]:
    return [(term.field.name, term.values, term.is_not) for term in parse(text)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  ", []),
        ("present:cat", [("present", ("cat",), False)]),
        ("-by:me  Labels:<5", [("by", ("me",), True), ("labels", ("<5",), False)]),
        ("absent:cat,dog", [("absent", ("cat", "dog"), False)]),
        ('present:"traffic light",dog', [("present", ("traffic light", "dog"), False)]),
        ('present:"a,b"', [("present", ("a,b",), False)]),
        ("beach", [("name", ("beach",), False)]),
        ('-"a b"', [("name", ("a b",), True)]),
        ('"-x"', [("name", ("-x",), False)]),
        ('"12:30.jpg"', [("name", ("12:30.jpg",), False)]),
        ("-", [("name", ("-",), False)]),
        ("a,b.jpg", [("name", ("a,b.jpg",), False)]),
        (r'"say \"hi\""', [("name", ('say "hi"',), False)]),
        ("present:*", [("present", ("*",), False)]),
    ],
)
def test_a_line_is_read_as_its_terms(
    text: str, terms: list[tuple[str, tuple[str, ...], bool]]
) -> None:
    assert read(text) == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "no filter 'colour'"),
        ("present:", "lacks its value"),
        ('name:"open', "not closed"),
        ("labels:many", "no number"),
        ("labels:nan", "no number"),
        ("answered:soon", "no time"),
        ("answered:2026-02-31", "no time"),
        ("is:finished", "done, partly, untouched, flagged, bookmarked"),
        ("mine:flagged", "done, partly, untouched"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(AnnotatorError, match=said) as caught:
        parse(text)

    assert str(caught.value).endswith(".")


@given(st.text(max_size=60))
def test_any_line_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
        parse_sort(text)
    except AnnotatorError:
        pass


@given(st.text(min_size=1, max_size=60))
def test_a_quoted_value_is_read_as_it_was(value: str) -> None:
    assert parse(f"present:{quoted(value)}")[0].values == (value,)


@pytest.mark.parametrize(
    ("value", "inside", "outside"),
    [
        ("3", [3], [2, 4]),
        ("=3", [3], [2]),
        (">3", [4, 3.1], [3]),
        (">=3", [3, 4], [2.9]),
        ("<3", [2], [3]),
        ("<=3", [3], [3.1]),
        ("2..5", [2, 5], [1, 6]),
        ("2..", [2, 1e9], [1]),
        ("..5", [-1, 5], [6]),
    ],
)
def test_numbers(value: str, inside: list[float], outside: list[float]) -> None:
    found = number_range(value)

    assert all(found.low <= number <= found.high for number in inside)
    assert not any(found.low <= number <= found.high for number in outside)


def stamp(at: datetime) -> float:
    return at.timestamp() * 1e6


def test_times() -> None:
    day = datetime(2026, 1, 31).astimezone()

    assert time_range("7d", NOW) == Range(stamp(NOW - timedelta(days=7)), math.inf)
    assert time_range("2026-01-31", NOW) == Range(stamp(day), stamp(day + timedelta(days=1)) - 1)
    assert time_range("<2026-01-31", NOW).high < stamp(day)
    assert time_range(">2026-01-31", NOW).low >= stamp(day + timedelta(days=1)) - 1
    assert time_range("today", NOW).low <= stamp(NOW) <= time_range("today", NOW).high


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("", Sort()),
        ("newest", Sort("newest")),
        ("-size", Sort("size", is_reversed=True)),
        ("score:cat", Sort("score", "cat")),
        ('-doubt:"traffic light"', Sort("doubt", "traffic light", is_reversed=True)),
    ],
)
def test_orders(text: str, sort: Sort) -> None:
    assert parse_sort(text) == sort


@pytest.mark.parametrize("text", ["colour", "score", "name:cat", "score:a,b", "-", ":"])
def test_an_order_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(AnnotatorError, match="cannot be sorted"):
        parse_sort(text)


def test_every_field_says_what_it_finds() -> None:
    assert all(field.text for field in FIELDS.values())
    assert all(field.choices for field in FIELDS.values() if field.kind is Kind.CHOICE)
