"""Co-occurrence from partial labels, and the gated network against its formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.models.graph import (
    GatedGraph,
    assume_absent_where_only_present,
    cooccurrence,
)


def labels(*rows: str) -> Tensor:
    states = {"+": PRESENT, "-": ABSENT, "?": UNKNOWN}
    return torch.tensor([[states[s] for s in row] for row in rows], dtype=torch.int8)


def test_only_images_where_both_are_known_count() -> None:
    known = labels("++", "+-", "+?", "+?", "-+")

    graph = cooccurrence(known, smoothing=1e-9)

    assert graph[0, 1].item() == pytest.approx(1 / 2)  # of "++" and "+-"
    assert graph[1, 0].item() == pytest.approx(1 / 2)  # of "++" and "-+"
    assert graph.diagonal().tolist() == [0, 0]


def test_smoothing_draws_an_entry_towards_the_prior() -> None:
    known = labels("++", "+-", "--", "--")

    graph = cooccurrence(known, smoothing=2.0)

    assert graph[0, 1].item() == pytest.approx((1 + 2 * 1 / 4) / (2 + 2))


def test_hiding_labels_at_random_does_not_shrink_the_estimate() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(400_000) < 0.5
    second = np.where(first, rng.random(400_000) < 0.6, rng.random(400_000) < 0.1)
    full = np.where(np.stack([first, second], axis=1), PRESENT, ABSENT)
    hidden = np.where(rng.random(full.shape) < 0.2, full, UNKNOWN).astype(np.int8)

    graph = cooccurrence(torch.from_numpy(hidden))

    assert graph[0, 1].item() == pytest.approx(0.6, abs=0.02)


def test_a_category_without_positives_has_the_priors_as_its_row() -> None:
    graph = cooccurrence(labels("-+-", "---", "?+-"))

    assert torch.isfinite(graph).all()
    assert graph[0].tolist() == pytest.approx([0, 2 / 3, 0])


def test_nothing_known_gives_an_empty_graph() -> None:
    assert cooccurrence(labels("??", "??")).tolist() == [[0, 0], [0, 0]]


def test_a_category_never_answered_absent_is_absent_where_an_image_was_looked_at() -> None:
    known = labels("+?", "?+", "??")
    only_present = torch.tensor([True, False])

    assumed = assume_absent_where_only_present(known, only_present)

    assert assumed.tolist() == labels("+?", "-+", "??").tolist()


def test_positives_alone_do_not_make_everything_occur_together() -> None:
    known = labels("++??", "+?+?", "+?+?", "?+??")

    graph = cooccurrence(known, smoothing=1e-9)

    assert graph[0, 1].item() == pytest.approx(1 / 3)
    assert graph[0, 2].item() == pytest.approx(2 / 3)


def test_smoothing_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="smoothing"):
        cooccurrence(labels("+-"), smoothing=0)


def one_round(h: Tensor, a: Tensor, w: dict[str, nn.Linear], u: dict[str, nn.Linear]) -> Tensor:
    """Return one image's nodes after a round, `(C, D)`, with six separate linear layers."""
    nodes = []
    for c in range(len(h)):
        onward = sum(a[c, j] * h[j] for j in range(len(h)))
        back = sum(a[j, c] * h[j] for j in range(len(h)))
        m = torch.cat([onward, back])
        z = torch.sigmoid(w["z"](m) + u["z"](h[c]))
        r = torch.sigmoid(w["r"](m) + u["r"](h[c]))
        new = torch.tanh(w["h"](m) + u["h"](r * h[c]))
        nodes.append((1 - z) * h[c] + z * new)
    return torch.stack(nodes)


def test_three_rounds_are_the_papers_and_so_are_their_gradients() -> None:
    torch.manual_seed(0)
    count, width = 4, 3
    w = {k: nn.Linear(2 * width, width).double() for k in "zrh"}
    u = {k: nn.Linear(width, width).double() for k in "zrh"}
    module = GatedGraph(count, width, steps=3).double()
    with torch.no_grad():
        module.messages.weight.copy_(torch.cat([w[k].weight for k in "zrh"]))
        module.messages.bias.copy_(torch.cat([w[k].bias + u[k].bias for k in "zrh"]))
        module.gates.weight.copy_(torch.cat([u["z"].weight, u["r"].weight]))
        module.candidate.weight.copy_(u["h"].weight)
    adjacency = torch.rand(count, count, dtype=torch.float64)
    module.set_adjacency(adjacency)
    features = torch.randn(2, count, width, dtype=torch.float64, requires_grad=True)
    again = features.detach().clone().requires_grad_()

    expected = []
    for h in features:
        for _ in range(3):
            h = one_round(h, adjacency, w, u)
        expected.append(h)
    torch.stack(expected).square().sum().backward()
    found = module(again)
    found.square().sum().backward()

    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=1e-10)
    torch.testing.assert_close(again.grad, features.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(module.candidate.weight.grad, u["h"].weight.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        module.messages.weight.grad,
        torch.cat([w[k].weight.grad for k in "zrh"]),
        rtol=0,
        atol=1e-10,
    )


def test_no_rounds_return_the_features_as_they_came() -> None:
    features = torch.randn(2, 3, 4)

    assert GatedGraph(3, 4, steps=0)(features) is features
