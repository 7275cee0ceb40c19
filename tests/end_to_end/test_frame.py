"""The row at the top of every page: keys from page to page, the person, and Back on Label."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def url(
    tmp_path_factory: pytest.TempPathFactory,
    twelve_pictures: Path,
    serve_once: Callable[..., Any],
) -> str:
    path = tmp_path_factory.mktemp("framed") / "cats"
    create_project(path, twelve_pictures, names=["cat", "dog"])
    return str(serve_once(path, "--no-worker").url)


def at(page: Page, name: str) -> None:
    """Wait until a page is there."""
    expect(page.locator("#an-frame a[aria-current]")).to_have_text(name)
    expect(page).to_have_title(f"{name} · cats")
    expect(page.locator(".an-trainer")).not_to_be_empty()


def image_of(page: Page) -> str:
    return page.url.rpartition("#")[2]


def test_keys_go_from_page_to_page_but_not_while_somebody_types(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(url)
    at(page, "Label")
    expect(page.locator(".an-row").first).to_be_visible()

    page.keyboard.press("/")
    page.keyboard.type("gv")
    expect(page.locator(".an-find").first).to_have_value("gv")
    page.keyboard.press("Escape")

    page.keyboard.press("g")
    expect(page.locator(".fr-going")).to_contain_text("V Verify")
    page.keyboard.press("x")  # no page has it, and it must answer nothing
    expect(page.locator(".fr-going")).to_be_empty()
    page.keyboard.press("g")
    page.keyboard.press("t")
    at(page, "Train")

    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("O Progress")
    page.keyboard.press("g")
    page.keyboard.press("v")
    page.keyboard.press("Escape")
    at(page, "Train")

    page.keyboard.press("Alt+2")
    at(page, "Verify")
    page.keyboard.press("g")
    page.keyboard.press("l")
    at(page, "Label")
    expect(page.locator(".an-row[data-state=absent]")).to_have_count(0)


def test_a_name_is_asked_for_on_every_page(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{url}/train", name=None)
    at(page, "Train")

    page.get_by_role("button", name="Your name?").click()
    page.get_by_role("textbox", name="Your name").fill("Zoë")
    page.keyboard.press("Enter")
    expect(page.locator(".fr-who")).to_have_text("Zoë")
    page.reload()

    at(page, "Train")
    expect(page.locator(".fr-who")).to_have_text("Zoë")


def test_back_goes_image_by_image_and_after_ten_of_them_to_the_page_before(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{url}/train", name="Ben")
    page.goto(f"{url}/")
    expect(page.locator(".an-row").first).to_be_visible()
    entries = page.evaluate("history.length")
    been = [image_of(page)]
    for _ in range(11):
        page.keyboard.press("ArrowRight")
        expect(page).not_to_have_url(f"{url}/#{been[-1]}")
        been.append(image_of(page))
    assert len(set(been)) == 12
    assert page.evaluate("history.length") == entries + 10

    page.go_back()
    expect(page).to_have_url(f"{url}/#{been[-2]}")
    page.go_forward()
    expect(page).to_have_url(f"{url}/#{been[-1]}")
    page.reload()
    expect(page.locator(".an-row").first).to_be_visible()
    assert image_of(page) == been[-1]
    for number in reversed(been[1:-1]):
        page.go_back()
        expect(page).to_have_url(f"{url}/#{number}")
    page.go_back()

    at(page, "Train")


def test_on_a_phone_the_menu_is_a_list_below_the_name_of_the_page(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{url}/settings", viewport={"width": 390, "height": 844})
    at(page, "Settings")
    expect(page.get_by_role("link", name="Verify")).not_to_be_visible()

    sentence = "No trainer is running; you can go on labelling."
    page.get_by_role("button", name=sentence).press("Enter")
    expect(page.locator(".an-whole")).to_contain_text(sentence)
    page.keyboard.press("Escape")
    expect(page.locator(".an-whole")).to_be_hidden()
    expect(page.get_by_role("tab", name="Backup")).to_be_visible()
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("link", name="Verify").click()

    at(page, "Verify")


def test_arrow_keys_choose_a_radio_button_and_tab_leaves_the_group(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{url}/train")
    methods = page.locator("#train-method input")
    expect(methods.first).to_have_attribute("name", "radios-1")

    methods.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")

    expect(methods.nth(2)).to_be_checked()
    expect(methods.nth(2)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#train-finetune input").first).to_be_focused()
