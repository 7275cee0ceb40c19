"""The Label page in a real browser, on a small project without a trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project
from database import labels, rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CATEGORIES = ["cat", "dog", "bird", "fish", "tree", "car", "cup", "Ärmel", "<b>bold</b>", "שלום"]
MORE = [f"thing {n}" for n in range(20)]


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    return create_project(tmp_path / "p", twelve_pictures, names=[*CATEGORIES, *MORE]).project.path


@pytest.fixture
def page(project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]) -> Page:
    server = serve(project, "--no-worker")
    opened = open_page(server.url)
    opened.server = server  # type: ignore[attr-defined]
    ready(opened)
    return opened


def ready(page: Page) -> None:
    expect(page.locator(".an-asking .an-row")).to_have_count(10)
    expect(page.locator(".an-saved")).to_have_text("saved")


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_attribute("data-state", "saved")


def sent(page: Page) -> None:
    """Wait until everything is with the server, also visits, for which nobody waits."""
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.includes('unsaved'))")


def asked(page: Page, digit: int) -> Any:
    return page.locator(".an-asking .an-row").nth((digit - 1) % 10)


def test_the_first_visit_asks_for_a_name_and_the_answers_carry_it(
    project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    server = serve(project, "--no-worker")
    page = open_page(server.url, name=None)

    page.locator("dialog[open] input").fill("Zoë")
    page.keyboard.press("Enter")
    ready(page)
    page.keyboard.press("1")
    saved(page)
    page.reload()
    ready(page)

    assert page.locator("dialog[open]").count() == 0
    expect(page.locator(".fr-who")).to_have_text("Zoë")
    assert rows(project, "select name from annotator") == [("Zoë",)]


def test_digits_answer_present_and_absent_and_a_second_press_takes_it_back(
    page: Page, project: Path
) -> None:
    page.keyboard.press("1")
    page.keyboard.press("Shift+Digit2")
    page.keyboard.press("3")
    page.keyboard.press("3")

    expect(asked(page, 1)).to_have_attribute("aria-checked", "true")
    expect(asked(page, 2)).to_have_attribute("aria-checked", "false")
    expect(asked(page, 3)).to_have_attribute("aria-checked", "mixed")
    saved(page)
    assert labels(project) == [(1, "cat", 1), (1, "dog", 0)]


def test_the_whole_list_works_from_the_arrow_keys(page: Page, project: Path) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")

    expect(asked(page, 4)).to_have_attribute("data-state", "unsure")
    saved(page)
    assert labels(project) == [(1, "dog", 1), (1, "bird", 0)]


def test_names_are_text_in_any_script(page: Page) -> None:
    expect(page.locator(".an-asking .an-name").nth(8)).to_have_text("<b>bold</b>")
    expect(page.locator(".an-asking .an-name").nth(9)).to_have_text("שלום")


def test_typing_into_the_finder_is_no_shortcut_and_enter_answers(page: Page, project: Path) -> None:
    page.keyboard.press("/")
    page.keyboard.type("thing 1")
    page.keyboard.type("7")
    page.keyboard.press("Enter")

    expect(page.locator(".an-find").first).to_have_value("")
    saved(page)
    assert labels(project) == [(1, "thing 17", 1)]


def test_the_rest_is_absent_says_how_many_and_undo_takes_all_of_it_back(
    page: Page, project: Path
) -> None:
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Rest absent (29)")).to_be_visible()

    page.keyboard.press("x")
    saved(page)
    swept = labels(project)
    page.keyboard.press("u")
    expect(asked(page, 2)).to_have_attribute("aria-checked", "mixed")
    saved(page)
    undone = labels(project)
    page.keyboard.press("Shift+U")
    expect(asked(page, 2)).to_have_attribute("aria-checked", "false")
    saved(page)

    assert len(swept) == 30
    assert undone == [(1, "cat", 1)]
    assert labels(project) == swept
    assert rows(project, "select kind, cancelled from operation order by id") == [
        ("answer", 0),
        ("sweep", 0),
        ("undo", 1),
        ("redo", 0),
    ]


def test_going_on_records_a_visit_and_leaves_untouched_rows_unknown(
    page: Page, project: Path
) -> None:
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")

    expect(page.locator(".an-place")).to_have_text("01.png")
    page.wait_for_function("location.hash === '#2'")
    sent(page)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".an-place")).to_have_text("00.png")
    expect(asked(page, 1)).to_have_attribute("aria-checked", "true")
    assert labels(project) == [(1, "cat", 1)]
    assert rows(project, "select image_id from visit order by id")[0] == (1,)


def test_undo_after_a_reload_goes_back_to_where_it_happened(page: Page, project: Path) -> None:
    page.keyboard.press("1")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("01.png")
    saved(page)
    page.reload()
    ready(page)
    expect(page.locator(".an-place")).to_have_text("01.png")

    page.keyboard.press("u")

    expect(page.locator(".an-place")).to_have_text("00.png")
    expect(asked(page, 1)).to_have_attribute("aria-checked", "mixed")
    assert labels(project) == []


def test_a_killed_server_loses_nothing_and_doubles_nothing(page: Page, project: Path) -> None:
    page.keyboard.press("1")
    saved(page)

    page.server.kill()  # type: ignore[attr-defined]
    page.keyboard.press("2")
    page.keyboard.press("Shift+Digit3")
    page.keyboard.press("u")
    page.keyboard.press("4")
    expect(page.locator(".an-saved")).to_contain_text("offline, ")
    page.server.start()  # type: ignore[attr-defined]

    expect(page.locator(".an-saved")).to_have_text("saved", timeout=40_000)
    expect(page.locator(".an-place")).to_have_text("00.png")
    ready(page)
    assert labels(project) == [(1, "cat", 1), (1, "dog", 1), (1, "fish", 1)]
    kinds = [kind for (kind,) in rows(project, "select kind from operation order by id")]
    assert kinds == ["answer", "answer", "answer", "undo", "answer"]


def test_a_closed_tab_leaves_its_unsaved_answers_to_the_next_one(page: Page, project: Path) -> None:
    page.server.kill()  # type: ignore[attr-defined]
    page.keyboard.press("5")
    expect(page.locator(".an-saved")).to_contain_text("wait")
    second = page.context.new_page()
    page.close(run_before_unload=False)

    second.goto("about:blank")
    page.server.start()  # type: ignore[attr-defined]
    second.goto(page.server.url)  # type: ignore[attr-defined]
    ready(second)

    sent(second)
    assert labels(project) == [(1, "tree", 1)]


def test_somebody_elses_answer_stands_and_is_shown(
    page: Page, project: Path, open_page: Callable[..., Page]
) -> None:
    other = open_page(f"{page.server.url}/#1", name="Bob")  # type: ignore[attr-defined]
    ready(other)
    expect(other.locator(".an-place")).to_have_text("00.png")
    second = page.context.new_page()
    second.goto(f"{page.server.url}/#1")  # type: ignore[attr-defined]
    ready(second)
    page.bring_to_front()
    page.keyboard.press("1")
    saved(page)

    other.keyboard.press("Shift+Digit1")
    second.keyboard.press("Shift+Digit1")

    expect(other.locator(".an-notice")).to_contain_text("Ann answered cat in the meantime")
    expect(second.locator(".an-notice")).to_contain_text("You answered cat in another tab")
    expect(asked(other, 1)).to_have_attribute("aria-checked", "true")
    assert labels(project) == [(1, "cat", 1)]
    assert rows(project, "select late from answer order by id") == [(0,), (1,), (1,)]


def test_a_picture_that_is_gone_says_why_and_takes_no_answers(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    for file in sorted(twelve_pictures.iterdir()):
        (copies / file.name).write_bytes(file.read_bytes())
    made = create_project(tmp_path / "q", copies, names=CATEGORIES)
    (copies / "00.png").unlink()
    page = open_page(serve(made.project.path, "--no-worker").url)

    expect(page.locator(".an-problem")).to_contain_text("00.png is missing")
    page.keyboard.press("1")
    page.keyboard.press("Enter")

    expect(page.locator(".an-place")).to_have_text("01.png")
    sent(page)
    assert labels(made.project.path) == []


def test_the_page_fits_a_phone(page: Page, open_page: Callable[..., Page]) -> None:
    phone = open_page(
        page.server.url,  # type: ignore[attr-defined]
        viewport={"width": 390, "height": 844},
        has_touch=True,
    )
    ready(phone)

    asked(phone, 2).tap()

    expect(asked(phone, 2)).to_have_attribute("aria-checked", "true")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def test_help_opens_and_closes_with_the_same_key(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("accept all suggestions")

    page.keyboard.press("?")

    expect(page.locator("dialog[open]")).to_have_count(0)
