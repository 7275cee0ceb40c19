from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.errors import FormatError, NotFound
from annotator.formats.predictions import PredictionFile, read

COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "categories": [{"id": 7, "name": "cat"}, {"id": 8, "name": "dog"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 7, "bbox": [0, 0, 1, 1], "score": 0.2},
        {"id": 2, "image_id": 1, "category_id": 7, "bbox": [2, 2, 1, 1], "score": 0.9},
        {"id": 3, "image_id": 1, "category_id": 8, "bbox": [0, 0, 1, 1]},
    ],
}
TASKS = [
    {
        "id": 1,
        "data": {"title": "a text", "image": "/data/upload/3/0a1b2c3d-a.jpg"},
        "predictions": [
            {
                "score": 0.4,
                "result": [
                    {"type": "choices", "value": {"choices": ["cat", "dog"]}},
                    {"score": 0.8, "value": {"x": 1, "rectanglelabels": ["cat"]}},
                ],
            }
        ],
    },
    {"id": 2, "data": {"image": "https://images.example/set/b.jpg?size=1"}, "predictions": []},
]  # fmt: skip


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def pairs(found: PredictionFile) -> dict[tuple[Any, Any], float]:
    return {
        (found.images[i], found.categories[c]): score
        for i, c, score in zip(
            found.image.tolist(), found.category.tolist(), found.score.tolist(), strict=True
        )
    }


def test_the_highest_box_of_a_category_is_its_score_in_coco_annotations(tmp_path: Path) -> None:
    found = read(written(tmp_path / "a.json", COCO))

    assert pairs(found) == {("a.jpg", "cat"): 0.9}
    assert found.images == ("a.jpg", "b.jpg")
    assert any("without a score" in note for note in found.notes)


def test_coco_results_are_known_by_ids_or_by_the_file_that_names_them(tmp_path: Path) -> None:
    results = [{"image_id": 1, "category_id": 7, "score": 0.5, "bbox": [0, 0, 1, 1]}]
    file = written(tmp_path / "results.json", results)
    names = written(tmp_path / "names.json", COCO)

    assert pairs(read(file)) == {(1, 7): 0.5}
    assert pairs(read(file, names=names)) == {("a.jpg", "cat"): 0.5}


def test_predictions_of_label_studio_are_read_from_its_export(tmp_path: Path) -> None:
    found = read(written(tmp_path / "tasks.json", TASKS))

    assert pairs(found) == {("a.jpg", "cat"): 0.8, ("a.jpg", "dog"): 0.4}
    assert found.images == ("a.jpg", "b.jpg")


@pytest.mark.parametrize(
    "text",
    [
        "file,category,score\na.jpg,cat,0.5\na.jpg,cat,0.25\nb.jpg,dog,\nb.jpg,cat,nan\n",
        "\ufefffile;cat;dog\na.jpg;0.5;\nb.jpg;;\n",
        "ImageID,Source,LabelName,Confidence\na.jpg,machine,cat,0.5\nb.jpg,machine,cat,\n",
    ],
)
def test_csv_has_a_row_a_pair_or_a_column_a_category(tmp_path: Path, text: str) -> None:
    found = read(written(tmp_path / "scores.csv", text))

    assert pairs(found) == {("a.jpg", "cat"): 0.5}
    assert found.images == ("a.jpg", "b.jpg")
    assert any("read as silence" in note for note in found.notes)


def test_ids_of_open_images_are_named_by_a_file_of_two_columns(tmp_path: Path) -> None:
    text = "ImageID,Source,LabelName,Confidence\n000a,machine,/m/01yrx,0.9\n"
    names = written(tmp_path / "names.csv", "/m/01yrx,Cat\n")

    found = read(written(tmp_path / "machine.csv", text), names=names)

    assert pairs(found) == {("000a", "Cat"): 0.9}


def label_studio(result: list[Any]) -> list[dict[str, Any]]:
    return [{"data": {"image": "a.jpg"}, "predictions": [{"score": 1, "result": result}]}]


def test_results_of_label_studio_that_name_no_category_are_counted(tmp_path: Path) -> None:
    relation = {"from_id": "a", "to_id": "b", "type": "relation"}
    text, choice = {"value": {"text": ["a boat"]}}, {"value": {"choices": ["cat"]}}

    found = read(written(tmp_path / "a.json", label_studio([relation, text, choice])))

    assert pairs(found) == {("a.jpg", "cat"): 1.0}
    assert any(note.startswith("Results that name no category") for note in found.notes)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "file,category,score\na.jpg,cat,high\n", r"line 2.*'score'.*number.*'high'"),
        ("a.csv", "file,category,score\na.jpg,cat,inf\n", r"line 2.*number.*'inf'"),
        ("a.csv", "file,category,score\na.jpg,,1\n", r"line 2.*category, got nothing"),
        ("a.csv", "file,label,score,confidence\na.jpg,cat,1,1\n", r"expected the columns file"),
        ("a.csv", "file,category,score\n", "not a single score"),
        ("a.csv", "", "empty"),
        ("a.json", "[]", "empty list"),
        ("a.json", '[{"image_id": 1, "category_id": 2, "score": NaN}]', "not a valid number"),
        ("a.json", '[{"image_id": 1, "category_id": 2, "score": "x"}]', r"results\[0\].score"),
        ("a.json", {"images": [], "annotations": []}, "not a single score"),
        ("a.json", '[{"data": {}, "predictions": []}]', "names no picture"),
        ("a.json", '[{"data": {"image": "a.jpg"}, "predictions": [{}]}]', "no 'result'"),
        ("a.json", label_studio([5]), r"tasks\[0\].predictions hold a result that is"),
        ("a.json", label_studio([{"value": None}]), "whose 'value' is"),
        ("a.json", label_studio([{"value": {"choices": "cat"}}]), "'choices' must be a list"),
        ("a.json", label_studio([{"value": {"rectanglelabels": [3]}}]), "must be a list of names"),
        ("a.json", {"x": 1}, "without scores that can be read"),
        ("a.xyz", "", "belongs to no known format"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, name: str, content: Any, says: str
) -> None:
    with pytest.raises(FormatError, match=says) as refusal:
        read(written(tmp_path / name, content))

    assert "\n" not in str(refusal.value)


def test_a_wrong_encoding_a_missing_file_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("file,category,score\n\xe9.jpg,cat,1\n".encode("latin-1"))

    with pytest.raises(FormatError, match="is not UTF-8"):
        read(tmp_path / "latin.csv")
    with pytest.raises(NotFound, match="does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(FormatError, match="unknown format 'voc'"):
        read(tmp_path / "latin.csv", format="voc")


def test_many_scores_are_kept_in_arrays(tmp_path: Path) -> None:
    rows = "".join(f"{i}.jpg,cat,{i / 1000}\n" for i in range(1000))

    found = read(written(tmp_path / "many.csv", "file,category,score\n" + rows))

    np.testing.assert_allclose(np.sort(found.score), np.arange(1000) / 1000)
