"""The Settings page in a real browser: every tab once, on one project without a trainer."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.domain import State
from annotator.services.app import Services
from annotator.services.backup.restoring import restore
from annotator.services.commands import answer_by_name
from annotator.services.project.creation import create_project
from annotator.settings import PROJECT_FILE, load_project
from database import rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ["cat", "kitten", "dog", "<b>bold</b>"]
SAID = [
    ("Ann", "00.png", "kitten", State.PRESENT),
    ("Ann", "01.png", "cat", State.ABSENT),
    ("Ann", "02.png", "cat", State.ABSENT),
    ("Ann", "02.png", "kitten", State.ABSENT),
    ("Ann", "03.png", "dog", State.PRESENT),
    ("Bob", "03.png", "dog", State.ABSENT),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, twelve_pictures: Path) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    pictures = shutil.copytree(twelve_pictures, folder / "pictures")
    path = create_project(folder / "p", pictures, names=NAMES).project.path
    services = Services.open(path)
    for who, image, category, state in SAID:
        answer_by_name(services, image=image, category=category, state=state, annotator=who)
    services.close()
    return path


@pytest.fixture(scope="module")
def url(project: Path, serve_once: Callable[..., Any]) -> str:
    return str(serve_once(project, "--no-worker").url)


@pytest.fixture
def page(url: str, open_page: Callable[..., Page]) -> Page:
    page = open_page(f"{url}/settings")
    expect(page.locator("#root-table, #category-table").first).to_be_attached()
    expect(page.locator("#category-table")).to_contain_text("dog")
    return page


def choose(page: Page, box: str, name: str) -> None:
    """Choose in a list."""
    field = page.locator(f"#{box} input")
    field.click()
    # The list of the box before may still be fading out; this one came last.
    page.get_by_role("option", name=name, exact=True).last.click()
    expect(field).to_have_value(name)


def states(project: Path, name: str) -> dict[int, int]:
    found = rows(
        project,
        "select image_id, state from label join category on category.id = category_id "
        f"where name = '{name}'",
    )
    return {int(i): state for i, state in found}


def test_a_category_added_in_the_middle_of_a_project_is_asked_on_the_label_page(
    page: Page, url: str, open_page: Callable[..., Page]
) -> None:
    page.locator("#category-lines textarea").fill("fish\ncow")
    page.locator("#category-add").click()
    expect(page.locator("#category-said")).to_contain_text("Added fish, cow")
    expect(page.locator("#category-name input, #category-name textarea")).to_have_value("fish")
    page.locator("#category-name input, #category-name textarea").fill("big fish")
    page.locator("#category-key input, #category-key textarea").fill("b")
    page.locator("#category-description textarea").fill("Longer than a hand.")
    page.locator("#category-save").click()
    expect(page.locator("#category-said")).to_contain_text("is saved")

    label = open_page(url)

    expect(page.locator("#category-table")).to_contain_text("big fish")
    expect(page.locator("#category-aliases textarea")).to_have_value("fish")
    expect(label.locator(".an-row", has_text="big fish").first).to_be_visible()
    expect(label.locator(".an-row", has_text="cow").first).to_be_visible()


def test_two_categories_are_merged_after_a_preview_and_split_again(
    page: Page, project: Path
) -> None:
    choose(page, "category-choice", "kitten")
    page.locator("#category-merge-part button").first.click()
    choose(page, "category-target", "cat")
    page.locator("#category-preview").click()

    expect(page.locator("#category-foreseen")).to_contain_text("1 from unknown to present")
    expect(page.locator("#category-foreseen")).to_contain_text("No answer is deleted")
    assert states(project, "cat") == {2: 0, 3: 0}
    page.get_by_role("button", name="Merge kitten into cat").click()
    expect(page.locator("#category-said")).to_contain_text("can be undone")
    assert states(project, "cat") == {1: 1, 3: 0}

    choose(page, "category-choice", "kitten (merged into cat)")
    expect(page.locator("#category-archive")).to_be_hidden()
    page.locator("#category-split").click()
    expect(page.locator("#category-said")).to_contain_text("is separate from")
    assert states(project, "cat") == {2: 0, 3: 0}
    assert states(project, "kitten") == {1: 1, 3: 0}


def test_a_setting_is_saved_with_its_sentence_and_a_wrong_one_is_refused(
    page: Page, project: Path
) -> None:
    page.get_by_role("tab", name="Suggestions and training").click()
    threshold = page.locator("#preference-suggestions-threshold input")
    expect(threshold).to_have_value("0.5")
    expect(page.locator("#preference-suggestions-threshold")).to_contain_text("at once")

    threshold.fill("0.7")
    choose(
        page, "preference-asking-strategy", "Uncertainty sampling: where the model is least sure"
    )
    page.locator("#preference-save").click()
    said = page.locator("#preference-said")
    expect(said).to_contain_text("Suggestion threshold, Image order (active learning)")
    threshold.fill("2")
    page.locator("#preference-save").click()

    expect(page.get_by_test_id("toast-body")).to_contain_text("above 0 and below 1")
    assert load_project(project).settings.suggestions.threshold == 0.7
    assert load_project(project).settings.asking.strategy == "uncertainty"
    assert "threshold = 0.7" in (project / PROJECT_FILE).read_text()


def test_folders_are_added_and_moved_and_missing_files_are_listed(
    page: Page, project: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    Image.new("RGB", (30, 20), (1, 2, 250)).save(more / "blue.png")
    (more / "empty.png").write_bytes(b"")
    page.get_by_role("tab", name="Images").click()

    page.locator("#root-folder :is(input, textarea)").fill(str(more))
    page.locator("#root-name :is(input, textarea)").fill("holiday")
    page.locator("#root-add").click()
    expect(page.locator("#root-said")).to_contain_text("1 new image, 1 that cannot be used")
    expect(page.locator("#root-table")).to_contain_text("holiday")
    page.locator("#unusable-list").click()
    expect(page.locator("#unusable-said")).to_contain_text("1 file cannot be used")
    with page.expect_download() as download:
        page.locator("#unusable-file").click()
    assert "empty.png\tis empty" in Path(download.value.path()).read_text()

    moved = Path(shutil.move(more, tmp_path / "moved"))
    choose(page, "root-choice", "holiday")
    page.locator("#root-to :is(input, textarea)").fill(str(moved))
    page.locator("#root-preview").click()
    expect(page.locator("#root-foreseen")).to_contain_text("1 of 1 file is there")
    page.locator("#root-move").click()
    expect(page.locator("#root-table")).to_contain_text(str(moved))
    assert load_project(project).root_path("holiday") == moved.resolve()


def test_a_reviewer_settles_what_people_disagreed_about(page: Page, project: Path) -> None:
    assert states(project, "dog") == {4: None}
    page.get_by_role("tab", name="People").click()

    choose(page, "people-choice", "Bob")
    expect(page.locator("#people-name :is(input, textarea)")).to_have_value("Bob")
    page.locator("#people-reviewer input").check()
    page.locator("#people-save").click()

    expect(page.locator("#people-said")).to_contain_text("1 pair was re-evaluated")
    assert states(project, "dog") == {4: 0}


def test_a_backup_is_downloaded_and_makes_a_project(
    page: Page, project: Path, tmp_path: Path
) -> None:
    page.get_by_role("tab", name="Backup").click()
    page.locator("#backup-make").click()
    expect(page.locator("#backup-said")).to_contain_text("made and checked", timeout=60_000)
    with page.expect_download() as download:
        page.locator("#backup-file a").first.click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)

    assert re.fullmatch(r"p-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.zip", file.name)
    restored = restore(file, tmp_path / "restored").project
    for table in ("image", "answer", "label", "category"):
        count = f"select count(*) from {table}"
        assert rows(restored, count) == rows(project, count) != [(0,)]


def test_on_a_phone_nothing_is_wider_than_the_screen(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{url}/settings", viewport={"width": 390, "height": 844})
    expect(page.locator("#category-table")).to_contain_text("dog")
    choose(page, "category-choice", "dog")

    expect(page.locator("#category-save")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
