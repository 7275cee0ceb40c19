"""Images taken out of a project and brought back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.domain import State
from annotator.errors import ImageError, NotFound
from annotator.services.app import Services
from annotator.services.commands import answer_by_name, status


def say(services: Services, name: str, state: State = State.PRESENT) -> None:
    answer_by_name(services, image=name, category="cat", state=state, annotator="Ann")


def test_a_removed_image_leaves_queue_counts_and_search_until_it_is_restored(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png")

    row = services.removed_images.remove(["0.png", "./1.png"])
    services.image_roots.look()

    assert (row["images"], row["answers"]) == (2, 1)
    assert row["message"].startswith("2 images removed, 1 answer kept;")
    counts = status(services)
    assert (counts["counts"]["images"], counts["counts"]["present"]) == (4, 0)
    assert (counts["removed_images"], counts["images_without_file"]) == (2, 0)
    assert set(services.labelling.next_images("Ann", "tab")["images"]) == {3, 4, 5, 6}
    assert services.labelling.find_images("ann", "0.png")["images"] == []
    assert (pictures / "0.png").exists()
    services.removed_images.restore(["0.png"])
    assert status(services)["counts"]["present"] == 1
    assert [r["name"] for r in services.removed_images.rows()] == ["1.png"]


def test_no_answer_is_taken_by_name_for_an_image_that_is_in_no_count(
    services: Services, pictures: Path
) -> None:
    services.removed_images.remove(["0.png"])
    (pictures / "1.png").unlink()
    services.image_roots.look()

    with pytest.raises(ImageError, match="was removed from the project"):
        say(services, "0.png")
    with pytest.raises(ImageError, match="has no file any more"):
        say(services, "1.png")


def test_an_open_page_is_told_that_its_image_was_removed(
    services: Services, answer: Callable[..., None]
) -> None:
    services.removed_images.remove(["0.png"])

    with pytest.raises(ImageError, match="was removed from the project"):
        answer("a", (1, 1, "present"))

    (item,) = services.labelling.items("Ann", [1])
    assert "was removed" in (item["problem"] or "")


def test_all_that_is_missing_is_removed_at_once_and_comes_back_with_its_file(
    services: Services, pictures: Path
) -> None:
    say(services, "0.png")
    kept = (pictures / "0.png").read_bytes()
    (pictures / "0.png").unlink()
    services.image_roots.look()

    services.removed_images.remove([], missing=True)

    assert services.image_roots.unusable() == []
    (pictures / "0.png").write_bytes(kept)
    services.image_roots.look()
    assert status(services)["counts"]["images"] == 5
    row = services.removed_images.restore([], everything=True)
    assert row["message"] == "1 image restored, with 1 answer."
    assert status(services)["counts"]["present"] == 1


def test_a_restored_image_without_file_is_named_as_such(services: Services, pictures: Path) -> None:
    say(services, "0.png")
    services.removed_images.remove(["0.png"])
    (pictures / "0.png").unlink()
    services.image_roots.look()

    row = services.removed_images.restore(["0.png"])

    assert row["message"].endswith("1 of them still has no file.")
    assert [r["path"] for r in services.image_roots.unusable()] == ["0.png"]


def test_unknown_names_remove_and_restore_nothing(services: Services) -> None:
    with pytest.raises(NotFound, match=r"no image 'x\.png' and 1 other in"):
        services.removed_images.remove(["0.png", "x.png", "y.png"])
    with pytest.raises(NotFound, match=r"no removed image '0\.png' in"):
        services.removed_images.restore(["0.png"])
    with pytest.raises(NotFound, match="No image is missing"):
        services.removed_images.remove([], missing=True)

    assert status(services)["removed_images"] == 0


def test_importing_labels_of_an_image_that_is_in_no_count_says_so(
    services: Services, pictures: Path, tmp_path: Path
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("file,cat\n0.png,1\n1.png,1\n2.png,1\n")
    row = services.removed_images.remove(["0.png"])
    one = services.transfer.preview(file)
    (pictures / "1.png").unlink()
    services.image_roots.look()

    two = services.transfer.import_file(file, annotator="Ann")

    assert row["message"].endswith("undoes it.")
    assert "labels of 1 image that is removed or without a file are imported" in one.text()
    assert "labels of 2 images that are removed or without a file are imported" in two.text()
    assert services.transfer.export_counts("answered")["present"] == 1
    services.removed_images.restore(["0.png"])
    assert services.transfer.export_counts("answered")["present"] == 2
    assert "removed or without" in services.transfer.preview(file).text()
