"""Which categories are worth being looked for by likeness."""

from __future__ import annotations

from typing import Any

import pytest

from annotator.domain import Category
from annotator.services.app import Services
from annotator.services.labelling.rare_categories import is_rare, rarest
from annotator.wire.recording import SaveRequest


def category(present: int, absent: int) -> Category:
    return Category(id=1, ordinal=0, name="pizza", present_count=present, absent_count=absent)


@pytest.mark.parametrize(
    ("present", "absent", "still_open", "said"),
    [
        pytest.param(2, 178, 139, True, id="two of 180 answered"),
        pytest.param(0, 180, 139, False, id="nothing to be like"),
        pytest.param(10, 180, 139, False, id="enough to learn from"),
        pytest.param(2, 40, 139, False, id="not looked at enough"),
        pytest.param(9, 60, 139, False, id="not rare"),
        pytest.param(2, 178, 19, False, id="next to nothing is left"),
    ],
)
def test_a_category_is_rare_that_few_of_many_answers_found(
    present: int, absent: int, still_open: int, said: bool
) -> None:
    assert is_rare(category(present, absent), still_open) is said


def test_the_counts_tell_which_categories_are_rare_and_the_rarest_comes_first(
    many: Services, monkeypatch: Any
) -> None:
    monkeypatch.setattr("annotator.services.labelling.rare_categories.LEAST_ANSWERED", 30)
    for which, found in ((1, 2), (2, 1), (3, 0)):
        changes = [
            {"image": i, "category": which, "state": "present" if i <= found else "absent"}
            for i in range(1, 36)
        ]
        many.recording.save("ann", SaveRequest(op=str(which), kind="page", changes=changes))

    counts = many.verification.counts()

    assert [counts[key]["rare"] for key in ("1", "2", "3")] == [True, True, False]
    assert rarest(counts) == [
        {"id": 2, "present": 1, "answered": 35},
        {"id": 1, "present": 2, "answered": 35},
    ]
