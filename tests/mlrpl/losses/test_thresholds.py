"""Learned thresholds move towards the data, from both sides, and only there."""

from __future__ import annotations

import math

import pytest
import torch

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.thresholds import Thresholds, threshold_loss


def test_by_hand_on_three_scores() -> None:
    scores = torch.tensor([[0.9], [0.2], [0.5]])
    labels = torch.tensor([[PRESENT], [ABSENT], [UNKNOWN]])

    loss = threshold_loss(scores, torch.tensor([0.4]), labels, torch.ones(3, 1) > 0, sharpness=10)

    by_hand = (math.log1p(math.exp(-5)) + math.log1p(math.exp(-2))) / 2
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("start", [-1.0, 0.0, 1.0, 3.0])
def test_a_threshold_comes_to_lie_between_absent_and_present_scores(start: float) -> None:
    torch.manual_seed(0)
    present = torch.arange(200)[:, None] % 2 == 0
    scores = torch.where(present, 0.7, 0.3) + 0.05 * torch.randn(200, 1)
    labels = torch.where(present, PRESENT, ABSENT)
    thresholds = Thresholds(1, initial=start, learned=True)
    optimizer = torch.optim.AdamW(thresholds.parameters(), lr=0.02, weight_decay=0.0)

    for _ in range(300):
        loss = threshold_loss(scores, thresholds.values, labels, labels != 0, sharpness=10)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    assert 0.4 < thresholds.values.item() < 0.6
    assert torch.equal(thresholds.exceeded(scores), present)


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.9])
def test_a_threshold_settles_where_a_pair_is_as_likely_present_as_wanted(precision: float) -> None:
    """It settled at a half, whatever pseudo labels need."""
    torch.manual_seed(0)
    scores = torch.rand(4000, 1)
    labels = torch.where(torch.rand(4000, 1) < torch.sigmoid(10 * (scores - 0.5)), PRESENT, ABSENT)
    thresholds = Thresholds(1, initial=0.2, learned=True)
    optimizer = torch.optim.AdamW(thresholds.parameters(), lr=0.02, weight_decay=0.0)

    for _ in range(300):
        optimizer.zero_grad()
        threshold_loss(
            scores, thresholds.values, labels, labels != 0, sharpness=10, precision=precision
        ).backward()
        optimizer.step()

    likely = torch.sigmoid(10 * (thresholds.values - 0.5)).item()
    assert likely == pytest.approx(precision, abs=0.03)


def test_the_gradient_points_towards_a_mistaken_label_however_far() -> None:
    thresholds = torch.tensor([1.0, 1.0], requires_grad=True)
    scores = torch.tensor([[-3.0, 5.0]])  # present far below, absent far above

    threshold_loss(
        scores, thresholds, torch.tensor([[PRESENT, ABSENT]]), scores > -9, sharpness=10
    ).backward()

    assert thresholds.grad is not None
    assert thresholds.grad[0] > 0.1  # descent lowers the first
    assert thresholds.grad[1] < -0.1  # and raises the second


def test_unknown_and_unusable_pairs_neither_cost_nor_pull() -> None:
    thresholds = torch.tensor([0.5, 0.5], requires_grad=True)
    labels = torch.tensor([[UNKNOWN, PRESENT]])

    loss = threshold_loss(
        torch.tensor([[0.9, 0.1]]),
        thresholds,
        labels,
        torch.tensor([[True, False]]),
        sharpness=10,
    )
    loss.backward()

    assert loss.item() == 0
    assert thresholds.grad is not None
    assert thresholds.grad.tolist() == [0, 0]


def test_a_fixed_threshold_has_no_gradient_and_stays_in_the_state() -> None:
    thresholds = Thresholds(2, initial=0.75, learned=False)

    assert not any(p.requires_grad for p in thresholds.parameters())
    assert thresholds.state_dict()["values"].tolist() == [0.75, 0.75]
