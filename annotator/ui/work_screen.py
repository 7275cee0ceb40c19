"""What the work screens share on the server: the empty component, and the calls of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services

ServerFunction = Callable[[object, gr.Request], Payload]


def work_screen(
    *,
    scripts: str,
    script: str,
    component: str,
    styles: Sequence[str],
    functions: list[ServerFunction],
    name: str,
) -> gr.HTML:
    """Put an empty component into the open Blocks, which a script fills and keeps drawing.

    It is no subclass of `gr.HTML`, because Gradio would write a stub file into this package for it.

    Args:
        scripts: Address of the folder with the scripts and styles.
        script: File in it, without `.js`.
        component: Class that the file exports; it takes an element and the server's functions.
        styles: Style sheets in the folder, without `.css`.
        functions: What the script may call as `server.NAME(data)`.
        name: Id of the element.
    """
    return gr.HTML(
        html_template="<div class='an-root'></div>",
        js_on_load=(
            f"import('{scripts}/{script}.js').then("
            f"m => new m.{component}(element.querySelector('.an-root') ?? element, server));"
        ),
        head="".join(f'<link rel="stylesheet" href="{scripts}/{s}.css">' for s in styles),
        server_functions=functions,
        apply_default_css=False,
        elem_id=name,
    )


def screen_functions(services: Services) -> list[ServerFunction]:
    """Return `server.state`, `save`, `undo`, `redo`, `visit` and `probe_answer`.

    The queue of unsaved work follows a tab from page to page, so each page needs all that save. A
    page of the grid names its mode, and its attention checks are worked out when it is saved. What
    is said about one image comes back with the `opinion` on its other categories. What comes from
    the queue names in `last` the newest operation that was acknowledged to this browser.
    """
    recording, verification = services.recording, services.verification

    def state(annotator: str, data: Payload) -> Payload:
        del annotator, data
        return services.progress.state()

    def save(annotator: str, data: Payload) -> Payload:
        if "mode" in data:
            return verification.save(annotator, data)
        said = recording.save(annotator, data)
        if isinstance(data.get("image"), int):
            # What was said is kept by now; if the rest cannot be had, the page goes without.
            with suppress(AnnotatorError):
                said["opinion"] = services.labelling.opinion(data["image"])
        return said

    queued: dict[str, Callable[[str, Payload], Payload]] = {
        "save": save,
        "undo": recording.undo,
        "redo": recording.redo,
        "visit": services.labelling.visit,
        "probe_answer": services.probing.answer,
    }

    def going_on(action: Callable[[str, Payload], Payload]) -> Callable[[str, Payload], Payload]:
        def act(annotator: str, data: Payload) -> Payload:
            services.lineage.refuse_set_back(data.get("last"))
            return action(annotator, data)

        return act

    return [
        server_function("state", state),
        *(server_function(name, going_on(action)) for name, action in queued.items()),
    ]
