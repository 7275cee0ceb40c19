"""Pictures for the browser: by image id and listed width only, cached for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import FileResponse, PlainTextResponse, Response

from annotator.errors import AnnotatorError, StoreError
from annotator.images.thumbnails import WIDTHS

if TYPE_CHECKING:
    from annotator.ui.contracts import Media

FOREVER = "private, max-age=31536000, immutable"
"""An image id stands for the same bytes for life, so the browser need not ask again."""


def picture_routes(media: Media) -> APIRouter:
    """Return the route `GET /img/{width}/{image_id}`.

    No text from the browser ever reaches the file system: both parts have to be
    plain numbers, the width one of `WIDTHS`. Anything else is a 404.
    """
    router = APIRouter()

    @router.get("/img/{width}/{image_id}")
    def picture(width: str, image_id: str) -> Response:
        if not (_is_number(width) and _is_number(image_id)) or int(width) not in WIDTHS:
            return _missing("There is no such picture.")
        try:
            path = media.file(int(image_id), int(width))
        except StoreError as error:
            return PlainTextResponse(str(error), 503, {"Cache-Control": "no-store"})
        except AnnotatorError as error:
            return _missing(str(error))
        return FileResponse(path, media_type="image/webp", headers={"Cache-Control": FOREVER})

    @router.get("/img/{rest:path}")
    def anything_else(rest: str) -> Response:  # noqa: ARG001 - FastAPI passes it by name
        return _missing("There is no such picture.")

    return router


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _missing(reason: str) -> Response:
    return PlainTextResponse(reason, 404, {"Cache-Control": "no-store"})
