"""What pictures look like once they are RGB, and what is said about those that are none."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annotator.errors import ImageError
from annotator.images.decoding import MAX_BYTES, examine, open_rgb

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners(width: int = 24, height: int = 16) -> Image.Image:
    """Return a picture with red, green, blue and white quarters, in reading order."""
    picture = Image.new("RGB", (width, height), WHITE)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    return picture


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def kept(folder: Path, content: bytes, name: str = "picture.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def claiming_png(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes whose header promises a huge picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_listed_format_is_read_whatever_its_name_says(tmp_path: Path, kind: str) -> None:
    content = encoded(corners(), kind)
    path = kept(tmp_path, content, "wrong_ending.jpg")

    facts = examine(path)
    pixel = np.asarray(open_rgb(path).getpixel((3, 3)), dtype=int)

    assert (facts.width, facts.height, facts.format) == (24, 16, kind)
    assert facts.content_hash == hashlib.sha256(content).hexdigest()
    assert np.abs(pixel - RED).max() < 40


def test_a_phone_picture_with_a_second_one_inside_is_a_jpeg(tmp_path: Path) -> None:
    content = encoded(corners(), "MPO", save_all=True, append_images=[corners()])
    path = kept(tmp_path, content)

    assert examine(path).format == "JPEG"
    assert open_rgb(path).size == (24, 16)


UPRIGHT_CORNERS = {
    1: (RED, GREEN, BLUE, WHITE),
    2: (GREEN, RED, WHITE, BLUE),
    3: (WHITE, BLUE, GREEN, RED),
    4: (BLUE, WHITE, RED, GREEN),
    5: (RED, BLUE, GREEN, WHITE),
    6: (BLUE, RED, WHITE, GREEN),
    7: (WHITE, GREEN, BLUE, RED),
    8: (GREEN, WHITE, RED, BLUE),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT_CORNERS)
def test_the_exif_orientation_turns_pixels_and_size(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if kind in ("PNG", "TIFF") else {"quality": 100}
    path = kept(tmp_path, encoded(corners(48, 32), kind, exif=exif, **options))

    facts, rgb = examine(path), open_rgb(path)
    width, height = rgb.size
    seen = [rgb.getpixel((x, y)) for y in (4, height - 5) for x in (4, width - 5)]

    assert (facts.width, facts.height) == rgb.size == ((48, 32) if orientation < 5 else (32, 48))
    assert np.abs(np.subtract(seen, UPRIGHT_CORNERS[orientation])).max() < 40


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_senseless_orientation_is_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = kept(tmp_path, encoded(corners(), "PNG", exif=exif))

    assert open_rgb(path).getpixel((0, 0)) == RED


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    values = np.array([[0, 256, 32768, 65535]], dtype=np.uint16)
    path = kept(tmp_path, encoded(Image.fromarray(values), "PNG"))

    grey = np.asarray(open_rgb(path))[0, :, 0]

    assert grey.tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0.0, 0.5, 1.0]], dtype=np.float32), [0, 128, 255]),
        (np.array([[-100.0, 0.0, 100.0]], dtype=np.float32), [0, 128, 255]),
        (np.array([[7.0, 7.0, 7.0]], dtype=np.float32), None),
        (np.array([[0.0, np.nan, 1.0]], dtype=np.float32), [0, 0, 255]),
        (np.array([[0, 65535, 32896]], dtype=np.int32), [0, 255, 128]),
        (np.array([[0, 200000, 100000]], dtype=np.int32), [0, 255, 128]),
    ],
    ids=["unit", "signed", "constant", "not a number", "16 in 32 bits", "32 bits"],
)
def test_numbers_beyond_eight_bits_become_grey(
    tmp_path: Path, values: np.ndarray, expected: list[int] | None
) -> None:
    path = kept(tmp_path, encoded(Image.fromarray(values), "TIFF"), "a.tif")

    grey = np.asarray(open_rgb(path))[0, :, 0].tolist()

    assert grey == (expected or [grey[0]] * 3)


def transparent_palette() -> tuple[Image.Image, dict[str, object]]:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([10, 20, 30, 255, 0, 0])
    picture.putpixel((0, 0), 1)
    return picture, {"transparency": 0}


@pytest.mark.parametrize(
    ("picture", "options", "first", "last"),
    [
        (Image.new("1", (4, 4), 1), {}, WHITE, WHITE),
        (Image.new("L", (4, 4), 100), {}, (100,) * 3, (100,) * 3),
        (Image.new("LA", (4, 4), (0, 0)), {}, WHITE, WHITE),
        (Image.new("RGBA", (4, 4), (255, 0, 0, 255)), {}, RED, RED),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), {}, WHITE, WHITE),
        (Image.new("RGBA", (4, 4), (0, 0, 0, 51)), {}, (204,) * 3, (204,) * 3),
        (*transparent_palette(), RED, WHITE),
        (Image.new("RGB", (4, 4), GREEN), {"transparency": GREEN}, WHITE, WHITE),
    ],
    ids=["1", "L", "LA", "opaque", "clear", "one fifth", "palette", "keyed RGB"],
)
def test_transparency_lies_on_white(
    tmp_path: Path,
    picture: Image.Image,
    options: dict[str, object],
    first: tuple[int, int, int],
    last: tuple[int, int, int],
) -> None:
    rgb = open_rgb(kept(tmp_path, encoded(picture, "PNG", **options)))

    assert rgb.mode == "RGB"
    assert (rgb.getpixel((0, 0)), rgb.getpixel((3, 3))) == (first, last)


def test_printers_colours_become_rgb(tmp_path: Path) -> None:
    path = kept(tmp_path, encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "TIFF"))

    assert open_rgb(path).getpixel((8, 8)) == RED


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (6, 4), RED), Image.new("RGB", (6, 4), BLUE)]
    path = kept(tmp_path, encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))

    assert open_rgb(path).getpixel((2, 2)) == RED


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((400, 200), 100, (100, 50)),
        ((200, 400), 100, (50, 100)),
        ((40, 20), 100, (40, 20)),
        ((400, 1), 100, (100, 1)),
        ((400, 200), None, (400, 200)),
    ],
    ids=["wide", "tall", "small stays", "never vanishes", "no limit"],
)
def test_a_picture_is_reduced_to_its_longer_side(
    tmp_path: Path, size: tuple[int, int], max_side: int | None, expected: tuple[int, int]
) -> None:
    path = kept(tmp_path, encoded(Image.new("RGB", size, RED), "JPEG"))

    rgb = open_rgb(path, max_side=max_side)

    assert rgb.size == expected


def test_a_turned_picture_is_reduced_without_distortion(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = kept(tmp_path, encoded(corners(480, 320), "JPEG", exif=exif))

    assert open_rgb(path, max_side=120).size == (80, 120)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_ends_early_is_broken(tmp_path: Path, kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    path = kept(tmp_path, content[: int(len(content) * share)])

    for read in (examine, open_rgb):
        with pytest.raises(ImageError, match="is cut off"):
            read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"^is empty \(0 bytes\)$"),
        (b"not a picture at all", "^is not an image that this program reads"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "^is not an image that this program reads"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "^is not an image that this program reads"),
        (claiming_png(30000, 30000), r"^has 900 megapixels; the limit is 175 \(max_megapixels"),
        (claiming_png(13300, 13300), r"^has 177 megapixels; the limit is 175 \(max_megapixels"),
        (claiming_png(12000, 12000), "^is cut off"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "^is damaged"),
        (b"RIFF\xff\0\0\0WEBPVP8 ", "^is cut off after 16 of 263 bytes$"),
    ],
    ids=["empty", "text", "svg", "sound", "bomb", "over", "under", "damaged", "promised"],
)
def test_what_is_no_picture_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = kept(tmp_path, content)

    for read in (examine, open_rgb):
        with pytest.raises(ImageError, match=reason):
            read(path)


def test_a_file_of_enormous_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + (1 << 20))

    with pytest.raises(ImageError, match=r"^has 1025 MiB; the limit is 1024$"):
        examine(path)


def test_a_missing_file_is_a_picture_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^no longer exists$"):
        open_rgb(tmp_path / "gone.jpg")


def test_a_folder_cannot_be_read_as_a_picture(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"^cannot be read: is a directory$"):
        open_rgb(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_forbidden_file_says_so(tmp_path: Path) -> None:
    path = kept(tmp_path, encoded(corners(), "PNG"))
    path.chmod(0)

    with pytest.raises(ImageError, match=r"^cannot be read: permission denied$"):
        examine(path)


def test_decoding_leaves_the_limits_of_the_picture_library_alone(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS

    with pytest.raises(ImageError):
        open_rgb(kept(tmp_path, claiming_png(30000, 30000)))

    assert before == Image.MAX_IMAGE_PIXELS
