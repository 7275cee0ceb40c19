"""`annotator import` and `export` as processes: progress, Ctrl-C, kill -9, refusals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annotator.domain import State
from annotator.errors import AnnotatorError
from annotator.formats import FORMATS
from annotator.formats.records import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.services.app import Services
from annotator.services.background import running_import
from annotator.services.exchange import page_transfer
from annotator.services.project.creation import create_project
from annotator.store import Store, annotators, answers, staged_imports

ROOT = Path(__file__).resolve().parents[2]
IMAGES, NAMES = 40, [f"category {number}" for number in range(300)]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(IMAGES):
        Image.new("RGB", (8, 8), (number, 90, 120)).save(pictures / f"{number}.png")
    made = create_project(tmp_path / "project", pictures, names=NAMES)
    with closing(Services.open(made.project.path)) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with enough labels for an import of many steps."""
    pairs = tuple(PairRecord(name, State.ABSENT) for name in NAMES)
    listed = tuple(CategoryRecord(name=name) for name in NAMES)
    records = tuple(ImageRecord(file_name=f"{n}.png", pairs=pairs) for n in range(IMAGES))
    path = tmp_path / "labels.json"
    FORMATS["coco"].write(LabelFile(categories=listed, images=records), path)
    return path


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "annotator", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def known(store: Store) -> int:
    with store.reading() as tx:
        return len(answers.label_table(tx).image)


def until(process: subprocess.Popen[str], stage: str) -> None:
    """Read what a command says until it is at a stage."""
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["stage"] == stage:
            return
    raise AssertionError(f"the command never came to {stage!r}")


@pytest.mark.parametrize("stage", ["Reading labels", "Applying labels"])
def test_a_killed_import_leaves_the_project_as_it_was_or_is_complete(
    services: Services, file: Path, stage: str
) -> None:
    path = str(services.project.path)
    with started("import", path, str(file), "--progress-lines") as process:
        until(process, stage)
        process.kill()

    running_import.settle(services.project, services.store)  # as the server does from time to time

    assert known(services.store) in (0, IMAGES * len(NAMES))
    with services.store.writing() as tx:
        assert staged_imports.left(tx) == 0
        assert answers.recompute(tx) + answers.recount(tx) == []


def test_ctrl_c_takes_an_import_back_and_says_so(services: Services, file: Path) -> None:
    path = str(services.project.path)
    with started("import", path, str(file), "--progress-lines") as process:
        until(process, "Reading labels")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    sentences = {
        0: "The import was interrupted; the project is as it was before.",
        IMAGES * len(NAMES): "It was too late to interrupt the import; all of it is in the "
        "project now.",
    }
    if process.returncode == 0:  # on a busy machine it may be done before the signal arrives
        assert known(services.store) == IMAGES * len(NAMES)
        return
    assert process.returncode == 1
    assert said.splitlines()[-1] == sentences[known(services.store)]


def test_a_page_imports_and_exports_large_files_in_processes_of_their_own(
    services: Services, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_transfer, "SMALL_BYTES", 0)
    monkeypatch.setattr(page_transfer, "SMALL_EXPORT", 0)
    told: list[tuple[int, int, str]] = []

    def tell(*now: Any) -> None:
        told.append(now)

    preview = services.exchange.preview(file)
    done = services.exchange.import_file(file, annotator="--ann", on_progress=tell)
    made = services.exchange.export(
        tmp_path / "out", formats=["coco"], content="answered", on_progress=tell
    )

    with services.store.reading() as tx:
        assert [person.name for person in annotators.every(tx)] == ["--ann"]
    assert preview == replace(done, applied=0)
    assert done.applied == known(services.store) == IMAGES * len(NAMES)
    assert {stage for _, _, stage in told} >= {"Reading labels"}
    assert len(json.loads(made.files[0].read_text())["images"]) == IMAGES


def test_a_refusal_of_a_process_reaches_the_page(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_transfer, "SMALL_BYTES", 0)
    other = tmp_path / "other.csv"
    other.write_text("image,cat\nelsewhere.png,1\n")

    with pytest.raises(AnnotatorError, match="is about other images"):
        services.exchange.import_file(other, annotator="ann")


def test_small_files_start_no_process(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_transfer, "run_in_subprocess", None)
    small = tmp_path / "small.csv"
    small.write_text("image,category 1\n0.png,1\n")

    assert services.exchange.import_file(small, annotator="ann").applied == 1
    assert services.exchange.export(tmp_path / "out", formats=["csv"], content="answered").files
