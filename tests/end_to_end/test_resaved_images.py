"""A picture is saved again, accepted, separated, removed and restored on the Settings page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.domain import State
from annotator.services.app import Services
from annotator.services.commands import answer_by_name
from annotator.services.project.creation import create_project
from database import rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    pictures = shutil.copytree(twelve_pictures, tmp_path / "pictures")
    path = create_project(tmp_path / "p", pictures, names=["cat"]).project.path
    services = Services.open(path)
    answer_by_name(services, image="00.png", category="cat", state=State.PRESENT, annotator="Ann")
    services.media.content(1, 256)
    services.close()
    return path


def labels(project: Path) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows(project, "select image_id, state from label")]


def choose(page: Page, box: str, name: str) -> None:
    """Choose in a list that takes several."""
    page.locator(f"#{box} input").click()
    page.get_by_role("option", name=name).last.click()
    page.keyboard.press("Escape")


def test_a_picture_saved_again_keeps_its_answer_once_somebody_says_that_it_is_the_same(
    project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    file = project.parent / "pictures" / "00.png"
    picture = Image.open(file).convert("RGB")
    picture.putpixel((0, 0), (1, 2, 3))
    picture.save(file)
    page = open_page(f"{serve(project, '--no-worker').url}/settings")
    page.get_by_role("tab", name="Images").click()

    page.locator("#root-look").click()
    expect(page.locator("#root-said")).to_contain_text("1 image with answers has no file now")
    assert labels(project) == []
    page.locator("#resaved-look").click()
    expect(page.locator("#resaved-found")).to_contain_text("1 found.")
    for name in ("as it was", "as it is now"):
        small = page.locator(f'#resaved-pairs img[alt^="{name}"]')
        small.scroll_into_view_if_needed()
        expect(small).to_have_js_property("complete", True)
        assert small.evaluate("e => e.naturalWidth") > 0

    choose(page, "resaved-accept-choice", "00.png")
    page.locator("#resaved-accept").click()
    expect(page.locator("#resaved-said")).to_contain_text("joined with 1 earlier answer")
    assert labels(project) == [(1, 1)]

    choose(page, "resaved-undo-choice", "00.png")
    page.locator("#resaved-undo").click()
    expect(page.locator("#resaved-said")).to_contain_text("separate again")
    assert labels(project) == []


def test_images_are_removed_and_restored(
    project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    server = serve(project, "--no-worker")
    page = open_page(f"{server.url}/settings")
    page.get_by_role("tab", name="Images").click()

    page.locator("#remove-names textarea").fill("nowhere.png")
    page.locator("#remove").click()
    expect(page.get_by_text("There is no image 'nowhere.png'")).to_be_visible()
    page.locator("#remove-names textarea").fill("00.png\n01.png")
    page.locator("#remove").click()
    expect(page.locator("#remove-said")).to_contain_text("2 images removed, 1 answer kept")
    assert labels(project) == []
    other = open_page(f"{server.url}/progress")
    expect(other.locator("#progress-counts")).to_contain_text("of 10 images")

    choose(page, "restore-choice", "00.png")
    page.locator("#restore").click()
    expect(page.locator("#remove-said")).to_contain_text("1 image restored, with 1 answer")
    assert labels(project) == [(1, 1)]
