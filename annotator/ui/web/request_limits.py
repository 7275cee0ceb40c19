"""What a request may bring: how much, and only what Gradio is meant to be handed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, Response

from annotator.ui.web.identity import name_of
from annotator.ui.web.security import SAFE_METHODS
from annotator.ui.web.unknown_address import UnknownAddress

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from annotator.ui.web.files import WebFiles
    from annotator.ui.web.gradio_requests import GradioRequests

MAX_BODY = 2_000_000
"""Largest body of a request that is no upload, in bytes."""

API = "/gradio_api/"

UPLOAD = f"{API}upload"

STREAM = f"{API}queue/data"

READ = ("app_id", "info", "queue/data", "startup-events", "upload_progress")
"""Where below `API` the pages look; an entry that ends in a slash stands for what follows, too."""

CHANGE = ("cancel", "component_server", "queue/join", "reset", "run/", "upload")
"""Where below `API` the pages send something."""

OUTSIDE = (
    *("", "config", "favicon.ico", "manifest.json", "name", "robots.txt", "status"),
    *("theme.css",),
    *("assets/", "img/", "static/", "ui/"),
)
"""What there is outside of `API`, beside the pages."""

NEED_NAME = (
    "Enter your name at the top of the page first; only people with a name can upload files."
)


class RequestLimits:
    """Refuses bodies that are too large, uploads of nobody, and doors of Gradio that no page uses.

    Gradio offers more addresses than the pages need, and takes the place of a file from the
    browser: `{"path": "/etc/passwd"}` would name any file of this machine. So every address that
    is not listed here does not exist, and a place of a file has to be one of the uploaded files.

    Args:
        app: The application behind the limits.
        files: Where uploads and downloads lie.
        events: Knows which requests Gradio can answer.
        pages: Addresses of the pages after the first, such as `verify`.
        unknown: Answers where there is nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        files: WebFiles,
        events: GradioRequests,
        pages: Sequence[str] = (),
        unknown: UnknownAddress = UnknownAddress(),  # noqa: B008 - never changes
    ) -> None:
        self._app = app
        self._unknown = unknown
        self._files = files
        self._events = events
        self._outside = (*OUTSIDE, *pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a sentence, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._closed(scope) or self._too_long(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif scope["path"].rstrip("/") == UPLOAD:
            with self._files.receiving(self._upload_size(scope)):
                await self._app(scope, _Counted(receive, self._files.max_upload), send)
        elif scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
        else:
            await self._whole(scope, receive, send)

    def _closed(self, scope: Scope) -> Response | None:
        path, headers = scope["path"], Headers(scope=scope)
        if path.rstrip("/") == UPLOAD and name_of(cookie_parser(headers.get("cookie", ""))) is None:
            return PlainTextResponse(NEED_NAME, 403)
        if path.startswith(f"{API}file="):
            if scope["method"] in ("GET", "HEAD") and self._files.holds(path[len(API) + 5 :]):
                return None
            return PlainTextResponse("There is no such file.", 404)
        if path.startswith(API):
            listed = READ if scope["method"] in SAFE_METHODS else CHANGE
            if path == STREAM and not self._events.is_open(_session(scope)):
                return _ended()
            return None if _is_listed(path[len(API) :], listed) else self._unknown.answer(scope)
        if {"deep_link", "page"} & set(QueryParams(scope["query_string"])):
            return self._unknown.answer(scope)
        is_known = _is_listed(path.removeprefix("/"), self._outside)
        return None if is_known else self._unknown.answer(scope)

    def _too_long(self, scope: Scope) -> PlainTextResponse | None:
        is_upload = scope["path"].rstrip("/") == UPLOAD
        limit = self._files.max_upload if is_upload else MAX_BODY
        if _length(scope) > limit:
            return _too_large(limit)
        if is_upload and not self._files.make_room(self._upload_size(scope)):
            return PlainTextResponse(
                "Too many uploaded files are waiting; try again in a few minutes.", 503
            )
        return None

    def _upload_size(self, scope: Scope) -> int:
        # Who does not say how much is coming may send as much as an upload may have.
        return _length(scope) or self._files.max_upload

    async def _whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read a body, look at it, and hand it on as it came."""
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return  # whoever asked has left
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                await _too_large(MAX_BODY)(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        is_said = scope["method"] == "POST" and scope["path"].startswith(API)
        fault = self._fault(scope, body) if is_said else ""
        if fault:
            await _unacceptable(fault)(scope, receive, send)
            return
        await self._app(scope, _Replayed(body, receive), send)

    def _fault(self, scope: Scope, body: bytes) -> str:
        """Return what is wrong with a body: it has to be JSON, with no file but uploaded ones."""
        kind = Headers(scope=scope).get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            return "its type is not application/json"
        try:
            said = json.loads(body, parse_constant=_no_number)
        except (ValueError, RecursionError):
            return "it is no JSON"
        waiting = [said]
        while waiting:
            value = waiting.pop()
            if isinstance(value, list):
                waiting += value
            elif isinstance(value, dict):
                if "path" in value and not self._is_uploaded(value["path"]):
                    return "it names a file that was not uploaded, or is no longer here"
                waiting += value.values()
        return self._events.fault(scope["path"][len(API) :], said)

    def _is_uploaded(self, place: Any) -> bool:
        if place is None:
            return True
        return isinstance(place, str) and self._files.holds(place) and os.path.lexists(place)


class _Counted:
    """Passes an upload on, and breaks it off where it is longer than it may be."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        return message if self._left >= 0 else {"type": "http.disconnect"}


class _Replayed:
    """Gives a body that was read already once more, and then what really comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": False}


def _is_listed(address: str, listed: tuple[str, ...]) -> bool:
    return any(
        address.startswith(entry) if entry.endswith("/") else address.rstrip("/") == entry
        for entry in listed
    )


def _length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _session(scope: Scope) -> str:
    return QueryParams(scope["query_string"]).get("session_hash", "")


def _ended() -> Response:
    """Return what Gradio says of a tab that it does not know, before it raises an error."""
    said = {
        "msg": "unexpected_error",
        "event_id": None,
        "success": False,
        "session_not_found": True,
        "message": "This tab is no longer known; reload the page.",
    }
    return PlainTextResponse(f"data: {json.dumps(said)}\n\n", media_type="text/event-stream")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _unacceptable(fault: str) -> JSONResponse:
    said = f"The page sent a request that this server does not accept ({fault}); reload the page."
    return JSONResponse({"detail": said}, 400)


def _too_large(limit: int) -> PlainTextResponse:
    megabytes = f"{limit / 1e6:g} MB"
    return PlainTextResponse(
        f"This file is larger than the {megabytes} that the server accepts; see "
        "server.max_upload_mb in project.toml."
        if limit != MAX_BODY
        else f"This request is larger than the {megabytes} that the server accepts.",
        413,
    )
