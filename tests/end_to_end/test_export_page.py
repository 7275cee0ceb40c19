"""Files in and out through the browser, and what the page says where a file is not taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.services.app import Services
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
    expect(page.locator("#import-preview")).to_contain_text("1 of 1 listed image ")
    page.locator("#import-take").click()
    expect(page.locator("#import-preview")).to_contain_text("Imported: 2 pairs set.")
    page.locator("#export-write").click()
    expect(page.locator("#export-said")).to_contain_text("labels_all.json")
    with page.expect_download() as download:
        page.locator(".file-preview a").first.click()

    written = json.loads(Path(download.value.path()).read_text())
    assert [a["category_id"] for a in written["annotations"]] == [1]


def test_what_is_wrong_with_a_file_is_told_with_its_own_name_and_in_plain_text(
    url: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    labels = tmp_path / "my_labels.csv"
    labels.write_text("file,a_b*c*\n05.png,#maybe_\n")
    page = open_page(f"{url}/export")

    choose(page, labels)

    expect(page.locator("#import-preview")).to_have_text(
        "my_labels.csv: line 2, column 'a_b*c*': expected 1, 0 or empty, or present, absent, "
        "true, false, yes, no, y, n, x, NaN or ?, got '#maybe_'; call the column 'labels' if it "
        "lists tags, take it out if it is no category."
    )


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

    expect(page.get_by_text("Enter your name at the top of the page first").first).to_be_visible()


def test_a_name_that_two_folders_share_is_asked_and_the_folder_is_chosen(
    serve: Callable[..., object], open_page: Callable[..., Page], tmp_path: Path
) -> None:
    for folder, shade in (("train", 30), ("valid", 200)):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (60, 40), (shade, 90, 120)).save(tmp_path / folder / "a.png")
    create_project(tmp_path / "project", tmp_path / "train", names=["cat"])
    services = Services.open(tmp_path / "project")
    services.image_roots.add(tmp_path / "valid")
    services.close()
    server = serve(tmp_path / "project", "--no-worker")
    labels = tmp_path / "labels.csv"
    labels.write_text("file,cat\na.png,1\n")
    page = open_page(f"{getattr(server, 'url')}/export")  # noqa: B009

    choose(page, labels)
    preview = page.locator("#import-preview")
    expect(preview).to_contain_text("'a.png' could be images/a.png or valid/a.png")
    page.locator("#import-root input").click()
    page.get_by_role("option", name="valid").click()
    expect(preview).to_contain_text("1 of 1 listed image ")
    expect(preview).to_contain_text("All names are relative to the image folder 'valid'.")
    page.locator("#import-take").click()
    expect(preview).to_contain_text("Imported: 1 pair set.")

    page.locator("#export-write").click()
    expect(page.locator("#export-said")).to_contain_text("labels_all.json")
    with page.expect_download() as download:
        page.locator(".file-preview a").first.click()
    written = json.loads(Path(download.value.path()).read_text())
    names = {image["id"]: image["file_name"] for image in written["images"]}
    assert sorted(names.values()) == ["images/a.png", "valid/a.png"]
    assert [names[a["image_id"]] for a in written["annotations"]] == ["valid/a.png"]


def test_a_cell_with_two_meanings_is_refused_until_one_is_chosen(
    url: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    labels = tmp_path / "labels.tsv"
    labels.write_text("Image Name\tcat\tdog\n06.png\t1\t-1\n")
    page = open_page(f"{url}/export")

    choose(page, labels)
    expect(page.locator("#import-preview")).to_contain_text("-1 means absent in some files")
    expect(page.locator("#import-take")).to_be_disabled()
    page.get_by_text("CSV: what -1 means").click()
    page.locator("#import-minus-one input").click()
    page.get_by_role("option", name="absent, as in CelebA").click()

    expect(page.locator("#import-preview")).to_contain_text("1 pair present and 1 absent")
    expect(page.locator("#import-take")).to_be_enabled()
