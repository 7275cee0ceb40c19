"""Held-out figures, and whether a new version may replace the one before."""

from __future__ import annotations

import numpy as np
import pytest

from annotator.worker.evaluation import COMPARED_IMAGES, compare, gain, held_out_metrics
from mlrpl.labels import ABSENT, PRESENT


def answers(images: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((images, 4)) < 0.3, PRESENT, ABSENT).astype(np.int8)


def scores(labels: np.ndarray, skill: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=labels.shape)
    return (skill * labels + noise).astype(np.float32)


def one_model(labels: np.ndarray) -> np.ndarray:
    return np.zeros(len(labels), np.int64)


def test_a_clearly_worse_version_is_not_promoted() -> None:
    labels = answers(100)

    verdict = compare(scores(labels, 0.0), scores(labels, 3.0), labels, old_number=7)

    assert not verdict.promote
    assert verdict.note.startswith("Not promoted: ")
    assert "worse than version 7 on 400 held-out answers" in verdict.note


def test_a_clearly_better_version_is_promoted() -> None:
    labels = answers(100)

    verdict = compare(scores(labels, 3.0), scores(labels, 0.0), labels, old_number=7)

    assert verdict.promote
    assert "better than version 7" in verdict.note
    assert "chance" not in verdict.note


def test_a_version_that_may_only_seem_worse_is_promoted() -> None:
    labels = answers(100)
    old = scores(labels, 1.0)
    new = old + np.random.default_rng(3).normal(scale=0.02, size=old.shape).astype(np.float32)

    verdict = compare(new, old, labels, old_number=7)

    assert verdict.promote
    assert verdict.note.endswith(", which may be chance.")


def test_a_fine_tuned_version_that_is_no_better_is_not_promoted() -> None:
    labels = answers(60)
    old = scores(labels, 1.0)
    new = old.copy()
    new[:2] = -new[:2]

    worse = compare(new, old, labels, old_number=7, must_win=True)
    level = compare(old, old, labels, old_number=7, must_win=True)
    better = compare(old, new, labels, old_number=7, must_win=True)

    assert (worse.promote, level.promote, better.promote) == (False, False, True)
    assert worse.note.startswith("Not promoted: fine-tuned, it is ")
    assert "points of mAP worse than version 7 on" in worse.note
    assert "it is as good as version 7 on" in level.note


@pytest.mark.parametrize("images", [24, 5])
def test_too_few_held_out_answers_give_no_verdict(images: int) -> None:
    labels = answers(images)

    verdict = compare(scores(labels, 0.0), scores(labels, 9.0), labels, old_number=1)

    assert verdict.promote
    assert verdict.note.startswith("Promoted without a verdict: ")


def test_only_pairs_that_both_versions_have_scored_are_compared() -> None:
    labels = answers(100)
    old = scores(labels, 3.0)
    old[:, 1:] = np.nan  # categories that came later

    verdict = compare(scores(labels, 0.0), old, labels, old_number=1)

    assert not verdict.promote
    assert "on 100 held-out answers" in verdict.note


def test_a_version_without_scores_gives_way() -> None:
    verdict = compare(scores(answers(9), 0), None, answers(9), old_number=3)

    assert verdict.promote
    assert "version 3 has no scores" in verdict.note


def test_categories_with_too_few_held_out_answers_are_left_out_of_the_figure() -> None:
    labels = answers(50)
    labels[:, 1] = 0
    labels[:2, 1] = PRESENT
    labels[2:20, 1] = ABSENT

    metrics = held_out_metrics(scores(labels, 1.0), labels)

    assert metrics["average_precision"][1] is None
    assert metrics["map"] == pytest.approx(
        np.mean([ap for ap in metrics["average_precision"] if ap is not None])
    )
    assert metrics["held_out_pairs"] == 150
    assert metrics["held_out_present"] == (labels[:, [0, 2, 3]] == PRESENT).sum()
    assert "reason" not in metrics


def test_nothing_held_out_gives_no_figure_and_a_reason() -> None:
    metrics = held_out_metrics(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.int8))

    assert (metrics["map"], metrics["map_low"], metrics["held_out_pairs"]) == (None, None, 0)
    assert metrics["reason"].startswith("No category has 3 present and 3 absent answers")


def test_a_gain_says_for_each_category_how_much_better_and_how_sure() -> None:
    labels = answers(400)
    labels[2:, 1] = 0  # too few of one category
    old, new = scores(labels, 0.5), scores(labels, 3.0)

    groups = one_model(labels)
    better, worse = gain(new, old, labels, groups), gain(old, new, labels, groups)
    same = gain(old, old, labels, groups)

    assert (better.better, better.worse, worse.better, worse.worse) == (True, False, False, True)
    assert (same.better, same.worse, same.overall.value) == (False, False, 0.0)
    assert 1 not in better.columns
    assert len(better.each) == len(better.columns)
    assert better.pairs == 400 * len(better.columns)
    assert all(interval.low <= interval.value <= interval.high for interval in better.each)


def test_a_method_whose_models_are_not_on_one_scale_is_not_worse_for_that() -> None:
    labels = answers(400)
    old, new = scores(labels, 0.5), scores(labels, 1.0)
    groups = np.arange(400) % 4 - 1
    new = new * np.array([1, 3, 9], np.float32)[groups][:, None] + 20 * groups[:, None]

    assert gain(new, old, labels, groups).better
    assert not gain(new, old, labels, one_model(labels)).better


def test_a_gain_counts_only_what_both_have_scored() -> None:
    labels = answers(400)
    old, new = scores(labels, 0.5), scores(labels, 3.0)
    old[:350], new[380:] = np.nan, np.nan

    few = gain(new, old, labels, one_model(labels))
    old[:] = np.nan
    none = gain(new, old, labels, one_model(labels))

    assert few.images == 30
    assert (none.measured, none.better, none.worse, none.pairs) == (False, False, False, 0)


def test_a_gain_is_measured_on_a_share_of_very_many_images() -> None:
    labels = answers(COMPARED_IMAGES + 500)[:, :1]

    found = gain(scores(labels, 1.0), scores(labels, 1.0), labels, one_model(labels))

    assert found.images == COMPARED_IMAGES
