"""What the camera wrote into a file is told in plain text, whatever somebody put there."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from annotator.images.camera_facts import CameraFacts, camera_facts

BASE, EXIF, GPS = ExifTags.Base, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo

A_CAMERA = {BASE.Make: "Canon", BASE.Model: "Canon EOS R5", BASE.Orientation: 6}
TAKEN = {
    BASE.DateTimeOriginal: "2026:05:01 12:00:00",
    BASE.OffsetTimeOriginal: "+02:00",
    BASE.ExposureTime: IFDRational(1, 250),
    BASE.FNumber: IFDRational(28, 10),
    BASE.ISOSpeedRatings: 100,
    BASE.FocalLength: IFDRational(50, 1),
    BASE.LensModel: "RF50mm F1.8 STM",
}
HERE = {
    ExifTags.GPS.GPSLatitudeRef: "S",
    ExifTags.GPS.GPSLatitude: (33.0, 51.0, 36.0),
    ExifTags.GPS.GPSLongitudeRef: "E",
    ExifTags.GPS.GPSLongitude: (151.0, 12.0, 36.0),
}


def with_exif(
    folder: Path,
    base: dict[int, Any],
    taken: dict[int, Any] | None = None,
    place: dict[int, Any] | None = None,
    kind: str = "JPEG",
) -> Path:
    exif = Image.Exif()
    exif.update(base)
    exif.get_ifd(EXIF).update(taken or {})
    exif.get_ifd(GPS).update(place or {})
    path = folder / "picture"
    Image.new("RGB", (8, 6)).save(path, kind, exif=exif)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_camera_lens_time_exposure_and_place_are_read(tmp_path: Path, kind: str) -> None:
    facts = camera_facts(with_exif(tmp_path, A_CAMERA, TAKEN, HERE, kind))

    assert facts.camera == "Canon EOS R5"
    assert facts.lens == "RF50mm F1.8 STM"
    assert facts.taken == "2026-05-01 12:00:00 +02:00"
    assert facts.exposure == "1/250 s, f/2.8, ISO 100, 50 mm"
    assert facts.orientation == "turned by 90°"
    assert facts.position == pytest.approx((-33.86, 151.21))


def test_a_tiff_is_read_too(tmp_path: Path) -> None:
    facts = camera_facts(with_exif(tmp_path, A_CAMERA, kind="TIFF"))

    assert (facts.camera, facts.orientation) == ("Canon EOS R5", "turned by 90°")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_a_file_without_any_says_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture"
    Image.new("RGB", (8, 6)).save(path, kind)

    assert camera_facts(path) == CameraFacts()


def test_a_maker_is_named_where_the_model_does_not(tmp_path: Path) -> None:
    facts = camera_facts(with_exif(tmp_path, {BASE.Make: "SONY", BASE.Model: "ILCE-7M3"}))

    assert facts.camera == "SONY ILCE-7M3"


def test_text_is_one_short_line_without_signs_that_nobody_sees(tmp_path: Path) -> None:
    name = b"a\0b\r\n\x1b[31m\xe2\x80\xaec" + b"x" * 500  # an override of the direction is in it

    facts = camera_facts(with_exif(tmp_path, {BASE.Model: name}))

    assert facts.camera.startswith("a b [31m c")
    assert len(facts.camera) == 80
    assert not [c for c in facts.camera if unicodedata.category(c)[0] == "C"]


@pytest.mark.parametrize(
    ("base", "taken", "place"),
    [
        ({BASE.DateTime: "0000:00:00 00:00:00"}, {}, {}),
        ({BASE.DateTime: "yesterday"}, {BASE.OffsetTime: "+02:00"}, {}),
        ({BASE.Orientation: 9}, {}, {}),
        ({BASE.Orientation: 1}, {}, {}),
        ({}, {BASE.ExposureTime: IFDRational(1, 0), BASE.FNumber: IFDRational(0, 0)}, {}),
        ({}, {BASE.FocalLength: IFDRational(-5, 1), BASE.ISOSpeedRatings: 0}, {}),
        ({}, {}, {**HERE, ExifTags.GPS.GPSLatitude: (91.0, 0.0, 0.0)}),
        ({}, {}, {**HERE, ExifTags.GPS.GPSLatitudeRef: "X"}),
        ({}, {}, {**HERE, ExifTags.GPS.GPSLongitude: (1.0, IFDRational(0, 0), 0.0)}),
        ({}, {}, {ExifTags.GPS.GPSLatitudeRef: "N"}),
    ],
)
def test_what_makes_no_sense_is_left_out(
    tmp_path: Path, base: dict[int, Any], taken: dict[int, Any], place: dict[int, Any]
) -> None:
    assert camera_facts(with_exif(tmp_path, base, taken, place)) == CameraFacts()


def test_a_file_that_is_no_picture_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(b"no picture at all")

    assert camera_facts(path) == CameraFacts()


def test_a_png_without_exif_is_not_decoded(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6)).save(buffer, "PNG")
    path = tmp_path / "cut.png"
    path.write_bytes(buffer.getvalue()[:45])  # in the middle of the first pixels

    assert camera_facts(path) == CameraFacts()


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), kind=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF"]))
def test_damaged_bytes_never_fail(tmp_path: Path, data: st.DataObject, kind: str) -> None:
    content = bytearray(with_exif(tmp_path, A_CAMERA, TAKEN, HERE, kind).read_bytes())
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=12)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 3, len(content)))])

    facts = camera_facts(path)

    assert len(facts.camera) <= 170
    assert facts.position is None or all(abs(x) <= 180 for x in facts.position)
