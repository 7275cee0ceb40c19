"""A project of coloured squares with planted features, and the truth about it, kept apart."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from annotator.arrays.features import FeatureFiles
from annotator.services.project.creation import create_project
from annotator.settings import Retraining, Settings
from annotator.simulate.oracle import Truth, read_truth

COUNT = 60
NAMES = ("cat", "dog", "bird", "fish")


class Made(NamedTuple):
    """What a simulation needs."""

    project: Path
    pictures: Path
    file: Path
    truth: Truth


def write_truth(file: Path, present: np.ndarray, names: tuple[str, ...] = NAMES) -> Path:
    with file.open("w", encoding="utf-8", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["file", *names])
        rows.writerows([f"{i:03}.png", *map(int, row)] for i, row in enumerate(present))
    return file


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("simulate")
    pictures = folder / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    present = rng.random((COUNT, len(NAMES))) < 0.4
    present[:2] = [[True] * 4, [False] * 4]
    for i in range(COUNT):
        Image.new("RGB", (8, 8), (i, 3 * i % 256, 255 - i)).save(pictures / f"{i:03}.png")
    file = write_truth(folder / "truth.csv", present)
    settings = Settings(retraining=Retraining(automatic=False))
    project = create_project(folder / "project", pictures, names=NAMES, settings=settings).project
    _plant(project.features_path, project.settings.backbone, present, rng)
    return Made(project.path, pictures, file, read_truth(file))


def _plant(path: Path, backbone: str, present: np.ndarray, rng: np.random.Generator) -> None:
    """Write features that tell the categories apart, but not too well."""
    mixed = (2 * present - 1) @ rng.normal(size=(len(NAMES), 16))
    pooled = (mixed + rng.normal(size=mixed.shape)).astype(np.float32)
    files = FeatureFiles.create(
        path, backbone=backbone, pooled_dim=16, positions=4, token_dim=8, rows=COUNT
    )
    search = np.zeros((COUNT, 128), np.float32)
    search[:, :16] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    files.write(np.arange(COUNT), pooled, np.repeat(pooled[:, None, :8], 4, axis=1), search)
