"""The Verify page in a real browser: every test has a category of its own in one project."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from annotator.domain import Source
from annotator.services.project.creation import create_project
from annotator.settings import Project
from annotator.store.tables import SOURCES
from database import rows
from publishing import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]

IMAGES = 40
NAMES = [
    "flip",
    "unseen",
    "offline",
    "keys",
    "tabs",
    "phone",
    "ranked",
    "new",
    "end",
    "codes",
    "letters",
    "rest",
    "guessed",
    "late",
]
RANKED, NEW, END = NAMES.index("ranked"), NAMES.index("new"), NAMES.index("end")
REST = NAMES.index("rest")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("verify") / "pictures"
    folder.mkdir()
    for number in range(IMAGES):
        color = (6 * number, 120, 240 - 6 * number)
        Image.new("RGB", (320, 240), color).save(folder / f"{number:02d}.png")
    made = create_project(folder.parent / "p", folder, names=NAMES).project
    # Every category is in the first 30 images, the first one surest.
    scores = np.tile(np.linspace(3, -1, IMAGES)[:, None], (1, len(NAMES)))
    scores[:, END] = np.where(np.arange(IMAGES) < 2, 3, -5)
    thresholds = tuple(np.inf if number == NEW else 0.0 for number in range(len(NAMES)))
    publish(made, scores, thresholds=thresholds, ranked=(RANKED, REST))
    return made


@pytest.fixture(scope="module")
def server(project: Project, serve_once: Callable[..., Any]) -> Any:
    return serve_once(project.path, "--no-worker")


@pytest.fixture
def show(server: Any, open_page: Callable[..., Page]) -> Callable[..., Page]:
    def open_(category: str, mode: str = "confirm", *, size: int = 12, **options: Any) -> Page:
        address = f"{server.url}/verify#{NAMES.index(category) + 1}-{mode}"
        kept = [{"name": "annotator-grid", "value": str(size)}]
        state = {"origins": [{"origin": server.url, "localStorage": kept}]}
        page = open_page(address, storage_state=state, **options)
        expect(page.locator(".vf-tile")).to_have_count(size)
        look(page)
        return page

    return open_


def tile(page: Page, place: int) -> Any:
    return page.locator(".vf-tile").nth(place)


def look(page: Page) -> None:
    """Wait until the pictures are loaded and the page has been looked at for a moment."""
    loaded = "[...document.querySelectorAll('.vf-tile img')].every((i) => i.complete)"
    page.wait_for_function(f"document.querySelector('.vf-tile img') && {loaded}")
    dwell(page)


def dwell(page: Page) -> None:
    """Stay on a page of the grid for as long as the program asks of somebody who looked at it."""
    page.wait_for_function(
        "(() => { const t = document.querySelector('.vf-tile');"
        "window.since = window.seen === t ? window.since : performance.now(); window.seen = t;"
        "return performance.now() - window.since > 900 && !document.querySelector('[data-wait]');"
        "})()"
    )


def turn(page: Page, first: str) -> None:
    """Save the page with Enter, again if it was pressed too early, until another one begins."""
    for attempt in range(4):
        page.keyboard.press("Enter")
        try:
            expect(tile(page, 0)).to_have_attribute(
                "aria-label", re.compile(f"^{re.escape(first)}"), timeout=10_000
            )
        except AssertionError:
            if attempt == 3:
                raise
            look(page)
        else:
            return


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_text("saved", timeout=40_000)


def labels(project: Project, category: str) -> dict[int, int]:
    query = "select image_id, state from label where category_id = ? order by image_id"
    return dict(rows(project.path, query, NAMES.index(category) + 1))


def sources(project: Project, category: str) -> dict[int, int]:
    query = "select image_id, source from label where category_id = ?"
    return dict(rows(project.path, query, NAMES.index(category) + 1))


def test_flipping_and_enter_save_exactly_that_and_undo_brings_the_page_back(
    show: Callable[..., Page], project: Project
) -> None:
    page = show("flip")
    tile(page, 2).click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("s")
    expect(tile(page, 2)).to_have_attribute("data-state", "absent")

    page.keyboard.press("Enter")
    saved(page)
    after = labels(project, "flip")
    said = sources(project, "flip")
    expect(tile(page, 0)).to_have_attribute("aria-label", "12.png, present, the model's guess")
    page.reload()
    look(page)
    page.keyboard.press("u")
    expect(tile(page, 2)).to_have_attribute("aria-label", "02.png, absent")
    expect(tile(page, 3)).to_have_attribute("data-state", "unsure")
    saved(page)
    undone = labels(project, "flip")
    page.keyboard.press("Shift+U")
    expect(tile(page, 0)).to_have_attribute("aria-label", "12.png, present, the model's guess")
    saved(page)

    assert after == {i: int(i != 3) for i in range(1, 13) if i != 4}
    assert [i for i, source in said.items() if source != said[1]] == [3]
    assert undone == {}
    assert labels(project, "flip") == after
    kinds = rows(project.path, "select kind, decision_ms > 800 from operation order by id")
    assert kinds[:3] == [("page", 1), ("undo", None), ("redo", None)]


def test_what_was_not_in_view_stays_open_and_comes_back(
    show: Callable[..., Page], project: Project
) -> None:
    page = show("unseen", "uncertain", size=40, viewport={"width": 900, "height": 480})
    hidden = page.evaluate(
        "[...document.querySelectorAll('.vf-tile')].filter((t) => t.getBoundingClientRect().top"
        " > document.querySelector('.vf-grid').getBoundingClientRect().bottom).length"
    )

    page.keyboard.press("Enter")

    expect(page.locator(".an-notice")).to_contain_text("not in view")
    saved(page)
    kept = labels(project, "unseen")
    assert hidden > 0
    assert 0 < len(kept) <= IMAGES - hidden
    expect(page.locator(".vf-tile")).to_have_count(IMAGES - len(kept))


def test_the_next_page_is_there_without_the_server_and_nothing_is_lost(
    show: Callable[..., Page], project: Project, server: Any
) -> None:
    page = show("offline")
    answered: list[str] = []
    page.on("requestfinished", lambda request: answered.append(request.url))
    turn(page, "12.png")
    look(page)
    first_of_the_next = "/img/256/25"
    if not any(first_of_the_next in url for url in answered):
        page.wait_for_event("requestfinished", lambda request: first_of_the_next in request.url)
    saved(page)

    server.kill()
    tile(page, 0).click()
    page.keyboard.press("Enter")
    expect(page.locator(".an-saved")).to_contain_text("wait")
    expect(tile(page, 0)).to_have_attribute("aria-label", "24.png, present, the model's guess")
    server.start()
    saved(page)

    assert labels(project, "offline") == {i: int(i != 13) for i in range(1, 25)}


def test_a_late_picture_brings_no_page_twice(show: Callable[..., Page]) -> None:
    page = show("late")
    held: list[Route] = []
    page.route(re.compile(r"/img/256/3\b"), lambda route: held.append(route))
    page.reload()
    page.wait_for_function(
        "[...document.querySelectorAll('.vf-tile img')].filter((i) => i.naturalWidth).length === 11"
    )
    dwell(page)

    page.keyboard.press("Enter")
    expect(tile(page, 0)).to_have_attribute("aria-label", re.compile("^12.png"))
    second = pictured(page)
    for route in held:
        route.continue_()
    page.unroute_all()
    look(page)
    page.keyboard.press("Enter")
    expect(tile(page, 0)).to_have_attribute("aria-label", re.compile("^02.png"))

    assert len(second) == 12
    assert second.isdisjoint(pictured(page))


def pictured(page: Page) -> set[str]:
    labels = page.locator(".vf-tile").evaluate_all("(all) => all.map((t) => t.ariaLabel)")
    return {label.partition(",")[0] for label in labels}


def test_everything_works_by_keys(show: Callable[..., Page], project: Project) -> None:
    page = show("ranked")
    page.keyboard.press("/")
    page.keyboard.type("key")
    page.keyboard.press("Enter")
    expect(page.locator(".vf-category b")).to_have_text("keys")
    page.keyboard.press("Shift+2")
    expect(page.locator(".vf-lead")).to_contain_text("finds no keys")
    look(page)

    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("l")
    expect(page.locator(".vf-large")).to_contain_text("absent")
    page.keyboard.press("Escape")
    expect(page.locator(".vf-large")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("find more like this image")
    page.keyboard.press("?")
    page.keyboard.press("Enter")
    saved(page)

    kept = labels(project, "keys")
    assert set(kept) == set(range(31, 41))  # the model's ten unlikely ones
    assert sorted(kept.values()) == [0] + [1] * 9


def test_a_code_flips_its_picture_and_marks_outlive_a_look_at_another_category(
    show: Callable[..., Page], project: Project
) -> None:
    page = show("codes", size=20)
    digit, letter = tile(page, 8).locator(".vf-code").all_inner_texts()[0].split()
    page.keyboard.press(letter)  # without its digit it means nothing
    page.keyboard.press(digit)
    expect(tile(page, 8).locator(".vf-code")).to_have_class("vf-code aimed")

    page.keyboard.press(letter)
    expect(tile(page, 8)).to_have_attribute("data-state", "absent")
    expect(tile(page, 8)).to_be_focused()
    page.keyboard.press("Shift+A")
    page.keyboard.press("Escape")
    page.keyboard.press(letter)
    by_hand = page.locator(".vf-tile[data-by=hand]")
    expect(by_hand).to_have_count(2)
    page.keyboard.press("n")
    expect(page.locator(".vf-category b")).not_to_have_text("codes")
    page.keyboard.press("p")
    expect(page.locator(".vf-category b")).to_have_text("codes")
    expect(by_hand).to_have_count(2)
    look(page)
    page.keyboard.press("Enter")
    saved(page)

    kept = labels(project, "codes")
    assert len(kept) == 19  # for one of them somebody cannot tell
    assert list(kept.values()).count(0) == 1


def test_codes_work_on_a_keyboard_without_latin_letters(show: Callable[..., Page]) -> None:
    page = show("letters")
    press = (
        "([key, code]) => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', { key, code, bubbles: true }))"
    )

    page.evaluate(press, ["1", "Digit1"])
    page.evaluate(press, ["с", "KeyC"])

    expect(tile(page, 2)).to_have_attribute("data-state", "absent")
    expect(tile(page, 2).locator(".vf-code")).to_have_text("1С")


@pytest.mark.parametrize(
    ("path", "drawn"),
    [
        (f"verify#{NAMES.index('codes') + 1}-sweep", ".vf-tile"),
        ("review", ".rv-page"),
        ("probe", ".pb-page"),
    ],
)
def test_a_reload_stays_on_its_page(
    server: Any, open_page: Callable[..., Page], path: str, drawn: str
) -> None:
    page = open_page(f"{server.url}/{path}")
    expect(page.locator(drawn).first).to_be_visible()
    before = page.evaluate("location.pathname")

    page.reload()

    expect(page.locator(drawn).first).to_be_visible()
    assert before == page.evaluate("location.pathname") == f"/{path.partition('#')[0]}"


def test_two_tabs_get_different_images(
    show: Callable[..., Page], server: Any, open_page: Callable[..., Page]
) -> None:
    one = show("tabs")
    two = open_page(f"{server.url}/verify#{NAMES.index('tabs') + 1}-confirm", name="Bob")
    expect(two.locator(".vf-tile")).to_have_count(6)  # of 30; the first tab has two pages of 12

    names = [t.get_attribute("aria-label") for p in (one, two) for t in p.locator(".vf-tile").all()]

    assert len(set(names)) == len(names) == 18


def test_without_a_probability_only_what_is_marked_is_saved(
    show: Callable[..., Page], project: Project
) -> None:
    page = show("ranked")
    expect(page.locator(".vf-lead")).to_contain_text("Only what you mark is saved")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    saved(page)
    expect(tile(page, 0)).to_have_attribute("aria-label", "12.png, not marked")
    new = show("new")
    expect(new.get_by_role("button", name="Confirm the likely")).to_be_disabled()
    tile(new, 4).click()
    new.keyboard.press("Enter")
    saved(new)

    assert labels(project, "ranked") == {1: 1, 2: 0}
    assert labels(project, "new") == {5: 1}


def test_without_a_guess_the_rest_that_was_in_view_is_absent_by_one_key(
    show: Callable[..., Page], project: Project
) -> None:
    page = show("rest", "uncertain", size=40, viewport={"width": 900, "height": 480})
    rest, swept = page.locator(".vf-rest"), page.locator(".vf-tile[data-by=rest]")
    page.keyboard.press("Space")
    number = int(rest.inner_text().partition("(")[2].partition(")")[0])

    page.keyboard.press("x")
    expect(swept).to_have_count(number)
    expect(rest).to_contain_text("Rest open again")
    page.keyboard.press("x")
    expect(swept).to_have_count(0)
    page.keyboard.press("x")
    tile(page, 2).click()  # it was there after all
    expect(tile(page, 2)).to_have_attribute("aria-label", re.compile("png, present$"))
    page.keyboard.press("Enter")
    saved(page)
    first, said = labels(project, "rest"), sources(project, "rest")
    expect(page.locator(".vf-tile")).to_have_count(IMAGES - len(first))
    page.keyboard.press("u")
    saved(page)
    expect(swept).to_have_count(number - 1)
    undone = labels(project, "rest")
    page.keyboard.press("Shift+U")
    expect(page.locator(".vf-tile")).to_have_count(IMAGES - len(first))
    saved(page)
    again = labels(project, "rest")
    look(page)
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".an-notice")).to_contain_text("U takes them back")
    saved(page)

    assert 0 < number < IMAGES - 1  # the others were never in view
    assert (len(first), undone, again) == (number + 1, {}, first)
    present = [image for image, state in first.items() if state]
    assert len(present) == 2
    assert {said[i] for i in present} == {SOURCES[Source.HUMAN]}
    assert {said[i] for i in first if i not in present} == {SOURCES[Source.SWEPT]}
    after = labels(project, "rest")
    assert len(after) > len(first)
    assert sum(after.values()) == 2
    kinds = rows(project.path, "select kind from operation order by id desc limit 4")
    assert kinds == [("page",), ("redo",), ("undo",), ("page",)]


def test_where_the_model_guesses_the_rest_is_left_to_its_guess(
    show: Callable[..., Page], project: Project
) -> None:
    page = show("guessed")
    expect(page.locator(".vf-rest")).to_be_hidden()
    expect(page.locator(".vf-finish")).to_be_hidden()

    page.keyboard.press("x")
    expect(page.locator(".an-notice")).to_contain_text("The model has a guess for the rest")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("?")

    expect(page.locator("dialog[open]")).to_contain_text("the rest is absent, save, next page")
    expect(page.locator(".vf-tile[data-by=guess]")).to_have_count(12)
    saved(page)
    assert labels(project, "guessed") == {}


def test_what_is_finished_says_so_and_leads_on(
    project: Project, server: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{server.url}/verify#{END + 1}-confirm")
    expect(page.locator(".vf-tile")).to_have_count(2)
    look(page)
    page.keyboard.press("Enter")
    expect(page.locator(".an-card")).to_contain_text("suggests end in no further image")
    expect(page.get_by_role("button", name="Sweep the unlikely (38)")).to_be_visible()

    page.keyboard.press("Enter")

    expect(page.locator(".vf-category b")).not_to_have_text("end")
    expect(page.locator(".an-card", has_text="no further image")).to_have_count(0)
    saved(page)
    assert labels(project, "end") == {1: 1, 2: 1}


def test_the_page_fits_a_phone(show: Callable[..., Page], project: Project) -> None:
    page = show("phone", viewport={"width": 390, "height": 844}, has_touch=True)

    tile(page, 1).tap()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.evaluate(  # the last row is in view from the next frame on, and seen a moment later
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame("
        "() => setTimeout(done, 300))))"
    )
    page.locator(".vf-commit").tap()
    saved(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    kept = labels(project, "phone")
    assert kept[2] == 0
    assert len(kept) == 12
