"""What is known of an image beside its labels, also while its file is away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from annotator.errors import NotFound
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.store import images
from annotator.wire.image_information import ImageInformation, ImageInformationRequest


def information(services: Services, image: int, *, position: bool = False) -> ImageInformation:
    request = ImageInformationRequest(image=image, position=position)
    return services.image_information.of("ann", request)


def test_size_format_folder_and_date_are_those_of_the_file(
    services: Services, pictures: Path
) -> None:
    os.utime(pictures / "1.png", (1_700_000_000, 1_700_000_000))

    said = information(services, 2)

    assert (said["number"], said["name"], said["format"]) == (2, "1.png", "PNG")
    assert (said["width"], said["height"]) == (41, 30)
    (file,) = said["files"]
    assert (file["name"], file["folder"]) == ("1.png", str(pictures))
    assert file["bytes"] == (pictures / "1.png").stat().st_size
    assert file["modified"] == "2023-11-14T22:13:20+00:00"
    assert (said["problem"], file["problem"]) == ("", "")


def test_of_a_missing_file_is_told_what_the_last_scan_found(
    services: Services, pictures: Path
) -> None:
    size = (pictures / "1.png").stat().st_size
    (pictures / "1.png").unlink()

    said = information(services, 2)

    assert (said["width"], said["files"][0]["bytes"]) == (41, size)
    assert said["problem"] == said["files"][0]["problem"]
    assert "not there now; restore it" in said["problem"]


def test_of_an_image_without_any_file_it_says_so(services: Services) -> None:
    with services.store.writing() as tx:
        images.mark_missing(tx, images.paths_of(tx, [2])[2][0].root, ["1.png"])

    said = information(services, 2)

    assert said["files"] == []
    assert "No file of this project holds this image" in said["problem"]


def test_a_file_that_is_a_folder_now_says_so(services: Services, pictures: Path) -> None:
    (pictures / "1.png").unlink()
    (pictures / "1.png").mkdir()

    assert "cannot be read (is a directory)" in information(services, 2)["problem"]


def test_the_place_is_told_only_to_who_asks(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "2026"
    folder.mkdir(parents=True)
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "X100"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 15.0, 0.0)}
    )
    Image.new("RGB", (8, 6)).save(folder / "a.jpg", exif=exif)
    shutil.copy(folder / "a.jpg", folder / "copy.jpg")
    create_project(tmp_path / "project", tmp_path / "photos", names=["cat"])
    services = Services.open(tmp_path / "project")

    plain, asked = information(services, 1), information(services, 1, position=True)
    services.close()

    assert plain["camera"]["camera"] == "X100"
    assert (plain["camera"]["has_position"], plain["camera"]["position"]) == (True, None)
    assert asked["camera"]["position"] == pytest.approx((52.5, 13.25))
    assert [file["name"] for file in plain["files"]] == ["2026/a.jpg", "2026/copy.jpg"]


def test_a_file_that_changes_is_read_anew(services: Services, pictures: Path) -> None:
    before = information(services, 1)["camera"]["camera"]
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "X100"
    Image.new("RGB", (8, 6)).save(pictures / "0.png", exif=exif)

    assert (before, information(services, 1)["camera"]["camera"]) == ("", "X100")


def test_an_image_that_never_was_is_refused(services: Services) -> None:
    with pytest.raises(NotFound):
        information(services, 99)
