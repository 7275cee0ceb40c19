"""Thumbnails are small, upright, made once and never seen half."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from annotator.errors import ImageError
from annotator.images.thumbnails import WIDTHS, keep_small, thumbnail

HASH = "ab" + "0" * 62


def picture(folder: Path, size: tuple[int, int]) -> Path:
    path = folder / "source.png"
    Image.new("RGB", size, "red").save(path)
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_a_large_picture_is_reduced_to_a_listed_size(tmp_path: Path, width: int) -> None:
    path = thumbnail(picture(tmp_path, (2560, 1280)), tmp_path / "small", HASH, width)

    with Image.open(path) as reduced:
        assert (reduced.format, reduced.size) == ("WEBP", (width, width // 2))
    assert path == tmp_path / "small" / str(width) / "ab" / f"{HASH}.webp"


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    path = thumbnail(picture(tmp_path, (30, 20)), tmp_path / "small", HASH, 256)

    with Image.open(path) as reduced:
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

    with Image.open(thumbnail(source, tmp_path / "small", HASH, 256)) as reduced:
        assert (reduced.format, reduced.size) == ("WEBP", (256, 128))


def test_a_smaller_width_that_is_there_is_left_alone(tmp_path: Path) -> None:
    source = picture(tmp_path, (2560, 1280))
    small = thumbnail(source, tmp_path / "small", HASH, 256)
    before = small.stat().st_mtime_ns, small.stat().st_ino

    thumbnail(source, tmp_path / "small", HASH, 1280)

    assert (small.stat().st_mtime_ns, small.stat().st_ino) == before


def test_an_empty_file_that_a_power_loss_left_is_made_again(tmp_path: Path) -> None:
    source = picture(tmp_path, (300, 200))
    path = thumbnail(source, tmp_path / "small", HASH, 256)
    path.write_bytes(b"")

    with Image.open(thumbnail(source, tmp_path / "small", HASH, 256)) as again:
        assert again.size == (256, 171)


def test_a_picture_that_is_open_anyway_leaves_its_smallest_copy(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with Image.new("RGB", (896, 672), "red") as opened:
        keep_small(opened, folder, HASH)
        size = opened.size

    with Image.open(thumbnail(tmp_path / "not there", folder, HASH, 256)) as kept:
        assert (kept.format, kept.size) == ("WEBP", (256, 192))
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

    assert set(made) == {tmp_path / "t" / "256" / "ab" / f"{HASH}.webp"}
    assert [p for p in (tmp_path / "t").rglob("*") if p.is_file()] == made[:1]
    with Image.open(made[0]) as reduced:
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

    with pytest.raises(FileNotFoundError):
        thumbnail(source, tmp_path / "project" / "thumbnails", HASH, 256)

    assert not (tmp_path / "project").exists()
