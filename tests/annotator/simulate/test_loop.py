"""What the loop expects of a page of the grid, and how experience corrects it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.simulate.actions import Page
from annotator.simulate.loop import Pages
from mlrpl.decision.acquisition import Costs

GUESSED = np.array([True, True, False])


def person() -> Any:
    return SimpleNamespace(costs=Costs())


def doubts(first: float, second: float, third: float) -> np.ndarray:
    """Return chances of a wrong decision: 60 images alike, three categories."""
    return np.tile([first, second, third], (60, 1))


def test_the_page_with_most_wrong_decisions_comes_first_and_a_long_one_saves_switching() -> None:
    choice = Pages(3).best(person(), GUESSED, doubts(0.2, 0.4, 0.0))

    assert (choice.column, choice.size) == (1, 40)
    assert choice.expected == pytest.approx(16)
    assert choice.rate == pytest.approx(16 / (1.5 + 40 * 0.4 + 16 * 1.0))


def test_a_category_without_a_guess_has_no_page() -> None:
    choice = Pages(3).best(person(), GUESSED, doubts(0.0, 0.1, 0.9))

    assert choice.column == 1


def test_a_category_whose_pages_disappoint_loses_its_place_until_versions_pass() -> None:
    pages, wrong = Pages(3), doubts(0.3, 0.4, 0.0)
    choice = pages.best(person(), GUESSED, wrong)

    pages.learn(choice, Page(pictures=40, present=2, corrected=2))

    assert pages.best(person(), GUESSED, wrong).column == 0
    for _ in range(6):
        pages.renew()
    assert pages.best(person(), GUESSED, wrong).column == 1


def test_a_page_that_was_empty_is_not_asked_for_again_before_the_next_version() -> None:
    pages, wrong = Pages(3), doubts(0.3, 0.4, 0.0)

    pages.learn(pages.best(person(), GUESSED, wrong), Page(0, 0, 0))

    assert pages.best(person(), GUESSED, wrong).column == 0
    pages.renew()
    assert pages.best(person(), GUESSED, wrong).column == 1
