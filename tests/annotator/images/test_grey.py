"""Grey pictures with more than 8 bits: as bright as they were meant, whatever stores them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annotator.images import grey
from annotator.images.decoding import open_rgb
from annotator.setting_sections import Images

WIDTH = 64


def ramp(bits: int, low: int = 0) -> np.ndarray:
    """Return a picture from `low` to the largest number of so many bits, from left to right."""
    line = np.rint(np.linspace(low, 2**bits - 1, WIDTH))
    return np.tile(line, (8, 1)).astype(np.uint16)


def shown(
    folder: Path, picture: Image.Image, kind: str, rule: str = "auto", **options
) -> np.ndarray:
    """Return the first row as it is shown, one value a pixel."""
    path = folder / f"picture.{kind.lower()}"
    picture.save(path, kind, **options)
    rgb = np.asarray(open_rgb(path, settings=Images(grey_range=rule)))
    assert (rgb[..., 0] == rgb[..., 1]).all()
    assert (rgb[..., 0] == rgb[..., 2]).all()
    return rgb[0, :, 0].astype(int)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@given(bits=st.sampled_from(grey.DEPTHS), dark=st.floats(0, 0.29), bright=st.floats(0.6, 1.0))
@settings(max_examples=40, deadline=None)
def test_every_bit_depth_is_as_bright_as_the_camera_meant_it(
    tmp_path_factory: pytest.TempPathFactory, kind: str, bits: int, dark: float, bright: float
) -> None:
    """The brightest pixel needs all bits of the depth; the darkest is less than half as bright."""
    most = 2**bits - 1
    values = np.rint(np.linspace(dark * most, bright * most, WIDTH)).astype(np.uint16)

    seen = shown(tmp_path_factory.mktemp("grey"), Image.fromarray(np.tile(values, (8, 1))), kind)

    assert np.abs(seen - values / most * 255).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@given(low=st.integers(20_000, 35_000), span=st.integers(50, 5_000))
@settings(max_examples=25, deadline=None)
def test_temperatures_and_shifted_densities_are_stretched(
    tmp_path_factory: pytest.TempPathFactory, kind: str, low: int, span: int
) -> None:
    values = np.rint(np.linspace(low, low + span, WIDTH)).astype(np.uint16)

    seen = shown(tmp_path_factory.mktemp("thermal"), Image.fromarray(np.tile(values, (8, 1))), kind)

    assert (seen[0], seen[-1]) == (0, 255)
    assert (np.diff(seen) >= 0).all()


def test_dead_pixels_of_a_thermal_camera_do_not_make_the_rest_black(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(29_000, 30_000, (200, 200)).astype(np.uint16)
    values[100, 100] = 65_535
    values[120, 120] = 0

    rgb = shown(tmp_path, Image.fromarray(values), "PNG")

    assert rgb.std() > 60


def test_the_same_range_for_all_makes_pictures_comparable(tmp_path: Path) -> None:
    cold, warm = (Image.fromarray(np.full((8, 8), value, np.uint16)) for value in (1000, 3000))

    seen = [shown(tmp_path, each, "PNG", "0 to 4000")[0] for each in (cold, warm)]

    assert seen == [64, 191]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("full", [0, 16, 255]),
        ("0 to 4095", [0, 255, 255]),
        ("2048 to 6143", [0, 127, 255]),
        ("auto", [0, 16, 255]),
    ],
)
def test_a_range_that_somebody_sets_is_clipped_to(
    tmp_path: Path, rule: str, expected: list[int]
) -> None:
    values = np.array([[0, 4095, 65535]], np.uint16)

    seen = shown(tmp_path, Image.fromarray(values), "PNG", rule).tolist()

    assert np.abs(np.subtract(seen, expected)).max() <= 1


def test_densities_below_zero_have_a_range_of_their_own_or_one_for_all(tmp_path: Path) -> None:
    values = np.array([[-1000, -300, 400, 3000]], np.int32)

    alone = shown(tmp_path, Image.fromarray(values), "TIFF").tolist()
    window = shown(tmp_path, Image.fromarray(values), "TIFF", "-1000 to 400").tolist()

    assert alone == [0, 45, 89, 255]
    assert np.abs(np.subtract(window, [0, 128, 255, 255])).max() <= 1


@pytest.mark.parametrize("tags", [{341: 4095.0, 340: 0.0}, {281: (4095,), 280: (0,)}])
def test_a_tiff_that_names_its_range_is_believed(tmp_path: Path, tags: dict[int, object]) -> None:
    picture = Image.fromarray(ramp(9))

    plain = shown(tmp_path, picture, "TIFF")
    told = shown(tmp_path, picture, "TIFF", tiffinfo=tags)

    assert (plain[-1], told[-1]) == (127, 32)


def test_a_tiff_that_names_a_range_too_small_is_not_believed(tmp_path: Path) -> None:
    seen = shown(tmp_path, Image.fromarray(ramp(14)), "TIFF", tiffinfo={281: (255,)})

    assert (seen[0], seen[-1]) == (0, 255)
    assert abs(seen[WIDTH // 2] - 128) <= 4


def test_where_the_smallest_value_is_white_the_picture_is_no_negative(tmp_path: Path) -> None:
    seen = shown(tmp_path, Image.fromarray(ramp(12)), "TIFF", tiffinfo={262: 0})

    assert (seen[0], seen[-1]) == (255, 0)


def big_endian(values: np.ndarray) -> bytes:
    """Return a TIFF as old scanners write it."""
    buffer = io.BytesIO()
    picture = Image.frombytes("I;16B", values.shape[::-1], values.astype(">u2").tobytes())
    picture.save(buffer, "TIFF")
    assert buffer.getvalue().startswith(b"MM")
    return buffer.getvalue()


def test_the_order_of_the_bytes_makes_no_difference(tmp_path: Path) -> None:
    values = ramp(12)
    (tmp_path / "a.tif").write_bytes(big_endian(values))

    rgb = np.asarray(open_rgb(tmp_path / "a.tif"))

    assert np.abs(rgb[..., 0] - values / 4095 * 255).max() <= 0.5 + 1e-3


def test_numbers_that_are_none_are_black_and_move_nothing(tmp_path: Path) -> None:
    values = np.tile(np.linspace(200, 3000, WIDTH, dtype=np.float32), (8, 1))
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "heights.tif")

    rgb = np.asarray(open_rgb(tmp_path / "heights.tif"))[..., 0]

    assert (rgb[0, 0], rgb[1, 1], rgb[2, 2]) == (0, 255, 0)
    assert (rgb[5, 0], rgb[5, -1]) == (0, 255)
    assert abs(int(rgb[5, WIDTH // 2]) - 128) <= 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("value", [0, 7, 200, 4095, 40_000, 65_535])
def test_a_picture_of_one_value_has_one_grey(tmp_path: Path, kind: str, value: int) -> None:
    seen = shown(tmp_path, Image.fromarray(np.full((8, WIDTH), value, np.uint16)), kind)

    assert len(set(seen.tolist())) == 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_large_picture_looks_like_a_small_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    """It is converted in strips; where they meet there is nothing to see."""
    values = np.random.default_rng(0).integers(0, 2**bits, (400, 300)).astype(np.uint16)
    values[200:] //= 3
    Image.fromarray(values).save(tmp_path / "a.png")
    whole = np.asarray(open_rgb(tmp_path / "a.png", max_side=50), int)

    monkeypatch.setattr(grey, "STRIP_PIXELS", 5_000)
    strips = np.asarray(open_rgb(tmp_path / "a.png", max_side=50), int)

    assert np.abs(whole - strips).max() <= 1


def test_sixteen_bits_of_jpeg_2000_are_scaled_by_its_decoder(tmp_path: Path) -> None:
    values = np.tile(np.linspace(0, 20_000, WIDTH).astype(np.uint16), (WIDTH, 1))

    seen = shown(tmp_path, Image.fromarray(values), "JPEG2000")

    assert abs(seen[-1] - 78) <= 1


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_jpeg_2000_with_fewer_bits_stored_in_sixteen_is_as_bright_as_a_png(
    tmp_path: Path, bits: int
) -> None:
    values = np.tile(np.linspace(0, 2**bits - 1, WIDTH).astype(np.uint16), (WIDTH, 1))

    seen = shown(tmp_path, Image.fromarray(values), "JPEG2000")

    assert abs(seen[-1] - 255) <= 1
    assert abs(seen[len(seen) // 2] - 127) <= 3


def test_colours_of_sixteen_bits_and_palettes_keep_theirs(tmp_path: Path) -> None:
    grey_steps = Image.fromarray(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (8, 1)))
    palette = grey_steps.convert("P")
    alpha = grey_steps.convert("LA")

    for picture in (palette, alpha, grey_steps):
        assert shown(tmp_path, picture, "PNG").tolist() == list(range(0, 256, 4))
    assert shown(tmp_path, grey_steps.convert("1"), "PNG").max() == 255
