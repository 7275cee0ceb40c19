from __future__ import annotations

from html import unescape
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from annotator.domain import State
from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.commands import answer_by_name
from annotator.services.exchange.transfer import ExportCounts
from annotator.ui.export_page import ExportPage, export_counts_html

IMAGES = 6


@pytest.fixture
def page(real: Services) -> ExportPage:
    return ExportPage(real)


@pytest.fixture
def labels(real: Services, tmp_path: Path) -> str:
    """A file about six pictures and two that are not there, one answer of which is contradicted."""
    answer_by_name(real, image="0.png", category="cat", state=State.ABSENT, annotator="Ann")
    answer_by_name(real, image="1.png", category="cat", state=State.PRESENT, annotator="Ann")
    file = tmp_path / "labels.csv"
    file.write_text(
        "image,cat,dog,zebra\n"
        "0.png,1,,\n1.png,1,0,\n2.png,1,,\n3.png,,,1\n4.png,0,,\n5.png,,,\n"
        "a`b.jpg,1,,\n<b>.jpg,1,,\n"
    )
    return str(file)


def by(name: str | None) -> Any:
    return SimpleNamespace(cookies={} if name is None else {"annotator_name": name})


def known(services: Services) -> int:
    return services.progress.state()["answered"]


def test_the_counts_are_shown_before_anything_is_written(page: ExportPage, labels: str) -> None:
    del labels
    shown = page.look("answered", ["coco"])[0]

    for count, name in ((IMAGES, "images"), (1, "present"), (1, "absent"), (16, "unknown")):
        assert f"<b>{count}</b><span>{name}</span>" in shown
    assert "uncertified" not in shown


def test_completed_says_how_many_pairs_a_model_fills_in(fakes: ModuleType) -> None:
    counts = {
        "images": 40, "present": 18, "absent": 12, "unknown": 0, "model_present": 20,
        "model_absent": 70, "filled_present": 0, "filled_absent": 0, "version": 4,
        "note": "5 pairs of 2 categories stay unknown.", "problem": "", "refused": {},
    }  # fmt: skip

    shown = export_counts_html(fakes.checked(ExportCounts, counts), "completed")

    assert "<b>38</b><span>present</span>" in shown
    assert "<b>82</b><span>absent</span>" in shown
    assert "version 4 decides the other 20 and 70" in shown
    assert "5 pairs of 2 categories stay unknown." in shown
    assert "uncertified" in shown


def test_completed_without_a_version_says_so_and_cannot_be_written(page: ExportPage) -> None:
    counts, _, _, write, *_ = page.look("completed", ["coco"])

    assert "needs a trained version" in counts
    assert write["interactive"] is False
    assert "needs a trained version" in page.export("completed", True, False)[1]


def test_a_format_without_a_place_for_the_model_is_off_with_the_reason_and_comes_back(
    page: ExportPage,
) -> None:
    wanted, *hidden = page.tick("csv")(True, ["coco"])
    off, on = (page.look(content, wanted)[2] for content in ("completed", "answered"))

    assert (off["value"], off["interactive"]) == (False, False)
    assert off["info"].startswith("CSV has no place for who decided a pair")
    assert (on["value"], on["interactive"], on["info"]) == (True, True, "")
    assert (hidden[0]["value"], hidden[0]["visible"], hidden[1]) == (None, False, "")


def test_each_chosen_format_becomes_a_file_to_download(page: ExportPage) -> None:
    files, said = page.export("answered", True, True)

    names = [Path(f).name for f in files["value"]]
    assert names == ["labels_all.json", "labels_all.csv"]
    assert files["visible"] is True
    assert "labels_all.csv" in said


def test_no_format_is_a_sentence(page: ExportPage) -> None:
    assert "at least one format" in page.export("answered", False, False)[1]


def test_a_preview_names_what_an_import_would_do_and_frees_the_button(
    page: ExportPage, labels: str
) -> None:
    text, button = page.preview(labels, "unknown")

    assert "6 of 8" in text
    assert "2 pairs present and 2 absent; already known: 1." in text
    assert "`zebra`" in text
    assert "Not in this project: 2 images, such as `a'b.jpg`, `<b>.jpg`" in text
    assert "Answered differently by people here, whose answers stay: 1 pair." in text
    assert button["interactive"] is True


def test_a_broken_file_is_one_sentence_in_which_signs_mean_nothing(
    page: ExportPage, tmp_path: Path
) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("image,*cat*\n<file>.png,maybe\n")

    text, button = page.preview(str(file), "unknown")

    assert "line 2" in text
    assert "<file>" not in text
    assert text.count("*") == 4  # the bold around it
    assert button["interactive"] is False


def test_what_minus_one_and_the_signs_between_tags_mean_can_be_chosen(
    page: ExportPage, tmp_path: Path
) -> None:
    cells, tags = tmp_path / "cells.csv", tmp_path / "tags.csv"
    cells.write_text("image,cat,dog\n0.png,1,-1\n")
    tags.write_text("image,tags\n0.png,cat dog\n")

    refused = [page.preview(str(file), "unknown")[0] for file in (cells, tags)]
    absent, _ = page.preview(str(cells), "unknown", minus_one="absent")
    both, _ = page.preview(str(tags), "unknown", separator="blank")

    assert "--minus-one absent" in unescape(refused[0])
    assert "--separator blank" in unescape(refused[1])
    assert "1 pair present and 1 absent" in unescape(absent)
    assert "Cells of -1, read as absent as you said: 1" in unescape(absent)
    assert "2 pairs present and 0 absent" in both


def test_the_image_folder_can_be_chosen_where_there_are_several(
    page: ExportPage, real: Services, tmp_path: Path
) -> None:
    assert page.folders()["visible"] is False
    (tmp_path / "valid").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "valid" / "0.png")
    real.image_roots.add(tmp_path / "valid")
    file = tmp_path / "labels.csv"
    file.write_text("file,cat\n0.png,1\n1.png,0\n2.png,\n")

    text, button = page.preview(str(file), "unknown", "valid")

    assert page.folders()["visible"] is True
    assert [value for _, value in page.folders()["choices"]] == ["", "images", "valid"]
    assert "1 of 3" in text
    assert "All names are relative to the image folder 'valid'." in text
    assert button["interactive"] is True


def test_without_a_file_nothing_can_be_imported(page: ExportPage) -> None:
    assert page.preview(None, "unknown")[1]["interactive"] is False
    with pytest.raises(AnnotatorError, match="Choose a label file"):
        page.import_file(None, "unknown", by("Ann"))


def test_an_import_carries_a_name_and_can_be_pressed_once(
    page: ExportPage, real: Services, labels: str
) -> None:
    before = known(real)

    text, button = page.import_file(labels, "absent", by("Eve"))

    assert f"{known(real) - before} pairs set" in text
    assert known(real) > before
    assert button["interactive"] is False
    assert [person["name"] for person in real.people.rows()] == ["Ann", "Eve"]


def test_an_import_without_a_name_does_nothing(
    page: ExportPage, real: Services, labels: str
) -> None:
    before = known(real)

    with pytest.raises(AnnotatorError, match="top of the page first"):
        page.import_file(labels, "absent", by(None))

    assert known(real) == before


def test_a_summary_leaves_out_what_did_not_happen(page: ExportPage, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("image,cat\n0.png,1\n")

    text, _ = page.preview(str(file), "unknown")

    assert text.count("\n") == 0


@given(st.text(st.sampled_from("ab_*#&|<>$[]"), min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_refused_file_is_named_as_its_owner_does_and_its_text_is_text(
    page: ExportPage, tmp_path: Path, name: str
) -> None:
    file = tmp_path / f"{name}.csv"
    file.write_text(f"image,cat\n0.png,{name}\n")

    shown, _ = page.preview(str(file), "unknown")
    with pytest.raises(AnnotatorError) as refused:
        page.import_file(str(file), "unknown", by("Ann"))

    assert str(refused.value).startswith(f"{name}.csv: line 2, column 'cat'")
    assert unescape(MarkdownIt().render(shown)) == f"<p><strong>{refused.value}</strong></p>\n"


def test_what_an_export_leaves_out_is_said_beside_its_counts(
    page: ExportPage, real: Services
) -> None:
    answer_by_name(real, image="0.png", category="cat", state=State.PRESENT, annotator="Ann")
    before = page.look("answered", [])[0]

    real.curation.archive(real.curation.find("cat"), True)

    said = "1 label of archived categories is left out; restore the categories to export them."
    assert said not in before
    assert said in page.look("answered", [])[0]
