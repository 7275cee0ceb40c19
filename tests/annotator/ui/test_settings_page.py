from __future__ import annotations

from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from annotator.errors import AnnotatorError
from annotator.services.project.settings import EDITABLE
from annotator.settings import STRATEGIES, Settings, changed
from annotator.ui import settings_views as views
from annotator.ui.category_tab import CategoryTab
from annotator.ui.image_tab import ImageTab
from annotator.ui.people_tab import PeopleTab
from annotator.ui.preference_tab import CHOICES, PARTS, PreferenceTab

CAT, DOG = 11, 12
ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})
NOBODY = SimpleNamespace(cookies={})


@pytest.fixture
def tab(services: Any) -> CategoryTab:
    return CategoryTab(services)


def test_without_a_choice_the_form_is_hidden_and_with_one_it_is_filled(tab: CategoryTab) -> None:
    table, choices, form, *_ = tab.show(None)
    filled = tab.show(CAT)

    assert table["category"].tolist() == ["cat", "dog", "cup"]
    assert choices["choices"] == [("cat", 11), ("dog", 12), ("cup", 13)]
    assert form["visible"] is False
    assert filled[2]["visible"] is True
    assert filled[3] == "cat"
    assert filled[6] == "kitty"
    assert len(filled) == len(tab.show(None))


def test_a_merged_category_can_only_be_split(tab: CategoryTab, services: Any) -> None:
    services.curation.categories[0].update(archived=True, merged_into="*dog*")

    shown = tab.show(CAT)

    assert shown[1]["choices"][0] == ("cat (merged into *dog*)", CAT)
    archive, target, look, split, text = shown[-5:]
    hidden = [archive["visible"], target["visible"], look["visible"], split["visible"]]
    assert hidden == [False, False, False, True]
    assert "*" not in text


def test_one_line_is_one_new_category_and_the_first_is_chosen(
    tab: CategoryTab, services: Any
) -> None:
    lines, said, *shown = tab.add("a\nb", "animal", ANN)

    assert services.curation.calls == [("add", ["a", "b"], "animal")]
    assert (lines, said) == ("", "add is done.")
    assert shown[1]["value"] == 13


def test_the_form_is_saved_with_one_alias_a_line(tab: CategoryTab, services: Any) -> None:
    tab.save(CAT, "feline", None, "c", "kitty\n\n puss ", "Small.", ANN)

    assert services.curation.calls == [
        (
            "edit",
            CAT,
            {
                "name": "feline",
                "supercategory": "",
                "hotkey": "c",
                "description": "Small.",
                "aliases": ["kitty", "puss"],
            },
        )
    ]


def test_order_examples_and_archiving_go_to_the_service(tab: CategoryTab, services: Any) -> None:
    tab.move(-1)(CAT, ANN)
    tab.place(CAT, 2.0, ANN)
    tab.examples(CAT, [7.0], ANN)
    tab.archive(CAT, ANN)
    tab.split(CAT, ANN)

    assert services.curation.calls == [
        ("move", CAT, -1),
        ("place", CAT, 2),
        ("examples", CAT, [7]),
        ("archive", CAT, True),
        ("split", CAT),
    ]
    with pytest.raises(AnnotatorError, match="starting at 1"):
        tab.place(CAT, None, ANN)


def test_only_the_merge_that_was_previewed_is_done(tab: CategoryTab, services: Any) -> None:
    text, button, seen = tab.preview(CAT, DOG)

    assert text.count("\n- ") == 1
    assert "<b>" not in text
    assert "*" not in text
    assert (button["value"], button["visible"]) == ("Merge cat into dog", True)
    for other in (None, [DOG, CAT]):
        with pytest.raises(AnnotatorError, match="Preview this merge first"):
            tab.merge(CAT, DOG, other, ANN)
    assert services.curation.calls == []
    shown = tab.merge(CAT, DOG, seen, ANN)
    assert services.curation.calls == [("merge", CAT, DOG)]
    assert shown[2]["value"] == DOG
    assert shown[-1] is None


def test_nothing_is_changed_without_a_name_or_a_choice(tab: CategoryTab, services: Any) -> None:
    with pytest.raises(AnnotatorError, match="Enter your name"):
        tab.add("a", "", NOBODY)
    with pytest.raises(AnnotatorError, match="Enter your name"):
        tab.archive(CAT, NOBODY)
    with pytest.raises(AnnotatorError, match="Choose a category first"):
        tab.save(None, "", "", "", "", "", ANN)
    with pytest.raises(AnnotatorError, match="Choose the category to merge into"):
        tab.preview(CAT, None)

    assert services.curation.calls == []


def test_a_row_of_the_table_chooses_its_category(tab: CategoryTab) -> None:
    assert tab.click(SimpleNamespace(index=[1, 0]))[1]["value"] == DOG
    assert tab.click(SimpleNamespace(index=[9, 0]))[1]["value"] is None


def test_settings_are_shown_and_saved_under_their_names(services: Any) -> None:
    tab = PreferenceTab(services)

    *values, backbone = tab.show()
    tab.save(ANN, *values)

    assert services.preferences.saved == [services.preferences.VALUES]
    assert len(values) == sum(len(keys) for _, keys in PARTS)
    assert "`timm:xy`" in backbone
    with pytest.raises(AnnotatorError, match="Enter your name"):
        tab.save(NOBODY, *values)


def test_what_the_service_says_about_the_saving_is_shown_as_it_is(services: Any) -> None:
    tab = PreferenceTab(services)
    *values, _ = tab.show()

    same = tab.save(ANN, *values)
    said = tab.save(ANN, "*Zoo*", *values[1:])

    assert same == "Nothing to save."
    assert "*" not in said
    assert unescape(said) == "Saved: *Zoo*."


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


def test_a_folder_is_moved_only_after_its_preview(services: Any) -> None:
    tab = ImageTab(services)

    text, button, seen = tab.preview("images", "/new")
    with pytest.raises(AnnotatorError, match="Preview this move first"):
        tab.move("images", "/other", seen, ANN)
    tab.move("images", "/new", seen, ANN)

    assert text == "3 of 4 files are there."
    assert button["visible"] is True
    assert services.image_roots.calls == [("move", "images", "/new")]
    services.image_roots.found = 0
    assert tab.preview("images", "/new")[1]["visible"] is False
    for root, folder in ((None, "/new"), ("images", " ")):
        with pytest.raises(AnnotatorError):
            tab.preview(root, folder)


def test_folders_are_added_and_looked_at(services: Any) -> None:
    tab = ImageTab(services)

    said, table, choice = tab.add("/more", "holiday", ANN)
    tab.look(ANN)

    assert services.image_roots.calls == [("add", "/more", "holiday"), ("look",)]
    assert said == "2 new images."
    assert "&lt;b&gt;" in table
    assert "is missing" in table
    assert choice["choices"] == ["<b>"]


def test_files_that_cannot_be_used_are_a_table_and_a_text(
    services: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    said, table, file = ImageTab(services).list()

    assert said == "1 files cannot be used."
    assert table["value"].values.tolist() == [["images", "a.png", "is empty (0 bytes)"]]
    assert Path(file["value"]).read_text() == "images\ta.png\tis empty (0 bytes)\n"
    services.image_roots.unusable = list
    assert ImageTab(services).list()[0] == "All files can be used."


def test_a_person_is_renamed_and_made_a_reviewer_only_where_that_is_new(services: Any) -> None:
    tab = PeopleTab(services)

    tab.save(1, "Anna", True, ANN)
    same = tab.save(2, "Bob", True, ANN)

    assert services.people.calls == [("rename", 1, "Anna"), ("reviewer", 1, True)]
    assert same[0] == "Nothing to save."
    assert tab.show(2)[2:] == ["Bob", True]
    with pytest.raises(AnnotatorError, match="Choose a person first"):
        tab.save(None, "", False, ANN)


def test_texts_of_people_are_never_markup() -> None:
    assert "<" not in views.plain("<img src=x> **bold** [a](b)")
    assert views.examples_html([3]).count('src="/img/256/3"') == 1


def test_the_page_is_in_the_menu_and_opens(client: Any) -> None:
    answer = client.get("/settings")

    assert answer.status_code == 200
    assert "People" in answer.text
