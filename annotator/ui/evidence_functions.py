"""What a page's script may ask to learn why a category is suggested."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services


def evidence_functions(services: Services) -> list[Callable[[object, gr.Request], Payload]]:
    """Return `server.evidence({image, category})`; see `boundary.server_function`."""

    def evidence(annotator: str, data: Payload) -> Payload:
        del annotator
        return services.evidence.of(_id(data.get("image")), _id(data.get("category")))

    return [server_function("evidence", evidence)]


def _id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise AnnotatorError(
            "The page sent a request that this server does not understand; reload the page."
        )
    return value
