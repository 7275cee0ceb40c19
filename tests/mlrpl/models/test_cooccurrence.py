"""The pair network and the transfer scores against the paper's formulas, written with loops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.models import cooccurrence
from mlrpl.models.cooccurrence import PairNetwork, pair_matrix, transfer_scores

COUNT, WIDTH, REDUCED, HIDDEN = 4, 5, 3, 6


class PaperPairs(nn.Module):
    """The network with all its layers, one pair at a time."""

    def __init__(self) -> None:
        super().__init__()
        pairs = COUNT * (COUNT - 1) // 2
        self.reduce = nn.Linear(WIDTH, REDUCED)
        self.w2 = nn.Linear(2 * REDUCED, HIDDEN)
        self.w3 = nn.Linear(HIDDEN, HIDDEN)
        self.weight = nn.Parameter(torch.randn(pairs, HIDDEN))
        self.bias = nn.Parameter(torch.randn(pairs))

    def forward(self, features: Tensor) -> Tensor:
        images = []
        for image in features:
            a = [self.reduce(s) for s in image]
            logits = []
            for i in range(COUNT):
                for j in range(i + 1, COUNT):
                    g = self.w3(torch.relu(self.w2(torch.cat([a[i], a[j]]))))
                    pair = len(logits)
                    logits.append(self.weight[pair] @ g + self.bias[pair])
            images.append(torch.stack(logits))
        return torch.stack(images)


def folded(paper: PaperPairs) -> PairNetwork:
    module = PairNetwork(COUNT, WIDTH, REDUCED, HIDDEN).double()
    with torch.no_grad():
        module.reduce.load_state_dict(paper.reduce.state_dict())
        module.left.weight.copy_(paper.w2.weight[:, :REDUCED])
        module.right.weight.copy_(paper.w2.weight[:, REDUCED:])
        module.left.bias.copy_(paper.w2.bias)
        module.weight.copy_(paper.weight @ paper.w3.weight)
        module.bias.copy_(paper.bias + paper.weight @ paper.w3.bias)
    return module


@pytest.mark.parametrize("recompute_above", [2**26, 0])
def test_the_folded_network_is_the_papers_and_so_are_its_gradients(
    recompute_above: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cooccurrence, "RECOMPUTE_ABOVE", recompute_above)
    torch.manual_seed(0)
    paper = PaperPairs().double()
    module = folded(paper)
    features = torch.randn(3, COUNT, WIDTH, dtype=torch.float64, requires_grad=True)
    again = features.detach().clone().requires_grad_()

    expected, found = paper(features), module(again)
    expected.square().sum().backward()
    found.square().sum().backward()

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(again.grad, features.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(module.left.bias.grad, paper.w2.bias.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(module.bias.grad, paper.bias.grad, rtol=0, atol=1e-10)


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
