"""The browser half: the folder of scripts and styles, and how it is served."""

from __future__ import annotations

import hashlib
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from annotator.ui.web.pictures import FOREVER

if TYPE_CHECKING:
    from starlette.requests import Request

STATIC = Path(__file__).parents[1] / "static"
"""One folder a page, `gradio` for the style sheets of the Gradio pages, `shared` for the rest."""


def static_files() -> list[Path]:
    """Return every script and style sheet."""
    return sorted(file for file in STATIC.rglob("*") if file.suffix in (".js", ".css"))


def static_version() -> str:
    """Return a short hash of the scripts and styles, so that browsers never mix two versions."""
    digest = hashlib.sha256()
    for file in static_files():
        digest.update(file.relative_to(STATIC).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


class VersionedFiles:
    """Scripts and styles under an address with their hash, which browsers may keep for good.

    They are read once: files that change while the server runs are no longer of this version.
    """

    def __init__(self) -> None:
        self._files = {
            file.relative_to(STATIC).as_posix(): (file.read_bytes(), guess_type(file.name)[0])
            for file in static_files()
        }

    async def respond(self, request: Request) -> Response:
        """Return a file, with the header that lets it be kept."""
        found = self._files.get(request.path_params["path"])
        if found is None:
            return PlainTextResponse("Not Found", status_code=404)
        content, media_type = found
        headers = {"Cache-Control": FOREVER}
        return Response(content, media_type=media_type, headers=headers)
