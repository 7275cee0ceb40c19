"""Settings, Images: folders added, looked at again and moved; what became of their files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.message import counted
from annotator.ui import settings_views as views
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.resaved_and_removed import ResavedAndRemoved
from annotator.ui.web.files import download_folder

BAR = gr.Progress()
"""Drawn while pictures are read."""

CHANGE: dict[str, Any] = {"api_visibility": "private"}
NOT_SEEN = "Preview this move first."


class ImageTab:
    """Handlers of the tab."""

    def __init__(self, services: Services) -> None:
        self._roots = services.image_roots
        self._kept = ResavedAndRemoved(services)

    def show(self) -> list[Any]:
        """Return the table of folders and the choice of one."""
        rows = self._roots.rows()
        return [views.root_table(rows), gr.update(choices=[r["name"] for r in rows])]

    def add(
        self, folder: str, name: str, request: gr.Request, progress: gr.Progress = BAR
    ) -> list[Any]:
        """Take a further folder in."""
        annotator_of(request)
        row = self._roots.add(_folder(folder), name=name, on_progress=_drawn(progress))
        return [views.plain(row["message"]), *self.show()]

    def look(self, request: gr.Request, progress: gr.Progress = BAR) -> list[Any]:
        """Look for new, changed and missing files."""
        annotator_of(request)
        row = self._roots.look(on_progress=_drawn(progress))
        return [views.plain(row["message"]), *self.show()]

    def preview(self, root: str | None, folder: str) -> list[Any]:
        """Say what a move would find, and free the button for exactly this move."""
        if not root:
            raise AnnotatorError("Choose the folder that has moved.")
        row = self._roots.move_preview(root, _folder(folder))
        return [views.plain(row["text"]), gr.update(visible=row["found"] > 0), [root, folder]]

    def move(
        self,
        root: str | None,
        folder: str,
        seen: list[str] | None,
        request: gr.Request,
        progress: gr.Progress = BAR,
    ) -> list[Any]:
        """Point a root to the folder that was previewed."""
        annotator_of(request)
        if not root or seen != [root, folder]:
            raise AnnotatorError(NOT_SEEN)
        row = self._roots.move(root, _folder(folder), on_progress=_drawn(progress))
        return [views.plain(row["message"]), gr.update(visible=False), None, *self.show()]

    def list(self) -> list[Any]:
        """Return the files that cannot be used, as a table and as a text to download."""
        rows = self._roots.unusable()
        if not rows:
            hidden: dict[str, Any] = gr.update(visible=False)
            return ["All files can be used.", hidden, hidden]
        file = download_folder() / "unusable-files.txt"
        file.write_text(views.unusable_text(rows), encoding="utf-8")
        return [
            f"{counted(len(rows), 'file')} cannot be used.",
            gr.update(value=views.unusable_table(rows), visible=True),
            gr.update(value=str(file), visible=True),
        ]

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""
        table = gr.HTML(elem_id="root-table", apply_default_css=False, js_on_load=None)
        root = self._build_folders(demo, table)
        self._build_move(table, root)
        self._build_list()
        self._kept.build(demo)

    def _build_folders(self, demo: gr.Blocks, table: Any) -> Any:
        with gr.Row(elem_classes="pg-actions"):
            again = gr.Button(
                "Scan for new and missing files", elem_id="root-look", scale=0, min_width=290
            )
        gr.Markdown("### Add a folder")
        with gr.Row(elem_classes="pg-actions"):
            folder = gr.Textbox(label="Folder on the server", scale=4, elem_id="root-folder")
            name = gr.Textbox(label="Short name (optional)", scale=2, elem_id="root-name")
            add = gr.Button("Add folder", variant="primary", elem_id="root-add")
        said = gr.Markdown(elem_id="root-said", elem_classes="st-said")
        gr.Markdown("### A folder has moved")
        root = gr.Dropdown([], label="Folder that has moved", elem_id="root-choice")
        shown = [table, root]
        demo.load(shows_errors(self.show), None, shown, show_progress="hidden", **CHANGE)
        add.click(shows_errors(self.add), [folder, name], [said, *shown], **CHANGE)
        again.click(shows_errors(self.look), None, [said, *shown], **CHANGE)
        return root

    def _build_move(self, table: Any, root: Any) -> None:
        with gr.Row(elem_classes="pg-actions"):
            to = gr.Textbox(label="Where it is now", scale=4, elem_id="root-to")
            look = gr.Button("Preview the move", elem_id="root-preview")
            move = gr.Button(
                "Use this folder", variant="primary", visible=False, elem_id="root-move"
            )
        foreseen = gr.Markdown(elem_id="root-foreseen", elem_classes="st-note")
        seen = gr.State(None)
        look.click(shows_errors(self.preview), [root, to], [foreseen, move, seen], **CHANGE)
        outputs = [foreseen, move, seen, table, root]
        move.click(shows_errors(self.move), [root, to, seen], outputs, **CHANGE)

    def _build_list(self) -> None:
        gr.Markdown("### Missing and unreadable files")
        with gr.Row(elem_classes="pg-actions"):
            show = gr.Button("List them", elem_id="unusable-list", scale=0)
            file = gr.DownloadButton(
                "Download as text", visible=False, elem_id="unusable-file", scale=0
            )
        said = gr.Markdown(elem_id="unusable-said", elem_classes="st-said")
        rows = gr.Dataframe(
            interactive=False, show_label=False, visible=False, wrap=True, max_height=420
        )
        show.click(shows_errors(self.list), None, [said, rows, file], **CHANGE)


def _folder(text: str | None) -> Path:
    if not text or not text.strip():
        raise AnnotatorError("Enter the folder, such as /data/images.")
    return Path(text.strip()).expanduser().absolute()


def _drawn(progress: gr.Progress) -> Callable[[int, int], None]:
    def draw(done: int, total: int) -> None:
        progress((done, total), desc="Reading images")

    return draw
