"""The Label page: one component that draws itself in the browser and talks to the services."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gradio as gr

from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services

STATIC = Path(__file__).parent / "static"


def static_version() -> str:
    """Return a short hash of the scripts and styles, so that browsers never mix two versions."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


class LabelBoard(gr.HTML):
    """One image with all its categories; everything it shows is drawn by `static/board.js`."""

    def __init__(self, services: Services, *, scripts: str) -> None:
        """Make the component.

        Args:
            services: Of the open project.
            scripts: Address of the folder with the scripts and styles.
        """
        super().__init__(
            html_template="<div class='an-root'></div>",
            js_on_load=(
                f"import('{scripts}/board.js').then("
                "m => new m.Board(element.querySelector('.an-root') ?? element, server));"
            ),
            head=f'<link rel="stylesheet" href="{scripts}/board.css">',
            server_functions=_server_functions(services),
            apply_default_css=False,
            elem_id="board",
        )

    def api_info(self) -> Payload:
        """Describe the value, which is not used."""
        return {"type": "object"}


def _server_functions(services: Services) -> list[object]:
    labelling, progress = services.labelling, services.progress

    def start(annotator: str, data: Payload) -> Payload:
        del data
        return {"annotator": annotator, **labelling.start(annotator)}

    def next_images(annotator: str, data: Payload) -> Payload:
        return labelling.next_images(
            annotator,
            str(data.get("tab", ""))[:64],
            after=data.get("after"),
            count=int(data.get("count", 10)),
            exclude=[int(i) for i in data.get("exclude", ())],
        )

    def items(annotator: str, data: Payload) -> Payload:
        return {"items": labelling.items(annotator, [int(i) for i in data.get("ids", ())])}

    def state(annotator: str, data: Payload) -> Payload:
        del annotator, data
        return progress.state()

    actions = {
        "start": start,
        "next_images": next_images,
        "items": items,
        "state": state,
        "save": labelling.save,
        "undo": labelling.undo,
        "redo": labelling.redo,
        "visit": labelling.visit,
    }
    return [server_function(name, action) for name, action in actions.items()]


def build_label_page(services: Services, *, scripts: str) -> LabelBoard:
    """Put the Label page into the open Blocks."""
    return LabelBoard(services, scripts=scripts)
