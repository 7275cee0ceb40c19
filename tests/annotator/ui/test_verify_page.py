"""What the script of the Verify page may call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from annotator.ui.label_page import label_functions
from annotator.ui.review_page import review_functions
from annotator.ui.verify_page import verify_functions

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})


def call(services: Any, name: str, data: dict[str, Any]) -> dict[str, Any]:
    functions = {f.__name__: f for f in verify_functions(services)}
    return functions[name](data, ANN)  # type: ignore[arg-type]


def test_the_page_asks_for_categories_counts_and_images(services: Any) -> None:
    assert call(services, "start", {})["annotator"] == "Ann"
    assert call(services, "counts", {})["counts"] == {"1": {"open": 40}}
    assert call(services, "next_page", {"tab": "t" * 99, "mode": "sweep"})["tab"] == "t" * 64


def test_what_another_page_left_unsaved_goes_where_it_belongs(services: Any) -> None:
    call(services, "save", {"op": "a", "mode": "confirm", "category": 1})
    call(services, "save", {"op": "b", "kind": "answer"})

    assert [operation["op"] for operation in services.verification.saved] == ["a"]
    assert [data["op"] for _, _, data in services.labelling.calls] == ["b"]


@pytest.mark.parametrize("functions", [label_functions, verify_functions, review_functions])
def test_every_call_that_may_wait_in_the_queue_is_known_once(services: Any, functions: Any) -> None:
    names = [f.__name__ for f in functions(services)]

    assert len(names) == len(set(names))
    assert {"save", "undo", "redo", "visit", "probe_answer"} <= set(names)
