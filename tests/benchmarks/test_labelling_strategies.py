"""What each labelling strategy makes known, and a run of the comparison on made-up features."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


@pytest.fixture
def strategies(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import labelling_strategies

    return labelling_strategies


def truth(rows: int = 400) -> np.ndarray:
    present = np.random.default_rng(0).random((rows, 5)) < 0.3
    return np.where(present, PRESENT, ABSENT).astype(np.int8)


def test_partial_and_dense_give_as_many_labels_and_no_wrong_one(strategies) -> None:
    full = truth()

    partial, dense = (
        strategies.given(full, name, 0.25, np.random.default_rng(1))
        for name in ("partial", "dense")
    )

    for labels in (partial, dense):
        known = labels != UNKNOWN
        assert (labels == full)[known].all()
        assert known.mean() == pytest.approx(0.25, abs=0.04)
    assert set((dense != UNKNOWN).sum(axis=1)) == {0, 5}
    assert (partial != UNKNOWN).any(axis=1).mean() > 0.6


def test_noisy_gives_every_label_and_a_share_of_them_wrong(strategies) -> None:
    full = truth()

    labels = strategies.given(full, "noisy", 0.1, np.random.default_rng(1))

    assert (labels != UNKNOWN).all()
    assert (labels != full).mean() == pytest.approx(0.1, abs=0.02)
    assert (strategies.given(full, "noisy", 0.0, np.random.default_rng(1)) == full).all()


def test_it_runs_on_features_from_a_file(strategies, tmp_path, monkeypatch, capsys) -> None:
    labels = truth(60)
    rng = np.random.default_rng(2)
    pooled = (labels @ rng.standard_normal((5, 8)) + rng.standard_normal((60, 8))).astype("float32")
    np.savez(tmp_path / "made.npz", labels=labels, pooled=pooled, tokens=np.zeros((60, 2, 3)))
    words = f"x --features {tmp_path / 'made.npz'} --budget 0.5 --wrong 0.1 --seeds 2".split()
    monkeypatch.setattr(sys, "argv", words)

    strategies.main()
    lines = capsys.readouterr().out.splitlines()

    records = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(r["strategy"], r["seed"]) for r in records] == [
        (name, seed) for name in ("partial", "dense", "noisy") for seed in (0, 1)
    ]
    assert all(0 < r["mAP"] <= 100 for r in records)
    assert all(r["right"] == r["labels"] for r in records[:4])
    assert all(r["right"] < r["labels"] == 48 * 5 for r in records[4:])
    assert sum(line.startswith("| partial") for line in lines) == 1
