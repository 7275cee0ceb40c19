"""The command `mlrpl`: what the library has to offer."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from mlrpl.methods import describe, names

app = typer.Typer(
    help="Methods that learn from partial multi-label annotations.",
    no_args_is_help=True,
    add_completion=False,
)


@app.callback()
def library() -> None:
    """Methods that learn from partial multi-label annotations."""


@app.command()
def methods(
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
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


def main() -> None:
    """Run the command line."""
    app()
