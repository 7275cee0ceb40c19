"""Measures how long an answer waits while a label file is imported, and while labels are exported.

    python benchmarks/imports.py [--images 10000] [--pairs 167000] [--seed 0] [--folder DIR]

Makes a project of rows without pictures and a COCO file of labels in a temporary folder. Then
`annotator import` and `annotator export` run while another process answers one pair after the
other as the Label page does, each committed and durable. For a large set: `--images 100000
--pairs 1670000`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from store import commit, fill, machine

from annotator.domain import Change, Operation, OperationKind, Source, State
from annotator.formats import FORMATS
from annotator.formats.records import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.settings import Project, Settings, load_project, save_project
from annotator.store import Store, annotators, answers, categories, images

CATEGORIES = 80
PRESENT_SHARE = 0.17
REST_SECONDS = 0.02
"""Between two answers of the person who goes on labelling."""


def make_project(folder: Path, image_count: int) -> Project:
    """Make a project of so many images, without files."""
    folder.mkdir()
    project = Project(folder, Settings(name="imports", roots={"images": str(folder)}))
    store = Store.create(project.database_url)
    fill(store, image_count, CATEGORIES)
    store.close()
    save_project(project)
    return project


def write_labels(project: Project, file: Path, pairs: int, seed: int) -> None:
    """Write a COCO file with so many labels, a sixth of them present."""
    rng = np.random.default_rng(seed)
    store = Store.open(project.database_url)
    with store.reading() as tx:
        names = [c.name for c in categories.every(tx)]
        paths = [p.path for p in images.every_path(tx)]
    store.close()
    records = []
    for row, path in enumerate(paths):
        count = pairs * (row + 1) // len(paths) - pairs * row // len(paths)
        drawn = rng.choice(len(names), size=count, replace=False).tolist()
        present = (rng.random(count) < PRESENT_SHARE).tolist()
        states = [State.PRESENT if yes else State.ABSENT for yes in present]
        said = tuple(PairRecord(names[c], s) for c, s in zip(drawn, states, strict=True))
        records.append(ImageRecord(file_name=path, width=640, height=480, pairs=said))
    listed = tuple(CategoryRecord(name=name) for name in names)
    FORMATS["coco"].write(LabelFile(categories=listed, images=tuple(records)), file)


def go_on_answering(path: Path, seed: int) -> None:
    """Answer until standard input closes, then print how long each answer took."""
    chance = random.Random(seed)
    store = Store.open(load_project(path).database_url)
    with store.writing() as tx:
        person = annotators.named(tx, "ann", datetime.now(UTC)).id
    with store.reading() as tx:
        image_ids = list(images.order(tx).values())
        category_ids = list(categories.ordinals(tx))
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    took: list[float] = []
    print("ready", flush=True)
    while not over.wait(REST_SECONDS):
        change = Change(
            image_id=chance.choice(image_ids),
            category_id=chance.choice(category_ids),
            state=chance.choice([State.PRESENT, State.ABSENT]),
            source=Source.HUMAN,
        )
        now = datetime.now(UTC)
        operation = Operation(
            client_id=f"answer {seed} {len(took)}",
            annotator_id=person,
            kind=OperationKind.ANSWER,
            changes=(change,),
            happened_at=now,
        )
        began = time.perf_counter()
        try:
            with store.writing() as tx:
                answers.record(tx, operation, now)
        except Exception as error:  # noqa: BLE001 - a refused answer is a finding, too
            print(error, file=sys.stderr)
        took.append(time.perf_counter() - began)
    store.close()
    print(json.dumps(took))


@contextmanager
def somebody_answers(title: str, project: Project, seed: int) -> Iterator[None]:
    """Have somebody answer in a process of their own, and print what that was like."""
    command = [sys.executable, __file__, "--answer", str(project.path), "--seed", str(seed)]
    person = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert person.stdout is not None
    person.stdout.readline()
    largest, over = 0, threading.Event()

    def watch() -> None:
        nonlocal largest
        log = Path(f"{project.database_url.removeprefix('sqlite:///')}-wal")
        while not over.wait(0.1):
            largest = max(largest, log.stat().st_size if log.exists() else 0)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
        said, _ = person.communicate()
    took = np.array(json.loads(said)) * 1000
    middle, slow, longest = np.percentile(took, [50, 95, 100])
    print(
        f"{title}: {len(took):,} answers, {middle:.0f} ms p50, {slow:.0f} ms p95, "
        f"{longest:.0f} ms longest; write-ahead log up to {largest / 1e6:.0f} MB"
    )


def timed(title: str, *command: str) -> None:
    """Run the command line; print how long it took and how much memory."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "annotator", *command], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    if status:
        raise SystemExit(f"{title} failed with status {os.waitstatus_to_exitcode(status)}")
    print(f"{title}: {took:.1f} s, {usage.ru_maxrss / 1024:.0f} MB")


def main() -> None:
    """Measure an import, a first export and a second one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=167_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="an empty folder; default: a temporary one")
    parser.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answer:
        go_on_answering(given.answer, given.seed)
        return
    print(f"{machine()}\ncommit {commit()}, seed {given.seed}")
    print(f"{given.images:,} images, {given.pairs:,} pairs of {CATEGORIES} categories")
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        project = make_project(Path(temporary) / "project", given.images)
        file, out = Path(temporary) / "labels.json", Path(temporary) / "out"
        write_labels(project, file, given.pairs, given.seed)
        with somebody_answers("nothing else", project, 1):
            time.sleep(5)
        with somebody_answers("beside the import", project, 2):
            timed("import", "import", str(project.path), str(file), "--by", "bob")
        for name, seed in (("first export", 3), ("second export", 4)):
            with somebody_answers(f"beside the {name}", project, seed):
                timed(name, "export", str(project.path), "--out", str(out))


if __name__ == "__main__":
    main()
