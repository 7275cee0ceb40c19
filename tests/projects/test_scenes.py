"""The example project draws what its truth says, and the same thing every time."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

SCENES = Path(__file__).resolve().parents[2] / "projects" / "scenes"
COUNT = 40


def load(name: str) -> ModuleType:
    """Load a script from its file, as the program does."""
    spec = importlib.util.spec_from_file_location(f"scenes_{name}", SCENES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_images = load("make_images")
hide = load("hide")


@pytest.fixture(scope="module")
def inside() -> Iterator[Any]:
    """Import the modules that the drawing processes use."""
    sys.path.insert(0, str(SCENES))
    yield importlib.import_module
    sys.path.remove(str(SCENES))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("scenes") / "demo"
    return make_images.generate(folder, count=COUNT, seed=7, processes=2)


@pytest.fixture(scope="module")
def truth(drawn: Any) -> dict[str, Any]:
    return json.loads(drawn.truth_json.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def table(drawn: Any) -> list[dict[str, str]]:
    with drawn.truth_csv.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


def test_the_same_seed_gives_the_same_files_whatever_the_number_of_processes(
    drawn: Any, tmp_path: Path
) -> None:
    again = make_images.generate(tmp_path / "again", count=12, seed=7, processes=1)

    names = sorted(path.name for path in again.images.iterdir())
    assert len(names) == 12
    for name in names:
        assert (again.images / name).read_bytes() == (drawn.images / name).read_bytes()


def test_another_seed_gives_other_pixels(drawn: Any, tmp_path: Path) -> None:
    other = make_images.generate(tmp_path / "other", count=1, seed=8, processes=1)

    name = next(other.images.iterdir()).name
    assert (other.images / name).read_bytes() != (drawn.images / name).read_bytes()


def test_the_table_says_what_the_boxes_say(
    truth: dict[str, Any], table: list[dict[str, str]]
) -> None:
    categories = {category["id"]: category["name"] for category in truth["categories"]}
    files = {image["id"]: image["file_name"] for image in truth["images"]}

    boxed = {
        (files[note["image_id"]], categories[note["category_id"]]) for note in truth["annotations"]
    }
    ticked = {(row["file"], name) for row in table for name in row if row[name] == "1"}

    assert ticked == boxed
    assert list(table[0]) == ["file", *categories.values()]
    assert {row[name] for row in table for name in categories.values()} == {"0", "1"}


def test_the_folder_of_images_holds_the_listed_images_and_nothing_of_the_truth(
    drawn: Any, truth: dict[str, Any]
) -> None:
    listed = {image["file_name"]: image for image in truth["images"]}

    assert {path.name for path in drawn.images.iterdir()} == set(listed)
    assert len(listed) == COUNT
    for path in drawn.images.iterdir():
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (listed[path.name]["width"], listed[path.name]["height"])
            assert max(picture.size) >= 320


def test_every_box_lies_inside_its_image_and_is_large_enough_to_see(truth: dict[str, Any]) -> None:
    sizes = {image["id"]: (image["width"], image["height"]) for image in truth["images"]}

    for note in truth["annotations"]:
        left, top, wide, high = note["bbox"]
        across, tall = sizes[note["image_id"]]
        assert left >= 0
        assert top >= 0
        assert left + wide <= across
        assert top + high <= tall
        assert min(wide, high) >= 25
        assert note["visible"] >= 0.35
        assert 0 < note["area"] <= wide * high


def test_painting_everything_back_to_front_leaves_the_pixels_that_the_truth_counts(
    inside: Any,
) -> None:
    render, casting, staging = inside("render"), inside("casting"), inside("staging")

    for index in range(12):
        rng = np.random.default_rng([3, index])
        cast = casting.draw_cast(rng)
        setting = render.STAGES[cast.scene](384, 288, cast.light, rng)
        _, seen, placed = staging.stage(setting, cast, rng)
        owners = Image.new("I", (384, 288), 0)
        for number, spot in reversed(list(enumerate(placed, start=1))):
            outline = spot.picture.getchannel("A").point(lambda value: 255 * (value > 127))
            owners.paste(number, (spot.left, spot.top), outline)
        counted = [
            (spot.piece.kind.name, int((np.asarray(owners) == number).sum()))
            for number, spot in enumerate(placed, start=1)
            if spot.piece is not None and spot.piece.kind.supercategory
        ]

        assert counted == [(view.category, view.area) for view in seen]


def test_there_are_many_categories_of_long_tailed_frequency(inside: Any) -> None:
    world, casting = inside("world"), inside("casting")
    rng = np.random.default_rng(0)

    casts = [casting.draw_cast(rng) for _ in range(2000)]
    shares = {
        kind.name: np.mean([kind in [k for k, _ in cast.groups] for cast in casts])
        for kind in world.KINDS
    }

    assert 28 <= len(shares) <= 32
    assert 0.3 <= max(shares.values()) <= 0.45
    assert 0.01 <= min(shares.values()) <= 0.04
    assert 3 <= sum(shares.values()) <= 4.2


@pytest.mark.parametrize(
    ("one", "other"),
    [("tent", "fire"), ("cow", "tractor"), ("traffic light", "car"), ("cow", "sheep")],
)
def test_what_belongs_together_is_seen_together(inside: Any, one: str, other: str) -> None:
    casting = inside("casting")
    rng = np.random.default_rng(1)

    casts = [{kind.name for kind, _ in casting.draw_cast(rng).groups} for _ in range(2000)]
    both = np.mean([one in cast and other in cast for cast in casts])
    by_chance = np.mean([one in c for c in casts]) * np.mean([other in c for c in casts])

    assert both / by_chance > 3


def test_a_companion_is_likelier_beside_its_partner_than_elsewhere_in_the_same_place(
    inside: Any,
) -> None:
    casting = inside("casting")
    rng = np.random.default_rng(2)

    streets = [set(casting.present_categories("street", "day", rng)) for _ in range(3000)]
    beside = np.mean(["traffic light" in names for names in streets if "bus" in names])
    elsewhere = np.mean(["traffic light" in names for names in streets if "bus" not in names])

    assert beside > elsewhere + 0.1


def test_the_sun_shines_by_day_and_the_moon_at_night(inside: Any) -> None:
    casting = inside("casting")
    rng = np.random.default_rng(0)

    nights = {n for _ in range(200) for n in casting.present_categories("street", "night", rng)}
    days = {n for _ in range(200) for n in casting.present_categories("street", "day", rng)}

    assert "moon" in nights - days
    assert "sun" in days - nights


def test_no_emoji_is_enlarged_and_large_ones_come_from_the_drawing(inside: Any) -> None:
    choose_raster = inside("sprites").choose_raster

    for side in np.arange(1, 600, 0.5):
        extension, pixels = choose_raster(float(side))
        assert pixels >= side
        assert extension == ("png" if side <= 72 else "svg")


def test_an_emoji_is_drawn_in_the_size_that_was_asked_for(inside: Any) -> None:
    sprites = inside("sprites")

    for longest in (30, 90, 300):
        picture = sprites.draw("🐄", longest, tint=sprites.Tint())
        assert max(picture.size) == longest


def test_every_emoji_of_every_kind_is_in_the_package(inside: Any) -> None:
    world, sprites = inside("world"), inside("sprites")

    for kind in world.KINDS + world.DECOR:
        tones = sprites.SKIN_TONES if kind.name == "person" else ("",)
        for emoji in " ".join(kind.emoji.values()).split():
            for tone in tones:
                stem = sprites.file_stem(sprites.with_skin_tone(emoji, tone) if tone else emoji)
                for extension in ("png", "svg"):
                    folder = sprites.get_extension_folder(extension)
                    assert (folder / f"{stem}.{extension}").is_file(), (kind.name, emoji)


def test_a_second_run_does_nothing_and_says_so(
    drawn: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    target = drawn.images.parent
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}

    code = make_images.main(["--out", str(target), "--count", str(COUNT), "--seed", "7"])

    assert code == 0
    assert "already there" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before


def test_a_folder_with_other_scenes_or_other_files_is_refused_and_left_alone(
    drawn: Any, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")

    with pytest.raises(make_images.ScenesError, match=f"already holds {COUNT} scenes"):
        make_images.generate(drawn.images.parent, count=COUNT + 1, seed=7)
    with pytest.raises(make_images.ScenesError, match="is not empty"):
        make_images.generate(tmp_path, count=1)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_images.generate(tmp_path / "demo", count=50, on_progress=stop)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--count=0", "--seed=-1", "--processes=0"])
def test_a_number_out_of_range_is_refused_in_one_sentence(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = make_images.main(["--out", str(tmp_path / "demo"), option])

    assert code == 1
    assert "at least" in capsys.readouterr().err


def test_without_the_emoji_packages_it_names_the_command_that_installs_them(
    tmp_path: Path,
) -> None:
    # -S leaves out every installed package.
    command = [sys.executable, "-S", str(SCENES / "make_images.py"), "--out", str(tmp_path / "x")]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert 'pip install "partial-label-annotator[demo]"' in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_hiding_keeps_the_share_and_never_changes_a_value(
    drawn: Any, table: list[dict[str, str]], share: float
) -> None:
    known = list(csv.DictReader(hide.known_labels(drawn.truth_csv, share, seed=3).splitlines()))

    pairs = [
        (row[name], true[name])
        for row, true in zip(known, table, strict=True)
        for name in true
        if name != "file"
    ]
    kept = [(cell, true) for cell, true in pairs if cell]
    assert [row["file"] for row in known] == [row["file"] for row in table]
    assert len(kept) == round(share * len(pairs))
    assert all(cell == true for cell, true in kept)
    if share == 0.1:
        assert {cell for cell, _ in kept} == {"0", "1"}


def test_hiding_depends_on_its_seed_only(drawn: Any) -> None:
    first = hide.known_labels(drawn.truth_csv, 0.1, seed=1)

    assert hide.known_labels(drawn.truth_csv, 0.1, seed=1) == first
    assert hide.known_labels(drawn.truth_csv, 0.1, seed=2) != first


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_that_is_none_is_refused(drawn: Any, share: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        hide.known_labels(drawn.truth_csv, share)
