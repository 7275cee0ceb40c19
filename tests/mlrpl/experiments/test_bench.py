"""The matrix of runs, and that finished runs are not repeated."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlrpl.datasets import LabelledImages
from mlrpl.experiments.bench import BenchPlan, run_bench
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureRequest


@pytest.fixture
def plan(request_tool: FeatureRequest) -> BenchPlan:
    return BenchPlan(
        methods=("partial_bce",),
        known=(0.5, 1.0),
        seeds=2,
        request=request_tool,
        training={"epochs": 2},
    )


def test_every_share_and_seed_is_run_and_measured(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan
) -> None:
    told: list[dict[str, object]] = []

    records = run_bench(data, plan, features, on_run=told.append)

    assert [(r["known"], r["seed"]) for r in records] == [(0.5, 0), (0.5, 1), (1.0, 0), (1.0, 1)]
    assert told == records
    for record in records:
        assert record["method"] == "partial_bce"
        assert 0 <= record["mAP"] <= 100
        assert record["seconds"] > 0
        assert record["peak_memory_bytes"] > 2**20
        assert (record["train_images"], record["test_images"]) == (32, 8)
        assert "AP" not in record


def test_a_run_depends_on_its_seed_only(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan
) -> None:
    alone = run_bench(data, replace(plan, known=(1.0,)), features)
    together = run_bench(data, plan, features)[2:]

    assert [record["mAP"] for record in alone] == [record["mAP"] for record in together]


def test_finished_runs_are_taken_from_the_file(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "runs.jsonl"
    first = run_bench(data, replace(plan, known=(0.5,)), features, out=out)
    lines = out.read_text().splitlines()

    both = run_bench(data, plan, features, out=out)

    assert both[:2] == first == [json.loads(line) for line in lines]
    assert out.read_text().splitlines()[:2] == lines
    assert len(out.read_text().splitlines()) == 4


def test_a_line_that_was_cut_off_is_run_again(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs.jsonl"
    plan = replace(plan, known=(0.5,))
    run_bench(data, plan, features, out=out)
    whole = out.read_bytes()
    out.write_bytes(whole[:-30])

    run_bench(data, plan, features, out=out)

    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["seed"] for line in lines] == [0, 1]


@pytest.mark.parametrize(
    "change",
    [{"hide": "positives_only"}, {"options": {"penalty": 0.2}}, {"training": {"epochs": 1}}],
)
def test_another_setting_is_another_run(
    data: LabelledImages,
    features: CachedFeatures,
    plan: BenchPlan,
    tmp_path: Path,
    change: dict[str, object],
) -> None:
    out = tmp_path / "runs.jsonl"
    plan = replace(plan, known=(0.5,), seeds=1)
    run_bench(data, plan, features, out=out)

    run_bench(data, replace(plan, **change), features, out=out)

    assert len(out.read_text().splitlines()) == 2


def test_other_labels_are_another_run(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs.jsonl"
    plan = replace(plan, known=(0.5,), seeds=1)
    run_bench(data, plan, features, out=out)

    run_bench(data.with_categories(["red", "blue"]), plan, features, out=out)

    assert len(out.read_text().splitlines()) == 2


def test_each_category_can_be_asked_for_later(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs.jsonl"
    plan = replace(plan, known=(0.5,), seeds=1)
    run_bench(data, plan, features, out=out)

    (record,) = run_bench(data, replace(plan, per_category=True), features, out=out)

    assert list(record["AP"]) == ["blue", "green", "red"]
    assert sum(record["AP"].values()) / 3 == pytest.approx(record["mAP"])
    assert run_bench(data, replace(plan, per_category=True), features, out=out) == [record]


def test_another_file_is_not_written_to(
    data: LabelledImages, features: CachedFeatures, plan: BenchPlan, tmp_path: Path
) -> None:
    out = tmp_path / "notes.txt"
    out.write_text("my notes\n")

    with pytest.raises(ValueError, match=r"notes\.txt, line 1 is no record of a run"):
        run_bench(data, plan, features, out=out)
    assert out.read_text() == "my notes\n"


def test_a_network_can_be_trained_as_well(data: LabelledImages, plan: BenchPlan) -> None:
    plan = replace(plan, known=(0.5,), seeds=1, finetune=True, training={"epochs": 1})

    (record,) = run_bench(data, plan, None)

    assert record["finetune"] is True
    assert 0 <= record["mAP"] <= 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"known": ()}, "known must list at least one value"),
        ({"methods": ("hst", "hst")}, "methods must list .* each once"),
    ],
)
def test_a_wrong_plan_is_refused(plan: BenchPlan, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(plan, **change)
