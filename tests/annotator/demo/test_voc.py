"""The VOC example: known labels as the challenge has them, fetched whole or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from annotator.demo import voc
from annotator.demo.example import make_demo
from annotator.domain import State
from annotator.errors import NotFound
from annotator.formats import FORMATS
from annotator.services.app import Services

NAMES = sorted(name for group in voc.GROUPS.values() for name in group)
IMAGES = [f"{number:06}" for number in range(5, 15)]


def look_alike(folder: Path) -> None:
    """Write ten pictures in the layout of the set: dogs on even ones, difficult cats on the odd."""
    root = folder / voc.LAYOUT
    (root / "JPEGImages").mkdir(parents=True)
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for number, name in enumerate(IMAGES):
        colour = (number * 25, 90, 120)
        Image.new("RGB", (40, 30 + number), colour).save(root / "JPEGImages" / f"{name}.jpg")
    for category in NAMES:
        rows = [f"{name} {value(category, n):2d}\n" for n, name in enumerate(IMAGES)]
        (root / "ImageSets" / "Main" / f"{category}_trainval.txt").write_text("".join(rows))


def value(category: str, number: int) -> int:
    if category == "dog":
        return -1 if number % 2 else 1
    return 0 if category == "cat" and number % 2 else -1


def test_there_are_twenty_categories() -> None:
    assert len(set(NAMES)) == 20


def test_difficult_objects_are_unknown_and_the_rest_is_as_listed(tmp_path: Path) -> None:
    look_alike(tmp_path)

    labels = voc.known_labels(tmp_path / voc.LAYOUT, share=1.0)

    states = {(i.file_name, p.category): p.state for i in labels.images for p in i.pairs}
    assert len(states) == 20 * 10 - 5
    assert states["000005.jpg", "dog"] is State.PRESENT
    assert states["000006.jpg", "dog"] is State.ABSENT
    assert states["000005.jpg", "cat"] is State.ABSENT
    assert ("000006.jpg", "cat") not in states
    assert {c.name: c.supercategory for c in labels.categories}["dog"] == "animal"


def test_a_tenth_of_the_labels_is_known_and_the_seed_says_which(tmp_path: Path) -> None:
    look_alike(tmp_path)

    first, again, other = (voc.known_labels(tmp_path / voc.LAYOUT, seed=s) for s in (0, 0, 1))

    assert sum(len(image.pairs) for image in first.images) == round(0.1 * 195)
    assert first == again
    assert first != other


def test_the_project_has_every_picture_and_a_tenth_of_the_labels(tmp_path: Path) -> None:
    fetched: list[Path] = []

    def fetch(folder: Path) -> None:
        fetched.append(folder)
        look_alike(folder)
        (folder / "archive.tar").touch()

    voc.create(tmp_path / "demo" / "voc2007", tmp_path / "cache", fetch=fetch)
    voc.create(tmp_path / "demo" / "again", tmp_path / "cache", fetch=fetch)

    services = Services.open(tmp_path / "demo" / "voc2007")
    overview = services.progress.overview()
    services.close()
    assert len(fetched) == 1
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == ["VOCdevkit"]
    assert services.project.settings.name == "VOC 2007"
    assert overview["counts"]["images"] == 10
    assert sum(c["present"] + c["absent"] for c in overview["categories"]) == 20


@pytest.mark.parametrize("error", [OSError("no route to host"), RuntimeError("file is corrupted")])
def test_without_a_network_one_sentence_says_what_could_not_be_fetched(
    tmp_path: Path, error: Exception
) -> None:
    def fetch(folder: Path) -> None:
        (folder / "VOCdevkit").mkdir()
        raise error

    with pytest.raises(
        NotFound, match=r"VOC 2007 cannot be downloaded \(.*run `annotator demo` without"
    ):
        voc.create(tmp_path / "p", tmp_path / "cache", fetch=fetch)

    assert not (tmp_path / "p").exists()
    assert not (tmp_path / "cache" / voc.LAYOUT).exists()


def test_a_fetch_that_was_cut_off_is_taken_up_again(tmp_path: Path) -> None:
    def cut_off(folder: Path) -> None:
        (folder / "archive.tar").write_text("most of it")
        raise OSError("cut off")

    def fetch(folder: Path) -> None:
        assert (folder / "archive.tar").exists()
        look_alike(folder)

    with pytest.raises(NotFound):
        voc.create(tmp_path / "p", tmp_path / "cache", fetch=cut_off)
    voc.create(tmp_path / "p", tmp_path / "cache", fetch=fetch)

    assert (tmp_path / "p" / "project.toml").exists()


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("ImageSets/Main/dog_trainval.txt", None),
        ("ImageSets/Main/dog_trainval.txt", "000005 yes\n"),
        ("ImageSets/Main/dog_trainval.txt", "000005\n"),
        ("JPEGImages/000007.jpg", None),
        ("JPEGImages/000007.jpg", ""),
    ],
)
def test_a_damaged_set_is_named_with_the_cure(
    tmp_path: Path, file: str, content: str | None
) -> None:
    look_alike(tmp_path)
    damaged = tmp_path / voc.LAYOUT / file
    damaged.unlink()
    if content is not None:
        damaged.write_text(content)

    with pytest.raises(NotFound, match=rf"{file}.*download the set again"):
        voc.create(tmp_path / "p", tmp_path)

    assert not (tmp_path / "p").exists()


def test_the_cache_is_where_the_system_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/mine")

    assert voc.cache_folder() == Path("/var/mine/partial-label-annotator")


def test_the_example_is_made_once_and_used_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    look_alike(tmp_path / "data")

    project = make_demo("voc2007", tmp_path / "demo", data=tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / voc.LAYOUT / "ImageSets")
    again = make_demo("voc2007", tmp_path / "demo")

    assert project == again == tmp_path / "demo" / "voc2007"
    assert not (project / "features").exists()  # the trainer beside the page makes them
    assert FORMATS["coco"].read(tmp_path / "demo" / "voc2007-known.json").images
    assert f"Using the example in {project}" in capsys.readouterr().err


def test_an_unknown_example_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no example 'coco'; known: scenes, voc2007"):
        make_demo("coco", tmp_path)
