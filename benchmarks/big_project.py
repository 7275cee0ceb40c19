"""Builds the project that the screens are measured on: 100,000 images x 200 categories.

    python benchmarks/big_project.py [--images 100000] [--categories 200] [--seed 0]

Rows, labels, scores and search vectors are drawn; the pictures are real files of 12 megapixels, a
few dozen of them under 100,000 names (hard links), so that decoding costs what it costs. What is
there already is kept; a build that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.arrays import versions as version_files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import VersionParameters
from annotator.domain import JobKind, JobState, OperationKind, Source, State
from annotator.images.thumbnails import WIDTHS, thumbnail, thumbnail_path
from annotator.settings import Project, Settings, save_project
from annotator.store import Store, Transaction, annotators, categories, images, jobs, versions
from annotator.store.repair import recount
from annotator.store.tables import SOURCES, STATES

OUT = Path(__file__).resolve().parent / "out" / "big"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 50_000
"""Rows that are inserted at a time."""
SHARED = 1_000
"""Images in one folder of pictures."""
PLACES = ("kitchen", "street", "harbour", "garden", "workshop")

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Size:
    """What is built."""

    images: int = 100_000
    categories: int = 200
    originals: int = 48
    pixels: tuple[int, int] = (4000, 3000)
    labels_per_image: int = 20
    seed: int = 0

    @property
    def finished(self) -> int:
        """Images that somebody has been through: half of all labels lie on them, every pair."""
        return max(1, self.images * self.labels_per_image // (2 * self.categories))


def build(folder: Path, size: Size) -> Path:
    """Return the project in a folder, built as far as it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    _originals(folder / "originals", size)
    _links(folder / "originals", folder / "pictures", size)
    project = folder / "project"
    if not project.exists():
        partial = folder / "project.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _project(partial, size)
        partial.rename(project)
    _small_pictures(folder / "originals", project, size)
    return project


def fresh_copy(project: Path, target: Path, *, bare: bool = False) -> Path:
    """Return a copy to work in: its own database, the same arrays, nothing prepared by the pages.

    Args:
        project: As it was built.
        target: A folder for the copy; what it holds is deleted.
        bare: Leave out the smallest pictures as well, which the worker makes when it embeds.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in ("project.toml", "labels.db"):
        shutil.copy2(project / name, target / name)
    for name in ("features", "versions"):
        (target / name).symlink_to((project / name).resolve())
    if not bare:
        (target / "thumbnails").mkdir()
        small = project / "thumbnails" / str(WIDTHS[0])
        (target / "thumbnails" / str(WIDTHS[0])).symlink_to(small.resolve())
    return target


def _originals(folder: Path, size: Size) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(size.originals):
        target = folder / f"{number:03d}.jpg"
        if not target.exists():
            rng = np.random.default_rng([size.seed, number])
            partial = folder / f".{number:03d}.partial"
            photograph(rng, size.pixels).save(partial, "JPEG", quality=90)
            partial.rename(target)


def photograph(rng: np.random.Generator, pixels: tuple[int, int]) -> Image.Image:
    """Return something as hard to decode as a photograph: shapes of all sizes, edges and grain."""
    width, height = pixels
    total = np.zeros((height, width, 3), np.float32)
    for level, strength in ((3, 60.0), (12, 40.0), (60, 22.0), (400, 10.0)):
        tile = rng.integers(0, 256, (max(2, level * height // width), level, 3), dtype=np.uint8)
        grown = Image.fromarray(tile).resize(pixels, Image.Resampling.BICUBIC)
        total += (np.asarray(grown, np.float32) - 128) * (strength / 74)
    for _ in range(25):
        left, top = rng.integers(0, width), rng.integers(0, height)
        right, bottom = left + rng.integers(1, width // 3), top + rng.integers(1, height // 3)
        total[top:bottom, left:right] += rng.normal(0, 35, 3)
    total += rng.normal(0, 5, (height, width, 1)).astype(np.float32)
    return Image.fromarray(np.clip(total + 120, 0, 255).astype(np.uint8))


def _name(number: int) -> str:
    return f"{number // SHARED:04d}/{number:06d}.jpg"


def _links(originals: Path, pictures: Path, size: Size) -> None:
    whole = pictures / ".complete"
    if whole.exists():
        return
    files = sorted(originals.glob("*.jpg"))
    for number in range(size.images):
        link = pictures / _name(number)
        if number % SHARED == 0:
            link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            os.link(files[number % len(files)], link)
    whole.touch()


def _small_pictures(originals: Path, project: Path, size: Size) -> None:
    """Leave the pictures of a grid, as embedding does; links again, as making them takes hours."""
    whole = project / "thumbnails" / ".complete"
    if whole.exists():
        return
    made = []
    for number, file in enumerate(sorted(originals.glob("*.jpg"))):
        content_hash = f"{number:064x}"
        thumbnail(file, project / "originals", content_hash, WIDTHS[0])
        made.append(thumbnail_path(project / "originals", content_hash, WIDTHS[0]))
    for number in range(size.images):
        link = thumbnail_path(project / "thumbnails", _hash(number, size), WIDTHS[0])
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            os.link(made[number % len(made)], link)
    whole.touch()


def _hash(number: int, size: Size) -> str:
    return hashlib.sha256(f"{size.seed} {number}".encode()).hexdigest()


def _project(path: Path, size: Size) -> None:
    settings = Settings(
        name=f"{size.images:,} images", roots={"images": "../pictures"}, backbone="drawn"
    )
    project = Project(path, settings)
    save_project(project)
    rng = np.random.default_rng(size.seed)
    search = rng.standard_normal((size.images, 128), dtype=np.float32)
    search /= np.linalg.norm(search, axis=1, keepdims=True)
    scores = drawn_scores(rng, search, size.categories)
    truth = scores + rng.standard_normal(scores.shape, dtype=np.float32) > 0  # (N, C)
    _write_features(project, search)
    store = Store.create(project.database_url)
    with store.writing() as tx:
        _add_rows(tx, size, path / ".." / "originals")
        _add_labels(tx, size, truth, rng)
        recount(tx)
        _add_visits(tx, size)
    _add_version(project, store, scores, size, rng)
    store.close()


def drawn_scores(rng: np.random.Generator, search: Floats, columns: int) -> Floats:
    """Return logits `(N, C)` of which about one in sixty lies above 0."""
    directions = rng.standard_normal((search.shape[1], columns), dtype=np.float32)
    scores = search @ directions * 2.0  # (N, C), of spread 2
    return np.asarray(scores - rng.uniform(3.5, 5.5, columns), np.float32)


def _write_features(project: Project, search: Floats) -> None:
    rows = len(search)
    features = FeatureFiles.create(
        project.features_path, backbone="drawn", pooled_dim=search.shape[1], rows=rows
    )
    for start in range(0, rows, BATCH):
        part = np.arange(start, min(rows, start + BATCH))
        none = np.zeros((len(part), 0, 0), np.float32)
        features.write(part, search[part], none, search[part])


def _add_rows(tx: Transaction, size: Size, originals: Path) -> None:
    names = [f"{PLACES[c % len(PLACES)]} thing {c:03d}" for c in range(size.categories)]
    new = [categories.NewCategory(n, supercategory=n.partition(" ")[0]) for n in names]
    categories.add(tx, new)
    details = [file.stat() for file in sorted(originals.glob("*.jpg"))]
    found = []
    for number in range(size.images):
        detail = details[number % len(details)]
        found.append(
            images.FoundImage(
                path=_name(number),
                content_hash=_hash(number, size),
                width=size.pixels[0],
                height=size.pixels[1],
                format="JPEG",
                size=detail.st_size,
                modified_ns=detail.st_mtime_ns,
            )
        )
    images.add(tx, "images", found, [])


def _add_labels(
    tx: Transaction, size: Size, truth: npt.NDArray[np.bool_], rng: np.random.Generator
) -> None:
    """Insert labels in two operations: whole images first, then random pairs of all others."""
    person = annotators.named(tx, "somebody", NOW).id
    stamp = round(NOW.timestamp() * 1_000_000)
    for number, kind in enumerate((OperationKind.SWEEP, OperationKind.IMPORT), start=1):
        tx.exec_driver_sql(
            "INSERT INTO operation (id, client_id, annotator_id, kind, happened_at, recorded_at, "
            "cancelled) VALUES (?, ?, ?, ?, ?, ?, 0)",
            (number, f"drawn-{number}", person, kind.value, stamp, stamp),
        )
    answer_id = 0
    for rows in _label_rows(size, truth, rng):
        tx.exec_driver_sql(
            "INSERT INTO answer (id, operation_id, image_id, category_id, state, source, late) "
            "VALUES (?, ?, ?, ?, ?, ?, 0)",
            [(answer_id + n, *row) for n, row in enumerate(rows, start=1)],
        )
        tx.exec_driver_sql(
            "INSERT INTO label (image_id, category_id, state, source, answer_id, conflict) "
            "VALUES (?, ?, ?, ?, ?, 0)",
            [(*row[1:], answer_id + n) for n, row in enumerate(rows, start=1)],
        )
        answer_id += len(rows)


def _label_rows(
    size: Size, truth: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[list[tuple[int, ...]]]:
    """Yield operation, image id, category id, state and source of each label, in batches."""
    present, absent = STATES[State.PRESENT], STATES[State.ABSENT]
    others = max(1, size.images - size.finished)
    share = size.labels_per_image * size.images / 2 / (others * size.categories)
    step = max(1, BATCH // size.categories)
    for start in range(0, size.images, step):
        block = truth[start : start + step]
        whole = np.arange(start, start + len(block))[:, None] < size.finished  # (n, 1)
        drawn = whole | (rng.random(block.shape) < share)
        batch = []
        for row, column in zip(*np.nonzero(drawn), strict=True):
            image, state = start + int(row), present if block[row, column] else absent
            swept = image < size.finished
            source = SOURCES[Source.SWEPT if swept else Source.IMPORTED]
            batch.append((1 if swept else 2, image + 1, int(column) + 1, state, source))
        yield batch


def _add_visits(tx: Transaction, size: Size) -> None:
    """Insert a visit of each image that is finished, all categories drawn."""
    stamp = round(NOW.timestamp() * 1_000_000)
    shown = ((1 << size.categories) - 1).to_bytes((size.categories + 7) // 8, "little")
    tx.exec_driver_sql(
        "INSERT INTO visit (client_id, annotator_id, image_id, shown, opened_at, closed_at) "
        "VALUES (?, 1, ?, ?, ?, ?)",
        [(f"visit-{n}", n, shown, stamp, stamp) for n in range(1, size.finished + 1)],
    )


def _add_version(
    project: Project, store: Store, scores: Floats, size: Size, rng: np.random.Generator
) -> None:
    columns = size.categories
    with store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, NOW)
        job = jobs.claim(tx, "builder", (JobKind.TRAIN,), NOW)
        assert job is not None
        about = {"method": "drawn", "backbone": "drawn"}
        counts = {"trained_answers": 1000, "trained_present": 100, "last_operation": 2}
        number = versions.reserve(tx, job, **about, **counts, now=NOW)
    parameters = VersionParameters(
        **about,
        category_ordinals=tuple(range(columns)),
        slope=1.0,
        intercepts=(0.0,) * columns,
        thresholds=(0.0,) * columns,
        ranked_only=tuple(range(0, columns, 20)),
    )
    pairs = np.argsort(-scores, axis=0)[:500].T.astype(np.int32)  # (C, 500)
    order = rng.permutation(np.arange(size.finished, size.images)).astype(np.int32)
    queue = version_files.Queue(order, pairs)
    version_files.write(
        version_files.folder(project, number),
        parameters,
        scores,
        queue,
        {},
        save_weights=lambda path: path.write_bytes(b""),
    )
    with store.writing() as tx:
        versions.publish(
            tx, job, number, metrics={}, training_seconds=1.0, promote=True, note="", now=NOW
        )
        jobs.finish(tx, job, JobState.DONE, "", NOW)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=Size.images)
    parser.add_argument("--categories", type=int, default=Size.categories)
    parser.add_argument("--originals", type=int, default=Size.originals)
    parser.add_argument("--seed", type=int, default=Size.seed)
    return parser.parse_args()


def main() -> None:
    """Build and say where."""
    options = arguments()
    size = Size(options.images, options.categories, options.originals, seed=options.seed)
    print(build(OUT / f"{size.images}x{size.categories}", size))


if __name__ == "__main__":
    main()
