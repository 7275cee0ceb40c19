"""Numbers out of range are refused in one sentence before anything is opened or changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotator.cli import app

HUGE = "99999999999999999999"


def test_a_repair_without_a_project_is_refused() -> None:
    result = CliRunner().invoke(app, ["doctor", "--repair"])

    assert result.exit_code == 2
    assert "name the project" in result.output


def test_a_second_image_folder_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """The last one used to be taken, and the others left out without a word."""
    made = tmp_path / "project"

    result = CliRunner().invoke(
        app, ["init", str(made), "--images", str(tmp_path), "--images", str(tmp_path / "b")]
    )

    assert result.exit_code == 2
    assert "one folder" in result.output
    assert not made.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("serve", "PROJECT", "--port", "70000"),
        ("serve", "PROJECT", "--port", "-1"),
        ("demo", "--dir", "PROJECT", "--port", "65536"),
        ("demo", "--dir", "PROJECT", "--count", "0"),
        ("suggest", "PROJECT", "--limit", "-1"),
        ("suggest", "PROJECT", "--limit", HUGE),
        ("versions", "PROJECT", "--promote", "0"),
        ("versions", "PROJECT", "--promote", HUGE),
        ("rollback", "PROJECT", "--certificate", HUGE),
        ("certify", "PROJECT", "status", "--certificate", HUGE),
        ("simulate", "--images", "FOLDER", "--truth", "FILE", "--error", "2"),
        ("simulate", "--images", "FOLDER", "--truth", "FILE", "--seed", "-1"),
        ("simulate", "--images", "FOLDER", "--truth", "FILE", "--budget", "-1"),
    ],
    ids=" ".join,
)
def test_a_number_out_of_range_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    project, file = tmp_path / "project", tmp_path / "labels.csv"
    file.write_text("image,cat\n", encoding="utf-8")
    paths = {"PROJECT": project, "FOLDER": tmp_path, "FILE": file}

    result = CliRunner().invoke(app, [str(paths.get(word, word)) for word in words])

    assert result.exit_code == 2, result.output
    assert words[-2] in result.output
    assert "Traceback" not in result.output
    assert not project.exists()
