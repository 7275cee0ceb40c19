"""A project is made with the backbone that was asked for, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from annotator.errors import ProjectError
from annotator.services.background import short_transactions
from annotator.services.project.creation import create_project, refresh_images
from annotator.settings import Settings, load_project
from annotator.store import Store, images


def test_a_project_keeps_the_backbone_it_was_made_with(tmp_path: Path, pictures: Path) -> None:
    settings = Settings(name="p", backbone="efficientnet-lite2+timm:resnet50@../w.pth")

    made = create_project(tmp_path / "p", pictures, names=["cat"], settings=settings)

    assert load_project(made.project.path).settings.backbone == settings.backbone


def test_an_unknown_backbone_leaves_no_project_behind(tmp_path: Path, pictures: Path) -> None:
    settings = Settings(name="p", backbone="resnet50")

    with pytest.raises(ProjectError, match="unknown backbone 'resnet50'; known: efficientnet-l"):
        create_project(tmp_path / "p", pictures, names=["cat"], settings=settings)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["pictures"]


def test_pictures_are_taken_in_a_part_at_a_time(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_transactions, "FIRST", 2)
    monkeypatch.setattr(short_transactions, "LARGEST", 2)
    made = create_project(tmp_path / "project", pictures, names=["cat"])
    for number in range(5):
        Image.new("RGB", (9, 9), (number, 0, 0)).save(pictures / f"new {number}.png")
    (pictures / "0.png").rename(pictures / "moved.png")
    (pictures / "1.png").unlink()
    store = Store.open(made.project.database_url)

    row = refresh_images(made.project, store, None)

    with store.reading() as tx:
        missing = [image.ordinal for image in images.every(tx) if image.missing]
    counts = {"new_images": 5, "new_paths": 6, "changed": 0, "refused": 0, "gone": 2}
    assert row == counts | {"refused_files": [], "first_frame_only": [], "left_out": []}
    assert missing == [1]
    store.close()
