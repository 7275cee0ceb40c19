"""The frame of every page: its title, and the row at the top with project, status, person, menu."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from annotator.ui.web.identity import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WORK = {"Label": "L", "Verify": "V", "Probe": "P", "Review": "R", "Images": "I"}
"""The pages on which people work, in the order of the menu, and the letter that G needs to go
there."""

MANAGE = {"Progress": "O", "Train": "T", "Certify": "C", "Export": "E", "Settings": "S"}
"""The other pages, as in `WORK`."""

NO_NAME = "Your name?"
"""On the button of the person while there is none."""


class Frame:
    """Puts the frame into a page of Gradio, so that it is there before any script has run.

    Args:
        project: What people call the project.
        names: Of the pages; the menu has no others.
        scripts: Address of the folder with the scripts and styles.
        home: Address of a page with other projects, relative to the pages; empty if there is none.
    """

    def __init__(self, project: str, names: Sequence[str], scripts: str, home: str = "") -> None:
        self._project = project
        self._home = home
        self._groups = {
            label: {name: letter for name, letter in group.items() if name in names}
            for label, group in (("Work", WORK), ("Manage", MANAGE))
        }
        self._scripts = scripts

    def around(self, page: bytes, request: Request) -> bytes:
        """Return a page with its title and its frame."""
        path = request.url.path.strip("/").rpartition("/")[2]
        names = [name for group in self._groups.values() for name in group]
        current = next((name for name in names if name.lower() == path), names[0])
        head = (
            f"<title>{escape(current)} · {escape(self._project)}</title>"
            f'<link rel="stylesheet" href="{self._scripts}/shared/frame.css">'
            f'<script type="module" src="{self._scripts}/shared/frame.js"></script></head>'
        )
        # Gradio would give every page the same title.
        page = page.replace(b'control_page_title="true"', b'control_page_title="false"', 1)
        page = page.replace(b"</head>", head.encode(), 1)
        row = self._row(current, name_of(request.cookies) or "")
        return page.replace(
            b"<gradio-app", f'{row}<gradio-app id="an-page" tabindex="-1"'.encode(), 1
        )

    def _row(self, current: str, person: str) -> str:
        project = escape(self._project)
        home = (
            f'<a class="fr-home" href="{escape(self._home)}" title="All projects" '
            'aria-label="All projects">‹</a>'
        )
        return (
            f'<header id="an-frame" class="an-frame" data-page="{current}">'
            '<a class="fr-skip" href="#an-page">Skip to the page</a>'
            f"{home if self._home else ''}"
            f'<span class="fr-project" dir="auto" title="{project}">{project}</span>'
            f'<button class="fr-who" type="button" dir="auto" data-person="{escape(person)}">'
            f'{escape(person) or NO_NAME}</button><div class="fr-status"></div>'
            f'<nav aria-label="Pages">{self._menu(current)}</nav></header>'
        )

    def _menu(self, current: str) -> str:
        place = 0
        lists = ""
        for label, group in self._groups.items():
            links = ""
            for name, letter in group.items():
                place += 1
                digit = place % 10
                here = ' aria-current="page"' if name == current else ""
                address = "./" if name == "Label" else f"./{name.lower()}"
                links += (
                    f'<li><a href="{address}" title="{name} (G {letter}, Alt+{digit})"{here} '
                    f'data-letter="{letter}" data-digit="{digit}">{name}</a></li>'
                )
            lists += f'<ul aria-label="{label}">{links}</ul>'
        return (
            '<button class="fr-menu" type="button" aria-expanded="false" aria-controls="fr-pages">'
            f'{current}</button><div id="fr-pages" class="fr-pages">{lists}</div>'
        )


def status_routes(state: Callable[[str], Mapping[str, object]]) -> APIRouter:
    """Return the route `GET /status`: the status line, for pages without a work screen.

    Args:
        state: Says what the route answers, to the person who is named.
    """
    router = APIRouter()

    @router.get("/status")
    async def status(request: Request) -> JSONResponse:
        person = name_of(request.cookies) or ""
        said = await run_in_threadpool(state, person)
        return JSONResponse(said, headers={"Cache-Control": "no-store"})

    return router
