"""How the Progress page draws what the services say: bars, the plot of versions, tables."""

from __future__ import annotations

from html import escape

import altair as alt
import pandas as pd

from annotator.ui.contracts import Payload

STOPPED = (
    "<span><b>The trainer has stopped; labelling goes on.</b> "
    "Start it with <code>annotator work PROJECT</code>.</span>"
)


def counts_html(row: Payload) -> str:
    """Return the three counts with a stacked bar; only numbers go in."""
    pairs = max(1, row["pairs"])
    parts = [("present", row["present"]), ("absent", row["absent"]), ("filled", row["filled"])]
    bar = "".join(
        f'<i class="pg-{name}" style="width:{100 * count / pairs:.3f}%" '
        f'title="{count:,} {name}"></i>'
        for name, count in parts
    )
    known = row["answered"] + row["filled"]
    spoken = f"{row['answered']:,} answered, {row['filled']:,} filled, {row['open']:,} open"
    return (
        '<div class="pg"><div class="pg-big">'
        f"<div><b>{row['answered']:,}</b><span>answered</span></div>"
        f'<div><b>{row["filled"]:,}</b><span><i class="pg-filled"></i>filled</span></div>'
        f'<div><b>{row["open"]:,}</b><span><i class="pg-open"></i>open</span></div>'
        f"<div><b>{row['suggestions']:,}</b><span>suggestions waiting</span></div>"
        f"<div><b>{row['visited']:,}</b><span>of {row['images']:,} images visited</span></div>"
        f"<div><b>{row['conflicts']:,}</b><span>conflicts</span></div></div>"
        f'<div class="pg-bar" role="img" aria-label="{spoken}">{bar}</div>'
        f'<div class="pg-small">{known / pairs:.1%} of {row["pairs"]:,} pairs are known: '
        f"{row['present']:,} present, {row['absent']:,} absent.</div></div>"
    )


def trainer_html(trainer: Payload) -> str:
    """Return what the trainer does now; its texts are escaped."""
    state = trainer["state"] if trainer["worker_alive"] else "off"
    said = STOPPED
    if trainer["worker_alive"]:
        said = _doing(trainer)
    return f'<div class="pg-trainer" role="status" data-state="{escape(state)}"><i></i>{said}</div>'


def _doing(trainer: Payload) -> str:
    if trainer["state"] == "failed":
        return f"<b>The last job failed:</b> <span>{escape(str(trainer['message']))}</span>"
    if trainer["state"] not in ("training", "embedding"):
        return "<span>The trainer waits for answers.</span>"
    share = trainer["done"] / trainer["total"] if trainer["total"] else 0.0
    loss = "" if trainer["loss"] is None else f" · loss {trainer['loss']:.3f}"
    return (
        f"<b>{escape(trainer['state'])}</b> <span>{escape(str(trainer['stage']))}</span>"
        f'<progress max="1" value="{share:.4f}" aria-label="progress"></progress>'
        f"<span>{share:.0%}{loss}</span>"
    )


def version_plot(versions: list[Payload]) -> alt.LayerChart | None:
    """Return held-out mAP with its interval over time, None before there is a figure."""
    rows = [v for v in versions if v["map"] is not None]
    if not rows:
        return None
    frame = pd.DataFrame(
        {
            "version": [f"{v['number']} ({v['method']})" for v in rows],
            "used": ["in use" if v["promoted"] else "not in use" for v in rows],
            "time": pd.to_datetime([v["created_at"] for v in rows]),
            "held-out mAP": [100 * v["map"] for v in rows],
            "low": [_percent(v["map_low"], v["map"]) for v in rows],
            "high": [_percent(v["map_high"], v["map"]) for v in rows],
            "answers": [v["trained_answers"] for v in rows],
        }
    )
    axis = alt.Axis(tickCount=8, labelOverlap=True)
    base = alt.Chart(frame).encode(
        x=alt.X("time:T", title=None, axis=axis, scale=alt.Scale(padding=24))
    )
    height = alt.Y("held-out mAP:Q", title="held-out mAP, %", scale=alt.Scale(zero=False))
    tooltip = ["version", "used", "held-out mAP", "low", "high", "answers"]
    colours = alt.Scale(domain=["in use", "not in use"], range=["#4f46e5", "#94a3b8"])
    # The axis belongs to the interval: with an axis of its own it would read "low, high, mAP".
    whiskers = base.mark_errorbar(ticks=True, color="#818cf8").encode(
        y=alt.Y("low:Q", title="held-out mAP, %", scale=alt.Scale(zero=False)), y2="high:Q"
    )
    line = base.mark_line(color="#a5b4fc").encode(y=height)
    points = base.mark_point(size=70, filled=True, opacity=1).encode(
        y=height,
        tooltip=tooltip,
        color=alt.Color("used:N", scale=colours, legend=alt.Legend(title=None, orient="top-left")),
    )
    chart = (whiskers + line + points).properties(
        height=260, width="container", usermeta={"embedOptions": {"actions": False}}
    )
    # Drawn on a canvas that knows nothing of dark mode: greys that can be read on both.
    grey = {"labelColor": "#74829a", "titleColor": "#74829a"}
    lines = {"gridColor": "#94a3b8", "gridOpacity": 0.3, "domainColor": "#94a3b8"}
    return (
        chart.configure(background="transparent")
        .configure_view(stroke=None)
        .configure_axis(**grey, **lines, tickColor="#94a3b8", labelFontSize=12, titleFontSize=12)
        .configure_legend(labelColor="#74829a", labelFontSize=12)
    )


def version_table(versions: list[Payload]) -> pd.DataFrame:
    """Return the versions, the newest first."""
    return pd.DataFrame(
        [
            {
                "version": v["number"],
                "in use": "yes" if v["promoted"] else "",
                "method": v["method"],
                "held-out mAP": _figure(v),
                "held-out pairs": v["held_out_pairs"],
                "answers": v["trained_answers"],
                "seconds": round(v["seconds"], 1),
                "made": str(v["created_at"])[:16].replace("T", " "),
                "note": v["note"],
            }
            for v in reversed(versions)
        ],
        columns=[
            *("version", "in use", "method", "held-out mAP", "held-out pairs"),
            *("answers", "seconds", "made", "note"),
        ],
    )


def category_table(categories: list[Payload]) -> pd.DataFrame:
    """Return the counts of every category."""
    return pd.DataFrame(
        [
            {
                "category": c["name"],
                "group": c["supercategory"],
                "present": c["present"],
                "absent": c["absent"],
                "open": c["open"],
                "suggested": c["suggested"],
                "score": "probability" if c["calibrated"] else "ranking only",
            }
            for c in categories
        ],
        columns=["category", "group", "present", "absent", "open", "suggested", "score"],
    )


def _percent(value: float | None, otherwise: float) -> float:
    return 100 * (otherwise if value is None else value)


def _figure(version: Payload) -> str:
    if version["map"] is None:
        return "no figure yet"
    if version["map_low"] is None or version["map_high"] is None:
        return f"{version['map']:.1%}"
    return f"{version['map']:.1%} ({version['map_low']:.1%} to {version['map_high']:.1%})"
