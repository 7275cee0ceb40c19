"""The Certify page: what could be filled in, how far the proof is, filling in and taking back."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.certificates import planning
from annotator.services.certificates.rows import PlanOptions
from annotator.services.message import counted
from annotator.ui import certify_views as views
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.figures_page import PLAIN, QUIET, plot

LOOK_SECONDS = 4.0
"""How often the page asks whether probes were answered."""

INTRO = (
    "Fill in open pairs without checking each one. A plan freezes a list of pairs; "
    "probes (questions about a random sample of it, asked without the model's opinion) give a "
    "statistical bound on the errors, which holds for any model."
)

OVERS = [
    ("whichever is cheaper", ""),
    ("present pairs that are still open", "pool"),
    ("all present pairs, known ones included", "dataset"),
]


class CertifyPage:
    """Handlers of the Certify page; each translates between widgets and one service call."""

    def __init__(self, services: Services, *, styles: str = "") -> None:
        """Tie the page to an open project.

        Args:
            services: Of the open project.
            styles: Address of `pages.css`.
        """
        self._certification = services.certification
        self._probing = services.probing
        self._forecasts = services.forecasts
        self._styles = styles

    def show(self) -> tuple[Any, ...]:
        """Return everything that changes with answers and certificates."""
        row = self._certification.status()
        listed = row["certificates"]
        applied = [c["certificate"] for c in listed if c["state"] == "applied"]
        is_open = asks_pilot = can_fill = False
        if "state" in row:
            is_open = row["state"] == "open"
            asks_pilot = is_open and not row["zones"]
            can_fill = is_open and bool(row["fill"]["present"] or row["fill"]["absent"])
        return (
            views.status_html(row),
            plot(views.closing_chart(row)),
            gr.update(visible=not is_open or asks_pilot),
            gr.update(visible=is_open),
            gr.update(interactive=can_fill),
            gr.update(interactive=can_fill),
            views.list_html(listed),
            gr.update(choices=applied, value=applied[-1] if applied else None),
            gr.update(visible=bool(applied)),
        )

    def tick(self, seen: int | None) -> tuple[Any, ...]:
        """Return the page again if a probe was answered since."""
        answered = int(self._probing.report()["answered"])
        if answered == seen:
            return gr.skip(), *(gr.skip() for _ in range(PARTS))
        return answered, *self.show()

    def options(self) -> tuple[Any, ...]:
        """Return what the open pilot was begun with, for the widgets of the plan."""
        row = self._certification.status()
        if "wishes" not in row or row["state"] != "open":
            return tuple(gr.skip() for _ in range(WISHES))
        chosen = row["wishes"]
        shares = (chosen["max_error"], chosen["max_lost"], chosen["confidence"])
        pilot = gr.update(value=True, interactive=False)
        return *(float(f"{100 * share:.6g}") for share in shares), chosen["over"] or "", pilot

    def plan(
        self, max_error: float, max_lost: float, confidence: float, over: str, pilot: bool
    ) -> Any:
        """Return what could be filled in, whether one may begin, and what each promise takes."""
        options = _plan_options(max_error, max_lost, confidence, over)
        row = self._certification.plan_in_subprocess(options, pilot=_questions(pilot))
        asked = row["pilot"]
        waits = asked is not None and asked["answered"] < asked["asked"]
        seconds = self._forecasts.single_seconds()
        choices = views.aim_choices(row["offers"], row["pool"], seconds)
        return (
            views.plan_html(row, seconds),
            gr.update(interactive=not row["refused"] and not waits),
            gr.update(choices=choices),
            {} if waits else {offer["aim"]: offer["refused"] for offer in row["offers"]},
        )

    def choose(self, aim: str, refusals: dict[str, str] | None) -> tuple[Any, ...]:
        """Return the numbers of a promise, whether one may begin it, and why not.

        Args:
            aim: The promise, or `OWN`, whose numbers stay.
            refusals: Why each would not pay, as the last plan has it; None before one is made.
        """
        numbers = {str(name): shares for name, shares in planning.AIMS.items()}.get(aim)
        if numbers is None:
            return *(gr.skip() for _ in range(3)), gr.update(interactive=False), ""
        refused = (refusals or {}).get(aim)
        shares = (float(f"{100 * share:g}") for share in numbers)
        said = f'<p class="pg-note">{escape(refused)}</p>' if refused else ""
        return *shares, "", gr.update(interactive=refused == ""), said

    def begin(
        self,
        max_error: float,
        max_lost: float,
        confidence: float,
        over: str,
        pilot: bool,
        request: gr.Request,
    ) -> Any:
        """Begin a certificate, or its pilot, and return the page."""
        annotator_of(request)
        options = _plan_options(max_error, max_lost, confidence, over)
        row = self._certification.plan_in_subprocess(options, pilot=_questions(pilot), start=True)
        said = f"Certificate {row['certificate']} is open. Its questions are on the Probe page."
        return said, "", gr.update(interactive=False), *self.show()

    def preview(self) -> str:
        """Return what applying would fill in."""
        return views.fill_text(self._certification.apply(dry_run=True))

    def apply(self, request: gr.Request) -> Any:
        """Fill in what is certified and return the page."""
        annotator_of(request)
        return views.fill_text(self._certification.apply()), *self.show()

    def cancel(self, request: gr.Request) -> Any:
        """End the open certificate and return the page."""
        annotator_of(request)
        number = self._certification.cancel()["certificate"]
        return f"Certificate {number} is cancelled; its answers are kept.", *self.show()

    def roll_back(self, number: int | None, request: gr.Request) -> Any:
        """Take back what a certificate filled in and return the page."""
        annotator_of(request)
        if number is None:
            raise AnnotatorError("Choose a certificate first.")
        row = self._certification.roll_back(int(number))
        reopened = counted(row["pairs"], "pair is", "pairs are")
        said = f"Certificate {number} is rolled back; {reopened} open again."
        return said, *self.show()

    def build(self, pages: gr.Blocks) -> None:
        """Put the widgets into the open Blocks and wire them."""
        head = f'<link rel="stylesheet" href="{self._styles}">' if self._styles else None
        gr.Markdown("## Certify")
        gr.HTML(f'<p class="pg-note">{INTRO}</p>', head=head, **PLAIN)
        state = gr.HTML(elem_id="certify-state", **PLAIN)
        chart = gr.Plot(show_label=False, visible=False, elem_id="certify-plot")
        said = gr.Markdown(elem_id="certify-said")
        with gr.Column(visible=False) as running:
            look, fill, stop = _running_buttons()
        with gr.Column(visible=False) as planning:
            aim, options, ask, begin, table = _planning_widgets()
        listed = gr.HTML(elem_id="certify-list", **PLAIN)
        with gr.Row(visible=False, elem_classes="pg-actions") as back_row:
            which = gr.Dropdown([], label="Certificate", elem_id="certify-which")
            back = gr.Button("Roll back", elem_id="certify-back")
        page = [state, chart, planning, running, look, fill, listed, which, back_row]
        pages.load(shows_errors(self.show), None, page, **QUIET)
        pages.load(shows_errors(self.options), None, options, **QUIET)
        refusals = gr.State(None)
        prices = [table, begin, aim, refusals]
        ask.click(shows_errors(self.plan), options, prices, api_visibility="private")
        error, lost, confidence, over, pilot = options
        chosen = [error, lost, over, begin, table]
        aim.input(shows_errors(self.choose), [aim, refusals], chosen, **QUIET)
        for number in (error, lost, over):
            number.input(own_numbers, None, [aim, begin], **QUIET)
        for wish in (confidence, pilot):
            wish.input(without_prices, None, [aim, begin, refusals], **QUIET)
        begin.click(
            shows_errors(self.begin), options, [said, table, begin, *page], api_visibility="private"
        )
        look.click(shows_errors(self.preview), None, said, api_visibility="private")
        fill.click(shows_errors(self.apply), None, [said, *page], api_visibility="private")
        stop.click(shows_errors(self.cancel), None, [said, *page], api_visibility="private")
        back.click(shows_errors(self.roll_back), which, [said, *page], api_visibility="private")
        seen = gr.State(None)
        timer = gr.Timer(LOOK_SECONDS)
        timer.tick(shows_errors(self.tick), seen, [seen, *page], **QUIET)


def own_numbers() -> tuple[Any, ...]:
    """Return that the numbers are those of no promise, which may not begin before its plan."""
    return views.OWN, gr.update(interactive=False)


def without_prices() -> tuple[Any, ...]:
    """Return the promises without the prices, which were those of other wishes."""
    return gr.update(choices=views.aim_choices([], 0, None)), gr.update(interactive=False), None


PARTS = 9
"""How many widgets `CertifyPage.show` fills."""

WISHES = 5
"""How many widgets hold the options of a plan."""

PILOT = 400
"""Questions of a pilot that is begun on the page."""


def _running_buttons() -> tuple[gr.Button, gr.Button, gr.Button]:
    gr.Markdown("Answer its questions on the [Probe page](probe), as many as you like.")
    with gr.Row(elem_classes="pg-actions"):
        look = gr.Button("What would be filled in?", elem_id="certify-preview")
        fill = gr.Button("Fill in", variant="primary", elem_id="certify-apply")
        stop = gr.Button("Cancel the certificate", elem_id="certify-cancel")
    return look, fill, stop


def _planning_widgets() -> tuple[gr.Radio, list[Any], gr.Button, gr.Button, gr.HTML]:
    gr.Markdown("## Plan")
    aim = gr.Radio(
        views.aim_choices([], 0, None),
        value="usual",
        label="What the certificate promises",
        elem_id="certify-aim",
    )
    with gr.Row():
        options: list[Any] = [
            gr.Number(
                5,
                label="Maximum wrong among pairs filled in as present, %",
                minimum=0.1,
                maximum=50,
            ),
            gr.Number(10, label="Maximum lost of the present pairs, %", minimum=0.1, maximum=50),
            gr.Number(95, label="Confidence, %", minimum=50, maximum=99.9),
            gr.Dropdown(OVERS, value="", label="Lost share is taken of"),
        ]
    options.append(
        gr.Checkbox(
            False,
            label=f"Ask {PILOT} pilot questions first",
            info="They prove nothing, but improve the plan if the model is overconfident.",
            elem_id="certify-pilot",
        )
    )
    with gr.Row(elem_classes="pg-actions"):
        ask = gr.Button("Show the prices", elem_id="certify-plan")
        begin = gr.Button("Start", variant="primary", interactive=False, elem_id="certify-begin")
    table = gr.HTML(elem_id="certify-table", **PLAIN)
    return aim, options, ask, begin, table


def _plan_options(
    max_error: float | None, max_lost: float | None, confidence: float | None, over: str
) -> PlanOptions:
    return {
        "max_error": (max_error or 0) / 100,
        "max_lost": (max_lost or 0) / 100,
        "confidence": (confidence or 0) / 100,
        "over": over or None,
    }


def _questions(pilot: bool) -> int | None:
    return PILOT if pilot else None
