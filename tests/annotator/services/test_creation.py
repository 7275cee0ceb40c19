"""A project is made with the backbone that was asked for, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.errors import ProjectError
from annotator.services.creation import create_project
from annotator.settings import Settings, load_project


def test_a_project_keeps_the_backbone_it_was_made_with(tmp_path: Path, pictures: Path) -> None:
    settings = Settings(name="p", backbone="efficientnet-lite2+timm:resnet50@../w.pth")

    made = create_project(tmp_path / "p", pictures, names=["cat"], settings=settings)

    assert load_project(made.project.path).settings.backbone == settings.backbone


def test_an_unknown_backbone_leaves_no_project_behind(tmp_path: Path, pictures: Path) -> None:
    settings = Settings(name="p", backbone="resnet50")

    with pytest.raises(ProjectError, match="unknown backbone 'resnet50'; known: efficientnet-l"):
        create_project(tmp_path / "p", pictures, names=["cat"], settings=settings)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["pictures"]
