"""`annotator simulate` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotator.cli import app
from annotator.errors import NotFound, NotReady


def arguments(made, out: Path, *more: str) -> list[str]:
    cache = str(out.parent / "cache")
    files = ["--images", str(made.pictures), "--truth", str(made.file)]
    return ["simulate", *files, "--out", str(out), "--cache", cache, "--json", *more]


def test_a_finished_run_is_printed_drawn_and_not_done_again(made, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = arguments(made, out, "--strategy", "plain", "--budget", "100")

    first, second = (CliRunner().invoke(app, command) for _ in range(2))

    row = json.loads(first.stdout)
    assert row["strategy"] == "plain"
    assert row["records"][-1]["seconds"] >= 100
    assert json.loads(second.stdout) == row
    assert len((out / "runs.jsonl").read_text().splitlines()) == 1
    assert (out / "curves.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (["--budget", "0"], NotReady),
        (["--strategy", "magic"], NotFound),
        (["--promise", "accuracy"], NotFound),
        (["--promise", "f1", "--f1", "1"], NotReady),
        (["--recall", "nan"], NotReady),
    ],
)
def test_bad_input_is_refused_before_anything_is_made(made, tmp_path: Path, more, error) -> None:
    result = CliRunner().invoke(app, arguments(made, tmp_path / "out", *more))

    assert isinstance(result.exception, error)
    assert list(tmp_path.iterdir()) == []
