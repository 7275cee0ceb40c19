"""How far the project is, what the trainer does, and the versions it made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotator.domain import Category, Job, JobKind, JobState, Version
from annotator.errors import NotFound, NotReady
from annotator.services import policy
from annotator.services.clock import Clock, utc_now
from annotator.services.suggestions import Suggestions, suggested_matrix
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    categories,
    images,
    jobs,
    versions,
    visits,
)

WORKER_SILENCE = timedelta(seconds=15)
"""After this long without a sign of life a worker counts as dead."""

COUNT_SECONDS = 5.0
"""How long the number of waiting suggestions may be out of date on the status line."""

METHODS = ("partial_bce", "curriculum", "kernel_ridge", "hst", "sarb")
"""What `train` offers; `mlrpl methods` describes them."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The three counts that every page uses, and what they are made of."""

    images: int
    visited: int
    pairs: int
    answered: int
    filled: int
    open: int
    present: int
    absent: int
    conflicts: int
    suggestions: int


class ProgressReport:
    """Read-only views of a project, and the few buttons of the Progress page."""

    def __init__(
        self, project: Project, store: Store, suggestions: Suggestions, clock: Clock = utc_now
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._clock = clock
        self._waiting: tuple[float, int | None, int] = (0.0, None, 0)

    def state(self) -> dict[str, Any]:
        """Return the status line: version, counts and what the trainer is doing now."""
        with self._store.reading() as tx:
            shown = categories.every(tx)
            total = images.count(tx)
            version, _ = self._suggestions.current(tx)
            waiting = self._waiting_suggestions(tx, version)
            trainer = self._trainer(tx)
        answered = sum(c.present_count + c.absent_count for c in shown)
        return {
            "version": version,
            "images": total,
            "answered": answered,
            "filled": 0,
            "open": total * len(shown) - answered,
            "suggestions": waiting,
            "trainer": trainer,
        }

    def counts(self) -> Counts:
        """Return the counts of the project as they stand."""
        with self._store.reading() as tx:
            return self._counts(tx, categories.every(tx))[0]

    def overview(self) -> dict[str, Any]:
        """Return everything the Progress page shows."""
        with self._store.reading() as tx:
            shown = categories.every(tx)
            counts, suggested = self._counts(tx, shown)
            made = versions.every(tx)
            calibrated = self._calibrated(tx)
            waits = self._waits_for(tx)
        rows = [
            {
                "id": c.id,
                "name": c.name,
                "supercategory": c.supercategory,
                "present": c.present_count,
                "absent": c.absent_count,
                "open": counts.images - c.present_count - c.absent_count,
                "suggested": int(suggested[c.ordinal]),
                "calibrated": c.ordinal in calibrated,
            }
            for c in shown
        ]
        return {
            "counts": dict(vars(counts)),
            "categories": rows,
            "versions": [version_row(v) for v in made],
            "policy": waits,
        }

    def train(self, annotator: str, *, method: str | None = None) -> dict[str, Any]:
        """Ask the worker for a new version.

        Raises:
            NotFound: If there is no such method.
            NotReady: If nothing is known yet.
        """
        options = training_options(method)
        with self._store.writing() as tx:
            annotators.named(tx, annotator, self._clock())
            if not any(c.present_count + c.absent_count for c in categories.every(tx)):
                raise NotReady(
                    "There is nothing to learn from yet: answer a few questions on the Label page."
                )
            job = jobs.enqueue(tx, JobKind.TRAIN, options, self._clock())
        return {"job": job.id, "message": f"Training is {_verb(job)}."}

    def cancel(self) -> dict[str, Any]:
        """Ask the worker to stop what it is doing."""
        with self._store.writing() as tx:
            for kind in (JobKind.TRAIN, JobKind.EMBED):
                job = jobs.latest(tx, kind)
                if job and job.state in (JobState.QUEUED, JobState.RUNNING):
                    jobs.request_cancel(tx, job.id)
                    return {"message": f"The {job.kind.value} job will stop shortly."}
        return {"message": "Nothing is running."}

    def promote(self, annotator: str, number: int) -> dict[str, Any]:
        """Make a version the one whose suggestions are shown.

        Raises:
            NotFound: If there is no such version.
        """
        now = self._clock()
        with self._store.writing() as tx:
            version = versions.promote(tx, number, f"promoted by {annotator}", now)
        return {"message": f"Version {version.number} is used from the next image on."}

    def methods(self) -> list[str]:
        """Return the names of the methods that can learn."""
        return list(METHODS)

    def _counts(self, tx: Transaction, shown: list[Category]) -> tuple[Counts, NDArray[np.int64]]:
        table = answers.label_table(tx)
        total = images.count(tx)
        columns = 1 + max((c.ordinal for c in categories.every(tx, archived=True)), default=-1)
        waiting = np.zeros(columns, dtype=np.int64)
        _, arrays = self._suggestions.current(tx)
        if arrays is not None:
            suggested = suggested_matrix(arrays, total, columns)
            suggested[table.image, table.category] = False
            waiting = suggested.sum(axis=0)
        listed = [c.ordinal for c in shown]
        answered = sum(c.present_count + c.absent_count for c in shown)
        counts = Counts(
            images=total,
            visited=len(visits.visited(tx)),
            pairs=total * len(shown),
            answered=answered,
            filled=0,
            open=total * len(shown) - answered,
            present=sum(c.present_count for c in shown),
            absent=sum(c.absent_count for c in shown),
            conflicts=int(table.conflict.sum()),
            suggestions=int(waiting[listed].sum()) if listed else 0,
        )
        return counts, waiting

    def _waiting_suggestions(self, tx: Transaction, version: int | None) -> int:
        made, number, waiting = self._waiting
        if version is None:
            return 0
        if number != version or time.monotonic() - made > COUNT_SECONDS:
            waiting = self._counts(tx, categories.every(tx))[0].suggestions
            self._waiting = (time.monotonic(), version, waiting)
        return waiting

    def _calibrated(self, tx: Transaction) -> set[int]:
        """Return the ordinals of the categories whose scores are probabilities."""
        _, arrays = self._suggestions.current(tx)
        if arrays is None:
            return set()
        parameters = arrays.parameters
        return set(parameters.category_ordinals) - set(parameters.ranked_only)

    def _trainer(self, tx: Transaction) -> dict[str, Any]:
        now = self._clock()
        alive = any(now - beat.at < WORKER_SILENCE for beat in jobs.workers(tx))
        latest = [job for kind in JobKind if (job := jobs.latest(tx, kind)) is not None]
        running = next((job for job in latest if job.state is JobState.RUNNING), None)
        newest = max(latest, key=lambda job: job.id, default=None)
        return trainer_row(alive, running, newest)

    def _waits_for(self, tx: Transaction) -> str:
        return policy.waiting_for(tx, self._project.settings.retraining, self._clock())


def training_options(method: str | None, finetune: bool | None = None) -> dict[str, Any]:
    """Return the options of a training job.

    Args:
        method: What learns; None means the project's.
        finetune: Whether the network learns, too; None leaves it to the settings.

    Raises:
        NotFound: If there is no such method; the message lists those there are.
    """
    if method is not None and method not in METHODS:
        raise NotFound(f"There is no method {method!r}; known: {', '.join(METHODS)}.")
    options = {"method": method, "finetune": finetune}
    return {name: value for name, value in options.items() if value is not None}


def trainer_row(alive: bool, running: Job | None, newest: Job | None) -> dict[str, Any]:
    """Return what the status line says about the trainer."""
    row: dict[str, Any] = {
        "state": "idle" if alive else "off",
        "stage": "",
        "done": 0,
        "total": 0,
        "loss": None,
        "message": "",
        "worker_alive": alive,
    }
    if alive and running is not None:
        doing = "embedding" if running.kind is JobKind.EMBED else "training"
        for key in ("stage", "done", "total", "loss"):
            row[key] = running.progress.get(key, row[key])
        row["state"] = doing
    elif alive and newest is not None and newest.state is JobState.FAILED:
        row["state"], row["message"] = "failed", newest.message
    return row


def version_row(version: Version) -> dict[str, Any]:
    """Return a version as pages and `--json` show it."""
    metrics = version.metrics
    return {
        "number": version.number,
        "method": version.method,
        "backbone": version.backbone,
        "created_at": _iso(version.created_at),
        "promoted": version.promoted,
        "map": metrics.get("map"),
        "map_low": metrics.get("map_low"),
        "map_high": metrics.get("map_high"),
        "held_out_pairs": metrics.get("held_out_pairs", 0),
        "trained_answers": version.trained_answers,
        "seconds": version.training_seconds,
        "note": version.note,
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _verb(job: Job) -> str:
    return "running already" if job.state is JobState.RUNNING else "queued"
