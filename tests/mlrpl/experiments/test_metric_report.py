"""All figures of one scored test set."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlrpl.experiments.metric_report import metric_report
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.metrics import mean_average_precision


def test_figures_are_percentages_and_unknown_truth_counts_nowhere() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice([PRESENT, UNKNOWN, ABSENT], (50, 4)).astype(np.int8)
    logits = rng.standard_normal((50, 4))
    changed = np.where(labels == UNKNOWN, -logits, logits)

    found = metric_report(logits, labels, np.array([3, 6, 21, 30]))

    assert found["mAP"] == pytest.approx(100 * mean_average_precision(logits, labels))
    again = metric_report(changed, labels, np.array([3, 6, 21, 30]))
    assert {k: v for k, v in again.items() if "top3" not in k} == {
        k: v for k, v in found.items() if "top3" not in k
    }
    assert set(found["mAP_by_positives"]) == {"1-5", "6-20", ">20"}  # type: ignore[call-overload]


def test_by_hand() -> None:
    labels = np.array([[PRESENT, ABSENT], [ABSENT, PRESENT]], np.int8)
    logits = np.array([[1.0, 2.0], [-1.0, 3.0]])

    found = metric_report(logits, labels, np.array([1, 8]), categories=["sea", "sun"])

    assert (found["OP"], found["OR"]) == (pytest.approx(200 / 3), 100)
    assert found["mAP"] == found["mAP_interpolated"] == 100
    assert found["mAP_by_positives"] == {"1-5": 100, "6-20": 100, ">20": None}
    assert found["AP"] == {"sea": 100, "sun": 100}
    assert found["OP_top3"] == 50


def test_what_cannot_be_measured_is_none_and_json_can_hold_it() -> None:
    labels = np.array([[PRESENT, UNKNOWN], [PRESENT, ABSENT]], np.int8)

    found = metric_report(np.zeros((2, 2)), labels, np.array([2, 0]), categories=["sea", "sun"])

    assert found["mAP"] is None
    assert found["evaluated_categories"] == 0
    assert found["AP"] == {"sea": None, "sun": None}
    json.dumps(found, allow_nan=False)
