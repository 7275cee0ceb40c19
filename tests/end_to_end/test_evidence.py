"""Why a category is suggested, in a real browser: one key, no wait, and the keys go on working."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from annotator.arrays import versions as files
from annotator.arrays.evidence import Where, write_where
from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind, JobState
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.store import jobs, versions
from annotator.wire.recording import SaveRequest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAMES = ["chair", "table", "<b>bold</b>"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACES, CORNER = 9, 8


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    """A project whose version suggests a chair everywhere because of the lower right corner."""
    path = create_project(tmp_path / "p", twelve_pictures, names=NAMES).project.path
    services = Services.open(path)
    try:
        _embed(services)
        _publish(services)
        _answer(services)
    finally:
        services.close()
    return path


def _embed(services: Services) -> None:
    made = FeatureFiles.create(
        services.project.features_path,
        backbone=services.project.settings.backbone,
        pooled_dim=2,
        positions=PLACES,
        token_dim=2,
        rows=12,
    )
    search = np.zeros((12, 128), np.float32)
    search[:, 0], search[:, 1] = np.cos(np.arange(12) / 10), np.sin(np.arange(12) / 10)
    tokens = np.full((12, PLACES, 2), (-1.0, 0.0))
    tokens[:, CORNER] = (9, 0)
    made.write(np.arange(12), np.ones((12, 2)), tokens, search)


def _publish(services: Services) -> None:
    backbone = services.project.settings.backbone
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, NOW)
        job = jobs.claim(tx, "me", [JobKind.TRAIN], NOW)
        assert job is not None
        number = versions.reserve(
            tx, job, method="kernel_ridge", backbone=backbone, trained_answers=1,
            trained_present=1, last_operation=0, now=NOW,
        )  # fmt: skip

    def save(weights: Path) -> None:
        weights.write_bytes(b"")
        directions = np.array([[1, 0], [-1, 0], [0, 0]], np.float32)
        write_where(weights.parent, Where(directions, np.array([0.9, 0.9, 0.0], np.float32)))

    parameters = VersionParameters(
        method="kernel_ridge", backbone=backbone, category_ordinals=(0, 1, 2), slope=1.0,
        intercepts=(0.0,) * 3, thresholds=(0.0,) * 3, ranked_only=(),
    )  # fmt: skip
    scores = np.tile(np.array([3, -1, -2], np.float32), (12, 1))
    queue = Queue(np.arange(12, dtype=np.int32), np.zeros((3, 2), np.int32))
    path = files.folder(services.project, number)
    files.write(path, parameters, scores, queue, {}, save_weights=save)
    with services.store.writing() as tx:
        versions.publish(
            tx, job, number, metrics={}, training_seconds=1.0, promote=True, note="", now=NOW
        )
        jobs.finish(tx, job, JobState.DONE, "", NOW)


def _answer(services: Services) -> None:
    """Mark chairs and tables together on pictures 6 to 9 and neither on 10 to 12; a table on 1."""
    for image in (1, *range(6, 13)):
        state = "present" if image < 10 else "absent"
        changes = [{"category": c, "state": state} for c in ((2,) if image == 1 else (1, 2))]
        data = {"op": f"seed{image}", "kind": "answer", "image": image, "changes": changes}
        services.recording.save("Bob", SaveRequest(**data))


@pytest.fixture
def page(project: Path, serve: Callable[..., Any], open_page: Callable[..., Page]) -> Page:
    opened = open_page(f"{serve(project, '--no-worker').url}/#1")
    expect(opened.locator(".an-asking .an-row")).to_have_count(3)
    return opened


def alpha_at(page: Page, right: float, down: float) -> int:
    """Return how strongly the picture is coloured at a place given as shares of the picture."""
    return int(
        page.locator(".ev-map").evaluate(
            "(map, [x, y]) => map.getContext('2d').getImageData("
            "Math.floor(x * map.width), Math.floor(y * map.height), 1, 1).data[3]",
            [right, down],
        )
    )


def test_one_key_shows_where_because_of_what_and_looks_like_what(page: Page) -> None:
    panel, stage = page.locator(".ev-panel"), page.locator(".ev-map")
    expect(panel).to_be_hidden()

    page.keyboard.press("e")

    expect(panel).to_have_accessible_name("Why chair?")
    expect(panel.locator(".ev-where")).to_contain_text("coloured parts of the image")
    expect(stage).to_be_visible()
    assert alpha_at(page, 0.95, 0.95) > 100
    assert alpha_at(page, 0.1, 0.1) == 0
    expect(panel.locator("[aria-label='Looks like'] .present img")).to_have_count(4)
    expect(panel.locator("[aria-label='Looks like'] .absent img")).to_have_count(2)
    expect(panel).to_contain_text("Too few images are known to have both")
    size = stage.evaluate("map => [map.width / map.height, getComputedStyle(map).objectFit]")
    assert size == [pytest.approx(320 / 240, rel=0.01), "contain"]


def test_the_panel_follows_the_row_and_keys_go_on_working_until_it_is_closed(page: Page) -> None:
    panel = page.locator(".ev-panel")
    page.keyboard.press("Escape")  # the greeting of a first visit
    page.keyboard.press("e")
    expect(panel).to_have_accessible_name("Why chair?")

    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(panel).to_have_accessible_name("Why <b>bold</b>?")
    expect(panel.locator(".ev-where")).to_contain_text("cannot say where it sees")
    expect(page.locator(".ev-map")).to_be_hidden()
    page.keyboard.press("1")
    expect(page.locator(".an-asking .an-row").first).to_have_attribute("data-state", "present")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.keyboard.press("e")
    expect(panel).to_be_visible()
    page.keyboard.press("e")
    expect(panel).to_be_hidden()
    expect(page.locator(".an-saved")).to_have_text("saved")


def test_without_a_version_the_panel_says_so(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    bare = create_project(tmp_path / "bare", twelve_pictures, names=NAMES).project.path
    page = open_page(serve(bare, "--no-worker").url)
    expect(page.locator(".an-asking .an-row")).to_have_count(3)

    page.keyboard.press("e")

    expect(page.locator(".ev-where")).to_contain_text("No version has been trained yet")
    expect(page.locator(".ev-map")).to_be_hidden()
