"""The Images page in a browser: hundreds of images found, selected and answered by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.arrays import likeness
from annotator.arrays.features import FeatureFiles
from annotator.services.project.creation import create_project
from annotator.settings import Project
from database import rows
from notices import notice
from publishing import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IMAGES = 300
CAT, DOG = 1, 2


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project of many small images in two folders, of which a version suggests a third."""
    folder = tmp_path_factory.mktemp("many") / "pictures"
    for number in range(IMAGES):
        place = folder / ("day" if number % 2 else "night")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8 + number // 20, 8), (number % 256, number // 256, 9)).save(
            place / f"{number:03d}.png"
        )
    made = create_project(folder.parent / "p", folder, names=["cat", "dog"]).project
    cats = np.where(np.arange(IMAGES) % 3 == 0, 3.0, -3.0)
    publish(made, np.stack([cats, -np.ones(IMAGES)], axis=1))
    compare(made)
    return made.path


def compare(made: Project) -> None:
    """Give each image features on an arc, the first the closest, and a place on a circle.

    Images 10 and 20 are near duplicates.
    """
    files = FeatureFiles.create(made.features_path, backbone="none", pooled_dim=2, rows=IMAGES)
    share = np.arange(IMAGES) / IMAGES
    search, places = np.zeros((IMAGES, 128)), np.zeros((IMAGES, 2))
    for vectors, turned in ((search, 3 * share**2), (places, 2 * np.pi * share)):
        vectors[:, 0], vectors[:, 1] = np.cos(turned), np.sin(turned)
    files.write(np.arange(IMAGES), search[:, :2], np.zeros((IMAGES, 0, 0)), search)
    groups = np.full(IMAGES, likeness.NO_GROUP, np.int32)
    groups[[9, 19]] = 0
    for name, values in ((likeness.GROUPS, groups), (likeness.MAP, places)):
        made_of = likeness.stamps(files)
        likeness.write(files.path, name, likeness.Comparison(values, made_of))


@pytest.fixture(scope="module")
def url(project: Path, serve_once: Callable[..., Any]) -> str:
    return str(serve_once(project, "--no-worker").url)


@pytest.fixture
def visit(url: str, open_page: Callable[..., Page]) -> Callable[..., Page]:
    def visit(address: str = "", **options: Any) -> Page:
        page = open_page(f"{url}/images{address}", **options)
        expect(page.locator(".im-tile, .im-rows .im-line").first).to_be_visible()
        return page

    return visit


def counted(page: Page, text: str) -> None:
    expect(page.locator(".im-count")).to_have_text(text)


def selected(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator(".im-selected")).to_have_text(text)


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_attribute("data-state", "saved")


def labels(project: Path) -> list[tuple[Any, ...]]:
    query = "select category_id, state, source, count(*) from label group by 1, 2, 3"
    return rows(project, query)


def test_only_what_is_near_the_view_is_drawn_and_the_keys_reach_the_rest(
    visit: Callable[..., Page],
) -> None:
    page = visit()
    counted(page, "300 images")
    grid = page.get_by_role("grid", name="Images")
    columns = int(grid.get_attribute("aria-colcount") or 0)
    assert int(grid.get_attribute("aria-rowcount") or 0) == -(-IMAGES // columns)
    assert page.locator(".im-tile").count() < IMAGES / 2

    page.keyboard.press("End")
    last = page.locator(".im-tile.focused")
    expect(last).to_be_in_viewport()
    expect(last).to_have_attribute("data-id", str(IMAGES))
    expect(last).to_be_focused()
    expect(last.locator("img")).to_have_js_property("complete", True)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".im-tile.focused")).to_have_attribute("data-id", str(IMAGES - 1 - columns))
    page.keyboard.press("Home")
    expect(page.locator(".im-tile.focused")).to_have_attribute("data-id", "1")
    assert page.locator(".im-tile").count() < IMAGES / 2


def test_a_filter_is_typed_or_chosen_and_stands_in_the_address(visit: Callable[..., Page]) -> None:
    page = visit()

    page.keyboard.press("/")
    page.keyboard.type("sugg")
    page.keyboard.press("Tab")
    page.keyboard.type("ca")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    counted(page, "100 of 300 images")
    expect(page).to_have_url(re.compile("filter=suggested%3Acat"))
    expect(page.get_by_label("Its state")).to_have_value("suggested")
    expect(page.locator(".im-about").first).to_contain_text("✦ 95 % suggested")

    page.get_by_label("Folder").select_option("day")
    counted(page, "50 of 300 images")
    page.get_by_label("Sort").select_option("cat: highest score first")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.get_by_role("columnheader", name="cat")).to_have_attribute(
        "aria-sort", "descending"
    )
    shared = page.url
    page.go_back()
    counted(page, "50 of 300 images")
    page.go_back()
    counted(page, "100 of 300 images")
    page.goto(shared)
    counted(page, "50 of 300 images")
    expect(page.locator(".im-rows .im-line").first).to_be_visible()

    page.keyboard.press("/")
    page.keyboard.type("colour:red")
    page.keyboard.press("Enter")
    expect(page.locator(".im-problem")).to_contain_text("There is no filter 'colour'")
    counted(page, "50 of 300 images")


def test_many_are_answered_after_asking_and_taken_back_as_one(
    visit: Callable[..., Page], project: Path
) -> None:
    page = visit("#category=1")

    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    selected(page, "2 selected")
    page.keyboard.press("a")
    expect(notice(page, "cat present on 2 images. U takes it back.")).to_be_visible()
    assert labels(project) == [(CAT, 1, 0, 2)]

    page.keyboard.press("Control+a")
    selected(page, "300 selected")
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Mark cat absent on 300 images?")
    expect(dialog).to_contain_text("2 that you answered otherwise change.")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert labels(project) == [(CAT, 1, 0, 2)]
    page.keyboard.press("r")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")
    expect(notice(page, "cat absent on 300 images. U takes it back.")).to_be_visible()
    assert labels(project) == [(CAT, 0, 0, 2), (CAT, 0, 4, 298)]

    page.keyboard.press("u")
    saved(page)
    expect(page.locator(".an-notice")).to_contain_text("Undone: cat absent on 300 images")
    assert labels(project) == [(CAT, 1, 0, 2)]
    page.keyboard.press("u")
    saved(page)
    assert labels(project) == []


def test_label_and_verify_work_on_the_selection_only(visit: Callable[..., Page], url: str) -> None:
    page = visit("#filter=suggested:cat&sort=-file")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    selected(page, "3 selected")

    page.keyboard.press("l")
    bar = page.locator(".an-selection")
    expect(bar).to_contain_text("3 images selected by hand")
    for place, image in ((1, 298), (2, 295), (3, 292)):
        expect(bar).to_contain_text(f"{place} of 3")
        expect(page).to_have_url(re.compile(f"#{image}$"))
        page.keyboard.press("ArrowRight")
    expect(page.locator(".an-notice")).to_contain_text("been through all selected images")
    page.reload()
    expect(bar).to_contain_text("3 images selected by hand")
    page.get_by_role("button", name="All images again").click()
    expect(bar).to_be_hidden()

    page.goto(f"{url}/verify?filter=folder%3Aday+suggested%3Acat#1-confirm")
    expect(bar).to_contain_text("50 images selected: folder:day suggested:cat")
    expect(page.locator(".vf-tile").first).to_be_visible()
    names = [tile.get_attribute("aria-label") or "" for tile in page.locator(".vf-tile").all()]
    assert names
    assert all("day/" in name for name in names)


def test_enter_opens_an_image_and_back_comes_back_to_it(visit: Callable[..., Page]) -> None:
    page = visit("#filter=night&sort=name")
    page.keyboard.press("End")
    expect(page.locator(".im-tile.focused")).to_have_attribute("data-id", "300")
    page.keyboard.press("Enter")
    expect(page.locator(".an-selection")).to_contain_text("150 images selected: night")
    expect(page).to_have_url(re.compile("#300$"))

    page.go_back()
    expect(page.locator(".im-tile.focused")).to_have_attribute("data-id", "300")
    expect(page.locator(".im-tile.focused")).to_be_in_viewport()


def test_answers_from_elsewhere_show_without_moving_anything(
    visit: Callable[..., Page], project: Path
) -> None:
    page = visit("#category=2")
    page.keyboard.press("PageDown")
    tile = page.locator(".im-tile[data-id='2']")
    other = visit("#filter=id:2&category=2", name="Bob")
    other.wait_for_function("document.querySelector('.im-tile img').naturalWidth")
    other.keyboard.press("a")
    expect(other.locator(".im-about")).to_contain_text("present")
    saved(other)
    expect(page.get_by_role("button", name="Refresh")).to_have_class(re.compile("primary"))

    page.keyboard.press("Home")
    expect(tile.locator(".im-about")).to_contain_text("present")
    other.keyboard.press("u")
    saved(other)
    assert labels(project) == []


def test_a_phone(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)

    page.locator(".im-tile").nth(1).tap()
    selected(page, "1 selected")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = page.locator(".im-box").bounding_box()
    assert box is not None
    assert box["height"] > 250


def test_similar_images_duplicates_and_the_map_lead_to_a_selection(
    visit: Callable[..., Page],
) -> None:
    page = visit("#category=2")
    page.locator(".im-tile[data-id='5']").click()
    page.keyboard.press("f")
    counted(page, "299 of 300 images")
    first = page.locator(".im-tile").first
    expect(first).to_have_attribute("data-id", "4")
    page.reload()
    expect(page.locator(".im-compared")).to_have_text("most similar to image 5")
    expect(first).to_have_attribute("data-id", "4")

    page.get_by_label("Done").select_option("is:duplicate")
    counted(page, "2 of 300 images")
    expect(page.get_by_label("Sort")).to_have_value(re.compile("like:5"))
    first.focus()
    page.keyboard.press("d")
    selected(page, "2 selected")

    page.get_by_label("Done").select_option("")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    map_ = page.get_by_role("application", name="Map of the images")
    expect(page.locator(".im-legend")).to_contain_text("open 300")
    box = map_.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.keyboard.down("Shift")
    page.mouse.move(middle[0], box["y"] + 2)
    page.mouse.down()
    for x, y in ((box["width"] / 2 - 2, 0), (box["width"] / 2 - 2, box["height"] - 4)):
        page.mouse.move(middle[0] + x, box["y"] + 2 + y, steps=2)
    page.mouse.move(middle[0], box["y"] + box["height"] - 2, steps=2)
    page.mouse.up()
    page.keyboard.up("Shift")
    selected(page, re.compile("^1(49|50|51) selected"))  # the right half of the circle
    page.keyboard.press("Escape")
    map_.focus()
    page.keyboard.press("Space")  # nothing lies in the middle
    selected(page, re.compile("selects$"))
    for _ in range(12):
        page.keyboard.press("Shift+ArrowUp")
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Space")
    selected(page, re.compile(r"^\d{3} selected"))
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile("/verify.*#2-"))
