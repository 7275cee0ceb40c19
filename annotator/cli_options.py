"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LARGEST_NUMBER = 2**31 - 1
"""Largest number of a version, of a certificate or of rows; no id is larger."""

ProjectDir = Annotated[Path, typer.Argument(help="Project directory.", metavar="PROJECT")]
By = Annotated[str, typer.Option("--by", help="Name of the annotator; default: your login name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
FormatName = Annotated[
    str | None,
    typer.Option("--format", help="Format of the label file: coco or csv; default: by suffix."),
]
Unlisted = Annotated[
    str,
    typer.Option(help="How to treat categories that the file does not mention: unknown or absent."),
]
MinusOne = Annotated[
    str | None,
    typer.Option(help="What a cell of -1 in a CSV file means: absent or unknown."),
]
Separator = Annotated[
    str | None,
    typer.Option(
        help="What joins the tags in a cell of a CSV file: blank, comma, semicolon, bar, hash, tab "
        "or none; default: what the file shows."
    ),
]
Port = Annotated[
    int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=2**16 - 1)
]
NamesBelow = Annotated[
    str | None,
    typer.Option(
        "--root", help="Image folder that the names in the file are relative to; default: any."
    ),
]
ProgressLines = Annotated[
    bool, typer.Option(help="Write progress lines to stderr, for programs.", hidden=True)
]
NoWorker = Annotated[bool, typer.Option("--no-worker", help="Do not start a background trainer.")]
OpenToAll = Annotated[
    bool,
    typer.Option(
        "--open",
        help="Accept any host name. There are no accounts: everybody may do everything.",
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        help="Address that people open where a proxy is in front of the server, such as "
        "https://label.example.org/labels; its host name is accepted.",
        metavar="URL",
    ),
]
RootPath = Annotated[
    str | None,
    typer.Option(
        help="Path below which a proxy serves the pages, such as /labels; only needed where the "
        "proxy passes it on and --public-url does not say it.",
        metavar="PATH",
    ),
]

Consumer = Annotated[
    str | None,
    typer.Option(
        "--for", help="datumaro: write annotations/instances_SUBSET.json, which it looks for."
    ),
]

Content = Annotated[
    str,
    typer.Option(
        help=(
            "answered; certified: also pairs filled in under a certificate; completed: also "
            "open pairs that the model can decide."
        )
    ),
]

Subset = Annotated[str, typer.Option(help="all images, or labelled: only those with a known pair.")]


def _one_folder(folders: list[Path]) -> list[Path]:
    if len(folders) > 1:
        raise typer.BadParameter(
            "name one folder; add each other one afterwards with "
            "`annotator images PROJECT add FOLDER`"
        )
    return folders


ImageFolder = Annotated[
    list[Path],
    typer.Option(
        help="Image folder, searched recursively.", metavar="<path>", callback=_one_folder
    ),
]
"""Of a new project: one, but a list, so that a second one is not passed over without a word."""
