"""Cards of probes in a real browser: on the Probe page, and between two images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from annotator.services.project.creation import create_project
from annotator.settings import PROJECT_FILE
from database import rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ["cat", "<b>owl</b>", "שלום", *(f"thing {n}" for n in range(27))]


def make(folder: Path, pictures: Path) -> Path:
    """Make a project in which half of all questions are probes, so that a card is due after ten."""
    path = create_project(folder, pictures, names=NAMES).project.path
    file = path / PROJECT_FILE
    text = file.read_text()
    assert "share = 0.05" in text
    file.write_text(text.replace("share = 0.05", "share = 0.5"))
    return path


def forty_pictures(folder: Path) -> Path:
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (80, 60), (6 * number, 120, 200)).save(folder / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    return make(folder / "p", forty_pictures(folder / "pictures"))


@pytest.fixture(scope="module")
def server(project: Path, serve_once: Callable[..., Any]) -> Any:
    return serve_once(project, "--no-worker")


def answers_of(project: Path, name: str) -> list[Any]:
    query = f"""select state from probe join annotator on annotator.id = annotator_id
        where name = '{name}' order by probe.id"""
    return [state for (state,) in rows(project, query)]


def held(project: Path) -> int:
    """Return how many probes of the newest card nobody else is asked."""
    newest = "select card from probe order by id desc limit 1"
    return int(rows(project, f"select count(*) from lease where holder = ({newest})")[0][0])


def until_free(project: Path, page: Page) -> None:
    """Wait until others can be asked what is open on a card that was left."""
    for _ in range(100):
        if not held(project):
            return
        page.wait_for_timeout(100)
    raise AssertionError("a card that was left is held")


def card_of(page: Page) -> Locator:
    return page.locator(".pb-card[open]")


def press(page: Page, key: str) -> None:
    """Press a key once the picture is there, as a person would."""
    expect(card_of(page)).to_have_attribute("data-ready", "true")
    page.keyboard.press(key)


def calm(page: Page) -> None:
    """Wait until a key counts as an answer; at first it may have been meant for the page below."""
    expect(card_of(page).locator(".pb-head b")).to_contain_text("1 of 10")
    expect(card_of(page)).to_have_attribute("data-ready", "true")
    expect(card_of(page)).to_have_attribute("data-calm", "true")


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_attribute("data-state", "saved")


def begin(page: Page) -> None:
    expect(page.locator(".pb-total")).not_to_be_empty()
    page.keyboard.press("Enter")
    calm(page)


def test_a_card_is_gone_through_by_keys_alone_and_nothing_on_it_is_a_hint(
    server: Any, project: Path, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{server.url}/probe", name="Keys")
    begin(page)
    card = card_of(page)
    texts = []

    for key in ("1", "2", "3", "ArrowRight", "ArrowLeft", "ArrowDown", "1", "1", "1", "1"):
        texts.append(card.inner_text())
        press(page, key)
    expect(card.locator(".pb-done")).to_be_visible()
    page.keyboard.press("Backspace")
    expect(card.locator(".pb-choice[aria-pressed=true]")).to_contain_text("Yes")
    press(page, "2")
    expect(card.get_by_role("link", name="Back to Label")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(page.get_by_role("button", name="Answer ten probes")).to_be_visible()
    page.keyboard.press("Enter")
    expect(card.locator(".pb-head b")).to_contain_text("1 of 10")
    assert held(project) == 10
    page.keyboard.press("Escape")

    expect(card).to_have_count(0)
    saved(page)
    until_free(project, page)
    page.keyboard.press("Enter")
    expect(card.locator(".pb-head b")).to_contain_text("1 of 10")
    assert held(project) == 10
    other = open_page(f"{server.url}/probe", name="Other")
    page.close()
    until_free(project, other)
    expect(other.locator(".pb-people li", has_text="Keys")).to_contain_text("10")
    assert answers_of(project, "Keys") == [1, 0, 2, 1, 0, 2, 1, 1, 1, 0]
    assert all("Is there a" in text and "%" not in text for text in texts)
    assert rows(project, "select count(*) from label") == [(0,)]


def test_a_card_comes_between_two_images_and_what_is_put_off_waits(
    server: Any, project: Path, open_page: Callable[..., Page]
) -> None:
    page = open_page(server.url, name="Ann")
    answer_ten(page)

    walked = walk_until_card(page)
    calm(page)
    press(page, "3")
    place = page.locator(".an-place").inner_text()
    page.keyboard.press("Escape")
    expect(card_of(page)).to_have_count(0)
    expect(page.locator(".an-place")).not_to_have_text(place)
    walk_without_card(page)
    answer_ten(page)
    walk_until_card(page)
    expect(card_of(page).locator(".pb-head b")).to_contain_text("2 of 10")
    page.keyboard.press("n")
    expect(card_of(page)).to_have_count(0)
    answer_ten(page)
    walk_without_card(page)

    assert walked >= 5
    assert answers_of(project, "Ann") == [2]
    assert rows(project, "select count(*) from label") == [(30,)]


def answer_ten(page: Page) -> None:
    expect(page.locator(".an-asking .an-row")).to_have_count(10)
    for digit in "1234567890":
        page.keyboard.press(digit)
    saved(page)


def walk_without_card(page: Page) -> None:
    """Go past two times at which a card may be due."""
    for _ in range(12):
        step(page)
        assert not card_of(page).count()


def step(page: Page) -> None:
    """Go on to the next image, or to a card that is in the way."""
    before = page.evaluate("location.hash")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.pb-card[open]') || location.hash !== before",
        arg=before,
    )


def walk_until_card(page: Page) -> int:
    """Go on from image to image until a card is in the way; how many images that took."""
    for count in range(40):
        if card_of(page).count():
            return count
        step(page)
    raise AssertionError("no card came in 40 images")


def test_a_slow_server_is_asked_for_one_card_only(
    tmp_path: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    server = serve(make(tmp_path / "p", forty_pictures(tmp_path / "pictures")), "--no-worker")
    page = open_page(server.url, name="Zoe")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        is_card = '"probe_card"' in (route.request.post_data or "")
        asked.append(route) if is_card else route.continue_()

    page.route("**/component_server/**", hold)
    expect(page.locator(".an-asking .an-row")).to_have_count(10)
    for digit in "1234567890":
        page.keyboard.press(digit)
    saved(page)
    for _ in range(11):  # past two times at which a card may be due
        step(page)
    page.evaluate("fetch('/component_server/marker')")  # held up behind what was asked before

    assert len(asked) == 1
    asked[0].continue_()
    walk_until_card(page)


def test_answers_wait_in_the_browser_while_the_server_is_away(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    project = make(tmp_path / "q", twelve_pictures)
    server = serve(project, "--no-worker")
    page = open_page(f"{server.url}/probe")
    begin(page)
    press(page, "1")
    saved(page)

    server.kill()
    press(page, "2")
    press(page, "1")
    page.keyboard.press("Backspace")
    press(page, "3")
    expect(page.locator(".an-saved")).to_contain_text("wait")
    server.start()

    expect(page.locator(".an-saved")).to_have_text("saved", timeout=40_000)
    assert answers_of(project, "Ann") == [1, 0, 2]
    page.reload()
    expect(page.locator(".pb-total")).to_contain_text("3 probes")
    page.keyboard.press("Enter")
    expect(card_of(page).locator(".pb-head b")).to_contain_text("4 of 10")


def test_a_picture_that_is_gone_takes_no_answer_and_can_be_passed(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for file in sorted(twelve_pictures.iterdir())[:2]:
        (copies / file.name).write_bytes(file.read_bytes())
    project = make(tmp_path / "q", copies)
    page = open_page(f"{serve(project, '--no-worker').url}/probe")
    begin(page)
    page.keyboard.press("Escape")
    (copies / "00.png").unlink()
    page.reload()
    expect(page.locator(".pb-total")).not_to_be_empty()
    page.keyboard.press("Enter")
    card = card_of(page)

    expect(card).to_have_attribute("data-calm", "true")

    for number in range(1, 11):
        expect(card.locator(".pb-head b")).to_contain_text(f"{number} of 10")
        expect(
            card.locator(".pb-problem:visible, .pb-choice[aria-disabled=false]").first
        ).to_be_visible()
        page.keyboard.press("Enter" if card.locator(".pb-problem:visible").count() else "1")

    broken = rows(project, "select count(*) from probe where image_id = 1")[0][0]
    expect(card.locator(".pb-done")).to_contain_text(f"{broken} without an image")
    saved(page)
    assert rows(project, "select count(*) from probe where state = 1") == [(10 - broken,)]


def test_a_card_fits_a_phone(server: Any, open_page: Callable[..., Page]) -> None:
    page = open_page(
        f"{server.url}/probe", name="Pho", viewport={"width": 390, "height": 844}, has_touch=True
    )
    expect(page.locator(".pb-total")).not_to_be_empty()

    page.get_by_role("button", name="Answer ten probes").tap()
    calm(page)
    card_of(page).get_by_role("button", name="Cannot tell").tap()

    expect(card_of(page).locator(".pb-head b")).to_contain_text("2 of 10")
    assert card_of(page).evaluate("e => e.scrollWidth") <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
