"""README and Quick start: their commands work as printed and in their order, in a fresh folder."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
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


def first_commands() -> list[str]:
    """Return the commands that all documents begin with, after what `make` installs."""
    others = [[line for line in commands_of(d) if not line.startswith("make ")] for d in DOCUMENTS]
    alike = itertools.takewhile(lambda lines: len(set(lines)) == 1, zip(*others, strict=False))
    return [lines[0] for lines in alike]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after the commands that all documents begin with.

    There are a few pictures in it, and what `make install` leaves of a checkout.
    """
    home = tmp_path_factory.mktemp("home")
    (home / "pictures").mkdir()
    generator = np.random.default_rng(0)
    for number in range(1, 5):
        pixels = generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(home / "pictures" / f"{number:04d}.jpg")
    folder = home / "checkout"
    folder.mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    run_all(first_commands(), after=[], folder=folder)
    return home


@pytest.fixture
def checkout(begun: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(begun, tmp_path / "home", symlinks=True)) / "checkout"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_stand_in_blocks_of_their_own(document: str) -> None:
    other = [line for language, lines in blocks_of(document) if language != "sh" for line in lines]

    assert commands_of(document)
    assert [line for line in other if line.startswith(PROGRAMS)] == []


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_work_as_printed_and_in_their_order(document: str, checkout: Path) -> None:
    commands = commands_of(document)
    for command in commands:
        if command.startswith("make "):
            assert_known_to_make(command)
    theirs = [command for command in commands if not command.startswith("make ")]
    common = len(first_commands())

    run_all(theirs[common:], after=theirs[:common], folder=checkout)

    assert (checkout / "labels" / "labels_all.json").is_file()


def run_all(commands: list[str], *, after: list[str], folder: Path) -> None:
    """Run commands in a shell that has sourced what those before them and they themselves say."""
    sourced = [command for command in after if command.startswith("source ")]
    for command in commands:
        if command.startswith("source "):
            sourced.append(command)
        else:
            run(command, after=sourced, folder=folder)


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
