"""What an export holds after merges, with archived categories, authors of files, and for whom."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO
from typer.testing import CliRunner

from annotator.cli import app
from annotator.domain import State
from annotator.errors import FormatError, NotFound, ProjectBusy
from annotator.formats.validate import validate
from annotator.services.app import Services
from annotator.services.catalogue import recomputing
from annotator.services.exchange import exporting
from annotator.services.project.creation import create_project
from annotator.store import images
from annotator.wire.recording import BackRequest, SaveRequest

CAT, DOG, BIRD = 1, 2, 3


def coco_file(folder: Path, *boxes: tuple[int, int, str, list[float]], **more: Any) -> Path:
    """Write a file of boxes: id, number of the image, category, box."""
    names = list(dict.fromkeys(name for _, _, name, _ in boxes))
    document = {
        "categories": [{"id": 11 * n, "name": name} for n, name in enumerate(names, start=1)],
        "images": [
            {"id": 100 + n, "file_name": f"{n}.png", "width": 40 + n, "height": 30}
            for n in range(6)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": 100 + image,
                "category_id": 11 * (1 + names.index(name)),
                "bbox": box,
                "area": 1,
                "iscrowd": 0,
                "segmentation": [],
            }
            for number, image, name, box in boxes
        ],
        **more,
    }
    file = folder / "boxes.json"
    file.write_text(json.dumps(document))
    return file


def exported(services: Services, out: Path, **options: Any) -> dict[str, Any]:
    (file,) = services.transfer.export(out, **options)
    assert validate(file).problems == ()
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def boxes_of(document: dict[str, Any], section: str = "annotations") -> dict[int, str]:
    """Return the name of the category of each imported box by its id."""
    names = {c["id"]: c["name"] for c in document["categories"]}
    rows = [row for row in document.get(section, []) if "attributes" not in row]
    return {row["id"]: names[row["category_id"]] for row in rows}


def say(services: Services, image: int, category: int, state: str) -> None:
    change = {"category": category, "state": state, "source": "human"}
    request = SaveRequest(
        op=f"{image} {category} {state}", kind="answer", image=image, changes=[change]
    )
    services.recording.save("ann", request)


@pytest.fixture
def boxed(services: Services, tmp_path: Path) -> Services:
    file = coco_file(
        tmp_path,
        (1, 0, "cat", [1, 1, 5, 5]),
        (2, 1, "dog", [1, 1, 6, 6]),
        (3, 1, "bird", [1, 1, 7, 7]),
    )
    services.transfer.import_file(file, annotator="eve")
    return services


def test_boxes_of_a_merged_category_come_out_under_the_one_that_took_it_over(
    boxed: Services, tmp_path: Path
) -> None:
    boxed.curation.merge(DOG, CAT)
    boxed.curation.merge(CAT, BIRD)

    chained = boxes_of(exported(boxed, tmp_path / "out"))
    boxed.curation.split(CAT)
    one = boxes_of(exported(boxed, tmp_path / "out"))
    boxed.curation.split(DOG)
    none = boxes_of(exported(boxed, tmp_path / "out"))

    assert chained == {1: "bird", 2: "bird", 3: "bird"}
    assert one == {1: "cat", 2: "cat", 3: "bird"}
    assert none == {1: "cat", 2: "dog", 3: "bird"}


def test_a_merged_box_that_comes_back_stays_with_its_own_category(
    boxed: Services, tmp_path: Path
) -> None:
    boxed.curation.merge(DOG, CAT)
    exported(boxed, tmp_path / "out")

    boxed.transfer.import_file(tmp_path / "out" / "labels_all.json", annotator="eve")
    boxed.curation.split(DOG)

    assert boxes_of(exported(boxed, tmp_path / "out")) == {1: "cat", 2: "dog", 3: "bird"}


def test_an_archived_category_is_left_out_with_a_word_and_comes_back(
    boxed: Services, tmp_path: Path
) -> None:
    boxed.curation.archive(DOG, True)

    hidden = boxes_of(exported(boxed, tmp_path / "out"))
    note = boxed.transfer.export_counts("answered")["note"]
    boxed.curation.archive(DOG, False)
    restored = boxes_of(exported(boxed, tmp_path / "out"))

    assert hidden == {1: "cat", 3: "bird"}
    assert note == (
        "1 label and 1 box of archived categories are left out; restore the categories to export "
        "them."
    )
    assert restored == {1: "cat", 2: "dog", 3: "bird"}
    assert boxed.transfer.export_counts("answered")["note"] == ""


def test_boxes_of_a_pair_that_became_absent_are_set_aside_with_a_word(
    boxed: Services, tmp_path: Path
) -> None:
    say(boxed, 2, DOG, "absent")
    words = ["export", str(boxed.project.path), "--out", str(tmp_path / "out")]

    said = CliRunner().invoke(app, words).stderr

    document = exported(boxed, tmp_path / "out")
    assert boxes_of(document) == {1: "cat", 3: "bird"}
    assert boxes_of(document, "withheld_annotations") == {2: "dog"}
    assert said == "1 box of pairs that are not present is set aside under withheld_annotations.\n"
    boxed.recording.undo("ann", BackRequest(op="back"))
    assert boxes_of(exported(boxed, tmp_path / "out")) == {1: "cat", 2: "dog", 3: "bird"}


def test_what_was_not_boxed_exhaustively_is_so_under_a_new_name(
    services: Services, tmp_path: Path
) -> None:
    file = coco_file(tmp_path, (1, 0, "cat", [1, 1, 5, 5]), (2, 0, "dog", [1, 1, 6, 6]))
    document = json.loads(file.read_text())
    document["images"][0]["not_exhaustive_category_ids"] = [11]
    file.write_text(json.dumps(document))
    services.transfer.import_file(file, annotator="eve")

    services.curation.edit(CAT, name="moggy")
    renamed = exported(services, tmp_path / "out")
    services.curation.merge(CAT, BIRD)
    merged = exported(services, tmp_path / "out")

    assert renamed["images"][0]["not_exhaustive_category_ids"] == [11]
    bird = next(c["id"] for c in merged["categories"] if c["name"] == "bird")
    assert merged["images"][0]["not_exhaustive_category_ids"] == [bird]


def test_the_author_of_an_imported_label_stays_its_author(
    services: Services, pictures: Path, tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,cat\n0.png,1\n1.png,0\n")
    services.transfer.import_file(table, annotator="me")
    exported(services, tmp_path / "out")

    made = create_project(
        tmp_path / "second",
        pictures,
        labels=tmp_path / "out" / "labels_all.json",
        annotator="somebody else",
    )
    again = Services.open(made.project.path)
    rows = exported(again, tmp_path / "again")["image_labels"]
    again.close()

    assert [(r["source"], r["annotator"]) for r in rows] == [("imported", "me")] * 2


def test_a_category_without_an_id_takes_that_of_a_file_where_it_is_free(
    services: Services, tmp_path: Path
) -> None:
    first = coco_file(tmp_path, (1, 0, "dog", [1, 1, 5, 5]))
    services.transfer.import_file(first, annotator="eve")
    second = coco_file(tmp_path, (1, 0, "cat", [1, 1, 5, 5]), (2, 1, "cow", [1, 1, 5, 5]))

    services.transfer.import_file(second, annotator="eve")  # 11 is the dog's, 22 is free

    ids = {c["name"]: c["id"] for c in exported(services, tmp_path / "out")["categories"]}
    assert (ids["dog"], ids["cow"]) == (11, 22)
    assert len(set(ids.values())) == 4


def test_annotations_whose_ids_clash_get_others_once_and_for_all(
    services: Services, tmp_path: Path
) -> None:
    first = coco_file(tmp_path, (1, 0, "dog", [1, 1, 5, 5]))
    services.transfer.import_file(first, annotator="eve")
    second = coco_file(tmp_path, (1, 1, "cat", [1, 1, 6, 6]), (7, 2, "cat", [1, 1, 7, 7]))
    services.transfer.import_file(second, annotator="eve")

    once = boxes_of(exported(services, tmp_path / "out"))
    services.transfer.import_file(second, annotator="eve")
    twice = boxes_of(exported(services, tmp_path / "out"))

    assert once == twice == {1: "dog", 7: "cat", 8: "cat"}


def test_the_id_of_a_label_without_a_box_stays_when_labels_come_and_go(
    boxed: Services, tmp_path: Path
) -> None:
    def whole() -> dict[tuple[int, int], int]:
        rows = exported(boxed, tmp_path / "out")["annotations"]
        return {(r["image_id"], r["category_id"]): r["id"] for r in rows if "attributes" in r}

    say(boxed, 5, CAT, "present")
    before = whole()
    say(boxed, 1, BIRD, "present")
    say(boxed, 3, DOG, "present")

    after = whole()
    assert len(before) == 1
    assert before.items() < after.items()


def test_certified_means_that_there_is_a_certificate(boxed: Services, tmp_path: Path) -> None:
    info = exported(boxed, tmp_path / "out", content="certified")["info"]

    assert info["certified"] is False
    assert info["content_note"].startswith("no certificate was in force")
    assert "certificates" not in info


def test_certificates_of_an_imported_file_are_not_those_of_an_export(
    services: Services, tmp_path: Path
) -> None:
    info = {
        "annotation_type": "image_level",
        "label_semantics": exported(services, tmp_path / "out")["info"]["label_semantics"],
        "certificates": [{"certificate": 1}],
        "contributor": "me",
    }
    file = coco_file(tmp_path, (1, 0, "cat", [1, 1, 5, 5]), info=info)
    services.transfer.import_file(file, annotator="eve")

    info = exported(services, tmp_path / "out", content="certified")["info"]

    assert (info["certified"], info["contributor"]) == (False, "me")
    assert "certificates" not in info


def test_an_export_for_datumaro_has_the_name_that_it_looks_for(
    boxed: Services, tmp_path: Path
) -> None:
    words = ["export", str(boxed.project.path), "--out", str(tmp_path), "--for", "datumaro"]

    done = CliRunner().invoke(app, [*words, "--json"])

    file = tmp_path / "annotations" / "instances_all.json"
    assert json.loads(done.stdout) == [str(file)]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(file)
    assert len(coco.getImgIds()) == 6
    assert sorted(coco.getAnnIds()) == [1, 2, 3]
    certified = boxed.transfer.export(tmp_path, content="certified", consumer="datumaro")
    assert [f.name for f in certified] == ["instances_certified_all.json"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"consumer": "word"}, "known: datumaro"),
        ({"consumer": "datumaro", "formats": ["csv"]}, "writes COCO only"),
    ],
)
def test_what_no_consumer_wants_is_refused(
    services: Services, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(NotFound, match=says):
        services.transfer.export(tmp_path / "out", **options)


def test_all_files_of_an_export_hold_the_labels_of_one_moment(
    boxed: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 1)

    def answer(done: int, total: int, stage: str) -> None:
        if stage == "Reading labels":
            say(boxed, total - done, BIRD, "absent")

    files = boxed.transfer.export(tmp_path, formats=["coco", "csv"], on_progress=answer)

    rows = json.loads(files[0].read_text())["image_labels"]
    assert {row["state"] for row in rows} == {State.PRESENT.value}
    assert "0" not in [c for line in files[1].read_text().splitlines()[1:] for c in line.split(",")]
    later = json.loads(boxed.transfer.export(tmp_path)[0].read_text())["image_labels"]
    assert {row["state"] for row in later} == {"present", "absent"}


def test_an_export_that_fails_leaves_the_file_of_before(
    boxed: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = boxed.transfer.export(tmp_path / "out")
    before = file.read_bytes()

    def fail(*told: int | str) -> None:
        if told[0]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "CHUNK", 2)
    with pytest.raises(FormatError, match="cannot be written: no space left on device"):
        boxed.transfer.export(tmp_path / "out", on_progress=fail)

    assert file.read_bytes() == before
    assert list((tmp_path / "out").iterdir()) == [file]


def test_a_place_that_is_no_folder_is_refused_in_a_sentence(
    boxed: Services, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("")

    with pytest.raises(FormatError, match=r"labels_all\.json cannot be written: .*another place"):
        boxed.transfer.export(tmp_path / "out")


def test_an_export_waits_for_images_that_are_being_added(
    boxed: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_another(*_: object) -> None:
        name = f"new {add_another.count}.png"  # type: ignore[attr-defined]
        add_another.count += 1  # type: ignore[attr-defined]
        found = images.FoundImage(name, name.encode().hex().zfill(64), 9, 9, "PNG", 1, 1)
        with boxed.store.writing() as tx:
            images.add(tx, "images", [found], [])

    add_another.count = 0  # type: ignore[attr-defined]
    monkeypatch.setattr("annotator.services.exchange.transfer.give_ids", add_another)

    with pytest.raises(ProjectBusy, match="Images are being added"):
        boxed.transfer.export(tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_an_export_never_holds_half_a_merge(boxed: Services, tmp_path: Path) -> None:
    with boxed.store.writing() as tx:
        recomputing.begin(tx, [CAT])

    with pytest.raises(ProjectBusy, match="merged category are being worked out"):
        boxed.transfer.export(tmp_path / "out")
