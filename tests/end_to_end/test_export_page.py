"""Files in and out through the browser, and what the page says where a file is not taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotator.services.project.creation import create_project
from annotator.settings import Project, changed, load_project, save_project


@pytest.fixture(scope="module")
def url(
    serve_once: Callable[..., object],
    twelve_pictures: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    path = tmp_path_factory.mktemp("export") / "project"
    create_project(path, twelve_pictures, names=["cat", "dog"])
    project = load_project(path)
    settings = changed(project.settings, {"server.max_upload_mb": 0.1})
    save_project(Project(project.path, settings))
    server = serve_once(path, "--no-worker")
    return str(getattr(server, "url"))  # noqa: B009 - the fixture's class is not importable


def choose(page: Page, file: Path) -> None:
    expect(page.locator("#import-file input[type=file]")).to_be_attached()
    page.set_input_files("#import-file input[type=file]", file)


def test_a_label_file_goes_in_and_comes_out_again(
    url: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,cat,dog\n05.png,1,0\n")
    page = open_page(f"{url}/export")

    choose(page, labels)
    expect(page.locator("#import-preview")).to_contain_text("1 of 1 listed images")
    page.locator("#import-take").click()
    expect(page.locator("#import-preview")).to_contain_text("Imported: 2 pairs were set.")
    page.locator("#export-write").click()
    expect(page.locator("#export-said")).to_contain_text("labels_all.json")
    with page.expect_download() as download:
        page.locator(".file-preview a").first.click()

    written = json.loads(Path(download.value.path()).read_text())
    assert [a["category_id"] for a in written["annotations"]] == [1]


def test_a_file_that_is_too_large_is_refused_with_a_sentence(
    url: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    labels = tmp_path / "large.csv"
    labels.write_text("file,cat\n" + "05.png,1\n" * 20_000)
    page = open_page(f"{url}/export")

    choose(page, labels)

    expect(page.get_by_text("exceed the maximum allowed size").first).to_be_visible()
    expect(page.locator("#import-take")).to_be_disabled()


def test_a_file_of_nobody_is_refused_with_a_sentence(
    url: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,cat\n05.png,1\n")
    page = open_page(f"{url}/export", name=None)

    choose(page, labels)

    expect(page.get_by_text("Enter your name on the Label page first").first).to_be_visible()
