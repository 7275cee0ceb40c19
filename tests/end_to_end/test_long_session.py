"""A tab that is open for weeks: what it remembers stays small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.services.labelling.label import MOST_ITEMS
from annotator.services.project.creation import create_project

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IMAGES = 2000


@pytest.fixture
def page(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> Page:
    made = create_project(tmp_path / "p", twelve_pictures, names=["cat"])
    opened = open_page(serve(made.project.path, "--no-worker").url)
    expect(opened.locator(".an-asking .an-row").first).to_be_visible()
    return opened


def test_after_two_thousand_images_the_label_page_remembers_no_more_than_after_some_hundred(
    page: Page,
) -> None:
    script = Path(__file__).with_name("long_session.js").read_text()

    found = page.evaluate(script, {"most": MOST_ITEMS, "images": IMAGES})
    before, after = found["before"], found["after"]

    assert found["given"] >= IMAGES
    assert found["name"] == f"{found['place']}.png"
    for what, most in [
        ("ids", 450), ("items", 150), ("skipped", 450), ("undo", 200), ("jobs", 50), ("asked", 40)
    ]:  # fmt: skip
        assert after[what] <= most, what
    assert after["elements"] <= 1.2 * before["elements"]
    assert after["trail"] <= 2 * before["trail"]


def test_the_page_asks_for_as_many_images_at_once_as_the_service_gives() -> None:
    root = Path(__file__).resolve().parents[2]
    album = (root / "annotator/ui/static/label/album.js").read_text()

    assert f"const MOST_ITEMS = {MOST_ITEMS};" in album
