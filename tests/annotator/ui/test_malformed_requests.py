"""Whatever a page sends, the server answers with a sentence and records nothing half."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from annotator.arrays import likeness
from annotator.services.app import Services
from annotator.store.tables import bookmark, flag, label, operation, probe, visit
from annotator.ui.images_page import images_functions
from annotator.ui.label_page import label_functions
from annotator.ui.review_page import review_functions
from annotator.ui.verify_page import verify_functions

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})

CHANGE = {
    "category": 1, "image": 2, "state": "present", "source": "human", "score": 0.5, "seen": None,
    "after": None, "expected": None,
}  # fmt: skip
MOMENT = "2026-01-01T12:00:00Z"
QUEUED = {"op": "a", "last": None}

VALID: dict[str, dict[str, Any]] = {
    "start": {},
    "state": {},
    "categories": {},
    "counts": {},
    "next_images": {"tab": "t", "count": 2, "exclude": [1], "among": [1, 2]},
    "list_images": {"filter": "present:*", "sort": "newest"},
    "list_rows": {"ids": [1, 2], "category": 1},
    "bulk_plan": {"ids": [1, 2], "category": 1, "state": "present"},
    "map_places": {},
    "map_colours": {"by": "category", "category": 1},
    "items": {"ids": [1, 2]},
    "image_marks": {"ids": [1, 2]},
    "finished": {},
    "certificate_price": {},
    "save": {
        **QUEUED, "kind": "answer", "image": 1, "at": MOMENT, "ms": 9, "version": None,
        "changes": [CHANGE],
    },
    "undo": {**QUEUED, "target": None},
    "redo": {**QUEUED, "target": None},
    "last_step": {"call": "undo"},
    "visit": {
        **QUEUED, "image": 1, "shown": [1, 2], "opened_at": MOMENT, "closed_at": MOMENT,
    },
    "probe_answer": {"last": None, "probe": 1, "card": "c", "state": "present", "ms": 9},
    "find_images": {"text": "1"},
    "rare_categories": {},
    "history": {"image": 1, "category": 1},
    "set_hotkey": {"category": 1, "key": "c"},
    "flag": {"image": 1, "note": "blurred"},
    "resolve_flag": {"flag": 1},
    "bookmark": {"image": 1, "on": True},
    "image_information": {"image": 1, "position": False},
    "evidence": {"image": 1, "category": 1},
    "release": {"tab": "t"},
    "probe_due": {"after": 1},
    "probe_card": {"card": "d"},
    "probe_release": {"card": "d"},
    "probe_report": {},
    "next_page": {
        "category": 1, "mode": "like", "tab": "t", "count": 12, "like": 1, "shown": [1],
        "unheld": [1], "exclude": [2], "hold": True, "within": "present:*",
    },
    "search": {
        "filters": {
            "show": "all", "category": 1, "annotator": 1, "version": 0, "state": "present",
            "source": "human", "name": "png",
        },
        "after": [0.5, 1, 1], "count": 5,
    },
    "rows": {"pairs": [{"image": 1, "category": 1}]},
}  # fmt: skip
PAGE = {
    **QUEUED, "category": 1, "mode": "confirm", "at": MOMENT, "ms": 9, "version": None,
    "changes": [{"image": 2, "state": "present", "score": 0.5, "seen": None, "after": None}],
}  # fmt: skip

PAGES = images_functions, review_functions, verify_functions, label_functions
"""What offers the calls of each page; where pages have one of the same name, Label's counts."""

BAD = [
    *(None, True, -1, 7.5, 2**40, 2**70, float("nan"), "", "1", "x" * 2000, "\ud800", "\x00"),
    *([], [None], {}),
]


def broken(value: Any) -> Iterator[Any]:
    """Yield a request with one of its parts missing or replaced, for every part."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield {k: v for k, v in value.items() if k != key}
            for other in [*BAD, *broken(part)]:
                yield {**value, key: other}
    elif isinstance(value, list):
        for place, part in enumerate(value):
            for other in [*BAD, *broken(part)]:
                yield [*value[:place], other, *value[place + 1 :]]


def recorded(services: Services) -> list[int | None]:
    tables = (operation, label, visit, flag, bookmark)
    with services.store.reading() as tx:
        counts = [tx.execute(sa.select(sa.func.count()).select_from(t)).scalar() for t in tables]
        said = sa.select(sa.func.count()).where(probe.c.state.is_not(None))
        return [*counts, tx.execute(said).scalar()]


def with_map(real: Services) -> None:
    real.project.features_path.mkdir(parents=True)
    places = likeness.Comparison(np.zeros((2, 2), np.float32), np.ones(2, np.uint32))
    likeness.write(real.project.features_path, likeness.MAP, places)


@pytest.fixture
def ask(real: Services) -> Callable[[str, Any], dict[str, Any]]:
    """Return a function that calls the server as the pages do."""
    functions = {each.__name__: each for page in PAGES for each in page(real)}

    def ask(name: str, data: Any) -> dict[str, Any]:
        said = functions[name](data, ANN)  # type: ignore[arg-type]
        assert said["ok"] or said["message"]
        return said

    return ask


def test_every_call_is_broken_below(real: Services) -> None:
    assert {each.__name__ for page in PAGES for each in page(real)} == set(VALID)


@pytest.mark.parametrize(
    ("name", "data"), [*VALID.items(), ("save", PAGE)], ids=[*VALID, "save of a page"]
)
def test_a_request_that_is_broken_is_refused_and_changes_nothing(
    real: Services, ask: Callable[[str, Any], dict[str, Any]], name: str, data: dict[str, Any]
) -> None:
    if name == "resolve_flag":
        ask("flag", VALID["flag"])
    if name == "probe_answer":
        ask("probe_card", {"card": "c"})
    if name.startswith("map"):
        with_map(real)
    assert ask(name, data)["ok"], "what is broken below is sound"
    before = recorded(real)

    for number, each in enumerate(broken(data)):
        if isinstance(each.get("op"), str) and each["op"]:
            each["op"] += str(number)
        said = ask(name, each)
        after = recorded(real)

        assert "failed" not in said, each
        assert said["ok"] or after == before, each
        before = after
