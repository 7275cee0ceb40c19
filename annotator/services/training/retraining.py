"""When the next version is trained: one rule, asked by the worker and explained on the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from annotator.domain import JobKind, JobState, Version
from annotator.services.message import counted
from annotator.settings import Retraining
from annotator.store import Transaction, answers, categories, jobs, predictors, versions
from annotator.store.answer_tables import imports

RETRY_SECONDS = 600
"""How long a failed or cancelled training is not started again by itself."""

WON = "challenge"
"""What the metrics hold of a version that was better than the one in use, and of no other."""

PREDICTORS = "predictors"
"""What the metrics hold of a version: the predictors that it weighed, as `signature` has them."""
WORTH = "predictor_worth"
"""What the metrics hold of a version: what each predictor was worth on its held-out answers."""

FOLLOW = "The first suggestions come as soon as the trainer has learned from the labels."
"""What people who label are told until there is a version, once nothing more is asked of them."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the rule looks at."""

    new_answers: int = 0
    """Answers outside sweeps that the last version did not learn from."""
    new_present: int = 0
    """Those of them that say present."""
    anything_new: bool = False
    """Whether people or imports did anything at all since."""
    present_labels: int = 0
    """Pairs that are labelled present, imported ones included."""
    imported: bool = False
    """Whether any labels came with an import."""
    trained_answers: int | None = None
    """Answers that the last version learned from; None before there is a version."""
    trained_present: int = 0
    training_seconds: float = 0.0
    """How long the last version took to train."""
    age_seconds: float = 0.0
    """How long ago the last version was made."""
    under_way: bool = False
    """Whether a training is queued or running."""
    rest_seconds: float = 0.0
    """How long to wait after a training that failed or was cancelled."""
    later_features: int = 0
    """Labelled images whose features the last version lacked, if they are a fair share."""
    other_predictors: bool = False
    """Whether the last version weighed other predictors than there are now."""


def situation(tx: Transaction, now: datetime) -> Situation:
    """Return how things stand in a project's store."""
    last = newest(tx)
    since = versions.last_operation_of(tx, last.number) if last else 0
    counts = answers.answer_counts(tx, after_operation=since)
    job = jobs.latest(tx, JobKind.TRAIN)
    rest = 0.0
    if job and job.state in (JobState.FAILED, JobState.CANCELLED):
        ended = job.finished_at or job.created_at
        rest = max(0.0, RETRY_SECONDS - (now - ended).total_seconds())
    return Situation(
        new_answers=counts.answers,
        new_present=counts.present,
        anything_new=counts.last_operation > since,
        present_labels=sum(c.present_count for c in categories.every(tx)),
        imported=last is None and imports(tx) > 0,
        trained_answers=last.trained_answers if last else None,
        trained_present=last.trained_present if last else 0,
        training_seconds=last.training_seconds if last else 0.0,
        age_seconds=(now - last.created_at).total_seconds() if last else 0.0,
        under_way=job is not None and job.state in (JobState.QUEUED, JobState.RUNNING),
        rest_seconds=rest,
        other_predictors=last is not None
        and predictors.signature(tx) != last.metrics.get(PREDICTORS, []),
    )


def due(now: Situation, settings: Retraining) -> str | None:
    """Return why a new version should be trained by itself, or None if it should not yet.

    The first version is due once there are enough answers, or labels came with an import. A later
    one is due when the new answers are enough and also a fair share of those the last version
    learned from, and twice its training time has passed; or when it is old and anything is new.
    A version that was trained while features were still computed is followed by one that has them.
    """
    if not settings.automatic or now.under_way or now.rest_seconds or not now.present_labels:
        return None
    if now.trained_answers is None and now.imported:
        return "labels were imported"
    if now.trained_answers is not None:
        if now.anything_new and now.age_seconds >= settings.every_hours * 3600:
            return f"something is new, and the last version is {_span(now.age_seconds)} old"
        if now.age_seconds < 2 * now.training_seconds:
            return None
    return _enough(now, settings)


def _enough(now: Situation, settings: Retraining) -> str | None:
    """Return what there is enough of for a version that may be trained now."""
    if now.other_predictors:
        return "the predictors have changed"
    if now.later_features:
        return f"features of {counted(now.later_features, 'more labelled image')}"
    if now.new_answers >= _needed_answers(now, settings):
        return counted(now.new_answers, "new answer")
    if now.new_present >= _needed_present(now, settings):
        return counted(now.new_present, "new present answer")
    return None


def waiting_for(tx: Transaction, settings: Retraining, now: datetime) -> str:
    """Return one sentence that says what a project's next training waits for."""
    return explain(situation(tx, now), settings)


def explain(now: Situation, settings: Retraining) -> str:
    """Return `due` as one sentence for the page."""
    if now.under_way:
        return "A new version is being trained."
    if not settings.automatic:
        return "Automatic training is off; start it with the Train button or `annotator train`."
    if not now.present_labels:
        return "Training starts once there is a present answer."
    if now.rest_seconds:
        return (
            "The last training did not finish; it is retried automatically in "
            f"{_span(now.rest_seconds)}, or now with the Train button."
        )
    if due(now, settings):
        return "Training is due and starts as soon as a worker is free."
    answers_left, present_left = _missing(now, settings)
    if answers_left <= 0 or present_left <= 0:
        left = 2 * now.training_seconds - now.age_seconds
        return f"There are enough new answers; the next training starts in {_span(left)}."
    return (
        f"The next training starts after {counted(answers_left, 'more answer')} "
        f"or {counted(present_left, 'more present one')}, whichever comes first."
    )


def until_suggestions(tx: Transaction, settings: Retraining, now: datetime) -> str:
    """Return one sentence that says what the first suggestions wait for; empty once they are there.

    Every open page asks for it all the time, and labels that were imported may be millions, so
    those are not counted.
    """
    if versions.every(tx):
        return ""
    if settings.automatic and imports(tx) and any(c.present_count for c in categories.every(tx)):
        return FOLLOW
    return explain_first(situation(tx, now), settings)


def explain_first(now: Situation, settings: Retraining) -> str:
    """Return, as a sentence for people who label, what the first suggestions wait for."""
    if now.under_way or due(now, settings):
        return FOLLOW
    if not settings.automatic:
        return "Suggestions come once a model is trained: start that on the Train page."
    if now.rest_seconds:
        return explain(now, settings)
    answers_left, present_left = _missing(now, settings)
    if answers_left <= 0:  # and not one of them is present
        return "1 more present answer until the first suggestions."
    return (
        f"{counted(present_left, 'more present answer')} until the first suggestions "
        f"(or {counted(answers_left, 'answer')} of any kind; “rest absent” does not count)."
    )


def newest(tx: Transaction) -> Version | None:
    """Return the version that was trained last, on what was new; challengers learn the same."""
    made = (v for v in versions.every(tx) if WON not in v.metrics)
    return max(made, key=lambda v: v.number, default=None)


def _missing(now: Situation, settings: Retraining) -> tuple[int, int]:
    """Return how many answers, and how many present ones, are missing; either is enough."""
    answers = _needed_answers(now, settings) - now.new_answers
    return answers, _needed_present(now, settings) - now.new_present


def _needed_answers(now: Situation, settings: Retraining) -> int:
    return max(settings.min_answers, math.ceil(settings.min_share * (now.trained_answers or 0)))


def _needed_present(now: Situation, settings: Retraining) -> int:
    return max(settings.min_present, math.ceil(settings.min_share * now.trained_present))


def _span(seconds: float) -> str:
    """Return a length of time in the words of a person.

    >>> _span(90), _span(7200)
    ('2 minutes', '2 hours')
    """
    if seconds < 60:
        return f"{max(1, math.ceil(seconds))} s"
    if seconds < 7200:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"
