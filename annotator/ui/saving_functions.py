"""What every work screen may send to be kept: each can send what another left behind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services


def saving_functions(services: Services) -> list[Callable[[object, gr.Request], Payload]]:
    """Return `server.save`, `undo`, `redo`, `visit` and `probe_answer`.

    The queue of unsaved work follows a tab from page to page, so each page needs all of them. A
    page of the grid names its mode, and its attention checks are worked out when it is saved. What
    is said about one image comes back with the `opinion` on its other categories.
    """
    recording, verification = services.recording, services.verification
    labelling = services.labelling

    def save(annotator: str, data: Payload) -> Payload:
        if "mode" in data:
            return verification.save(annotator, data)
        said = recording.save(annotator, data)
        if isinstance(data.get("image"), int):
            # What was said is kept by now; if the rest cannot be had, the page goes without.
            with suppress(AnnotatorError):
                said["opinion"] = labelling.opinion(data["image"])
        return said

    actions = {
        "save": save,
        "undo": recording.undo,
        "redo": recording.redo,
        "visit": services.labelling.visit,
        "probe_answer": services.probing.answer,
    }
    return [server_function(name, action) for name, action in actions.items()]
