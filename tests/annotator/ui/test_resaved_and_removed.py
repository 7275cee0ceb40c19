from __future__ import annotations

from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from annotator.domain import State
from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.commands import answer_by_name
from annotator.services.project.resaved_images import ResavedRow
from annotator.ui import settings_views as views
from annotator.ui.resaved_and_removed import ResavedAndRemoved

ANN: Any = SimpleNamespace(cookies={"annotator_name": "Ann"})
NOBODY: Any = SimpleNamespace(cookies={})


@pytest.fixture
def tab(real: Services) -> ResavedAndRemoved:
    return ResavedAndRemoved(real)


@pytest.fixture
def resaved(real: Services) -> str:
    """Return the choice that stands for a picture with an answer that was saved again."""
    folder = Path(real.image_roots.rows()[0]["folder"])
    name = min(path.name for path in folder.iterdir())
    answer_by_name(real, image=name, category="cat", state=State.PRESENT, annotator="Ann")
    Image.new("RGB", (31, 17), (9, 8, 7)).save(folder / name)
    real.image_roots.look()
    (row,) = real.resaved_images.offered()
    return f"{row['original']} {row['copy']}"


def choices(update: Any) -> list[str]:
    return [value for _, value in update["choices"]]


def test_a_pair_is_shown_accepted_and_separated(tab: ResavedAndRemoved, resaved: str) -> None:
    found, pairs, offered, accept, *_ = tab.show()
    assert found == "1 found."
    assert [f"/img/256/{i}" in pairs for i in resaved.split()] == [True, True]
    assert (choices(offered), accept["visible"]) == ([resaved], True)

    said, *shown = tab.accept([resaved], ANN)

    assert "1 image is joined with 1 earlier answer" in unescape(said)
    assert (choices(shown[2]), shown[3]["visible"]) == ([], False)
    assert (choices(shown[4]), shown[5]["visible"]) == ([resaved.split()[1]], True)
    assert tab.kept() == shown[4:]
    said, *shown = tab.separate([resaved.split()[1]], ANN)
    assert "separate again" in said
    assert choices(shown[2]) == [resaved]


def test_images_are_removed_by_lines_and_restored_by_choice(
    tab: ResavedAndRemoved, real: Services, resaved: str
) -> None:
    folder = Path(real.image_roots.rows()[0]["folder"])
    names = sorted(path.name for path in folder.iterdir())

    lines, said, *shown = tab.remove(f" {names[1]}\n\n{names[2]} ", ANN)
    again, *more = tab.remove_missing(ANN)

    assert (lines, unescape(said).split(";")[0]) == ("", "2 images removed, 0 answers kept")
    assert len(choices(shown[6])) == 2
    assert unescape(again).startswith("1 image removed, 1 answer kept")
    assert resaved.split()[0] in choices(more[6])
    said, *shown = tab.restore(choices(more[6]), ANN)
    assert unescape(said).startswith("3 images restored, with 1 answer.")
    assert (choices(shown[6]), shown[7]["visible"]) == ([], False)


@pytest.mark.parametrize("given", [[], ["x"], [""], ["1 -2"], ["9999999 1"], ["٣"]])
def test_nothing_chosen_and_nonsense_are_refused_in_a_sentence(
    tab: ResavedAndRemoved, given: list[str]
) -> None:
    with pytest.raises(AnnotatorError):
        tab.accept(given, ANN)
    if not given or not given[0][:1].isascii() or not given[0][:1].isdecimal():
        for act in (tab.separate, tab.restore):
            with pytest.raises(AnnotatorError):
                act(given, ANN)


def test_only_who_has_a_name_may_change_anything(tab: ResavedAndRemoved) -> None:
    for act, given in (
        (tab.accept, ["1 2"]), (tab.separate, ["1"]), (tab.restore, ["1"]), (tab.remove, "0.png"),
    ):  # fmt: skip
        with pytest.raises(AnnotatorError):
            act(given, NOBODY)  # type: ignore[operator]
    with pytest.raises(AnnotatorError):
        tab.remove_missing(NOBODY)


def test_names_of_files_are_text_never_markup() -> None:
    row: ResavedRow = {
        "original": 1, "copy": 2, "old": "<b>.png", "new": "a&b.png", "similarity": 0.991,
        "answers": 1200, "new_answers": 0, "accepted": False, "note": "<i>",
    }  # fmt: skip

    html = views.resaved_html([row])

    assert "&lt;b&gt;.png → a&amp;b.png" in html
    assert "99.1%; &lt;i&gt;" in html
    assert "<td>1,200</td>" in html
    assert views.resaved_html([]) == ""
