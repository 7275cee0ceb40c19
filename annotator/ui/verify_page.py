"""The Verify page: one category, many images; drawn in the browser, fed by the services."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services
from annotator.ui.saving_functions import saving_functions

STYLES = ("board", "verify")


def build_verify_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the grid into the open Blocks; everything it shows is drawn by `static/verify.js`.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return gr.HTML(
        html_template="<div class='an-root'></div>",
        js_on_load=(
            f"import('{scripts}/verify.js').then("
            "m => new m.VerifyPage(element.querySelector('.an-root') ?? element, server));"
        ),
        head="".join(f'<link rel="stylesheet" href="{scripts}/{s}.css">' for s in STYLES),
        server_functions=verify_functions(services),
        apply_default_css=False,
        elem_id="verify",
    )


def verify_functions(services: Services) -> list[Callable[[object, gr.Request], Payload]]:
    """Return what the script may call as `server.NAME(data)`; see `boundary.server_function`."""
    verification = services.verification

    def start(annotator: str, data: Payload) -> Payload:
        del data
        return {"annotator": annotator, **verification.start(annotator)}

    def counts(annotator: str, data: Payload) -> Payload:
        del annotator, data
        return {"counts": verification.counts()}

    def next_page(annotator: str, data: Payload) -> Payload:
        return verification.page(annotator, str(data.get("tab", ""))[:64], data)

    def state(annotator: str, data: Payload) -> Payload:
        del annotator, data
        return services.progress.state()

    actions = {
        "start": start,
        "counts": counts,
        "next_page": next_page,  # Gradio's own `page` would be lost
        "state": state,
    }
    own = [server_function(name, action) for name, action in actions.items()]
    return [*own, *saving_functions(services)]
