"""Many tabs of the tool in one browser, which has six connections to a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

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
