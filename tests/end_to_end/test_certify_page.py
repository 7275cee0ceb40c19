"""A certificate in a real browser: planned, asked about, applied, answered over and rolled back."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.services.app import Services

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW = 60_000
"""Milliseconds; the plan is made by a process of its own."""


@pytest.fixture(scope="module")
def oracle() -> Any:
    path = Path(__file__).parents[1] / "annotator" / "services" / "oracle.py"
    spec = importlib.util.spec_from_file_location("oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer_cards_until_it_fills(project: Path, oracle: Any, truth: Any) -> None:
    """Answer 50 cards at a time: which pairs are drawn is chance, and so is how many it takes."""
    services = Services.open(project)
    clock = oracle.Ticking()
    services.probing._clock = clock
    person = oracle.Oracle(services, truth, clock)
    for _ in range(20):
        person.answer(50)
        fill = services.certification.status()["fill"]
        if fill["absent"]:
            break
    services.close()
    assert fill["absent"], "a good model, 10,000 answers, and nothing could be filled in"


def test_from_the_plan_to_the_fill_and_back(
    tmp_path: Path, oracle: Any, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    truth = oracle.make_project(tmp_path)
    project = tmp_path / "project"
    server = serve(project, "--no-worker")
    page = open_page(f"{server.url}/certify")
    page.get_by_label("Maximum lost of the present pairs, %").fill("30")
    page.get_by_label("Confidence, %").fill("80")
    begin = page.locator("#certify-begin")
    expect(begin).to_be_disabled()

    page.locator("#certify-plan").click()
    expect(page.locator("#certify-table td").first).to_have_text("open ones (pool)", timeout=SLOW)
    own, lenient = page.get_by_label("Own numbers"), page.get_by_label("Lenient")
    expect(own).to_be_checked()
    expect(page.get_by_label("Usual: at most 10%")).to_be_visible()
    lenient.press("Space")
    expect(lenient).to_be_checked()
    expect(page.get_by_label("Maximum lost of the present pairs, %")).to_have_value("20")
    page.get_by_label("Maximum lost of the present pairs, %").fill("30")
    page.locator("#certify-plan").click()
    begin.click(timeout=SLOW)
    expect(page.locator("#certify-said")).to_contain_text("Certificate 1 is open", timeout=SLOW)
    expect(page.locator("#certify-apply")).to_be_disabled()
    answer_cards_until_it_fills(project, oracle, truth)
    fill = page.locator("#certify-apply")  # the page looks by itself
    expect(fill).to_be_enabled(timeout=SLOW)
    expect(page.locator("#certify-plot .vega-embed")).to_be_visible(timeout=SLOW)
    page.locator("#certify-preview").click()
    expect(page.locator("#certify-said")).to_contain_text("This would fill in", timeout=SLOW)
    fill.click()
    expect(page.locator("#certify-said")).to_contain_text("Filled in", timeout=SLOW)

    label = open_page(server.url)
    row = label.locator(".an-all .an-row[data-implied=absent]").first
    expect(row).to_contain_text("filled in by certificate 1", timeout=SLOW)
    expect(label.locator(".an-asking .an-row[data-implied=absent]")).to_have_count(0)
    chosen = row.get_attribute("data-category")
    mine = label.locator(f'.an-all .an-row[data-category="{chosen}"]')
    mine.click()
    expect(mine).to_have_attribute("data-state", "present")
    expect(mine).not_to_contain_text("certificate")

    page.locator("#certify-back").click()
    expect(page.locator("#certify-said")).to_contain_text("is rolled back", timeout=SLOW)
    label.reload()
    expect(label.locator(".an-all .an-row:visible").first).to_be_visible(timeout=SLOW)
    expect(label.locator(".an-row[data-implied=absent]")).to_have_count(0)
    assert chosen is not None
