"""The commands that begin a project and look whether all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli_options import (
    AsJson,
    By,
    FormatName,
    ImageFolder,
    MinusOne,
    ProjectDir,
    Separator,
    Unlisted,
)
from annotator.terminal import login, progress_bar, show


def init(
    project: ProjectDir,
    images: ImageFolder,
    categories: Annotated[
        str | None, typer.Option(help="Names separated by commas, or a file with one per line.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Label file to import (COCO, CSV, TSV).")
    ] = None,
    format: FormatName = None,
    unlisted: Unlisted = "unknown",
    minus_one: MinusOne = None,
    separator: Separator = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Backbone network that computes image features; see the settings. Default: the "
            "best of those installed that is quick enough here, by a short measurement."
        ),
    ] = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Create a project from a folder of images."""
    from annotator.formats.options import ReadOptions
    from annotator.services.project.creation import create_project, read_category_names
    from annotator.settings import Settings, changed  # late: pydantic

    named = {} if backbone is None else {"backbone": backbone}
    with progress_bar("Reading images") as on_progress:
        made = create_project(
            project,
            images[0],
            names=read_category_names(categories) if categories is not None else (),
            labels=labels,
            format=format,
            options=ReadOptions(unlisted=unlisted, minus_one=minus_one, separator=separator),
            annotator=by or login(),
            settings=changed(Settings(), {"name": project.absolute().name, **named}),
            on_progress=on_progress,
            on_import=on_progress,
        )
    row, text = made.row(), made.text()
    if backbone is None:
        from annotator.worker.backbone_choice import choose  # late: torch

        with progress_bar("Choosing a backbone"):
            choice = choose(made.images)
        made.use_backbone(choice.backbone)
        text = f"{choice.sentence}\n{text}"
    show({**row, "backbone": made.project.settings.backbone}, text, as_json)


def doctor(
    project: Annotated[Path | None, typer.Argument(help="Project directory.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make damaged features and scores again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the installation and, with a project, database, files and trainer; repair counters.

    Without a project it also measures how fast features are computed here.
    """
    from annotator.services.doctor import examine

    if repair and project is None:
        raise typer.BadParameter("name the project to repair: annotator doctor PROJECT --repair")
    with progress_bar("Examining"):
        findings = examine(project, repair=repair)
        if project is None and not any(f.bad for f in findings):
            from annotator.worker.inference_speed import measured  # late: torch

            findings.append(measured())
    show([f.row() for f in findings], "\n".join(f.text() for f in findings), as_json)
    if any(f.bad for f in findings):
        raise typer.Exit(1)
