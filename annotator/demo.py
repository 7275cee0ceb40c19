"""`annotator demo`: the example project, drawn, embedded and opened, without a network."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import typer

from annotator.domain import JobKind
from annotator.errors import ProjectError
from annotator.formats import FORMATS
from annotator.services.creation import create_project
from annotator.settings import PROJECT_FILE, Settings, write_atomically
from annotator.terminal import progress_bar
from annotator.ui.server import serve_project

KNOWN_SHARE = 0.1
"""Share of all pairs whose label the example starts with."""


def run_demo(directory: Path, *, browser: bool, port: int, count: int, seed: int = 0) -> None:
    """Make the example below a directory, if it is not there yet, and serve it until Ctrl-C.

    Args:
        directory: Gets the folders `scenes` (pictures and truth) and `project`.
        browser: Open a browser, if there is one.
        port: Port to listen on; 0 takes a free one.
        count: Pictures to draw.
        seed: Of the pictures and of the choice of known labels.

    Raises:
        ProjectError: If the source tree or the packages that draw the example are missing.
    """
    project = make_demo(directory, count=count, seed=seed)
    serve_project(project, host="127.0.0.1", port=port, browser=browser)


def make_demo(directory: Path, *, count: int = 1200, seed: int = 0) -> Path:
    """Make the example project, complete with features, and return its directory."""
    project = directory / "project"
    if (project / PROJECT_FILE).exists():
        typer.echo(
            f"Using the example in {directory}; delete that folder to start afresh.", err=True
        )
    else:
        _create(directory, project, count, seed)
    from annotator.worker.inline import run_or_follow  # late: torch

    typer.echo("Looking at the pictures (once) ...", err=True)
    with progress_bar("Embedding") as on_progress:
        run_or_follow(project, JobKind.EMBED, {}, device="auto", on_progress=on_progress)
    return project


def _create(directory: Path, project: Path, count: int, seed: int) -> None:
    scenes, hide = _load("make_images"), _load("hide")
    typer.echo("Drawing the pictures ...", err=True)
    try:
        with progress_bar("Drawing") as on_progress:
            drawn = scenes.generate(
                directory / "scenes", count=count, seed=seed, on_progress=on_progress
            )
    except scenes.ScenesError as error:
        raise ProjectError(str(error)) from None
    table = directory / "known.csv"
    known = hide.known_labels(drawn.truth_csv, share=KNOWN_SHARE, seed=seed)
    write_atomically(table, known.encode())
    labels = directory / "known.json"
    _add_groups(drawn.truth_json, table, labels)
    with progress_bar("Reading pictures") as on_progress:
        create_project(
            project,
            drawn.images,
            labels=labels,
            settings=Settings(
                name="Scenes", description="Drawn scenes; a tenth of the labels is known."
            ),
            annotator="example",
            on_progress=on_progress,
        )


def _add_groups(truth: Path, table: Path, target: Path) -> None:
    """Write the labels of a CSV file as COCO, which also knows groups of categories and sizes."""
    everything = FORMATS["coco"].read(truth)
    sizes = {image.file_name: image for image in everything.images}
    known = FORMATS["csv"].read(table)
    images = (
        replace(i, width=sizes[i.file_name].width, height=sizes[i.file_name].height)
        for i in known.images
    )
    file = replace(known, categories=everything.categories, images=tuple(images))
    FORMATS["coco"].write(file, target)


def _load(name: str) -> ModuleType:
    """Import a module from `projects/scenes`, which is beside the packages in a checkout."""
    file = Path(__file__).resolve().parents[1] / "projects" / "scenes" / f"{name}.py"
    if not file.exists():
        raise ProjectError(
            f"The example is drawn by {file}, which is not there; run `annotator demo` from a "
            "checkout of the project."
        )
    full_name = f"scenes_{name}"
    spec = importlib.util.spec_from_file_location(full_name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    spec.loader.exec_module(module)
    return module
