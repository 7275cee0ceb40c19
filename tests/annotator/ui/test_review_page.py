from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.services.app import Services
from annotator.ui.review_page import review_functions
from annotator.ui.web.static_files import STATIC
from annotator.wire.recording import SaveRequest


@pytest.fixture
def server(real: Services) -> dict[str, Any]:
    """Return the functions that the script may call, by name."""
    change = {"image": 4, "category": 2, "state": "present"}
    real.recording.save("Chief", SaveRequest(op="a", kind="answer", changes=[change]))
    return {function.__name__: function for function in review_functions(real)}


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

    assert (start["annotator"], start["reviewer"], start["total"]) == ("Chief", False, 6)


def test_filters_and_cursor_are_passed_on(server: dict[str, Any]) -> None:
    found = server["search"]({"filters": {"category": 2}}, REQUEST)
    others = server["search"]({"filters": {"category": 3}}, REQUEST)
    later = server["search"]({"filters": {"category": 2}, "after": [0, 4, 2]}, REQUEST)

    assert [len(said["pairs"]) for said in (found, others, later)] == [1, 0, 0]


def test_pairs_are_passed_on_as_numbers(server: dict[str, Any]) -> None:
    said = server["rows"]({"pairs": [{"image": 4, "category": 2}]}, REQUEST)

    assert [(r["image"], r["category"], r["by"]) for r in said["pairs"]] == [(4, 2, "Chief")]


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
