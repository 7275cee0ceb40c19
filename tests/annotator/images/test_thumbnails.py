"""Thumbnails are small, upright, made once and never seen half."""

from __future__ import annotations

import errno
import io
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from annotator.errors import ImageError
from annotator.images import thumbnails
from annotator.images.thumbnails import (
    WIDTHS,
    damaged,
    keep_small,
    kept,
    problem_of_keeping,
    thumbnail,
    thumbnail_path,
)
from annotator.setting_sections import Images

HASH = "ab" + "0" * 62


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def picture(folder: Path, size: tuple[int, int]) -> Path:
    path = folder / "source.png"
    Image.new("RGB", size, "red").save(path)
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_a_large_picture_is_reduced_to_a_listed_size(tmp_path: Path, width: int) -> None:
    made = thumbnail(picture(tmp_path, (2560, 1280)), tmp_path / "small", HASH, width)

    with opened(made.content) as reduced:
        assert (reduced.format, reduced.size) == ("WEBP", (width, width // 2))
    path = tmp_path / "small" / str(width) / "ab" / f"{HASH}.webp"
    assert (path.read_bytes(), made.problem) == (made.content, "")


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    made = thumbnail(picture(tmp_path, (30, 20)), tmp_path / "small", HASH, 256)

    with opened(made.content) as reduced:
        assert reduced.size == (30, 20)


def test_a_thumbnail_is_made_once(tmp_path: Path) -> None:
    source = picture(tmp_path, (300, 200))
    first = thumbnail(source, tmp_path / "small", HASH, 256)
    source.unlink()

    assert thumbnail(source, tmp_path / "small", HASH, 256) == first


def test_the_smaller_width_is_made_with_the_larger_one(tmp_path: Path) -> None:
    source = picture(tmp_path, (2560, 1280))
    thumbnail(source, tmp_path / "small", HASH, 1280)
    source.unlink()

    with opened(thumbnail(source, tmp_path / "small", HASH, 256).content) as reduced:
        assert (reduced.format, reduced.size) == ("WEBP", (256, 128))


def test_a_smaller_width_that_is_there_is_left_alone(tmp_path: Path) -> None:
    source = picture(tmp_path, (2560, 1280))
    thumbnail(source, tmp_path / "small", HASH, 256)
    small = thumbnail_path(tmp_path / "small", HASH, 256)
    before = small.stat().st_mtime_ns, small.stat().st_ino

    thumbnail(source, tmp_path / "small", HASH, 1280)

    assert (small.stat().st_mtime_ns, small.stat().st_ino) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_that_ends_early_after_a_power_loss_is_made_again(
    tmp_path: Path, share: float
) -> None:
    source = picture(tmp_path, (300, 200))
    content = thumbnail(source, tmp_path / "small", HASH, 256).content
    path = thumbnail_path(tmp_path / "small", HASH, 256)
    path.write_bytes(content[: int(share * len(content))])

    again = thumbnail(source, tmp_path / "small", HASH, 256)

    assert (again.content, path.read_bytes()) == (content, content)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), value=st.integers(1, 255))
def test_any_byte_that_changed_is_noticed_and_the_copy_is_made_again(
    tmp_path: Path, place: int, value: int
) -> None:
    source = picture(tmp_path, (300, 200))
    whole = thumbnail(source, tmp_path / "small", HASH, 256).content
    path = thumbnail_path(tmp_path / "small", HASH, 256)
    content = bytearray(whole)
    content[place % len(content)] ^= value
    path.write_bytes(content)

    assert kept(path) is None
    assert thumbnail(source, tmp_path / "small", HASH, 256).content == whole == kept(path)
    assert opened(whole).size == (256, 171)


def test_a_copy_without_a_checksum_is_made_again_and_not_called_damaged(tmp_path: Path) -> None:
    source = picture(tmp_path, (300, 200))
    path = thumbnail_path(tmp_path / "small", HASH, 256)
    path.parent.mkdir(parents=True)
    Image.new("RGB", (256, 171)).save(path, "WEBP")

    assert list(damaged(tmp_path / "small")) == []
    assert kept(path) is None
    assert thumbnail(source, tmp_path / "small", HASH, 256).content == kept(path)


def test_a_picture_that_is_open_anyway_leaves_its_smallest_copy(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with Image.new("RGB", (896, 672), "red") as whole:
        keep_small(whole, folder, HASH)
        size = whole.size

    with opened(thumbnail(tmp_path / "not there", folder, HASH, 256).content) as small:
        assert (small.format, small.size) == ("WEBP", (256, 192))
    assert size == (896, 672)
    assert not (folder / "1280").exists()


def test_a_picture_below_the_smallest_width_leaves_none(tmp_path: Path) -> None:
    keep_small(Image.new("RGB", (255, 200)), tmp_path / "small", HASH)

    assert not (tmp_path / "small").exists()


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"a file where the folder should be")

    keep_small(Image.new("RGB", (256, 200)), tmp_path / "small", HASH)

    assert (tmp_path / "small").is_file()


def test_callers_at_once_all_get_the_whole_file(tmp_path: Path) -> None:
    source = picture(tmp_path, (600, 400))

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: thumbnail(source, tmp_path / "t", HASH, 256), range(16)))

    path = tmp_path / "t" / "256" / "ab" / f"{HASH}.webp"
    assert [p for p in (tmp_path / "t").rglob("*") if p.is_file()] == [path]
    assert {each.content for each in made} == {path.read_bytes()}
    with opened(made[0].content) as reduced:
        reduced.load()


def test_a_broken_picture_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no")

    with pytest.raises(ImageError, match="is not an image"):
        thumbnail(tmp_path / "broken.png", tmp_path / "small", HASH, 256)

    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("content_hash", "width", "message"),
    [(HASH, 100, "width must be one of 256, 1280"), ("../../etc", 256, "64 hexadecimal digits")],
    ids=["size", "hash"],
)
def test_what_is_not_listed_is_refused(
    tmp_path: Path, content_hash: str, width: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        thumbnail(picture(tmp_path, (30, 20)), tmp_path / "small", content_hash, width)


def test_a_project_that_was_deleted_is_not_made_again(tmp_path: Path) -> None:
    source = picture(tmp_path, (300, 200))

    made = thumbnail(source, tmp_path / "project" / "thumbnails", HASH, 256)

    assert "no such file" in made.problem
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_copy_that_cannot_be_kept_is_shown_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, width: int
) -> None:
    source = picture(tmp_path, (2560, 1280))

    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(thumbnails, "write_atomically", full)

    made = thumbnail(source, tmp_path / "small", HASH, width)

    with opened(made.content) as reduced:
        assert reduced.size == (width, width // 2)
    assert os.strerror(number).lower() in made.problem
    assert str(tmp_path / "small") in made.problem


def test_a_disk_that_fills_up_leaves_no_half_of_a_copy(tmp_path: Path) -> None:
    """A limit of the system on the size of files stands for a full disk."""
    resource = pytest.importorskip("resource")
    source = tmp_path / "noise.png"
    pixels = np.random.default_rng(0).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(source)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        made = thumbnail(source, tmp_path / "small", HASH, 256)
        problem = problem_of_keeping(tmp_path / "small")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert len(made.content) > 5000
    assert "file too large" in made.problem
    assert problem == made.problem
    assert [path for path in (tmp_path / "small").rglob("*") if path.is_file()] == []
    assert problem_of_keeping(tmp_path / "small") == ""
    assert thumbnail(source, tmp_path / "small", HASH, 256).problem == ""


def test_another_range_of_grey_values_makes_other_copies(tmp_path: Path) -> None:
    source, folder = tmp_path / "grey.png", tmp_path / "small"
    Image.fromarray(np.full((300, 300), 1000, np.uint16)).save(source)
    narrow, wide = Images(grey_range="0 to 2000"), Images(grey_range="full")

    greys = [
        opened(thumbnail(source, folder, HASH, 256, settings).content).getpixel((9, 9))[0]
        for settings in (Images(), narrow, wide, narrow)
    ]

    assert np.abs(np.subtract(greys, [249, 128, 4, 128])).max() <= 2
    assert kept(thumbnail_path(folder, HASH, 256, wide)) is not None
    assert len({thumbnail_path(folder, HASH, 256, s) for s in (Images(), narrow, wide)}) == 3
