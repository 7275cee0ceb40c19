"""Measures how fast the store takes answers in and gives labels back.

    python benchmarks/store.py [--images 20000] [--categories 200] [--pairs N] [--seed 0]

Makes a database in a temporary folder, imports labels into it, answers single pairs the way the
Label page does (each committed and durable), and times what every page asks for.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from annotator.domain import Change, Operation, OperationKind, Source, State
from annotator.store import Store, annotators, answers, categories, images, leases, visits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE = 20
"""Images whose labels a page fetches at a time."""


def machine() -> str:
    """Return the processor, its cores and the versions that matter here."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, {python}"


def commit() -> str:
    """Return the commit that is measured, marked if files were changed since."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    here = Path(__file__).resolve().parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def report(name: str, times: list[float]) -> None:
    """Print the middle and the slow end of a series of times."""
    middle, slow = (np.percentile(times, p) * 1000 for p in (50, 95))
    print(f"{name:28} {middle:9.2f} ms p50 {slow:9.2f} ms p95  ({len(times)} times)")


def fill(store: Store, image_count: int, category_count: int) -> None:
    """Add categories and images."""
    found = [
        images.FoundImage(
            path=f"{number // 1000:04}/{number:08}.jpg",
            content_hash=hashlib.sha256(str(number).encode()).hexdigest(),
            width=640,
            height=480,
            format="JPEG",
            size=100_000 + number,
            modified_ns=number,
        )
        for number in range(image_count)
    ]
    with store.writing() as tx:
        names = (categories.NewCategory(f"category {c}") for c in range(category_count))
        categories.add(tx, list(names))
        images.add(tx, "pictures", found, [])


def drawn_changes(
    rng: np.random.Generator, image_count: int, category_count: int, pairs: int
) -> tuple[Change, ...]:
    """Return labels of distinct pairs drawn at random, one in five of them present."""
    drawn = rng.choice(image_count * category_count, size=pairs, replace=False)
    return tuple(
        Change(
            image_id=1 + int(pair) // category_count,
            category_id=1 + int(pair) % category_count,
            state=State.PRESENT if present else State.ABSENT,
            source=Source.IMPORTED,
        )
        for pair, present in zip(np.sort(drawn), rng.random(pairs) < 0.2, strict=True)
    )


def answer_one(store: Store, annotator_id: int, image_id: int, category_id: int) -> str:
    """Answer one pair as the Label page does, having looked at it; return the operation's id."""
    with store.reading() as tx:
        labels = answers.labels_of(tx, [image_id]).get(image_id, [])
    seen = next((x.answer_id for x in labels if x.category_id == category_id), None)
    change = Change(
        image_id=image_id,
        category_id=category_id,
        state=State.PRESENT,
        source=Source.HUMAN,
        seen_answer_id=seen,
    )
    name = f"answer {image_id} {category_id}"
    operation = Operation(
        client_id=name,
        annotator_id=annotator_id,
        kind=OperationKind.ANSWER,
        changes=(change,),
        happened_at=NOW,
    )
    with store.writing() as tx:
        answers.record(tx, operation, NOW)
    return name


def measure_writing(store: Store, rng: np.random.Generator, sizes: tuple[int, int, int]) -> None:
    """Print the times of an import, of single answers and of undo."""
    image_count, category_count, pairs = sizes
    with store.writing() as tx:
        person = annotators.named(tx, "ann", NOW).id
    changes = drawn_changes(rng, image_count, category_count, pairs)

    def bring_in() -> None:
        operation = Operation(
            client_id="import",
            annotator_id=person,
            kind=OperationKind.IMPORT,
            changes=changes,
            happened_at=NOW,
        )
        with store.writing() as tx:
            answers.record(tx, operation, NOW)

    print(f"import of {pairs} pairs{'':8} {seconds(bring_in):9.2f} s")
    every = image_count * category_count
    drawn = rng.choice(every, size=min(500, every), replace=False)
    times = []
    for pair in map(int, drawn):
        where = 1 + pair // category_count, 1 + pair % category_count
        times.append(seconds(lambda where=where: answer_one(store, person, *where)))
    report("one answer, committed", times)
    print(f"{'answers, one after another':28} {len(times) / sum(times):9.0f} /s")

    def take_back(number: int) -> None:
        with store.writing() as tx:
            answers.undo(tx, f"undo {number}", person, NOW)

    report("undo, committed", [seconds(lambda n=n: take_back(n)) for n in range(50)])


def measure_reading(store: Store, rng: np.random.Generator, image_count: int) -> None:
    """Print the times of what pages and the worker read."""

    def fetch() -> None:
        chosen = [int(i) for i in rng.choice(image_count, size=min(PAGE, image_count)) + 1]
        with store.reading() as tx:
            answers.labels_of(tx, chosen)

    report(f"labels_of({PAGE} images)", [seconds(fetch) for _ in range(200)])

    def all_labels() -> None:
        with store.reading() as tx:
            answers.label_table(tx)

    report("label_table", [seconds(all_labels) for _ in range(3)])

    def counted() -> None:
        with store.reading() as tx:
            answers.answer_counts(tx)

    report("answer_counts", [seconds(counted) for _ in range(3)])


def measure_queue(store: Store, rng: np.random.Generator, image_count: int) -> None:
    """Print the times of what the choice of the next images reads, up to 10,000 of them visited."""
    half = min(10_000, image_count // 2)
    visited = [int(i) for i in rng.choice(image_count, size=half, replace=False) + 1]
    with store.writing() as tx:
        for image_id in visited:
            closed = NOW + timedelta(seconds=5)
            visits.record(tx, f"visit {image_id}", 1, image_id, range(20), NOW, closed)
    pieces: dict[str, Callable[..., object]] = {
        "visits.visited": visits.visited,
        "images.order": images.order,
        "leases.held": lambda tx: leases.held(tx, "image", NOW, by_others_than="tab"),
    }
    for name, piece in pieces.items():

        def read(piece: Callable[..., object] = piece) -> None:
            with store.reading() as tx:
                piece(tx)

        report(name, [seconds(read) for _ in range(10)])

    def take(number: int) -> None:
        with store.writing() as tx:
            leases.take(tx, "image", visited[:PAGE], "tab", NOW + timedelta(number), 600)

    report(f"leases.take({PAGE} images)", [seconds(lambda n=n: take(n)) for n in range(50)])


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--categories", type=int, default=200)
    parser.add_argument("--pairs", type=int, help="labels to import; default: five an image")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pairs = options.pairs or 5 * options.images
    rng = np.random.default_rng(options.seed)

    print(f"machine: {machine()}")
    print(f"commit: {commit()}  seed: {options.seed}")
    print(f"{options.images} images x {options.categories} categories")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.db"
        store = Store.create(f"sqlite:///{file}")
        added = seconds(lambda: fill(store, options.images, options.categories))
        print(f"{'adding the images':28} {added:9.2f} s")
        measure_writing(store, rng, (options.images, options.categories, pairs))
        measure_reading(store, rng, options.images)
        measure_queue(store, rng, options.images)
        store.close()
        print(f"{'database':28} {file.stat().st_size / 1e6:9.1f} MB")


if __name__ == "__main__":
    main()
