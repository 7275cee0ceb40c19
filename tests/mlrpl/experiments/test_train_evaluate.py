"""Checkpoints that know how to be evaluated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlrpl import checkpoint
from mlrpl.datasets import LabelledImages
from mlrpl.experiments.bench import BenchPlan, run_bench
from mlrpl.experiments.experiment import ExperimentConfig
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureCache, FeatureRequest
from mlrpl.experiments.train_evaluate import (
    evaluate_checkpoint,
    read_info,
    state_path,
    train_checkpoint,
)

SETTING = ExperimentConfig(method="partial_bce", known=0.5, training={"epochs": 3})


class _Stopped(Exception):
    pass


@pytest.mark.parametrize("method", ["partial_bce", "hst"])
def test_evaluating_a_checkpoint_gives_what_the_benchmark_gives(
    data: LabelledImages,
    features: CachedFeatures,
    request_tool: FeatureRequest,
    cache: FeatureCache,
    tmp_path: Path,
    method: str,
) -> None:
    setting = replace(SETTING, method=method)
    plan = BenchPlan(
        methods=(method,), known=(0.5,), request=request_tool, training=setting.training
    )
    out = tmp_path / "new" / "method.ckpt"
    train_checkpoint(data, setting, features, request_tool, out)

    found = evaluate_checkpoint(out, data, "test", cache)
    embedded = evaluate_checkpoint(out, data, "test", FeatureCache(tmp_path / "empty"))

    (record,) = run_bench(data, plan, features)
    assert found["mAP"] == record["mAP"]
    assert found["mAP_by_positives"] == record["mAP_by_positives"]
    assert embedded["mAP"] == pytest.approx(found["mAP"], abs=0.5)
    assert (found["dataset"], found["split"], found["images"]) == ("folder", "test", 8)


def test_an_interrupted_training_ends_as_if_it_had_not_been(
    data: LabelledImages, features: CachedFeatures, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    whole, halted = tmp_path / "whole.ckpt", tmp_path / "halted.ckpt"
    train_checkpoint(data, SETTING, features, request_tool, whole)

    def stop(_: object) -> None:
        raise _Stopped

    with pytest.raises(_Stopped):
        train_checkpoint(data, SETTING, features, request_tool, halted, on_epoch_end=stop)
    assert state_path(halted).exists()
    assert not halted.exists()
    reports = train_checkpoint(data, SETTING, features, request_tool, halted, resume=True)

    assert len(reports) == 3
    assert not state_path(halted).exists()
    first, second = (checkpoint.load(path).state_dict() for path in (whole, halted))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_training_of_something_else_is_not_gone_on_with(
    data: LabelledImages, features: CachedFeatures, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    def stop(_: object) -> None:
        raise _Stopped

    out = tmp_path / "method.ckpt"
    with pytest.raises(_Stopped):
        train_checkpoint(data, SETTING, features, request_tool, out, on_epoch_end=stop)

    with pytest.raises(ValueError, match="another"):
        train_checkpoint(data, replace(SETTING, seed=1), features, request_tool, out, resume=True)


def test_a_fine_tuned_network_is_kept_with_its_head(
    data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    out = tmp_path / "tuned.ckpt"
    setting = replace(SETTING, finetune=True, training={"epochs": 1})
    train_checkpoint(data, setting, None, request_tool, out)

    found = evaluate_checkpoint(
        out, data, "train", FeatureCache(tmp_path / "empty"), per_category=True
    )

    assert read_info(out).finetuned
    assert found["images"] == 32
    assert list(found["AP"]) == ["blue", "green", "red"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tuned.ckpt"]


def test_columns_may_come_in_another_order(
    data: LabelledImages,
    features: CachedFeatures,
    request_tool: FeatureRequest,
    cache: FeatureCache,
    tmp_path: Path,
) -> None:
    out = tmp_path / "method.ckpt"
    train_checkpoint(data, SETTING, features, request_tool, out)
    turned = data.with_categories(data.categories[::-1])

    found = evaluate_checkpoint(out, turned, "test", cache)

    assert found == evaluate_checkpoint(out, data, "test", cache)
    with pytest.raises(ValueError, match="has no category 'blue'"):
        evaluate_checkpoint(out, data.with_categories(["red"]), "test", cache)


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"none\.ckpt is missing; it should be a checkpoint"
    ):
        read_info(tmp_path / "none.ckpt")
    (tmp_path / "other.ckpt").write_text("something else")
    with pytest.raises(ValueError, match=r"other\.ckpt is no checkpoint of `mlrpl train`"):
        read_info(tmp_path / "other.ckpt")
