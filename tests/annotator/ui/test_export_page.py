from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.errors import AnnotatorError
from annotator.ui.export_page import ExportPage, preview_text


@pytest.fixture
def page(services: Any) -> ExportPage:
    return ExportPage(services)


def by(name: str | None) -> Any:
    return SimpleNamespace(cookies={} if name is None else {"annotator_name": name})


def test_the_counts_are_shown_before_anything_is_written(page: ExportPage) -> None:
    shown = page.counts("answered")

    for count in ("40", "18", "12", "90"):
        assert f"<b>{count}</b>" in shown
    assert "uncertified" not in shown


def test_completed_says_how_many_pairs_a_model_fills_in(page: ExportPage) -> None:
    shown = page.counts("completed")

    assert "Version 4 fills in 20 present and 70 absent pairs" in shown
    assert "5 pairs of 2 categories stay unknown." in shown
    assert "uncertified" in shown


def test_completed_without_a_version_says_so(page: ExportPage, services: Any) -> None:
    services.exchange.version = None

    assert "no trained version yet" in page.counts("completed")


def test_each_chosen_format_becomes_a_file_to_download(page: ExportPage) -> None:
    files, said = page.export(["coco", "csv"], "answered")

    names = [Path(f).name for f in files["value"]]
    assert names == ["labels_answered.json", "labels_answered.csv"]
    assert files["visible"] is True
    assert "labels_answered.csv" in said


def test_no_format_is_a_sentence(page: ExportPage) -> None:
    with pytest.raises(AnnotatorError, match="at least one format"):
        page.export([], "answered")


def test_a_preview_names_what_an_import_would_do_and_frees_the_button(page: ExportPage) -> None:
    text, button = page.preview("labels.csv", "unknown")

    assert "8 of 10" in text
    assert "5 pairs present and 3 absent" in text
    assert "`zebra`" in text
    assert "`a'b.jpg`, `<b>.jpg`" in text
    assert "1 pairs were answered differently" in text
    assert button["interactive"] is True


def test_a_broken_file_is_one_sentence_in_which_signs_mean_nothing(page: ExportPage) -> None:
    text, button = page.preview("broken.csv", "unknown")

    assert "line 3" in text
    assert "<file>" not in text
    assert text.count("*") == 4  # the bold around it
    assert button["interactive"] is False


def test_without_a_file_nothing_can_be_imported(page: ExportPage) -> None:
    assert page.preview(None, "unknown")[1]["interactive"] is False
    with pytest.raises(AnnotatorError, match="Choose a label file"):
        page.import_file(None, "unknown", by("Ann"))


def test_an_import_carries_a_name_and_can_be_pressed_once(page: ExportPage, services: Any) -> None:
    text, button = page.import_file("labels.csv", "absent", by("Ann"))

    assert "8 pairs were set" in text
    assert button["interactive"] is False
    assert services.exchange.imported == [("absent", "Ann")]


def test_an_import_without_a_name_does_nothing(page: ExportPage, services: Any) -> None:
    with pytest.raises(AnnotatorError, match="Label page first"):
        page.import_file("labels.csv", "absent", by(None))

    assert services.exchange.imported == []


def test_a_summary_leaves_out_what_did_not_happen(services: Any) -> None:
    quiet = {
        **services.exchange.summary,
        "new_categories": [],
        "unmatched_count": 0,
        "disagreements": 0,
        "suggestions": 0,
        "annotations": 0,
    }

    assert preview_text(quiet).count("\n") == 0
