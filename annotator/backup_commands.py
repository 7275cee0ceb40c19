"""The commands that back a project up and restore it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli_options import AsJson, ProgressLines, ProjectDir
from annotator.terminal import opened, progress_bar, show


def backup(
    project: ProjectDir,
    target: Annotated[
        Path,
        typer.Argument(
            help="New file that ends in .zip, or a folder for dated files.", metavar="FILE|FOLDER"
        ),
    ],
    without_features: Annotated[
        bool,
        typer.Option(
            "--without-features",
            help="Leave out the features, which can be computed again from the images.",
        ),
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(help="Delete all but so many backups of this project in the folder.", min=1),
    ] = None,
    as_json: AsJson = False,
    progress_lines: ProgressLines = False,
) -> None:
    """Back up everything but the images in one checked zip file; labelling can continue."""
    from annotator.services.backup.creation import back_up

    bar = progress_bar("Copying the database", lines=progress_lines)
    with opened(project) as services, bar as on_progress:
        made = back_up(
            services.project,
            services.store,
            target,
            features=not without_features,
            keep=keep,
            on_progress=on_progress,
        )
    show(made.row(), made.text(), as_json)


def restore(
    file: Annotated[Path, typer.Argument(help="Backup made by `annotator backup`.")],
    project: Annotated[Path, typer.Argument(help="New project directory.", metavar="PROJECT")],
    without_features: Annotated[
        bool,
        typer.Option(
            "--without-features", help="Leave out the features; the trainer computes them again."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new project from a backup; nothing is overwritten."""
    from annotator.services.backup.restoring import restore as restored

    with progress_bar("Restoring the backup") as on_progress:
        made = restored(file, project, features=not without_features, on_progress=on_progress)
    show(made.row(), made.text(), as_json)
