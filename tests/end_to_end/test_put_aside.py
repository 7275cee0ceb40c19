"""Nothing that a person said is dropped: what cannot be saved is put aside, the rest goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from annotator.services.app import Services
from annotator.services.project.creation import create_project
from database import labels, rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Serve = Callable[..., Any]
Open = Callable[..., Page]
NAMES = ["cat", "dog", "bird"]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (320, 240), (40 * number, 90, 10)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def project(tmp_path: Path, pictures: Path) -> Path:
    return create_project(tmp_path / "p", pictures, names=NAMES).project.path


@pytest.fixture
def page(project: Path, serve: Serve, open_page: Open) -> Page:
    server = serve(project, "--no-worker")
    opened = open_page(server.url)
    opened.server = server  # type: ignore[attr-defined]
    ready(opened)
    return opened


def ready(page: Page) -> None:
    expect(page.locator(".an-asking .an-row").first).to_be_visible()
    saved(page)


def saved(page: Page) -> None:
    expect(page.locator(".an-saved")).to_have_text("saved", timeout=40_000)


def line(page: Page) -> Locator:
    return page.locator(".an-waits", has_text="could not be saved")


def break_category(project: Path, number: int) -> None:
    """Make the program fail on every answer about a category, as a bug would."""
    with closing(sqlite3.connect(project / "labels.db")) as connection:
        connection.execute(
            f"create trigger broken before insert on answer when new.category_id = {number} "
            "begin select raise(abort, 'broken'); end"
        )
        connection.commit()


def mend_category(project: Path) -> None:
    with closing(sqlite3.connect(project / "labels.db")) as connection:
        connection.execute("drop trigger broken")
        connection.commit()


def test_an_answer_about_a_picture_that_is_gone_is_put_aside_and_outlives_a_reload(
    page: Page, project: Path, pictures: Path
) -> None:
    (pictures / "0.png").rename(pictures / "away.png")

    page.keyboard.press("1")
    expect(line(page)).to_contain_text("1 answer could not be saved.")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("1.png")
    page.keyboard.press("2")
    saved(page)
    page.reload()
    ready(page)
    line(page).get_by_role("button", name="Show").press("Enter")
    entry = page.locator(".an-failed li")
    expect(entry).to_contain_text("0.png: cat present")
    expect(entry).to_contain_text("is missing; restore it")
    before = labels(project)
    (pictures / "away.png").rename(pictures / "0.png")
    entry.get_by_role("button", name="Retry").press("Enter")
    expect(line(page)).to_be_hidden()
    saved(page)

    assert before == [(2, "dog", 1)]
    assert labels(project) == [(1, "cat", 1), (2, "dog", 1)]


def test_what_was_put_aside_is_discarded_only_after_a_question(
    page: Page, project: Path, pictures: Path
) -> None:
    (pictures / "0.png").unlink()
    page.keyboard.press("1")

    line(page).get_by_role("button", name="Show").click()
    entry = page.locator(".an-failed li")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    entry.get_by_role("button", name="Discard").click()
    entry.get_by_role("button", name="Keep").click()
    expect(entry).to_have_count(1)
    entry.get_by_role("button", name="Discard").click()
    entry.get_by_role("button", name="Discard permanently").click()

    expect(line(page)).to_be_hidden()
    assert "0.png: cat present" in download.value.path().read_text()
    assert labels(project) == []


def test_an_answer_that_the_program_fails_on_again_and_again_holds_up_nothing(
    page: Page, project: Path
) -> None:
    break_category(project, 1)

    page.keyboard.press("1")
    page.keyboard.press("2")
    expect(line(page)).to_contain_text("1 answer could not be saved", timeout=60_000)
    saved(page)
    with_the_bug = labels(project)
    mend_category(project)
    line(page).get_by_role("button", name="Show").click()
    page.get_by_role("button", name="Retry all").click()
    expect(line(page)).to_be_hidden()
    saved(page)

    assert with_the_bug == [(1, "dog", 1)]
    assert labels(project) == [(1, "cat", 1), (1, "dog", 1)]


def test_an_undo_of_what_was_put_aside_takes_back_nothing_else(
    page: Page, project: Path, pictures: Path
) -> None:
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).to_have_text("1.png")
    page.keyboard.press("2")
    saved(page)
    (pictures / "1.png").rename(pictures / "away.png")
    page.keyboard.press("1")
    expect(line(page)).to_be_visible()

    page.keyboard.press("u")
    expect(line(page)).to_be_hidden()
    saved(page)
    after_undo = labels(project)
    (pictures / "away.png").rename(pictures / "1.png")
    page.keyboard.press("Shift+U")
    expect(page.locator('.an-row[data-state="present"]', has_text="cat").first).to_be_visible()
    saved(page)

    assert after_undo == [(2, "dog", 1)]
    assert labels(project) == [(2, "cat", 1), (2, "dog", 1)]


def test_after_a_reload_an_undo_still_finds_what_was_put_aside(
    page: Page, project: Path, pictures: Path
) -> None:
    page.keyboard.press("2")
    saved(page)
    (pictures / "0.png").unlink()
    page.keyboard.press("1")
    expect(line(page)).to_be_visible()
    page.reload()
    expect(page.locator(".an-problem")).to_be_visible()

    page.keyboard.press("u")
    expect(line(page)).to_be_hidden()
    saved(page)

    assert labels(project) == [(1, "dog", 1)]


def test_an_exception_while_drawing_does_not_stop_the_queue(page: Page, project: Path) -> None:
    failed: list[str] = []
    page.on("console", lambda said: failed.append(said.text) if said.type == "error" else None)
    page.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
            const script = loaded.find((name) => name.endsWith('/label_page.js'));
            const { LabelPage } = await import(script);
            LabelPage.prototype.confirmed = () => { throw new Error('drawing failed'); };
        }"""
    )

    page.keyboard.press("1")
    page.keyboard.press("2")
    saved(page)

    assert any("drawing failed" in text for text in failed)
    assert labels(project) == [(1, "cat", 1), (1, "dog", 1)]


@pytest.mark.parametrize("way", ["unmounted", "empty"])
def test_answers_about_an_image_folder_that_is_away_wait_until_it_is_back(
    page: Page, project: Path, pictures: Path, way: str
) -> None:
    away = pictures.with_name("away")
    pictures.rename(away)
    if way == "empty":
        pictures.mkdir()

    page.keyboard.press("1")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits: The image folder")
    expect(page.locator(".an-saved")).to_contain_text("is missing or empty")
    while_away = labels(project)
    if way == "empty":
        pictures.rmdir()
    away.rename(pictures)
    saved(page)

    assert while_away == []
    assert labels(project) == [(1, "cat", 1)]
    expect(line(page)).to_be_hidden()


def test_a_page_of_verify_saves_what_it_can_and_puts_the_rest_aside(
    project: Path, pictures: Path, serve: Serve, open_page: Open
) -> None:
    page = open_page(f"{serve(project, '--no-worker').url}/verify")
    expect(page.locator(".vf-tile")).to_have_count(6)
    page.wait_for_function(
        "[...document.querySelectorAll('.vf-tile img')].every((one) => one.complete)"
    )
    (pictures / "3.png").unlink()
    expect(page.locator(".vf-rest")).to_contain_text("6")  # all have been in view for long enough

    page.keyboard.press("m")
    while not line(page).is_visible():  # Enter that comes too soon after the page is a mistake
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
    line(page).get_by_role("button", name="Show").click()

    expect(page.locator(".an-failed li")).to_contain_text("cat present")
    assert [image for image, _, _ in labels(project)] == [1, 2, 3, 5, 6]


def test_answers_under_an_old_name_go_to_the_same_person_and_the_page_takes_the_new_one_over(
    page: Page, project: Path
) -> None:
    page.keyboard.press("1")
    saved(page)
    page.server.kill()  # type: ignore[attr-defined]
    page.keyboard.press("2")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits")
    services = Services.open(project)
    services.people.rename(services.people.rows()[0]["id"], "Anna")
    services.close()

    page.server.start()  # type: ignore[attr-defined]
    saved(page)
    page.reload()
    ready(page)
    expect(page.locator(".fr-who")).to_have_text("Anna")
    page.keyboard.press("3")
    saved(page)
    page.reload()
    saved(page)

    assert rows(project, "select name from annotator") == [("Anna",)]
    assert [name for _, name, _ in labels(project)] == NAMES
    expect(page.locator(".fr-who")).to_have_text("Anna")


def test_what_waits_under_an_old_name_is_sent_after_a_reload_under_the_new_one(
    page: Page, project: Path
) -> None:
    page.keyboard.press("1")
    saved(page)
    server = page.server  # type: ignore[attr-defined]
    server.kill()
    page.keyboard.press("2")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits")
    page.goto("about:blank")
    services = Services.open(project)
    services.people.rename(services.people.rows()[0]["id"], "Anna")
    services.close()
    server.start()

    page.goto(server.url)
    expect(page.locator(".fr-who")).to_have_text("Anna")
    ready(page)

    assert rows(project, "select name from annotator") == [("Anna",)]
    assert [name for _, name, _ in labels(project)] == ["cat", "dog"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_list_of_what_was_put_aside_can_be_read_and_fits_a_phone(
    theme: str, project: Path, pictures: Path, serve: Serve, open_page: Open
) -> None:
    size = {"width": 390, "height": 844}
    page = open_page(serve(project, "--no-worker").url, viewport=size, color_scheme=theme)
    ready(page)
    (pictures / "0.png").unlink()
    page.keyboard.press("1")
    expect(line(page)).to_be_visible()
    page.add_style_tag(content="* { transition: none !important; animation: none !important }")
    broken = Axe().run(page, options=RULES).response["violations"]

    line(page).get_by_role("button", name="Show").click()
    expect(page.locator(".an-failed li")).to_be_visible()
    broken += Axe().run(page, options=RULES).response["violations"]

    assert [rule["id"] for rule in broken] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    focused = page.evaluate(
        "document.querySelector('dialog[open]').contains(document.activeElement)"
    )
    assert focused
