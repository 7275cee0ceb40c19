"""The charts of the Progress and Train pages, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import altair as alt
import pandas as pd

from annotator.services.knowledge.calibration import CalibrationReport
from annotator.services.progress.growth import GrowthRow
from annotator.services.progress.overview import LossPoint
from annotator.services.training.comparison import MethodRow
from annotator.services.training.control import VersionRow

Chart: TypeAlias = alt.LayerChart

GREY, LINE = "#64748b", "#94a3b8"
INDIGO, PALE, GREEN, AMBER = "#6366f1", "#a5b4fc", "#16a34a", "#d97706"
HELD_OUT = "held-out mAP, %"


def growth_chart(growth: GrowthRow) -> Chart | None:
    """Return the known pairs over time, and the suggestions of each version beside them."""
    points = growth["points"]
    if not points:
        return None
    colour_of = {"present": GREEN, "absent": AMBER}
    pairs = {"present": [p["present"] for p in points], "absent": [p["absent"] for p in points]}
    if any(p["filled"] for p in points):
        colour_of["filled in"] = INDIGO
        pairs["filled in"] = [p["filled"] for p in points]
    frame = pd.DataFrame(
        [
            {"time": point["at"], "kind": kind, "pairs": numbers[place]}
            for place, point in enumerate(points)
            for kind, numbers in pairs.items()
        ]
    )
    frame["time"] = pd.to_datetime(frame["time"])
    axis = alt.Axis(tickCount=8, labelOverlap=True)
    counts = [sum(p[place] for p in pairs.values()) for place in range(len(points))]
    height = whole_numbers(0, max(counts + [row["pairs"] for row in growth["suggested"]]), 5)
    if growth["suggested"]:
        colour_of["suggested"] = GREY
    colours = alt.Scale(domain=list(colour_of), range=list(colour_of.values()))
    colour = alt.Color(
        "kind:N",
        scale=colours,
        sort=None,
        legend=alt.Legend(
            title=None, orient="top", symbolOpacity=1, columns=2 if len(colour_of) > 3 else 3
        ),
    )
    area = (
        alt.Chart(frame)
        .mark_area(opacity=0.5, interpolate="step-after")
        .encode(
            x=alt.X("time:T", title=None, axis=axis),
            y=alt.Y("pairs:Q", title="pairs", axis=height, stack="zero"),
            color=colour,
            order=alt.Order("kind:N", sort="descending"),
            tooltip=["kind:N", alt.Tooltip("pairs:Q", format=","), "time:T"],
        )
    )
    if not growth["suggested"]:
        return finished(alt.layer(area))
    frame = pd.DataFrame([{**row, "kind": "suggested"} for row in growth["suggested"]])
    frame["at"] = pd.to_datetime(frame["at"])
    line = (
        alt.Chart(frame)
        .mark_line(strokeDash=[6, 4], strokeWidth=2, interpolate="step-after")
        .encode(x="at:T", y="pairs:Q", color=colour)
    )
    return finished(alt.layer(area, line))


def version_chart(versions: Sequence[VersionRow]) -> Chart | None:
    """Return held-out mAP with its interval by answers learned from; None without a figure."""
    rows = [(v, v["map"]) for v in versions if v["map"] is not None]
    if not rows:
        return None
    frame = pd.DataFrame(
        {
            "version": [f"{v['number']} ({v['method']})" for v, _ in rows],
            "used": ["in use" if v["promoted"] else "not in use" for v, _ in rows],
            "answers": [v["trained_answers"] for v, _ in rows],
            "held-out mAP": [100 * figure for _, figure in rows],
            "low": [_percent(v["map_low"], figure) for v, figure in rows],
            "high": [_percent(v["map_high"], figure) for v, figure in rows],
        }
    )
    least, most = frame["answers"].min(), frame["answers"].max()
    room = 0.06 * (most - least) or max(10.0, 0.05 * most)
    few = whole_numbers(least - room, most + room, 6)
    scale = alt.Scale(domain=[least - room, most + room], nice=False)
    across = alt.X("answers:Q", title="training answers", axis=few, scale=scale)
    height = alt.Y("held-out mAP:Q", title=HELD_OUT, scale=alt.Scale(zero=False))
    base = alt.Chart(frame).encode(x=across)
    # The axis belongs to the interval: with an axis of its own it would read "low, high, mAP".
    whiskers = base.mark_errorbar(ticks=True, color=PALE).encode(
        y=alt.Y("low:Q", title=HELD_OUT, scale=alt.Scale(zero=False)), y2="high:Q"
    )
    line = base.mark_line(color=PALE).encode(y=height, order="version:N")
    colours = alt.Scale(domain=["in use", "not in use"], range=[INDIGO, LINE])
    points = base.mark_point(size=80, filled=True, opacity=1).encode(
        y=height,
        tooltip=["version", "used", _figure("held-out mAP"), _figure("low"), _figure("high")],
        color=alt.Color("used:N", scale=colours, legend=alt.Legend(title=None, orient="top")),
    )
    return finished(alt.layer(whiskers, line, points))


def calibration_chart(calibration: CalibrationReport) -> Chart | None:
    """Return what the model said against what people said; None with too few answers."""
    if not calibration["bins"]:
        return None
    frame = pd.DataFrame(calibration["bins"])
    for name in ("predicted", "observed", "observed_low", "observed_high"):
        frame[name] *= 100
    whole = alt.Scale(domain=[0, 100])
    few = alt.Axis(tickCount=6)
    across = alt.X("predicted:Q", title="predicted probability, %", scale=whole, axis=few)
    base = alt.Chart(frame).encode(x=across)
    ideal = (
        alt.Chart(pd.DataFrame({"predicted": [0, 100], "observed": [0, 100]}))
        .mark_line(strokeDash=[5, 5], color=LINE)
        .encode(x=across, y=alt.Y("observed:Q", scale=whole))
    )
    title = "answered present, %"
    whiskers = base.mark_errorbar(ticks=True, color=PALE).encode(
        y=alt.Y("observed_low:Q", title=title, scale=whole), y2="observed_high:Q"
    )
    tooltip = [_figure("predicted"), _figure("observed"), alt.Tooltip("answers:Q", format=",")]
    points = base.mark_point(filled=True, opacity=1, color=INDIGO, size=70).encode(
        y=alt.Y("observed:Q", title=title, scale=whole), tooltip=tooltip
    )
    counts = base.mark_text(dx=7, dy=-8, align="left", color=GREY, fontSize=11).encode(
        y=alt.Y("observed:Q", scale=whole), text=alt.Text("answers:Q", format=",")
    )
    return finished(alt.layer(ideal, whiskers, points, counts))


def loss_chart(losses: list[LossPoint]) -> Chart | None:
    """Return the loss of the running training as a small line; None before two points."""
    if len(losses) < 2:
        return None
    frame = pd.DataFrame(losses)
    axis = whole_numbers(frame["step"].min(), frame["step"].max(), 5)
    line = (
        alt.Chart(frame)
        .mark_line(color=INDIGO, point=alt.OverlayMarkDef(size=18, color=INDIGO))
        .encode(
            x=alt.X("step:Q", title="training step", axis=axis, scale=alt.Scale(zero=False)),
            y=alt.Y(
                "loss:Q", title="loss", axis=alt.Axis(tickCount=4), scale=alt.Scale(zero=False)
            ),
        )
    )
    return finished(alt.layer(line), height=130)


def method_chart(methods: list[MethodRow]) -> Chart | None:
    """Return the held-out figure of each method with its interval; None without a figure."""
    rows = [(m, m["map"]) for m in methods if m["map"] is not None]
    if not rows:
        return None
    frame = pd.DataFrame(
        {
            "method": [f"{m['method']} (version {m['number']})" for m, _ in rows],
            "held-out mAP": [100 * figure for _, figure in rows],
            "low": [_percent(m["map_low"], figure) for m, figure in rows],
            "high": [_percent(m["map_high"], figure) for m, figure in rows],
        }
    )
    name = alt.Axis(title=None, labelLimit=220)
    base = alt.Chart(frame).encode(y=alt.Y("method:N", axis=name, sort="-x"))
    whole, few = alt.Scale(domain=[0, 100]), alt.Axis(tickCount=6)
    tooltip = ["method", _figure("held-out mAP"), _figure("low"), _figure("high")]
    bars = base.mark_bar(color=INDIGO, opacity=0.75, height={"band": 0.6}).encode(
        x=alt.X("held-out mAP:Q", title=HELD_OUT, scale=whole, axis=few), tooltip=tooltip
    )
    whiskers = base.mark_errorbar(ticks=True, color=GREY, thickness=2).encode(
        x=alt.X("low:Q", title=HELD_OUT, scale=whole, axis=few), x2="high:Q"
    )
    return finished(alt.layer(bars, whiskers), height=54 * len(rows) + 16)


def whole_numbers(least: float, most: float, ticks: int) -> alt.Axis:
    """Return an axis of counts: at few of them each has its tick, which Vega would place between.

    Args:
        least: Where the axis begins.
        most: Where it ends.
        ticks: About how many there are on a long axis.
    """
    if most - least >= ticks:
        return alt.Axis(tickCount=ticks, format=",d", labelOverlap=True)
    values = [float(n) for n in range(math.ceil(least), math.floor(most) + 1)]
    return alt.Axis(values=values, format=",d", labelOverlap=True)


def finished(chart: Chart, height: int = 260) -> Chart:
    """Return a chart as wide as its place, in colours for light and dark pages alike."""
    # Drawn on a canvas that knows nothing of dark mode; `pages.css` makes it brighter there.
    grey = {"labelColor": GREY, "titleColor": GREY, "tickColor": LINE}
    lines = {"gridColor": LINE, "gridOpacity": 0.3, "domainColor": LINE}
    return (
        chart.properties(
            height=height,
            width="container",
            autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
            padding={"left": 5, "top": 5, "right": 26, "bottom": 5},
            usermeta={"embedOptions": {"actions": False}},
        )
        .configure(background="transparent")
        .configure_view(stroke=None)
        .configure_axis(**grey, **lines, labelFontSize=12, titleFontSize=12, titleFontWeight=500)
        .configure_legend(labelColor=GREY, labelFontSize=12)
    )


def _percent(value: float | None, otherwise: float) -> float:
    return 100 * (otherwise if value is None else value)


def _figure(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", format=".1f")
