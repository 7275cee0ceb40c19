from __future__ import annotations

import json
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from annotator.cli import app
from annotator.services.project.creation import create_project


def test_predictors_are_added_listed_trusted_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (40, 30)).save(folder / "0.png")
    project = create_project(tmp_path / "p", folder, names=["cat"]).project.path
    file = tmp_path / "scores.csv"
    file.write_text("file,category,score\n0.png,cat,80\n1.png,cat,5\n")

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["predictors", str(project), *words])
        assert result.exit_code == 0, result.output
        return result.output

    added = run("add", str(file), "--name", "s")
    run("trust", "s")
    rows = json.loads(run("list", "--json"))
    refreshed = run("refresh")
    run("distrust", "s")
    run("remove", "s")

    assert "1 of 2 scores used: 1 of 2 images, 1 category; read as percent." in added
    assert "1 image of the file is not in the project, such as '1.png'." in added
    assert [(r["name"], r["trusted"], r["worth"]) for r in rows] == [
        ("names", False, None),
        ("s", True, None),
    ]
    assert "s (file trusted by" in refreshed
    assert run("list").split() == ["names", "(names", "built", "in)"]
