"""Files that are pictures of the project saved again: found, accepted, separated."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from annotator.arrays.features import SEARCH_DIMENSIONS, FeatureFiles
from annotator.domain import State
from annotator.errors import NotFound
from annotator.services.app import Services
from annotator.services.commands import answer_by_name, list_suggestions, status, status_text
from annotator.services.doctor import examine
from annotator.services.project.resaved_images import ALIKE
from annotator.store import images

PRESENT, ABSENT = State.PRESENT, State.ABSENT


def say(services: Services, name: str, category: str, state: State, by: str = "Ann") -> None:
    answer_by_name(services, image=name, category=category, state=state, annotator=by)


def save_again(path: Path, to: Path | None = None, color: int = 0) -> None:
    """Write a picture with other bytes, under its own name or another."""
    picture = Image.open(path).convert("RGB")
    path.unlink()
    picture.putpixel((0, 0), (color, 1, 2))
    picture.save(to or path)


def angle(degrees: float) -> np.ndarray:
    """Return a search vector in the plane of the first two directions."""
    vector = np.zeros(SEARCH_DIMENSIONS, np.float32)
    vector[:2] = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return vector


def embed(services: Services, degrees: dict[int, float]) -> None:
    """Give images features by ordinal, each a direction in a plane."""
    path, rows = services.project.features_path, 20
    features = FeatureFiles.open(path, writable=True)
    if features is None:
        features = FeatureFiles.create(path, backbone="test", pooled_dim=2, rows=rows)
    ordinals = np.array(list(degrees), np.int64)
    features.write(
        ordinals, np.ones((len(ordinals), 2)), np.zeros((len(ordinals), 0, 0)),
        np.stack([angle(each) for each in degrees.values()]),
    )  # fmt: skip


def offered(services: Services) -> list[tuple[str, str, float | None]]:
    return [(r["old"], r["new"], r["similarity"]) for r in services.resaved_images.offered()]


def exported(services: Services, out: Path) -> dict[str, list[tuple[str, str]]]:
    """Return what an export says about each file."""
    files = services.transfer.export(out, formats=("coco",))
    content = json.loads(next(f for f in files if f.suffix == ".json").read_text())
    names = {i["id"]: i["file_name"] for i in content["images"]}
    labels: dict[str, list[tuple[str, str]]] = {name: [] for name in names.values()}
    kinds = {c["id"]: c["name"] for c in content["categories"]}
    for each in content["annotations"]:
        labels[names[each["image_id"]]].append((kinds[each["category_id"]], "present"))
    return labels


def test_a_picture_saved_again_under_its_name_is_told_and_offered_without_features(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    save_again(pictures / "0.png")

    row = services.image_roots.look()

    assert "1 image with answers has no file now" in row["message"]
    (unusable,) = services.image_roots.unusable()
    assert unusable["path"] == "0.png"
    assert unusable["reason"].endswith("; 1 answer kept")
    assert offered(services) == [("0.png", "0.png", None)]
    with pytest.raises(NotFound, match="accept them by name"):
        services.resaved_images.accept(everything=True)


def test_what_is_accepted_is_counted_and_exported_as_before_and_comes_apart_again(
    services: Services, pictures: Path, tmp_path: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    save_again(pictures / "0.png")
    services.image_roots.look()
    assert status(services)["counts"]["present"] == 0
    assert exported(services, tmp_path / "before")["0.png"] == []

    row = services.resaved_images.accept(["0.png"])

    assert row["images"] == 1
    counts = status(services)["counts"]
    assert (counts["images"], counts["present"]) == (6, 1)
    assert exported(services, tmp_path / "after")["0.png"] == [("cat", "present")]
    assert services.media.content(1, 256)
    assert [r["new"] for r in services.resaved_images.accepted()] == ["0.png"]
    services.resaved_images.undo(["0.png"])
    assert status(services)["images_without_file"] == 1
    assert offered(services) == [("0.png", "0.png", None)]


def test_status_and_doctor_count_what_has_a_file_and_name_what_has_none(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    say(services, "1.png", "cat", ABSENT)
    (pictures / "0.png").unlink()
    services.image_roots.look()

    row = status(services)

    assert (row["counts"]["images"], row["counts"]["pairs"]) == (5, 15)
    assert (row["counts"]["present"], row["counts"]["absent"]) == (0, 1)
    assert "1 image with answers but no file; see `annotator images PROJECT" in status_text(row)
    told = [f for f in examine(services.project.path) if f.subject == "images"]
    assert [(f.bad, "'0.png'" in f.sentence) for f in told] == [(False, False), (True, True)]


def test_all_pictures_can_be_done_after_some_were_deleted(
    services: Services, pictures: Path
) -> None:
    (pictures / "5.png").unlink()
    services.image_roots.look()

    for number in range(5):
        for name in ("cat", "dog", "bird"):
            say(services, f"{number}.png", name, ABSENT)

    assert services.progress.state()["open"] == 0
    assert services.stopping.report()["reached"]
    assert services.transfer.export_counts("answered")["images"] == 5


def test_the_most_similar_new_file_is_offered_and_no_file_that_was_there_before(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    save_again(pictures / "0.png", pictures / "moved.png")
    Image.new("RGB", (9, 9), (1, 200, 3)).save(pictures / "other.png")
    services.image_roots.look()
    with services.store.reading() as tx:
        named = {p[0].path: images.get(tx, i).ordinal for i, p in images.paths_of(tx).items()}
    embed(services, {0: 0, 1: 0, named["moved.png"]: 2, named["other.png"]: 9})

    rows = services.resaved_images.offered()

    assert [(r["old"], r["new"], r["answers"]) for r in rows] == [("0.png", "moved.png", 1)]
    assert rows[0]["similarity"] == pytest.approx(np.cos(np.deg2rad(2)), abs=1e-4)
    assert services.resaved_images.accept(everything=True)["images"] == 1
    assert services.resaved_images.offered() == []


def test_what_looks_different_under_the_same_name_is_accepted_by_name_only(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    Image.new("RGB", (44, 30), (7, 8, 9)).save(pictures / "0.png")
    services.image_roots.look()

    embed(services, {0: 0, 6: 80})
    row = services.resaved_images.offered()[0]

    assert row["similarity"] == pytest.approx(np.cos(np.deg2rad(80)), abs=1e-4)
    assert "it looks different" in row["note"]
    with pytest.raises(NotFound, match="accept them by name"):
        services.resaved_images.accept(everything=True)
    assert services.resaved_images.accept(["0.png"])["images"] == 1
    assert status(services)["counts"]["answered"] == 1


def test_a_picture_that_moved_comes_before_another_one_that_took_its_name(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    save_again(pictures / "0.png", pictures / "moved.png")
    Image.new("RGB", (44, 30), (7, 8, 9)).save(pictures / "0.png")
    services.image_roots.look()
    with services.store.reading() as tx:
        ordinals = {p.path: images.get(tx, p.image_id or 0).ordinal for p in images.every_path(tx)}

    embed(services, {0: 0, ordinals["0.png"]: 80, ordinals["moved.png"]: 2})

    assert [(old, new) for old, new, _ in offered(services)] == [("0.png", "moved.png")]


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(degrees=st.floats(0, 60))
def test_what_is_offered_by_features_is_alike_by_the_threshold(
    services: Services, pictures: Path, degrees: float
) -> None:
    if (pictures / "0.png").exists():
        say(services, "0.png", "cat", PRESENT)
        save_again(pictures / "0.png", pictures / "moved.png")
        services.image_roots.look()
    embed(services, {0: 0, 6: degrees})

    likeness = float(angle(0) @ angle(degrees))

    assert bool(offered(services)) == (likeness >= ALIKE)


def test_answers_about_the_new_file_join_and_contradictions_are_conflicts(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    save_again(pictures / "0.png")
    services.image_roots.look()
    say(services, "0.png", "cat", ABSENT, by="Bob")
    say(services, "0.png", "dog", PRESENT, by="Bob")

    services.resaved_images.accept(["0.png"])

    counts = status(services)["counts"]
    assert (counts["conflicts"], counts["present"]) == (1, 1)


def test_the_original_file_coming_back_brings_the_answers_back(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    kept = (pictures / "0.png").read_bytes()
    save_again(pictures / "0.png")
    services.image_roots.look()

    (pictures / "0.png").write_bytes(kept)
    services.image_roots.look()

    assert status(services)["counts"]["present"] == 1
    assert offered(services) == []


def test_a_name_that_is_not_offered_or_accepted_is_refused(services: Services) -> None:
    for act in (services.resaved_images.accept, services.resaved_images.undo):
        with pytest.raises(NotFound, match=r"No file named '0\.png' (is|was)"):
            act(["0.png"])
    with pytest.raises(NotFound, match="nothing was changed"):
        services.resaved_images.accept(everything=True)
    with pytest.raises(NotFound, match="list them again"):
        services.resaved_images.accept_pairs([(1, 2)])


def test_suggestions_are_neither_made_nor_counted_for_what_is_not_in_use(
    services: Services, pictures: Path, publish: Callable[..., Any]
) -> None:
    publish(np.full((6, 3), 5.0, np.float32))
    assert services.progress.state()["suggestions"] == 18
    (pictures / "0.png").unlink()
    services.image_roots.look()
    services.removed_images.remove(["1.png"])

    listed = list_suggestions(services, image=None, category=None, limit=0)

    assert services.progress.state()["suggestions"] == 12 == len(listed)
    assert {row["image"] for row in listed} == {f"{n}.png" for n in range(2, 6)}
    assert services.transfer.export_counts("completed")["images"] == 4


def test_the_former_file_of_a_picture_that_goes_on_under_another_name_is_not_listed_as_missing(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png", "cat", PRESENT)
    embed(services, dict.fromkeys(range(6), 0.0))
    save_again(pictures / "0.png", pictures / "new.png")
    services.image_roots.look()
    embed(services, {6: 1.0})
    assert [row["name"] for row in services.image_roots.unusable()] == ["0.png"]

    services.resaved_images.accept(["new.png"])

    assert services.image_roots.unusable() == []
