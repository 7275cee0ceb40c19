"""The Progress page: how far the project is, how fast, how good the model is, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gradio as gr

from annotator.services.app import Services
from annotator.ui import progress_views as views
from annotator.ui import quality_views
from annotator.ui.boundary import Payload, shows_errors
from annotator.ui.charts import calibration_chart, growth_chart, version_chart
from annotator.ui.figures_page import LOOK_SECONDS, PLAIN, QUIET, FiguresPage, Seen, plot, table


class ProgressPage(FiguresPage):
    """Handlers of the Progress page; each translates between widgets and service calls."""

    def __init__(
        self, services: Services, *, now: Callable[[], float] = time.monotonic, styles: str = ""
    ) -> None:
        """Tie the page to an open project; see `FiguresPage`."""
        super().__init__(services, now=now, styles=styles)
        self._quality = services.quality
        self._stopping = services.stopping

    def look(self) -> tuple[Any, ...]:
        """Return the whole page, with whatever has been counted by now."""
        return self.tick(None)

    def tick(self, seen: Seen | None) -> tuple[Any, ...]:
        """Return the page anew if versions or answers changed, and parts that were counted since.

        Args:
            seen: What the page shows; None before the first look. Beside what `Seen` has there are
                `numbers` (by part, which count it is from) and `outdated` (whether a part is still
                being counted).
        """
        state = self._progress.state()
        now = self._seen(state["version"], [state["answered"], state["filled"]])
        if seen is not None and not self._is_due(seen, now):
            if not seen["outdated"]:
                return tuple(gr.skip() for _ in range(1 + PARTS))
            now = {name: seen[name] for name in now}
        return self._drawn(now, {} if seen is None else seen["numbers"])

    def _drawn(self, now: Seen, numbers: dict[str, Any]) -> tuple[Any, ...]:
        """Return what the page shows then, and the parts whose count is not that in `numbers`."""
        overview = self._progress.overview(soon=True)
        about = overview["about"]
        number = [now["version"], now["at"], about]
        asked = {
            "overview": {"figures": overview, "number": number, "outdated": about},
            "trends": self._progress.trends_soon(),
            "goal": self._stopping.soon(),
            "quality": self._quality.soon(),
        }
        parts: list[Any] = []
        for name, found in asked.items():
            view, count = VIEWS[name]
            same = numbers.get(name) == found["number"]
            parts += [gr.skip()] * count if same else view(found["figures"])
        shown = {name: found["number"] for name, found in asked.items()}
        outdated = any(found["outdated"] for found in asked.values())
        return {**now, "numbers": shown, "outdated": outdated}, *parts

    def build(self, pages: gr.Blocks) -> None:
        """Put the widgets into the open Blocks, which are a part of `pages`, and wire them."""
        counts = gr.HTML(elem_id="progress-counts", head=self._head, **PLAIN)
        left = gr.HTML(elem_id="progress-left", **PLAIN)
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
        gr.Markdown("## Categories")
        categories = gr.Dataframe(
            interactive=False,
            show_label=False,
            max_height=620,
            show_search="search",
            elem_id="category-table",
        )
        seen = gr.State(None)
        shown = [seen, counts, curve, curve_note, categories]
        shown += [left, growth, growth_note, calibration, calibration_note, *people[:2]]
        shown += [goal, *people[2:]]
        pages.load(shows_errors(self.look), None, shown, **QUIET)
        gr.Timer(LOOK_SECONDS).tick(shows_errors(self.tick), seen, shown, **QUIET)


def _people_parts() -> list[Any]:
    """Put the tables about people into the open Blocks: two of the trends, four of the quality."""
    gr.Markdown("## Annotators")
    parts: list[Any] = [_table("people-table"), gr.HTML(elem_id="people-note", **PLAIN)]
    gr.Markdown("## Inter-annotator agreement")
    parts.append(gr.HTML(elem_id="agreement-note", **PLAIN))
    parts += [_table("agreement-table", max_height=420), _table("agreement-people")]
    return [*parts, gr.HTML(elem_id="anchoring-note", **PLAIN)]


def _table(name: str, **more: Any) -> gr.Dataframe:
    return gr.Dataframe(interactive=False, show_label=False, visible=False, elem_id=name, **more)


def overview_parts(overview: Payload) -> list[Any]:
    """Return the counts, the learning curve and its sentence, and the table of categories."""
    versions = overview["versions"]
    return [
        views.counts_html(overview["counts"], about=overview["about"]),
        plot(version_chart(versions)),
        views.version_note(versions),
        views.category_table(overview["categories"]),
    ]


def trend_parts(trends: Payload | None) -> list[Any]:
    """Return what is left, answers over time, the calibration, and who answered."""
    if trends is None:
        hidden = gr.update(visible=False)
        return ["", hidden, views.COUNTING, hidden, views.COUNTING, hidden, views.COUNTING]
    people, pace, calibration = trends["people"], trends["pace"], trends["calibration"]
    return [
        views.remaining_html(trends["remaining"], pace, calibration["version"]),
        plot(growth_chart(trends["growth"])),
        views.growth_note(trends["growth"]),
        plot(calibration_chart(calibration)),
        views.calibration_note(calibration),
        table(views.people_table(people)),
        views.people_note(people, pace),
    ]


def goal_parts(stop: Payload | None) -> list[Any]:
    """Return what an hour would bring."""
    return [views.COUNTING if stop is None else quality_views.goal_html(stop)]


def quality_parts(quality: Payload | None) -> list[Any]:
    """Return how far people agree: a sentence, two tables, and whether the model sways them."""
    if quality is None:
        return [views.COUNTING, gr.update(visible=False), gr.update(visible=False), ""]
    return [
        quality_views.agreement_note(quality),
        table(quality_views.agreement_table(quality)),
        table(quality_views.person_table(quality)),
        quality_views.anchoring_note(quality),
    ]


VIEWS: dict[str, tuple[Callable[[Any], list[Any]], int]] = {
    "overview": (overview_parts, 4),
    "trends": (trend_parts, 7),
    "goal": (goal_parts, 1),
    "quality": (quality_parts, 4),
}
"""What draws each part of the page from its figures, and how many widgets that fills."""

PARTS = sum(count for _, count in VIEWS.values())
"""How many widgets of the page are drawn."""
