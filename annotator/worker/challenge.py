"""The challenger's job: another method learns the same, and replaces the version if it is better.

Decision 0303 says when and why; `annotator.services.training.challengers` is its rule.
"""

from __future__ import annotations

import time
from typing import Any

from annotator.domain import Version
from annotator.services.message import counted, span
from annotator.services.training import retraining
from annotator.services.training.challengers import FINE_TUNED, WON, Outcome, budget, points
from annotator.settings import Project
from annotator.store import Transaction, predictors, versions
from annotator.worker.device import choose_device
from annotator.worker.embedding import BackboneLoader
from annotator.worker.evaluation import Gain, gain
from annotator.worker.finetuning_policy import outlook
from annotator.worker.held_out import held_out_of
from annotator.worker.job_control import Control, Dropped, OutOfTime
from annotator.worker.learner import Scores, Snapshot
from annotator.worker.pruning import delete_leftovers
from annotator.worker.publishing import publish
from annotator.worker.snapshots import snapshot_of
from annotator.worker.training import Lesson, learned
from mlrpl.models.backbones import load_backbone

_Result = dict[str, Any]


def run(
    project: Project, control: Control, device: str, *, load: BackboneLoader = load_backbone
) -> str:
    """Let a challenger learn what the newest version did; return one sentence about it.

    Options of the job: `challenger`, its name; `base`, the number of that version; `method` and
    `finetune` as `annotator.worker.training.run` takes them. Nothing is written of a challenger
    that is not better than the version in use; the job keeps what was measured as its progress.

    Raises:
        Dropped: If there is a newer version to learn what it did, or none is in use.
        LeaseLost: If another worker has taken the job over; then nothing was published.
    """
    device, name = choose_device(device), str(control.job.options["challenger"])
    delete_leftovers(project, control.store)
    with control.store.reading() as tx:
        base, champion = _versions(tx, int(control.job.options["base"]))
        if predictors.signature(tx) != champion.metrics.get(retraining.PREDICTORS, []):
            raise Dropped("Dropped: the version in use weighed other predictors.")
        refusal = _refusal(project, tx, device) if name == FINE_TUNED else ""
    if refusal:
        return _finish(control, {"outcome": Outcome.NOT_TRIED, "note": refusal})
    lesson = Lesson(
        method=str(control.job.options["method"]),
        tunes=name == FINE_TUNED,
        options=control.job.options,
        device=device,
        load=load,
    )
    contest = _Contest(project, control, name, base, champion)
    most = budget(base, name)
    control.ends_at = time.monotonic() + most
    try:
        with learned(project, control, lesson, contest.snapshot, contest.judge) as trained:
            return publish(project, control, trained, won=contest.result)
    except _Beaten:
        return _finish(control, contest.result)
    except OutOfTime:
        said = f"Ended after {span(most)}, the time that it was given."
        return _finish(control, contest.about | {"outcome": Outcome.OUT_OF_TIME, "note": said})


class _Beaten(Exception):
    """The challenger is not better; the result says by how much."""


class _Contest:
    """A challenger against the version in use, on the same answers."""

    def __init__(
        self, project: Project, control: Control, name: str, base: Version, champion: Version
    ) -> None:
        self._project = project
        self._control = control
        self._name = name
        self._base = base
        self._champion = champion
        self._started = time.monotonic()
        self.result: _Result = {}

    def snapshot(self, rows: int) -> Snapshot:
        """Return what the newest version learned from."""
        return snapshot_of(self._project, self._control, rows, self._base)

    @property
    def about(self) -> _Result:
        """Who challenged whom, and for how long so far."""
        return {
            "challenger": self._name,
            "against": self._champion.number,
            "against_method": self._champion.method,
            "seconds": time.monotonic() - self._started,
        }

    def judge(self, snapshot: Snapshot, scores: Scores) -> None:
        """Go on only with a challenger that is better beyond chance.

        A newer version of the method in use takes its place as any training does: unless it is
        worse beyond chance.

        Raises:
            _Beaten: If it is not better.
        """
        self._control.report("comparing")
        old = held_out_of(self._project, self._champion.number, snapshot)
        if old is None:
            raise Dropped(f"Dropped: version {self._champion.number} has no scores any more.")
        found = gain(scores, old, snapshot.labels, snapshot.groups)
        outcome = self._outcome(found)
        self.result = self.about | {
            "outcome": outcome,
            "note": self._sentence(found, outcome),
            "pairs": found.pairs,
            "images": found.images,
        }
        if found.measured:
            self.result |= _figures(snapshot, found)
        if outcome is not Outcome.WON:
            raise _Beaten

    def _outcome(self, found: Gain) -> Outcome:
        if not found.measured:
            return Outcome.UNMEASURED
        if found.worse:
            return Outcome.WORSE
        renews = self._champion.metrics.get(WON, {}).get("challenger") == self._name
        has_more = self._base.number > self._champion.number
        return Outcome.WON if found.better or (renews and has_more) else Outcome.LEVEL

    def _sentence(self, found: Gain, outcome: Outcome) -> str:
        against = f"version {self._champion.number} ({self._champion.method})"
        on = counted(found.pairs, "held-out answer")
        if outcome is Outcome.UNMEASURED:
            return f"Not compared with {against}: {on} can be compared, which are too few."
        begins = {
            Outcome.WON: f"{self._name} takes the place of {against}",
            Outcome.LEVEL: f"{self._name} is not better than {against} beyond chance",
            Outcome.WORSE: f"{self._name} is worse than {against}",
        }[outcome]
        return f"{begins}: {points(found.overall)} on {on}."


def _refusal(project: Project, tx: Transaction, device: str) -> str:
    """Return why fine-tuning is not tried, as a sentence; empty if it is."""
    expected = outlook(project, tx, device)
    return "" if expected.worth else f"Not tried. {expected.reason}"


def _versions(tx: Transaction, number: int) -> tuple[Version, Version]:
    """Return the version that a challenger learns the same as, and the one in use."""
    base, champion = retraining.newest(tx), versions.promoted(tx)
    if base is None or champion is None or base.number != number:
        now = "no version is left" if base is None else f"version {base.number} knows more"
        raise Dropped(f"Dropped: {now}.")
    return base, champion


def _figures(snapshot: Snapshot, found: Gain) -> _Result:
    each = zip(found.columns.tolist(), found.each, strict=True)
    return {
        "gain": found.overall.value,
        "low": found.overall.low,
        "high": found.overall.high,
        "categories": [
            {
                "ordinal": snapshot.categories[column].ordinal,
                "gain": round(interval.value, 4),
                "low": round(interval.low, 4),
                "high": round(interval.high, 4),
            }
            for column, interval in each
        ],
    }


def _finish(control: Control, result: _Result) -> str:
    with control.finishing(str(result["note"]), result):
        pass
    return str(result["note"])
