"""Category-specific attention: word vectors and edges; `test_against_oracle.py` has the values."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mlrpl.models.semantic_decoupling import SemanticDecoupling


def drawn(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


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
