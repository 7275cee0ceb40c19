"""How good a version is on held-out answers, and whether it may replace the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.services.message import counted
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN, known_mask
from mlrpl.metrics import (
    Interval,
    average_precision,
    bootstrap_interval,
    evaluated,
    paired_bootstrap,
    paired_bootstrap_by_category,
)

MIN_PRESENT = 3
"""Present held-out answers that a category needs to be measured."""
MIN_ABSENT = 3
"""Absent ones."""
VERDICT_PAIRS = 100
"""Held-out pairs below which two versions are not compared."""
VERDICT_PRESENT = 20
"""Present ones among them, likewise."""

COMPARED_IMAGES = 5_000
"""Most images that two methods are compared on, evenly spread over all that have answers."""

_WORK = 5e7

Scores = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Verdict:
    """Whether a new version is to be promoted, and why."""

    promote: bool
    note: str


@dataclass(frozen=True)
class Gain:
    """By how much one method is better than another on the same answers."""

    overall: Interval
    """In mean average precision, with its 95 % interval over images; NaN with too few answers."""
    pairs: int
    """What was compared."""
    present: int
    images: int
    columns: Rows
    """Categories that were compared, by column."""
    each: list[Interval]
    """In average precision, one a category that was compared."""

    @property
    def measured(self) -> bool:
        """Whether there were enough answers."""
        return self.pairs >= VERDICT_PAIRS and self.present >= VERDICT_PRESENT

    @property
    def better(self) -> bool:
        """Whether it is better beyond chance."""
        return self.measured and self.overall.low > 0

    @property
    def worse(self) -> bool:
        """Whether it is worse beyond chance."""
        return self.measured and self.overall.high < 0


def gain(new: Scores, old: Scores, labels: Labels, groups: Rows) -> Gain:
    """Measure by how much new scores order the images of each category better than old ones.

    Images are ordered among those that one model scored: scores of models that learned from
    different images are not on one scale.

    Args:
        new: `(N, C)`, of answers that have not trained the model which scored them; others NaN.
        old: `(N, C)`, likewise.
        labels: `(N, C)`. Only what both have scored counts.
        groups: `(N,)`, which images one model scored; see `Snapshot.groups`.
    """
    labels = _scored(_scored(labels, new), old)
    rows = np.flatnonzero(known_mask(labels).any(axis=1))
    if len(rows) > COMPARED_IMAGES:
        rows = rows[np.linspace(0, len(rows) - 1, COMPARED_IMAGES).astype(int)]
    labels = labels[rows]
    columns = np.flatnonzero(evaluated(labels, MIN_PRESENT, MIN_ABSENT))
    labels = labels[:, columns]
    overall, each = paired_bootstrap_by_category(
        old[rows][:, columns],
        new[rows][:, columns],
        labels,
        groups=groups[rows],
        repeats=_repeats(labels),
    )
    known = known_mask(labels)
    return Gain(
        overall,
        pairs=int(known.sum()),
        present=int((labels == PRESENT).sum()),
        images=int(known.any(axis=1).sum()),
        columns=columns,
        each=each,
    )


def held_out_metrics(scores: Scores, labels: Labels) -> dict[str, Any]:
    """Measure scores on held-out labels.

    Args:
        scores: `(M, C)` of the held-out images.
        labels: `(M, C)` of the same images.

    Returns:
        `map` with `map_low` and `map_high` (95 %, over images), `held_out_pairs` and
        `held_out_present` of the categories that were measured, `average_precision` by column
        (None where it was not measured), and `reason` where nothing could be.
    """
    labels = _scored(labels, scores)
    takes_part = evaluated(labels, MIN_PRESENT, MIN_ABSENT)
    each = average_precision(scores, labels)
    measured = labels[:, takes_part]
    result: dict[str, Any] = {
        "map": None,
        "map_low": None,
        "map_high": None,
        "held_out_pairs": int(known_mask(measured).sum()),
        "held_out_present": int((measured == PRESENT).sum()),
        "average_precision": [
            float(ap) if fine else None for ap, fine in zip(each, takes_part, strict=True)
        ],
    }
    if not takes_part.any():
        result["reason"] = (
            f"No category has {MIN_PRESENT} present and {MIN_ABSENT} absent answers on the "
            "held-out images yet."
        )
        return result
    interval = bootstrap_interval(
        scores,
        labels,
        min_present=MIN_PRESENT,
        min_absent=MIN_ABSENT,
        repeats=_repeats(measured),
    )
    return result | {"map": interval.value, "map_low": interval.low, "map_high": interval.high}


def compare(
    new: Scores, old: Scores | None, labels: Labels, *, old_number: int, must_win: bool = False
) -> Verdict:
    """Compare two versions on the same held-out pairs.

    Args:
        new: `(M, C)` of the held-out images.
        old: `(M, C)` of the version that is in use, NaN where it has no score; None if it has no
            scores at all any more.
        labels: `(M, C)`.
        old_number: Number of the version that is in use.
        must_win: Whether the new one has to be better, be it by chance, as one that brings
            features of its own.

    Returns:
        Not promoted only if a paired bootstrap over images says with 95 % that the new one is
        worse.
    """
    if old is None:
        return Verdict(True, f"Promoted without a comparison: version {old_number} has no scores.")
    labels = _scored(_scored(labels, new), old)
    takes_part = evaluated(labels, MIN_PRESENT, MIN_ABSENT)
    new, old, labels = new[:, takes_part], old[:, takes_part], labels[:, takes_part]
    pairs, present = int(known_mask(labels).sum()), int((labels == PRESENT).sum())
    if pairs < VERDICT_PAIRS or present < VERDICT_PRESENT:
        return Verdict(
            True,
            f"Promoted without a verdict: {counted(pairs, 'held-out answer')} can be compared, "
            f"{present} of them present; a verdict needs {VERDICT_PAIRS} and {VERDICT_PRESENT}.",
        )
    difference = paired_bootstrap(
        old,
        new,
        labels,
        min_present=MIN_PRESENT,
        min_absent=MIN_ABSENT,
        level=0.9,  # one-sided 95 %
        repeats=_repeats(labels),
    )
    points = f"{abs(difference.value) * 100:.1f} points of mAP"
    if difference.high < 0:
        return Verdict(
            False,
            f"Not promoted: {points} worse than version {old_number} on {pairs} held-out answers, "
            "which is more than chance.",
        )
    if must_win and round(difference.value, 3) <= 0:
        how = f"{points} worse than" if round(difference.value, 3) else "as good as"
        return Verdict(
            False,
            f"Not promoted: fine-tuned, it is {how} version {old_number} on {pairs} held-out "
            "answers.",
        )
    if round(difference.value, 3) == 0:
        return Verdict(True, f"As good as version {old_number} on {pairs} held-out answers.")
    way = "better" if difference.value >= 0 else "worse"
    more = "" if difference.low > 0 else ", which may be chance"
    return Verdict(
        True, f"{points} {way} than version {old_number} on {pairs} held-out answers{more}."
    )


def _scored(labels: Labels, scores: Scores) -> Labels:
    return np.where(np.isfinite(scores), labels, UNKNOWN).astype(np.int8)


def _repeats(labels: Labels) -> int:
    """Return fewer redraws for more labels, whose intervals are narrow anyway."""
    known = int(np.isin(labels, (PRESENT, ABSENT)).any(axis=1).sum()) * labels.shape[1]
    return int(np.clip(_WORK / max(known, 1), 200, 1000))
