"""What logits cost on known labels, and on unknown pairs that stand in for absent answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels
from mlrpl.losses.known_risk import KnownRisk, stand_in_weight


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def test_with_enough_absent_answers_it_is_the_mean_over_known_labels() -> None:
    labels = torch.tensor([[PRESENT], [ABSENT], [ABSENT], [UNKNOWN]])
    logits = torch.tensor([[0.5], [-1.0], [2.0], [9.0]], requires_grad=True)
    risk = KnownRisk(1, unknown_ratio=2.0)
    risk.count(labels)

    cost = risk(logits, labels, torch.ones(4, 1))
    cost.backward()

    by_hand = (softplus(-0.5) + softplus(-1.0) + softplus(2.0)) / 3
    assert cost.item() == pytest.approx(by_hand, rel=1e-5)
    assert logits.grad is not None
    assert logits.grad[3].item() == 0


def test_unknown_pairs_weigh_what_absent_answers_are_missing() -> None:
    labels = torch.tensor([[PRESENT], [UNKNOWN], [UNKNOWN], [UNKNOWN], [UNKNOWN]])
    risk = KnownRisk(1, unknown_ratio=2.0)

    risk.count(labels)

    assert risk.unknown_weight.tolist() == [0.5]
    cost = risk(torch.zeros(5, 1), labels, torch.ones(5, 1))
    assert cost.item() == pytest.approx((1 + 4 * 0.5) * math.log(2), rel=1e-5)


def test_no_unknown_pair_stands_in_where_both_signs_are_answered() -> None:
    """A frequent word, 66 known present and 294 absent, had stand-ins worth 366 absents more."""
    rng = np.random.default_rng(0)
    truth = np.where(rng.random((3600, 2)) < [0.18, 0.0003], PRESENT, ABSENT).astype(np.int8)
    hidden = torch.from_numpy(hide_labels(truth, 0.1, "uniform", rng))

    assert stand_in_weight(hidden, 10.0)[0] == 0
    only_present = torch.where(hidden == ABSENT, UNKNOWN, hidden)
    present, unknown = ((only_present == sign).sum(dim=0)[0] for sign in (PRESENT, UNKNOWN))
    weight = stand_in_weight(only_present, 10.0)[0]
    assert (weight * unknown).item() == pytest.approx(10 * present.item(), rel=1e-4)


def test_a_category_with_present_answers_alone_is_not_learned_as_always_present() -> None:
    labels = torch.tensor([[PRESENT]] + [[UNKNOWN]] * 9)
    level = torch.zeros(1, requires_grad=True)
    risk = KnownRisk(1, unknown_ratio=10.0)
    risk.count(labels)
    optimizer = torch.optim.Adam([level], lr=0.1)

    for _ in range(200):
        optimizer.zero_grad()
        risk(level.expand(10, 1), labels, torch.ones(10, 1)).backward()
        optimizer.step()

    assert torch.sigmoid(level).item() == pytest.approx(0.1, abs=0.01)


def test_half_a_batch_costs_on_average_what_the_whole_does() -> None:
    torch.manual_seed(0)
    labels = torch.randint(-1, 2, (8, 3))
    logits, weights = torch.randn(8, 3), torch.rand(8, 3)
    risk = KnownRisk(3, unknown_ratio=0.0)
    risk.count(labels)

    whole = risk(logits, labels, weights)
    halves = [risk(logits[h], labels[h], weights[h]) for h in (slice(4), slice(4, 8))]

    assert (halves[0] + halves[1]).item() / 2 == pytest.approx(whole.item(), rel=1e-5)


def test_nothing_known_costs_zero() -> None:
    labels = torch.zeros(2, 2, dtype=torch.int8)
    logits = torch.randn(2, 2, requires_grad=True)
    risk = KnownRisk(2, unknown_ratio=10.0)
    risk.count(labels)

    cost = risk(logits, labels, torch.ones(2, 2))
    cost.backward()

    assert cost.item() == 0
