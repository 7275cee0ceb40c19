"""The example of drawn scenes, which needs no network."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import typer

from annotator.errors import ProjectError
from annotator.formats import FORMATS
from annotator.services.message import counted
from annotator.services.project.creation import create_project
from annotator.settings import Settings, write_atomically
from annotator.terminal import progress_bar

KNOWN_SHARE = 0.1
"""Share of all pairs whose label the example starts with."""


def create(directory: Path, project: Path, *, count: int, seed: int = 0) -> None:
    """Draw the scenes, hide most of their labels and make a project of them.

    Args:
        directory: Gets the folder `scenes` (pictures and truth) and the known labels.
        project: Directory of the project to be made.
        count: Pictures to draw.
        seed: Of the pictures and of the choice of known labels.

    Raises:
        ProjectError: If the source tree or the packages that draw the example are missing.
    """
    scenes, hide = _load("make_images"), _load("hide")
    typer.echo(f"Drawing {counted(count, 'scene')} ...", err=True)
    try:
        with progress_bar("Drawing") as on_progress:
            drawn = scenes.generate(
                directory / "scenes",
                count=count,
                seed=seed,
                processes=os.cpu_count() or 1,  # the same pixels however many there are
                on_progress=on_progress,
            )
    except scenes.ScenesError as error:
        raise ProjectError(str(error)) from None
    table = directory / "known.csv"
    known = hide.known_labels(drawn.truth_csv, share=KNOWN_SHARE, seed=seed)
    write_atomically(table, known.encode())
    labels = directory / "known.json"
    _add_groups(drawn.truth_json, table, labels)
    typer.echo("Making the project ...", err=True)
    with progress_bar("Reading images") as on_progress:
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
    file = Path(__file__).resolve().parents[2] / "projects" / "scenes" / f"{name}.py"
    if not file.exists():
        raise ProjectError(
            f"The example is drawn by {file}, which is missing; run `annotator demo` from a "
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
