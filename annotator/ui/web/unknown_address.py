"""What is answered at an address where there is nothing; browsers get a page with a way out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.types import Scope

LONGEST = 80
"""Characters of an address that the page repeats."""

STYLE = (
    ":root{color-scheme:light dark;--text:#1e293b;--back:#fff;--link:#4338ca;--line:#cbd5e1}"
    "@media(prefers-color-scheme:dark){"
    ":root{--text:#e2e8f0;--back:#0f172a;--link:#a5b4fc;--line:#475569}}"
    "body{margin:0;padding:12vh 24px;font:16px/1.5 'Source Sans Pro',ui-sans-serif,system-ui,"
    "sans-serif;color:var(--text);background:var(--back)}"
    "main{max-width:640px;margin:auto}h1{font-size:24px;overflow-wrap:anywhere}"
    "ul{display:flex;flex-wrap:wrap;gap:10px;padding:0;list-style:none}"
    "a{display:block;padding:8px 16px;border:1px solid var(--line);border-radius:8px;"
    "color:var(--link);text-decoration:none}a:hover,a:focus-visible{border-color:var(--link)}"
)


class UnknownAddress:
    """Answers for all addresses where there is nothing; what asks for data gets one plain sentence.

    Args:
        project: Name of the project.
        pages: Names of the pages and their addresses, in the order of the menu.
    """

    def __init__(self, project: str = "", pages: Sequence[tuple[str, str]] = ()) -> None:
        self._project = project
        self._pages = pages

    def answer(self, scope: Scope) -> Response:
        """Return a page where a browser asks for one; addresses begin at the root."""
        if "text/html" in Headers(scope=scope).get("accept", ""):
            return self._page(scope["path"])
        return PlainTextResponse("There is no page at this address.", 404)

    def _page(self, path: str) -> HTMLResponse:
        root = "../" * (path.count("/") - 1) or "./"
        shown = path if len(path) <= LONGEST else f"{path[:LONGEST]}…"
        links = "".join(
            f'<li><a href="{root}{address}">{name}</a></li>' for name, address in self._pages
        )
        text = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>No such page · {escape(self._project)}</title><style>{STYLE}</style></head>"
            f"<body><main><p>{escape(self._project)}</p>"
            f"<h1>There is no page at {escape(shown)}</h1><p>Choose one of these:</p>"
            f'<nav aria-label="Pages"><ul>{links}</ul></nav></main></body></html>'
        )
        return HTMLResponse(text, 404, {"Cache-Control": "no-store"})
