from __future__ import annotations

import shutil
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image

from annotator.domain import State
from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.commands import answer_by_name
from annotator.services.project.image_folders import FolderRow
from annotator.services.project.settings import EDITABLE
from annotator.settings import STRATEGIES, Settings, changed, load_project
from annotator.store import annotators
from annotator.ui import backup_tab
from annotator.ui import settings_views as views
from annotator.ui.backup_tab import BackupTab
from annotator.ui.category_tab import CategoryTab
from annotator.ui.image_tab import ImageTab
from annotator.ui.people_tab import PeopleTab
from annotator.ui.preference_tab import CHOICES, PARTS, PreferenceTab, _backbone

CAT, DOG, BIRD = 1, 2, 3
ANN: Any = SimpleNamespace(cookies={"annotator_name": "Ann"})
NOBODY: Any = SimpleNamespace(cookies={})


@pytest.fixture
def tab(real: Services) -> CategoryTab:
    return CategoryTab(real)


def row_of(services: Services, category_id: int) -> dict[str, Any]:
    return next(dict(row) for row in services.curation.rows() if row["id"] == category_id)


def test_without_a_choice_the_form_is_hidden_and_with_one_it_is_filled(
    tab: CategoryTab, real: Services
) -> None:
    real.curation.edit(CAT, aliases=["kitty"])

    table, choices, form, *_ = tab.show(None)
    filled = tab.show(CAT)

    assert table["category"].tolist() == ["cat", "dog", "bird"]
    assert choices["choices"] == [("cat", CAT), ("dog", DOG), ("bird", BIRD)]
    assert form["visible"] is False
    assert filled[2]["visible"] is True
    assert filled[3] == "cat"
    assert filled[6] == "kitty"
    assert len(filled) == len(tab.show(None))


def test_a_merged_category_can_only_be_split(tab: CategoryTab, real: Services) -> None:
    real.curation.edit(DOG, name="*dog*")
    real.curation.merge(CAT, into=DOG)

    shown = tab.show(CAT)

    assert shown[1]["choices"][-1] == ("cat (merged into *dog*)", CAT)
    archive, target, look, split, text = shown[-5:]
    hidden = [archive["visible"], target["visible"], look["visible"], split["visible"]]
    assert hidden == [False, False, False, True]
    assert "*" not in text


def test_one_line_is_one_new_category_and_the_first_is_chosen(
    tab: CategoryTab, real: Services
) -> None:
    lines, said, *shown = tab.add("a\nb", "animal", ANN)

    added = [(r["name"], r["supercategory"]) for r in real.curation.rows() if r["id"] > BIRD]
    assert added == [("a", "animal"), ("b", "animal")]
    assert lines == ""
    assert said.startswith("Added a, b.")
    assert shown[1]["value"] == real.curation.find("a")


def test_the_form_is_saved_with_one_alias_a_line(tab: CategoryTab, real: Services) -> None:
    said, *_ = tab.save(CAT, "feline", None, "c", "kitty\n\n puss ", "Small.", ANN)

    row = row_of(real, CAT)
    assert said == "'feline' is saved."
    assert sorted(row["aliases"]) == ["cat", "kitty", "puss"]
    kept = {name: row[name] for name in ("name", "supercategory", "hotkey", "description")}
    assert kept == {
        "name": "feline",
        "supercategory": "",
        "hotkey": "c",
        "description": "Small.",
    }


def test_order_examples_and_archiving_go_to_the_service(tab: CategoryTab, real: Services) -> None:
    answer_by_name(real, image="5.png", category="cat", state=State.PRESENT, annotator="Ann")
    (example,) = real.curation.candidates(CAT)

    tab.move(1)(CAT, ANN)
    moved = [r["name"] for r in real.curation.rows()]
    tab.place(CAT, 3.0, ANN)
    placed = [r["name"] for r in real.curation.rows()]
    tab.examples(CAT, [float(example["id"])], ANN)
    tab.archive(CAT, ANN)

    assert moved == ["dog", "cat", "bird"]
    assert placed == ["dog", "bird", "cat"]
    row = row_of(real, CAT)
    assert (row["examples"], row["archived"]) == ([example["id"]], True)
    tab.archive(CAT, ANN)
    assert row_of(real, CAT)["archived"] is False
    with pytest.raises(AnnotatorError, match="starting at 1"):
        tab.place(CAT, None, ANN)


def test_only_the_merge_that_was_previewed_is_done(tab: CategoryTab, real: Services) -> None:
    real.curation.edit(DOG, name="<b>*dog*")

    text, button, seen = tab.preview(CAT, DOG)

    assert text.count("\n- ") == 2
    assert "<b>" not in text
    assert "*" not in text
    assert (button["value"], button["visible"]) == ("Merge cat into <b>*dog*", True)
    for other in (None, [DOG, CAT]):
        with pytest.raises(AnnotatorError, match="Preview this merge first"):
            tab.merge(CAT, DOG, other, ANN)
    assert row_of(real, CAT)["merged_into"] is None
    shown = tab.merge(CAT, DOG, seen, ANN)
    assert row_of(real, CAT)["merged_into"] == "<b>*dog*"
    assert shown[2]["value"] == DOG
    assert shown[-1] is None
    tab.split(CAT, ANN)
    assert row_of(real, CAT)["merged_into"] is None


def test_nothing_is_changed_without_a_name_or_a_choice(tab: CategoryTab, real: Services) -> None:
    before = real.curation.rows()

    with pytest.raises(AnnotatorError, match="Enter your name"):
        tab.add("a", "", NOBODY)
    with pytest.raises(AnnotatorError, match="Enter your name"):
        tab.archive(CAT, NOBODY)
    with pytest.raises(AnnotatorError, match="Choose a category first"):
        tab.save(None, "", "", "", "", "", ANN)
    with pytest.raises(AnnotatorError, match="Choose the category to merge into"):
        tab.preview(CAT, None)

    assert real.curation.rows() == before


def test_a_row_of_the_table_chooses_its_category(tab: CategoryTab) -> None:
    def click(row: int) -> Any:
        event: Any = SimpleNamespace(index=[row, 0])
        return tab.click(event)[1]["value"]

    assert click(1) == DOG
    assert click(9) is None


def test_settings_are_shown_and_saved_under_their_names(real: Services) -> None:
    tab = PreferenceTab(real)

    *values, backbone = tab.show()
    keys = [key for _, part in PARTS for key in part]
    values[keys.index("description")] = "A zoo."
    values[keys.index("retraining.min_answers")] = 70
    tab.save(ANN, *values)

    kept = load_project(real.project.path).settings
    assert (kept.description, kept.retraining.min_answers) == ("A zoo.", 70)
    assert tab.show()[:-1] == values
    assert len(values) == sum(len(keys) for _, keys in PARTS)
    assert f"`{kept.backbone}`" in backbone
    with pytest.raises(AnnotatorError, match="Enter your name"):
        tab.save(NOBODY, *values)


def test_the_name_of_a_backbone_ends_no_code() -> None:
    assert "`timm:xy`" in _backbone("timm:x`y")


def test_what_the_service_says_about_the_saving_is_shown_as_it_is(real: Services) -> None:
    tab = PreferenceTab(real)
    *values, _ = tab.show()

    same = tab.save(ANN, *values)
    said = tab.save(ANN, "*Zoo*", *values[1:])

    assert same == "Nothing to save."
    assert unescape(said) == "Saved: Project name."


def test_every_setting_of_the_page_has_a_place_in_the_form() -> None:
    assert [key for _, part in PARTS for key in part if key not in EDITABLE] == []
    assert len([key for _, part in PARTS for key in part]) == len(EDITABLE)


@pytest.mark.parametrize("key", CHOICES)
def test_whatever_a_list_offers_is_allowed_and_the_default_is_offered(key: str) -> None:
    section, name = key.split(".")

    for value in CHOICES[key]:
        assert getattr(getattr(changed(Settings(), {key: value}), section), name) == value
    assert getattr(getattr(Settings(), section), name) in CHOICES[key]


def test_every_way_of_asking_can_be_chosen() -> None:
    assert set(CHOICES["asking.strategy"]) == set(STRATEGIES)


@pytest.fixture
def pictures(real: Services) -> Path:
    return Path(real.image_roots.rows()[0]["folder"])


def test_a_folder_is_moved_only_after_its_preview(
    real: Services, pictures: Path, tmp_path: Path
) -> None:
    tab, new, empty = ImageTab(real), str(tmp_path / "new"), tmp_path / "empty"
    (root,) = [row["name"] for row in real.image_roots.rows()]
    shutil.copytree(pictures, new)
    empty.mkdir()

    text, button, seen = tab.preview(root, new)
    with pytest.raises(AnnotatorError, match="Preview this move first"):
        tab.move(root, str(empty), seen, ANN)
    unmoved = real.image_roots.rows()[0]["folder"]
    tab.move(root, new, seen, ANN)

    assert unescape(text) == "6 of 6 files are there."
    assert button["visible"] is True
    assert unmoved == str(pictures)
    assert real.image_roots.rows()[0]["folder"] == new
    assert tab.preview(root, str(empty))[1]["visible"] is False
    for name, folder in ((None, new), (root, " ")):
        with pytest.raises(AnnotatorError):
            tab.preview(name, folder)


def test_folders_are_added_and_looked_at(real: Services, tmp_path: Path) -> None:
    tab, more = ImageTab(real), tmp_path / "more"
    more.mkdir()
    Image.new("RGB", (20, 20), "red").save(more / "new.png")

    said, table, choice = tab.add(str(more), "holiday", ANN)
    again, *_ = tab.look(ANN)

    assert unescape(said).startswith("1 new image.")
    assert unescape(again).startswith("0 new images.")
    assert "<th scope=row>holiday</th>" in table
    assert choice["choices"][-1] == "holiday"


def test_a_folder_that_is_missing_is_said_and_its_name_is_text(fakes: ModuleType) -> None:
    row = {
        "name": "<b>", "folder": "/pictures", "there": False, "usable": 3, "gone": 1, "refused": 2,
    }  # fmt: skip

    table = views.root_table([fakes.checked(FolderRow, row)])

    assert "&lt;b&gt;" in table
    assert "is missing" in table


def test_files_that_cannot_be_used_are_a_table_and_a_text(
    real: Services, pictures: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tab = ImageTab(real)
    before = tab.list()
    (pictures / "a.png").write_bytes(b"")
    real.image_roots.look()

    said, table, file = tab.list()

    assert before[0] == "All files can be used."
    assert said == "1 file cannot be used."
    root = real.image_roots.rows()[0]["name"]
    assert table["value"].values.tolist() == [[root, "a.png", "is empty (0 bytes)"]]
    assert Path(file["value"]).read_text() == f"{root}\ta.png\tis empty (0 bytes)\n"


def test_a_person_is_renamed_and_made_a_reviewer_only_where_that_is_new(real: Services) -> None:
    with real.store.writing() as tx:
        people = [annotators.named(tx, n, datetime.now(UTC)).id for n in ("Ann", "Bob")]
    tab = PeopleTab(real)

    said = tab.save(people[0], "Anna", True, ANN)
    same = tab.save(people[0], "Anna", True, ANN)

    assert "is saved" in unescape(said[0])
    assert "now take precedence" in unescape(said[0])
    assert same[0] == "Nothing to save."
    assert tab.show(people[0])[2:] == ["Anna", True]
    assert tab.show(people[1])[2:] == ["Bob", False]
    with pytest.raises(AnnotatorError, match="Choose a person first"):
        tab.save(None, "", False, ANN)


def test_a_backup_is_made_for_download_and_asks_for_a_name(
    real: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_tab, "download_folder", lambda: tmp_path)
    told: list[tuple[tuple[int, int], str]] = []

    file, said = BackupTab(real).make(False, ANN, lambda at, desc: told.append((at, desc)))

    assert "made and checked" in said
    with ZipFile(file["value"]) as zip_file:
        assert "labels.db" in zip_file.namelist()
    assert told
    with pytest.raises(AnnotatorError, match="name"):
        BackupTab(real).make(False, NOBODY)


def test_texts_of_people_are_never_markup() -> None:
    assert "<" not in views.plain("<img src=x> **bold** [a](b)")
    assert views.examples_html([3]).count('src="./img/256/3"') == 1


def test_the_page_is_in_the_menu_and_opens(client: Any) -> None:
    answer = client.get("/settings")

    assert answer.status_code == 200
    assert "People" in answer.text
