"""Numbers of any scale become logits where they can, and ranks where nothing says what they are."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from annotator.errors import AnnotatorError
from mlrpl.decision.stacking import normal_scores

Floats = npt.NDArray[np.float64]

_NEAREST = 1e-6
"""How near a probability comes to 0 and 1."""
_LARGEST_LOGIT = 60.0
_LEAST_PERCENT = 20.0
"""Numbers from 0 on are percent only if one is as large."""
_MOSTLY = 0.5
"""Share of numbers up to 1 from which on larger ones are told of."""
BELOW = 1.0
"""How far what a file does not list lies below all that it lists."""


class Scale(StrEnum):
    """What the numbers of a file are taken for."""

    PROBABILITY = "probability"
    PERCENT = "percent"
    LOGIT = "logit"
    RANK = "rank"


def scale_named(name: str) -> Scale | None:
    """Return the scale of that name; None for `auto`.

    Raises:
        AnnotatorError: If there is none; the message lists them.
    """
    try:
        return None if name == "auto" else Scale(name)
    except ValueError:
        known = ", ".join(scale.value for scale in Scale)
        raise AnnotatorError(f"There is no scale {name!r}; use auto, {known}.") from None


def scale_of(scores: Floats) -> Scale:
    """Return what numbers look like; order alone counts once answers are there.

    >>> scale_of(np.array([0.1, 0.9])).value, scale_of(np.array([3.0, 88.0])).value
    ('probability', 'percent')

    Args:
        scores: `(n,)`, at least one, finite.
    """
    low, high = float(scores.min()), float(scores.max())
    if low >= 0 and high <= 1:
        return Scale.PROBABILITY
    if low >= 0 and _LEAST_PERCENT <= high <= 100:
        return Scale.PERCENT
    if low < 0 < high and max(-low, high) <= _LARGEST_LOGIT:
        return Scale.LOGIT
    return Scale.RANK


def doubt_about(scores: Floats, scale: Scale) -> str:
    """Return a sentence if numbers may be of two scales; empty if not.

    Args:
        scores: `(n,)`, finite.
        scale: What they were taken for.
    """
    largest = float(scores.max())
    small = float((scores <= 1).mean())
    if scale is Scale.PROBABILITY or scores.min() < 0 or small < _MOSTLY or small == 1:
        return ""
    return (
        f"{small:.0%} of the scores lie between 0 and 1, but the largest is {largest:g}, so all "
        f"are read as {scale.value}: correct the file if that is a slip, or name the --scale."
    )


def as_logits(scores: Floats, scale: Scale) -> Floats:
    """Return numbers that rise with the scores; above 0 is present, but for ranks.

    Args:
        scores: `(n,)`, finite.
        scale: What they are.

    Raises:
        AnnotatorError: If they cannot be that.
    """
    if scale is Scale.RANK:
        return np.asarray(normal_scores(scores), np.float64)
    if scale is Scale.LOGIT:
        return scores
    most = 1.0 if scale is Scale.PROBABILITY else 100.0
    if scores.min() < 0 or scores.max() > most:
        raise AnnotatorError(
            f"A {scale.value} lies between 0 and {most:g}, but the scores reach from "
            f"{scores.min():g} to {scores.max():g}; use another --scale."
        )
    return np.asarray(logit(np.clip(scores / most, _NEAREST, 1 - _NEAREST)), np.float64)
