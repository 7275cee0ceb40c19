"""All figures of one scored test set, in percent, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from mlrpl.metrics import average_precision, evaluated, interpolated_average_precision
from mlrpl.threshold_metrics import above, decision_scores, mean_by_positives, top

Figure = float | None
TOP = 3
"""Labels an image in the papers' top forms."""


def metric_report(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int8],
    positives: npt.NDArray[np.integer],
    *,
    categories: Sequence[str] | None = None,
) -> dict[str, object]:
    """Return every figure of a scored test set; unknown truth counts nowhere.

    A category without a present or without an absent test label has no part in the mean average
    precisions. What cannot be measured is None.

    Args:
        logits: `(N, C)`; at or above 0 is said to be present.
        labels: `(N, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.
        positives: `(C,)`, present labels that the method was trained on.
        categories: `(C,)`, to have each one's average precision as `AP` as well.

    Returns:
        `mAP`, `mAP_interpolated` (VOC 2007), `mAP_by_positives`, `OP`, `OR`, `OF1`, `CP`, `CR`,
        `CF1` and the same of the three highest an image with `_top3`, all in percent; and
        `evaluated_categories`.
    """
    takes_part = evaluated(labels)
    each = np.where(takes_part, average_precision(logits, labels), np.nan)
    interpolated = np.where(takes_part, interpolated_average_precision(logits, labels), np.nan)
    decided = decision_scores(above(logits, 0.0), labels)
    highest = decision_scores(top(logits, TOP), labels)
    figures: dict[str, object] = {
        "mAP": _percent(_mean(each)),
        "mAP_interpolated": _percent(_mean(interpolated)),
        "mAP_by_positives": {
            name: _percent(value) for name, value in mean_by_positives(each, positives).items()
        },
        **{name: _percent(value) for name, value in asdict(decided).items()},
        **{f"{name}_top{TOP}": _percent(value) for name, value in asdict(highest).items()},
        "evaluated_categories": int(takes_part.sum()),
    }
    if categories is not None:
        named = zip(categories, each, strict=True)
        figures["AP"] = {name: _percent(float(value)) for name, value in named}
    return figures


def _mean(values: npt.NDArray[np.float64]) -> float:
    counted = values[~np.isnan(values)]
    return float(counted.mean()) if len(counted) else math.nan


def _percent(value: float) -> Figure:
    return None if math.isnan(value) else 100 * value
