"""The Progress page: how far the project is, what the trainer does, and its versions."""

from __future__ import annotations

from typing import Any

import altair as alt
import gradio as gr
import pandas as pd

from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.contracts import Payload, Services

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
EVERY_SECONDS = 2.0
BY_METHOD = "the project's method"


class ProgressPage:
    """Handlers of the Progress page; each translates between widgets and one service call."""

    def __init__(self, services: Services) -> None:
        """Tie the page to an open project."""
        self._progress = services.progress

    def show(self) -> tuple[str, Any, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
        """Return everything on the page that changes with answers and versions."""
        row = self._progress.overview()
        numbers = [v["number"] for v in row["versions"]]
        return (
            counts_text(row["counts"]),
            version_plot(row["versions"]),
            version_table(row["versions"]),
            category_table(row["categories"]),
            gr.update(choices=numbers, value=None),
        )

    def tick(self, seen: list[int] | None) -> tuple[str, list[int], dict[str, Any]]:
        """Return the trainer's line, and a nudge to redraw when versions or answers changed."""
        state = self._progress.state()
        now = [state["version"] or 0, state["answered"]]
        nudge = gr.update(value=float(sum(now))) if now != seen else gr.skip()
        return trainer_text(state["trainer"], self._progress.overview()["policy"]), now, nudge

    def train(self, method: str, request: gr.Request) -> str:
        """Ask for a new version."""
        chosen = None if method == BY_METHOD else method
        return str(self._progress.train(annotator_of(request), method=chosen)["message"])

    def cancel(self) -> str:
        """Ask the running job to stop."""
        return str(self._progress.cancel()["message"])

    def promote(self, number: int | None, request: gr.Request) -> str:
        """Let a version make the suggestions."""
        if number is None:
            return "Choose a version first."
        return str(self._progress.promote(annotator_of(request), int(number))["message"])

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open Blocks and wire them."""
        counts = gr.Markdown(elem_id="progress-counts")
        trainer = gr.Markdown(elem_id="progress-trainer")
        with gr.Row():
            method = gr.Dropdown(
                [BY_METHOD, *self._progress.methods()], value=BY_METHOD, label="Method"
            )
            train = gr.Button("Train now", variant="primary", elem_id="train-now")
            cancel = gr.Button("Cancel", elem_id="train-cancel")
            choice = gr.Dropdown([], label="Version to use", elem_id="promote-choice")
            promote = gr.Button("Use this version", elem_id="promote")
        said = gr.Markdown(elem_id="progress-said")
        gr.Markdown("## Versions")
        plot = gr.Plot(show_label=False)
        versions = gr.Dataframe(interactive=False, show_label=False)
        gr.Markdown("## Categories")
        categories = gr.Dataframe(interactive=False, show_label=False, max_height=600)
        seen, nudge = gr.State(None), gr.Number(visible=False)
        outputs = [counts, plot, versions, categories, choice]
        show = shows_errors(self.show)
        demo.load(show, None, outputs, **QUIET)
        nudge.change(show, None, outputs, **QUIET)
        gr.Timer(EVERY_SECONDS).tick(
            shows_errors(self.tick), seen, [trainer, seen, nudge], queue=False, **QUIET
        )
        train.click(shows_errors(self.train), method, said, api_visibility="private")
        cancel.click(shows_errors(self.cancel), None, said, api_visibility="private")
        promote.click(shows_errors(self.promote), choice, said, api_visibility="private")


def counts_text(row: Payload) -> str:
    """Return the three counts with a bar, as Markdown."""
    pairs = max(1, row["pairs"])
    shares = [row[name] / pairs for name in ("answered", "filled", "open")]
    return (
        f"### {row['answered']:,} answered · {row['filled']:,} filled · {row['open']:,} open\n\n"
        f"`{_bar(shares[0] + shares[1])}` {shares[0] + shares[1]:.1%} of {row['pairs']:,} pairs "
        f"are known ({row['present']:,} present, {row['absent']:,} absent). "
        f"{row['visited']:,} of {row['images']:,} images visited, "
        f"{row['suggestions']:,} suggestions waiting, {row['conflicts']:,} conflicts."
    )


def trainer_text(trainer: Payload, policy: str) -> str:
    """Return what the trainer does and what it waits for, as Markdown."""
    if not trainer["worker_alive"]:
        return (
            "**The trainer has stopped; labelling goes on.** "
            "Start it with `annotator work PROJECT`."
        )
    if trainer["state"] in ("training", "embedding"):
        share = trainer["done"] / trainer["total"] if trainer["total"] else 0.0
        loss = "" if trainer["loss"] is None else f", loss {trainer['loss']:.3f}"
        return f"**{trainer['state']}** {trainer['stage']} `{_bar(share)}` {share:.0%}{loss}"
    if trainer["state"] == "failed":
        return f"**The last job failed:** {trainer['message']} {policy}"
    return policy


def version_plot(versions: list[Payload]) -> alt.LayerChart | None:
    """Return held-out mAP with its interval over time, None before there is a figure."""
    rows = [v for v in versions if v["map"] is not None]
    if not rows:
        return None
    frame = pd.DataFrame(
        {
            "version": [f"{v['number']} ({v['method']})" for v in rows],
            "time": pd.to_datetime([v["created_at"] for v in rows]),
            "held-out mAP": [100 * v["map"] for v in rows],
            "low": [100 * v["map_low"] for v in rows],
            "high": [100 * v["map_high"] for v in rows],
        }
    )
    base = alt.Chart(frame).encode(x=alt.X("time:T", title=None))
    mean = alt.Y("held-out mAP:Q", title="held-out mAP, %", scale=alt.Scale(domain=[0, 100]))
    bars = base.mark_rule(opacity=0.6).encode(y="low:Q", y2="high:Q")
    tooltip = ["version", "held-out mAP", "low", "high"]
    line = base.mark_line(point=alt.OverlayMarkDef(size=70)).encode(y=mean, tooltip=tooltip)
    return (bars + line).properties(height=240, width="container")


def version_table(versions: list[Payload]) -> pd.DataFrame:
    """Return the versions, the newest first."""
    return pd.DataFrame(
        [
            {
                "version": v["number"],
                "used": "yes" if v["promoted"] else "",
                "method": v["method"],
                "held-out mAP": _figure(v),
                "held-out pairs": v["held_out_pairs"],
                "answers": v["trained_answers"],
                "seconds": round(v["seconds"], 1),
                "note": v["note"],
            }
            for v in reversed(versions)
        ],
        columns=[
            *("version", "used", "method", "held-out mAP"),
            *("held-out pairs", "answers", "seconds", "note"),
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
                "calibrated": "yes" if c["calibrated"] else "",
            }
            for c in categories
        ],
        columns=["category", "group", "present", "absent", "open", "suggested", "calibrated"],
    )


def _figure(version: Payload) -> str:
    if version["map"] is None:
        return "no verdict"
    return f"{version['map']:.1%} ({version['map_low']:.1%} to {version['map_high']:.1%})"


def _bar(share: float, length: int = 30) -> str:
    full = round(length * min(1.0, max(0.0, share)))
    return "█" * full + "░" * (length - full)
