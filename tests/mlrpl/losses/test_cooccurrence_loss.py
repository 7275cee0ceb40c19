"""The loss of the pair network against its formula, and the pairs it may speak about."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, hide_labels
from mlrpl.losses.cooccurrence import cooccurrence_loss, pair_targets


def by_loops(logits: Tensor, labels: Tensor) -> Tensor:
    costs = []
    for b in range(len(labels)):
        pair = 0
        for i in range(labels.shape[1]):
            for j in range(i + 1, labels.shape[1]):
                p = torch.sigmoid(logits[b, pair])
                pair += 1
                one, two = int(labels[b, i]), int(labels[b, j])
                if one == PRESENT and two == PRESENT:
                    costs.append(-((1 - p) ** 1) * torch.log(p))
                elif PRESENT in (one, two) and ABSENT in (one, two):
                    shifted = torch.clamp(p - 0.05, min=0)
                    costs.append(-(shifted**2) * torch.log(1 - shifted))
    return torch.stack(costs).mean()


def test_value_and_gradient_are_those_of_the_formula() -> None:
    torch.manual_seed(0)
    labels = torch.randint(-1, 2, (5, 6))
    logits = torch.randn(5, 15, dtype=torch.float64, requires_grad=True)
    again = logits.detach().clone().requires_grad_()

    expected, found = by_loops(logits, labels), cooccurrence_loss(again, labels)
    expected.backward()
    found.backward()

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(again.grad, logits.grad, rtol=0, atol=1e-10)


def test_a_pair_is_known_if_both_are_and_one_is_present() -> None:
    together, known = pair_targets(torch.tensor([[PRESENT, PRESENT, UNKNOWN, ABSENT, ABSENT]]))

    # Pairs 01 02 03 04 12 13 14 23 24 34.
    assert together.tolist() == [[True] + [False] * 9]
    assert known[0].nonzero()[:, 0].tolist() == [0, 2, 3, 5, 6]


def test_hiding_labels_at_random_hides_pairs_together_and_apart_alike() -> None:
    """One absent label made a pair apart known: at 10 % ten times as often as one together."""
    rng = np.random.default_rng(0)
    truth = np.where(rng.random((20000, 2)) < 0.5, PRESENT, ABSENT).astype(np.int8)
    hidden = hide_labels(truth, 0.1, "uniform", rng)

    shares = []
    for labels in (truth, hidden):
        together, known = pair_targets(torch.from_numpy(labels))
        shares.append((together.sum() / known.sum()).item())

    assert shares[0] == pytest.approx(1 / 3, abs=0.02)
    assert shares[1] == pytest.approx(shares[0], abs=0.1)


def test_a_pair_of_which_too_little_is_known_neither_costs_nor_pulls() -> None:
    labels = torch.tensor([[PRESENT, PRESENT, UNKNOWN]])
    logits = torch.tensor([[0.3, 5.0, -5.0]], requires_grad=True)

    loss = cooccurrence_loss(logits, labels)
    loss.backward()

    p = 1 / (1 + math.exp(-0.3))
    assert loss.item() == pytest.approx(-(1 - p) * math.log(p), rel=1e-5)
    assert logits.grad is not None
    assert logits.grad[0, 1:].tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(2, 3), (1, 1)])
def test_nothing_known_costs_zero_and_can_be_backpropagated(shape: tuple[int, int]) -> None:
    pairs = shape[1] * (shape[1] - 1) // 2
    logits = torch.randn(shape[0], pairs, requires_grad=True)

    loss = cooccurrence_loss(logits, torch.zeros(shape))
    loss.backward()

    assert loss.item() == 0


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4, 1e4]], requires_grad=True)
    labels = torch.tensor([[PRESENT, ABSENT, PRESENT]])

    loss = cooccurrence_loss(logits, labels) + cooccurrence_loss(-logits, labels)
    loss.backward()

    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
