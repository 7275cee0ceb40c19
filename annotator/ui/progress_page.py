"""The Progress page: how far the project is, what the trainer does, and its versions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.contracts import Payload, Services
from annotator.ui.progress_views import (
    category_table,
    counts_html,
    trainer_html,
    version_plot,
    version_table,
)

QUIET: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}
TRAINER_SECONDS = 1.5
"""How often the trainer's line is brought up to date."""

COUNT_SECONDS = 8.0
"""How long tables may stay behind the answers; a new version shows at once."""

VERSION_WIDTHS = [90, 80, 120, 220, 140, 100, 100, 160, 360]
"""Pixels for each column of the table of versions."""

BY_METHOD = "the project's method"
NO_FIGURE = (
    "*No held-out figure yet.* One image in ten never trains anything; as soon as enough of its "
    "pairs are answered, every version is measured on them here."
)


class ProgressPage:
    """Handlers of the Progress page; each translates between widgets and one service call."""

    def __init__(
        self, services: Services, *, now: Callable[[], float] = time.monotonic, styles: str = ""
    ) -> None:
        """Tie the page to an open project.

        Args:
            services: Of the open project.
            now: Seconds on a clock that never goes back.
            styles: Address of `pages.css`.
        """
        self._progress = services.progress
        self._now = now
        self._styles = styles

    def show(self, choice: int | None) -> tuple[Any, ...]:
        """Return everything that changes with answers and versions; keeps the chosen version."""
        row = self._progress.overview()
        versions = row["versions"]
        plot = version_plot(versions)
        numbers = [v["number"] for v in versions]
        offered = [(_version_name(v), v["number"]) for v in reversed(versions)]
        return (
            counts_html(row["counts"]),
            row["policy"],
            gr.update(value=plot, visible=plot is not None),
            gr.update(visible=plot is None),
            version_table(versions),
            category_table(row["categories"]),
            gr.update(choices=offered, value=choice if choice in numbers else None),
        )

    def tick(self, seen: list[float] | None, choice: int | None) -> tuple[Any, ...]:
        """Return the trainer's line, and the rest of the page if versions or answers changed.

        Args:
            seen: What the page shows: version, answered pairs, and when it was last drawn.
            choice: The version chosen in the list, kept.
        """
        state = self._progress.state()
        now = [float(state["version"] or 0), float(state["answered"])]
        trainer = trainer_html(state["trainer"])
        due = seen is None or now[0] != seen[0]
        if not due and seen is not None:
            due = now[1] != seen[1] and self._now() - seen[2] >= COUNT_SECONDS
        if not due:
            return trainer, gr.skip(), *(gr.skip() for _ in range(7))
        return trainer, [*now, self._now()], *self.show(choice)

    def train(self, method: str, request: gr.Request) -> str:
        """Ask for a new version."""
        chosen = None if method == BY_METHOD else method
        return str(self._progress.train(annotator_of(request), method=chosen)["message"])

    def cancel(self, request: gr.Request) -> str:
        """Ask the running job to stop."""
        annotator_of(request)
        return str(self._progress.cancel()["message"])

    def promote(self, number: int | None, request: gr.Request) -> str:
        """Let a version make the suggestions."""
        if number is None:
            return "Choose a version first."
        return str(self._progress.promote(annotator_of(request), int(number))["message"])

    def build(self) -> None:
        """Put the widgets into the open Blocks and wire them."""
        head = f'<link rel="stylesheet" href="{self._styles}">' if self._styles else None
        quiet_html: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}
        counts = gr.HTML(elem_id="progress-counts", head=head, **quiet_html)
        trainer = gr.HTML(elem_id="progress-trainer", **quiet_html)
        policy = gr.Markdown(elem_id="progress-policy")
        method, train, cancel, choice, promote = self._build_buttons()
        said = gr.Markdown(elem_id="progress-said")
        gr.Markdown("## Versions")
        without = gr.Markdown(NO_FIGURE, elem_id="progress-no-figure")
        plot = gr.Plot(show_label=False, visible=False, elem_id="progress-plot")
        versions = gr.Dataframe(
            interactive=False, show_label=False, wrap=True, column_widths=VERSION_WIDTHS
        )
        gr.Markdown("## Categories")
        categories = gr.Dataframe(interactive=False, show_label=False, max_height=620)
        seen = gr.State(None)
        shown = [counts, policy, plot, without, versions, categories, choice]
        tick = shows_errors(self.tick)
        outputs = [trainer, seen, *shown]
        gr.Timer(TRAINER_SECONDS).tick(tick, [seen, choice], outputs, **QUIET)
        train.click(shows_errors(self.train), method, said, api_visibility="private")
        cancel.click(shows_errors(self.cancel), None, said, api_visibility="private")
        promote.click(shows_errors(self.promote), choice, said, api_visibility="private")

    def _build_buttons(self) -> tuple[Any, ...]:
        with gr.Row(elem_classes="pg-actions"):
            names = [BY_METHOD, *self._progress.methods()]
            method = gr.Dropdown(names, value=BY_METHOD, label="Method", scale=3)
            train = gr.Button("Train now", variant="primary", elem_id="train-now")
            cancel = gr.Button("Cancel", elem_id="train-cancel")
            choice = gr.Dropdown([], label="Version", elem_id="promote-choice", scale=3)
            promote = gr.Button("Use this version", elem_id="promote")
        return method, train, cancel, choice, promote


def _version_name(version: Payload) -> str:
    figure = "" if version["map"] is None else f" · {version['map']:.1%}"
    used = " · in use" if version["promoted"] else ""
    return f"{version['number']} · {version['method']}{figure}{used}"
