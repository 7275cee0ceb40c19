"""A file of scores becomes a table of a project's images and categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import Category
from annotator.errors import AnnotatorError, FormatError
from annotator.formats import predictions
from annotator.formats.json_shapes import Identifier
from annotator.formats.predictions import PredictionFile
from annotator.formats.records import ImageRecord
from annotator.services.catalogue.archived import Archived
from annotator.services.catalogue.lookup import CategoryNames, nearest
from annotator.services.catalogue.picture_names import PictureNames
from annotator.services.exchange.import_summary import advice, first
from annotator.services.exchange.name_matching import (
    MatchedNames,
    folder_of,
    match_names,
    root_named,
)
from annotator.services.message import counted
from annotator.services.predictors.scales import (
    BELOW,
    as_logits,
    doubt_about,
    scale_named,
    scale_of,
)
from annotator.settings import Project
from annotator.store import Transaction, categories, images

EXAMPLES = 5
"""Names of each kind that are kept and shown."""
_COCO_DIGITS = 12
"""COCO's own file names are ids with as many digits."""

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How a file of scores is read; kept so that it can be read again."""

    file: str
    """Absolute path."""
    format: str | None = None
    names: str | None = None
    """Absolute path of the file that says what ids mean."""
    root: str | None = None
    scale: str = "auto"
    unlisted: str = "low"
    """What a pair of an image and a category of the file is that it has no score for: `low`, which
    is below all that it lists, or `silent`."""

    def __post_init__(self) -> None:
        scale_named(self.scale)
        if self.unlisted not in ("low", "silent"):
            raise AnnotatorError(f"--unlisted must be low or silent, got {self.unlisted!r}.")

    def row(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def scores_of_file(
    tx: Transaction, project: Project, options: FileOptions
) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
    """Return scores `(images, categories)` by ordinal, NaN where silent, and what was found.

    Raises:
        FormatError: If the file cannot be read, or no image or no category of it is the project's.
        NotFound: If there is no such file or root.
    """
    path = Path(options.file)
    names = None if options.names is None else Path(options.names)
    content = predictions.read(path, format=options.format, names=names)
    root = root_named(options.root, project.root_paths)
    rows, report = _rows(tx, project, path, content.images, root)
    listed = categories.every(tx, archived=True)
    columns, unknown = _columns(tx, content.categories, listed)
    if not len(columns[columns >= 0]):
        raise FormatError(
            f"{path}: none of its {counted(len(unknown), 'category', 'categories')}, such as "
            f"{unknown[0]!r}, is in this project: {nearest(str(unknown[0]), _names(listed))}; "
            "rename, add an alias, or say what ids mean with --names."
        )
    named = scale_named(options.scale)
    scale = named or scale_of(content.score)
    doubt = "" if named else doubt_about(content.score, scale)
    values = as_logits(content.score, scale)
    shape = images.count_all(tx), len(listed)
    scores = _table(content, values, rows, columns, shape, low=options.unlisted == "low")
    report |= {
        "file": str(path),
        "scores": len(content.score),
        "used": int(((rows[content.image] >= 0) & (columns[content.category] >= 0)).sum()),
        "categories": int((columns >= 0).sum()),
        "unknown": [str(name) for name in unknown[:EXAMPLES]],
        "unknown_count": len(unknown),
        "scale": scale.value,
        "notes": [*content.notes, *([doubt] if doubt else [])],
    }
    return scores, report


def _table(
    content: PredictionFile,
    values: Floats,
    rows: Places,
    columns: Places,
    shape: tuple[int, int],
    *,
    low: bool,
) -> npt.NDArray[np.float32]:
    scores = np.full(shape, np.nan, np.float32)
    if low:
        mine = np.ix_(np.unique(rows[rows >= 0]), np.unique(columns[columns >= 0]))
        scores[mine] = values.min() - BELOW
    usable = (rows[content.image] >= 0) & (columns[content.category] >= 0)
    place = rows[content.image[usable]], columns[content.category[usable]]
    scores[place] = np.nan_to_num(scores[place], nan=-np.inf)
    np.maximum.at(scores, place, values[usable].astype(np.float32))
    return scores


def _rows(
    tx: Transaction, project: Project, path: Path, listed: Sequence[Identifier], root: str | None
) -> tuple[Places, dict[str, Any]]:
    """Return the ordinal of each image of a file, -1 without, and what is to be said about them.

    Raises:
        FormatError: If there is none.
    """
    paths = images.every_path(tx)
    by_id = {p.coco_id: p for p in paths if p.coco_id is not None and p.image_id is not None}
    found: dict[Identifier, int] = {
        number: image for number in listed if (image := _of_id(by_id, number)) is not None
    }
    spelled = {_name(number): number for number in listed if number not in found}
    records = [ImageRecord(file_name=name) for name in spelled]
    known = PictureNames(paths, project.root_paths)
    names = match_names(records, known, root, folder_of(path, project.root_paths))
    for record, match in names.matched:
        assert match.image_id is not None  # what is matched holds an image
        found[spelled[record.file_name]] = match.image_id
    if not found:
        example = next((known.written(p) for p in paths if p.image_id is not None), "")
        raise FormatError(_about_other_images(path, listed, names, example))
    ordinals = {image.id: image.ordinal for image in images.every(tx)}
    rows = np.array([ordinals.get(found.get(number, 0), -1) for number in listed], np.int64)
    return rows, {
        "images": len(listed),
        "matched": len(found),
        "unmatched": list(names.unmatched[:EXAMPLES]),
        "unmatched_count": len(names.unmatched),
        "left_out": [*names.ambiguous, *names.left_out][:EXAMPLES],
        "left_out_count": len(names.ambiguous) + len(names.left_out),
        "to_decide": advice(names.by_root) if names.ambiguous else "",
    }


def _of_id(by_id: Mapping[int, Any], number: Identifier) -> int | None:
    path = by_id.get(number) if isinstance(number, int) else None
    return None if path is None else int(path.image_id)


def _name(number: Identifier) -> str:
    return f"{number:0{_COCO_DIGITS}d}" if isinstance(number, int) else number


def _about_other_images(
    path: Path, listed: Sequence[Identifier], names: MatchedNames, example: str
) -> str:
    told = [*names.ambiguous, *names.left_out]
    if told:
        return f"{path}: no image of it can be told to be one of this project: {first(told)}."
    if all(isinstance(number, int) for number in listed):
        return (
            f"{path} names its images by numbers, such as {listed[0]}, which this project does not "
            "know; name the COCO file that lists them with --names."
        )
    return (
        f"{path} is about other images: none of the {len(listed)} that it names, such as "
        f"{listed[0]!r}, is in this project, whose names look like {example!r}."
    )


def _columns(
    tx: Transaction, listed: Sequence[Identifier], known: Sequence[Category]
) -> tuple[Places, list[Identifier]]:
    """Return the ordinal of each category of a file, -1 without, and those without."""
    names, archived = CategoryNames(known), Archived(tx)
    by_id = {c.id: c for c in known}
    by_coco_id = {c.coco_id: c for c in known if c.coco_id is not None}
    columns = np.full(len(listed), -1, np.int64)
    unknown: list[Identifier] = []
    for place, number in enumerate(listed):
        found = by_coco_id.get(number) if isinstance(number, int) else names.find(number)
        if found is None:
            unknown.append(number)
        else:
            columns[place] = by_id[archived.target(found.id) or found.id].ordinal
    return columns, unknown


def _names(listed: Sequence[Category]) -> list[str]:
    return [c.name for c in listed if not c.archived]
