"""The page of all projects in a folder: what each holds, how far it is, and the way into it."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from urllib.parse import quote

from annotator.services.message import counted
from annotator.services.project.several_projects import (
    ProjectSummary,
    project_folders,
    summary_of,
)
from annotator.ui.boundary import FAILED

log = logging.getLogger("annotator.ui")

THREADS = 8
"""So many projects are looked at together: a database on another machine may be slow."""

STYLE = """
:root { color-scheme: light dark; --text: #0f172a; --sub: #475569; --line: #cbd5e1;
  --page: #f8fafc; --card: #fff; --accent: #4338ca; --no: #b91c1c; }
@media (prefers-color-scheme: dark) { :root { --text: #f1f5f9; --sub: #b6c2d2; --line: #334155;
  --page: #0b1120; --card: #131c2e; --accent: #a5b4fc; --no: #fca5a5; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 28px clamp(14px, 4vw, 56px); background: var(--page);
  color: var(--text); font: 15px/1.45 "Source Sans Pro", ui-sans-serif, system-ui, sans-serif; }
main { max-width: 1500px; margin: 0 auto; }
h1 { margin: 0 0 4px; font-size: 24px; }
p { margin: 0 0 20px; color: var(--sub); overflow-wrap: anywhere; }
ul { display: grid; gap: 16px; margin: 0; padding: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(280px, 100%), 1fr)); }
li { position: relative; display: flex; flex-direction: column; overflow: hidden;
  border: 1px solid var(--line); border-radius: 14px; background: var(--card); }
li:hover { border-color: var(--accent); }
li:focus-within { outline: 2px solid var(--accent); outline-offset: 2px; }
img, .empty { display: block; width: 100%; height: 150px; object-fit: cover;
  background: var(--line); }
div { padding: 12px 16px 16px; }
h2 { margin: 0 0 4px; font-size: 17px; overflow-wrap: anywhere; }
a { color: var(--accent); }
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
        return _page("Projects", f"<h1>Projects</h1>{body}<ul>{cards}</ul>")

    def refused(self, title: str, reason: str, home: str) -> str:
        """Return a page that says why there is nothing else at an address.

        Args:
            title: Of the page.
            reason: A sentence.
            home: Address of the page of all projects, relative to that of this one.
        """
        body = f"<h1>{escape(title)}</h1><p>{escape(reason)}</p>"
        return _page(title, f'{body}<p><a href="{home}">All projects</a></p>')


def _summary(path: Path) -> ProjectSummary:
    try:
        return summary_of(path)
    except Exception:  # the others are shown all the same
        log.exception("project %s cannot be looked at", path)
        return ProjectSummary(folder=path.name, name=path.name, problem=FAILED)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"</head><body><main>{body}</main></body></html>"
    )


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
