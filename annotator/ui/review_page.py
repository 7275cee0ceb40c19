"""The Review page: answered pairs to look through and to correct, drawn in `static/review`."""

from __future__ import annotations

import gradio as gr

from annotator.services.app import Services
from annotator.ui.boundary import ServerFunction, server_function
from annotator.ui.work_screen import screen_functions, work_screen
from annotator.wire.label import Items, PairRequest, ResolveFlagRequest
from annotator.wire.request import Request
from annotator.wire.review import (
    HistoryInSentences,
    ImageRequest,
    ReviewRows,
    ReviewStart,
    RowsRequest,
    SearchRequest,
)

STYLES = ("shared/work_screen", "shared/image_tools", "review/review")
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

    def start(annotator: str, request: Request) -> ReviewStart:
        del request
        return {**labelling.start(annotator), **review.start(annotator)}

    def rows(annotator: str, request: RowsRequest) -> ReviewRows:
        pairs = [(pair.image, pair.category) for pair in request.pairs]
        return {"pairs": review.rows(annotator, pairs)}

    def history(annotator: str, request: PairRequest) -> HistoryInSentences:
        del annotator
        return review.history(request.image, request.category)

    def items(annotator: str, request: ImageRequest) -> Items:
        return {"items": labelling.items(annotator, [request.image])}

    return [
        server_function("start", Request.read, start),
        server_function("search", SearchRequest.read, review.search),
        server_function("rows", RowsRequest.read, rows),
        server_function("history", PairRequest.read, history),
        server_function("items", ImageRequest.read, items),
        server_function("resolve_flag", ResolveFlagRequest.read, services.flags.resolve),
        *screen_functions(services),
    ]
