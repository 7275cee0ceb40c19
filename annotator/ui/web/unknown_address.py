"""What is answered at an address where there is nothing; browsers get a page with a way out."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from annotator.ui.web.plain_page import plain_page

if TYPE_CHECKING:
    from starlette.types import Scope

LONGEST = 80
"""Characters of an address that the page repeats."""

STYLE = """
main { max-width: 640px; margin: auto; padding: 12vh 24px; }
ul { display: flex; flex-wrap: wrap; gap: 10px; padding: 0; list-style: none; }
li a { display: block; padding: 7px 14px; border: 1px solid var(--line); border-radius: 8px;
  text-decoration: none; }
li a:is(:hover, :focus-visible) { border-color: var(--accent); }
"""


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
        title = f"No such page · {self._project}"
        body = (
            f"<p>{escape(self._project)}</p><h1>There is no page at {escape(shown)}</h1>"
            f'<p>Choose one of these:</p><nav aria-label="Pages"><ul>{links}</ul></nav>'
        )
        text = plain_page(title, body, style=STYLE, fonts=f"{root}static/fonts/SourceSansPro")
        return HTMLResponse(text, 404, {"Cache-Control": "no-store"})
