"""Prototypes: how many a category has, where they lie, and the similarity to the nearest."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from mlrpl.models.prototypes import Prototypes, kmeans


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rebuilt(counts: list[int], per_category: int = 4) -> Prototypes:
    """Prototypes of categories with this many positives, of width 3."""
    categories = torch.tensor([c for c, n in enumerate(counts) for _ in range(n)])
    features = torch.randn(len(categories), 3, generator=seeded())
    prototypes = Prototypes(len(counts), per_category, 3)
    prototypes.rebuild(features, categories, torch.arange(len(categories)) + 100, seeded())
    return prototypes


def test_a_category_has_one_prototype_for_five_positives_at_least_one_at_most_all() -> None:
    prototypes = rebuilt([0, 1, 3, 9, 10, 40])

    assert prototypes.counts.tolist() == [0, 1, 1, 1, 2, 4]
    assert prototypes.available.tolist() == [False, True, True, True, True, True]


def test_no_positive_at_all_leaves_no_prototype() -> None:
    prototypes = Prototypes(2, 4, 3)

    prototypes.rebuild(
        torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), torch.zeros(0), seeded()
    )

    assert not prototypes.available.any()


def test_similarity_is_the_cosine_with_the_nearest_prototype() -> None:
    prototypes = rebuilt([0, 12])
    features = torch.randn(5, 2, 3, generator=seeded(1))

    found = prototypes.similarity(features)

    for b in range(5):
        cosines = [
            F.cosine_similarity(features[b, 1], prototypes.vectors[1, k], dim=0).item()
            for k in range(int(prototypes.counts[1]))
        ]
        assert found[b, 1].item() == pytest.approx(max(cosines), abs=1e-6)
    assert found[:, 0].tolist() == [0] * 5


def test_a_rebuild_forgets_the_last_one() -> None:
    prototypes = rebuilt([10, 10])

    prototypes.rebuild(torch.ones(1, 3), torch.tensor([1]), torch.tensor([5]), seeded())

    assert prototypes.counts.tolist() == [0, 1]
    assert prototypes.vectors[0].abs().sum() == 0
    assert prototypes.exemplars.tolist() == [[-1] * 4, [5, -1, -1, -1]]


def test_the_exemplar_is_the_image_nearest_to_the_prototype() -> None:
    features = torch.tensor([[1.0, 0.0], [0.9, 0.5], [0.8, 1.0]])
    prototypes = Prototypes(1, 1, 2)

    prototypes.rebuild(
        features, torch.zeros(3, dtype=torch.int64), torch.tensor([7, 8, 9]), seeded()
    )

    assert prototypes.exemplars.tolist() == [[8]]


def test_the_same_seed_gives_the_same_prototypes() -> None:
    assert torch.equal(rebuilt([30]).vectors, rebuilt([30]).vectors)


def test_kmeans_finds_separate_clusters() -> None:
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = (centres[:, None] + 0.1 * torch.randn(3, 20, 2, generator=seeded())).flatten(0, 1)

    found = kmeans(points, 3, seeded())

    nearest = torch.cdist(centres, found).min(dim=1).values
    assert nearest.max() < 0.2


def test_kmeans_on_equal_points_returns_finite_centres() -> None:
    found = kmeans(torch.ones(5, 2), 3, seeded())

    assert torch.equal(found, torch.ones(3, 2))


@pytest.mark.parametrize("count", [0, 4])
def test_kmeans_refuses_more_centres_than_points(count: int) -> None:
    with pytest.raises(ValueError, match="centres"):
        kmeans(torch.ones(3, 2), count, seeded())


def test_prototypes_survive_a_round_trip_through_the_state() -> None:
    prototypes = rebuilt([0, 3, 20])
    other = Prototypes(3, 4, 3)

    other.load_state_dict(prototypes.state_dict())

    assert torch.equal(other.vectors, prototypes.vectors)
    assert torch.equal(other.counts, prototypes.counts)


def test_no_image_is_compared_with_a_prototype_made_of_it() -> None:
    """Known positives used to sit in their own prototype, and scored higher than hidden ones."""
    points = F.normalize(torch.randn(400, 24, generator=seeded()), dim=-1)
    rows, categories = torch.arange(400), torch.zeros(400, dtype=torch.int64)
    known = rows < 40
    prototypes = Prototypes(1, 10, 24)
    prototypes.rebuild(
        points[known], categories[known], rows[known], seeded(), halves=rows[known] % 2
    )

    with_own = prototypes.similarity(points[:, None])[:, 0]
    across = prototypes.similarity(points[:, None], rows % 2)[:, 0]

    assert with_own[known].mean() > with_own[~known].mean() + 0.2
    assert across[known].mean().item() == pytest.approx(across[~known].mean().item(), abs=0.05)
    assert prototypes.counts.tolist() == [8]


def test_an_image_whose_half_has_the_only_positive_has_no_prototype_to_be_compared_with() -> None:
    prototypes = Prototypes(2, 4, 3)
    one, zero = torch.tensor([1]), torch.tensor([0])
    prototypes.rebuild(torch.ones(1, 3), one, torch.tensor([6]), seeded(), halves=zero)

    halves = torch.tensor([0, 1])

    assert prototypes.available_to(halves, 2).tolist() == [[False, False], [False, True]]
    assert prototypes.similarity(torch.ones(2, 2, 3), halves)[0].tolist() == [0, 0]
    assert prototypes.similarity(torch.ones(2, 2, 3), halves)[1].tolist() == pytest.approx([0, 1])


def test_prototypes_that_were_saved_before_there_were_halves_can_be_read() -> None:
    saved = rebuilt([0, 3, 20])
    state = {k: v for k, v in saved.state_dict().items() if k != "halves"}
    other = Prototypes(3, 4, 3)

    other.load_state_dict(state)

    features = torch.randn(6, 3, 3, generator=seeded(1))
    assert torch.equal(other.similarity(features), saved.similarity(features))
