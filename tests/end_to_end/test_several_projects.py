"""`annotator serve FOLDER`: a page of projects, each opened below its own path and on its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project
from database import labels

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def answer_first(page: Page) -> None:
    expect(page.locator(".an-asking .an-row").first).to_be_visible()
    expect(page.locator(".an-root[data-wait]")).to_have_count(0)  # answers wait for the image
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.locator(".an-asking .an-row").first).to_have_attribute("data-state", "present")
    expect(page.locator(".an-saved")).to_have_attribute("data-state", "saved")


def test_two_projects_are_opened_from_one_page_and_keep_apart(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    for name, category in (("cats", "cat"), ("Größe & co", "dog")):
        create_project(folder / name, twelve_pictures, names=[category])
    (folder / "broken").mkdir()
    (folder / "broken" / "project.toml").write_text("name = [")
    server = serve(folder, "--no-worker")

    page = open_page(server.url, name=None)
    expect(page.locator("li")).to_have_count(3)
    expect(page.locator("li").filter(has_text="broken")).to_contain_text("is not valid TOML")
    page.get_by_role("link", name="cats").click()
    page.get_by_label("Your name", exact=True).fill("Ann")
    page.keyboard.press("Enter")
    answer_first(page)
    key = page.locator("meta[name=annotator-project]").get_attribute("content") or ""
    page.goto(server.url)
    expect(page.locator("li").filter(has_text="cats")).to_contain_text("8.3 %")
    page.get_by_role("link", name="Größe & co").click()
    page.get_by_label("Your name", exact=True).fill("Bob")
    page.keyboard.press("Enter")
    answer_first(page)
    mixed_up = page.request.get(
        f"{page.url.split('#')[0]}config", headers={"X-Annotator-Project": key}
    )
    page.goto(f"{server.url}/cats/verify")
    expect(page.locator(".fr-who")).to_have_text("Ann")
    expect(page.locator(".vf-tile").first).to_be_visible()

    assert server.stop() == 0
    assert mixed_up.status == 409
    assert labels(folder / "cats") == [(1, "cat", 1)]
    assert labels(folder / "Größe & co") == [(1, "dog", 1)]
