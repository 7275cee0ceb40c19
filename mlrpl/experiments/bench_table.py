"""The table that `mlrpl bench` prints."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from mlrpl.experiments.published_results import KNOWN, PROTOCOL, PublishedRow

Record = Mapping[str, Any]
NOTHING = "-"


def bench_table(
    records: Sequence[Record],
    methods: Sequence[str],
    known: Sequence[float],
    published: Sequence[PublishedRow] = (),
) -> str:
    """Return mean average precisions as text, with their average over the shares.

    Args:
        records: Of `mlrpl.experiments.bench.run_bench`.
        methods: One line each.
        known: One column each; several seeds give a mean and a standard deviation.
        published: The papers' rows, printed below for the shares that they have. Their average is
            as printed, over nine shares from 10 to 90 %.
    """
    header = ["mAP %", *(f"{100 * share:.4g} %" for share in known), "average", "seconds", "memory"]
    lines = [header]
    for method in methods:
        own = [record for record in records if record["method"] == method]
        each = [[r["mAP"] for r in own if r["known"] == share] for share in known]
        lines.append(
            [
                method,
                *(_spread(values) for values in each),
                _average(each),
                f"{statistics.fmean(r['seconds'] for r in own):.1f}" if own else NOTHING,
                f"{max(r['peak_memory_bytes'] for r in own) / 2**20:.0f} MiB" if own else NOTHING,
            ]
        )
    text = _aligned(lines)
    return text if not published else f"{text}\n\n{_published(known, published)}"


def _published(known: Sequence[float], rows: Sequence[PublishedRow]) -> str:
    lines = [["published", *(f"{100 * share:.4g} %" for share in known), "average of 10 to 90 %"]]
    for row in rows:
        values = dict(zip(KNOWN, row.values, strict=True))
        shown = [f"{values[share]:.1f}" if share in values else NOTHING for share in known]
        lines.append([row.method, *shown, f"{row.average:.1f}"])
    sources = sorted({row.source for row in rows})
    return "\n".join([_aligned(lines), f"({PROTOCOL})", *(f"source: {each}" for each in sources)])


def _spread(values: Sequence[float | None]) -> str:
    counted = [value for value in values if value is not None]
    if not counted:
        return NOTHING
    mean = f"{statistics.fmean(counted):.1f}"
    return mean if len(counted) == 1 else f"{mean} ± {statistics.stdev(counted):.1f}"


def _average(each: Sequence[Sequence[float | None]]) -> str:
    """Return the mean over shares of the means over seeds, where no share lacks a value."""
    means = []
    for values in each:
        counted = [value for value in values if value is not None]
        if not counted:
            return NOTHING
        means.append(statistics.fmean(counted))
    return f"{statistics.fmean(means):.1f}"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
