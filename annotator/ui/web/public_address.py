"""Where people open the pages when that is not where the server listens: behind a proxy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse

from annotator.errors import AnnotatorError
from annotator.ui.web.identity import nearest_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

DEFAULT_PORTS = {"http": 80, "https": 443}

_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, kw_only=True)
class PublicAddress:
    """The address that people open, as far as the person who serves has said it."""

    url: str = ""
    """Scheme, host and port, such as `https://label.example.org`; empty if it was not said."""

    root_path: str = ""
    """Path below which the pages lie there, such as `/labels`; empty for the whole host."""

    @classmethod
    def read(cls, public_url: str | None, root_path: str | None) -> PublicAddress:
        """Return the address of the options `--public-url` and `--root-path`.

        Raises:
            AnnotatorError: If one of them is no such address, or they name two paths.
        """
        given = None if root_path is None else _checked_path(root_path, root_path, "--root-path")
        if public_url is None:
            return cls(root_path=given or "")
        try:
            parts = urlsplit(public_url)
            address = origin_address(f"{parts.scheme}://{parts.netloc}")
        except ValueError:
            address = None
        if address is None or parts.scheme not in DEFAULT_PORTS or parts.query or parts.fragment:
            raise AnnotatorError(
                f"--public-url {public_url!r} is no address of a page; give it as a browser shows "
                "it, such as https://label.example.org/labels."
            )
        path = _checked_path(parts.path, public_url, "--public-url")
        if given is not None and path not in ("", given):
            raise AnnotatorError(
                f"--public-url has the path {path}, --root-path says {given or '/'}; leave out "
                "--root-path."
            )
        return cls(url=f"{parts.scheme}://{parts.netloc}".lower(), root_path=path or given or "")

    @property
    def whole(self) -> str:
        """What people open in a browser; empty if it was not said."""
        return f"{self.url}{self.root_path}/" if self.url else ""

    @property
    def place(self) -> tuple[str, int] | None:
        """Host name and port, None if they were not said."""
        return origin_address(self.url) if self.url else None


class RootPath:
    """Takes requests below the public path as well as those from which a proxy cut it off.

    The pages name all addresses relative to their own, so they lie one step below the root, and
    one that is asked for with a slash at its end is sent on to the address without. Of people's
    names that a browser keeps for several paths of one host the one for this path counts.

    Args:
        app: The application, to which it always lies at `/`.
        root_path: The public path, such as `/labels`; empty for none.
        pages: Addresses of the pages after the first, such as `verify`.
    """

    def __init__(self, app: ASGIApp, *, root_path: str = "", pages: Sequence[str] = ()) -> None:
        self._app = app
        self._root = root_path
        self._pages = frozenset(f"/{page}/" for page in pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on as one to the root, or send the browser to the address it meant."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if self._root and path == self._root:
            await _moved(f"{self._root}/", scope)(scope, receive, send)
            return
        if self._root and path.startswith(f"{self._root}/"):
            path = path[len(self._root) :]
        # A proxy that cuts off `/labels` and not the slash behind it sends two of them.
        path = f"/{path.lstrip('/')}"
        headers = [(n, _own(v) if n == b"cookie" else v) for n, v in scope["headers"]]
        scope = {**scope, "path": path, "raw_path": quote(path).encode(), "headers": headers}
        if path in self._pages:
            await _moved(f"../{path.strip('/')}", scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def origin_address(url: str) -> tuple[str, int] | None:
    """Return host name and port of a URL without a path, None if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname or parts.username is not None or parts.path not in ("", "/"):
        return None
    return parts.hostname, port if port is not None else DEFAULT_PORTS.get(parts.scheme, 0)


def _own(cookie: bytes) -> bytes:
    return nearest_name(cookie.decode("latin-1")).encode("latin-1")


def _checked_path(path: str, said: str, option: str) -> str:
    cut = f"/{path.strip('/')}".rstrip("/")
    if not _ROOT_PATH.fullmatch(cut) or {".", ".."} & set(cut.split("/")):
        raise AnnotatorError(
            f"{option} {said!r}: a path is letters, digits and . _ ~ - between slashes, such as "
            "/labels."
        )
    return cut


def _moved(location: str, scope: Scope) -> RedirectResponse:
    # A relative address: only the browser knows under which host and path the page lies.
    query = scope["query_string"].decode("latin-1")
    return RedirectResponse(f"{location}?{query}" if query else location, 307)
