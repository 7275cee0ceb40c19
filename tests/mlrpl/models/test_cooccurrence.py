"""Matrices of pairs, and transfer scores against their formula, written with loops."""

from __future__ import annotations

import torch

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.models.cooccurrence import PairNetwork, pair_matrix, transfer_scores

WIDTH, REDUCED, HIDDEN = 5, 3, 6


def test_one_category_has_no_pair() -> None:
    assert PairNetwork(1, WIDTH, REDUCED, HIDDEN)(torch.randn(2, 1, WIDTH)).shape == (2, 0)
    assert pair_matrix(torch.zeros(2, 0), 1).tolist() == [[[0.0]], [[0.0]]]


def test_pairs_fill_a_symmetric_matrix_row_by_row() -> None:
    matrix = pair_matrix(torch.tensor([[1.0, 2.0, 3.0]]), 3)

    assert matrix.tolist() == [[[0, 1, 2], [1, 0, 3], [2, 3, 0]]]


def test_a_score_is_the_mean_over_the_other_known_positives() -> None:
    probabilities = torch.rand(2, 4, 4, dtype=torch.float64, requires_grad=True)
    again = probabilities.detach().clone().requires_grad_()
    labels = torch.tensor(
        [[PRESENT, PRESENT, UNKNOWN, ABSENT], [UNKNOWN, PRESENT, ABSENT, UNKNOWN]]
    )

    expected = []
    for b in range(2):
        for c in range(4):
            others = [j for j in range(4) if j != c and labels[b, j] == PRESENT]
            total = sum((probabilities[b, c, j] for j in others), torch.tensor(0.0).double())
            expected.append(total / max(1, len(others)))
    scores, heard = transfer_scores(again, labels)
    torch.stack(expected).square().sum().backward()
    scores.square().sum().backward()

    torch.testing.assert_close(scores.flatten(), torch.stack(expected), rtol=0, atol=1e-10)
    torch.testing.assert_close(again.grad, probabilities.grad, rtol=0, atol=1e-10)
    assert heard.tolist() == [[True] * 4, [True, False, True, True]]


def test_a_category_does_not_hear_its_own_label() -> None:
    certain = torch.ones(1, 2, 2)

    scores, heard = transfer_scores(certain, torch.tensor([[PRESENT, UNKNOWN]]))

    assert scores.tolist() == [[0, 1]]
    assert heard.tolist() == [[False, True]]


def test_an_image_without_a_known_positive_is_silent() -> None:
    scores, heard = transfer_scores(torch.ones(1, 3, 3), torch.tensor([[ABSENT, UNKNOWN, ABSENT]]))

    assert scores.tolist() == [[0, 0, 0]]
    assert not heard.any()
