"""Who may talk to the server: hosts and origins are checked before anything else runs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a browser on this machine reaches the server."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

FORWARDED = frozenset({b"x-forwarded-host", b"x-gradio-server"})
"""Headers by which Gradio lets whoever asks say where the page is; `Host` alone is checked here."""

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'{nonce}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; media-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""What a page may load and run. Gradio makes functions of texts that the server sent, so `eval` has
to stay; scripts in a page run only with the mark that the server gave them for this one answer."""

_PROTECTION = {
    "Content-Security-Policy": POLICY.format(nonce=""),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class RequestGuard:
    """Refuses requests under a foreign host name and changes that come from a foreign page.

    A page elsewhere on the web can make a browser send requests to this
    machine, also under a name of its own (DNS rebinding). The first is seen by
    its `Origin`, the second by its `Host`. Programs that are no browser send no
    `Origin` and are let through.

    Args:
        app: The application behind the guard.
        port: TCP port the server listens on.
        open_to_network: Let any host name in. Origins are still checked.
    """

    def __init__(self, app: ASGIApp, *, port: int, open_to_network: bool = False) -> None:
        self._app = app
        self._port = port
        self._open = open_to_network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 with a sentence, or pass the request on."""
        if scope["type"] == "websocket":
            # Nothing here speaks WebSocket; refusing all of them leaves no side door.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)
            return
        scope["headers"] = [(n, v) for n, v in scope["headers"] if n not in FORWARDED]

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _PROTECTION.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, protected)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = _address(f"{scope['scheme']}://{hosts[0]}") if len(hosts) == 1 else None
        if host is None or not self._may_name(host):
            return (
                f"This server answers to http://127.0.0.1:{self._port} only. "
                "Start it with --open to let other machines in."
            )
        if scope["method"] not in SAFE_METHODS and not _comes_from_here(headers, host):
            return "This request came from another website and was refused."
        return None

    def _may_name(self, host: tuple[str, int]) -> bool:
        return self._open or (host[0] in LOOPBACK_NAMES and host[1] == self._port)


class MarkedScripts:
    """Marks the scripts of a page that the server makes, so that the browser runs no others.

    It sits inside of Gradio's application, where a page is not compressed yet.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and mark the answer if it is a page."""
        start: Message | None = None
        body = b""

        async def marked(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                mark = secrets.token_urlsafe(16)
                page = body.replace(b"<script", f'<script nonce="{mark}"'.encode())
                headers = MutableHeaders(scope=start)
                headers["Content-Length"] = str(len(page))
                headers["Content-Security-Policy"] = POLICY.format(nonce=f" 'nonce-{mark}'")
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, marked)


def _is_page(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


def _comes_from_here(headers: Headers, host: tuple[str, int]) -> bool:
    origins = headers.getlist("origin")
    if not origins:
        return headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    # Name and port are compared, not the scheme, which differs behind a proxy that ends TLS.
    return len(origins) == 1 and _address(origins[0]) == host


def _address(url: str) -> tuple[str, int] | None:
    """Return host name and port of a URL, None if it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path not in ("", "/"):
        return None
    return parts.hostname, port if port is not None else _DEFAULT_PORTS.get(parts.scheme, 0)
