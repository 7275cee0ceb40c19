"""The Progress page: how far the project is, how fast, how good the model is, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from annotator.ui import progress_views as views
from annotator.ui import quality_views
from annotator.ui.boundary import shows_errors
from annotator.ui.charts import calibration_chart, growth_chart, version_chart
from annotator.ui.contracts import Services

QUIET: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "queue": False,
}
LOOK_SECONDS = 1.5
"""How often the page asks whether anything has changed."""

COUNT_SECONDS = 8.0
"""How long charts and tables may stay behind the answers; a new version shows at once."""

PARTS = 16
"""How many widgets `ProgressPage.show` fills."""

PLAIN: dict[str, Any] = {"apply_default_css": False, "js_on_load": None}


class ProgressPage:
    """Handlers of the Progress page; each translates between widgets and service calls."""

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
        self._quality = services.quality
        self._stopping = services.stopping
        self._now = now
        self._styles = styles

    def show(self) -> tuple[Any, ...]:
        """Return everything that changes with answers and versions."""
        row, trends = self._progress.overview(), self._progress.trends()
        versions, people, pace = row["versions"], trends["people"], trends["pace"]
        calibration, quality = trends["calibration"], self._quality.report()
        return (
            views.counts_html(row["counts"]),
            views.remaining_html(trends["remaining"], pace, calibration["version"]),
            quality_views.goal_html(self._stopping.report()),
            plot(growth_chart(trends["growth"])),
            views.growth_note(trends["growth"]),
            plot(version_chart(versions)),
            views.version_note(versions),
            plot(calibration_chart(calibration)),
            views.calibration_note(calibration),
            table(views.people_table(people)),
            views.people_note(people, pace),
            quality_views.agreement_note(quality),
            table(quality_views.agreement_table(quality)),
            table(quality_views.person_table(quality)),
            quality_views.anchoring_note(quality),
            views.category_table(row["categories"]),
        )

    def tick(self, seen: list[float] | None) -> tuple[Any, ...]:
        """Return the page anew if versions or answers changed.

        Args:
            seen: What the page shows: version, answered pairs, and when it was last drawn.
        """
        state = self._progress.state()
        now = [float(state["version"] or 0), float(state["answered"])]
        due = seen is None or now[0] != seen[0]
        if not due and seen is not None:
            due = now[1] != seen[1] and self._now() - seen[2] >= COUNT_SECONDS
        if not due:
            return tuple(gr.skip() for _ in range(1 + PARTS))
        return [*now, self._now()], *self.show()

    def build(self) -> None:
        """Put the widgets into the open Blocks and wire them."""
        head = f'<link rel="stylesheet" href="{self._styles}">' if self._styles else None
        counts = gr.HTML(elem_id="progress-counts", head=head, **PLAIN)
        left = gr.HTML(elem_id="progress-left", **PLAIN)
        goal = gr.HTML(elem_id="progress-goal", **PLAIN)
        gr.Markdown("## Answers over time")
        growth = gr.Plot(show_label=False, visible=False, elem_id="growth-plot")
        growth_note = gr.HTML(elem_id="growth-note", **PLAIN)
        with gr.Row(equal_height=False, elem_classes="pg-pair"):
            with gr.Column(min_width=320):
                gr.Markdown("## How good the versions are")
                curve = gr.Plot(show_label=False, visible=False, elem_id="progress-plot")
                curve_note = gr.HTML(elem_id="progress-no-figure", **PLAIN)
            with gr.Column(min_width=320):
                gr.Markdown("## How far its percentages can be trusted")
                calibration = gr.Plot(show_label=False, visible=False, elem_id="calibration-plot")
                calibration_note = gr.HTML(elem_id="calibration-note", **PLAIN)
        people = _people_parts()
        gr.Markdown("## Categories")
        categories = gr.Dataframe(
            interactive=False,
            show_label=False,
            max_height=620,
            show_search="search",
            elem_id="category-table",
        )
        seen = gr.State(None)
        shown = [counts, left, goal, growth, growth_note, curve, curve_note]
        shown += [calibration, calibration_note, *people, categories]
        gr.Timer(LOOK_SECONDS).tick(shows_errors(self.tick), seen, [seen, *shown], **QUIET)


def _people_parts() -> list[Any]:
    """Put the tables about people into the open Blocks, in the order of `ProgressPage.show`."""
    gr.Markdown("## Who answered")
    parts: list[Any] = [_table("people-table"), gr.HTML(elem_id="people-note", **PLAIN)]
    gr.Markdown("## How far people agree")
    parts.append(gr.HTML(elem_id="agreement-note", **PLAIN))
    parts += [_table("agreement-table", max_height=420), _table("agreement-people")]
    return [*parts, gr.HTML(elem_id="anchoring-note", **PLAIN)]


def _table(name: str, **more: Any) -> gr.Dataframe:
    return gr.Dataframe(interactive=False, show_label=False, visible=False, elem_id=name, **more)


def table(rows: Any) -> Any:
    """Return the update of a table that is hidden while it has no row."""
    return gr.update(value=rows, visible=len(rows) > 0)


def plot(chart: Any) -> Any:
    """Return the update of a plot that is hidden while there is nothing to draw."""
    return gr.update(value=chart, visible=chart is not None)
