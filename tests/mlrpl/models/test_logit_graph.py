"""The graph network on logits against its formula, node by node."""

from __future__ import annotations

import pytest
import torch

from mlrpl.models.logit_graph import LogitGraph, mean_over_others


def drawn(categories: int, **options: int) -> LogitGraph:
    """Return a graph in float64 whose readout is not zero."""
    torch.manual_seed(0)
    graph = LogitGraph(categories, hidden=6, **options).double()
    torch.nn.init.normal_(graph.readout.weight)
    return graph


def naive(graph: LogitGraph, logits: torch.Tensor, features: torch.Tensor | None) -> torch.Tensor:
    """Return the same by a loop over nodes and, inside it, over the nodes that they hear."""
    out = torch.empty_like(logits)
    for image in range(len(logits)):
        nodes = range(logits.shape[1])
        seen = 0.0 if features is None else graph.from_features(features[image])
        states = [
            torch.tanh(graph.from_logit(logits[image, c : c + 1]) + graph.categories[c] + seen)
            for c in nodes
        ]
        for _ in range(graph.steps):
            received = []
            for c in nodes:
                heard = [graph.message(states[u]) for u in nodes if u != c]
                received.append(sum(heard) / len(heard) if heard else torch.zeros_like(states[c]))
            states = [graph.update(received[c][None], states[c][None])[0] for c in nodes]
        for c in nodes:
            out[image, c] = logits[image, c] + graph.readout(states[c])[0]
    return out


@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize(("images", "categories", "features"), [(3, 5, 0), (2, 4, 7), (1, 1, 0)])
def test_it_equals_the_loop_over_pairs_of_nodes(images, categories, features, steps) -> None:
    graph = drawn(categories, steps=steps, features=features)
    logits = 3 * torch.randn(images, categories, dtype=torch.float64)
    vectors = torch.randn(images, features, dtype=torch.float64) if features else None

    found, expected = graph(logits, vectors), naive(graph, logits, vectors)
    parameters = [p for p in graph.parameters() if steps or p is graph.readout.weight]
    pulls = [
        torch.autograd.grad(x.square().sum(), parameters, allow_unused=True)
        for x in (found, expected)
    ]

    assert torch.allclose(found, expected, rtol=0, atol=1e-10)
    for fast, slow in zip(*pulls, strict=True):
        # Where a node is alone the loop has no message at all, the fast form one that is not read.
        zero = torch.zeros(())
        assert torch.allclose(
            zero if fast is None else fast, zero if slow is None else slow, rtol=0, atol=1e-9
        )


def test_before_training_the_logits_are_as_they_were() -> None:
    logits = torch.randn(4, 3)

    assert torch.equal(LogitGraph(3)(logits), logits)


def test_every_category_hears_from_every_other_but_not_from_itself() -> None:
    messages = torch.eye(3)[None]

    heard = mean_over_others(messages)

    assert heard[0].tolist() == [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    assert mean_over_others(torch.ones(2, 1, 4)).abs().sum() == 0


def test_one_category_changes_what_is_said_of_another() -> None:
    graph = drawn(3, steps=1)
    logits = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)

    graph(logits)[0, 0].backward()

    assert (logits.grad != 0).all()


def test_features_that_it_was_built_for_must_be_there() -> None:
    with pytest.raises(ValueError, match="built for features; give them"):
        LogitGraph(2, features=3)(torch.zeros(1, 2))


def test_extreme_logits_stay_finite() -> None:
    graph = drawn(3)

    assert torch.isfinite(graph(torch.tensor([[1e4, -1e4, 0.0]], dtype=torch.float64))).all()
