"""The counts of each category, the precision of its suggestions, and what comes together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from annotator.services.app import Services
from annotator.services.progress import category_report

CAT, DOG, BIRD = 1, 2, 3
ABOVE, BELOW = 3.0, -3.0

Answer = Callable[..., None]


def by_id(services: Services) -> dict[int, dict[str, Any]]:
    return {row["id"]: dict(row) for row in services.category_report.report()["categories"]}


def together(services: Services) -> list[tuple[int, ...]]:
    rows = services.category_report.report()["together"]
    return [(r["first"], r["second"], r["images"], r["of_first"], r["of_second"]) for r in rows]


def test_every_pair_of_a_category_counts_once(
    services: Services, answer: Answer, publish: Any, fill_in: Callable[..., int]
) -> None:
    publish(np.full((6, 3), [ABOVE, BELOW, ABOVE]), ranked=[2])
    answer("a", (1, CAT, "present"), (2, CAT, "absent"))
    fill_in(absent=[(2, 0)], present=[(3, 0)])

    rows = by_id(services)

    counts = ("present", "absent", "filled", "unknown", "suggested")
    assert [rows[CAT][name] for name in counts] == [1, 1, 2, 2, 2]
    assert [rows[DOG][name] for name in counts] == [0, 0, 0, 6, 0]
    assert [rows[c]["calibrated"] for c in (CAT, DOG, BIRD)] == [True, True, False]
    assert [by_id(services)[CAT][name] for name in ("right", "judged")] == [0, 0]


def test_precision_is_that_of_suggestions_on_held_out_images(
    services: Services, answer: Answer, publish: Any, hold_out: Callable[[], None]
) -> None:
    scores = np.full((6, 3), BELOW)
    scores[:5, 0] = ABOVE
    publish(scores)
    answer("a", *((i, CAT, "present") for i in range(1, 5)), (5, CAT, "absent"))
    answer("b", (6, CAT, "present"), *((i, DOG, "present") for i in range(1, 7)))
    trained_on = by_id(services)[CAT]["judged"]

    hold_out()
    services.category_report._cache._kept = None
    rows = by_id(services)

    assert (rows[CAT]["right"], rows[CAT]["judged"]) == (4, 5)
    assert rows[DOG]["judged"] == 0
    assert trained_on < 5


def test_few_suggestions_give_no_precision(
    services: Services, answer: Answer, publish: Any, hold_out: Callable[[], None]
) -> None:
    publish(np.full((6, 3), ABOVE))
    hold_out()

    answer("a", *((i, CAT, "present") for i in range(1, 5)))

    assert by_id(services)[CAT]["judged"] == 0


def test_what_comes_together_counts_images_where_both_are_answered(
    services: Services, answer: Answer
) -> None:
    answer("a", *((i, CAT, "present") for i in (1, 2, 3, 4)))
    answer("b", (1, DOG, "present"), (2, DOG, "present"), (3, DOG, "absent"))
    answer("c", (5, DOG, "present"), (5, CAT, "absent"), (1, BIRD, "present"))

    # Image 4 says nothing about dogs; of two that are as rare the first stands first.
    assert together(services) == [(DOG, CAT, 2, 3, 3), (BIRD, CAT, 1, 1, 1), (BIRD, DOG, 1, 1, 1)]


def test_chance_is_what_both_shares_would_give(
    services: Services, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("a", *((i, CAT, "present" if i <= 2 else "absent") for i in range(1, 7)))
    answer("b", *((i, DOG, "present" if i in (2, 3, 4) else "absent") for i in range(1, 7)))
    few = services.category_report.report()["together"][0]["times"]
    monkeypatch.setattr(category_report, "LEAST_KNOWN", 6)
    answer("c", (1, BIRD, "present"))

    rows = services.category_report.report()["together"]

    assert few is None
    # 2 of 6 and 3 of 6 would meet in one image of six by chance, and do in one.
    assert [r["times"] for r in rows if {r["first"], r["second"]} == {CAT, DOG}] == [1.0]


def test_an_archived_category_is_not_listed_and_a_new_one_is(
    services: Services, answer: Answer
) -> None:
    answer("a", (1, CAT, "present"), (1, DOG, "present"))
    services.curation.archive(services.curation.find("dog"), True)
    services.curation.add(["zebra"])

    report = services.category_report.report()

    assert [row["name"] for row in report["categories"]] == ["cat", "bird", "zebra"]
    assert report["together"] == []
