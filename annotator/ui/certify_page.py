"""The Certify page: choosing a promise, how far the proof is, filling in and taking back."""

from __future__ import annotations

from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError, NotFound
from annotator.services.app import Services
from annotator.services.message import counted
from annotator.ui import certify_views as views
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.certify_choice import PromiseChoice
from annotator.ui.certify_prices import notes
from annotator.ui.certify_wishes import Wishes
from annotator.ui.figures_page import PLAIN, QUIET, plot

LOOK_SECONDS = 4.0
"""How often the page asks whether probes were answered."""

PARTS = 9
"""How many widgets `CertifyPage.show` fills."""


class CertifyPage:
    """Handlers of the Certify page; each translates between widgets and one service call."""

    def __init__(self, services: Services, *, styles: str = "") -> None:
        """Tie the page to an open project.

        Args:
            services: Of the open project.
            styles: Address of the folder of `pages.css` and `certify.css`.
        """
        self._certification = services.certification
        self._probing = services.probing
        self._choice = PromiseChoice(services)
        self._styles = styles

    def show(self, number: int | None = None) -> tuple[Any, ...]:
        """Return everything that changes with answers and certificates.

        Args:
            number: The certificate that is shown; None for the open one, else the newest.
        """
        try:
            row = self._certification.status(None if number is None else int(number))
        except NotFound as error:
            return self._unreadable(str(error), number)
        listed = row["certificates"]
        state, enough = row.get("state"), views.is_enough(row)
        # A second one cannot begin before the open one has ended, or its pilot is answered.
        may_plan = views.pilot_is_done(row) or all(one["state"] != "open" for one in listed)
        return (
            gr.update(
                choices=views.certificate_choices(listed),
                value=row["certificate"],
                visible=len(listed) > 1,
            ),
            views.status_html(row),
            plot(views.proof_chart(row)),
            gr.update(visible=views.asks(row), variant="secondary" if enough else "primary"),
            gr.update(
                visible=state == "open" and not views.is_pilot(row),
                interactive=views.has_fill(row),
                variant="primary" if enough else "secondary",
            ),
            gr.update(visible=state == "open"),
            gr.update(visible=state == "applied"),
            gr.update(visible=may_plan),
            views.list_html(listed) if len(listed) > 1 else "",
        )

    def _unreadable(self, said: str, number: int | None) -> tuple[Any, ...]:
        """Return a page that says why a certificate cannot be shown, and lets it be given up."""
        states = self._certification.states()
        if not states:
            raise NotFound(said)
        is_open = [n for n, state in states.items() if state == "open"]
        chosen = int(number) if number in states else (is_open or list(states))[-1]
        state = states[chosen]
        choices = [(f"{n}: {one.replace('_', ' ')}", n) for n, one in states.items()]
        hidden = gr.update(visible=False)
        return (
            gr.update(choices=choices[::-1], value=chosen, visible=len(choices) > 1),
            notes(said),
            plot(None),
            hidden,
            hidden,
            gr.update(visible=state == "open"),
            gr.update(visible=state == "applied"),
            hidden,
            "",
        )

    def tick(self, seen: list[Any] | None, number: int | None) -> tuple[Any, ...]:
        """Return the page again if a probe was answered, or a certificate begun or ended."""
        now = [self._probing.report()["answered"], *self._certification.states().values()]
        if now == seen:
            return gr.skip(), *(gr.skip() for _ in range(PARTS))
        has_begun = seen is not None and len(now) > len(seen)
        return now, *self.show(None if has_begun else number)

    def begin(self, request: gr.Request, *fields: Any) -> tuple[Any, ...]:
        """Begin a certificate, or its pilot, and return the page without the plan.

        Args:
            request: Of the person.
            fields: The `Wishes`.
        """
        annotator_of(request)
        wished = Wishes(*fields)
        if problem := wished.problem():
            raise AnnotatorError(problem)
        row = self._certification.plan_in_subprocess(
            wished.options(), pilot=wished.pilot_questions(), start=True
        )
        said = f"Certificate {row['certificate']} is open. Its probes are on the Probe page."
        return said, None, gr.update(interactive=False), *self.show()

    def apply(self, number: int | None, request: gr.Request) -> tuple[Any, ...]:
        """Fill in what is certified and return the page."""
        annotator_of(request)
        return views.fill_text(self._certification.apply(number)), *self.show(number)

    def cancel(self, number: int | None, request: gr.Request) -> tuple[Any, ...]:
        """End the open certificate and return the page."""
        annotator_of(request)
        ended = self._certification.cancel(number)["certificate"]
        return f"Certificate {ended} is cancelled; its answers are kept.", *self.show(number)

    def roll_back(self, number: int | None, request: gr.Request) -> tuple[Any, ...]:
        """Take back what a certificate filled in and return the page."""
        annotator_of(request)
        if number is None:
            raise AnnotatorError("Choose a certificate first.")
        row = self._certification.roll_back(int(number))
        reopened = counted(row["pairs"], "pair is", "pairs are")
        said = f"Certificate {number} is rolled back; {reopened} open again."
        return said, *self.show(number)

    def build(self, pages: gr.Blocks) -> None:
        """Put the widgets into the open Blocks and wire them."""
        names = ("pages", "certify") if self._styles else ()
        head = "".join(
            f'<link rel="stylesheet" href="{self._styles}/{name}.css">' for name in names
        )
        gr.Markdown("## Certify")
        which = gr.Dropdown([], label="Certificate", visible=False, elem_id="certify-which")
        state = gr.HTML(elem_id="certify-state", head=head or None, **PLAIN)
        with gr.Row(elem_classes="pg-actions"):
            asks, fill, stop, back = _buttons()
        said = gr.HTML(
            html_template=(
                '<p class="cy-said" id="certify-said-text" role="status" tabindex="-1">${value}</p>'
            ),
            elem_id="certify-said",
            **PLAIN,
        )
        chart = gr.Plot(show_label=False, visible=False, elem_id="certify-plot")
        with gr.Column(visible=False) as planning:
            choice = self._choice.build()
        listed = gr.HTML(elem_id="certify-list", **PLAIN)
        page = [which, state, chart, asks, fill, stop, back, planning, listed]
        self._choice.wire(choice)
        loaded = pages.load(shows_errors(self.show), None, page, **QUIET)
        wished = loaded.then(shows_errors(self._choice.wishes), None, choice.fields, **QUIET)
        self._choice.bring_prices(wished.then, choice, proposes=True)
        which.input(shows_errors(self.show), which, page, **QUIET)
        begun = choice.begin.click(
            shows_errors(self.begin),
            choice.fields,
            [said, choice.plan, choice.begin, *page],
            api_visibility="private",
        )
        begun.then(nothing, js=focuses("certify-probe"), **QUIET)  # what comes next
        self._choice.bring_prices(begun.then, choice)
        for button, handler in ((fill, self.apply), (stop, self.cancel), (back, self.roll_back)):
            done = button.click(
                shows_errors(handler), which, [said, *page], api_visibility="private"
            )
            done.then(nothing, js=focuses("certify-said-text"), **QUIET)
            self._choice.bring_prices(done.then, choice, proposes=True)
        seen = gr.State(None)
        timer = gr.Timer(LOOK_SECONDS)
        timer.tick(shows_errors(self.tick), [seen, which], [seen, *page], **QUIET)


def nothing() -> None:
    """Do nothing: Gradio answers a request to an event without a function with a traceback."""


def focuses(name: str) -> str:
    """Return a script that moves the focus from a button that is gone, if it was lost."""
    return (
        "() => requestAnimationFrame(() => { if (document.activeElement === document.body) "
        f"document.getElementById('{name}')?.focus(); }})"
    )


def _buttons() -> tuple[gr.Button, ...]:
    """Return the buttons below a certificate, the most likely one first."""
    return (
        gr.Button("Answer its probes", link="probe", visible=False, elem_id="certify-probe"),
        gr.Button("Fill in", visible=False, elem_id="certify-apply"),
        gr.Button("Cancel the certificate", visible=False, elem_id="certify-cancel"),
        gr.Button("Roll back", visible=False, elem_id="certify-back"),
    )
