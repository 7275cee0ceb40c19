"""What the page may ask about a suggestion, and what it is told when it asks wrongly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from annotator.ui.evidence_functions import evidence_functions

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})


def ask(services: Any, data: dict[str, Any]) -> dict[str, Any]:
    (function,) = evidence_functions(services)
    assert function.__name__ == "evidence"
    return function(data, ANN)  # type: ignore[arg-type]


def test_the_page_gets_the_evidence_of_a_pair(services: Any) -> None:
    said = ask(services, {"as": "Ann", "image": 4, "category": 12})

    assert said["ok"] is True
    assert (said["image"], said["category"]) == (4, 12)
    assert said["where"] == {"text": "Nowhere."}


def test_a_category_that_is_gone_is_refused_in_a_sentence(services: Any) -> None:
    said = ask(services, {"image": 4, "category": 99})

    assert said["refused"] is True
    assert said["message"].endswith("reload the page.")


@pytest.mark.parametrize(
    "data", [{}, {"image": True, "category": 1}, {"image": 1, "category": "x"}]
)
def test_what_is_no_id_is_refused(services: Any, data: dict[str, Any]) -> None:
    said = ask(services, data)

    assert said["refused"] is True
    assert "reload the page" in said["message"]
