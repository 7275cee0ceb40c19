from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from annotator.arrays import checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.npy").write_bytes(b"one")
    (tmp_path / "b with blanks.toml").write_bytes(b"two")
    checksums.record(tmp_path, ["a.npy", "b with blanks.toml"])
    return tmp_path


def test_what_was_changed_cut_off_or_deleted_is_found(folder: Path) -> None:
    assert checksums.changed(folder) == []

    (folder / "a.npy").write_bytes(b"onE")
    assert checksums.changed(folder) == ["a.npy"]
    assert checksums.changed(folder, ["b with blanks.toml"]) == []

    (folder / "b with blanks.toml").unlink()
    assert checksums.changed(folder) == ["a.npy", "b with blanks.toml"]


def test_a_file_is_not_judged_while_it_is_written_anew(folder: Path) -> None:
    checksums.forget(folder, ["a.npy"])
    (folder / "a.npy").write_bytes(b"three")
    assert checksums.changed(folder) == []

    checksums.record(folder, ["a.npy"])
    (folder / "a.npy").write_bytes(b"thr")
    assert checksums.changed(folder) == ["a.npy"]


def test_a_folder_of_an_older_program_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"one")

    checksums.forget(tmp_path, ["a.npy"])

    assert checksums.changed(tmp_path, ["a.npy"]) == []
    assert not (tmp_path / checksums.SUMS).exists()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_usual_program_reads_them(folder: Path) -> None:
    command = ["sha256sum", "--check", "--strict", "--quiet", checksums.SUMS]

    assert subprocess.run(command, cwd=folder, check=False).returncode == 0
    (folder / "a.npy").write_bytes(b"onE")
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 1
