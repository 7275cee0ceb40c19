"""What the script of the Verify page may call."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from annotator.services.app import Services
from annotator.store.tables import lease
from annotator.ui.label_page import label_functions
from annotator.ui.review_page import review_functions
from annotator.ui.verify_page import verify_functions

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})


def call(services: Services, name: str, data: dict[str, Any]) -> dict[str, Any]:
    functions = {f.__name__: f for f in verify_functions(services)}
    return functions[name](data, ANN)  # type: ignore[arg-type]


def test_the_page_asks_for_categories_counts_and_images(real: Services) -> None:
    assert call(real, "start", {})["annotator"] == "Ann"
    assert call(real, "counts", {})["counts"]["1"]["open"] == 6
    page = call(real, "next_page", {"tab": "t" * 99, "mode": "sweep", "category": 1})
    assert sorted(item["id"] for item in page["items"]) == [1, 2, 3, 4, 5, 6]
    with real.store.reading() as tx:
        assert set(tx.execute(sa.select(lease.c.holder)).scalars()) == {"t" * 64}


def test_what_another_page_left_unsaved_goes_where_it_belongs(real: Services) -> None:
    grid = {"op": "a", "mode": "confirm", "category": 1}
    change = {"image": 1, "state": "present"}

    page = call(real, "save", {**grid, "changes": [change]})
    answer = call(
        real, "save", {"op": "b", "kind": "answer", "changes": [{**change, "category": 2}]}
    )

    assert "agreement" in page
    assert "agreement" not in answer
    assert (page["images"]["1"].keys(), answer["images"]["1"].keys()) == ({"1"}, {"2"})


@pytest.mark.parametrize("functions", [label_functions, verify_functions, review_functions])
def test_every_call_that_may_wait_in_the_queue_is_known_once(services: Any, functions: Any) -> None:
    names = [f.__name__ for f in functions(services)]

    assert len(names) == len(set(names))
    assert {"save", "undo", "redo", "visit", "probe_answer"} <= set(names)
