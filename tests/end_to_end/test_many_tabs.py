"""Several tabs of the tool: they share six connections to the server, and the images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.services.app import Services
from annotator.services.project.creation import create_project

PAGES = ("train", "progress", "certify", "settings", "export", "train", "progress", "verify")


def test_with_many_tabs_open_nothing_was_saved_any_more(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    project = create_project(tmp_path / "project", twelve_pictures, names=["cat", "dog"]).project
    server = serve(project.path, "--no-worker")
    page = open_page(server.url)
    expect(page.locator(".an-asking .an-row")).to_have_count(2)

    for name in PAGES:
        other = page.context.new_page()
        other.goto(f"{server.url}/{name}")
        expect(other.get_by_role("link", name="Label")).to_be_visible()
    page.bring_to_front()
    page.keyboard.press("1")

    expect(page.locator('.an-row[aria-checked="true"]').first).to_be_visible()
    expect(page.locator(".an-saved")).to_have_text("saved")


@pytest.fixture
def many_pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(30):
        Image.new("RGB", (64, 48), (8 * number, 120, 200)).save(folder / f"{number:02d}.png")
    return folder


def test_a_tab_that_is_closed_gives_its_images_back(
    tmp_path: Path,
    many_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    project = create_project(tmp_path / "project", many_pictures, names=["cat", "dog"]).project
    page = open_page(serve(project.path, "--no-worker").url)
    expect(page.locator(".an-asking .an-row")).to_have_count(2)
    services = Services.open(project.path)

    def free() -> list[int]:
        return services.labelling.next_images("Bob", "another tab", count=30)["images"]

    expect(page.locator(".an-strip button:not([hidden])")).to_have_count(11)
    before = free()
    page.goto("about:blank")
    for _ in range(300):
        if (after := free()) == list(range(2, 31)):
            break
        page.wait_for_timeout(100)

    assert before == list(range(13, 31))
    assert after == list(range(2, 31))  # the first was on the screen: it has been visited
    services.close()
