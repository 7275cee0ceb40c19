"""Pictures for the pages come also where their small copies cannot be kept."""

from __future__ import annotations

import io
import logging
import shutil

import numpy as np
import pytest
from PIL import Image

from annotator.images import thumbnails
from annotator.services.app import Services
from annotator.services.commands import status, status_text
from annotator.services.doctor import examine
from annotator.settings import changed, write_atomically
from annotator.store import images


@pytest.fixture
def unwritable(services: Services) -> None:
    """A file lies where the folder of the copies should be, so that the superuser fails, too."""
    shutil.rmtree(services.project.thumbnails_path, ignore_errors=True)
    services.project.thumbnails_path.write_bytes(b"")


@pytest.mark.usefixtures("unwritable")
def test_a_copy_that_cannot_be_kept_is_served_and_said_once(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        contents = [services.media.content(n, width) for n in (1, 2) for width in thumbnails.WIDTHS]

    assert all(Image.open(io.BytesIO(content)).format == "WEBP" for content in contents)
    said = [r.message for r in caplog.records if "small copies" in r.message]
    assert len(said) == 1
    assert str(services.project.thumbnails_path) in said[0]


@pytest.mark.usefixtures("unwritable")
def test_status_and_doctor_say_so_and_stop_when_it_is_mended(services: Services) -> None:
    before = status(services), examine(services.project.path)
    services.project.thumbnails_path.unlink()
    after = status(services), examine(services.project.path)

    assert "small copies of images cannot be kept" in status_text(before[0])
    assert any("small copies" in found.sentence and found.bad for found in before[1])
    assert "small copies" not in status_text(after[0])
    assert not any("small copies" in found.sentence for found in after[1])


def test_a_disk_that_has_room_again_keeps_copies_again_and_a_new_trouble_is_said(
    services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with caplog.at_level(logging.WARNING):
        for writes in (full, write_atomically, full):
            monkeypatch.setattr(thumbnails, "write_atomically", writes)
            assert services.media.content(1, 256)
            for file in services.project.thumbnails_path.rglob("*.webp"):
                file.unlink()

    assert len([r for r in caplog.records if "no space left on device" in r.message]) == 2


def test_another_range_of_grey_values_is_seen_at_once(services: Services) -> None:
    with services.store.reading() as tx:
        (path,) = images.paths_of(tx, [1])[1]
    file = services.project.root_path(path.root) / path.path
    Image.fromarray(np.full((64, 64), 1000, np.uint16)).save(file, "PNG")

    greys = []
    for rule in ("auto", "full", "0 to 2000", "auto"):
        services.project.settings = changed(services.project.settings, {"images.grey_range": rule})
        shown = Image.open(io.BytesIO(services.media.content(1, 256)))
        greys.append(shown.convert("L").getpixel((32, 32)))

    assert np.abs(np.subtract(greys, [249, 4, 128, 249])).max() <= 2
