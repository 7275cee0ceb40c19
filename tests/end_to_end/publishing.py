"""Publishes a version with given scores, as the trainer does after a training."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays import versions as version_files
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind, JobState
from annotator.settings import Project
from annotator.store import Store, jobs, versions


def publish(
    project: Project,
    scores: Any,
    *,
    thresholds: tuple[float, ...] = (),
    ranked: tuple[int, ...] = (),
    save: Callable[[Path], object] | None = None,
    **metrics: Any,
) -> None:
    """Publish a version of logits `(images, categories)`, suggested from 0 on.

    Args:
        project: Gets the version.
        scores: Logits, one row an image and one column a category.
        thresholds: From which logit on each category is suggested instead.
        ranked: Ordinals of the categories that are only ranked.
        save: Writes more files into the folder of the version.
        metrics: Figures of the version.
    """
    images, count = np.shape(scores)
    now = datetime.now(UTC)
    store = Store.open(project.database_url)
    with store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "test", [JobKind.TRAIN], now)
        assert job is not None
        number = versions.reserve(
            tx, job, method="hst", backbone="none", trained_answers=0, trained_present=0,
            last_operation=0, now=now,
        )  # fmt: skip
    parameters = VersionParameters(
        method="hst", backbone="none", category_ordinals=tuple(range(count)), slope=1.0,
        intercepts=(0.0,) * count, thresholds=thresholds or (0.0,) * count, ranked_only=ranked,
    )  # fmt: skip

    def save_weights(path: Path) -> None:
        path.write_bytes(b"")
        if save is not None:
            save(path.parent)

    version_files.write(
        version_files.folder(project, number),
        parameters,
        np.asarray(scores, dtype=np.float32),
        Queue(np.arange(images, dtype=np.int32), np.full((count, 1), -1, dtype=np.int32)),
        metrics,
        save_weights=save_weights,
    )
    with store.writing() as tx:
        versions.publish(
            tx, job, number, metrics=metrics, training_seconds=1, promote=True, note="", now=now
        )
        jobs.finish(tx, job, JobState.DONE, "", now)
    store.close()
