"""The Review page: answered pairs to look through and to correct, drawn in `static/review`."""

from __future__ import annotations

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.labelling.recording import whole
from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services
from annotator.ui.work_screen import ServerFunction, screen_functions, work_screen

STYLES = ("shared/work_screen", "review/review")
"""Style sheets of the page, without `.css`."""


def build_review_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the page into the open Blocks.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return work_screen(
        scripts=scripts,
        script="review/review_page",
        component="ReviewPage",
        styles=STYLES,
        functions=review_functions(services),
        name="review",
    )


def review_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call as `server.NAME(data)`; see `boundary.server_function`."""
    labelling, review = services.labelling, services.review

    def start(annotator: str, data: Payload) -> Payload:
        del data
        return {"annotator": annotator, **labelling.start(annotator), **review.start(annotator)}

    def search(annotator: str, data: Payload) -> Payload:
        filters, after = data.get("filters") or {}, data.get("after")
        if not isinstance(filters, dict) or not isinstance(after, list | None):
            raise AnnotatorError(
                "The page sent a request that this server does not understand; reload the page."
            )
        return review.search(annotator, filters, after, whole(data.get("count", 60), "count"))

    def rows(annotator: str, data: Payload) -> Payload:
        pairs = [
            (whole(p.get("image"), "image"), whole(p.get("category"), "category"))
            for p in data.get("pairs", [])
            if isinstance(p, dict)
        ]
        return {"pairs": review.rows(annotator, pairs)}

    def history(annotator: str, data: Payload) -> Payload:
        del annotator
        image, category = whole(data.get("image"), "image"), whole(data.get("category"), "category")
        return review.history(image, category)

    def items(annotator: str, data: Payload) -> Payload:
        return {"items": labelling.items(annotator, [whole(data.get("image"), "image")])}

    actions = {
        "start": start,
        "search": search,
        "rows": rows,
        "history": history,
        "items": items,
        "resolve_flag": services.flags.resolve,
    }
    own = [server_function(name, action) for name, action in actions.items()]
    return [*own, *screen_functions(services)]
