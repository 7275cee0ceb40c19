"""How far the project is, and what the trainer does."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from typing_extensions import TypedDict

from annotator.arrays.version_features import gives_order
from annotator.domain import Category, Job, JobKind, JobState
from annotator.services.background.throttled_cache import Counted
from annotator.services.background.trainer_process import NONE, Situation, TrainerProcess
from annotator.services.catalogue.lookup import in_order
from annotator.services.catalogue.revision import categories_revision
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.feature_problem import FeatureProblem
from annotator.services.knowledge.open_pairs import PairCounts
from annotator.services.knowledge.open_suggestions import OpenSuggestions, SuggestionCounts
from annotator.services.progress.forecast import Forecasts
from annotator.services.progress.images_done import ImagesDone
from annotator.services.progress.trends import Trends, TrendsRow
from annotator.services.progress.working_day import WorkingDays
from annotator.services.training import retraining
from annotator.services.training.control import VersionRow, version_row
from annotator.settings import Project
from annotator.store import (
    Transaction,
    activity,
    annotators,
    categories,
    hotkeys,
    images,
    jobs,
    versions,
)
from annotator.wire.status import ProjectState, Trainer

WORKER_SILENCE = timedelta(seconds=15)
"""After this long without a sign of life a worker counts as dead."""

LOSSES = 200
"""Most points of the live loss that are kept; of a longer training every second one goes."""


class Counts(TypedDict):
    """The three counts that every page uses, and what they are made of."""

    images: int
    visited: int
    pairs: int
    answered: int
    filled: int
    open: int
    present: int
    absent: int
    conflicts: int | None
    """None while they are being counted."""
    suggestions: int


class CategoryCounts(TypedDict):
    """The counts of one category."""

    id: int
    name: str
    supercategory: str
    present: int
    absent: int
    filled: int
    open: int
    suggested: int | None
    """None while they are being counted."""
    calibrated: bool | None
    """Whether its scores are probabilities; None: there are no scores."""


class Overview(TypedDict):
    """How far a project is."""

    counts: Counts
    about: bool
    """Suggestions and conflicts are being counted; the suggestions of all are those from when the
    version was made."""
    categories: list[CategoryCounts]
    versions: list[VersionRow]
    policy: str
    """What the next training waits for."""


class LossPoint(TypedDict):
    """The loss at one step of a training."""

    step: float
    loss: float


class ProgressReport:
    """Read-only views of a project."""

    def __init__(
        self,
        project: Project,
        open_suggestions: OpenSuggestions,
        clock: Clock = utc_now,
        *,
        forecasts: Forecasts,
    ) -> None:
        self._project = project
        self._forecasts = forecasts
        self._days = WorkingDays(time.monotonic)
        self._done = ImagesDone(project, open_suggestions)
        self._store = open_suggestions.store
        self._suggestions = open_suggestions.suggestions
        self._open_suggestions = open_suggestions
        self._trends = Trends(project, open_suggestions, clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._losses: tuple[int | None, list[tuple[float, float]]] = (None, [])
        self._features = FeatureProblem(project)
        self.trainer_process: TrainerProcess | None = None
        """The trainer that this program has started, if it has."""

    def state(self, annotator: str = "") -> ProjectState:
        """Return the status line: version, counts and what the trainer is doing now.

        Every open page asks for it all the time. Where counting the suggestions of a new version
        would take long, a thread does it, and `suggestions` is the figure from when the version was
        made; `suggestions_about` says so.
        """
        with self._store.reading() as tx:
            shown = categories.every(tx)
            total = images.count(tx)
            version, _ = self._suggestions.current(tx)
            number, about = 0, False
            if version is not None:
                number, about = self._suggested(tx, shown)
            person = annotators.id_of(tx, annotator) if annotator else 0
            done = self._done.of(tx, shown, person)
            today = self._days.today(tx, person, self._clock().timestamp())
            trainer = self._trainer(tx)
            rules = self._project.settings.retraining
            waits = retraining.until_suggestions(tx, rules, self._clock())
            pairs = PairCounts.of(total, shown, self._open_suggestions.fills.counts(tx))
            keys = hotkeys.of(tx, person) if person else {}
        return {
            "project": self._project.settings.name,
            "version": version,
            "problem": self._suggestions.problem,
            "ordered": version is not None or gives_order(self._project.features_path),
            "images": total,
            "images_done": done,
            "today": today,
            "time_left": self._forecasts.left(),
            "answered": pairs.answered,
            "filled": pairs.filled,
            "open": pairs.open,
            "suggestions": number,
            "suggestions_about": about,
            "until_suggestions": waits,
            "trainer": trainer,
            "categories_revision": categories_revision(shown, keys),
        }

    def overview(self, *, wait: bool = True) -> Overview:
        """Return counts, categories, versions, and what the next training waits for.

        Args:
            wait: Count the suggestions even where it takes long; without, `about` says so.
        """
        with self._store.reading() as tx:
            shown = categories.every(tx)
            suggested = (
                self._open_suggestions.now(tx) if wait else self._open_suggestions.latest(tx)
            )
            counts = self._counts(tx, shown, suggested)
            made = versions.every(tx)
            calibrated = self._calibrated(tx)
            waits = retraining.waiting_for(tx, self._project.settings.retraining, self._clock())
            filled = self._open_suggestions.fills.counts(tx)
        rows: list[CategoryCounts] = [
            {
                "id": c.id,
                "name": c.name,
                "supercategory": c.supercategory,
                "present": c.present_count,
                "absent": c.absent_count,
                "filled": filled.get(c.ordinal, 0),
                "open": PairCounts.of(counts["images"], [c], filled).open,
                "suggested": None if suggested is None else int(suggested.suggested[c.ordinal]),
                "calibrated": None if calibrated is None else c.ordinal in calibrated,
            }
            for c in in_order(shown)
        ]
        return {
            "counts": counts,
            "about": suggested is None,
            "categories": rows,
            "versions": [version_row(v) for v in made],
            "policy": waits,
        }

    def trends(self) -> TrendsRow:
        """Return what the charts of the Progress page show."""
        return self._trends.report()

    def latest_trends(self) -> Counted[TrendsRow]:
        """Return `trends` as `ThrottledCache.latest` does, without waiting for them."""
        return self._trends.latest()

    def close(self) -> None:
        """Wait until nothing is counted any more, for good."""
        self._trends.close()
        self._done.close()

    def losses(self) -> list[LossPoint]:
        """Return the loss of the running training, or the last one, as far as `state` saw it."""
        with self._lock:
            return [{"step": step, "loss": loss} for step, loss in self._losses[1]]

    def _counts(
        self, tx: Transaction, shown: list[Category], suggested: SuggestionCounts | None
    ) -> Counts:
        total = images.count(tx)
        pairs = PairCounts.of(total, shown, self._open_suggestions.fills.counts(tx))
        return Counts(
            images=total,
            visited=activity.visited_images(tx),
            pairs=pairs.pairs,
            answered=pairs.answered,
            filled=pairs.filled,
            open=pairs.open,
            present=sum(c.present_count for c in shown),
            absent=sum(c.absent_count for c in shown),
            conflicts=None if suggested is None else len(suggested.disputed),
            suggestions=self._when_made(tx) if suggested is None else suggested.of(shown),
        )

    def _suggested(self, tx: Transaction, shown: list[Category]) -> tuple[int, bool]:
        found = self._open_suggestions.latest(tx)
        if found is not None:
            return found.of(shown), False
        return self._when_made(tx), True

    def _when_made(self, tx: Transaction) -> int:
        """Return how many suggestions the version in use made when it was made."""
        version = versions.promoted(tx)
        return 0 if version is None else int(version.metrics.get("suggestions") or 0)

    def _remember_loss(self, running: Job) -> None:
        loss, step = running.progress.get("loss"), running.progress.get("done")
        if loss is None or step is None:
            return
        with self._lock:
            job, points = self._losses
            if job != running.id:
                points = []
            if not points or points[-1][0] < step:
                points.append((float(step), float(loss)))
            self._losses = running.id, points if len(points) <= LOSSES else points[::2]

    def _calibrated(self, tx: Transaction) -> set[int] | None:
        """Return the ordinals of the categories whose scores are probabilities; None: no scores."""
        _, arrays = self._suggestions.current(tx)
        if arrays is None:
            return None
        parameters = arrays.parameters
        return set(parameters.category_ordinals) - set(parameters.ranked_only)

    def _trainer(self, tx: Transaction) -> Trainer:
        now = self._clock()
        alive = any(now - beat.at < WORKER_SILENCE for beat in jobs.workers(tx))
        kinds = (JobKind.EMBED, JobKind.TRAIN)  # nobody waits for a challenger
        latest = [job for kind in kinds if (job := jobs.latest(tx, kind)) is not None]
        running = next((job for job in latest if job.state is JobState.RUNNING), None)
        newest = max(latest, key=lambda job: job.id, default=None)
        if running is not None:
            self._remember_loss(running)
        process = self.trainer_process
        off = Situation(False, NONE) if process is None else process.situation()
        version = versions.promoted(tx)
        problem = self._features.sentence(None if version is None else version.number)
        return trainer_row(off, alive, running, newest, problem)


def trainer_row(
    off: Situation, alive: bool, running: Job | None, newest: Job | None, problem: str = ""
) -> Trainer:
    """Return what the status line says about the trainer.

    Args:
        off: What to say if it gives no sign of life.
        alive: Whether it does.
        running: The job that runs, if any does.
        newest: The newest job.
        problem: What it waits for, beside answers.
    """
    said = running.progress if alive and running is not None else {}
    row: Trainer = {
        "state": "starting" if off.starting else "off",
        "stage": said.get("stage", ""),
        "done": said.get("done", 0),
        "total": said.get("total", 0),
        "loss": said.get("loss"),
        "epoch": said.get("epoch"),
        "epochs": said.get("epochs"),
        "message": " ".join(filter(None, (off.sentence, problem))),
        "worker_alive": alive,
    }
    if not alive:
        return row
    row["state"], row["message"] = "idle", ""
    if running is not None:
        row["state"] = "embedding" if running.kind is JobKind.EMBED else "training"
    elif problem:
        row["state"], row["message"] = "waiting", problem
    elif newest is not None and newest.state is JobState.FAILED:
        row["state"], row["message"] = "failed", newest.message
    return row
