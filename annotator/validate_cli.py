"""The command that checks a label file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from annotator.cli_options import AsJson, FormatName, MinusOne, Separator
from annotator.terminal import progress_bar, show, validation_text


def validate(
    file: Annotated[Path, typer.Argument(help="Label file.")],
    format: FormatName = None,
    minus_one: MinusOne = None,
    separator: Separator = None,
    as_json: AsJson = False,
) -> None:
    """Check a COCO file with pycocotools, and any label file for what contradicts itself."""
    from annotator.formats.options import ReadOptions
    from annotator.formats.validate import validate as check

    with progress_bar("Checking the file"):
        result = check(file, format, ReadOptions(minus_one=minus_one, separator=separator))
    show(asdict(result), validation_text(file, result), as_json)
    if not result.ok:
        raise typer.Exit(1)
