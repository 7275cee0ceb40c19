"""Promises of super-categories and categories: rarely any false one, and supers come first."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from mlrpl.decision.anytime_bounds import holm_in_order
from mlrpl.decision.fill_forecast import category_p_value
from mlrpl.decision.fill_plan import Promise

RISK, RATIO = 0.10, 1 / 9
"""Of the families; lost pairs over others that a promise of a tenth allows."""

BELOW, ABOVE = 20_000, 1_500
"""Pairs of a category that may be filled in as absent, and of the middle."""

LOOKS = (800, 2_400)
"""Probe answers of a category among its candidates for absent, at each look."""

MIDDLE = 300

Counts = np.ndarray


def world(rng: np.random.Generator) -> tuple[Counts, Counts]:
    """Return present pairs below and above, `(supers, categories)`.

    The first two super-categories lose one pair more than promised in all their categories, the
    third in one of them only, the others lose little.
    """
    above = rng.integers(300, 600, (5, 4))
    below = (0.1 * RATIO * above).astype(int)
    below[:2] = (RATIO * above[:2]).astype(int) + 1
    below[2, 0] = int(RATIO * above[2, 0]) + 1
    return below, above


def p_values(below: Counts, above: Counts, rng: np.random.Generator) -> list[tuple[Counts, Counts]]:
    """Return the smallest p-values so far at each look: of super-categories, of categories."""
    orders = [[rng.permutation(BELOW) < marked for marked in row] for row in below]
    found = np.array([[rng.hypergeometric(m, ABOVE - m, MIDDLE) for m in row] for row in above])
    smallest = np.ones(len(below)), np.ones(below.size)
    looks = []
    for first in LOOKS:
        hits = np.array([[order[:first].sum() for order in row] for row in orders])
        each = zip(hits.ravel(), found.ravel(), strict=True)
        single = [_p(1, first, hit, seen) for hit, seen in each]
        joint = [_p(4, first, h.sum(), f.sum()) for h, f in zip(hits, found, strict=True)]
        smallest = np.minimum(smallest[0], joint), np.minimum(smallest[1], single)
        looks.append(smallest)
    return looks


def _p(categories: int, drawn: int, hits: int, found: int) -> float:
    absent = categories * BELOW, categories * drawn, int(hits)
    middle = categories * ABOVE, categories * MIDDLE, int(found)
    return category_p_value(absent, middle, Promise(), 0.3)


def test_the_risk_holds_for_both_families_at_every_look() -> None:
    runs, false, good_supers, good_categories = 20, 0, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng([17, seed])
        below, above = world(rng)
        bad_supers = below.sum(1) > RATIO * above.sum(1)
        bad = (below > RATIO * above).ravel()
        wrong = False
        for supers, single in p_values(below, above, rng):
            first, second = holm_in_order(supers, single, RISK)
            wrong |= bool(bad_supers[first].any() or bad[second].any())
        false += wrong
        good_supers += len(first)
        good_categories += len(second)

    assert false <= binom.ppf(0.99, runs, RISK)
    assert good_supers >= 0.8 * 3 * runs  # with four times the answers of a category
    assert good_categories / (11 * runs) < good_supers / (3 * runs)


def test_true_hypotheses_are_rejected_in_no_more_runs_than_the_risk_allows() -> None:
    rng = np.random.default_rng(4)
    runs = 4_000

    wrong = {"none": 0, "all of the first": 0}
    for _ in range(runs):
        true_first, true_second = rng.random(3), rng.random(6)
        first, second = holm_in_order(true_first, true_second, RISK)
        wrong["none"] += bool(first or second)
        _, second = holm_in_order(np.zeros(3), true_second, RISK)
        wrong["all of the first"] += bool(second)

    assert wrong["none"] <= binom.ppf(0.99, runs, RISK)
    # All of the risk goes on to the second family, not only half of it.
    assert 0.06 * runs < wrong["all of the first"] <= binom.ppf(0.99, runs, RISK)


def test_without_super_categories_the_categories_have_all_of_the_risk() -> None:
    assert holm_in_order([], [0.09], RISK) == ([], [0])
    assert holm_in_order([0.5], [0.09], RISK) == ([], [])
