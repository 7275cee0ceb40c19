"""The shared network: token statistics, its parts in order, and where it starts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mlrpl.models.sarl import SARL


def network(categories: int = 3, token: int = 6, features: int = 4) -> SARL:
    torch.manual_seed(0)
    sarl = SARL(categories, token, features, hidden=5, steps=2).double()
    sarl.graph.set_adjacency(torch.rand(categories, categories))
    with torch.no_grad():
        for parameter in sarl.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    return sarl


def test_decoupled_features_are_attended_projected_tokens_of_unit_length() -> None:
    sarl = network()
    tokens = torch.randn(2, 7, 6, dtype=torch.float64)
    sarl.take_statistics([torch.randn(5, 7, 6) * 3 + 1])

    attention = sarl.attention(tokens)
    directions = F.normalize(tokens - sarl.token_mean, dim=-1)
    projected = (directions / sarl.token_scale) @ sarl.project.weight.T
    expected = F.normalize(torch.einsum("bcp,bpd->bcd", attention, projected), dim=-1)

    torch.testing.assert_close(sarl.decouple(tokens), expected, rtol=0, atol=1e-10)


def test_statistics_are_those_of_all_tokens_whatever_the_batches() -> None:
    sarl = SARL(1, 3, 2, 2, steps=0)
    tokens = torch.randn(9, 4, 3) * torch.tensor([1.0, 5.0, 2.0]) + 7

    sarl.take_statistics(tokens.split(2))

    mean = tokens.flatten(0, 1).mean(dim=0)
    spread = F.normalize(tokens - mean, dim=-1).mean(dim=1).std(dim=0, correction=0)
    torch.testing.assert_close(sarl.token_mean, mean)
    torch.testing.assert_close(sarl.token_scale, spread, rtol=1e-4, atol=0)


def test_a_channel_counts_by_what_it_says_of_images_not_by_its_size() -> None:
    sarl = SARL(1, 2, 2, 2, steps=0)
    tokens = torch.randn(500, 1, 2) * torch.tensor([1.0, 0.2])

    sarl.take_statistics([tokens])

    shares = sarl.project_tokens(tokens).flatten(0, 1).var(dim=0, correction=0)
    torch.testing.assert_close(shares, torch.ones(2), rtol=1e-3, atol=0)


def test_tokens_that_are_all_equal_are_only_centred() -> None:
    sarl = SARL(2, 3, 2, 2, steps=1)

    sarl.take_statistics([torch.full((2, 4, 3), 5.0)])

    assert sarl.token_scale.tolist() == [1, 1, 1]
    assert torch.isfinite(sarl.decouple(torch.full((1, 4, 3), 5.0))).all()


def test_a_new_network_scores_zero_everywhere() -> None:
    assert SARL(2, 3, 2, 2, steps=1).classify(torch.randn(4, 2, 2)).abs().max() == 0


@pytest.mark.parametrize(("token", "features"), [(6, 4), (4, 6)])
def test_features_may_be_narrower_or_wider_than_tokens(token: int, features: int) -> None:
    sarl = SARL(3, token, features, 2, steps=1)

    assert sarl.decouple(torch.randn(2, 5, token)).shape == (2, 3, features)
