"""Files of runs, the table and the curves."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from annotator.simulate.report import (
    add_run,
    certificates,
    draw,
    finished,
    forecasts,
    kinds,
    reached,
    read_runs,
    table,
)

RECORDS = [
    {"seconds": 100.0, "decisions": 10, "f1": 0.8},
    {"seconds": 200.0, "decisions": 30, "f1": 1.0},
]


def test_a_goal_is_reached_between_two_records() -> None:
    assert reached(RECORDS, 0.9, "seconds") == pytest.approx(150)
    assert reached(RECORDS, 0.9, "decisions") == pytest.approx(20)
    assert reached(RECORDS[:1], 0.9, "seconds") is None


def test_finished_runs_outlive_a_line_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    add_run(file, {"strategy": "plain", "seed": 0, "records": RECORDS})
    with file.open("a") as lines:
        lines.write('{"strategy": "loop", "rec')

    add_run(file, {"strategy": "loop", "seed": 1, "records": RECORDS})

    runs = read_runs(file)
    assert [run["strategy"] for run in runs] == ["plain", "loop"]
    assert finished(runs, {"strategy": "loop", "seed": 1}) is not None
    assert finished(runs, {"strategy": "loop", "seed": 0}) is None


def test_a_goal_that_was_never_reached_is_said_so() -> None:
    runs = [
        {"strategy": "loop", "records": RECORDS},
        {"strategy": "plain", "records": RECORDS[:1]},
    ]

    lines = table(runs).splitlines()

    assert lines[2].startswith("| loop | 1 | 150 ± 0 | 20 ± 0 |")
    assert lines[3].count("not reached") == 4


def test_seconds_to_the_goal_are_told_by_what_they_went_into() -> None:
    spent = {"taking_in": 20, "glances": 10, "keys": 30, "names": 40, "corrections": 0}
    twice = {kind: 2 * seconds for kind, seconds in spent.items()}
    parts = [spent, twice]
    records = [row | {"by_kind": part} for row, part in zip(RECORDS, parts, strict=True)]
    runs = [{"strategy": "loop", "records": records}, {"strategy": "old", "records": RECORDS}]

    assert kinds(runs).splitlines()[2:] == ["| loop | 150 | 30 | 15 | 45 | 60 | 0 |"]


def test_runs_with_a_certificate_say_what_it_took_and_how_true_it_is() -> None:
    said = {"begun": 70.0, "probes": 1200, "absent": 9000, "present": 0}
    last = {"seconds": 300.0, "recall": 0.95, "f1": 0.974, "certificate": said}
    runs = [{"seed": 1, "records": RECORDS}, {"seed": 2, "records": [*RECORDS, last]}]

    lines = certificates(runs).splitlines()

    assert lines[2:] == ["| 2 | 70 | 1,200 | 9,000 | 0 | 95.0% | 97.4% | 300 |"]


def test_a_forecast_is_told_where_it_changes() -> None:
    told = [None, 900.0, 900.0, 800.0, None]
    records = [{"seconds": 100.0 * n, "forecast": one} for n, one in enumerate(told)]

    lines = forecasts([{"seed": 1, "records": RECORDS}, {"seed": 2, "records": records}])

    assert lines.splitlines()[2:] == ["| 2 | 100 | 900 |", "| 2 | 300 | 800 |"]


def test_the_curves_are_drawn_in_two_colours(tmp_path: Path) -> None:
    runs = [{"strategy": name, "records": RECORDS} for name in ("loop", "plain")]

    draw(runs, tmp_path / "curves.png", "squares")

    with Image.open(tmp_path / "curves.png") as picture:
        colours = {colour for _, colour in picture.getcolors(100000)}
    assert {(0x11, 0x11, 0x11), (0xD5, 0x5E, 0)} <= colours
