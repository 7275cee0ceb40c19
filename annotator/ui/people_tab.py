"""Settings, People: names, and whose answers come first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.ui import settings_views as views
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.figures_page import PLAIN

BAR = gr.Progress()
"""Drawn while labels are worked out."""

NOTE = (
    "A reviewer's answers take precedence. When people disagree, a pair is unknown until a "
    "reviewer has answered it."
)


class PeopleTab:
    """Handlers of the tab."""

    def __init__(self, services: Services) -> None:
        self._people = services.people

    def show(self, choice: int | None) -> list[Any]:
        """Return the table and the form of the chosen person."""
        rows = self._people.rows()
        row = next((r for r in rows if r["id"] == choice), None)
        return [
            views.people_html(rows),
            gr.update(choices=[(r["name"], r["id"]) for r in rows], value=choice),
            row["name"] if row else "",
            bool(row and row["reviewer"]),
        ]

    def save(
        self,
        choice: int | None,
        name: str,
        reviewer: bool,
        request: gr.Request,
        progress: gr.Progress = BAR,
    ) -> list[Any]:
        """Save name and standing; labels that depend on them follow."""
        annotator_of(request)
        before = next((r for r in self._people.rows() if r["id"] == choice), None)
        if before is None:
            raise AnnotatorError("Choose a person first.")
        said = []
        if name.strip() != before["name"]:
            said.append(self._people.rename(before["id"], name)["message"])
        if reviewer != before["reviewer"]:
            drawn = _drawn(progress)
            said.append(self._people.set_reviewer(before["id"], reviewer, drawn)["message"])
        text = " ".join(said) or "Nothing to save."
        return [views.plain(text), *self.show(choice)]

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""
        gr.Markdown(NOTE, elem_classes="st-note")
        with gr.Row(elem_classes="st-columns"):
            with gr.Column(min_width=300):
                table = gr.HTML(elem_id="people-table", **PLAIN)
            with gr.Column(min_width=300):
                choice = gr.Dropdown([], label="Person to change", elem_id="people-choice")
                name = gr.Textbox(label="Name", elem_id="people-name")
                reviewer = gr.Checkbox(label="Reviewer", elem_id="people-reviewer")
                save = gr.Button("Save", variant="primary", elem_id="people-save")
                said = gr.Markdown(elem_id="people-said", elem_classes="st-said")
        shown = [table, choice, name, reviewer]
        quiet: dict[str, Any] = {
            "api_visibility": "private",
            "show_progress": "hidden",
            "queue": False,
        }
        demo.load(shows_errors(self.show), choice, shown, **quiet)
        choice.input(shows_errors(self.show), choice, shown, **quiet)
        save.click(
            shows_errors(self.save),
            [choice, name, reviewer],
            [said, *shown],
            api_visibility="private",
        )


def _drawn(progress: gr.Progress) -> Callable[[int, int], None]:
    def draw(done: int, total: int) -> None:
        progress((done, total), desc="Updating labels")

    return draw
