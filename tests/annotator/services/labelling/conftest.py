"""A project of sixty pictures and three categories, of which no version knows anything yet."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotator.arrays import versions as files
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind, JobState
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.settings import load_project
from annotator.store import Store, jobs, versions

PICTURES = 60


@pytest.fixture(scope="session")
def sixty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sixty pictures and a project of them, to be copied."""
    folder = tmp_path_factory.mktemp("sixty")
    (folder / "many").mkdir()
    for number in range(PICTURES):
        picture = Image.new("RGB", (8, 6), (number, 2 * number, 90))
        picture.save(folder / "many" / f"{number:02d}.png")
    create_project(folder / "p", folder / "many", names=("cat", "dog", "bird"))
    return folder


@pytest.fixture
def many(tmp_path: Path, sixty: Path, clock: Any) -> Iterator[Services]:
    (tmp_path / "many").symlink_to(sixty / "many")  # nothing changes the pictures
    project = load_project(shutil.copytree(sixty / "p", tmp_path / "p"))
    opened = Services(project, Store.open(project.database_url), clock)
    opened.verification._rng = np.random.default_rng(0)
    yield opened
    opened.close()


@pytest.fixture
def publish_cats() -> Callable[..., int]:
    """Return what publishes a version with chosen scores of the first category."""
    return _publish


def _publish(
    services: Services,
    scores: Sequence[float] | np.ndarray,
    *,
    threshold: float = 0.0,
    ranked: bool = False,
) -> int:
    """Publish a version with these scores for cats; it knows nothing of dogs, and has no birds."""
    now = services.recording._clock()
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "me", [JobKind.TRAIN], now)
        assert job is not None
        number = versions.reserve(
            tx, job, method="hst", backbone="test", trained_answers=1, trained_present=1,
            last_operation=1, now=now,
        )  # fmt: skip
    both = np.full((len(scores), 2), -1.0, np.float32)
    both[:, 0] = scores
    parameters = VersionParameters(
        method="hst", backbone="test", category_ordinals=(0, 1), slope=1.0,
        intercepts=(-threshold, 0.0), thresholds=(threshold, np.inf),
        ranked_only=(0,) if ranked else (),
    )  # fmt: skip
    queue = Queue(np.zeros(0, np.int32), np.full((2, 1), -1, np.int32))
    files.write(
        files.folder(services.project, number), parameters, both, queue, {},
        save_weights=lambda path: path.write_bytes(b""),
    )  # fmt: skip
    with services.store.writing() as tx:
        versions.publish(
            tx, job, number, metrics={}, training_seconds=1, promote=True, note="", now=now
        )
        jobs.finish(tx, job, JobState.DONE, "", now)
    return number
