"""The commands `mlrpl bench`, `train` and `evaluate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def common(pictures: Path, backbone: str, tmp_path: Path) -> list[object]:
    """Return what all runs on the small folder have in common."""
    features = ["--features", backbone, "--input-size", 64]
    return ["folder", "--root", pictures, *features, "--cache", tmp_path / "cache"]


def test_bench_prints_its_runs_for_programs(run_cli: Run, common: list[object]) -> None:
    status, out, err = run_cli(
        "bench", *common, "--method", "partial_bce", "--known", "0.1,0.5", "--seeds", 2, "--json"
    )

    runs = json.loads(out)["runs"]
    assert status == 0
    assert [(run["known"], run["seed"]) for run in runs] == [(0.1, 0), (0.1, 1), (0.5, 0), (0.5, 1)]
    for name in ("mAP", "seconds", "peak_memory_bytes", "OF1", "CF1", "mAP_interpolated"):
        assert runs[0][name] >= 0
    assert "partial_bce, known 0.5, seed 1: mAP " in err


def test_bench_prints_a_table_and_takes_finished_runs_from_a_file(
    run_cli: Run, common: list[object], tmp_path: Path
) -> None:
    asked = [
        "bench", *common, "--method", "partial_bce", "--known", "0.5", "--min-positives", 10,
        "--training", "epochs=2", "--option", "penalty=0.2", "--out", tmp_path / "runs.jsonl",
    ]  # fmt: skip

    first = run_cli(*asked)
    again = run_cli(*asked)

    assert first[1].splitlines()[1].startswith("partial_bce")
    assert again[1] == first[1]
    (line,) = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert json.loads(line)["options"] == {"penalty": 0.2}


def test_the_papers_rows_can_be_asked_for(run_cli: Run, common: list[object]) -> None:
    asked = ["bench", *common, "--method", "partial_bce", "--known", 0.5, "--published"]

    status, _, err = run_cli(*asked)

    assert status == 0
    assert "no paper's rows are known for folder" in err
    assert json.loads(run_cli(*asked, "--json")[1])["published"] == []


def test_train_writes_what_evaluate_reads(
    run_cli: Run, common: list[object], pictures: Path, tmp_path: Path
) -> None:
    path = tmp_path / "method.ckpt"

    trained = run_cli(
        "train", *common, "--method", "partial_bce", "--out", path, "--training", "epochs=2"
    )
    folder = ["folder", "--root", pictures, "--cache", tmp_path / "cache"]
    status, out, _ = run_cli("evaluate", path, *folder, "--json", "--per-category")
    table = run_cli("evaluate", path, *folder, "--split", "train")[1]

    assert trained[0] == status == 0
    assert "epoch 2 of 2: " in trained[2]
    assert sorted(json.loads(out)["AP"]) == ["blue", "green", "red"]
    assert "images: 32" in table.splitlines()


def test_a_finished_training_is_not_resumed(
    run_cli: Run, common: list[object], tmp_path: Path
) -> None:
    path = tmp_path / "method.ckpt"
    asked = ["train", *common, "--method", "partial_bce", "--out", path, "--training", "epochs=1"]
    run_cli(*asked, "--resume")
    before = path.stat().st_mtime_ns

    status, _, err = run_cli(*asked, "--resume")

    assert status == 0
    assert "is finished" in err
    assert path.stat().st_mtime_ns == before


@pytest.mark.slow
def test_two_processes_train_what_one_does(
    run_cli: Run, common: list[object], pictures: Path, tmp_path: Path
) -> None:
    rest = [*common, "--method", "partial_bce", "--training", "epochs=2", "--out"]
    run_cli("train", *rest, tmp_path / "one.ckpt")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    program = ["--nproc-per-node", 2, "-m", "mlrpl"]

    done = subprocess.run(
        [str(x) for x in [*torchrun, *program, "train", *rest, tmp_path / "two.ckpt"]],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("two.ckpt is written") == 1
    folder = ["folder", "--root", pictures, "--cache", tmp_path / "cache", "--json"]
    one, two = (
        json.loads(run_cli("evaluate", tmp_path / name, *folder)[1])
        for name in ("one.ckpt", "two.ckpt")
    )
    assert two["mAP"] == pytest.approx(one["mAP"], abs=0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--method", "magic"], "unknown method 'magic'"),
        (["--known", "much"], "known should be numbers"),
        (["--known", "2"], "known lists shares"),
        (["--hide", "some"], "unknown kind 'some'"),
        (["--size", "huge"], "unknown size 'huge'"),
        (["--features", "magic"], "unknown backbone 'magic'"),
        (["--option", "penalty"], "should be NAME=JSON"),
        (["--option", "nothing=1"], "has no option 'nothing'"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--root", "nowhere"], "nowhere is missing; it should be the folder of folder"),
        (["--min-positives", "1000"], "no category of folder has 1000 positives"),
    ],
)
def test_a_refusal_is_one_sentence_on_stderr(
    run_cli: Run, common: list[object], change: list[str], message: str
) -> None:
    usual = ["--method", "partial_bce", "--known", "0.5"]

    status, out, err = run_cli("bench", *common, *usual, *change)

    assert status == 1
    assert out == ""
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err


def test_an_unknown_data_set_or_checkpoint_is_refused(run_cli: Run, tmp_path: Path) -> None:
    asked = ["--root", tmp_path, "--method", "hst", "--known", 0.1]

    assert "unknown data set 'imagenet'" in run_cli("bench", "imagenet", *asked)[2]
    assert "is missing" in run_cli("evaluate", tmp_path / "x", "folder", "--root", tmp_path)[2]


def test_datasets_lists_what_each_one_is_made_of(run_cli: Run) -> None:
    status, out, _ = run_cli("datasets")

    assert status == 0
    assert "labels.csv" in out
    assert "vg_category_200_labels_index.json" in out


def test_the_command_line_is_there_without_torch() -> None:
    code = "import sys, mlrpl.cli; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
