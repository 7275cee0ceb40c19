"""Nothing is saved or taken back that is not on the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project
from database import labels
from notices import notice

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    names = ["cat", "dog", "bird"]
    return create_project(tmp_path / "project", twelve_pictures, names=names).project.path


def drawn(page: Page) -> None:
    expect(page.locator(".an-row").first).to_be_visible()
    expect(page.locator(".an-root[data-wait]")).to_have_count(0)


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_text("saved")


def test_what_another_page_did_is_named_and_asked_about_before_it_is_taken_back(
    project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    server = serve(project, "--no-worker")
    page = open_page(server.url)
    drawn(page)
    page.keyboard.press("x")
    expect(notice(page, "3 marked absent. U takes it back.")).to_be_visible()
    saved(page)
    swept = labels(project)
    page.goto(f"{server.url}/review#show=conflicts")
    expect(page.locator(".rv-count")).to_have_text("0 pairs that people disagree about")

    page.keyboard.press("u")
    expect(page.locator("dialog[open] h3")).to_have_text("Undo 3 answers on 00.png?")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    kept = labels(project)
    page.keyboard.press("u")
    expect(page.locator("dialog[open]")).to_contain_text("on another page")
    page.keyboard.press("Enter")
    expect(notice(page, "Undone: 3 answers on 00.png.")).to_be_visible()
    saved(page)
    undone = labels(project)
    page.keyboard.press("Shift+U")
    expect(notice(page, "Redone: 3 answers on 00.png.")).to_be_visible()
    saved(page)

    assert (len(swept), kept, undone, labels(project)) == (3, swept, [], swept)


def test_keys_that_save_many_answers_wait_and_answers_wait_for_the_image(
    project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    server = serve(project, "--no-worker", commit_delay_ms=5000)
    page = open_page(server.url)
    expect(page.locator(".an-row").first).to_be_visible()
    page.wait_for_function("document.querySelector('.an-image').naturalWidth")
    for _ in range(3):
        page.keyboard.press("Shift+Enter")
    expect(page.locator(".an-notice")).to_contain_text("on the screen for 5 seconds")
    page.keyboard.press("1")
    saved(page)
    one = labels(project)

    page.route("**/img/*/5?*", lambda route: route.abort())
    page.evaluate("location.hash = '5'")
    expect(page.locator(".an-problem")).to_contain_text("it comes by itself")
    page.keyboard.press("1")
    expect(page.locator(".an-notice")).to_contain_text("The image is not here yet")
    page.unroute_all()
    expect(page.locator(".an-problem")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.locator('.an-row[aria-checked="true"]').first).to_be_visible()
    saved(page)
    both = labels(project)

    page.route("**/img/1280/11?*", lambda route: route.abort())
    page.evaluate("location.hash = '11'")
    expect(page.locator(".an-late")).to_have_text("offline, the large image comes later")
    small = page.locator(".an-image").evaluate("image => getComputedStyle(image).content")
    expect(page.locator(".an-problem")).to_be_hidden()
    page.unroute_all()
    expect(page.locator(".an-late")).to_have_text("")
    assert "/img/256/11" in small
    assert page.locator(".an-image").evaluate("image => image.style.content") == ""

    page.goto(f"{server.url}/verify#2-like")
    expect(page.locator(".vf-tile")).to_have_count(12)
    page.keyboard.press("m")
    for _ in range(3):
        page.keyboard.press("Enter")
    expect(page.locator(".an-notice")).to_contain_text("on the screen for 5 seconds")
    saved(page)

    assert [image for image, _, _ in one] == [1]
    assert [image for image, _, _ in both] == [1, 5]
    assert labels(project) == both


def test_an_address_that_is_wrong_says_so_and_leads_on(
    project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    server = serve(project, "--no-worker")
    page = open_page(server.url)
    drawn(page)

    page.evaluate("location.hash = '99999'")
    expect(page.locator(".an-problem")).to_contain_text("There is no image 99999 in this project.")
    expect(page.locator(".an-row").first).to_be_hidden()
    expect(page.locator(".an-strip button").first).to_have_attribute(
        "title", re.compile("^image -1")
    )
    expect(page.locator(".an-strip .current")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("01.png")
    expect(page.locator(".an-row").first).to_be_visible()
    page.evaluate("location.hash = 'abc'")
    expect(page.locator(".an-notice")).to_contain_text("There is no image abc in this project")
    page.wait_for_function("location.hash === '#2'")

    answer = page.goto(f"{server.url}/nonsense")
    assert answer is not None
    assert answer.status == 404
    expect(page.locator("h1")).to_have_text("There is no page at /nonsense")
    page.get_by_role("link", name="Verify").click()
    expect(page.locator(".vf-tile")).to_have_count(12)
