"""One run: a fresh project without labels, a person at work, and what it came to."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import HELD_OUT_FOLD, JobKind
from annotator.errors import NotFound, NotReady
from annotator.services.app import Services
from annotator.services.knowledge.suggestions import decided_matrix, suggested_matrix
from annotator.services.project.creation import ROOT, create_project
from annotator.services.training.control import training_options
from annotator.settings import (
    PROJECT_FILE,
    Retraining,
    Settings,
    changed,
    load_project,
    save_project,
)
from annotator.simulate.actions import SimulatedAnnotator
from annotator.simulate.certifying import against_truth, filled
from annotator.simulate.clock import Clock, Trainer
from annotator.simulate.oracle import Oracle, Truth
from annotator.simulate.strategies import way_named
from annotator.simulate.wishes import Wish
from annotator.store import images
from mlrpl.decision.acquisition import Costs
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.metrics import mean_average_precision

RECORDS = 120
"""Blocks that a run's budget is divided into."""

LAST_TRAINING = 3.0
"""The last training begins after the budget divided by this."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to simulate."""

    strategy: str
    budget: float
    """Seconds of labelling."""
    seed: int = 0
    error: float = 0.0
    notice: float = 1.0
    until: float = 1.0
    """F1 of the completed set at which the run ends early."""
    backbone: str = Settings().backbone
    method: str = Settings().method
    """What learns; its trainings take a minute of virtual time, however long they really take."""
    wish: Wish = field(default_factory=Wish)
    """What a certificate is to promise, where the strategy has one."""

    def check(self) -> None:
        """Refuse what cannot be run.

        Raises:
            NotFound: If there is no such strategy or method.
            NotReady: If nobody would do anything.
        """
        way_named(self.strategy)
        training_options(self.method)
        self.wish.check()
        if self.budget <= 0:
            raise NotReady("The budget must be above 0; it is the seconds that people may spend.")


def prepared(folder: Path, truth: Truth, cache: Path, backbone: str = Settings().backbone) -> Path:
    """Return a project with the pictures, the category names and features, and no label.

    It is made once for the same pictures, names and network.

    Args:
        folder: Of the pictures.
        truth: Only its names are used.
        cache: Folder that keeps such projects.
        backbone: The network.

    Raises:
        AnnotatorError: If a project cannot be made of the pictures.
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}; name the image folder.")
    name = hashlib.sha256("\0".join([backbone, str(folder.resolve()), *truth.categories]).encode())
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        name.update(str(file.relative_to(folder)).encode())
        name.update(hashlib.sha256(file.read_bytes()).digest())
    project = cache / name.hexdigest()[:16]
    if not (project / PROJECT_FILE).exists():
        settings = Settings(
            name="Simulation", backbone=backbone, retraining=Retraining(automatic=False)
        )
        create_project(project, folder, names=truth.categories, settings=settings)
    from annotator.worker.foreground import run_or_follow  # late: torch

    run_or_follow(project, JobKind.EMBED, {}, device="cpu")
    return project


def simulate(
    plan: Plan,
    project: Path,
    truth: Truth,
    *,
    costs: Costs | None = None,
    tell: Callable[[dict[str, Any]], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Do one run on a copy of a project.

    Args:
        plan: What to do.
        project: As `prepared` makes it; stays as it is.
        truth: What the oracle knows; nothing of it is written into the copy.
        costs: Seconds of people.
        tell: Called with each record.

    Returns:
        Records of `seconds`, `by_kind` (the same by what they went into, see `clock.Seconds`),
        `decisions`, `known`, `precision`, `recall`, `f1`, `map` (held-out
        images, None before the first version), `version`, `forecast` (seconds to a finished set if
        a certificate began now), `certificate` and `trainings`.

    Raises:
        AnnotatorError: If the plan or the truth cannot be used, or a training fails.
    """
    plan.check()
    with _copy(project) as services:
        present = truth.of(_paths(services))
        oracle = Oracle(present, error=plan.error, notice=plan.notice, seed=plan.seed)
        clock = Clock(costs or Costs())
        person = SimulatedAnnotator(services, oracle, clock, plan.seed, plan.wish)
        return _work(plan, person, present, tell)


def _work(
    plan: Plan, person: SimulatedAnnotator, present: Bools, tell: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    way = way_named(plan.strategy)
    trainer = Trainer(
        person.services.project.path,
        person.clock,
        until=plan.budget / LAST_TRAINING,
        most=way.trains,
        method=plan.method,
        seed=plan.seed,
    )
    records: list[dict[str, Any]] = []

    def record() -> float:
        row = measured(person, present) | {"trainings": trainer.trainings}
        records.append(row)
        tell(row)
        return float(row["f1"])

    due = 0.0
    try:
        for _ in way.work(person):
            new = trainer.tick()
            over = person.clock.seconds >= plan.budget
            if new or over or person.clock.seconds >= due:
                due = person.clock.seconds + plan.budget / RECORDS
                if record() >= plan.until or over:
                    break
        else:
            record()
    finally:
        trainer.close()
    return records


def measured(person: SimulatedAnnotator, present: Bools) -> dict[str, Any]:
    """Return how good the completed set is: what people said, and the model's decisions."""
    labels = person.recorded()
    with person.services.store.reading() as tx:
        version, arrays = person.services.suggestions.current(tx)
        held_out = np.array([image.fold == HELD_OUT_FOLD for image in images.every(tx)])
    completed, value = labels == PRESENT, None
    if arrays is not None:
        decided = suggested_matrix(arrays, *labels.shape) & decided_matrix(arrays, *labels.shape)
        in_present, in_absent = filled(person)
        decided = (decided | in_present) & ~in_absent
        completed = np.where(labels == UNKNOWN, decided, completed)
        columns = list(arrays.parameters.category_ordinals)
        truth = np.where(present, PRESENT, ABSENT).astype(np.int8)[:, columns]
        scores = np.nan_to_num(np.asarray(arrays.scores), nan=-1e9)
        value = _rounded(mean_average_precision(scores[held_out], truth[held_out]))
    right = int((completed & present).sum())
    found, there = int(completed.sum()), int(present.sum())
    return {
        "seconds": round(person.clock.seconds, 1),
        "by_kind": {k: round(s, 1) for k, s in asdict(person.clock.spent).items()},
        "decisions": person.clock.decisions,
        "known": int((labels != UNKNOWN).sum()),
        "precision": right / found if found else 0.0,
        "recall": right / there,
        "f1": 2 * right / (found + there),
        "map": value,
        "version": version,
        "forecast": None if person.begun else person.forecast,
        "certificate": against_truth(person, present),
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _paths(services: Services) -> list[str]:
    """Return one file of each image, by ordinal."""
    with services.store.reading() as tx:
        rows = {image.id: image.ordinal for image in images.every(tx)}
        first: dict[int, str] = {}
        for path in images.every_path(tx):
            if path.image_id is not None:
                first.setdefault(rows[path.image_id], path.path)
    return [first[ordinal] for ordinal in sorted(first)]


@contextmanager
def _copy(project: Path) -> Iterator[Services]:
    """Open a copy of a project that lasts as long as the run; the features are shared."""
    with tempfile.TemporaryDirectory(prefix="simulate-", ignore_cleanup_errors=True) as temporary:
        target = Path(temporary) / "project"
        shutil.copytree(
            project, target, ignore=shutil.ignore_patterns("features", "*.log", "*-shm")
        )
        (target / "features").symlink_to((project / "features").resolve(), target_is_directory=True)
        copied, original = load_project(target), load_project(project)
        roots = {ROOT: os.fspath(original.root_path(ROOT))}
        copied.settings = changed(copied.settings, {"roots": roots})
        save_project(copied)
        services = Services.open(target)
        try:
            yield services
        finally:
            services.close()
