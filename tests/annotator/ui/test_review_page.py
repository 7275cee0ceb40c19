from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.ui.review_page import review_functions
from annotator.ui.web.static_files import STATIC


class FakeReview:
    """Says back what it was asked."""

    def start(self, annotator: str) -> dict[str, Any]:
        return {"reviewer": annotator == "Chief"}

    def search(self, annotator: str, filters: Any, after: Any, count: int) -> dict[str, Any]:
        return {"asked": [annotator, filters, after, count]}

    def rows(self, annotator: str, pairs: Any) -> list[Any]:
        return [annotator, *pairs]

    def history(self, image_id: int, category_id: int) -> dict[str, Any]:
        return {"answers": [image_id, category_id]}


@pytest.fixture
def server(services: Any) -> dict[str, Any]:
    """Return the functions that the script may call, by name."""
    services.review = FakeReview()
    return {function.__name__: function for function in review_functions(services)}


REQUEST = SimpleNamespace(cookies={"annotator_name": "Chief"})


def test_every_function_that_the_script_calls_is_offered(server: dict[str, Any]) -> None:
    scripts = [
        *(STATIC / "review").glob("*.js"),
        STATIC / "shared" / "work_screen.js",
        STATIC / "shared" / "status_line.js",
    ]
    called = {
        name for file in scripts for name in re.findall(r"server\.call\('(\w+)'", file.read_text())
    }

    assert called
    assert called | {"save", "undo", "redo"} <= set(server)


def test_the_start_joins_the_project_and_the_filters(server: dict[str, Any]) -> None:
    start = server["start"]({}, REQUEST)

    assert (start["annotator"], start["reviewer"], start["total"]) == ("Chief", True, 40)


def test_filters_and_cursor_are_passed_on(server: dict[str, Any]) -> None:
    said = server["search"]({"filters": {"category": 3}, "after": [0, 1, 2]}, REQUEST)

    assert said["asked"] == ["Chief", {"category": 3}, [0, 1, 2], 60]


def test_pairs_are_passed_on_as_numbers(server: dict[str, Any]) -> None:
    said = server["rows"]({"pairs": [{"image": 4, "category": 2}]}, REQUEST)

    assert said["pairs"] == ["Chief", (4, 2)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("search", {"filters": [1]}),
        ("search", {"after": "x"}),
        ("search", {"count": "many"}),
        ("rows", {"pairs": [{"image": "<b>", "category": 1}]}),
        ("history", {"image": 1}),
        ("items", {"image": None}),
    ],
)
def test_what_the_script_would_not_send_is_refused(
    server: dict[str, Any], name: str, data: dict[str, Any]
) -> None:
    said = server[name](data, REQUEST)

    assert said["refused"] is True
    assert "reload" in said["message"]
