"""A small project with real files, a store and a clock that tests set."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from annotator.arrays import versions as files
from annotator.arrays.error_correlation import write_errors
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind, JobState
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.settings import load_project
from annotator.store import Store, jobs, versions
from annotator.wire.recording import SaveRequest
from mlrpl.decision.conditional import ErrorCorrelation

NAMES = ("cat", "dog", "bird")


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with six pictures and a project of them, to be copied."""
    folder = tmp_path_factory.mktemp("made once")
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(6):
        Image.new("RGB", (40 + number, 30), (number * 40, 90, 120)).save(pictures / f"{number}.png")
    create_project(folder / "project", pictures, names=NAMES)
    return folder


@pytest.fixture
def pictures(tmp_path: Path, made_once: Path) -> Path:
    return Path(shutil.copytree(made_once / "pictures", tmp_path / "pictures"))


@pytest.fixture
def services(
    tmp_path: Path, made_once: Path, pictures: Path, clock: FakeClock
) -> Iterator[Services]:
    assert pictures.parent == tmp_path  # where the project looks for them
    project = load_project(shutil.copytree(made_once / "project", tmp_path / "project"))
    opened = Services(project, Store.open(project.database_url), clock)
    yield opened
    opened.close()


@pytest.fixture
def fill_in(services: Services, load_module: Callable[[Path], ModuleType]) -> Callable[..., int]:
    """Return a function that fills in pairs under a certificate; see `filling.fill_in`."""
    return partial(load_module(Path(__file__).with_name("filling.py")).fill_in, services)


Publish = Callable[..., int]


@pytest.fixture
def publish(services: Services) -> Publish:
    """Return a function that publishes a version from numbers, as the worker would."""

    def publish(
        scores: np.ndarray,
        *,
        correlation: Sequence[Sequence[float]] | np.ndarray | None = None,
        ordinals: Sequence[int] | None = None,
        ranked: Sequence[int] = (),
        untaught: Sequence[int] = (),
        slope: float = 1.0,
        method: str = "kernel_ridge",
        promote: bool = True,
        note: str = "",
        **metrics: Any,
    ) -> int:
        """Publish a version with raw scores `(N, C)`; suggested at one half."""
        now, columns = services.recording._clock(), scores.shape[1]
        listed = tuple(range(columns) if ordinals is None else ordinals)
        with services.store.writing() as tx:
            jobs.enqueue(tx, JobKind.TRAIN, {}, now)
            job = jobs.claim(tx, "me", [JobKind.TRAIN], now)
            assert job is not None
            number = versions.reserve(
                tx, job, method=method, backbone="test", trained_answers=1,
                trained_present=1, last_operation=1, now=now,
            )  # fmt: skip
        parameters = VersionParameters(
            method=method, backbone="test", category_ordinals=listed, slope=slope,
            intercepts=(0.0,) * columns,
            thresholds=tuple(float(np.inf) if o in untaught else 0.0 for o in listed),
            ranked_only=tuple(ranked),
        )  # fmt: skip

        def save(path: Path) -> None:
            path.write_bytes(b"")
            if correlation is not None:
                matrix = np.asarray(correlation, np.float64)
                write_errors(path.parent, ErrorCorrelation(matrix, np.full(matrix.shape, 500)))

        files.write(
            files.folder(services.project, number), parameters, scores.astype(np.float32),
            Queue(np.arange(len(scores), dtype=np.int32), np.full((columns, 1), -1, np.int32)), {},
            save_weights=save,
        )  # fmt: skip
        with services.store.writing() as tx:
            versions.publish(
                tx, job, number, metrics=metrics, training_seconds=1, promote=promote, note=note,
                now=now,
            )  # fmt: skip
            jobs.finish(tx, job, JobState.DONE, "", now)
        return number

    return publish


@pytest.fixture
def six_scores() -> npt.NDArray[np.float64]:
    """`(6, 3)`: everything is suggested but the last three images."""
    return np.repeat([3.0, -3.0], 3)[:, None] * np.ones(3)


@pytest.fixture
def answer(services: Services) -> Callable[..., None]:
    """Return a function that saves answers, each an image, a category and a state."""

    def answer(op: str, *pairs: tuple[int, int, str], who: str = "Ann", **more: Any) -> None:
        changes = [{"image": i, "category": c, "state": s} for i, c, s in pairs]
        services.recording.save(who, SaveRequest(op=op, kind="answer", changes=changes, **more))

    return answer


@pytest.fixture
def hold_out(services: Services) -> Callable[[], None]:
    """Return a function that puts every image into fold 0."""

    def hold_out() -> None:
        with services.store.writing() as tx:
            tx.exec_driver_sql("update image set fold = 0")

    return hold_out
