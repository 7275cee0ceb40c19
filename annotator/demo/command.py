"""The command `annotator demo` with its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annotator.cli_options import Port


def demo(
    dataset: Annotated[
        str,
        typer.Option(help="scenes: drawn here; voc2007: photographs, downloaded once (460 MB)."),
    ] = "scenes",
    directory: Annotated[Path, typer.Option("--dir", help="Folder of the example project.")] = Path(
        "demo"
    ),
    browser: Annotated[bool, typer.Option(help="Open a browser, if there is one.")] = True,
    port: Port = 7860,
    count: Annotated[int, typer.Option(help="Scenes to draw.", min=1)] = 1200,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with VOCdevkit, or to download it to; default: your cache folder."
        ),
    ] = None,
) -> None:
    """Create an example set of images, hide most of its labels and open it."""
    from annotator.demo.example import run_demo

    run_demo(dataset, directory, browser=browser, port=port, count=count, data=data)
