"""What the cost benchmark hands to the simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotator.simulate.oracle import Truth, read_truth
from mlrpl.labels import ABSENT, PRESENT


@pytest.fixture
def simulate(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import simulate

    return simulate


def test_the_halves_of_the_photographs_share_none(simulate, tmp_path: Path, monkeypatch) -> None:
    files = [tmp_path / f"{i}.jpg" for i in range(20)]
    for file in files:
        file.write_bytes(b"picture")
    labels = np.full((20, 3), ABSENT, np.int8)
    labels[:, :2] = PRESENT
    found = simulate.Photographs(files, ["cat", "dog", "nobody"], labels)
    monkeypatch.setitem(simulate.READERS, "coco_train", lambda _: found)

    halves = [
        simulate.photographs(tmp_path / "work", tmp_path, name, 0) for name in simulate.HALVES
    ]

    truths = [read_truth(file) for _, file in halves]
    assert not set(truths[0].present) & set(truths[1].present)
    assert len(truths[0].present) + len(truths[1].present) == 20
    assert truths[0].categories == ("cat", "dog")
    assert {p.name for p in halves[0][0].iterdir()} == set(truths[0].present)


def test_the_budget_is_a_little_more_than_naming_everything(simulate) -> None:
    truth = Truth(("cat", "dog"), {"a": np.array([True, True]), "b": np.array([True, False])})

    budget = simulate.budget_of(truth, 2)

    assert budget == pytest.approx(1.15 * (2 * 1.5 + 3 * 5.1), abs=1)
