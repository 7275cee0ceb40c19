"""A version that is trained while features are still computed is followed by one that has them."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.arrays.features import FeatureFiles
from annotator.domain import JobKind, State
from annotator.store import jobs, versions
from annotator.worker import training
from annotator.worker.job_control import Control
from annotator.worker.loop import Worker

IMAGES = 60


@pytest.fixture
def worked(made):
    """Return a function that embeds so many images at first, all others later, and trains.

    It returns how many labelled images had features for each version, and why the last was due.
    """
    rng = np.random.default_rng(0)
    ids = list(made.add_images(f"{i}.png" for i in range(IMAGES)).values())
    (dog,) = made.add_categories("dog")
    truth = np.arange(IMAGES) % 2
    made.answer(
        [(i, dog, (State.ABSENT, State.PRESENT)[t]) for i, t in zip(ids, truth, strict=True)]
    )
    pooled = (rng.normal(size=(IMAGES, 8)) + 3 * truth[:, None]).astype(np.float32)

    def run(first: int) -> tuple[list[int], str]:
        parts = [pooled[:first], pooled]

        def embed(_project, control: Control, _device) -> str:
            made.clock.forward(100)
            part = parts.pop(0)
            features = FeatureFiles.open(made.project.features_path, writable=True)
            if features is None:
                made.add_features(part)
            else:
                features.grow(IMAGES)
                tokens, search = np.repeat(part[:, None], 4, axis=1), np.zeros((IMAGES, 128))
                features.write(np.arange(IMAGES), part, tokens, search.astype(np.float32))
            if parts and control.give_way():
                control.requeue()
            return ""

        runners = {JobKind.EMBED: embed, JobKind.TRAIN: training.run}
        one = Worker(made.project, made.store, runners=runners, clock=made.clock)
        while one._look_for_work() or one._look_for_work():
            pass
        with made.store.reading() as tx:
            every, job = versions.every(tx), jobs.latest(tx, JobKind.TRAIN)
        return [v.metrics["labelled_images"] for v in every], job.options["reason"]

    return run


def test_once_all_features_are_there_a_version_learns_from_them(worked) -> None:
    assert worked(12) == ([12, IMAGES], f"features of {IMAGES - 12} more labelled images")


def test_a_few_more_features_are_worth_no_other_version(worked) -> None:
    assert worked(IMAGES - 3) == ([IMAGES - 3], f"{IMAGES} new answers")
