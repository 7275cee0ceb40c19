"""The risk of categories whose absent answers are missing."""

from __future__ import annotations

import math

import pytest
import torch

from mlrpl.losses.bce import partial_bce
from mlrpl.losses.positive_unlabelled import positive_unlabelled_risk


def naive(logits, labels, unknown_weight, weights, hidden, cap) -> float:
    total = 0.0
    for column, share in enumerate(unknown_weight):
        among_unknown = 0.0
        for row in range(len(logits)):
            z, y, w = logits[row][column], labels[row][column], weights[row][column]
            as_absent = min(math.log1p(math.exp(z)), cap)
            if y == 1:
                total += w * math.log1p(math.exp(-z))
                among_unknown -= hidden * w * as_absent
            elif y == 0:
                among_unknown += as_absent
        total += share * max(among_unknown, 0.0)
    return total


def test_it_equals_the_formula_in_loops() -> None:
    torch.manual_seed(0)
    logits, labels = 3 * torch.randn(12, 4), torch.randint(-1, 2, (12, 4))
    share, weights = torch.tensor([1.0, 0.3, 0.0, 0.7]), torch.rand(12, 4)

    for hidden, cap in ((0.0, 100.0), (0.5, 2.0), (9.0, 1.0)):
        found = positive_unlabelled_risk(logits, labels, share, weights, hidden=hidden, cap=cap)

        by_hand = naive(
            logits.tolist(), labels.tolist(), share.tolist(), weights.tolist(), hidden, cap
        )
        assert found.item() == pytest.approx(by_hand, rel=1e-5)


def test_with_full_weight_and_nothing_hidden_unknown_is_read_as_absent() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 3), torch.randint(0, 2, (6, 3))

    risk = positive_unlabelled_risk(logits, labels, torch.ones(3), cap=100.0)

    assumed = torch.where(labels == 1, 1, -1)
    assert risk.item() == pytest.approx(partial_bce(logits, assumed, reduction="sum").item())


def test_without_weight_an_unknown_label_neither_costs_nor_pulls() -> None:
    logits = torch.tensor([[2.0], [3.0]], requires_grad=True)

    risk = positive_unlabelled_risk(logits, torch.tensor([[1], [0]]), torch.zeros(1))
    risk.backward()

    assert risk.item() == pytest.approx(math.log1p(math.exp(-2.0)))
    assert logits.grad[1, 0] == 0


def test_an_unknown_pair_that_the_model_is_sure_of_is_left_alone() -> None:
    logits = torch.tensor([[9.0], [0.0]], requires_grad=True)

    positive_unlabelled_risk(logits, torch.zeros(2, 1), torch.ones(1), cap=4.0).backward()

    assert logits.grad.flatten().tolist() == [0.0, 0.5]


def test_the_cost_of_the_unknown_is_never_below_zero() -> None:
    logits = torch.tensor([[5.0], [-5.0]])

    risk = positive_unlabelled_risk(logits, torch.tensor([[1], [0]]), torch.ones(1), hidden=50.0)

    assert risk.item() == pytest.approx(math.log1p(math.exp(-5.0)))


def test_nothing_known_and_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)

    for labels in (torch.zeros(1, 2), torch.ones(1, 2)):
        risk = positive_unlabelled_risk(logits, labels, torch.ones(2))
        risk.backward()

        assert torch.isfinite(risk)
        assert torch.isfinite(logits.grad).all()


def test_known_absent_pairs_are_left_to_the_other_loss() -> None:
    risk = positive_unlabelled_risk(torch.ones(1, 1), -torch.ones(1, 1), torch.ones(1))

    assert risk.item() == 0


def test_gradients_stay_off_where_they_were_off() -> None:
    with torch.no_grad():
        positive_unlabelled_risk(torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1))

        assert not torch.is_grad_enabled()


@pytest.mark.parametrize("wrong", [{"hidden": -1.0}, {"cap": 0.0}])
def test_nonsense_is_refused(wrong) -> None:
    with pytest.raises(ValueError, match="hidden must be at least 0"):
        positive_unlabelled_risk(torch.zeros(1, 1), torch.zeros(1, 1), torch.ones(1), **wrong)
    with pytest.raises(ValueError, match="expected logits"):
        positive_unlabelled_risk(torch.zeros(1, 1), torch.zeros(1, 1), torch.ones(2))
