"""What runs came to: JSON lines that outlive an interruption, a table, and the cost curves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from annotator.errors import FormatError
from annotator.simulate.clock import KINDS

Run = Mapping[str, Any]

GOALS = (0.9, 0.95)
WIDTH, HEIGHT, MARGIN = 960, 540, 72
PAPER, INK, LINES = "#ffffff", "#222222", "#dddddd"
FINE = 2
"""Times as large the curves are drawn, so that they are smooth."""
STEPS = (60.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 36000.0)
"""Seconds between two marks of the time axis."""
MOST_STEPS = 9
STRESSED = "#111111"
COLOURS = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d00", "#56b4e9", "#5f5f5f", "#7a3db8",
)  # fmt: skip


def read_runs(file: Path) -> list[dict[str, Any]]:
    """Return the finished runs of a file; a line that was cut off is left out.

    Raises:
        FormatError: If the file cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{file} cannot be read: {error}.") from None
    runs = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the run was broken off while it was written
        if isinstance(row, dict) and "records" in row:
            runs.append(row)
    return runs


def add_run(file: Path, run: Run) -> None:
    """Append a finished run as one line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = not file.exists() or not file.stat().st_size or file.read_bytes().endswith(b"\n")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(("" if whole else "\n") + json.dumps(run) + "\n")


def finished(runs: Iterable[Run], plan: Mapping[str, Any]) -> Run | None:
    """Return the run of a plan, if there is one."""
    return next((run for run in runs if all(run.get(k) == v for k, v in plan.items())), None)


def reached(records: Sequence[Mapping[str, Any]], goal: float, what: str) -> float | None:
    """Return how much of `seconds` or `decisions` it took to come to an F1; None if it never did.

    Between two records it is interpolated. A goal counts as reached when it is passed for the
    first time.
    """
    before: Mapping[str, Any] = {"f1": 0.0, what: 0}
    for row in records:
        if row["f1"] >= goal:
            share = (goal - before["f1"]) / max(row["f1"] - before["f1"], 1e-12)
            return float(before[what] + share * (row[what] - before[what]))
        before = row
    return None


def table(runs: Sequence[Run]) -> str:
    """Return seconds and decisions to each goal by strategy as Markdown, mean and spread."""
    head = [f"{what} to {goal:.0%}" for goal in GOALS for what in ("seconds", "decisions")]
    lines = ["| strategy | runs | " + " | ".join(head) + " |", "| --- |" + " ---: |" * 5]
    for name in dict.fromkeys(run["strategy"] for run in runs):
        mine = [run["records"] for run in runs if run["strategy"] == name]
        cells = [
            _cell([reached(records, goal, what) for records in mine])
            for goal in GOALS
            for what in ("seconds", "decisions")
        ]
        lines.append(f"| {name} | {len(mine)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def kinds(runs: Sequence[Run], goal: float = GOALS[0]) -> str:
    """Return as Markdown what the seconds to a goal went into by strategy, means.

    Runs that never came to it, and those recorded without kinds, are left out.
    """
    shown = [kind.replace("_", " ") for kind in KINDS]
    lines = [f"| seconds to {goal:.0%} | all | {' | '.join(shown)} |", "| --- |" + " ---: |" * 6]
    for name in dict.fromkeys(run["strategy"] for run in runs):
        mine = [run["records"] for run in runs if run["strategy"] == name]
        rows = [row for row in (_by_kind(records, goal) for records in mine) if row is not None]
        if rows:
            means = np.mean(rows, axis=0)
            cells = " | ".join(f"{seconds:,.0f}" for seconds in (means.sum(), *means))
            lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def _by_kind(records: Sequence[Mapping[str, Any]], goal: float) -> list[float] | None:
    if "by_kind" not in records[-1]:
        return None
    parts = [
        reached([{"f1": row["f1"], kind: row["by_kind"][kind]} for row in records], goal, kind)
        for kind in KINDS
    ]
    there = [part for part in parts if part is not None]
    return there if len(there) == len(KINDS) else None


def certificates(runs: Sequence[Run]) -> str:
    """Return what each certificate took and how true it is as Markdown, a row a run."""
    heads = "seed | begun, s | probes | absent | present | recall | F1 | finished, s"
    lines = [f"| {heads} |", "|" + " ---: |" * 8]
    for run in runs:
        last = run["records"][-1]
        said = last.get("certificate")
        if said is not None:
            counts = (said[name] for name in ("begun", "probes", "absent", "present"))
            numbers = " | ".join(f"{count:,.0f}" for count in counts)
            shares = f"{last['recall']:.1%} | {last['f1']:.1%} | {last['seconds']:,.0f}"
            lines.append(f"| {run['seed']} | {numbers} | {shares} |")
    return "\n".join(lines)


def forecasts(runs: Sequence[Run]) -> str:
    """Return as Markdown when each set would be finished by when its certificate begins."""
    lines = ["| seed | begun, s | would be finished, s |", "|" + " ---: |" * 3]
    for run in runs:
        last = None
        for record in run["records"]:
            told = record.get("forecast")
            if told is not None and told != last:
                lines.append(f"| {run['seed']} | {record['seconds']:,.0f} | {told:,.0f} |")
            last = told
    return "\n".join(lines)


def draw(runs: Sequence[Run], file: Path, title: str) -> None:
    """Draw F1 of the completed set over hours of labelling, the mean of the runs a strategy.

    Args:
        runs: As `read_runs` returns them; at least one.
        file: The PNG.
        title: Above the curves.
    """
    longest = max(run["records"][-1]["seconds"] for run in runs)
    image = Image.new("RGB", (FINE * WIDTH, FINE * HEIGHT), PAPER)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(size=15 * FINE)
    _axes(pen, font, longest, title)
    seconds = np.linspace(0, longest, 400)
    names = list(dict.fromkeys(run["strategy"] for run in runs))
    for place, name in enumerate(names):
        mine = [run["records"] for run in runs if run["strategy"] == name]
        ends = min(records[-1]["seconds"] for records in mine)
        f1 = np.mean([_curve(records, seconds) for records in mine], axis=0)
        points = [_point(s / longest, y) for s, y in zip(seconds, f1, strict=True) if s <= ends]
        if len(points) > 1:
            width = FINE * (4 if name == "loop" else 2)
            pen.line(points, fill=_colour(place, name), width=width)
    _legend(pen, font, names)
    file.parent.mkdir(parents=True, exist_ok=True)
    image.reduce(FINE).save(file, optimize=True)


def _colour(place: int, name: str) -> str:
    return STRESSED if name == "loop" else COLOURS[place % len(COLOURS)]


def _legend(pen: ImageDraw.ImageDraw, font: Any, names: Sequence[str]) -> None:
    """Name the curves at the lower right, above whatever runs through there."""
    left, right, bottom = FINE * (WIDTH - 250), FINE * (WIDTH - 220), HEIGHT - MARGIN - 12
    pen.rectangle(
        [left - 8 * FINE, FINE * (bottom - 24 * len(names)), FINE * WIDTH, FINE * (bottom - 2)],
        fill=PAPER,
    )
    for place, name in enumerate(names):
        top = FINE * (bottom - 24 * (len(names) - place))
        middle = top + 9 * FINE
        pen.line([(left, middle), (right, middle)], fill=_colour(place, name), width=4 * FINE)
        pen.text((right + 10 * FINE, top), name.replace("_", " "), fill=INK, font=font)


def _cell(values: list[float | None]) -> str:
    there = [value for value in values if value is not None]
    if not there:
        return "not reached"
    text = f"{np.mean(there):,.0f} ± {np.std(there, ddof=1) if len(there) > 1 else 0:,.0f}"
    return text if len(there) == len(values) else f"{text} ({len(there)} of {len(values)})"


def _curve(records: Sequence[Mapping[str, Any]], seconds: np.ndarray) -> np.ndarray:
    times = [0.0, *(r["seconds"] for r in records)]
    return np.asarray(np.interp(seconds, times, [0.0, *(r["f1"] for r in records)]))


def _point(x: float, y: float) -> tuple[float, float]:
    left = MARGIN + x * (WIDTH - 2 * MARGIN)
    return FINE * left, FINE * (HEIGHT - MARGIN - y * (HEIGHT - 2 * MARGIN))


def _axes(pen: ImageDraw.ImageDraw, font: Any, longest: float, title: str) -> None:
    for share in (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0):
        left, right = _point(0, share), _point(1, share)
        pen.line([left, right], fill=LINES, width=FINE)
        x, y = left[0] - 8 * FINE, left[1]
        pen.text((x, y), f"{share:.0%}", fill=INK, font=font, anchor="rm")
    step = next((step for step in STEPS if longest / step <= MOST_STEPS), STEPS[-1])
    for at in np.arange(0, longest, step):
        x, y = _point(at / longest, 0)
        said = f"{at / 3600:g} h" if step >= 3600 else f"{at / 60:g} min"
        pen.text((x, y + 8 * FINE), said if at else "0", fill=INK, font=font, anchor="ma")
    pen.text((FINE * MARGIN, FINE * 20), title, fill=INK, font=font)
    pen.text((FINE * MARGIN, FINE * 44), "F1 of the completed set", fill=INK, font=font)
    end = FINE * (WIDTH - MARGIN), FINE * (HEIGHT - 24)
    pen.text(end, "annotation time", fill=INK, font=font, anchor="rm")
