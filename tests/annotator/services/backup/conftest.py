"""A project with answers, a version and features, and its backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from annotator.arrays.features import FeatureFiles
from annotator.services.app import Services
from annotator.services.backup.creation import Backup, back_up


@pytest.fixture
def features(services: Services) -> FeatureFiles:
    """Four of six images are embedded."""
    made = FeatureFiles.create(
        services.project.features_path, backbone="test", pooled_dim=5, positions=2, token_dim=3,
        rows=6, projections={"token_mean": np.zeros(3)},
    )  # fmt: skip
    embed(made, [0, 1, 2, 3])
    return made


def embed(files: FeatureFiles, ordinals: list[int]) -> None:
    search = np.zeros((len(ordinals), 128))
    search[:, 0] = 1.0
    rng = np.random.default_rng(ordinals)
    pooled, tokens = rng.random((len(ordinals), 5)), rng.random((len(ordinals), 2, 3))
    files.write(np.asarray(ordinals), pooled, tokens, search)


@pytest.fixture
def full(
    services: Services,
    features: FeatureFiles,
    publish: Callable[..., int],
    six_scores: np.ndarray,
    answer: Callable[..., None],
) -> Services:
    """Return a project with a bit of everything."""
    assert features.rows == len(six_scores)
    publish(six_scores)
    answer("op-1", (1, 1, "present"), (2, 1, "absent"), (3, 2, "present"))
    return services


@pytest.fixture
def backup(full: Services, tmp_path: Path) -> Backup:
    return back_up(full.project, full.store, tmp_path / "backup.zip")
