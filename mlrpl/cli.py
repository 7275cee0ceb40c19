"""The command `mlrpl`: what the library has to offer, and experiments with it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from mlrpl import datasets
from mlrpl.experiments.commands import bench, evaluate, train
from mlrpl.methods import describe, names

app = typer.Typer(
    help="Methods that learn from partial multi-label annotations.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(bench)
app.command()(train)
app.command()(evaluate)


@app.callback()
def library() -> None:
    """Methods that learn from partial multi-label annotations."""


@app.command()
def methods(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the methods, with their papers and the defaults of their options."""
    found = [describe(name) for name in names()]
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
        return
    for each in found:
        typer.echo(f"{each.name}: {each.summary}\n  paper: {each.paper}")
        typer.echo(f"  reads: {'token maps' if each.needs_tokens else 'pooled features'}")
        for title, values in (("options", each.options), ("training", each.training)):
            listed = ", ".join(f"{name}={value}" for name, value in values.items())
            typer.echo(f"  {title}: {listed or 'none'}")


@app.command("datasets")
def list_datasets() -> None:
    """List the data sets, with the files that each one is made of."""
    for name in datasets.names():
        typer.echo(f"{name}: {datasets.layout(name)}\n")


def main() -> None:
    """Run the command line; refusals are one sentence on stderr and exit status 1."""
    try:
        app()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (ValueError, OSError) as error:
        typer.echo(" ".join(str(error).split()), err=True)
        sys.exit(1)
