"""The Progress page: how far the project is, what is left to do, and how good the model is."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from annotator.services.app import Services
from annotator.services.progress.overview import Overview
from annotator.services.progress.quality import QualityRow
from annotator.services.progress.stopping import StoppingRow
from annotator.services.progress.trends import TrendsRow
from annotator.ui import progress_views as views
from annotator.ui import quality_views
from annotator.ui.boundary import shows_errors
from annotator.ui.charts import calibration_chart, growth_chart, version_chart
from annotator.ui.figures_page import LOOK_SECONDS, PLAIN, QUIET, FiguresPage, Seen, plot, table


class SeenParts(Seen):
    """What an open Progress page shows."""

    numbers: dict[str, object]
    """By part, which count it is from."""
    outdated: bool
    """Whether a part is still being counted."""


class ProgressPage(FiguresPage):
    """Handlers of the Progress page; each translates between widgets and service calls."""

    def __init__(
        self,
        services: Services,
        *,
        now: Callable[[], float] = time.monotonic,
        styles: str = "",
        scripts: str = "",
    ) -> None:
        """Tie the page to an open project; see `FiguresPage`.

        Args:
            services: Of the open project.
            now: Seconds on a clock that never goes back.
            styles: Address of `pages.css`.
            scripts: Address of the folder with the scripts and styles.
        """
        super().__init__(services, now=now, styles=styles)
        self._scripts = scripts
        self._categories = services.category_report
        self._quality = services.quality
        self._stopping = services.stopping

    def look(self) -> tuple[Any, ...]:
        """Return the whole page, with whatever has been counted by now."""
        return self.tick(None)

    def tick(self, seen: SeenParts | None) -> tuple[Any, ...]:
        """Return the page anew if versions or answers changed, and parts that were counted since.

        Args:
            seen: What the page shows; None before the first look.
        """
        state = self._progress.state()
        now = self._seen(state["version"], [state["answered"], state["filled"]])
        if seen is not None and not self._is_due(seen, now):
            if not seen["outdated"]:
                return tuple(gr.skip() for _ in range(1 + PARTS))
            now = {"version": seen["version"], "known": seen["known"], "at": seen["at"]}
        return self._drawn(now, {} if seen is None else seen["numbers"])

    def _drawn(self, now: Seen, numbers: dict[str, object]) -> tuple[Any, ...]:
        """Return what the page shows then, and the parts whose count is not that in `numbers`."""
        overview = self._progress.overview(wait=False)
        about = overview["about"]
        trends, goal = self._progress.latest_trends(), self._stopping.latest()
        quality, categories = self._quality.latest(), self._categories.latest()
        shown: dict[str, object] = {
            "overview": [now["version"], now["at"], about],
            "trends": trends.number,
            "goal": goal.number,
            "quality": quality.number,
            "categories": categories.number,
        }
        draw: dict[str, Callable[[], list[Any]]] = {
            "overview": partial(overview_parts, overview),
            "trends": partial(trend_parts, trends.figures),
            "goal": partial(goal_parts, goal.figures),
            "quality": partial(quality_parts, quality.figures),
            "categories": lambda: [gr.skip() if categories.figures is None else categories.figures],
        }
        parts: list[Any] = []
        for name, count in WIDGETS.items():
            same = numbers.get(name) == shown[name]
            parts += [gr.skip()] * count if same else draw[name]()
        outdated = about or any(one.outdated for one in (trends, goal, quality, categories))
        drawn: SeenParts = {**now, "numbers": shown, "outdated": outdated}
        return drawn, *parts

    def build(self, pages: gr.Blocks) -> None:
        """Put the widgets into the open Blocks, which are a part of `pages`, and wire them."""
        gr.Markdown("## Progress")
        with gr.Tabs(overflow_behavior="wrap"):
            with gr.Tab("Overview"):
                shown = self._build_overview()
            with gr.Tab("Categories"):
                shown.append(self._category_tables())
        seen = gr.State(None)
        pages.load(shows_errors(self.look), None, [seen, *shown], **QUIET)
        tick = shows_errors(self.tick)
        gr.Timer(LOOK_SECONDS).tick(tick, seen, [seen, *shown], **QUIET)

    def _category_tables(self) -> gr.HTML:
        """Put the tables of categories into the open Blocks; a script draws them."""
        return gr.HTML(
            html_template="<div class='ct-root'></div>",
            js_on_load=(
                # Relative to the page; by itself it would be relative to Gradio's own script.
                f"import(new URL('{self._scripts}/progress/category_tables.js', document.baseURI))"
                ".then(m => { const tables = new m.CategoryTables("
                "element.querySelector('.ct-root') ?? element); tables.show(props.value); "
                "watch('value', () => tables.show(props.value)); });"
            ),
            head=f'<link rel="stylesheet" href="{self._scripts}/progress/category_tables.css">',
            apply_default_css=False,
            elem_id="category-tables",
        )

    def _build_overview(self) -> list[Any]:
        """Put the widgets of all other parts into the open Blocks and return them."""
        counts = gr.HTML(elem_id="progress-counts", head=self._head, **PLAIN)
        goal = gr.HTML(elem_id="progress-goal", **PLAIN)
        gr.Markdown("## Known pairs over time")
        growth = gr.Plot(show_label=False, visible=False, elem_id="growth-plot")
        growth_note = gr.HTML(elem_id="growth-note", **PLAIN)
        with gr.Row(equal_height=False, elem_classes="pg-pair"):
            with gr.Column(min_width=320):
                gr.Markdown("## Model quality by version")
                curve = gr.Plot(show_label=False, visible=False, elem_id="progress-plot")
                curve_note = gr.HTML(elem_id="progress-no-figure", **PLAIN)
            with gr.Column(min_width=320):
                gr.Markdown("## Calibration")
                calibration = gr.Plot(show_label=False, visible=False, elem_id="calibration-plot")
                calibration_note = gr.HTML(elem_id="calibration-note", **PLAIN)
        people = _people_parts()
        shown = [counts, curve, curve_note]
        shown += [growth, growth_note, calibration, calibration_note, *people[:2]]
        return [*shown, goal, *people[2:]]


def _people_parts() -> list[Any]:
    """Put the tables about people into the open Blocks: two of the trends, four of the quality."""
    gr.Markdown("## Annotators")
    parts: list[Any] = [_table("people-table"), gr.HTML(elem_id="people-note", **PLAIN)]
    gr.Markdown("## Inter-annotator agreement")
    parts.append(gr.HTML(elem_id="agreement-note", **PLAIN))
    parts += [_table("agreement-table", max_height=420), _table("agreement-people")]
    return [*parts, gr.HTML(elem_id="anchoring-note", **PLAIN)]


def _table(name: str, **more: Any) -> gr.Dataframe:
    shown = {"interactive": False, "show_label": False, "visible": False, "buttons": []}
    return gr.Dataframe(elem_id=name, **shown, **more)


def overview_parts(overview: Overview) -> list[Any]:
    """Return the counts, the learning curve and its sentence."""
    versions = overview["versions"]
    return [
        views.counts_html(overview["counts"], about=overview["about"]),
        plot(version_chart(versions)),
        views.version_note(versions),
    ]


def trend_parts(trends: TrendsRow | None) -> list[Any]:
    """Return answers over time, the calibration, and who answered."""
    if trends is None:
        hidden = gr.update(visible=False)
        return [hidden, views.COUNTING, hidden, views.COUNTING, hidden, views.COUNTING]
    people, pace, calibration = trends["people"], trends["pace"], trends["calibration"]
    return [
        plot(growth_chart(trends["growth"])),
        views.growth_note(trends["growth"]),
        plot(calibration_chart(calibration)),
        views.calibration_note(calibration),
        table(views.people_table(people)),
        views.people_note(people, pace),
    ]


def goal_parts(stop: StoppingRow | None) -> list[Any]:
    """Return how much work is left and what an hour would bring."""
    return [views.COUNTING if stop is None else quality_views.goal_html(stop)]


def quality_parts(quality: QualityRow | None) -> list[Any]:
    """Return how far people agree: a sentence, two tables, and whether the model sways them."""
    if quality is None:
        return [views.COUNTING, gr.update(visible=False), gr.update(visible=False), ""]
    return [
        quality_views.agreement_note(quality),
        table(quality_views.agreement_table(quality)),
        table(quality_views.person_table(quality)),
        quality_views.anchoring_note(quality),
    ]


WIDGETS = {"overview": 3, "trends": 6, "goal": 1, "quality": 4, "categories": 1}
"""How many widgets each part of the page fills."""

PARTS = sum(WIDGETS.values())
"""How many widgets of the page are drawn."""
