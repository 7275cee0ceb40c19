"""The example of PASCAL VOC 2007: photographs of 20 categories, fetched once."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path

import typer
from PIL import Image

from annotator.domain import State
from annotator.errors import NotFound
from annotator.formats import FORMATS
from annotator.formats.records import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.services.project.creation import create_project
from annotator.settings import Settings
from annotator.terminal import progress_bar

KNOWN_SHARE = 0.1
"""Share of all pairs whose label the example starts with."""
GROUPS = {
    "person": ("person",),
    "animal": ("bird", "cat", "cow", "dog", "horse", "sheep"),
    "vehicle": ("aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"),
    "indoor": ("bottle", "chair", "diningtable", "pottedplant", "sofa", "tvmonitor"),
}
"""The challenge's 20 categories in its own four groups."""
LAYOUT = Path("VOCdevkit") / "VOC2007"
"""Where the set lies below a folder, as its archive and torchvision have it."""

Fetch = Callable[[Path], None]
"""Downloads and unpacks the set below a folder; raises OSError, RuntimeError or HTTPException."""

_STATES = {"1": State.PRESENT, "-1": State.ABSENT}


def cache_folder() -> Path:
    """Return the folder below the user's cache that fetched data sets go to."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "partial-label-annotator"


def download(folder: Path) -> None:
    """Fetch and unpack the 5,011 photographs of `trainval` with torchvision's downloader."""
    from torchvision.datasets import VOCDetection  # late: torch

    VOCDetection(str(folder), year="2007", image_set="trainval", download=True)


def create(project: Path, data: Path, *, fetch: Fetch = download, seed: int = 0) -> None:
    """Make a project of the photographs, with most of their labels hidden.

    Args:
        project: Directory of the project to be made; the known labels go beside it.
        data: Folder that has `VOCdevkit/VOC2007`, or gets it.
        fetch: How to get it.
        seed: Of the choice of known labels.

    Raises:
        NotFound: If the set is not there and cannot be fetched, or lacks a file.
    """
    folder = _fetched(data, fetch)
    labels = project.with_name(f"{project.name}-known.json")
    labels.parent.mkdir(parents=True, exist_ok=True)
    FORMATS["coco"].write(known_labels(folder, seed=seed), labels)
    with progress_bar("Reading images") as on_progress:
        create_project(
            project,
            folder / "JPEGImages",
            labels=labels,
            settings=Settings(
                name="VOC 2007", description="Photographs; a tenth of the labels is known."
            ),
            annotator="example",
            on_progress=on_progress,
        )


def known_labels(folder: Path, *, share: float = KNOWN_SHARE, seed: int = 0) -> LabelFile:
    """Return a random share of the labels of `trainval`.

    An image that shows a category in difficult objects only is unknown there, as the challenge
    ignores them; such pairs are no part of the share.

    Args:
        folder: `VOC2007`, with `ImageSets/Main/CATEGORY_trainval.txt` and `JPEGImages`.
        share: Of all pairs that the challenge labels, present and absent alike, 0 to 1.
        seed: Same seed, same pairs.

    Raises:
        NotFound: If a file is missing or broken.
    """
    names = sorted(name for group in GROUPS.values() for name in group)
    group_of = {name: group for group, members in GROUPS.items() for name in members}
    pairs = [(image, name, state) for name in names for image, state in _listed(folder, name)]
    kept = random.Random(seed).sample(pairs, round(share * len(pairs)))
    known: dict[str, list[PairRecord]] = {image: [] for image, _, _ in pairs}
    for image, name, state in sorted(kept):
        known[image].append(PairRecord(name, state))
    return LabelFile(
        categories=tuple(CategoryRecord(name=name, supercategory=group_of[name]) for name in names),
        images=tuple(_image(folder, name, tuple(found)) for name, found in known.items()),
    )


def _fetched(data: Path, fetch: Fetch) -> Path:
    """Return the set's folder; what is unpacked appears under its name when it is whole."""
    folder = data / LAYOUT
    if folder.is_dir():
        return folder
    typer.echo(f"Downloading VOC 2007 into {data} ...", err=True)
    unfinished = data / "unfinished"
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        fetch(unfinished)
        folder.parent.mkdir(exist_ok=True)
        (unfinished / LAYOUT).rename(folder)
    except (OSError, RuntimeError, HTTPException) as error:
        raise NotFound(
            f"PASCAL VOC 2007 cannot be downloaded ({error}); connect to the network, name a "
            "folder that has VOCdevkit with --data, or run `annotator demo` without --dataset, "
            "which needs no network."
        ) from error
    shutil.rmtree(unfinished)
    return folder


def _listed(folder: Path, category: str) -> Iterator[tuple[str, State]]:
    """Yield the images that the challenge labels for a category; 0 means difficult."""
    path = folder / "ImageSets" / "Main" / f"{category}_trainval.txt"
    try:
        rows = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line]
        for image, value in rows:
            if value != "0":
                yield image, _STATES[value]
    except (OSError, ValueError, KeyError):
        raise NotFound(
            f"{path} is missing or no list of images with 1, 0 or -1; delete {folder} and run the "
            "command again to download the set again."
        ) from None


def _image(folder: Path, name: str, pairs: tuple[PairRecord, ...]) -> ImageRecord:
    file = f"{name}.jpg"
    try:
        with Image.open(folder / "JPEGImages" / file) as picture:
            width, height = picture.size
    except OSError as error:
        raise NotFound(
            f"{folder / 'JPEGImages' / file} cannot be read ({error}); delete {folder} and run "
            "the command again to download the set again."
        ) from None
    return ImageRecord(file_name=file, pairs=pairs, width=width, height=height)
