"""The Train page: what the trainer does, its versions, and how they differ."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from annotator.services.app import Services
from annotator.services.training.method_options import MethodOption
from annotator.ui import predictor_views, race_views
from annotator.ui import train_views as views
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.charts import calibration_chart, loss_chart, method_chart
from annotator.ui.figures_page import LOOK_SECONDS, PLAIN, QUIET, FiguresPage, Seen, plot
from annotator.ui.progress_views import calibration_note

AS_SET = "as in the settings"
"""What is chosen for a training unless somebody chooses otherwise."""

OPTIONS = 3
"""Most numbers of a method that can be set."""

FINETUNE = {AS_SET: None, "yes": True, "no": False}

PARTS = 13
"""How many widgets `TrainPage.show` fills."""

CHALLENGERS = 2
"""How many widgets follow who challenges the version in use."""


class TrainPage(FiguresPage):
    """Handlers of the Train page; each translates between widgets and one service call."""

    def __init__(
        self, services: Services, *, now: Callable[[], float] = time.monotonic, styles: str = ""
    ) -> None:
        """Tie the page to an open project; see `FiguresPage`."""
        super().__init__(services, now=now, styles=styles)
        self._training = services.training
        self._comparison = services.comparison
        self._predictors = services.predictors

    def show(self, choice: int | None, older: int | None, newer: int | None) -> tuple[Any, ...]:
        """Return everything that changes with versions; what was chosen stays chosen."""
        row = self._training.report()
        versions, back = row["versions"], row["back_to"]
        numbers = [v["number"] for v in versions]
        offered = [(views.version_name(v), v["number"]) for v in reversed(versions)]
        several = len(versions) > 1
        pair = _pair_of(numbers, older, newer)
        said = views.ONE_VERSION if versions else views.NOT_TWO
        return (
            row["policy"],
            gr.update(visible=not versions),
            gr.update(value=views.versions_html(versions), visible=bool(versions)),
            gr.update(visible=bool(versions)),
            gr.update(choices=offered, value=choice if choice in numbers else None),
            gr.update(
                value="Roll back" if back is None else f"Roll back to version {back}",
                interactive=back is not None,
            ),
            back,
            gr.update(choices=offered, value=pair[0], visible=several),
            gr.update(choices=offered, value=pair[1], visible=several),
            gr.update(visible=several),
            gr.update(value=said, visible=not several),
            *self._show_predictors(),
        )

    def _show_predictors(self) -> tuple[Any, ...]:
        found = self._predictors.worth()
        shown = predictor_views.predictors_html(self._predictors.rows(), found)
        return shown, gr.update(visible=predictor_views.has_categories(found))

    def tick(
        self, seen: Seen | None, choice: int | None, older: int | None, newer: int | None
    ) -> tuple[Any, ...]:
        """Return the trainer's line and loss, and the rest if versions or answers changed.

        Args:
            seen: What the page shows; None before the first look.
            choice: The version chosen to be used, kept.
            older: The version chosen to compare from, kept.
            newer: The version chosen to compare to, kept.
        """
        state = self._progress.state()
        trainer = state["trainer"]
        running = trainer["state"] == "training"
        # A version that was not promoted shows when its training has ended.
        now = self._seen([state["version"], trainer["state"]], state["answered"])
        line = views.trainer_html(trainer, state["problem"])
        losses = loss_chart(self._progress.losses()) if running else None
        live = (line, plot(losses), gr.update(visible=losses is not None))
        race = self._training.race()
        challengers = race_views.race_html(race), gr.update(visible=race_views.has_gains(race))
        if not self._is_due(seen, now):
            return *live, *(gr.skip() for _ in range(1 + PARTS)), *challengers
        return *live, now, *self.show(choice, older, newer), *challengers

    def train(
        self,
        method: str,
        finetune: str,
        numbers_of: str,
        first: float | None,
        second: float | None,
        third: float | None,
        request: gr.Request,
    ) -> str:
        """Ask for a new version.

        Args:
            method: What was chosen to learn.
            finetune: Whether the network learns, too.
            numbers_of: The method whose numbers the page shows; those of another are not taken.
            first: The first of its `options`; None is what is usual.
            second: The second one.
            third: The third one.
            request: Who asks.
        """
        chosen = None if method == AS_SET else method
        offered = self._options(method) if numbers_of == method else ()
        numbers = zip(offered, (first, second, third), strict=False)
        asked = self._training.train(
            annotator_of(request),
            method=chosen,
            finetune=FINETUNE[finetune],
            options={option.name: n for option, n in numbers if n is not None},
        )
        return asked["message"]

    def options(self, method: str) -> tuple[Any, ...]:
        """Return the method and the numbers that it offers, as they usually are; hide the rest."""
        offered = [gr.update(visible=True, **_number(o)) for o in self._options(method)]
        hidden = [gr.update(visible=False, value=None)] * (OPTIONS - len(offered))
        return method, *offered, *hidden

    def _options(self, method: str) -> Sequence[MethodOption]:
        choices = self._training.choices()
        name = choices["method"] if method == AS_SET else method
        found = (m["options"] for m in choices["methods"] if m["name"] == name)
        return next(found, ())

    def cancel(self, request: gr.Request) -> str:
        """Ask the running job to stop."""
        annotator_of(request)
        return self._training.cancel()["message"]

    def promote(self, number: int | None, request: gr.Request) -> str:
        """Let a version make the suggestions."""
        if number is None:
            return "Choose a version first."
        return self._training.promote(annotator_of(request), int(number))["message"]

    def calibration(self, number: int | None) -> tuple[Any, ...]:
        """Return how far the percentages of a version can be trusted."""
        if number is None:
            return plot(None), '<p class="pg-note">Choose a version first.</p>'
        found = self._comparison.calibration(int(number))
        return plot(calibration_chart(found)), calibration_note(found)

    def gains(self) -> str:
        """Return the gain of each challenger by category."""
        return race_views.gains_html(self._training.race(by_category=True))

    def predictor_gains(self) -> str:
        """Return what each predictor is worth by category."""
        return predictor_views.categories_html(self._predictors.worth())

    def compare_methods(self) -> tuple[Any, ...]:
        """Return the newest version of each method side by side."""
        compared = self._comparison.methods()
        return plot(method_chart(compared["methods"])), views.methods_html(compared)

    def changes(self, older: int | None, newer: int | None) -> str:
        """Return what changed between the two chosen versions."""
        if older is None or newer is None or older == newer:
            return '<p class="pg-note">Choose two different versions.</p>'
        return views.changes_html(self._comparison.changes(int(older), int(newer)))

    def build(self) -> None:
        """Put the widgets into the open Blocks and wire them."""
        gr.Markdown("## Train")
        trainer = gr.HTML(elem_id="progress-trainer", head=self._head, **PLAIN)
        loss = gr.Plot(show_label=False, visible=False, elem_id="loss-plot")
        loss_note = gr.HTML(
            f'<p class="pg-note">{views.LOSS_NOTE}</p>', visible=False, elem_id="loss-note", **PLAIN
        )
        policy = gr.Markdown(elem_id="progress-policy")
        said = self._build_start()
        gr.Markdown(f"## Versions\n{views.HELD_OUT}")
        none = gr.Markdown(views.NO_VERSION, visible=False, elem_id="versions-none")
        versions = gr.HTML(visible=False, elem_id="version-table", **PLAIN)
        row, choice, rollback, back = self._build_choice(said)
        predictors = self._build_predictors()
        race = self._build_race()
        self._build_methods()
        older, newer, compare, without = self._build_changes()
        seen = gr.State(None)
        shown = [
            policy,
            none,
            versions,
            row,
            choice,
            rollback,
            back,
            older,
            newer,
            compare,
            without,
            *predictors,
        ]
        gr.Timer(LOOK_SECONDS).tick(
            shows_errors(self.tick),
            [seen, choice, older, newer],
            [trainer, loss, loss_note, seen, *shown, *race],
            **QUIET,
        )

    def _build_start(self) -> gr.Markdown:
        choices = self._training.choices()
        methods = [(f"{AS_SET}: {choices['method']}", AS_SET)]
        methods += [(f"{m['name']}: {m['does']}", m["name"]) for m in choices["methods"]]
        with gr.Accordion("Train a new version", open=True, elem_id="train-start"):
            method = gr.Radio(methods, value=AS_SET, label="Method", elem_id="train-method")
            finetune = gr.Radio(
                list(FINETUNE),
                value=AS_SET,
                label="Fine-tune the backbone?",
                info=f"In the settings: {choices['finetune']}. Without a GPU it takes minutes for"
                " some thousand images.",
                elem_id="train-finetune",
            )
            numbers = self._build_options(method)
            with gr.Row(elem_classes="pg-actions"):
                train = gr.Button(
                    "Train now", variant="primary", elem_id="train-now", scale=0, min_width=200
                )
                cancel = gr.Button("Stop", elem_id="train-cancel", scale=0, min_width=120)
        said = gr.Markdown(elem_id="progress-said")
        train.click(
            shows_errors(self.train), [method, finetune, *numbers], said, api_visibility="private"
        )
        cancel.click(shows_errors(self.cancel), None, said, api_visibility="private")
        return said

    def _build_options(self, method: gr.Radio) -> list[Any]:
        """Put the numbers into the open Blocks; return the method that they are of, and them."""
        offered, numbers_of = self._options(AS_SET), gr.State(AS_SET)
        with gr.Accordion("More options", open=False, elem_id="train-options"):
            gr.HTML(f'<p class="pg-note">{views.OPTIONS_NOTE}</p>', **PLAIN)
            numbers: list[Any] = [numbers_of]
            with gr.Row():
                for place in range(OPTIONS):
                    shown = _number(offered[place]) if place < len(offered) else {}
                    name = f"train-option-{place}"
                    visible = place < len(offered)
                    numbers.append(gr.Number(visible=visible, elem_id=name, min_width=220, **shown))
        method.change(shows_errors(self.options), method, numbers, **QUIET)
        return numbers

    def _build_choice(self, said: gr.Markdown) -> tuple[Any, ...]:
        back = gr.State(None)
        with gr.Row(elem_classes="pg-actions", visible=False) as row:
            choice = gr.Dropdown([], label="Version", elem_id="promote-choice", scale=3)
            promote = gr.Button("Use this version", scale=0, min_width=180, elem_id="promote")
            measure = gr.Button("Show its calibration", scale=0, min_width=250, elem_id="calibrate")
            rollback = gr.Button(
                "Roll back", interactive=False, scale=0, min_width=220, elem_id="rollback"
            )
        promote.click(shows_errors(self.promote), choice, said, api_visibility="private")
        rollback.click(shows_errors(self.promote), back, said, api_visibility="private")
        chart = gr.Plot(show_label=False, visible=False, elem_id="version-plot")
        note = gr.HTML(elem_id="version-note", **PLAIN)
        measure.click(
            shows_errors(self.calibration), choice, [chart, note], api_visibility="private"
        )
        return row, choice, rollback, back

    def _build_predictors(self) -> tuple[gr.HTML, gr.Button]:
        gr.Markdown("## Predictors")
        gr.HTML(f'<p class="pg-note">{predictor_views.ABOUT}</p>', **PLAIN)
        table = gr.HTML(elem_id="predictors", **PLAIN)
        with gr.Row(elem_classes="pg-actions"):
            show = gr.Button(
                "Show predictors by category",
                visible=False,
                scale=0,
                min_width=250,
                elem_id="predictors-show",
            )
        found = gr.HTML(elem_id="predictors-by-category", **PLAIN)
        show.click(shows_errors(self.predictor_gains), None, found, api_visibility="private")
        return table, show

    def _build_race(self) -> tuple[gr.HTML, gr.Button]:
        gr.Markdown("## Challengers")
        gr.HTML(f'<p class="pg-note">{race_views.ABOUT}</p>', **PLAIN)
        race = gr.HTML(elem_id="challengers", **PLAIN)
        with gr.Row(elem_classes="pg-actions"):
            show = gr.Button(
                "Show gains by category",
                visible=False,
                scale=0,
                min_width=220,
                elem_id="gains-show",
            )
        found = gr.HTML(elem_id="gains", **PLAIN)
        show.click(shows_errors(self.gains), None, found, api_visibility="private")
        return race, show

    def _build_methods(self) -> None:
        gr.Markdown("## Comparison of methods")
        with gr.Row(elem_classes="pg-actions"):
            measure = gr.Button(
                "Evaluate all methods now",
                scale=0,
                min_width=240,
                elem_id="compare-methods",
            )
        chart = gr.Plot(show_label=False, visible=False, elem_id="method-plot")
        table = gr.HTML(elem_id="method-table", **PLAIN)
        measure.click(
            shows_errors(self.compare_methods), None, [chart, table], api_visibility="private"
        )

    def _build_changes(self) -> tuple[Any, ...]:
        gr.Markdown("## What changed between two versions")
        without = gr.Markdown(views.NOT_TWO, elem_id="changes-none")
        with gr.Row(elem_classes="pg-actions"):
            older = gr.Dropdown([], label="From version", visible=False, elem_id="changes-older")
            newer = gr.Dropdown([], label="To version", visible=False, elem_id="changes-newer")
            compare = gr.Button(
                "Show what changed", visible=False, scale=0, min_width=200, elem_id="changes-show"
            )
        found = gr.HTML(elem_id="changes", **PLAIN)
        compare.click(shows_errors(self.changes), [older, newer], found, api_visibility="private")
        return older, newer, compare, without


def _number(option: MethodOption) -> dict[str, Any]:
    """Return what a number widget shows of an option."""
    return {
        "value": option.usual,
        "label": option.label,
        "info": option.says,
        "precision": 0 if option.whole else None,
    }


def _pair_of(
    numbers: list[int], older: int | None, newer: int | None
) -> tuple[int | None, int | None]:
    """Return the two versions to compare: those chosen, otherwise the newest two."""
    last, before = (numbers[-1], numbers[-2]) if len(numbers) > 1 else (None, None)
    return older if older in numbers else before, newer if newer in numbers else last
