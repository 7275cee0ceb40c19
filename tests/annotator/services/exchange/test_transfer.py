from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from annotator.cli import app
from annotator.errors import FormatError, NotFound, NotReady
from annotator.formats.options import ReadOptions
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.store import categories, import_rollback, key_values
from annotator.wire.recording import SaveRequest

COCO: dict[str, Any] = {
    "info": {"year": 2026, "contributor": "me"},
    "licenses": [{"id": 3, "name": "CC"}],
    "somebodys_key": [1, 2],
    "categories": [
        {"id": 18, "name": "Dog", "supercategory": "animal", "colour": "brown"},
        {"id": 44, "name": "bottle"},
    ],
    "images": [
        {"id": 700, "file_name": "0.png", "width": 40, "height": 30, "flickr_url": "x"},
        {"id": 900, "file_name": "train/1.png", "width": 41, "height": 30},
        {"id": 901, "file_name": "elsewhere.png", "width": 1, "height": 1},
    ],
    "annotations": [
        {
            "id": 5,
            "image_id": 700,
            "category_id": 18,
            "bbox": [1, 2, 3, 4],
            "area": 12,
            "iscrowd": 0,
            "segmentation": [],
            "mood": "happy",
        },
        {
            "id": 6,
            "image_id": 700,
            "category_id": 18,
            "bbox": [5, 5, 2, 2],
            "area": 4,
            "iscrowd": 0,
        },
        {
            "id": 9,
            "image_id": 900,
            "category_id": 44,
            "bbox": [0, 0, 9, 9],
            "area": 81,
            "iscrowd": 0,
        },
    ],
}


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(COCO))
    return file


def exported(services: Services, tmp_path: Path) -> dict[str, Any]:
    (file,) = services.transfer.export(tmp_path / "out")
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def test_a_preview_counts_and_changes_nothing(services: Services, coco: Path) -> None:
    preview = services.transfer.preview(coco)

    assert preview.matched == 2
    assert preview.unmatched == ("elsewhere.png",)
    assert preview.new_categories == ("bottle",)
    assert (preview.present, preview.absent) == (2, 0)
    assert preview.annotations == 3
    assert services.progress.overview()["counts"]["answered"] == 0


def test_an_imported_file_keeps_its_ids_boxes_and_unknown_keys(
    services: Services, coco: Path, tmp_path: Path
) -> None:
    services.transfer.import_file(coco, annotator="ann")

    document = exported(services, tmp_path)

    boxes = {a["id"]: a for a in document["annotations"]}
    assert boxes[5]["bbox"] == [1, 2, 3, 4]
    assert boxes[5]["mood"] == "happy"
    assert boxes[5]["image_id"] == 700
    assert {6, 9} <= set(boxes)
    images = {i["file_name"]: i for i in document["images"]}
    assert images["0.png"]["id"] == 700
    assert images["0.png"]["flickr_url"] == "x"
    assert len(images) == 6
    assert document["somebodys_key"] == [1, 2]
    assert document["licenses"] == [{"id": 3, "name": "CC"}]
    assert document["info"]["contributor"] == "me"
    assert {c["name"]: c["id"] for c in document["categories"]}["bottle"] == 44


def test_ids_stay_the_same_from_export_to_export(services: Services, tmp_path: Path) -> None:
    first = exported(services, tmp_path)
    services.recording.save(
        "ann",
        SaveRequest(
            op="a",
            kind="answer",
            image=3,
            changes=[{"category": 1, "state": "present", "source": "human"}],
        ),
    )

    second = exported(services, tmp_path)

    assert [i["id"] for i in first["images"]] == [i["id"] for i in second["images"]]
    assert [c["id"] for c in first["categories"]] == [c["id"] for c in second["categories"]]


def test_people_are_not_overruled_by_a_file(services: Services, coco: Path) -> None:
    services.recording.save(
        "ann",
        SaveRequest(
            op="a",
            kind="answer",
            image=1,
            changes=[{"category": 2, "state": "absent", "source": "human"}],
        ),
    )

    done = services.transfer.import_file(coco, annotator="bob")

    assert done.disagreements == 1
    (item,) = services.labelling.items("ann", [1])
    assert item["labels"]["2"]["state"] == "absent"
    assert item["labels"]["2"]["conflict"] is False


def test_importing_twice_changes_nothing_more(services: Services, coco: Path) -> None:
    first = services.transfer.import_file(coco, annotator="ann")

    second = services.transfer.import_file(coco, annotator="ann")

    assert (first.applied, second.applied, second.already_known) == (2, 0, 2)


@pytest.mark.parametrize(("unlisted", "absent"), [("unknown", 0), ("absent", 2)])
def test_what_an_unlisted_category_means_is_chosen(
    services: Services, coco: Path, unlisted: str, absent: int
) -> None:
    assert services.transfer.preview(coco, options=ReadOptions(unlisted=unlisted)).absent == absent


def test_what_is_exported_comes_back_in_a_new_project_with_authors_and_sources(
    services: Services, pictures: Path, tmp_path: Path
) -> None:
    change = {"category": 1, "state": "present", "source": "accepted", "score": 0.75}
    more = {"category": 3, "state": "absent", "source": "swept"}
    services.recording.save(
        "Ann", SaveRequest(op="a", kind="answer", image=2, changes=[change, more])
    )
    first = exported(services, tmp_path)

    made = create_project(
        tmp_path / "second", pictures, labels=tmp_path / "out" / "labels_all.json"
    )
    again = Services.open(made.project.path)
    (file,) = again.transfer.export(tmp_path / "again")
    again.close()

    second = json.loads(file.read_text())
    for key in ("categories", "images", "annotations", "image_labels"):
        assert first[key] == second[key]
    assert {(r["source"], r.get("annotator")) for r in second["image_labels"]} == {
        ("accepted", "Ann"),
        ("swept", "Ann"),
    }


def test_a_file_about_other_images_is_refused_and_leaves_nothing(
    services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "other.csv"
    file.write_text("file,zebra\nnowhere.jpg,1\n")

    with pytest.raises(FormatError, match=r"about other images.*nowhere\.jpg.*0\.png"):
        services.transfer.import_file(file, annotator="ann")

    assert len(services.labelling.start("ann")["categories"]) == 3


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"formats": ["voc"]}, NotFound, "known: coco, csv"),
        ({"content": "everything"}, NotFound, "known: answered, certified, completed"),
        ({"subset": "some"}, NotFound, "known: all, labelled"),
        ({"content": "completed"}, NotReady, "needs a trained version"),
    ],
    ids=["format", "content", "subset", "no version"],
)
def test_an_impossible_export_is_refused_before_anything_is_written(
    services: Services, tmp_path: Path, arguments: dict[str, Any], kind: type, says: str
) -> None:
    with pytest.raises(kind, match=says):
        services.transfer.export(tmp_path / "none", **arguments)

    assert not (tmp_path / "none").exists()


def test_the_labelled_subset_leaves_out_images_without_a_label(
    services: Services, coco: Path, tmp_path: Path
) -> None:
    services.transfer.import_file(coco, annotator="ann")

    (file,) = services.transfer.export(tmp_path, subset="labelled")

    assert {i["file_name"] for i in json.loads(file.read_text())["images"]} == {"0.png", "1.png"}


CAT, DOG, BIRD = 0, 1, 2


def known(document: dict[str, Any]) -> dict[str, tuple[list[str], list[str]]]:
    """Return the present and absent categories of each image."""
    names = {c["id"]: c["name"] for c in document["categories"]}
    return {
        i["file_name"]: tuple(
            [names[c] for c in i[f"{side}_category_ids"]] for side in ("pos", "neg")
        )
        for i in document["images"]
    }


def test_a_completed_export_leaves_open_what_the_model_can_only_rank(
    services: Services, publish: Any, tmp_path: Path
) -> None:
    scores = np.full((6, 3), -1.0)
    scores[:2] = 1.0  # suggested everywhere
    publish(scores, ranked=[DOG], untaught=[BIRD])
    said = {"category": 2, "state": "absent", "source": "human"}
    services.recording.save("ann", SaveRequest(op="a", kind="answer", image=1, changes=[said]))

    (file,) = services.transfer.export(tmp_path, content="completed")

    document = json.loads(file.read_text())
    assert known(document) == {
        "0.png": (["cat"], ["dog"]),
        "1.png": (["cat"], []),
        **{f"{n}.png": ([], ["cat"]) for n in range(2, 6)},
    }
    model = [row for row in document["image_labels"] if row["source"] == "model"]
    assert len(model) == 6
    assert all(0 < row["score"] < 1 for row in model)
    boxed = {a["category_id"] for a in document["annotations"]}
    assert boxed == {c["id"] for c in document["categories"] if c["name"] == "cat"}


def test_the_counts_of_a_completed_export_are_those_of_its_file_and_say_what_stays_unknown(
    services: Services, publish: Any
) -> None:
    scores = np.full((6, 3), -1.0)
    scores[:2] = 1.0
    scores[5, DOG] = np.nan
    publish(scores, ranked=[DOG, BIRD])
    said = {"category": 2, "state": "absent", "source": "human"}
    services.recording.save("ann", SaveRequest(op="a", kind="answer", image=1, changes=[said]))

    counts = services.transfer.export_counts("completed")

    assert (counts["model_present"], counts["model_absent"], counts["unknown"]) == (2, 4, 11)
    assert counts["note"] == (
        "10 pairs of 2 categories stay unknown, because the model can only rank them so far."
    )
    assert services.transfer.export_counts("answered")["note"] == ""


@pytest.mark.parametrize(
    ("rows", "ranked", "note"),
    [
        (6, [], ""),
        (1, [DOG], "1 pair stays unknown, because the model can only rank it so far."),
        (
            3,
            [DOG],
            "3 pairs of 1 category stay unknown, because the model can only rank them so far.",
        ),
    ],
)
def test_the_note_counts_in_words_that_fit(
    services: Services, publish: Any, rows: int, ranked: list[int], note: str
) -> None:
    publish(np.ones((rows, 3)), ranked=ranked)

    assert services.transfer.export_counts("completed")["note"] == note


def test_the_command_says_beside_its_result_what_stays_unknown(
    services: Services, publish: Any, tmp_path: Path
) -> None:
    publish(np.ones((6, 3)), ranked=[DOG])
    words = ["export", str(services.project.path), "--out", str(tmp_path), "--json"]

    plain = CliRunner().invoke(app, words)
    completed = CliRunner().invoke(app, [*words, "--content", "completed"])

    assert json.loads(completed.stdout) == [str(tmp_path / "completed_all.json")]
    assert completed.stderr.startswith("6 pairs of 1 category stay unknown, because the model")
    assert (json.loads(plain.stdout), plain.stderr) == ([str(tmp_path / "labels_all.json")], "")


def test_a_format_without_a_place_for_the_model_is_refused_and_the_others_are_written(
    services: Services, publish: Any, tmp_path: Path
) -> None:
    publish(np.ones((6, 3)), ranked=[CAT])

    with pytest.raises(FormatError) as refused:
        services.transfer.export(tmp_path, formats=["csv", "coco"], content="completed")

    assert str(refused.value) == (
        f"{tmp_path}/completed_all.csv: CSV has no place for who decided a pair, so it holds "
        "answered labels only; export COCO for the others. completed_all.json was written."
    )
    assert [file.name for file in tmp_path.glob("completed*")] == ["completed_all.json"]
    for content, formats in (("answered", set()), ("certified", {"csv"}), ("completed", {"csv"})):
        assert set(services.transfer.export_counts(content)["refused"]) == formats


def test_what_a_page_exports_tells_of_no_folder_and_offers_what_was_written(
    services: Services, publish: Any, tmp_path: Path
) -> None:
    publish(np.ones((6, 3)))

    made = services.exchange.export(tmp_path, formats=["csv", "coco"], content="completed")

    assert made.files == [tmp_path / "completed_all.json"]
    assert made.problem.startswith("completed_all.csv: CSV has no place")
    assert str(tmp_path) not in made.problem


@pytest.mark.parametrize("merged", [False, True])
def test_a_file_that_names_an_archived_category_says_what_becomes_of_its_labels(
    services: Services, tmp_path: Path, merged: bool
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("file,cat,dog\n0.png,0,1\n")
    if merged:
        services.curation.merge(2, 1)
    else:
        services.curation.archive(2, True)

    foreseen = services.transfer.preview(file)
    summary = services.transfer.import_file(file, annotator="Ann")
    counted = services.transfer.export_counts("answered")
    if merged:
        services.curation.split(2)
    else:
        services.curation.archive(2, False)

    assert foreseen.archived == summary.archived
    assert summary.archived[0] in summary.text()
    assert (" is merged into 'cat'" if merged else "'dog' is archived; restore") in summary.text()
    assert (counted["present"], counted["absent"]) == ((1, 0) if merged else (0, 1))
    assert services.transfer.export_counts("answered")["present"] == 1


def test_an_import_that_was_taken_back_is_imported_again_without_a_word_about_archiving(
    services: Services, tmp_path: Path
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("file,fish\n0.png,1\n")
    with services.store.writing() as tx:
        made = categories.add(tx, [categories.NewCategory("fish")])[0].id
        categories.archive(tx, made, True)
        key_values.put(tx, import_rollback.HIDDEN, [made])

    assert services.transfer.preview(file).archived == ()
