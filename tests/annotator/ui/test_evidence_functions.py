"""What the page may ask about a suggestion, and what it is told when it asks wrongly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from annotator.services.app import Services
from annotator.ui.evidence_functions import evidence_functions

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})


def ask(services: Services, data: dict[str, Any]) -> dict[str, Any]:
    (function,) = evidence_functions(services)
    assert function.__name__ == "evidence"
    return function(data, ANN)  # type: ignore[arg-type]


def test_the_page_gets_the_evidence_of_a_pair(real: Services) -> None:
    said = ask(real, {"as": "Ann", "image": 4, "category": 2})

    assert said["ok"] is True
    assert (said["image"], said["category"]) == (4, 2)
    assert "No version has been trained yet" in said["where"]["text"]


def test_a_category_that_is_gone_is_refused_in_a_sentence(real: Services) -> None:
    said = ask(real, {"image": 4, "category": 99})

    assert said["refused"] is True
    assert said["message"].endswith("reload the page.")


@pytest.mark.parametrize(
    "data", [{}, {"image": True, "category": 1}, {"image": 1, "category": "x"}]
)
def test_what_is_no_id_is_refused(real: Services, data: dict[str, Any]) -> None:
    said = ask(real, data)

    assert said["refused"] is True
    assert "reload the page" in said["message"]
