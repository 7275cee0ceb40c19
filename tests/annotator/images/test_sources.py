"""What a scan finds in folders of every kind."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annotator.errors import NotFound
from annotator.images import sources
from annotator.images.sources import Scan, scan
from annotator.setting_sections import Images


def draw(path: Path, colour: str = "red", size: tuple[int, int] = (6, 4)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, "PNG")
    return path


def paths(result: Scan) -> list[str]:
    return [file.path for file in result.found]


def problems(result: Scan) -> dict[str, str]:
    return {file.path: file.problem for file in result.broken}


def left_out(result: Scan) -> dict[str, tuple[int, list[str]]]:
    return {row["kind"]: (row["files"], row["examples"]) for row in result.left_out.rows()}


def known(result: Scan) -> dict[str, tuple[int, int]]:
    files = (*result.found, *result.broken)
    return {file.path: (file.size, file.modified_ns) for file in files}


def test_pictures_of_the_whole_tree_are_found_in_order(tmp_path: Path) -> None:
    for name in (
        "b.png",
        "a/deep/er/c.JPG",
        "a/b.Tiff",
        "z.webp",
        "a/x.jpe",
        "notes.txt",
        "a/raw.cr2",
    ):
        draw(tmp_path / name)

    result = scan(tmp_path, {})

    assert paths(result) == ["a/b.Tiff", "a/deep/er/c.JPG", "a/x.jpe", "b.png", "z.webp"]
    assert result.broken == []
    assert result.gone == []


def test_a_found_file_carries_what_the_store_keeps(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.jpg", size=(7, 5))

    (file,) = scan(tmp_path, {}).found

    about = path.stat()
    assert (file.width, file.height, file.format) == (7, 5, "PNG")
    assert (file.size, file.modified_ns) == (about.st_size, about.st_mtime_ns)
    assert len(file.content_hash) == 64


def test_a_broken_file_does_not_keep_the_others_out(tmp_path: Path) -> None:
    draw(tmp_path / "good.png")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("hello")

    result = scan(tmp_path, {})

    assert paths(result) == ["good.png"]
    assert list(problems(result)) == ["empty.jpg", "text.png"]
    assert problems(result)["empty.jpg"] == "is empty (0 bytes)"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (".hidden.png", ".hidden.png"),
        (".thumbnails/a.png", ".thumbnails/"),
        ("a/.cache/b/c.png", "a/.cache/"),
        ("__MACOSX/a/b.jpg", "__MACOSX/"),
        ("a/._b.jpg", "a/._b.jpg"),
        ("Thumbs.db", "Thumbs.db"),
        ("@eaDir/a.jpg", "@eaDir/"),
    ],
)
def test_what_a_system_hides_is_passed_over_and_counted(
    tmp_path: Path, name: str, shown: str
) -> None:
    draw(tmp_path / name)

    assert left_out(scan(tmp_path, {})) == {"hidden or system files": (1, [shown])}
    assert paths(scan(tmp_path, {})) == []


@pytest.mark.skipif(sys.platform == "win32", reason="these names are not allowed on Windows")
@pytest.mark.parametrize(
    "name",
    [
        "with space.png",
        "quo\"te's.png",
        "neue\nzeile.png",
        "Ünï cødé 猫.png",
        "a,b;c.png",
        "100%.png",
    ],
)
def test_odd_names_are_ordinary_names(tmp_path: Path, name: str) -> None:
    draw(tmp_path / "odd folder" / name)

    assert paths(scan(tmp_path, {})) == [f"odd folder/{name}"]


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
@pytest.mark.parametrize("name", [b"caf\xe9.png", b"caf\xe9/fine.png"])
def test_a_name_that_is_not_utf8_is_broken_and_shown_safely(tmp_path: Path, name: bytes) -> None:
    draw(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))

    result = scan(tmp_path, {})

    shown = name.decode("utf-8", "backslashreplace")
    assert problems(result) == {shown: "has a name that is not UTF-8; rename it"}
    assert scan(tmp_path, known(result)) == Scan(unchanged=1)


def test_a_second_scan_reads_only_what_is_new_or_changed(tmp_path: Path) -> None:
    draw(tmp_path / "same.png")
    draw(tmp_path / "changed.png")
    draw(tmp_path / "deleted.png")
    (tmp_path / "broken.png").touch()
    before = known(scan(tmp_path, {}))
    draw(tmp_path / "changed.png", "blue", (60, 40))
    draw(tmp_path / "new.png")
    (tmp_path / "deleted.png").unlink()
    progress: list[tuple[int, int]] = []

    result = scan(tmp_path, before, on_progress=lambda done, total: progress.append((done, total)))

    assert paths(result) == ["changed.png", "new.png"]
    assert (result.broken, result.gone, result.unchanged) == ([], ["deleted.png"], 2)
    assert progress == [(1, 2), (2, 2)]


def test_a_file_that_disappears_during_the_scan_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_CHUNK", 1)
    draw(tmp_path / "a.png")
    draw(tmp_path / "b.png")
    draw(tmp_path / "c.png")

    def remove(*_: int) -> None:
        (tmp_path / "b.png").unlink(missing_ok=True)
        (tmp_path / "c.png").unlink(missing_ok=True)

    result = scan(tmp_path, {"b.png": (1, 1)}, on_progress=remove)

    assert paths(result) == ["a.png"]
    assert (result.broken, result.gone) == ([], ["b.png"])


def test_progress_may_stop_the_scan(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")

    def stop(*_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        scan(tmp_path, {}, on_progress=stop)


def loop_to_itself(root: Path) -> None:
    (root / "inner").mkdir()
    (root / "inner" / "again").symlink_to(root)


def loop_of_two(root: Path) -> None:
    (root / "x").mkdir()
    (root / "y").mkdir()
    (root / "x" / "to_y").symlink_to(root / "y")
    (root / "y" / "to_x").symlink_to(root / "x")


def link_to_nowhere(root: Path) -> None:
    (root / "circle").symlink_to(root / "circle")


@pytest.mark.parametrize("build", [loop_to_itself, loop_of_two, link_to_nowhere])
def test_a_loop_of_links_ends(tmp_path: Path, build: Callable[[Path], None]) -> None:
    draw(tmp_path / "a.png")
    build(tmp_path)

    assert paths(scan(tmp_path, {})) == ["a.png"]


def test_a_linked_folder_is_followed_once(tmp_path: Path) -> None:
    draw(tmp_path / "elsewhere" / "a.png")
    root = tmp_path / "root"
    draw(root / "real" / "b.png")
    (root / "first").symlink_to(tmp_path / "elsewhere")
    (root / "second").symlink_to(tmp_path / "elsewhere")
    (root / "alias").symlink_to(root / "real")

    assert paths(scan(root, {})) == ["first/a.png", "real/b.png"]


def test_links_to_files_are_read_and_dangling_ones_reported(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "fine.png").symlink_to(draw(tmp_path / "a.png"))
    (root / "dangling.png").symlink_to(tmp_path / "missing.png")
    (root / "round.png").symlink_to(root / "round.png")

    result = scan(root, {})

    assert paths(result) == ["fine.png"]
    assert problems(result)["dangling.png"] == "is a link to a missing file"
    assert problems(result)["round.png"].startswith("cannot be read: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_with_the_name_of_a_picture_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")

    assert problems(scan(tmp_path, {})) == {"pipe.png": "is not an ordinary file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_forbidden_folder_is_reported_and_the_rest_goes_in(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    draw(tmp_path / "secret" / "b.png").parent.chmod(0)

    result = scan(tmp_path, {})
    (tmp_path / "secret").chmod(0o700)

    assert paths(result) == ["a.png"]
    assert problems(result) == {"secret": "cannot be read: permission denied"}


def test_a_folder_without_pictures_gives_an_empty_scan(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")

    result = scan(tmp_path, {})

    assert (result.found, result.broken, result.gone) == ([], [], [])
    assert left_out(result) == {"label or text files": (1, ["readme.txt"])}


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").touch()

    with pytest.raises(NotFound, match=f"{name} is not a folder; name the folder that holds"):
        scan(tmp_path / name, {})


ODD_ENDINGS = (
    "",
    ".1",
    ".jpg_large",
    ".image",
    ".bin",
    ".JPG~",
    ".backup",
    ".jfif",
    ".JIF",
    ".hif",
)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("ending", ODD_ENDINGS)
def test_a_picture_is_taken_whatever_its_name_ends_in(
    tmp_path: Path, kind: str, ending: str
) -> None:
    Image.new("RGB", (16, 16), "red").save(tmp_path / f"a{ending}", kind)

    result = scan(tmp_path, {})

    assert [(f.path, f.format) for f in result.found] == [(f"a{ending}", kind)]
    assert left_out(result) == {}


@pytest.mark.parametrize(
    "content", [b"", b"BM is how this text begins", b"GIF89", b"\xff\xd8\xff", b"II*", b"\0" * 64]
)
def test_bytes_of_a_file_without_ending_that_are_no_picture_are_counted(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "README").write_bytes(content)

    result = scan(tmp_path, {})

    assert (result.found, result.broken) == ([], [])
    assert left_out(result) == {"other files": (1, ["README"])}


def test_a_file_without_ending_that_is_a_picture_no_more_is_gone(tmp_path: Path) -> None:
    draw(tmp_path / "a")
    before = known(scan(tmp_path, {}))
    (tmp_path / "a").write_text("no picture any more")

    result = scan(tmp_path, before)

    assert result.gone == ["a"]
    assert left_out(result) == {"other files": (1, ["a"])}


def test_a_known_file_without_ending_is_not_looked_into_again(tmp_path: Path) -> None:
    draw(tmp_path / "a")
    first = scan(tmp_path, {})

    again = scan(tmp_path, known(first))

    assert (again.unchanged, again.gone, left_out(again)) == (1, [], {})


KINDS = {
    "labels.csv": "label or text files",
    "labels.JSON": "label or text files",
    "a.xmp": "label or text files",
    "clip.MP4": "videos",
    "all.tar.gz": "archives",
    "a.CR2": "camera raw files",
    "scan.dcm": "medical files",
    "masks.npy": "data files",
    "a.svg": "pictures in formats that are not read",
    "x.crdownload": "unfinished downloads",
    "paper.pdf": "documents",
    "note.wav": "sound files",
    "convert.py": "programs",
    "LICENSE": "other files",
    "a.xyz": "other files",
    ".DS_Store": "hidden or system files",
}


@given(names=st.lists(st.sampled_from(sorted(KINDS)), unique=True), copies=st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_every_file_is_a_picture_broken_or_counted(names: list[str], copies: int) -> None:
    with TemporaryDirectory() as place:
        for number in range(copies):
            folder = Path(place) / str(number)
            folder.mkdir()
            draw(folder / "good.png", size=(number + 1, 4))
            for name in names:
                (folder / name).write_bytes(b"some text")

        result = scan(Path(place), {})

    expected = Counter(KINDS[name] for name in names for _ in range(copies))
    assert len(result.found) == copies
    assert Counter({k: count for k, (count, _) in left_out(result).items()}) == expected
    assert all(len(e) == min(c, 3) for c, e in left_out(result).values())


def test_a_project_inside_the_folder_is_no_source_of_pictures(tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "P").mkdir()
    (tmp_path / "P" / "project.toml").touch()
    for name in ("thumbnails/256/ab/c.webp", "exports/d.png", "versions/1/e.png", "images/f.png"):
        draw(tmp_path / "P" / name)

    result = scan(tmp_path, {})

    assert paths(result) == ["P/images/f.png", "a.png"]
    assert left_out(result)["files of a project"][0] == 4


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG", "AVIF"])
def test_a_file_with_several_frames_is_named(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    frames[0].save(tmp_path / f"many.{kind.lower()}", kind, save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / f"one.{kind.lower()}", kind)

    result = scan(tmp_path, {})

    assert len(result.found) == 2
    assert result.first_only == [f"many.{kind.lower()}"]


def test_a_picture_above_the_limit_is_looked_at_again_once_the_limit_is_raised(
    tmp_path: Path,
) -> None:
    draw(tmp_path / "large.png", size=(200, 100))
    draw(tmp_path / "small.png", size=(100, 100))

    refused = scan(tmp_path, {}, settings=Images(max_megapixels=0.01))
    again = scan(tmp_path, known(refused), settings=Images(max_megapixels=0.01))
    raised = scan(tmp_path, known(again) | known(refused), settings=Images(max_megapixels=0.02))

    assert list(problems(refused)) == list(problems(again)) == ["large.png"]
    assert "max_megapixels under [images] in project.toml" in problems(refused)["large.png"]
    assert (paths(raised), raised.unchanged) == (["large.png"], 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_without_ending_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert left_out(scan(tmp_path, {})) == {"other files": (1, ["pipe"])}
