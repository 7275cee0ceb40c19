"""Pictures for the browser: by image id and listed width only, cached for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from annotator.errors import AnnotatorError, ImageFolderMissing, TemporaryError
from annotator.images.thumbnails import WIDTHS

if TYPE_CHECKING:
    from starlette.requests import Request

    from annotator.services.catalogue.pictures import Media

FOREVER = "private, max-age=31536000, immutable"
"""An image id stands for the same picture for life, so the browser need not ask again."""


def picture_routes(media: Media) -> APIRouter:
    """Return the route `GET /img/{width}/{image_id}`.

    No text from the browser ever reaches the file system: both parts have to be
    plain numbers, the width one of `WIDTHS`. Anything else is a 404.
    """
    router = APIRouter()

    # A grid asks for dozens at once. These are small files, so each is read whole in one visit to
    # a thread, and the routes are plain: a fifth less work for the server than a FileResponse.
    async def picture(request: Request) -> Response:
        width, image_id = request.path_params["width"], request.path_params["image_id"]
        if not (_is_number(width) and _is_number(image_id)) or int(width) not in WIDTHS:
            return _missing("There is no such image.")
        return await run_in_threadpool(_answer, media, int(image_id), int(width))

    async def anything_else(request: Request) -> Response:
        del request
        return _missing("There is no such image.")

    router.add_route("/img/{width}/{image_id}", picture)
    router.add_route("/img/{rest:path}", anything_else)
    return router


def _answer(media: Media, image_id: int, width: int) -> Response:
    try:
        content = media.content(image_id, width)
    except ImageFolderMissing as error:  # the page says so in the place of the picture
        return _missing(str(error))
    except TemporaryError as error:
        return PlainTextResponse(str(error), 503, {"Cache-Control": "no-store"})
    except AnnotatorError as error:
        return _missing(str(error))
    return Response(content, media_type="image/webp", headers={"Cache-Control": FOREVER})


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _missing(reason: str) -> Response:
    return PlainTextResponse(reason, 404, {"Cache-Control": "no-store"})
