"""The page of all projects in a folder: what each holds, how far it is, and the way into it."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from urllib.parse import quote

from starlette.responses import Response

from annotator.services.message import counted
from annotator.services.project.several_projects import (
    ProjectSummary,
    project_folders,
    summary_of,
)
from annotator.ui.boundary import FAILED
from annotator.ui.web.plain_page import font, plain_page

log = logging.getLogger("annotator.ui")

THREADS = 8
"""So many projects are looked at together: a database on another machine may be slow."""

FONTS = ".fonts"
"""Where the typeface lies, beside the projects: no project has a hidden folder."""

STYLE = """
main { max-width: 1500px; margin: 0 auto; padding: 28px clamp(14px, 4vw, 56px); }
p { margin: 0 0 20px; color: var(--sub); overflow-wrap: anywhere; }
ul { display: grid; gap: 16px; margin: 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(280px, 100%), 1fr)); }
li { position: relative; display: flex; flex-direction: column; overflow: hidden;
  border: 1px solid var(--line); border-radius: 12px; }
li:hover { border-color: var(--accent); }
li:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
img, .empty { display: block; width: 100%; height: 150px; object-fit: cover;
  background: var(--line); }
div { padding: 12px 16px 16px; }
h2 { margin: 0 0 4px; font-size: 16px; line-height: 22px; overflow-wrap: anywhere; }
h2 a { color: inherit; text-decoration: none; outline: none; }
h2 a::after { content: ""; position: absolute; inset: 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 1px 12px; margin: 0; }
dt { color: var(--sub); } dd { margin: 0; text-align: end; font-variant-numeric: tabular-nums; }
.problem { margin: 0 0 8px; color: var(--no); }
progress { width: 100%; height: 6px; accent-color: var(--accent); }
"""


class ProjectsPage:
    """Draws the list of the projects in a folder, without a script."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def listed(self) -> str:
        """Return the page of all projects.

        Raises:
            ProjectError: If the folder cannot be read.
        """
        with ThreadPoolExecutor(THREADS) as threads:
            found = list(threads.map(_summary, project_folders(self._folder)))
        cards = "".join(map(_card, found))
        body = f"<p>{counted(len(found), 'project')} in {escape(str(self._folder))}</p>"
        return _page("Projects", f"<h1>Projects</h1>{body}<ul>{cards}</ul>", "./")

    def file(self, name: str, rest: str) -> Response | None:
        """Return a file of these pages, or None where the path is not one of theirs.

        Args:
            name: First part of the path.
            rest: What follows.
        """
        return font(rest) if name == FONTS else None

    def refused(self, title: str, reason: str, home: str) -> str:
        """Return a page that says why there is nothing else at an address.

        Args:
            title: Of the page.
            reason: A sentence.
            home: Address of the page of all projects, relative to that of this one.
        """
        body = f"<h1>{escape(title)}</h1><p>{escape(reason)}</p>"
        return _page(title, f'{body}<p><a href="{home}">All projects</a></p>', home)


def _summary(path: Path) -> ProjectSummary:
    try:
        return summary_of(path)
    except Exception:  # the others are shown all the same
        log.exception("project %s cannot be looked at", path)
        return ProjectSummary(folder=path.name, name=path.name, problem=FAILED)


def _page(title: str, body: str, home: str) -> str:
    return plain_page(title, body, style=STYLE, fonts=f"{home}{FONTS}")


def _card(project: ProjectSummary) -> str:
    image = '<span class="empty"></span>'
    if project.thumbnail:
        source = f"data:image/webp;base64,{b64encode(project.thumbnail).decode()}"
        image = f'<img src="{source}" alt="">'
    link = f'<a href="./{quote(project.folder)}/" dir="auto">{escape(project.name)}</a>'
    if project.problem:
        about = f'<p class="problem">{escape(project.problem)}</p>'
        about += _listed({"Folder": escape(project.folder)})
    else:
        about = _figures(project)
    return f"<li>{image}<div><h2>{link}</h2>{about}</div></li>"


def _figures(project: ProjectSummary) -> str:
    share = project.answered / project.pairs if project.pairs else 0.0
    last = project.last_answer_at
    rows = {
        "Images": f"{project.images:,}",
        "Answered": f"{100 * share:.1f} %",
        "Last answer": f"{last.astimezone():%Y-%m-%d %H:%M}" if last else "none yet",
        "Version": str(project.version) if project.version else "none yet",
        "Folder": escape(project.folder),
    }
    bar = f'<progress aria-label="Answered" max="1" value="{share:.4f}"></progress>'
    return bar + _listed(rows)


def _listed(rows: Mapping[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{t}</dt><dd>{d}</dd>' for t, d in rows.items())}</dl>"
