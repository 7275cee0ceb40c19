"""The commands about what scores pairs besides people and the trained version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli_options import AsJson, NamesBelow, ProjectDir
from annotator.terminal import login, opened, progress_bar, show

if TYPE_CHECKING:
    from annotator.services.predictors.predictors import PredictorRow

predictors_app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the predictor.")]


@predictors_app.callback()
def predictors(context: typer.Context, project: ProjectDir) -> None:
    """Use scores from elsewhere as evidence, weighed by this project's own answers."""
    context.obj = project


@predictors_app.command("list")
def predictors_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List the predictors, with what each one was found to be worth."""
    from annotator.services.predictors.worth import worth_line

    with opened(context.obj) as services:
        rows = services.predictors.rows()
        found = {w["name"]: w for w in services.predictors.worth()["predictors"]}
    shown = [{**row, "worth": found.get(row["name"])} for row in rows]
    lines = [f"{_line(row)} {worth_line(found.get(row['name']))}".rstrip() for row in rows]
    show(shown, "\n".join(lines), as_json)


@predictors_app.command("add")
def predictors_add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="File of scores.")],
    name: Annotated[str, typer.Option(help="Short name; default: that of the file.")] = "",
    format: Annotated[
        str | None,
        typer.Option(help="coco-results, coco, label-studio or csv; default: what the file shows."),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(help="COCO file, or CSV of ids and names, that says what the ids mean."),
    ] = None,
    root: NamesBelow = None,
    scale: Annotated[
        str,
        typer.Option(help="What the scores are: auto, probability, percent, logit or rank."),
    ] = "auto",
    unlisted: Annotated[
        str,
        typer.Option(
            help="What an image and category of the file without a score mean: low or silent."
        ),
    ] = "low",
    as_json: AsJson = False,
) -> None:
    """Add a file of scores (COCO results, COCO, CSV, Label Studio, Open Images)."""
    from annotator.services.predictors.file_scores import FileOptions

    options = FileOptions(
        file=str(file.absolute()),
        format=format,
        names=None if names is None else str(names.absolute()),
        root=root,
        scale=scale,
        unlisted=unlisted,
    )
    with opened(context.obj) as services, progress_bar("Reading the file"):
        row = services.predictors.add(options, name=name, by=login())
    replaced = (
        "" if row["added_at"] == row["refreshed_at"] else "\nIts earlier scores are replaced."
    )
    show(row, f"{_line(row)}\n{row['text']}{replaced}", as_json)


@predictors_app.command("refresh")
def predictors_refresh(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Name; default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read the files again, for new scores, images and categories."""
    with opened(context.obj) as services, progress_bar("Reading the files"):
        rows = services.predictors.refresh(name)
    text = "\n".join(f"{_line(row)}\n{row['text']}" for row in rows)
    show(rows, text or "There is no predictor from a file.", as_json)


@predictors_app.command("remove")
def predictors_remove(context: typer.Context, name: Name) -> None:
    """Remove a predictor; the next version is trained without it."""
    with opened(context.obj) as services:
        services.predictors.remove(name)
    typer.echo(f"Removed {name}.")


@predictors_app.command("trust")
def predictors_trust(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show its suggestions for categories that nobody has answered about yet."""
    with opened(context.obj) as services:
        row = services.predictors.trust(name, True)
    show(row, _line(row), as_json)


@predictors_app.command("distrust")
def predictors_distrust(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Take `trust` back: until there are answers it only orders images."""
    with opened(context.obj) as services:
        row = services.predictors.trust(name, False)
    show(row, _line(row), as_json)


def _line(row: PredictorRow) -> str:
    trusted = " trusted" if row["trusted"] else ""
    since = "" if row["added_at"] is None else f" since {row['added_at'][:10]}"
    by = f" by {row['added_by']}" if row["added_by"] else " built in"
    return f"{row['name']} ({row['kind']}{trusted}{by}{since})"
