"""What a page says for a few seconds; other lines may stand beside the one that a test is about."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def notice(page: Page, text: str) -> Locator:
    return page.locator(".an-notice > p").get_by_text(text, exact=True)
