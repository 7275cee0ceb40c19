"""The choice on the Certify page: three promises with their price, numbers of one's own, Start."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.certificates.rows import PlanRow
from annotator.services.message import counted
from annotator.ui import certify_prices as prices
from annotator.ui.boundary import shows_errors
from annotator.ui.certify_wishes import DEFAULTS, PILOT, Wishes, wishes_of
from annotator.ui.figures_page import PLAIN, QUIET

SMALL = 500_000
"""Open pairs up to which prices come by themselves, within some seconds."""

OVERS = [
    ("the whole set, known labels included", "dataset"),
    ("the pairs that are open now", "pool"),
]
ASK = f"{prices.UNKNOWN} Choose “Show the prices”."
SOON = f"{prices.UNKNOWN} It comes once the number is entered."

AS_SO_FAR = "0: as people took so far."

DRAWN_FIELDS = 9
"""The first fields of `Wishes`, which say what is wrong with them or differ with the promise."""


class Widgets(NamedTuple):
    """The widgets of the choice."""

    fields: list[Any]
    """Those of `Wishes`, in its order."""
    ask: gr.Button
    begin: gr.Button
    note: gr.HTML
    parts: gr.HTML
    plan: gr.State
    """Holds the last plan; None before there is one."""
    waiting: gr.State
    """Holds what stands in place of a price that is not known."""

    @property
    def told(self) -> list[Any]:
        """What `PromiseChoice.draw` and `price` are told."""
        return [self.plan, self.waiting, *self.fields]

    @property
    def drawn(self) -> list[Any]:
        """What `PromiseChoice.draw` fills."""
        return [*self.fields[:DRAWN_FIELDS], self.ask, self.begin, self.note, self.parts]


class PromiseChoice:
    """The widgets with which a promise is chosen, and what fills them."""

    def __init__(self, services: Services) -> None:
        """Tie the choice to an open project."""
        self._certification = services.certification
        self._progress = services.progress

    def wishes(self) -> tuple[Any, ...]:
        """Return what the open pilot was begun with, for the widgets."""
        row = self._certification.status()
        if "wishes" not in row or row["state"] != "open":
            return tuple(gr.skip() for _ in Wishes._fields)
        return *wishes_of(row["wishes"])[:-1], gr.update(value=True, interactive=False)

    def look(self, plan: PlanRow | None, *fields: Any) -> tuple[Any, ...]:
        """Return what stands in place of a price that is not known, and the choice with it.

        Args:
            plan: The last one of the page; None before there is one.
            fields: The `Wishes`.
        """
        waiting = self._waiting(plan, Wishes(*fields))
        return waiting, *self.draw(plan, waiting, *fields)

    def ask(self, plan: PlanRow | None, *fields: Any) -> tuple[Any, ...]:
        """Return the same where somebody asks for the prices."""
        return prices.WORKING, *self.draw(plan, prices.WORKING, *fields)

    def forget(self, plan: PlanRow | None, waiting: str, *fields: Any) -> tuple[Any, ...]:
        """Return the choice without the plan and its prices, which were those of other options.

        Args:
            plan: The last one; it stays where the new options cannot be asked for.
            waiting: What stands in place of a price that is not known.
            fields: The `Wishes`.
        """
        if not Wishes(*fields).problems():
            plan, waiting = None, self._later()
        return plan, waiting, *self.draw(plan, waiting, *fields)

    def propose(self, plan: PlanRow | None, waiting: str, *fields: Any) -> tuple[Any, ...]:
        """Return the choice as `draw` does; what nobody has chosen gives way to what can be had.

        Args:
            plan: The last one of the page.
            waiting: What stands in place of a price that is not known.
            fields: The `Wishes`.
        """
        wished = Wishes(*fields)
        if wished.kind != DEFAULTS.kind:
            return self.draw(plan, waiting, *fields)
        kind = prices.first_to_be_had(plan, wished.aim, wished.own()) or wished.kind
        cards, *rest = self.draw(plan, waiting, *wished._replace(kind=kind))
        return cards if kind == wished.kind else {**cards, "value": kind}, *rest

    def price(self, plan: PlanRow | None, waiting: str, *fields: Any) -> tuple[PlanRow | None, str]:
        """Return a plan with the price of each promise, if one is being waited for.

        Args:
            plan: The last one of the page.
            waiting: What `look` or `ask` have said.
            fields: The `Wishes`.

        Returns:
            The plan, and what stands in place of prices that it does not have.
        """
        if waiting != prices.WORKING:
            return plan, waiting
        wished = Wishes(*fields)
        if problem := wished.problem():
            return plan, problem
        try:
            row = self._certification.plan_in_subprocess(
                wished.options(), pilot=wished.pilot_questions()
            )
        except AnnotatorError as error:
            return None, str(error)
        return row, self._later() if row["offers"] else row["refused"]

    def draw(self, plan: PlanRow | None, waiting: str, *fields: Any) -> tuple[Any, ...]:
        """Return the three promises with their prices, and everything that follows from a choice.

        Args:
            plan: The last one of the page; None before there is one.
            waiting: What stands in place of a price that is not known.
            fields: The `Wishes`.
        """
        wished = Wishes(*fields)
        own, used, problems = wished.own(), wished.used(), wished.problems()
        refused = wished.problem() or prices.refusal(plan, wished.kind, wished.aim, own)
        # A number that cannot be had is told in its field; the cards keep what they said last.
        cards = prices.cards(plan, wished.aim, own, wished.scope(), waiting)
        return (
            gr.skip() if problems else gr.update(choices=cards),
            gr.update(choices=prices.aim_choices(wished.kind)),
            *(
                gr.update(visible=name in used, info=problems.get(name, ""))
                for name in ("recall", "precision", "f1")
            ),
            gr.update(info=problems.get("confidence", "")),
            gr.skip(),
            *(
                gr.update(info=problems.get(name, AS_SO_FAR))
                for name in ("question_seconds", "pair_seconds")
            ),
            gr.update(visible=refused is None and waiting not in (SOON, prices.WORKING)),
            gr.update(interactive=refused == ""),
            prices.about_html(plan, waiting if refused is None else refused),
            prices.parts_html(plan),
        )

    def _waiting(self, plan: PlanRow | None, wished: Wishes) -> str:
        """Return what stands in place of a price; `WORKING` where it comes by itself."""
        if prices.price_of(plan, wished.kind, wished.aim, wished.own()) is not None:
            return self._later()
        state = self._progress.state()
        if state["version"] is None:
            return state["until_suggestions"]
        if state["open"] > SMALL:
            return f"{ASK} For {counted(state['open'], 'open pair')} it takes a while."
        status = self._certification.status()
        is_proving = "state" in status and status["state"] == "open" and "wishes" not in status
        return prices.UNKNOWN if is_proving else prices.WORKING

    def _later(self) -> str:
        """Return what stands in place of a price that other numbers would have."""
        return SOON if self._progress.state()["open"] <= SMALL else ASK

    def build(self) -> Widgets:
        """Put the widgets into the open Blocks."""
        gr.Markdown("## What should the finished set promise?")
        kind = gr.Radio(
            prices.cards(None, DEFAULTS.aim, DEFAULTS.own(), "dataset", prices.UNKNOWN),
            value=DEFAULTS.kind,
            label="Promise",
            show_label=False,
            elem_id="certify-promise",
        )
        aim = gr.Radio(
            prices.aim_choices(DEFAULTS.kind),
            value=DEFAULTS.aim,
            label="How strict",
            elem_id="certify-aim",
        )
        own = _own_numbers()
        with gr.Row(elem_classes="pg-actions"):
            begin = gr.Button(
                "Start", variant="primary", interactive=False, elem_id="certify-begin"
            )
            ask = gr.Button("Show the prices", visible=False, elem_id="certify-plan")
        note = gr.HTML(elem_id="certify-note", **PLAIN)
        with gr.Accordion("More options: confidence, costs, pilot", open=False):
            options = _more_options()
        with gr.Accordion("Categories that can have the promise on their own", open=False):
            parts = gr.HTML(elem_id="certify-parts", **PLAIN)
        fields = [kind, aim, *own, *options]
        return Widgets(fields, ask, begin, note, parts, gr.State(None), gr.State(""))

    def bring_prices(
        self, event: Any, widgets: Widgets, *, asked: bool = False, proposes: bool = False
    ) -> None:
        """Let an event bring the prices.

        Args:
            event: Of a widget, or what comes after another, such as `load(...).then`.
            widgets: As of `build`.
            asked: Whether somebody asks; otherwise only where they come by themselves.
            proposes: Whether a promise that can be had is chosen then.
        """
        look = shows_errors(self.ask if asked else self.look)
        shown = [widgets.waiting, *widgets.drawn]
        looked = event(look, [widgets.plan, *widgets.fields], shown, **QUIET)
        priced = looked.then(
            shows_errors(self.price),
            widgets.told,
            [widgets.plan, widgets.waiting],
            show_progress="hidden",
            api_visibility="private",
        )
        draw = self.propose if proposes else self.draw
        priced.then(shows_errors(draw), widgets.told, widgets.drawn, **QUIET)

    def wire(self, widgets: Widgets) -> None:
        """Let the choice follow what is chosen, and the prices follow the options."""
        kind, aim, recall, precision, f1, confidence, over, *seconds, pilot = widgets.fields
        numbers, typed = (recall, precision, f1), (confidence, *seconds)
        forgotten = [widgets.plan, widgets.waiting, *widgets.drawn]
        for number in numbers:
            number.input(shows_errors(self.draw), widgets.told, widgets.drawn, **QUIET)
        for option in typed:
            option.input(shows_errors(self.forget), widgets.told, forgotten, **QUIET)
        for number in (*numbers, *typed):  # once it is typed, not at every key
            self.bring_prices(number.blur, widgets)
            self.bring_prices(number.submit, widgets)
        for option in (over, pilot):
            forgot = option.input(shows_errors(self.forget), widgets.told, forgotten, **QUIET)
            self.bring_prices(forgot.then, widgets)
        for choice in (kind, aim):
            self.bring_prices(choice.input, widgets)
        self.bring_prices(widgets.ask.click, widgets, asked=True, proposes=True)


def _own_numbers() -> list[gr.Number]:
    with gr.Row():
        return [
            gr.Number(
                DEFAULTS.recall,
                label="Recall, at least, %",
                visible=False,
                elem_id="certify-recall",
            ),
            gr.Number(
                DEFAULTS.precision,
                label="Right of the pairs filled in as present, at least, %",
                visible=False,
                elem_id="certify-precision",
            ),
            gr.Number(
                DEFAULTS.f1,
                label="F1, at least",
                step=0.01,
                visible=False,
                elem_id="certify-f1",
            ),
        ]


def _more_options() -> list[Any]:
    with gr.Row():
        options: list[Any] = [
            gr.Number(DEFAULTS.confidence, label="Confidence, %"),
            gr.Dropdown(OVERS, value=DEFAULTS.over, label="The promise is about"),
        ]
    with gr.Row():
        options += [
            gr.Number(0, label=label, info=AS_SO_FAR)
            for label in ("Seconds a probe", "Seconds a pair answered by hand")
        ]
    pilot = gr.Checkbox(
        DEFAULTS.pilot,
        label=f"Ask {PILOT} pilot probes first",
        info="They prove nothing, but make a better plan where the model is overconfident.",
        elem_id="certify-pilot",
    )
    return [*options, pilot]
