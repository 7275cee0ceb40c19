"""The command line: parse, call one service, print; results go to stdout, the rest to stderr."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from annotator.backup_commands import backup, restore
from annotator.catalog_commands import categories_app, images_app
from annotator.certify_cli import certify_app, rollback
from annotator.cli_options import (
    LARGEST_NUMBER,
    AsJson,
    By,
    Consumer,
    Content,
    FormatName,
    MinusOne,
    NamesBelow,
    NoWorker,
    OpenToAll,
    Port,
    ProgressLines,
    ProjectDir,
    PublicUrl,
    RootPath,
    Separator,
    Subset,
    Unlisted,
)
from annotator.demo.command import demo
from annotator.domain import JobKind, State
from annotator.errors import AnnotatorError
from annotator.former_options import FormerOptionsGroup
from annotator.predictor_commands import predictors_app
from annotator.setup_cli import doctor, init
from annotator.simulate.command import simulate
from annotator.terminal import key_lines, login, opened, progress_bar, show, suggestion_line
from annotator.validate_cli import validate

app = typer.Typer(
    cls=FormerOptionsGroup,
    help="Annotate multi-label images with active learning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


app.command()(init)


@app.command("import")
def import_labels(
    project: ProjectDir,
    file: Annotated[Path, typer.Argument(help="Label file.")],
    format: FormatName = None,
    unlisted: Unlisted = "unknown",
    root: NamesBelow = None,
    minus_one: MinusOne = None,
    separator: Separator = None,
    dry_run: Annotated[bool, typer.Option(help="Only preview the import.")] = False,
    by: By = "",
    as_json: AsJson = False,
    progress_lines: ProgressLines = False,
) -> None:
    """Import labels from a file; answers that people gave in the project are kept.

    Labelling can continue meanwhile. Ctrl-C rolls the import back.
    """
    from annotator.formats.options import ReadOptions

    options = ReadOptions(unlisted=unlisted, minus_one=minus_one, separator=separator)
    bar = progress_bar("Reading the file", lines=progress_lines)
    with opened(project) as services, bar as on_progress, _no_collections():
        if dry_run:
            summary = services.transfer.preview(file, format=format, options=options, root=root)
        else:
            summary = services.transfer.import_file(
                file,
                format=format,
                options=options,
                root=root,
                annotator=by or login(),
                on_progress=on_progress,
            )
    show(summary.row(), key_lines(summary.row()), as_json)


@app.command()
def export(
    project: ProjectDir,
    out: Annotated[Path, typer.Option(help="Directory to write to.")],
    format: Annotated[list[str], typer.Option(help="coco or csv; may be repeated.")] = ["coco"],  # noqa: B006
    content: Content = "answered",
    subset: Subset = "all",
    consumer: Consumer = None,
    as_json: AsJson = False,
    progress_lines: ProgressLines = False,
) -> None:
    """Export the labels of a project to files."""
    bar = progress_bar("Writing labels", lines=progress_lines)
    with opened(project) as services, bar as on_progress:
        files = services.transfer.export(
            out,
            formats=format,
            content=content,
            subset=subset,
            consumer=consumer,
            on_progress=on_progress,
        )
        note = services.transfer.export_counts(content)["note"] if "coco" in format else ""
    if note:
        typer.echo(note, err=True)
    show([str(f) for f in files], "\n".join(f"wrote {f}" for f in files), as_json)


@app.command()
def serve(
    project: ProjectDir,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 7860,
    no_worker: NoWorker = False,
    open_to_all: OpenToAll = False,
    public_url: PublicUrl = None,
    root_path: RootPath = None,
    device: Device = "auto",
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = False,
) -> None:
    """Open the labelling pages, of a project or a folder of projects, and start the trainer."""
    typer.echo(f"Opening {project} ...", err=True)  # the imports alone take seconds
    from annotator.ui.server import serve as serve_pages
    from annotator.ui.web.public_address import PublicAddress

    serve_pages(
        project,
        host=host,
        port=port,
        worker=not no_worker,
        open_to_all=open_to_all,
        public=PublicAddress.read(public_url, root_path),
        device=device,
        browser=browser,
    )


@app.command()
def work(
    project: ProjectDir,
    once: Annotated[bool, typer.Option(help="Run what is due now, then exit.")] = False,
    device: Device = "auto",
    supervised: Annotated[
        bool, typer.Option(help="Exit when standard input closes.", hidden=True)
    ] = False,
) -> None:
    """Run a background trainer for a project."""
    from annotator.worker import work as run_worker  # late: the only package that imports torch

    for job in run_worker(project, once=once, device=device, supervised=supervised):
        typer.echo(f"{job.kind.value}: {job.message}")


@app.command()
def embed(project: ProjectDir, device: Device = "auto") -> None:
    """Compute the features of the images; resumes where it was stopped."""
    _run_job(project, JobKind.EMBED, {}, device, as_json=False)


@app.command()
def train(
    project: ProjectDir,
    method: Annotated[
        str | None,
        typer.Option(help="See `mlrpl methods`; `auto`: several. Default: the project's."),
    ] = None,
    finetune: Annotated[
        bool | None,
        typer.Option(
            "--finetune/--no-finetune",
            help="Fine-tune the backbone or not; default: as in the settings.",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="Method parameter such as penalty=0.3; may be repeated. The Train page lists them."
        ),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a new version from the labels known so far."""
    from annotator.services.training.control import training_options
    from annotator.services.training.method_options import numbers_in
    from annotator.settings import load_project  # late: pydantic

    usual = load_project(project).settings.method
    options = training_options(method, finetune, numbers_in(option or []), usual=usual)
    _run_job(project, JobKind.TRAIN, options, device, as_json=as_json)


@app.command()
def suggest(
    project: ProjectDir,
    image: Annotated[str | None, typer.Option(help="Only this image, all categories.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    limit: Annotated[
        int, typer.Option(help="Maximum number; 0 for all.", min=0, max=LARGEST_NUMBER)
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """List the suggestions for open pairs, most likely first."""
    from annotator.services.commands import list_suggestions

    with opened(project) as services:
        rows = list_suggestions(services, image=image, category=category, limit=limit)
    show(rows, "\n".join(suggestion_line(r) for r in rows) or "No suggestions.", as_json)


@app.command()
def answer(
    project: ProjectDir,
    image: Annotated[str, typer.Option(help="File name of the image.")],
    category: Annotated[str, typer.Option(help="Name of the category.")],
    state: Annotated[State, typer.Option(help="Your answer.")],
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Record one answer, as a key press on the page would."""
    from annotator.services.commands import answer_by_name

    with opened(project) as services:
        row = answer_by_name(
            services, image=image, category=category, state=state, annotator=by or login()
        )
    text = f"{row['category']} is {row['state']} on {row['image']}"
    if row["merged"]:
        text += f"; {row['merged']!r} is merged into it"
    show(row, text, as_json)


@app.command()
def status(project: ProjectDir, as_json: AsJson = False) -> None:
    """Show progress, label quality and what the trainer does.

    With `--json`, `quality` holds the inter-annotator agreement and `goal` the effect of an hour of
    work; docs/quality.md explains the fields.
    """
    from annotator.services.commands import status as status_of
    from annotator.services.commands import status_text

    with opened(project) as services:
        row = status_of(services)
    show(row, status_text(row), as_json)


@app.command()
def versions(
    project: ProjectDir,
    promote: Annotated[
        int | None,
        typer.Option(help="Number of the version to use.", min=1, max=LARGEST_NUMBER),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the trained versions, or promote one: its suggestions are then shown."""
    from annotator.services.commands import version_line

    with opened(project) as services:
        if promote is not None:
            typer.echo(services.training.promote(login(), promote)["message"], err=as_json)
        rows = services.progress.overview()["versions"]
    show(rows, "\n".join(map(version_line, rows)) or "No version yet.", as_json)


app.command()(doctor)
app.command()(backup)
app.command()(restore)
app.command()(demo)
app.command()(simulate)
app.command()(validate)


app.command()(rollback)
app.add_typer(certify_app, name="certify")
app.add_typer(images_app, name="images")
app.add_typer(categories_app, name="categories")
app.add_typer(predictors_app, name="predictors")


def main() -> None:
    """Run the command line; refusals are one sentence on stderr and an exit status above 0."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("httpx", "alembic", "PIL"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        app()
    except AnnotatorError as error:
        typer.echo(str(error), err=True)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run_job(
    project: Path, kind: JobKind, options: dict[str, Any], device: str, *, as_json: bool
) -> None:
    from annotator.worker.foreground import run_or_follow  # late: torch

    with progress_bar(kind.value.capitalize()) as on_progress:
        row, text = run_or_follow(project, kind, options, device=device, on_progress=on_progress)
    show(row, text, as_json)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Keep Python from looking for garbage among millions of records that all are in use.

    Each such search would hold the database for half a second.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
