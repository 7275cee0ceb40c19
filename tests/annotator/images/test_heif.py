"""Pictures of phones: HEIC through an extra, AVIF through Pillow."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.errors import ImageError
from annotator.images.decoding import examine, open_rgb
from annotator.images.sources import scan

CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))


def corners(width: int = 64, height: int = 48) -> Image.Image:
    picture = Image.new("RGB", (width, height), CORNERS[3])
    picture.paste(CORNERS[0], (0, 0, width // 2, height // 2))
    picture.paste(CORNERS[1], (width // 2, 0, width, height // 2))
    picture.paste(CORNERS[2], (0, height // 2, width // 2, height))
    return picture


def heic(picture: Image.Image, **options: object) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="pip install pillow-heif reads HEIC")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(picture).save(buffer, quality=100, **options)
    return buffer.getvalue()


def seen(picture: Image.Image) -> list[tuple[int, ...]]:
    width, height = picture.size
    places = ((8, 8), (width - 8, 8), (8, height - 8), (width - 8, height - 8))
    return [picture.getpixel(place) for place in places]


@pytest.mark.parametrize("name", ["a.heic", "a.HEIF", "a.hif", "a.jpg", "no_ending"])
def test_a_phone_picture_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(heic(corners()))

    (found,) = scan(tmp_path, {}).found

    assert (found.path, found.width, found.height, found.format) == (name, 64, 48, "HEIF")
    assert np.abs(np.subtract(seen(open_rgb(tmp_path / name)), CORNERS)).max() < 40


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_it_is_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "a.heic").write_bytes(heic(corners(), exif=exif.tobytes()))

    facts, rgb = examine(tmp_path / "a.heic"), open_rgb(tmp_path / "a.heic")

    assert (facts.width, facts.height) == rgb.size == ((64, 48) if orientation < 5 else (48, 64))
    first = {1: CORNERS[0], 3: CORNERS[3], 6: CORNERS[2], 8: CORNERS[1]}[orientation]
    assert np.abs(np.subtract(seen(rgb)[0], first)).max() < 40


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_one_that_ends_early_says_so(tmp_path: Path, share: float) -> None:
    content = heic(corners())
    (tmp_path / "a.heic").write_bytes(content[: int(share * len(content))])

    with pytest.raises(ImageError, match="is cut off after"):
        examine(tmp_path / "a.heic")


def test_without_the_extra_it_is_named_and_taken_once_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.heic", "b.jpg", "c"):
        (tmp_path / name).write_bytes(heic(corners()))
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pillow_heif.as_plugin", None)
        without = scan(tmp_path, {})
    known = {file.path: (file.size, file.modified_ns) for file in without.broken}

    installed = scan(tmp_path, known)

    assert (without.found, without.left_out.rows()) == ([], [])
    assert {file.path for file in without.broken} == {"a.heic", "b.jpg", "c"}
    assert all("pip install 'partial-label-annotator[heif]'" in f.problem for f in without.broken)
    assert [file.path for file in installed.found] == ["a.heic", "b.jpg", "c"]


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000"])
@pytest.mark.parametrize("share", [1.0, 0.3, 0.8])
def test_other_new_formats_are_read_to_the_end(tmp_path: Path, kind: str, share: float) -> None:
    buffer = io.BytesIO()
    corners().save(buffer, kind)
    content = buffer.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(content[: int(share * len(content))])

    if share == 1.0:
        assert (examine(path).format, examine(path).width) == (kind, 64)
        assert np.abs(np.subtract(seen(open_rgb(path)), CORNERS)).max() < 60
    else:
        for read in (examine, open_rgb):
            with pytest.raises(ImageError, match=r"^is (cut off|damaged)"):
                read(path)


def test_a_film_is_no_picture_though_its_first_bytes_are_alike(tmp_path: Path) -> None:
    film = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(64)
    (tmp_path / "film").write_bytes(film)
    (tmp_path / "film.heic").write_bytes(film)

    result = scan(tmp_path, {})

    assert [row["kind"] for row in result.left_out.rows()] == ["other files"]
    assert result.broken[0].problem.startswith("is not an image that this program reads")
