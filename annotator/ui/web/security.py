"""Who may talk to the server: hosts and origins are checked before anything else runs."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from annotator.ui.web.public_address import DEFAULT_PORTS, PublicAddress, origin_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names under which a browser on this machine reaches the server."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

FORWARDED = frozenset({b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server"})
"""Headers by which Gradio lets whoever asks say where the page is."""

RELATIVE_ROOT = "."
"""Where Gradio is told that its pages are: all addresses in them are relative to their own, so that
they work below any host and path without the server knowing them."""

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
    where the browser says it comes from, the second by its `Host`. Programs that
    are no browser say nothing of the kind and are let through.

    Args:
        app: The application behind the guard.
        port: TCP port the server listens on.
        open_to_network: Let any host name in. Origins are still checked.
        public: Where people open the pages; its host name and origin are let in.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        port: int,
        open_to_network: bool = False,
        public: PublicAddress = PublicAddress(),  # noqa: B008 - frozen
    ) -> None:
        self._app = app
        self._port = port
        self._open = open_to_network
        self._public = public

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
            headers = {"Cache-Control": "no-store", **_PROTECTION}
            await PlainTextResponse(refusal, 403, headers)(scope, receive, send)
            return
        kept = [(name, value) for name, value in scope["headers"] if name not in FORWARDED]
        scope["headers"] = [*kept, (b"x-gradio-server", RELATIVE_ROOT.encode())]

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _PROTECTION.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith("text/event-stream"):
                    # A proxy that collects an answer before it sends it would hold up progress.
                    headers["X-Accel-Buffering"] = "no"
                    headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self._app(scope, receive, protected)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = origin_address(f"http://{hosts[0]}") if len(hosts) == 1 else None
        if host is None or not self._may_name(host):
            return self._wrong_host(", ".join(hosts))
        if scope["method"] in SAFE_METHODS or self._comes_from_here(headers):
            return None
        return self._wrong_origin(headers.get("origin"))

    def _may_name(self, host: tuple[str, int]) -> bool:
        if self._open or (self._public.place and host[0] == self._public.place[0]):
            return True
        return host[0] in LOOPBACK_NAMES and host[1] == self._port

    def _comes_from_here(self, headers: Headers) -> bool:
        sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
        if sites:
            # The browser itself compared the page's address with the one it sends to. It says so
            # only on https and on its own machine, where no name can be rebound to this server.
            return sites == ["same-origin"] or (sites == ["none"] and not origins)
        if not origins:
            return True
        origin = origin_address(origins[0]) if len(origins) == 1 else None
        if origin is None:
            return False
        # Name and port are compared, not the scheme, which differs behind a proxy that ends TLS;
        # a `Host` without a port means that of the scheme of the page.
        default = DEFAULT_PORTS.get(origins[0].partition(":")[0], 0)
        host = origin_address(f"{'https' if default == 443 else 'http'}://{headers['host']}")
        return origin in (host, self._public.place)

    def _wrong_host(self, host: str) -> str:
        own = f"http://127.0.0.1:{self._port}"
        asked = f"not to {_short(host) or 'a request without a host'}"
        if not self._public.url:
            return (
                f"This server answers to {own} only, {asked}: open that, or start it with "
                "--public-url and the address that people open, or with --open for any name."
            )
        return (
            f"This server answers to {self._public.url} and {own} only, {asked}: open one of them; "
            "a proxy has to pass the name that was asked for (nginx: proxy_set_header Host "
            "$http_host)."
        )

    def _wrong_origin(self, origin: str | None) -> str:
        page = _short(origin) if origin and origin != "null" else ""
        if not page:
            return "This request came from another website and was refused."
        return (
            f"This request came from a page at {page}, which is another website to this server, "
            f"and was refused; if that is where you open this project, start the server with "
            f"--public-url {page} (and the path below it, if there is one)."
        )


class MarkedScripts:
    """Marks the scripts of a page that the server makes, so that the browser runs no others.

    It sits inside of Gradio's application, where a page is not compressed yet.

    Args:
        app: What answers.
        complete: Adds to a page what is ours, before its scripts are marked.
    """

    def __init__(
        self, app: ASGIApp, complete: Callable[[bytes, Request], bytes] = lambda page, _: page
    ) -> None:
        self._app = app
        self._complete = complete

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
                page = self._complete(body, Request(scope))
                page = page.replace(b"<script", f'<script nonce="{mark}"'.encode())
                page = page.replace(b'href="/manifest.json"', b'href="./manifest.json"')
                headers = MutableHeaders(scope=start)
                headers["Content-Length"] = str(len(page))
                headers["Content-Security-Policy"] = POLICY.format(nonce=f" 'nonce-{mark}'")
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, marked)


def _is_page(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}..."
