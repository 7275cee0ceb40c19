"""Category-specific attention against the paper's formulas, written with loops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mlrpl.models import semantic_decoupling
from mlrpl.models.semantic_decoupling import SemanticDecoupling


def as_in_the_paper(
    tokens: Tensor, w1: Tensor, keys: Tensor, w3: Tensor, b3: Tensor, w4: Tensor, b4: Tensor
) -> tuple[Tensor, Tensor]:
    """Return attention and features with the layers W3 and w4 that the module folds into one."""
    batch, positions, _ = tokens.shape
    attention, features = [], []
    for b in range(batch):
        for key in keys:
            logits = []
            for n in range(positions):
                z = torch.tanh((w1 @ tokens[b, n]) * key)
                logits.append(w4 @ (w3 @ z + b3) + b4)
            weights = torch.stack(logits).softmax(dim=0)
            attention.append(weights)
            features.append(sum(weights[n] * tokens[b, n] for n in range(positions)))
    shape = (batch, len(keys), -1)
    return torch.stack(attention).view(shape), torch.stack(features).view(shape)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture
def paper() -> dict[str, Tensor]:
    """The paper's weights for tokens of width 5, hidden width 4 and 7 categories."""
    return {
        "w1": drawn(4, 5, seed=1),
        "keys": drawn(7, 4, seed=2),
        "w3": drawn(4, 4, seed=3),
        "b3": drawn(4, seed=4),
        "w4": drawn(4, seed=5),
        "b4": torch.tensor(0.7, dtype=torch.float64),
    }


def folded(paper: dict[str, Tensor], chunk: int = 3) -> SemanticDecoupling:
    module = SemanticDecoupling(len(paper["keys"]), 5, 4, chunk=chunk).double()
    with torch.no_grad():
        module.token_keys.weight.copy_(paper["w1"])
        module.free_keys.copy_(paper["keys"])
        module.direction.copy_(paper["w3"].T @ paper["w4"])
    return module


def test_the_folded_form_is_the_papers_attention(paper: dict[str, Tensor]) -> None:
    tokens = drawn(2, 6, 5)

    attention, features = as_in_the_paper(tokens, **paper)
    module = folded(paper)

    torch.testing.assert_close(module.attention(tokens), attention, rtol=0, atol=1e-10)
    torch.testing.assert_close(module(tokens), features, rtol=0, atol=1e-10)


def test_the_folded_form_has_the_papers_gradients(paper: dict[str, Tensor]) -> None:
    tokens = drawn(2, 6, 5).requires_grad_()
    again = tokens.detach().clone().requires_grad_()
    pull = drawn(2, 7, 5, seed=9)
    for name in ("w1", "keys"):
        paper[name].requires_grad_()

    (as_in_the_paper(tokens, **paper)[1] * pull).sum().backward()
    module = folded(paper)
    (module(again) * pull).sum().backward()

    torch.testing.assert_close(again.grad, tokens.grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(module.token_keys.weight.grad, paper["w1"].grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(module.free_keys.grad, paper["keys"].grad, rtol=0, atol=1e-10)


def test_recomputing_chunks_changes_neither_values_nor_gradients(
    paper: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = drawn(2, 6, 5)
    kept, recomputed = folded(paper, chunk=16), folded(paper, chunk=2)

    kept(tokens).square().sum().backward()
    monkeypatch.setattr(semantic_decoupling, "RECOMPUTE_ABOVE", 0)
    recomputed(tokens).square().sum().backward()

    for one, other in zip(kept.parameters(), recomputed.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-10)


def test_word_vectors_make_the_category_keys_and_do_not_learn() -> None:
    module = SemanticDecoupling(3, 5, 4, words=2).double()
    words = drawn(3, 2)

    module.set_words(words)

    torch.testing.assert_close(module.category_keys(), words @ module.word_keys.weight.T)
    assert "words" not in dict(module.named_parameters())
    assert "words" in module.state_dict()


@pytest.mark.parametrize("words", [0, 2])
def test_word_vectors_of_another_shape_are_refused(words: int) -> None:
    module = SemanticDecoupling(3, 5, 4, words=words)

    with pytest.raises(ValueError, match="word_dim"):
        module.set_words(torch.zeros(3, 4))


def test_one_category_one_image_and_one_position_work() -> None:
    module = SemanticDecoupling(1, 5, 4)
    tokens = torch.randn(1, 1, 5)

    torch.testing.assert_close(module(tokens), tokens)
