"""Partial BCE by hand, by naive loops, and at its edges."""

from __future__ import annotations

import math

import pytest
import torch

from mlrpl.labels import PRESENT, UNKNOWN
from mlrpl.losses.bce import image_weight, known_share_weight, partial_bce


def naive(logits, labels, weights):
    """Return `(cost, weight)` of every known label, by category."""
    found = [[] for _ in logits[0]]
    for row in range(len(logits)):
        for column in range(len(logits[0])):
            if labels[row][column] != UNKNOWN:
                p = 1 / (1 + math.exp(-logits[row][column]))
                cost = -math.log(p if labels[row][column] == PRESENT else 1 - p)
                found[column].append((cost, weights[row][column]))
    return found


def test_an_unknown_label_neither_costs_nor_pulls() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5]], requires_grad=True)

    loss = partial_bce(logits, torch.tensor([[1, 0, -1]]))
    loss.backward()

    by_hand = (math.log1p(math.exp(-2.0)) + math.log1p(math.exp(0.5))) / 2
    assert loss.item() == pytest.approx(by_hand)
    assert logits.grad[0, 1] == 0


def test_it_equals_the_formula_in_loops_for_every_reduction() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(9, 4), torch.randint(-1, 2, (9, 4))
    weights = torch.rand(9, 4)
    each = naive(logits.tolist(), labels.tolist(), weights.tolist())
    total = sum(c * w for column in each for c, w in column)

    found = {
        r: partial_bce(logits, labels, weights, reduction=r).item()
        for r in ("sum", "mean", "per_category")
    }

    assert found["sum"] == pytest.approx(total, rel=1e-5)
    assert found["mean"] == pytest.approx(total / sum(w for x in each for _, w in x), rel=1e-5)
    assert found["per_category"] == pytest.approx(
        sum(sum(c * w for c, w in x) / sum(w for _, w in x) for x in each), rel=1e-5
    )


@pytest.mark.parametrize("reduction", ["mean", "per_category", "sum"])
def test_with_nothing_known_the_loss_is_zero_and_can_be_backpropagated(reduction) -> None:
    logits = torch.randn(2, 3, requires_grad=True)

    loss = partial_bce(logits, torch.zeros(2, 3), reduction=reduction)
    loss.backward()

    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_extreme_logits_give_finite_costs() -> None:
    logits = torch.tensor([[1e4, -1e4, 1e4]], requires_grad=True)

    loss = partial_bce(logits, torch.tensor([[-1, 1, 0]]))
    loss.backward()

    assert loss.item() == pytest.approx(1e4)
    assert torch.isfinite(logits.grad).all()


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        partial_bce(torch.zeros(2, 3), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="one shape"):
        partial_bce(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, 1))


def test_the_published_weight_of_an_image_grows_as_its_known_share_falls() -> None:
    labels = torch.zeros(3, 10, dtype=torch.int8)
    labels[0, 0] = -1
    labels[1] = 1

    assert known_share_weight(labels).flatten().tolist() == pytest.approx([5.005, 1.0, 0.0])
    assert known_share_weight(labels, 1.0, 0.0, -1.0).flatten().tolist() == pytest.approx(
        [10.0, 1.0, 0.0]
    )


@pytest.mark.parametrize(("share", "weight"), [(0.1, 5.005), (0.5, 3.225), (1.0, 1.0)])
def test_the_published_constants_give_the_published_weights(share, weight) -> None:
    labels = (torch.arange(20) < 20 * share).long()[None]

    assert image_weight(labels, "durand").item() == pytest.approx(weight)
    assert image_weight(labels, "inverse").item() == pytest.approx(1 / share)


@pytest.mark.parametrize("name", ["known", "none"])
def test_labels_count_alike_where_no_weight_is_wanted(name) -> None:
    assert image_weight(torch.zeros(3, 2), name).tolist() == [[1.0], [1.0], [1.0]]


def test_a_weight_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"unknown normalisation 'p'; known: known, .*inverse"):
        image_weight(torch.zeros(1, 1), "p")


def test_gradients_stay_off_where_they_were_off() -> None:
    with torch.no_grad():
        partial_bce(torch.zeros(1, 1), torch.ones(1, 1))

        assert not torch.is_grad_enabled()
