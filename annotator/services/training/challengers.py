"""Which method learns in the background to challenge the version in use, and when.

Decision 0303 gives the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from annotator.domain import Job, JobKind, JobState, Version
from annotator.services.message import counted, span
from annotator.services.training import retraining
from annotator.settings import Settings
from annotator.store import Transaction, activity, jobs, versions
from mlrpl.metrics import Interval

AUTO = "auto"
"""The method that begins with the quick one and lets others challenge it."""
QUICK = "kernel_ridge"
"""What learns in seconds."""
WON = retraining.WON

FINE_TUNED = "fine-tuned"
CHALLENGERS: Mapping[str, Mapping[str, Any]] = {
    "hst": {"method": "hst"},
    "sarb": {"method": "sarb"},
    FINE_TUNED: {"method": QUICK, "finetune": True},
}
"""Options of the training by the challenger's name."""

MIN_IMAGES = 100
"""Labelled images below which no challenger has been seen to win."""
QUIET_SECONDS = 300.0
"""How long nobody has answered before a challenger that new answers overtook is tried again."""
BUDGET_RATIO = 100.0
"""Seconds that a challenger may take for each second of the quick training, within the next two."""
LEAST_BUDGET, MOST_BUDGET = 300.0, 3600.0
BY_HAND = "promoted by"
"""How the note of a version begins that somebody chose."""
REMEMBERED = 40
"""Jobs of challengers that are looked at."""


class Outcome(StrEnum):
    """What came of a challenger."""

    WON = "won"
    LEVEL = "level"
    """Not better beyond chance."""
    WORSE = "worse"
    """Worse beyond chance."""
    UNMEASURED = "unmeasured"
    """Too few held-out answers that both have scored."""
    OUT_OF_TIME = "out_of_time"
    NOT_TRIED = "not_tried"
    """The settings or the machine do not allow it."""
    FAILED = "failed"
    DROPPED = "dropped"
    """New answers, or a person, ended it."""


GROWTH: Mapping[Outcome, float] = {
    Outcome.WON: 1.0,
    Outcome.LEVEL: 1.25,
    Outcome.WORSE: 2.0,
    Outcome.UNMEASURED: 1.25,
    Outcome.OUT_OF_TIME: 2.0,
    Outcome.NOT_TRIED: 1.25,
    Outcome.FAILED: 2.0,
    Outcome.DROPPED: 1.0,
}
"""How many times as many labels there must be before the same challenger is tried again."""


@dataclass(frozen=True)
class Trial:
    """A challenger's job that has ended."""

    challenger: str
    base: int
    """The version whose snapshot it learned from."""
    known: int
    """Labels in that snapshot."""
    outcome: Outcome
    gain: float | None = None


@dataclass(frozen=True, kw_only=True)
class Race:
    """What the rule looks at."""

    base: Version | None
    """The newest version that is no challenger's: challengers learn from the same snapshot."""
    champion: Version | None
    """The version in use."""
    trials: Sequence[Trial]
    """The newest first."""
    quiet_seconds: float
    """How long ago somebody answered."""

    @property
    def known(self) -> int:
        """Labels that there were when the newest version was made."""
        return 0 if self.base is None else known_labels(self.base)

    def last(self, challenger: str) -> Trial | None:
        """Return what came of a challenger last."""
        return next((t for t in self.trials if t.challenger == challenger), None)


def race(tx: Transaction, now: datetime) -> Race:
    """Return how things stand in a project's store."""
    last = activity.last_answer_at(tx)
    ended = jobs.recent(tx, REMEMBERED, JobKind.CHALLENGE)
    return Race(
        base=retraining.newest(tx),
        champion=versions.promoted(tx),
        trials=[trial for job in ended if (trial := _trial(job)) is not None],
        quiet_seconds=QUIET_SECONDS if last is None else (now - last).total_seconds(),
    )


def due(now: Race, settings: Settings) -> Mapping[str, Any] | None:
    """Return the options of the job of the challenger that should learn next; None: none should.

    The caller sees to it that nothing else is to be done.
    """
    if why_none(now, settings) or now.base is None:
        return None
    ready = [name for name in allowed(settings) if not waits(now, name)]
    if not ready:
        return None
    first = min(ready, key=lambda name: _rank(now, name))
    return options(now.base, first)


def options(base: Version, challenger: str) -> Mapping[str, Any]:
    """Return the options of a job in which a challenger learns what a version did."""
    known = known_labels(base)
    return {
        "challenger": challenger,
        "base": base.number,
        "known": known,
        **CHALLENGERS[challenger],
    }


def known_labels(version: Version) -> int:
    """Return how many labels there were when a version was made."""
    return int(version.metrics.get("known_pairs") or 0)


def allowed(settings: Settings) -> list[str]:
    """Return the challengers that the settings allow, by name."""
    tunes = settings.retraining.finetune != "never"
    return [name for name in CHALLENGERS if tunes or name != FINE_TUNED]


def why_none(now: Race, settings: Settings) -> str:
    """Return why no challenger learns at all, as a sentence; empty if some may."""
    if settings.method != AUTO:
        return (
            f"Off, as the method is {settings.method}. With the method auto, chosen on the "
            "Settings page, other methods learn while the trainer has nothing else to do."
        )
    if not settings.retraining.automatic:
        return "Off, as automatic training is off."
    if now.base is None or now.champion is None:
        return "Challengers come after the first version."
    images = int(now.base.metrics.get("labelled_images") or 0)
    if images < MIN_IMAGES:
        left = counted(MIN_IMAGES - images, "more labelled image")
        return f"Challengers come after {left}: with fewer none is better."
    if now.champion.note.startswith(BY_HAND) and now.champion.number != now.base.number:
        return (
            f"None until the next version, as version {now.champion.number} was chosen by a person."
        )
    return ""


def waits(now: Race, challenger: str) -> str:
    """Return what a challenger waits for, as a sentence; empty if it may learn now."""
    last, base = now.last(challenger), now.base
    options = CHALLENGERS[challenger]
    same = base is not None and base.method == options["method"]
    if base is not None and same and bool(base.metrics.get("finetuned")) == ("finetune" in options):
        return f"Version {base.number} is one of these."
    if last is None or base is None:
        return ""
    needed = round(last.known * GROWTH[last.outcome])
    if now.known < needed:
        return f"Again at {counted(needed, 'label')}; there are {now.known:,}."
    if last.base == base.number:
        return "Tried on these answers; again with a later version."
    if last.outcome is Outcome.DROPPED and now.quiet_seconds < QUIET_SECONDS:
        return (
            "New answers ended it last time; again once nobody has answered for "
            f"{span(QUIET_SECONDS)}."
        )
    return ""


def budget(version: Version, challenger: str) -> float:
    """Return the seconds that a challenger may take to learn what a version did.

    Whether fine-tuning is worth its time is decided before it begins.
    """
    if challenger == FINE_TUNED:
        return MOST_BUDGET
    return min(MOST_BUDGET, max(LEAST_BUDGET, BUDGET_RATIO * version.training_seconds))


def points(gain: Interval) -> str:
    """Return a difference of mean average precision with its interval.

    >>> points(Interval(0.0123, 0.004, 0.02)), points(Interval(-0.001, -0.02, 0.01))
    ('1.2 points of mAP better (+0.4 to +2.0)', '0.1 points of mAP worse (-2.0 to +1.0)')
    """
    way = "better" if gain.value >= 0 else "worse"
    interval = f"({gain.low * 100:+.1f} to {gain.high * 100:+.1f})"
    return f"{abs(gain.value) * 100:.1f} points of mAP {way} {interval}"


def _rank(now: Race, name: str) -> tuple[int, float, int]:
    """Return what the smallest of goes first: the one in use, then new ones, then the best."""
    champion, last = now.champion, now.last(name)
    in_use = champion is not None and champion.metrics.get(WON, {}).get("challenger") == name
    gain = math.inf if last is None else last.gain or 0.0
    return 0 if in_use else 1, -gain, list(CHALLENGERS).index(name)


def _trial(job: Job) -> Trial | None:
    """Return what came of a job; None while it is queued or running."""
    options, result = job.options, job.progress
    outcomes = {JobState.FAILED: Outcome.FAILED, JobState.CANCELLED: Outcome.DROPPED}
    if job.state is JobState.DONE:
        outcome = Outcome(result.get("outcome", Outcome.UNMEASURED))
    elif job.state in outcomes:
        outcome = outcomes[job.state]
    else:
        return None
    return Trial(
        challenger=options["challenger"],
        base=int(options["base"]),
        known=int(options["known"]),
        outcome=outcome,
        gain=result.get("gain") if job.state is JobState.DONE else None,
    )
