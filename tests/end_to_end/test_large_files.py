"""The Export page with a file so large that it is taken in beside the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.domain import State
from annotator.formats import FORMATS
from annotator.formats.records import CategoryRecord, ImageRecord, LabelFile, PairRecord
from annotator.services.exchange.page_transfer import SMALL_BYTES, SMALL_EXPORT
from annotator.services.project.creation import create_project

pytestmark = pytest.mark.browser

IMAGES, CATEGORIES = 60, 500


@pytest.mark.slow
def test_a_large_file_goes_in_and_out_beside_the_server(
    tmp_path: Path, serve: Callable[..., object], open_page: Callable[..., Page]
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(IMAGES):
        Image.new("RGB", (16, 12), (number, 90, 120)).save(pictures / f"{number}.png")
    names = [f"category number {number}" for number in range(CATEGORIES)]
    made = create_project(tmp_path / "project", pictures, names=names[:2])
    pairs = tuple(PairRecord(name, State.ABSENT, source="imported") for name in names)
    records = tuple(ImageRecord(file_name=f"{n}.png", pairs=pairs) for n in range(IMAGES))
    listed = tuple(CategoryRecord(name=name) for name in names)
    file = tmp_path / "labels.json"
    FORMATS["coco"].write(LabelFile(categories=listed, images=records), file)
    assert file.stat().st_size > SMALL_BYTES
    assert IMAGES * CATEGORIES > SMALL_EXPORT
    page = open_page(f"{serve(made.project.path, '--no-worker').url}/export")

    page.locator("#import-file input[type=file]").set_input_files(file)
    expect(page.locator("#import-preview")).to_contain_text("30,000 absent", timeout=60_000)
    page.locator("#import-take").click()
    expect(page.locator("#import-preview")).to_contain_text(
        "Imported: 30,000 pairs set.", timeout=120_000
    )
    page.locator("#export-write").click()
    expect(page.locator("#export-said")).to_contain_text("Ready to download", timeout=120_000)
    with page.expect_download() as download:
        page.locator("a[href*=labels_all]").first.click()

    assert len(json.loads(Path(download.value.path()).read_text())["images"]) == IMAGES
