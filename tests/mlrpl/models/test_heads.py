"""Preparation of pooled vectors, and scores from named classes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mlrpl.models.heads import NamedClasses, PooledHead, sample


def vectors(rows: int = 50) -> np.ndarray:
    return np.random.default_rng(0).gamma(1.0, 3.0, (rows, 6)).astype(np.float32)


def test_a_prepared_vector_is_powered_standardised_and_of_length_one() -> None:
    head, pooled = PooledHead(6, 2), vectors()
    head.prepare(pooled, np.arange(50))

    found = head.normalise(torch.from_numpy(pooled)).numpy()

    powered = np.sqrt(pooled)
    standard = (powered - powered.mean(0)) / powered.std(0)
    by_hand = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    assert found == pytest.approx(by_hand, abs=1e-5)


def test_only_the_rows_in_use_make_the_statistics_and_signs_are_kept() -> None:
    head, pooled = PooledHead(6, 2), -vectors()

    head.prepare(pooled, np.arange(10))

    assert head.mean.numpy() == pytest.approx(-np.sqrt(-pooled[:10]).mean(0), abs=1e-5)


def test_an_entry_that_never_changes_does_no_harm() -> None:
    head, pooled = PooledHead(6, 2), vectors()
    pooled[:, 3] = 2.0
    head.prepare(pooled, np.arange(50))

    found = head.normalise(torch.from_numpy(pooled))

    assert torch.isfinite(found).all()
    assert found[:, 3].abs().max() < 1e-4


def test_scores_start_at_zero() -> None:
    assert (PooledHead(6, 2)(torch.rand(3, 6)) == 0).all()
    assert (NamedClasses(6, 2)(torch.rand(3, 6)) == 0).all()


def test_named_scores_are_standardised_sums_of_standardised_classes() -> None:
    pooled = vectors()
    rng = np.random.default_rng(1)
    weight, bias = rng.standard_normal((3, 6)), rng.standard_normal(3)
    affinities = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    head = NamedClasses(6, 2)
    head.know(affinities, (torch.tensor(weight).float(), torch.tensor(bias).float()))

    head.prepare(pooled, np.arange(50))
    found = head(torch.from_numpy(pooled)).numpy()

    classes = pooled @ weight.T + bias
    summed = ((classes - classes.mean(0)) / classes.std(0))[:, :2].sum(1)
    assert found[:, 0] == pytest.approx((summed - summed.mean()) / summed.std(), abs=1e-4)
    assert (found[:, 1] == 0).all()
    assert head.zero_shot_categories().tolist() == [True, False]


def test_the_classes_of_a_backbone_are_loaded_once_and_draw_no_numbers(monkeypatch) -> None:
    loaded = []

    def load(name: str) -> SimpleNamespace:
        loaded.append((name, torch.rand(1)))
        return SimpleNamespace(classifier=(torch.rand(1000, 3), torch.zeros(1000)))

    monkeypatch.setattr("mlrpl.models.backbones.load_backbone", load)
    before = torch.random.get_rng_state()

    for _ in range(2):
        head = NamedClasses(3, 1)
        head.look_up(["zebra"], "a backbone of this test")
        head.prepare(np.random.default_rng(0).random((9, 3)), np.arange(9))
        assert head.zero_shot_categories().all()

    assert [name for name, _ in loaded] == ["a backbone of this test"]
    assert torch.equal(torch.random.get_rng_state(), before)


def test_named_scores_survive_a_checkpoint() -> None:
    head, other = NamedClasses(6, 2), NamedClasses(6, 2)
    head.know(np.eye(2, 3), (torch.rand(3, 6), torch.rand(3)))
    head.prepare(vectors(), np.arange(50))

    other.load_state_dict(head.state_dict())
    other.prepare(vectors(), np.arange(10))

    assert torch.equal(other(torch.ones(1, 6)), head(torch.ones(1, 6)))


def test_a_sample_is_bounded_sorted_and_whole_where_it_can_be() -> None:
    assert sample(np.array([3, 1, 2])).tolist() == [1, 2, 3]
    assert 10_000 <= len(sample(np.arange(50_000))) <= 20_000
    assert len(sample(np.arange(0))) == 0
