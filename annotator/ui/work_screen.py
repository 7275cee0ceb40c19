"""What the work screens share on the server: the empty component, and the calls of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.wire.image_information import ImageInformationRequest
from annotator.wire.label import CategoryList
from annotator.wire.leases import Released, ReleaseRequest
from annotator.wire.probe import ProbeAnswerRequest
from annotator.wire.recording import BackRequest, LastStepRequest, Saved, SaveRequest, VisitRequest
from annotator.wire.request import QueuedRequest, Request
from annotator.wire.status import ProjectState
from annotator.wire.verify import SavePageRequest, read_save

Queued = TypeVar("Queued", bound=QueuedRequest)


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
            # Relative to the page; by itself it would be relative to Gradio's own script.
            f"import(new URL('{scripts}/{script}.js', document.baseURI)).then("
            f"m => new m.{component}(element.querySelector('.an-root') ?? element, server));"
        ),
        head="".join(f'<link rel="stylesheet" href="{scripts}/{s}.css">' for s in styles),
        server_functions=functions,
        apply_default_css=False,
        elem_id=name,
    )


def screen_functions(services: Services) -> list[ServerFunction]:
    """Return `server.state`, `categories`, `save`, `undo`, `last_step`, `visit` and the like.

    The queue of unsaved work follows a tab from page to page, so each page needs all that save. A
    page of the grid names its mode, and its attention checks are worked out when it is saved. What
    is said about one image comes back with the `opinion` on its other categories. What comes from
    the queue names in `last` the newest operation that was acknowledged to this browser.
    """
    recording, verification = services.recording, services.verification

    def state(annotator: str, request: Request) -> ProjectState:
        del request
        return services.progress.state(annotator)

    def save(annotator: str, request: SaveRequest | SavePageRequest) -> Saved:
        if isinstance(request, SavePageRequest):
            return verification.save(annotator, request)
        said = recording.save(annotator, request)
        if request.image is not None:
            # What was said is kept by now; if the rest cannot be had, the page goes without.
            with suppress(AnnotatorError):
                said["opinion"] = services.labelling.opinion(request.image)
        return said

    def queued(
        name: str,
        read: Callable[[object], Queued],
        action: Callable[[str, Queued], Mapping[str, object]],
    ) -> ServerFunction:
        def going_on(data: object) -> Queued:
            request = read(data)
            services.lineage.refuse_set_back(request.last)
            return request

        return server_function(name, going_on, action)

    def release(annotator: str, request: ReleaseRequest) -> Released:
        del annotator
        services.labelling.release(request.tab)
        return {}

    return [
        server_function("state", Request.read, state),
        _categories(services),
        queued("save", read_save, save),
        queued("undo", BackRequest.read, recording.undo),
        queued("redo", BackRequest.read, recording.redo),
        server_function("last_step", LastStepRequest.read, recording.last_step),
        queued("visit", VisitRequest.read, services.labelling.visit),
        queued("probe_answer", ProbeAnswerRequest.read, services.probing.answer),
        server_function("release", ReleaseRequest.read, release),
        server_function(
            "image_information", ImageInformationRequest.read, services.image_information.of
        ),
    ]


def _categories(services: Services) -> ServerFunction:
    """Return `server.categories`, for a page that is open while they change."""

    def listed(annotator: str, request: Request) -> CategoryList:
        del request
        return services.labelling.categories(annotator)

    return server_function("categories", Request.read, listed)
