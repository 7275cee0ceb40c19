"""A sitting at the Label page: whole images, names typed, own keys, flags, what follows from what.

The tests share one server; each has an image or a name of its own.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project
from annotator.settings import changed, save_project
from annotator.store import Store, categories
from database import rows
from notices import notice

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PICTURES = 120
FIRST = ["animal", "dog", "puppy", "Café", "Straße", "שלום", "кот"]
GROUPS = {"tool": 30, "food": 30}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "pictures").mkdir()
    for number in range(PICTURES):
        picture = Image.new("RGB", (1600, 1200 + number), (2 * number, 120, 200))
        picture.save(folder / "pictures" / f"{number + 1:03d}.jpg", quality=30)
    made = create_project(folder / "p", folder / "pictures", names=FIRST).project
    store = Store.open(made.database_url)
    with store.writing() as tx:
        more = [(f"{group} {n}", group) for group, count in GROUPS.items() for n in range(count)]
        categories.add(tx, [categories.NewCategory(name, group) for name, group in more])
        dog = next(c for c in categories.every(tx) if c.name == "dog")
        categories.rename(tx, dog.id, "hound")
        categories.rename(tx, dog.id, "dog")
    store.close()
    hierarchy = {"dog": ["animal"], "puppy": ["dog"]}
    settings = changed(made.settings, {"hierarchy": hierarchy})
    save_project(dataclasses.replace(made, settings=settings))
    return made.path


@pytest.fixture(scope="module")
def url(project: Path, serve_once: Callable[..., Any]) -> str:
    address: str = serve_once(project, "--no-worker").url
    return address


Open = Callable[..., Page]


def ready(page: Page, name: str) -> None:
    expect(page.locator(".an-place")).to_have_text(name)
    expect(page.locator(".an-asking .an-row").first).to_be_visible()
    page.keyboard.press("Escape")


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_attribute("data-state", "saved")


def sent(page: Page) -> None:
    """Wait until everything is with the server, also visits, for which nobody waits."""
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.includes('unsaved'))")


def row(page: Page, name: str) -> Any:
    exact = page.get_by_text(name, exact=True)
    return page.locator(".an-row:visible").filter(has=exact).first


def labels(project: Path, image: int) -> dict[str, int]:
    connection = sqlite3.connect(project / "labels.db")
    try:
        query = (
            "select category.name, state from label join category on category.id = category_id "
            "where image_id = ? order by category_id"
        )
        return dict(connection.execute(query, [image]).fetchall())
    finally:
        connection.close()


def answer(page: Page, name: str, key: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.keyboard.press(key)


def press(page: Page, key: str, code: str, *, shift: bool = False) -> None:
    """Press a key of a keyboard that this machine does not have."""
    page.evaluate(
        "([key, code, shiftKey]) => document.dispatchEvent("
        "new KeyboardEvent('keydown', {key, code, shiftKey, bubbles: true, cancelable: true}))",
        [key, code, shift],
    )


def test_the_rest_is_absent_and_next_on_one_key_and_undo_comes_back(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#1")
    ready(page, "001.jpg")
    page.keyboard.press("4")

    page.keyboard.press("Shift+Enter")
    expect(notice(page, "66 absent. U takes it back.")).to_be_visible()
    expect(page.locator(".an-place")).not_to_have_text("001.jpg")
    saved(page)
    swept = labels(project, 1)
    page.keyboard.press("u")
    expect(page.locator(".an-place")).to_have_text("001.jpg")
    page.keyboard.press("/")
    page.keyboard.type("tool 3")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+X")
    expect(page.locator(".an-notice")).to_contain_text("29 marked absent in tool")
    saved(page)

    assert len(swept) == 67
    assert sum(swept.values()) == 1
    left = labels(project, 1)
    assert left.pop("Café") == left.pop("tool 3") == 1
    assert set(left) == {f"tool {n}" for n in range(30)} - {"tool 3"}


def test_names_are_typed_one_after_the_other_in_any_spelling(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#10")
    ready(page, "010.jpg")

    for typed, hit in [("cafe", "Café"), ("hou", "dog"), ("של", "שלום"), ("КО", "кот")]:
        page.keyboard.press("/")
        page.keyboard.type(typed)
        expect(page.locator(".an-typing b")).to_have_text(hit)
        page.keyboard.press("Enter")
        expect(page.locator(".an-find").first).to_have_value("")
    answer(page, "strass", "Shift+Enter")
    page.keyboard.press("/")
    page.keyboard.type("no such")
    expect(page.locator(".an-nothing").first).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator(".an-typing span")).to_have_text(["? Straße", "✓ кот", "✓ שלום", "✓ dog"])
    saved(page)

    found = {"dog": 1, "Café": 1, "שלום": 1, "кот": 1}
    assert labels(project, 10) == found
    expect(row(page, "Straße")).to_have_attribute("data-state", "unsure")
    promise = page.locator(".an-main .an-label")
    promised, drawn = promise.text_content(), page.locator(".an-row:visible").count()
    answer(page, "tool 29", "Enter")  # one of a folded group
    expect(page.locator(".an-typing span").first).to_have_text("✓ tool 29")
    page.evaluate(  # the button is drawn in the frame after
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    assert (promise.text_content(), page.locator(".an-row:visible").count()) == (promised, drawn)
    page.keyboard.press("u")  # a key of the page, no letter of a name
    expect(page.locator(".an-typing span").first).to_have_text("· tool 29")
    page.keyboard.press("Enter")
    expect(page.locator(".an-place")).not_to_have_text("010.jpg")


def test_own_keys_answer_on_every_keyboard(url: str, project: Path, open_page: Open) -> None:
    page = open_page(f"{url}/#20", name="Kim")
    ready(page, "020.jpg")
    dialog = page.locator("dialog[open]")
    for keys, says in [("a", "The page itself uses 'a'"), ("7", "The page itself uses '7'")]:
        page.keyboard.press("k")
        page.keyboard.press(keys)
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text(says)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    for name, keys in [("animal", "d"), ("dog", ",do"), ("puppy", ",du")]:
        page.keyboard.press("/")
        page.keyboard.type(name)
        page.keyboard.press("Escape")
        page.keyboard.press("k")
        for key in keys:
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
    expect(row(page, "animal").locator(".an-hot")).to_have_text("D")

    press(page, "В", "KeyD", shift=True)
    page.keyboard.press(",")
    page.keyboard.press("d")
    expect(page.locator(".an-typed")).to_have_text(",dDOdogDUpuppy")
    page.keyboard.press("u")
    fourth, fifth = (page.locator(".an-asking .an-row").nth(n) for n in (3, 4))
    was = [asked.get_attribute("data-state") for asked in (fourth, fifth)]
    press(page, "'", "Digit4")
    press(page, "5", "Digit5", shift=True)
    states = [asked.get_attribute("data-state") for asked in (fourth, fifth)]
    press(page, "/", "Digit7", shift=True)
    expect(page.locator(".an-find").first).to_be_focused()
    page.keyboard.press("Escape")
    press(page, "ф", "KeyA")
    expect(page.get_by_role("button", name="Undo").locator("kbd")).to_have_text("U")
    press(page, "г", "KeyU")
    expect(page.get_by_role("button", name="Undo").locator("kbd")).to_have_text("Г")
    saved(page)

    assert was == ["unknown", "unknown"]
    assert states == ["present", "absent"]
    found = labels(project, 20)
    assert (found["animal"], found["puppy"], len(found)) == (0, 1, 4)


def test_an_image_is_skipped_flagged_zoomed_and_found_again(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#30", name="Lea")
    ready(page, "030.jpg")
    view = page.locator(".an-view")

    page.keyboard.press("f")
    page.keyboard.type("is <b>this</b> a cat?")
    page.keyboard.press("Enter")
    expect(page.locator(".an-flag")).to_contain_text("is <b>this</b> a cat?")
    expect(page.locator(".an-strip .current")).to_have_class("current flagged")
    page.keyboard.press("z")
    expect(view).to_have_attribute("style", r"transform: " + transform(page))
    page.wait_for_function("document.querySelector('.an-image').src.includes('/img/2560/')")
    page.keyboard.press("p")
    expect(page.locator(".an-notice")).to_contain_text("comes back later")
    expect(page.locator(".an-place")).not_to_have_text("030.jpg")
    assert view.get_attribute("style") == ""
    page.keyboard.press("o")
    page.keyboard.type("030")
    expect(page.locator(".an-choice").first).to_contain_text("030.jpg")
    page.keyboard.press("Enter")
    expect(page.locator(".an-place")).to_have_text("030.jpg")
    page.keyboard.press("1")
    page.keyboard.press("1")
    saved(page)
    page.keyboard.press("h")
    expect(page.locator(".an-history li")).to_have_count(2)
    expect(page.locator(".an-history li").first).to_contain_text("back to unknown by Lea")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("f")
    page.get_by_role("button", name="Resolved").click()
    expect(page.locator(".an-flag")).to_be_hidden()
    sent(page)

    connection = sqlite3.connect(project / "labels.db")
    assert connection.execute("select note, resolved_at > 0 from flag").fetchall() == [
        ("is <b>this</b> a cat?", 1)
    ]
    assert connection.execute("select id from visit where image_id = 30").fetchall() == []
    connection.close()


def test_a_bookmark_is_found_again_and_gives_its_key_to_a_category(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#53", name="Bea")
    ready(page, "053.jpg")
    mark = page.get_by_role("button", name="Bookmark", exact=True)
    expect(mark).to_have_attribute("title", "Bookmark (B)")

    page.keyboard.press("b")
    expect(mark).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".an-strip .current .an-star")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(mark).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("o")
    expect(page.locator("dialog[open]")).to_contain_text("Your bookmarks")
    expect(page.locator(".an-choice")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".an-place")).to_have_text("053.jpg")
    expect(mark).to_have_attribute("aria-pressed", "true")
    kept = rows(project, "select image_id from bookmark")
    page.keyboard.press("k")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("b")
    saved(page)
    page.keyboard.press("ArrowRight")
    expect(mark).to_have_attribute("title", "Bookmark")
    page.keyboard.press("ArrowLeft")
    expect(mark).to_have_attribute("aria-pressed", "true")
    gone = page.expect_response(lambda said: '"bookmark"' in (said.request.post_data or ""))
    with gone:  # before it is listed
        mark.click()
    expect(mark).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("o")
    expect(page.locator("dialog[open]")).to_contain_text("You have no bookmarks yet")

    assert kept == [(53,)]
    assert list(labels(project, 53).values()) == [1]


def test_the_image_is_brightened_told_about_and_shown_on_the_whole_screen(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#55", name="Vic")
    ready(page, "055.jpg")
    look = "getComputedStyle(document.querySelector('.an-image')).filter"
    sign = page.locator(".an-adjusted")

    page.keyboard.press("c")
    expect(page.get_by_role("slider", name="Brightness")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(sign).to_have_text("Brightness 110 %, contrast 100 %")
    assert page.evaluate(look) == "brightness(1.1) contrast(1)"
    page.reload()
    ready(page, "055.jpg")
    expect(sign).to_have_text("Brightness 110 %, contrast 100 %")
    page.keyboard.press("i")
    expect(page.locator("dialog[open]")).to_contain_text("1,600 × 1,254 pixels, 2.01 megapixels")
    expect(page.locator("dialog[open]")).to_contain_text(str(project.parent / "pictures"))
    page.keyboard.press("i")
    expect(page.locator("dialog[open]")).to_have_count(0)
    before = page.locator(".an-stage").bounding_box()
    page.keyboard.press("v")
    expect(page.locator(".an-moves")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.locator(".an-asking .an-row").first).to_have_attribute("data-state", "present")
    after = page.locator(".an-stage").bounding_box()
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator(".an-moves")).to_be_visible()
    page.wait_for_function("!document.fullscreenElement")  # the browser leaves it a little later
    saved(page)

    assert before
    assert after
    assert after["height"] == 900 > before["height"]
    assert len(labels(project, 55)) >= 1


def transform(page: Page) -> str:
    style = page.locator(".an-view").get_attribute("style") or ""
    assert "scale(" in style
    return style.removeprefix("transform: ")


def test_what_follows_is_shown_with_its_reason_and_a_contradiction_in_words(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#40", name="Mia")
    ready(page, "040.jpg")
    rest = page.locator(".an-foot .an-sweep")
    expect(rest).to_contain_text("Rest absent (67)")
    tools = page.get_by_role("button", name="tool · 30 unknown")
    expect(tools).to_be_visible()

    answer(page, "dog", "Enter")
    expect(row(page, "animal").locator(".an-why")).to_have_text("because dog is present")
    expect(row(page, "animal")).to_have_attribute("aria-checked", "mixed")
    expect(rest).to_contain_text("Rest absent (65)")
    answer(page, "animal", "Shift+Enter")
    expect(page.locator(".an-clash")).to_have_text(
        "dog is present, but animal is absent: change one of them."
    )
    expect(row(page, "dog").locator(".an-why")).to_have_text("but animal is absent")
    expect(row(page, "animal").locator(".an-why")).to_have_text("but dog is present")
    answer(page, "dog", "Enter")
    expect(page.locator(".an-clash")).to_be_hidden()
    expect(row(page, "puppy").locator(".an-why")).to_have_text("because animal is absent")
    page.keyboard.press("l")
    expect(tools).to_be_hidden()
    expect(row(page, "tool 7")).to_be_visible()
    saved(page)

    assert labels(project, 40) == {"animal": 0}


def test_undo_goes_back_over_a_reload_and_two_tabs_have_images_of_their_own(
    url: str, project: Path, open_page: Open
) -> None:
    page = open_page(f"{url}/#50", name="Nia")
    ready(page, "050.jpg")
    visited = []
    for _ in range(3):
        page.keyboard.press("5")
        visited.append(page.locator(".an-place").inner_text())
        page.keyboard.press("ArrowRight")
        expect(page.locator(".an-place")).not_to_have_text(visited[-1])
    saved(page)
    second = page.context.new_page()
    second.goto(url)
    expect(second.locator(".an-asking .an-row").first).to_be_visible()

    page.reload()
    expect(page.locator(".an-asking .an-row").first).to_be_visible()
    for name in reversed(visited):
        page.keyboard.press("u")
        expect(page.locator(".an-place")).to_have_text(name)
        saved(page)
    ahead = [
        set(tab.locator(".an-strip button:not([hidden])").evaluate_all(
            "slots => slots.filter((s) => s.getAttribute('aria-label').includes('+'))"
            ".map((s) => s.dataset.id)"
        ))
        for tab in (page, second)
    ]  # fmt: skip

    assert labels(project, 50) == {}
    assert len(visited) == len(set(visited))
    assert len(ahead[1]) > 3
    assert ahead[0].isdisjoint(ahead[1])


def test_an_empty_project_leads_to_its_first_answer(
    tmp_path: Path, twelve_pictures: Path, serve: Callable[..., Any], open_page: Open
) -> None:
    made = create_project(tmp_path / "q", twelve_pictures, names=["old"]).project
    store = Store.open(made.database_url)
    with store.writing() as tx:
        categories.archive(tx, 1, True)
    page = open_page(serve(made.path, "--no-worker").url)
    card = page.locator(".an-card")
    expect(card).to_contain_text("No categories yet")
    expect(card.get_by_role("link")).to_have_attribute("href", "settings")

    with store.writing() as tx:
        categories.add(tx, [categories.NewCategory("cat")])
    store.close()
    expect(page.locator(".an-asking .an-row")).to_have_count(1)
    expect(page.locator(".an-hello")).to_be_visible()
    hint = page.locator(".an-hint")
    expect(hint).to_contain_text("10 more present answers until the first suggestions (or 50")
    page.keyboard.press("1")
    expect(hint).to_contain_text("9 more present answers until the first suggestions (or 49")
    saved(page)
    page.keyboard.press("Escape")
    expect(page.locator(".an-hello")).to_be_hidden()
    page.reload()
    expect(page.locator(".an-asking")).to_contain_text("Nothing is left to ask")
    expect(page.locator(".an-strip .current")).to_have_accessible_name("this image, done by you")
    expect(page.locator(".an-hello")).to_be_hidden()
    for number in range(1, 12):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".an-place")).to_have_text(f"{number:02d}.png")
    page.keyboard.press("ArrowRight")
    end = page.locator(".an-end")
    expect(end.get_by_role("heading")).to_have_text("Every image has been visited")
    expect(end).to_contain_text("12 images: 1 label answered, 0 filled in, 11 open.")
    expect(end.get_by_role("link", name="Verify")).to_have_attribute("href", "verify")
    page.keyboard.press("Enter")  # one too many goes nowhere
    page.reload()
    expect(end.get_by_role("link", name="Export the labels")).to_have_attribute("href", "export")
    page.keyboard.press("ArrowLeft")
    expect(end).to_be_hidden()
    expect(page.locator(".an-place")).to_have_text("11.png")
    strip = page.get_by_role("group", name="Neighbouring images")
    for name in ("image -1, untouched", "this image, untouched", "image +1, done by you"):
        expect(strip.get_by_role("button", name=name, exact=True)).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("00.png")

    assert labels(made.path, 1) == {"cat": 1}
