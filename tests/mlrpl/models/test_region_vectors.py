"""The vectors that kernels compare."""

from __future__ import annotations

import pytest
import torch

from mlrpl.data import Dimensions, Features
from mlrpl.models.region_vectors import RegionVectors


def features(count: int = 12, positions: int = 16) -> Features:
    generator = torch.Generator().manual_seed(0)
    return Features(
        torch.randn(count, 10, generator=generator),
        torch.randn(count, positions, 5, generator=generator),
    )


def prepared(positions: int = 16, regions: int = 2, share: float = 0.4) -> RegionVectors:
    vectors = RegionVectors(Dimensions(1, 10, positions, 5), 0.5, regions, share)
    vectors.prepare(features(positions=positions))
    return vectors


def test_vectors_have_length_one_and_the_parts_their_shares() -> None:
    vectors = prepared(share=0.25)

    found = vectors(features())

    assert found.shape == (12, vectors.length) == (12, 10 + 4 * 5)
    assert torch.allclose(found.norm(dim=1), torch.ones(12), atol=1e-5)
    assert torch.allclose(found[:, 10:].square().sum(dim=1), torch.full((12,), 0.25), atol=1e-5)


def test_regions_see_where_something_is() -> None:
    first = features()
    assert first.tokens is not None
    grid = first.tokens.unflatten(1, (4, 4))
    mirrored = Features(first.pooled, grid.flip(2).flatten(1, 2))
    vectors = prepared()

    left, right = vectors(first), vectors(mirrored)

    assert torch.allclose(left[:, :10], right[:, :10])
    assert not torch.allclose(left[:, 10:15], right[:, 10:15], atol=1e-3)
    assert vectors.regions == 2


def test_a_map_that_is_no_square_is_one_region_and_no_map_is_none() -> None:
    assert prepared(positions=15)(features(positions=15)).shape == (12, 15)
    assert prepared(regions=0)(features()).shape == (12, 10)
    assert prepared(positions=0)(features()).shape == (12, 10)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["pooled", "tokens"])
def test_values_that_are_no_numbers_are_refused_by_name(name, value) -> None:
    broken = features()
    getattr(broken, name)[3] = value

    with pytest.raises(ValueError, match=f"{name} features hold values"):
        prepared()(broken)


def test_missing_features_are_asked_for_by_name() -> None:
    with pytest.raises(ValueError, match="give `tokens`"):
        prepared()(Features(torch.zeros(1, 10)))
