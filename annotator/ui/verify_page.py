"""The Verify page: one category, many images; drawn in the browser, fed by the services."""

from __future__ import annotations

import gradio as gr

from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services
from annotator.ui.work_screen import ServerFunction, screen_functions, work_screen

STYLES = ("shared/work_screen", "verify/verify")


def build_verify_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the grid into the open Blocks; everything it shows is drawn in `static/verify`.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return work_screen(
        scripts=scripts,
        script="verify/verify_page",
        component="VerifyPage",
        styles=STYLES,
        functions=verify_functions(services),
        name="verify",
    )


def verify_functions(services: Services) -> list[ServerFunction]:
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

    actions = {
        "start": start,
        "counts": counts,
        "next_page": next_page,  # Gradio's own `page` would be lost
    }
    own = [server_function(name, action) for name, action in actions.items()]
    return [*own, *screen_functions(services)]
