"""A certificate in a real browser: planned, asked about, applied, answered over and rolled back."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from annotator.services.app import Services

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WCAG_AA = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}

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
    """Answer 10 cards at a time: which pairs are drawn is chance, and so is how many it takes."""
    services = Services.open(project)
    clock = oracle.Ticking()
    services.probing._clock = clock
    person = oracle.Oracle(services, truth, clock)
    for _ in range(100):
        person.answer(10)
        fill = services.certification.status()["fill"]
        if fill["absent"]:
            break
    services.close()
    assert fill["absent"], "a good model, 10,000 answers, and nothing could be filled in"


def test_from_the_choice_of_a_promise_to_the_fill_and_back(
    tmp_path: Path, oracle: Any, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    truth = oracle.make_project(tmp_path)
    project = tmp_path / "project"
    server = serve(project, "--no-worker")
    page = open_page(f"{server.url}/certify")
    cards, begin = page.locator("#certify-promise label"), page.locator("#certify-begin")
    for kind in range(3):  # the prices come by themselves
        expect(cards.nth(kind)).to_contain_text("probes, about", timeout=SLOW)
        expect(cards.nth(kind)).to_contain_text("of 20,000 open pairs")
    expect(begin).to_be_enabled()

    page.get_by_label("Lenient: 80 %").press("Space")
    expect(cards.nth(0)).to_contain_text("At least 80 % of what is present")
    expect(begin).to_be_enabled()
    page.get_by_label("Own numbers").press("Space")
    expect(cards.nth(0)).to_contain_text("At least 90 % of what is present")
    page.get_by_label("Recall, at least, %").fill("100")
    expect(page.locator("#certify-recall")).to_contain_text("between 0 and 100 %, such as 90.")
    expect(begin).to_be_disabled()
    expect(cards.nth(0)).to_contain_text("At least 90 % of what is present")
    page.get_by_label("Recall, at least, %").fill("70")
    expect(begin).to_be_disabled()
    page.get_by_label("Recall, at least, %").press("Enter")
    expect(cards.nth(0)).to_contain_text("At least 70 % of what is present", timeout=SLOW)
    expect(cards.nth(0)).to_contain_text("probes, about", timeout=SLOW)
    begin.press("Enter", timeout=SLOW)
    expect(page.locator("#certify-said")).to_contain_text("Certificate 1 is open", timeout=SLOW)
    expect(page.get_by_role("link", name="Answer its probes")).to_be_focused()
    expect(cards).to_have_count(0)
    expect(page.locator("#certify-apply")).to_be_disabled()
    expect(page.locator("#certify-state")).to_contain_text("0 %")
    expect(page.get_by_role("link", name="Answer its probes")).to_have_attribute("href", "probe")
    answer_cards_until_it_fills(project, oracle, truth)
    fill = page.locator("#certify-apply")  # the page looks by itself
    expect(fill).to_be_enabled(timeout=SLOW)
    expect(page.locator("#certify-state")).to_contain_text("can be filled in now")
    expect(page.locator("#certify-plot .vega-embed")).to_be_visible(timeout=SLOW)
    found = Axe().run(page, options={"runOnly": WCAG_AA, "resultTypes": ["violations"]})
    assert found.response["violations"] == []
    fill.click()
    expect(page.locator("#certify-said")).to_contain_text("Filled in", timeout=SLOW)
    expect(page.locator("#certify-state")).to_contain_text("its promise holds")

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
