"""The browser half: the folder of scripts and styles, and how it is served."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.staticfiles import StaticFiles

from annotator.ui.web.pictures import FOREVER

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

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


class VersionedFiles(StaticFiles):
    """Scripts and styles under an address with their hash, which browsers may keep for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, with the header that lets it be kept."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOREVER
        return response
