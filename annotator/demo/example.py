"""Makes one of the example projects below a directory, if it is not there yet, and serves it."""

from __future__ import annotations

from pathlib import Path

import typer

from annotator.demo import scenes, voc
from annotator.errors import NotFound
from annotator.settings import PROJECT_FILE
from annotator.ui.server import serve

PROJECTS = {"scenes": "project", "voc2007": "voc2007"}
"""Folder of the project, by example."""


def run_demo(
    dataset: str,
    directory: Path,
    *,
    browser: bool,
    port: int,
    count: int,
    data: Path | None = None,
) -> None:
    """Make an example project and serve it until Ctrl-C.

    Args:
        dataset: One of `PROJECTS`.
        directory: Gets the project, and the pictures of `scenes`.
        browser: Open a browser, if there is one.
        port: Port to listen on; 0 takes a free one.
        count: Scenes to draw.
        data: Folder of `VOCdevkit`; None means one below the user's cache.

    Raises:
        NotFound: If there is no such example or it cannot be fetched.
        ProjectError: If the source tree or the packages that draw the scenes are missing.
    """
    project = make_demo(dataset, directory, count=count, data=data)
    typer.echo("Opening the page ...", err=True)
    serve(project, host="127.0.0.1", port=port, browser=browser)


def make_demo(
    dataset: str, directory: Path, *, count: int = 1200, data: Path | None = None
) -> Path:
    """Make an example project without features, if it is not there yet, and return its directory.

    The trainer of whoever serves it computes them, so that the page need not wait.
    """
    if dataset not in PROJECTS:
        raise NotFound(f"There is no example {dataset!r}; known: {', '.join(PROJECTS)}.")
    project = directory / PROJECTS[dataset]
    if (project / PROJECT_FILE).exists():
        typer.echo(f"Using the example in {project}; delete that folder to start over.", err=True)
    elif dataset == "scenes":
        scenes.create(directory, project, count=count)
    else:
        voc.create(project, data or voc.cache_folder())
    return project
