"""Refuses what a page of another project sends: all projects are served at the same address."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "x-annotator-project"
"""Header in which `static/shared/project.js` names the project of its page."""

CALLS = "/gradio_api/component_server"
"""Where the work screens call the server; Gradio's client hands on only answers of status 200."""

PICTURES = "/img/"
"""Pictures are asked for without headers; their address names the project in `of`."""


class ProjectGuard:
    """Answers a page of another project with a refusal, and lets all others through.

    A tab stays open when a server ends, and the next one at its address may serve another project,
    in which its ids mean other images and categories. So what changes something and what only
    reads are refused alike, Gradio's own events too. A request that names no project is let
    through: a program that is no page means the project that is served, and so does a page that
    is just being loaded.

    Args:
        app: The application behind the guard.
        key: Key of the project that is served.
        name: What people call it.
    """

    def __init__(self, app: ASGIApp, *, key: str, name: str) -> None:
        self._app = app
        self._key = key
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with a sentence, or pass the request on."""
        named = _named(scope) if scope["type"] == "http" else None
        if named is None or named == self._key:
            await self._app(scope, receive, send)
        else:
            await self._refusal(scope["path"])(scope, receive, send)

    def _refusal(self, path: str) -> Response:
        message = f"Another project, {self._name}, is served here now."
        said = {
            "ok": False,
            "away": True,
            "other_project": self._name,
            "message": message,
            "detail": f"{message} Nothing was changed; reload the page to see that project.",
        }
        status = 200 if path.startswith(CALLS) else 409
        return JSONResponse(said, status, {"Cache-Control": "no-store"})


def head(key: str, name: str, script: str) -> str:
    """Return what the head of every page needs, so that its requests name the project.

    Args:
        key: Key of the project that is served.
        name: What people call it.
        script: Address of `project.js`.
    """
    return (
        '<link rel="icon" href="./favicon.ico">'  # browsers would look for it at the root
        f'<meta name="annotator-project" content="{escape(key)}" data-name="{escape(name)}">'
        f'<script type="module" src="{script}"></script>'
    )


def _named(scope: Scope) -> str | None:
    """Return the project that a request is about, None if it names none."""
    if scope["path"].startswith(PICTURES):
        said = parse_qs(scope["query_string"].decode("latin-1")).get("of")
        return said[0] if said else None
    return Headers(scope=scope).get(HEADER)
