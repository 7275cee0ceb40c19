"""How far people agree with each other, and which of their labels a model doubts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.integer]

RESAMPLES = 400
"""How often images are drawn again for an interval."""

MOST_BUNDLES = 200
"""Images that are drawn again one by one; more are drawn in bundles of about equal size."""


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
    return float(kappa_of(kappa_parts(one, other).sum(axis=0)))


def kappa_parts(one: Labels, other: Labels) -> Floats:
    """Return what each pair adds to the four cells of the table that `kappa_of` reads, `(n, 4)`."""
    both = (one != UNKNOWN) & (other != UNKNOWN)
    first, second = one == PRESENT, other == PRESENT
    cells = (first & second, first & ~second, ~first & second, ~first & ~second)
    return np.stack([both & cell for cell in cells], axis=1).astype(np.float64)


def kappa_of(sums: Floats) -> Floats:
    """Return Cohen's kappa of sums of `kappa_parts`, `(..., 4)` to `(...)`; NaN as there."""
    sums = np.asarray(sums, np.float64)
    total = sums.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        first = (sums[..., 0] + sums[..., 1]) / total
        second = (sums[..., 0] + sums[..., 2]) / total
        observed = (sums[..., 0] + sums[..., 3]) / total
        chance = first * second + (1 - first) * (1 - second)
        figure = (observed - chance) / (1 - chance)
        return np.asarray(np.where(chance == 1, np.nan, figure), np.float64)


def krippendorff_alpha(answers: Labels) -> float:
    """Return the agreement of any number of people beyond chance, at most 1.

    NaN where no pair was answered twice, or where all answers are the same.

    Args:
        answers: `(people, n)`, each `PRESENT`, `UNKNOWN` or `ABSENT`; who did not answer a pair is
            `UNKNOWN` there.

    Source:
        Krippendorff, 2004, for two nominal values.
    """
    return float(alpha_of(alpha_parts(answers).sum(axis=0)))


def alpha_parts(answers: Labels) -> Floats:
    """Return what each pair adds to disagreement, present and all answers, `(n, 3)`.

    A pair that fewer than two people answered adds nothing.
    """
    present = (answers == PRESENT).sum(axis=0).astype(np.float64)
    given = (answers != UNKNOWN).sum(axis=0).astype(np.float64)
    shared = given >= 2
    apart = 2 * present * (given - present) / np.maximum(given - 1, 1)
    return np.stack([apart * shared, present * shared, given * shared], axis=1)


def alpha_of(sums: Floats) -> Floats:
    """Return Krippendorff's alpha of sums of `alpha_parts`, `(..., 3)` to `(...)`; NaN as there."""
    sums = np.asarray(sums, np.float64)
    observed, present, total = sums[..., 0], sums[..., 1], sums[..., 2]
    expected = 2 * present * (total - present)
    with np.errstate(invalid="ignore", divide="ignore"):
        figure = 1 - (total - 1) * observed / expected
        return np.asarray(np.where(expected == 0, np.nan, figure), np.float64)


def resampled(
    parts: Floats,
    images: npt.NDArray[np.integer],
    rng: np.random.Generator,
    *,
    times: int = RESAMPLES,
) -> Floats:
    """Return the sums of parts over images that are drawn again with replacement, `(times, k)`.

    Args:
        parts: `(n, k)`, one row a pair, at least one.
        images: `(n,)`, the image of each pair; pairs of one image come and go together.
        rng: For the draws.
        times: How often.

    Source:
        The bootstrap over images, because the answers about one image depend on each other.
    """
    names, group = np.unique(images, return_inverse=True)
    # So many images may as well be drawn in bundles, which takes a fraction of the time.
    bundles = min(len(names), MOST_BUNDLES)
    group %= bundles
    sums = np.stack([np.bincount(group, column, bundles) for column in parts.T], axis=1)
    even = np.full(bundles, 1 / bundles)
    return np.asarray(rng.multinomial(bundles, even, size=times) @ sums, np.float64)


def interval(values: Floats) -> tuple[float, float]:
    """Return the middle 95 % of resampled figures; two NaNs where most of them are none."""
    finite = values[np.isfinite(values)]
    if 2 * len(finite) <= len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(finite, [0.025, 0.975])
    return float(low), float(high)


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
