"""A tab of one project while another is served at its address, or its database is gone or older."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import APIResponse, Page, Route, expect

from annotator.services.project.creation import create_project
from database import labels

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Serve = Callable[..., Any]
Open = Callable[..., Page]


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    return make(tmp_path / "birds", 10, ["cat", "dog"])


@pytest.fixture
def cats(tmp_path: Path) -> Path:
    return make(tmp_path / "cats", 200, ["red", "blue", "green"])


def make(path: Path, shade: int, names: list[str]) -> Path:
    pictures = path.with_name(f"pictures of {path.name}")
    pictures.mkdir()
    for number in range(6):
        Image.new("RGB", (320, 240), (40 * number, 90, shade)).save(pictures / f"{number}.png")
    return create_project(path, pictures, names=names).project.path


def answer_without(server: Any, page: Page) -> None:
    """Give an answer that has to wait in the browser, as its server is gone."""
    server.kill()
    page.keyboard.press("1")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits")


def serve_instead(server: Any, project: Path) -> None:
    server.kill()
    server.command = ("serve", str(project), "--no-worker")
    server.start()


def loaded(page: Page) -> None:
    """Wait until a page of Gradio has all its parts: what it loads late is lost with its server."""
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Loading...")).to_have_count(0)


def ready(page: Page, unknown: int) -> None:
    expect(page.locator(".an-asking .an-row[data-state=unknown]")).to_have_count(unknown)
    expect(page.locator(".an-root[data-wait]")).to_have_count(0)  # answers wait for the image
    expect(page.locator(".an-saved")).to_have_text("saved")


def test_answers_of_one_project_never_go_into_another_at_the_same_address(
    birds: Path, cats: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(server.url)
    ready(page, 2)
    answer_without(server, page)

    serve_instead(server, cats)
    line = page.locator(".an-waits:visible", has_text="another project, cats, is served here now")
    expect(line).to_contain_text("1 answer of project birds waits in this browser")
    page.keyboard.press("Shift+Digit2")
    expect(line).to_contain_text("2 answers of project birds wait in this browser")
    expect(line).to_contain_text("They are sent when birds is served again.")
    wrong = labels(cats)
    serve_instead(server, birds)
    expect(page.locator(".an-saved")).to_have_text("saved")

    assert wrong == []
    assert labels(cats) == []
    assert labels(birds) == [(1, "cat", 1), (1, "dog", 0)]
    expect(line).to_have_count(0)
    assert page.evaluate("performance.getEntriesByType('navigation')[0].type") == "navigate"


def test_a_page_of_verify_never_goes_into_another_project(
    birds: Path, cats: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(f"{server.url}/verify")
    expect(page.locator(".vf-tile")).to_have_count(6)
    page.wait_for_function(
        "[...document.querySelectorAll('.vf-tile img')].every((one) => one.complete)"
    )

    serve_instead(server, cats)
    expect(page.locator(".an-waits:visible", has_text="belongs to project birds")).to_be_visible()
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    expect(page.locator(".an-waits:visible", has_text="6 answers of project birds")).to_be_visible()
    wrong = labels(cats)
    serve_instead(server, birds)
    expect(page.locator(".an-saved")).to_have_text("saved")

    assert wrong == []
    assert len(labels(birds)) == 6


def test_a_reload_shows_the_project_that_is_served_and_says_what_waits_for_the_other(
    birds: Path, cats: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(server.url)
    ready(page, 2)
    server.kill()
    page.keyboard.press("1")
    serve_instead(server, cats)

    page.reload()
    ready(page, 3)
    line = page.locator(".an-waits:visible", has_text="birds")
    expect(line).to_contain_text("1 answer of project birds waits in this browser")
    page.keyboard.press("2")
    expect(page.locator(".an-saved")).to_have_text("saved")
    on_cats = labels(cats)
    serve_instead(server, birds)
    page.reload()
    ready(page, 1)

    assert on_cats == [(1, "blue", 1)]
    assert labels(cats) == on_cats
    assert labels(birds) == [(1, "cat", 1)]
    expect(page.locator(".an-waits:visible")).to_have_count(0)


def test_a_settings_page_of_one_project_changes_nothing_in_another(
    birds: Path, cats: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(f"{server.url}/settings")
    page.get_by_role("tab", name="Suggestions and training").click()
    save = page.locator("button:visible", has_text="Save")
    expect(save).to_be_visible()
    loaded(page)
    before = (cats / "project.toml").read_text()

    serve_instead(server, cats)
    page.get_by_label("New answers", exact=True).fill("77")
    save.click()

    expect(page.locator("#annotator-notice")).to_contain_text("another project, cats, is served")
    assert (cats / "project.toml").read_text() == before


def test_a_page_that_looks_by_itself_says_that_another_project_is_served(
    birds: Path, cats: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(f"{server.url}/train")
    expect(page.get_by_role("button", name="Train").first).to_be_visible()
    loaded(page)
    line = page.locator("#annotator-notice")

    serve_instead(server, cats)
    expect(line).to_contain_text("This page belongs to project birds; another project, cats,")
    serve_instead(server, birds)

    expect(line).to_have_count(0)
    expect(page).to_have_title("Train · birds")


def test_answers_for_a_project_are_not_taken_for_those_of_its_copy(
    birds: Path, tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(server.url)
    ready(page, 2)
    answer_without(server, page)
    copy = tmp_path / "copy"
    shutil.copytree(birds, copy)

    serve_instead(server, copy)
    here = page.locator(".an-waits:visible", has_text="a copy of it is served here now")
    expect(here).to_contain_text("Reload the page to decide what becomes of")
    page.reload()
    ready(page, 2)
    line = page.locator(".an-waits:visible", has_text="before it was copied, moved or restored")
    expect(line).to_contain_text("1 answer waits in this browser for project birds")
    unasked = labels(copy)
    with page.expect_download() as download:
        line.get_by_role("button", name="Download").click()
    line.get_by_role("button", name="Send them to this project").click()
    expect(line).to_have_count(0)
    expect(page.locator(".an-saved")).to_have_text("saved")

    assert unasked == []
    assert "present" in download.value.path().read_text()
    assert labels(copy) == [(1, "cat", 1)]
    assert labels(birds) == []


def test_answers_are_put_aside_when_an_older_backup_was_brought_back(
    birds: Path, tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(server.url)
    ready(page, 2)
    backup = tmp_path / "backup.db"
    with (
        closing(sqlite3.connect(birds / "labels.db")) as source,
        closing(sqlite3.connect(backup)) as target,
    ):
        source.backup(target)
    page.keyboard.press("1")
    expect(page.locator(".an-saved")).to_have_text("saved")
    server.kill()
    page.keyboard.press("2")
    expect(page.locator(".an-saved")).to_contain_text("1 answer waits")
    for log in birds.glob("labels.db-*"):
        log.unlink()
    (birds / "labels.db").write_bytes(backup.read_bytes())  # in its place, as cp does it

    server.start()
    aside = page.locator(".an-waits:visible", has_text="could not be saved")
    expect(aside).to_contain_text("1 answer could not be saved")
    ready(page, 2)
    unasked = labels(birds)
    aside.get_by_role("button", name="Show").click()
    expect(page.locator(".an-failed li")).to_contain_text("restored from an older state")
    page.get_by_role("button", name="Retry").first.click()
    expect(page.locator(".an-saved")).to_have_text("saved")
    expect(aside).to_be_hidden()

    assert unasked == []
    assert labels(birds) == [(1, "dog", 1)]


def test_an_answer_into_a_database_that_was_moved_away_waits_until_it_is_back(
    birds: Path, tmp_path: Path, serve: Serve, open_page: Open
) -> None:
    page = open_page(serve(birds, "--no-worker").url)
    ready(page, 2)
    elsewhere = tmp_path / "elsewhere"
    birds.rename(elsewhere)

    page.keyboard.press("1")
    saved = page.locator(".an-saved")
    expect(saved).to_contain_text("1 answer waits: The database")
    expect(saved).to_contain_text("was moved or deleted while it was in use")
    expect(page.locator(".an-trainer")).to_contain_text("was moved or deleted")
    nothing_made = not birds.exists()
    nothing_written = labels(elsewhere)
    elsewhere.rename(birds)
    expect(saved).to_have_text("saved")

    assert nothing_made
    assert nothing_written == []
    assert labels(birds) == [(1, "cat", 1)]


def test_answers_left_under_another_spelling_of_ones_name_are_sent(
    birds: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(server.url, name=quote("Jose\u0301"))
    ready(page, 2)
    answer_without(server, page)
    page.goto("about:blank")
    name = {"name": "annotator_name", "value": quote("JOS\u00c9"), "url": server.url}
    page.context.add_cookies([name])  # type: ignore[list-item]

    server.start()
    page.goto(server.url)
    ready(page, 1)

    assert labels(birds) == [(1, "cat", 1)]


def test_an_answer_that_is_saved_while_its_image_is_on_the_way_is_shown(
    birds: Path, serve: Serve, open_page: Open
) -> None:
    server = serve(birds, "--no-worker")
    page = open_page(server.url)
    ready(page, 2)
    answer_without(server, page)
    page.goto("about:blank")
    server.start()
    items: list[tuple[Route, APIResponse]] = []
    saves: list[Route] = []

    def hold(route: Route) -> None:
        said = route.request.post_data or ""
        if '"items"' in said and not items:
            items.append((route, route.fetch()))
            for save in saves:
                save.continue_()
        elif '"save"' in said and not items:
            saves.append(route)
        else:
            route.continue_()

    page.route("**/component_server/**", hold)
    page.goto(server.url)
    expect(page.locator(".an-saved")).to_have_text("saved")
    route, answer = items[0]
    route.fulfill(response=answer)

    ready(page, 1)
