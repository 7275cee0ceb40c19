"""The table of a benchmark, and the papers' rows beside it."""

from __future__ import annotations

import statistics

import pytest

from mlrpl.experiments.bench_table import bench_table
from mlrpl.experiments.published_results import KNOWN, ROWS, published_rows


def record(method: str, known: float, value: float | None) -> dict[str, object]:
    return {
        "method": method,
        "known": known,
        "mAP": value,
        "seconds": 2.0,
        "peak_memory_bytes": 3 * 2**20,
    }


def test_seeds_and_shares_are_averaged() -> None:
    records = [
        record("hst", 0.1, 40.0),
        record("hst", 0.1, 42.0),
        record("hst", 0.5, 61.0),
        record("sarb", 0.1, None),
        record("sarb", 0.5, 50.0),
    ]

    lines = bench_table(records, ["hst", "sarb", "other"], [0.1, 0.5]).splitlines()

    assert lines[0].split("  ")[0] == "mAP %"
    assert lines[1].split() == ["hst", "41.0", "±", "1.4", "61.0", "51.0", "2.0", "3", "MiB"]
    assert lines[2].split() == ["sarb", "-", "50.0", "-", "2.0", "3", "MiB"]
    assert lines[3].split() == ["other", "-", "-", "-", "-", "-"]


def test_shares_are_percentages() -> None:
    header = bench_table([], [], [0.025, 1]).splitlines()[0]

    assert header.split("  ")[1:3] == ["2.5 %", "100 %"]


def test_the_papers_rows_are_printed_for_the_shares_that_they_have() -> None:
    text = bench_table([], [], [0.1, 0.15], published_rows("voc2007"))

    (line,) = [line for line in text.splitlines() if line.startswith("HST")]
    assert line.split() == ["HST", "84.3", "-", "90.9"]
    assert "source: " in text
    assert "ResNet-101" in text


@pytest.mark.parametrize("dataset", list(ROWS))
def test_the_mean_of_a_published_row_is_its_published_average(dataset: str) -> None:
    for row in published_rows(dataset):
        assert len(row.values) == len(KNOWN)
        assert statistics.fmean(row.values) == pytest.approx(row.average, abs=0.051), row.method


def test_the_same_methods_were_published_on_each_data_set() -> None:
    listed = {tuple(row.method for row in rows) for rows in ROWS.values()}

    assert len(listed) == 1
    assert published_rows("folder") == ()
