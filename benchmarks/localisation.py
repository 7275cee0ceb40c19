"""How often the map of a suggestion points at the thing, on pictures whose boxes are known.

Draws the scenes example, trains the default method on its tenth of the labels, and looks at every
pair that the version suggests and the truth says is present: does the peak of the map lie inside a
box of the category? A box that holds the middle of no place of the map cannot be hit strictly, so
a second column counts a peak whose place touches a box. Chance is the share of places that would
count. `--project` and `--truth` (COCO with boxes) measure another project with a version.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays.evidence import map_of, map_shape
from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import features_path
from annotator.demo.example import make_demo
from annotator.domain import JobKind
from annotator.services.app import Services
from annotator.store import categories, images
from annotator.worker.evidence import fit_where
from annotator.worker.foreground import run_or_follow

Boxes = dict[tuple[int, int], list[tuple[float, float, float, float]]]
"""Left, top, right, bottom as shares of the picture, by image ordinal and category ordinal."""


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="a project with a version; default: scenes")
    parser.add_argument("--truth", type=Path, help="COCO file with the boxes of its pictures")
    parser.add_argument("--count", type=int, default=1200, help="scenes to draw")
    parser.add_argument("--all", action="store_true", help="a row a category as well")
    return parser.parse_args()


def scenes(folder: Path, count: int) -> tuple[Path, Path]:
    """Draw the example, train it, and return the project and its truth."""
    project = make_demo("scenes", folder, count=count)
    run_or_follow(project, JobKind.TRAIN, {}, device="cpu")
    return project, folder / "scenes" / "truth" / "truth.json"


def boxes_of(truth: Path, by_path: dict[str, int], by_name: dict[str, int]) -> Boxes:
    """Return the boxes of all present pairs of a project."""
    content = json.loads(truth.read_text())
    names = {c["id"]: c["name"] for c in content["categories"]}
    pictures = {i["id"]: i for i in content["images"]}
    boxes: Boxes = defaultdict(list)
    for annotation in content["annotations"]:
        picture = pictures[annotation["image_id"]]
        row = by_path.get(picture["file_name"])
        column = by_name.get(names[annotation["category_id"]])
        if row is not None and column is not None:
            x, y, w, h = annotation["bbox"]
            wide, high = picture["width"], picture["height"]
            boxes[row, column].append((x / wide, y / high, (x + w) / wide, (y + h) / high))
    return dict(boxes)


def inside(boxes: list[Any], shape: tuple[int, int], margin: float) -> np.ndarray:
    """Return which places `(rows, columns)` lie in a box widened by a share of a place."""
    rows, columns = shape
    y, x = (np.arange(rows) + 0.5)[:, None] / rows, (np.arange(columns) + 0.5) / columns
    dy, dx = margin / rows, margin / columns
    hit = np.zeros(shape, dtype=bool)
    for left, top, right, bottom in boxes:
        hit |= (x > left - dx) & (x < right + dx) & (y > top - dy) & (y < bottom + dy)
    return hit


def measured(project: Path, truth: Path) -> tuple[dict[str, list[list[float]]], dict[str, float]]:
    """Return hit, chance, touched and its chance of every pair by category; and what is explained.

    Raises:
        SystemExit: If the project has no version with a token map.
    """
    services = Services.open(project)
    try:
        with services.store.reading() as tx:
            number, arrays = services.suggestions.current(tx)
            names = {c.ordinal: c.name for c in categories.every(tx)}
            ordinals = {i.id: i.ordinal for i in images.every(tx)}
            paths = images.paths_of(tx)
        features = FeatureFiles.open(features_path(services.project, number))
    finally:
        services.close()
    if arrays is None or features is None:
        raise SystemExit("The project has no version with scores; run `annotator train` first.")
    where = fit_where(features, np.asarray(arrays.scores))
    shape = map_shape(features.tokens.shape[1])
    if where is None or shape is None:
        raise SystemExit("The project's backbone has no token map, so there is nothing to measure.")
    by_path = {p.path: ordinals[i] for i, listed in paths.items() for p in listed}
    boxes = boxes_of(truth, by_path, {name: o for o, name in names.items()})
    found: dict[str, list[list[float]]] = defaultdict(list)
    suggested = arrays.suggested(np.asarray(arrays.scores))
    for (row, ordinal), own in boxes.items():
        column = arrays.columns.get(ordinal)
        if column is None or row >= len(suggested) or not suggested[row, column]:
            continue
        grid = map_of(features.tokens[row], where.directions[column])
        masks = inside(own, shape, 0), inside(own, shape, 0.5)
        peak = np.unravel_index(grid.argmax(), shape)
        found[names[ordinal]].append([float(v) for m in masks for v in (m[peak], m.mean())])
    explained = {names[o]: float(where.explained[j]) for o, j in arrays.columns.items()}
    return found, explained


def main() -> None:
    """Measure and print a table."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        made = None if options.project else scenes(Path(folder), options.count)
        project, truth = made or (options.project, options.truth)
        found, explained = measured(project, truth)
    every = [pair for pairs in found.values() for pair in pairs]
    print(f"{'':24}{'pairs':>7}{'inside':>9}{'chance':>9}{'touches':>9}{'chance':>9}{'R2':>7}")
    table = [(n, found[n], explained[n]) for n in sorted(found)] if options.all else []
    table.append(("all suggested", every, float(np.nanmedian(list(explained.values())))))
    for name, pairs, told in table:
        shares = "".join(f"{100 * v:8.1f}%" for v in np.mean(pairs, axis=0))
        print(f"{name:24}{len(pairs):7}{shares}{told:7.2f}")


if __name__ == "__main__":
    main()
