"""How far people agree with each other, and which of their labels a model doubts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer]


def cohen_kappa(one: Labels, other: Labels) -> float:
    """Return the agreement of two people beyond chance, -1 to 1, over what both answered.

    NaN where they share no answer, or where both always say the same one thing, so that chance
    alone would agree.

    Args:
        one: `(n,)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        other: `(n,)`, about the same pairs.

    Source:
        Cohen, 1960.
    """
    both = (one != UNKNOWN) & (other != UNKNOWN)
    if not both.any():
        return float("nan")
    first, second = one[both] == PRESENT, other[both] == PRESENT
    observed = float((first == second).mean())
    chance = float(first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean()))
    return float("nan") if chance == 1 else (observed - chance) / (1 - chance)


def krippendorff_alpha(answers: Labels) -> float:
    """Return the agreement of any number of people beyond chance, at most 1.

    NaN where no pair was answered twice, or where all answers are the same.

    Args:
        answers: `(people, n)`, each `PRESENT`, `UNKNOWN` or `ABSENT`; who did not answer a pair is
            `UNKNOWN` there.

    Source:
        Krippendorff, 2004, for two nominal values.
    """
    present = (answers == PRESENT).sum(0).astype(np.float64)
    given = (answers != UNKNOWN).sum(0).astype(np.float64)
    shared = given >= 2
    present, given = present[shared], given[shared]
    total, total_present = given.sum(), present.sum()
    expected = 2 * total_present * (total - total_present)
    if expected == 0:
        return float("nan")
    observed = (2 * present * (given - present) / (given - 1)).sum()
    return float(1 - (total - 1) * observed / expected)


def doubt(probabilities: npt.NDArray[np.floating], labels: Labels) -> Floats:
    """Return how far a model speaks against each label, 0 to 1; 0 where it is unknown.

    It is one minus the probability of the label. The likeliest errors come first when sorted
    downwards; who is right has to be looked at.

    Args:
        probabilities: Any shape, calibrated, of a model that did not learn from these labels;
            NaN counts as no doubt.
        labels: The same shape, each `PRESENT`, `UNKNOWN` or `ABSENT`.

    Source:
        Northcutt et al., JAIR 2021: self-confidence, on known labels only.
    """
    p = np.asarray(probabilities, np.float64)
    against = np.where(labels == PRESENT, 1 - p, np.where(labels == ABSENT, p, 0.0))
    return np.nan_to_num(against, nan=0.0)


def likely_errors(probabilities: npt.NDArray[np.floating], labels: Labels) -> npt.NDArray[np.bool_]:
    """Return which labels are likely wrong, judged by what is usual for their category, `(N, C)`.

    A present label is doubted where the model's probability is below the average of the
    category's absent labels, and an absent one where it is above the average of the present ones.
    A category without labels of both signs doubts none.

    Args:
        probabilities: `(N, C)`, as in `doubt`.
        labels: `(N, C)`.

    Source:
        Northcutt et al., JAIR 2021 (confident learning), per category, with class averages as the
        thresholds.
    """
    p = np.asarray(probabilities, np.float64)
    usable = np.isfinite(p)
    present, absent = (labels == PRESENT) & usable, (labels == ABSENT) & usable
    filled = np.where(usable, p, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual_present = (filled * present).sum(0) / present.sum(0)
        usual_absent = (filled * absent).sum(0) / absent.sum(0)
        return np.asarray((present & (p < usual_absent)) | (absent & (p > usual_present)))
