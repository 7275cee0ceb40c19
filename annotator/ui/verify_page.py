"""The Verify page: one category, many images; drawn in the browser, fed by the services."""

from __future__ import annotations

import gradio as gr

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.ui.image_list_functions import image_list_functions
from annotator.ui.work_screen import screen_functions, work_screen
from annotator.wire.request import Request
from annotator.wire.verify import Counts, PageRequest, VerifyStart

STYLES = ("shared/work_screen", "shared/image_tools", "verify/verify")


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

    def start(annotator: str, request: Request) -> VerifyStart:
        del request
        return verification.start(annotator)

    def counts(annotator: str, request: Request) -> Counts:
        del annotator, request
        return {"counts": verification.counts()}

    return [
        server_function("start", Request.read, start),
        server_function("counts", Request.read, counts),
        # Gradio's own `page` would be lost.
        server_function("next_page", PageRequest.read, verification.page),
        *image_list_functions(services),
        *screen_functions(services),
    ]
