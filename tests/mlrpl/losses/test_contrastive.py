"""The signs and edges of the contrastive losses, and that of prototypes against loops."""

from __future__ import annotations

import pytest
import torch

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.contrastive import instance_contrastive, prototype_contrastive


def test_by_hand_two_alike_positives_and_an_opposite_negative_cost_nothing() -> None:
    features = torch.tensor([[[1.0, 0.0]], [[3.0, 0.0]], [[-2.0, 0.0]]])

    loss = instance_contrastive(features, torch.tensor([[PRESENT], [PRESENT], [ABSENT]]))

    assert loss.item() == pytest.approx(0)


def test_two_images_without_the_category_need_not_differ() -> None:
    features = torch.ones(4, 1, 2, requires_grad=True)
    labels = torch.tensor([[ABSENT], [ABSENT], [UNKNOWN], [PRESENT]])

    loss = instance_contrastive(features, labels)
    loss.backward()

    assert loss.item() == 0
    assert features.grad is not None


def test_an_unknown_label_takes_no_part() -> None:
    features = torch.randn(3, 1, 4, requires_grad=True)

    instance_contrastive(features, torch.tensor([[PRESENT], [PRESENT], [UNKNOWN]])).backward()

    assert features.grad is not None
    assert features.grad[2].abs().sum() == 0
    assert features.grad[0].abs().sum() > 0


def test_the_prototype_loss_is_that_of_the_loops() -> None:
    torch.manual_seed(0)
    labels = torch.randint(-1, 2, (6, 3))
    available = torch.tensor([True, False, True])
    similarity = (torch.rand(6, 3, dtype=torch.float64) * 2 - 1).requires_grad_()
    again = similarity.detach().clone().requires_grad_()

    costs = []
    for b in range(6):
        for c in (0, 2):
            if labels[b, c] == PRESENT:
                costs.append(1 - similarity[b, c])
            if labels[b, c] == ABSENT:
                costs.append(1 + similarity[b, c])
    expected = torch.stack(costs).mean()
    found = prototype_contrastive(again, labels, available)
    expected.backward()
    found.backward()

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(again.grad, similarity.grad, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("label", "falls"), [(PRESENT, True), (ABSENT, False)])
def test_the_prototype_loss_falls_when_a_positive_moves_towards_its_prototype(
    label: int, falls: bool
) -> None:
    labels, available = torch.tensor([[label]]), torch.tensor([True])

    far = prototype_contrastive(torch.tensor([[0.1]]), labels, available)
    near = prototype_contrastive(torch.tensor([[0.6]]), labels, available)

    assert (near < far).item() is falls


def test_nothing_known_or_no_prototype_costs_zero_and_can_be_backpropagated() -> None:
    similarity = torch.zeros(1, 1, requires_grad=True)

    unknown = prototype_contrastive(similarity, torch.tensor([[UNKNOWN]]), torch.tensor([True]))
    without = prototype_contrastive(similarity, torch.tensor([[PRESENT]]), torch.tensor([False]))
    (unknown + without).backward()

    assert (unknown + without).item() == 0
    assert similarity.grad is not None
    assert similarity.grad.item() == 0
