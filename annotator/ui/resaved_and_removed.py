"""Settings, Images: files that are images saved again, and images that were taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.project.resaved_images import ResavedRow
from annotator.ui import settings_views as views
from annotator.ui.boundary import annotator_of, shows_errors

CHANGE: dict[str, Any] = {"api_visibility": "private"}
MOST = 50
"""Pairs of pictures that are shown at a time; the rest come when these are decided."""


class ResavedAndRemoved:
    """Handlers of the two sections."""

    def __init__(self, services: Services) -> None:
        self._resaved = services.resaved_images
        self._removed = services.removed_images

    def kept(self) -> list[Any]:
        """Return what was accepted and removed before; nothing is compared for it."""
        accepted = [(_pair(r), str(r["copy"])) for r in self._resaved.accepted()]
        removed = [(r["name"], str(r["id"])) for r in self._removed.rows()]
        return [*_filled(accepted), *_filled(removed)]

    def show(self) -> list[Any]:
        """Return the pairs that are offered, and what `kept` returns."""
        rows = self._resaved.offered()
        found = f"{len(rows):,} found." if rows else "None found."
        shown = rows[:MOST]
        choices = [(_pair(r), f"{r['original']} {r['copy']}") for r in shown]
        both = list(zip(choices, shown, strict=True))
        return [
            found if len(rows) <= MOST else f"{found} The first {MOST} are shown.",
            views.resaved_html(shown),
            *_filled(choices, chosen=[c[1] for c, r in both if r["similarity"] is not None]),
            *self.kept(),
        ]

    def accept(self, pairs: list[str], request: gr.Request) -> list[Any]:
        """Let new files be the images that they were before."""
        annotator_of(request)
        if not pairs:
            raise AnnotatorError("Choose the files that are the same picture.")
        ids = [_numbers(pair) for pair in pairs]
        row = self._resaved.accept_pairs([(i[0], i[-1]) for i in ids])
        return [views.plain(row["message"]), *self.show()]

    def separate(self, copies: list[str], request: gr.Request) -> list[Any]:
        """Undo `accept`."""
        annotator_of(request)
        if not copies:
            raise AnnotatorError("Choose the files that are pictures of their own.")
        row = self._resaved.undo_copies([_numbers(copy)[0] for copy in copies])
        return [views.plain(row["message"]), *self.show()]

    def remove(self, lines: str | None, request: gr.Request) -> list[Any]:
        """Take images out by their names."""
        annotator_of(request)
        names = [line.strip() for line in (lines or "").splitlines() if line.strip()]
        if not names:
            raise AnnotatorError("Enter the names of the images, one per line.")
        row = self._removed.remove(names)
        return ["", views.plain(row["message"]), *self.show()]

    def remove_missing(self, request: gr.Request) -> list[Any]:
        """Take all images out that have no file."""
        annotator_of(request)
        row = self._removed.remove([], missing=True)
        return [views.plain(row["message"]), *self.show()]

    def restore(self, ids: list[str], request: gr.Request) -> list[Any]:
        """Bring removed images back."""
        annotator_of(request)
        if not ids:
            raise AnnotatorError("Choose the images to be restored.")
        row = self._removed.restore_ids([_numbers(i)[0] for i in ids])
        return [views.plain(row["message"]), *self.show()]

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""
        gr.Markdown("### Images saved again")
        gr.Markdown(
            "New files that look like an image whose file is gone or was replaced. An accepted "
            "file takes over its answers.",
            elem_classes="st-note",
        )
        look = gr.Button("Look for them", elem_id="resaved-look", scale=0, min_width=200)
        found = gr.Markdown(elem_id="resaved-found", elem_classes="st-said")
        pairs = gr.HTML(elem_id="resaved-pairs", apply_default_css=False, js_on_load=None)
        offered, accept = _choice("Same picture", "Accept", "resaved-accept")
        accepted, separate = _choice("Accepted", "Separate again", "resaved-undo")
        said = gr.Markdown(elem_id="resaved-said", elem_classes="st-said")
        gr.Markdown("### Remove images")
        with gr.Row(elem_classes="pg-actions"):
            names = gr.Textbox(
                label="File names, one per line", lines=2, scale=4, elem_id="remove-names"
            )
            remove = gr.Button("Remove", elem_id="remove")
            missing = gr.Button("Remove all without a file", elem_id="remove-missing")
        gr.Markdown(
            "Files and answers are kept; a scan does not bring removed images back.",
            elem_classes="st-note",
        )
        removed, restore = _choice("Removed images", "Restore", "restore")
        told = gr.Markdown(elem_id="remove-said", elem_classes="st-said")
        shown = [found, pairs, offered, accept, accepted, separate, removed, restore]
        kept = shown[4:]
        demo.load(shows_errors(self.kept), None, kept, show_progress="hidden", **CHANGE)
        look.click(shows_errors(self.show), None, shown, **CHANGE)
        accept.click(shows_errors(self.accept), offered, [said, *shown], **CHANGE)
        separate.click(shows_errors(self.separate), accepted, [said, *shown], **CHANGE)
        remove.click(shows_errors(self.remove), names, [names, told, *shown], **CHANGE)
        missing.click(shows_errors(self.remove_missing), None, [told, *shown], **CHANGE)
        restore.click(shows_errors(self.restore), removed, [told, *shown], **CHANGE)


def _choice(label: str, action: str, name: str) -> tuple[Any, Any]:
    """Return a list to choose from and its button, both hidden until there is something in it."""
    with gr.Row(elem_classes="pg-actions"):
        box = gr.Dropdown(
            [], label=label, multiselect=True, visible=False, scale=4, elem_id=f"{name}-choice"
        )
        button = gr.Button(action, variant="primary", visible=False, elem_id=name)
    return box, button


def _filled(choices: list[tuple[str, str]], chosen: Sequence[str] = ()) -> list[Any]:
    """Return updates of a list and its button."""
    there = bool(choices)
    return [
        gr.update(choices=choices, value=list(chosen), visible=there),
        gr.update(visible=there),
    ]


def _numbers(text: str) -> list[int]:
    parts = text.split()
    if not parts or not all(part.isascii() and part.isdecimal() for part in parts):
        raise AnnotatorError("This choice is not in the list; reload the page.")
    return [int(part) for part in parts]


def _pair(row: ResavedRow) -> str:
    return row["new"] if row["old"] == row["new"] else f"{row['old']} → {row['new']}"
