"""The Progress and Train pages in a real browser, from an empty project to two versions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from annotator.domain import JobKind, JobState
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.store import jobs, versions
from annotator.wire.recording import SaveRequest
from publishing import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Serve = Callable[..., Any]
Open = Callable[..., Page]

IMAGES = 12
NAMES = ("cat", "dog", "<b>bird</b>")


@pytest.fixture
def project(tmp_path: Path, twelve_pictures: Path) -> Path:
    return create_project(tmp_path / "p", twelve_pictures, names=NAMES).project.path


@pytest.fixture
def services(project: Path) -> Any:
    opened = Services.open(project)
    yield opened
    opened.close()


def answer(services: Services, op: str, image: int, category: int) -> None:
    change = {"image": image, "category": category, "state": "present"}
    services.recording.save("Ann", SaveRequest(op=op, kind="answer", ms=1500, changes=[change]))


def lose(services: Services, challenger: str) -> None:
    """Let a challenger of version 2 lose, as the trainer would."""
    now = datetime.now(UTC)
    bird = {"ordinal": 2, "gain": 0.04, "low": -0.01, "high": 0.09}
    result = {
        "outcome": "worse", "note": "It is worse.", "against": 2, "gain": -0.02, "low": -0.03,
        "high": -0.01, "pairs": 500, "seconds": 9.0, "categories": [bird],
    }  # fmt: skip
    with services.store.writing() as tx:
        options = {"challenger": challenger, "base": 2, "known": 1}
        jobs.enqueue(tx, JobKind.CHALLENGE, options, now)
        job = jobs.claim(tx, "test", [JobKind.CHALLENGE], now)
        assert job is not None
        jobs.finish(tx, job, JobState.DONE, "It is worse.", now, result=result)


def test_an_empty_project_is_explained_and_fills_as_people_answer(
    project: Path, services: Services, serve: Serve, open_page: Open
) -> None:
    page = open_page(f"{serve(project, '--no-worker').url}/progress")
    expect(page.locator("#progress-counts")).to_contain_text("0.0% of 36 pairs")
    expect(page.locator("#growth-note")).to_contain_text("Nothing is answered yet")
    expect(page.locator("#progress-no-figure")).to_contain_text("There is no version yet")
    expect(page.locator("#people-note")).to_contain_text("Nobody has answered")

    answer(services, "a", 1, 1)
    publish(
        services.project, np.ones((IMAGES, 3)), map=0.4, map_low=0.3, map_high=0.5, suggestions=36
    )

    expect(page.locator("#growth-plot canvas")).to_be_visible()
    expect(page.locator("#people-table")).to_contain_text("Ann")
    expect(page.locator("#calibration-note")).to_contain_text("30 present answers")
    box = page.locator("#progress-plot canvas").bounding_box()
    assert box is not None
    assert box["width"] > 500
    page.get_by_role("tab", name="Categories").click()
    categories = page.get_by_role("group", name="Categories", exact=True)
    categories.get_by_role("button", name="present").press("Enter")
    expect(categories.get_by_role("rowheader")).to_have_text(["cat", "dog", "<b>bird</b>"])
    page.get_by_label("Find categories").fill("BIRD")
    expect(categories.get_by_role("rowheader")).to_have_text(["<b>bird</b>"])
    unknown = categories.get_by_role("link", name="12", exact=True).first
    assert unknown.get_attribute("href") == "images#filter=unknown%3A%22%3Cb%3Ebird%3C%2Fb%3E%22"
    categories.get_by_role("link", name="<b>bird</b>").press("Enter")
    expect(page).to_have_url(re.compile("/verify#3-confirm$"))


def test_two_people_are_compared_and_an_hour_leads_to_the_goal(
    project: Path, services: Services, serve: Serve, open_page: Open
) -> None:
    page = open_page(f"{serve(project, '--no-worker').url}/progress")
    expect(page.locator("#agreement-note")).to_contain_text("Nobody has answered yet")
    expect(page.locator("#progress-goal")).to_contain_text("once 30 pairs are known to be present")

    for number in range(30):  # 10 images, so 6 pairs stay open
        answer(services, f"ann {number}", 1 + number % 10, 1 + number // 10)
    late = [{"image": i, "category": 1, "state": "present"} for i in range(1, 11)]
    services.recording.save("<i>Bob</i>", SaveRequest(op="b", kind="page", ms=9000, changes=late))
    publish(services.project, np.full((IMAGES, 3), -2.0))

    expect(page.locator("#agreement-note")).to_contain_text("2 people answered 10 pairs in common")
    expect(page.locator("#agreement-table")).to_contain_text("100% of 10")
    expect(page.locator("#agreement-people")).to_contain_text("<i>Bob</i>")
    expect(page.locator("#anchoring-note")).to_contain_text("there are answers to probes")
    expect(page.locator("#progress-goal")).to_contain_text("after an hour, 6 pairs")
    row = page.locator("#progress-goal tbody tr").first
    expect(row.get_by_role("cell")).to_have_text(["83.3%", "100.0%", "100%"])

    rest = [{"image": i, "category": c, "state": "absent"} for i in (11, 12) for c in (1, 2, 3)]
    services.recording.save("Ann", SaveRequest(op="rest", kind="page", ms=9000, changes=rest))

    expect(page.locator("#progress-goal")).to_contain_text("The goal is reached", timeout=20_000)
    expect(page.locator("#progress-goal")).to_contain_text("none is open")


def test_a_training_is_watched_asked_for_and_stopped(
    project: Path, services: Services, serve: Serve, open_page: Open
) -> None:
    page = open_page(f"{serve(project, '--no-worker').url}/train")
    expect(page.locator("#progress-trainer")).to_contain_text("you can go on labelling")
    page.locator("#train-now").click()
    expect(page.get_by_text("There is nothing to learn from yet")).to_be_visible()

    answer(services, "a", 1, 1)
    page.get_by_label("sarb: the network of hst").check()
    page.locator("#train-options").get_by_role("button").first.click()
    passes = page.get_by_label("Epochs")
    expect(passes).to_have_value("10")
    passes.fill("3")
    passes.press("Tab")
    page.locator("#train-now").click()
    expect(page.locator("#progress-said")).to_contain_text("Training is queued")
    with services.store.writing() as tx:
        now = datetime.now(UTC)
        job = jobs.claim(tx, "test", [JobKind.TRAIN], now)
        assert job is not None
        assert job.options == {"method": "sarb", "epochs": 3}
    loss = page.locator("#loss-plot canvas")
    for step in range(1, 40):
        with services.store.writing() as tx:
            now = datetime.now(UTC)
            jobs.beat(tx, "test", {}, now)
            progress = {"stage": "learning", "done": step, "total": 40, "loss": 1 / step}
            jobs.heartbeat(tx, job, {**progress, "epoch": step, "epochs": 40}, now)
        expect(page.locator("#progress-trainer")).to_contain_text(f"epoch {step} of 40")
        if loss.is_visible():
            break
    expect(loss).to_be_visible()

    page.locator("#train-cancel").click()

    expect(page.locator("#progress-said")).to_contain_text("will stop shortly")
    with services.store.reading() as tx:
        assert jobs.get(tx, job.id).cancel_requested


def test_two_versions_are_compared_and_one_is_gone_back_to(
    project: Path, services: Services, serve: Serve, open_page: Open
) -> None:
    scores = np.full((IMAGES, 3), -2.0)
    publish(services.project, scores, map=0.4, map_low=0.3, map_high=0.5)
    page = open_page(f"{serve(project, '--no-worker').url}/train")
    expect(page.locator("#changes-none")).to_contain_text("There is one version")
    expect(page.locator("#rollback")).to_be_disabled()

    changed = scores.copy()
    changed[4, 2] = 3.0
    publish(services.project, changed, map=0.6, map_low=0.5, map_high=0.7)
    expect(page.get_by_role("cell", name="60.0% (50.0% to 70.0%)").first).to_be_visible()
    page.locator("#changes-show").click()
    expect(page.locator("#changes")).to_contain_text("1 suggestion appeared, 0 disappeared")
    picture = page.locator("#changes .pg-grid a")
    expect(picture).to_have_text("+ <b>bird</b>")
    assert picture.get_attribute("href") == "./#5"
    expect(picture.locator("img")).to_have_js_property("complete", True)
    assert picture.locator("img").evaluate("image => image.naturalWidth") > 0

    challengers = page.locator("#challengers")
    expect(challengers).to_contain_text("Off, as the method is kernel_ridge")
    expect(page.locator("#gains-show")).not_to_be_visible()
    lose(services, "sarb")
    row = challengers.get_by_role("row", name="sarb: ")
    expect(row).to_contain_text("worse (against version 2)")
    expect(row).to_contain_text("−2.0 (−3.0 to −1.0)")
    page.locator("#gains-show").press("Enter")
    expect(page.locator("#gains").get_by_role("row", name="<b>bird</b>")).to_contain_text("+4.0")

    page.locator("#rollback").click()

    expect(page.locator("#progress-said")).to_contain_text("Version 1 is used")
    expect(page.locator("#rollback")).to_be_disabled()
    with services.store.reading() as tx:
        promoted = versions.promoted(tx)
    assert promoted is not None
    assert promoted.number == 1
