"""Virtual time: people take the seconds of the cost model, and versions appear late."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from annotator.domain import JobKind, JobState
from annotator.errors import NotReady
from annotator.services.clock import utc_now
from annotator.services.training import challengers
from annotator.services.training.challengers import Outcome
from annotator.settings import Settings, changed, load_project
from annotator.store import Store
from mlrpl.decision.acquisition import Costs

TRAINING_SECONDS = 60.0
"""From the snapshot of a version to its appearance."""
MOST_TRAININGS = 12
FIRST_TRAINING = 120.0
"""Seconds of labelling before the first snapshot."""
CHALLENGE_SECONDS = 240.0
"""From the appearance of a version, or from the end of a challenger, to that of the next one."""


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """What time goes into."""

    taking_in: float = 0.0
    """Looking at the next image, or the next page of the grid."""
    glances: float = 0.0
    """Reading rows of the short list, and looking at pictures of the grid."""
    keys: float = 0.0
    """Yes or no by one key."""
    names: float = 0.0
    """Finding categories by their name."""
    corrections: float = 0.0
    """Turning what was marked wrongly."""

    def __add__(self, other: Seconds) -> Seconds:
        """Return both together."""
        parts = zip(KINDS, astuple(self), astuple(other), strict=True)
        return Seconds(**{kind: one + more for kind, one, more in parts})

    @property
    def total(self) -> float:
        """All of it."""
        return float(sum(astuple(self)))


KINDS = tuple(Seconds.__dataclass_fields__)


@dataclass
class Clock:
    """What people have spent so far."""

    costs: Costs
    spent: Seconds = field(default_factory=Seconds)
    decisions: int = 0
    """Pairs that somebody looked at, and images or pages that were ended by one key."""

    @property
    def seconds(self) -> float:
        """All that was spent."""
        return self.spent.total

    def spend(self, seconds: Seconds, decisions: int) -> None:
        """Let time pass in which somebody decides."""
        self.spent += seconds
        self.decisions += decisions


class Trainer:
    """Trains with the real worker code; what it learned shows when its virtual time has come.

    The job runs in a thread of its own. It takes its snapshot, learns, and waits before it writes
    the version, as long as the person goes on labelling.
    """

    def __init__(
        self,
        project: Path,
        clock: Clock,
        *,
        until: float,
        most: int = MOST_TRAININGS,
        method: str = Settings().method,
        seed: int = 0,
    ) -> None:
        """Plan the snapshots.

        Args:
            project: The project directory.
            clock: Of the simulation.
            until: Seconds of the last snapshot; they lie closer together at the beginning.
            most: Snapshots; a single one is taken at a fifth of `until`.
            method: What learns.
            seed: Of the trainings.
        """
        self._project = project
        self._clock = clock
        self._options = {"method": method, "finetune": False, "seed": seed}
        last = max(until, FIRST_TRAINING)
        ratio = (last / FIRST_TRAINING) ** (1 / (MOST_TRAININGS - 1))
        self._due = [FIRST_TRAINING * ratio**k for k in range(most)]
        if most == 1:
            self._due = [until / 5]
        self._running: _Training | None = None
        self._challenger_at = math.inf
        self.trainings = 0
        """Begun so far."""

    def tick(self) -> bool:
        """Begin what is due and publish what is ready; return whether a version was published."""
        running, published = self._running, False
        if running is not None and self._clock.seconds >= running.ready_at:
            running.publish()
            self._running, published = None, True
            self._challenger_at = self._clock.seconds + CHALLENGE_SECONDS
        if self._running is None and self._clock.seconds >= self._challenger_at:
            published = self._challenge() or published
        if self._running is None and self._due and self._clock.seconds >= self._due[0]:
            self._due = [at for at in self._due if at > self._clock.seconds]
            ready_at = self._clock.seconds + TRAINING_SECONDS
            self._running = _Training(self._project, ready_at, self._options)
            self.trainings += 1
        return published

    def _challenge(self) -> bool:
        """Let the challenger that is due learn at once; return whether it won.

        It learns from the snapshot of the version, so it makes no difference when.
        """
        from annotator.worker.main import do_job  # late: torch

        project = load_project(self._project)
        wish = {"method": self._options["method"], "retraining.automatic": True}
        with closing(Store.open(project.database_url)) as store, store.reading() as tx:
            now = challengers.race(tx, utc_now())
        options = challengers.due(now, changed(project.settings, wish))
        if options is None:
            self._challenger_at = math.inf
            return False
        job = do_job(self._project, JobKind.CHALLENGE, options, device="cpu")
        self._challenger_at = self._clock.seconds + CHALLENGE_SECONDS
        return job.progress.get("outcome") == Outcome.WON

    def close(self) -> None:
        """End a training that is still waiting."""
        if self._running is not None:
            self._running.publish()
            self._running = None


class _Training(threading.Thread):
    """One training job, held back before it is written."""

    def __init__(self, project: Path, ready_at: float, options: Mapping[str, Any]) -> None:
        super().__init__(name="simulated-training", daemon=True)
        self.ready_at = ready_at
        self._project = project
        self._options = options
        self._learned = threading.Event()
        self._may_write = threading.Event()
        self._problem = ""
        self.start()
        self._learned.wait()  # so that nothing that is said later is in the snapshot

    def publish(self) -> None:
        """Let the version be written.

        Raises:
            NotReady: If the training failed for another reason than a lack of labels.
        """
        self._may_write.set()
        self.join()
        if self._problem and not self._problem.startswith("Nothing to learn from"):
            raise NotReady(f"The training failed: {self._problem}")

    def run(self) -> None:
        """Do the job as a worker would."""
        from annotator.worker.main import do_job  # late: torch

        try:
            job = do_job(
                self._project, JobKind.TRAIN, self._options, device="cpu", on_progress=self._held
            )
            self._problem = "" if job.state is JobState.DONE else job.message
        except Exception as error:  # noqa: BLE001 - said in the thread that waits for it
            self._problem = str(error) or type(error).__name__
        finally:
            self._learned.set()

    def _held(self, progress: Mapping[str, Any]) -> None:
        if progress.get("stage") == "writing":
            self._learned.set()
            self._may_write.wait()
