"""README and Quick start: their commands work as printed and in their order, in a fresh folder."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "docs/quickstart.md")
PROGRAMS = ("annotator", "make", "source")


def blocks_of(document: str) -> list[tuple[str, list[str]]]:
    """Return the fenced blocks of a document: language and lines."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [(language, block.splitlines()) for language, block in found]


def commands_of(document: str) -> list[str]:
    return [line for language, lines in blocks_of(document) if language == "sh" for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A home with a few pictures, and in it what `make install` leaves of a checkout."""
    (tmp_path / "pictures").mkdir()
    generator = np.random.default_rng(0)
    for number in range(1, 5):
        pixels = generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number:04d}.jpg")
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_stand_in_blocks_of_their_own(document: str) -> None:
    other = [line for language, lines in blocks_of(document) if language != "sh" for line in lines]

    assert commands_of(document)
    assert [line for line in other if line.startswith(PROGRAMS)] == []


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_work_as_printed_and_in_their_order(document: str, checkout: Path) -> None:
    done: list[str] = []
    for command in commands_of(document):
        if command.startswith("make "):
            assert_known_to_make(command)
        elif command.startswith("source "):
            done.append(command)
        else:
            run(command, after=done, folder=checkout)

    assert (checkout / "labels" / "labels_all.json").is_file()


def assert_known_to_make(command: str) -> None:
    """The target is there; what it installs is what these tests run in."""
    ended = subprocess.run(
        [*shlex.split(command), "--dry-run", "--directory", str(ROOT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr


def run(command: str, *, after: list[str], folder: Path) -> None:
    serves = command.startswith("annotator serve ")
    # Whatever listens on the usual port of this machine does not matter here.
    script = "\n".join([*after, f"exec {command}" + " --port 0" * serves])
    environment = os.environ | {"HOME": str(folder.parent), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        ["bash", "-ec", script], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    if serves:
        assert process.stdout is not None
        assert_answers(process.stdout)
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=600)

    assert process.returncode == 0, f"{command}: {said}"


def assert_answers(lines: Iterator[str]) -> None:
    """The page is at the address that is printed."""
    address = next(found[0] for line in lines if (found := re.findall(r"http://\S+", line)))
    with urllib.request.urlopen(address) as page:
        assert page.status == 200
