"""The Review page in a real browser: two people have answered, a third one looks through it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.wire.label import FlagRequest
from annotator.wire.recording import SaveRequest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CAT, DOG, BIRD = 1, 2, 3


SEEN = "[...document.querySelectorAll('.rv-card img')].slice(0, 4).every((one) => one.naturalWidth)"
"""Answers wait for the images of the cards."""


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    names = ["cat", "<b>dog</b>", "bird"]
    made = create_project(tmp_path / "p", twelve_pictures, names=names)
    services = Services.open(made.project.path)
    for who, op, source, pairs, state in [
        ("Ann", "1", "accepted", [(i, CAT) for i in range(1, 7)], "present"),
        ("Ann", "2", "human", [(1, DOG), (2, DOG)], "present"),
        ("Bob", "3", "swept", [(3, BIRD), (4, BIRD)], "absent"),
        ("Bob", "4", "human", [(2, DOG)], "absent"),
    ]:
        rows = services.review.rows(who, pairs)
        changes = [
            {"image": r["image"], "category": r["category"], "state": state, "source": source}
            | {"seen": r["answer"], "score": 0.83}
            for r in rows
        ]
        act = {"op": op, "kind": "page", "version": 3, "changes": changes}
        services.recording.save(who, SaveRequest(**act))
    services.flags.add("Bob", FlagRequest(image=9, note="<i>what</i> is it?"))
    services.close()
    return made.project.path


@pytest.fixture
def server(project: Path, serve: Callable[..., Any]) -> Any:
    return serve(project, "--no-worker")


@pytest.fixture
def visit(server: Any, open_page: Callable[..., Page]) -> Callable[..., Page]:
    def visit(filters: str = "", **options: Any) -> Page:
        page = open_page(f"{server.url}/review#{filters}", **{"name": "Carol", **options})
        expect(page.locator(".rv-count")).not_to_be_empty()
        page.wait_for_function(SEEN)
        return page

    return visit


def labels(project: Path, category: int) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(project / "labels.db")
    try:
        query = "select image_id, state, source from label where category_id = ? order by image_id"
        return connection.execute(query, (category,)).fetchall()
    finally:
        connection.close()


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_attribute("data-state", "saved")


def listed(page: Page) -> None:
    """Wait for the cards of a search: those before it are taken away when it is answered."""
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.wait_for_function(SEEN)


def card(page: Page, image: int, category: int | str) -> Locator:
    return page.locator(f".rv-card[data-image='{image}'][data-category='{category}']")


def test_filters_are_kept_in_the_address_and_back_goes_back(visit: Callable[..., Page]) -> None:
    page = visit("show=all&category=1")
    expect(page.locator(".rv-card")).to_have_count(6)

    page.keyboard.press("/")
    page.get_by_label("Category").select_option("bird")
    expect(page.locator(".rv-card")).to_have_count(2)
    page.get_by_label("File name has").fill("no such file")
    expect(page.locator(".rv-empty")).to_contain_text("Remove one")
    page.get_by_role("button", name="File name has").click()
    expect(page.locator(".rv-card")).to_have_count(2)
    for _ in range(3):
        page.go_back()

    expect(page.get_by_label("Category")).to_have_value("1")
    expect(page.locator(".rv-card")).to_have_count(6)
    assert page.url.endswith("/review#show=all&category=1")


def test_a_pair_is_corrected_in_place_by_keys_and_undone(
    visit: Callable[..., Page], project: Path
) -> None:
    page = visit("show=all&category=1")

    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    expect(card(page, 1, CAT)).to_have_attribute("data-state", "present")
    expect(card(page, 2, CAT)).to_have_attribute("data-state", "conflict")
    expect(card(page, 2, CAT)).to_contain_text("Ann: present · Carol: absent")
    page.keyboard.press("c")
    expect(card(page, 2, CAT)).to_have_attribute("data-state", "present")
    page.keyboard.press("u")
    expect(card(page, 2, CAT)).to_have_attribute("data-state", "conflict")
    page.keyboard.press("u")
    expect(card(page, 2, CAT)).to_have_attribute("data-state", "present")
    saved(page)

    assert labels(project, CAT) == [(i, 1, 1) for i in range(1, 7)]


def test_many_are_changed_at_once_and_one_undo_takes_it_back(
    visit: Callable[..., Page], project: Path
) -> None:
    page = visit("show=all&category=3&state=absent")

    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".rv-card[aria-selected=true]")).to_have_count(2)
    expect(page.get_by_role("button", name="Absent (0)")).to_be_disabled()
    expect(page.get_by_role("button", name="Cannot tell (0)")).to_be_disabled()
    page.keyboard.press("a")
    expect(page.locator(".rv-card[data-state=conflict]")).to_have_count(2)
    saved(page)
    during = labels(project, BIRD)
    page.keyboard.press("u")
    expect(page.locator(".rv-card[data-state=absent]")).to_have_count(2)
    saved(page)

    assert during == [(3, None, 0), (4, None, 0)]
    assert labels(project, BIRD) == [(3, 0, 4), (4, 0, 4)]


def test_a_conflict_is_decided_and_the_history_tells_it(
    visit: Callable[..., Page], project: Path
) -> None:
    page = visit("show=conflicts")
    expect(page.get_by_label("Show")).to_contain_text("People disagree (1)")
    expect(card(page, 2, DOG)).to_contain_text("Ann: present · Bob: absent")
    expect(page.locator(".rv-head")).to_have_text("<b>dog</b>")

    page.keyboard.press("d")
    page.keyboard.press("r")
    expect(card(page, 2, DOG)).to_have_attribute("data-state", "absent")
    told = page.locator(".rv-answer")
    expect(told).to_have_count(3)
    expect(told.first).to_contain_text("Carol decided in review: absent.")
    expect(told.first).to_contain_text("this is the label")
    expect(told.last).to_contain_text("Ann answered present. Version 3 said 83 %.")
    page.keyboard.press("h")
    expect(page.locator(".rv-history")).to_be_hidden()
    page.keyboard.press("m")
    expect(page.locator(".rv-empty")).to_contain_text(
        "Wherever several people answered, they agree."
    )

    assert labels(project, DOG) == [(1, 1, 0), (2, 0, 6)]


def test_a_flag_is_read_taken_off_and_its_image_opened(visit: Callable[..., Page]) -> None:
    page = visit("show=flags")
    expect(card(page, 9, "")).to_contain_text("Bob: <i>what</i> is it?")

    page.keyboard.press("f")
    expect(page.locator(".rv-note")).to_have_count(0)
    page.keyboard.press("Enter")

    expect(page.locator(".an-asking .an-row")).to_have_count(3)
    assert page.url.endswith("/#9")


def test_without_a_version_the_page_says_why_nothing_disagrees(visit: Callable[..., Page]) -> None:
    page = visit("show=errors")

    expect(page.locator(".rv-empty")).to_contain_text("no version yet")
    expect(page.locator(".rv-what")).to_be_hidden()
    page.get_by_role("button", name="Show all answers").click()

    expect(page.locator(".rv-card")).to_have_count(10)


def test_a_phone_lists_and_answers_by_touch(visit: Callable[..., Page], project: Path) -> None:
    page = visit("show=conflicts", viewport={"width": 390, "height": 844}, has_touch=True)

    page.get_by_role("button", name="Filters").tap()
    page.get_by_label("Category").select_option(str(DOG))
    listed(page)
    page.get_by_role("button", name="Filters (1)").tap()
    expect(page.get_by_label("Category")).to_be_hidden()
    card(page, 2, DOG).tap()
    page.get_by_label("My answers decide conflicts").tap()
    page.get_by_role("button", name="Present").tap()
    expect(card(page, 2, DOG)).to_have_attribute("data-state", "present")
    saved(page)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert labels(project, DOG) == [(1, 1, 0), (2, 1, 6)]
