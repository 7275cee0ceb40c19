"""The whole loop in a real browser with the real trainer, on a small copy of the demo."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pycocotools.coco import COCO

from annotator.services.project.creation import create_project
from database import rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def labels(project: Path) -> set[tuple[str, str, int]]:
    query = (
        "select image_path.path, category.name, label.state from label "
        "join category on category.id = label.category_id "
        "join image_path on image_path.image_id = label.image_id where label.conflict = 0"
    )
    return set(rows(project, query))


def saved(page: Page, timeout: float = 20_000) -> None:
    expect(page.locator(".an-saved")).to_have_text("saved", timeout=timeout)


def next_image(page: Page) -> None:
    before = page.locator(".an-place").text_content()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".an-place")).not_to_have_text(before or "")
    expect(page.locator(".an-root[data-wait]")).to_have_count(0)  # keys that save much are taken


def until(page: Page, reached: Callable[[], bool]) -> None:
    for _ in range(80):
        if reached():
            return
        next_image(page)
    pytest.fail("no image of the first eighty has what the test looks for")


THERE = re.compile("idle|embedding|training")


def children_of(process: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listed.stdout.split()]


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_end(processes: list[int], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline, f"{processes} are still running"
        time.sleep(0.2)


def test_label_train_accept_reject_kill_restart_export(
    tmp_path: Path, serve: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    demo, project = tmp_path / "demo", tmp_path / "demo" / "project"
    words = ("demo", "--dir", str(demo), "--no-browser", "--count", "400")
    server = serve(project, command=words, anew=True)
    assert server.process is not None
    page = open_page(server.url)
    expect(page.locator(".an-asking .an-row")).to_have_count(10)

    # People answer while the trainer works, and a version arrives without losing the place.
    place = page.locator(".an-place").text_content()
    order = page.locator(".an-asking .an-name").all_text_contents()
    page.keyboard.press("1")
    expect(page.locator(".an-status")).to_contain_text("version 1", timeout=300_000)
    expect(page.locator(".an-banner")).to_contain_text("Version 1 is ready")
    expect(page.locator(".an-place")).to_have_text(place or "")
    assert page.locator(".an-asking .an-name").all_text_contents() == order
    saved(page)

    # Suggestions: accept one, reject one.
    suggested = page.locator(".an-asking .an-row.suggested")
    next_image(page)
    until(page, lambda: suggested.count() >= 2)
    accepted = suggested.nth(0).get_attribute("data-category")
    rejected = suggested.nth(1).get_attribute("data-category")
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.press("r")
    saved(page)
    newest = rows(project, "select category_id, state, source from answer order by id desc limit 2")
    assert newest == [(int(rejected or 0), 0, 3), (int(accepted or 0), 1, 1)]

    # Accept all that are in view, undo it, redo it.
    next_image(page)
    accept = page.get_by_role("button", name="Accept", exact=False).last
    until(page, accept.is_enabled)
    before = labels(project)
    page.keyboard.press("Shift+A")
    saved(page)
    after = labels(project)
    page.keyboard.press("u")
    saved(page)
    undone = labels(project)
    page.keyboard.press("Shift+U")
    saved(page)
    assert len(after) > len(before)
    assert undone == before
    assert labels(project) == after
    assert rows(project, "select distinct source from answer where source = 2") == [(2,)]

    # Kill the server in the middle; the trainer leaves by itself.
    workers = children_of(server.process.pid)
    next_image(page)
    saved(page)
    open_rows = page.locator('.an-asking .an-row[data-state="unknown"]')
    first, second = (open_rows.nth(n).get_attribute("data-category") for n in (0, 1))
    digits = {
        row.get_attribute("data-category"): str((n + 1) % 10)
        for n, row in enumerate(page.locator(".an-asking .an-row").all())
    }
    known = len(labels(project))
    server.kill()
    page.keyboard.press(digits[first])
    page.keyboard.press(f"Shift+Digit{digits[second]}")
    expect(page.locator(".an-saved")).to_contain_text("2 answers wait")
    wait_for_end(workers)
    server.command = ("serve", str(project))
    server.start()
    saved(page, timeout=60_000)
    assert len(labels(project)) == known + 2
    doubled = "select count(*) from operation group by client_id having count(*) > 1"
    assert rows(project, doubled) == []

    # The export loads with pycocotools and says what the database says.
    page.goto(f"{server.url}/export")
    expect(page.locator("#export-counts")).to_contain_text("400")
    page.get_by_role("button", name="Write files").click()
    expect(page.locator("#export-said")).to_contain_text("labels_all.json", timeout=30_000)
    with page.expect_download() as download:
        page.locator("a[download]").first.click()
    file = tmp_path / "labels_all.json"
    download.value.save_as(file)
    assert exported(file) == labels(project)

    # Stopping with the tab open takes seconds, and nothing is left running.
    workers = children_of(server.process.pid)
    started = time.monotonic()
    server.stop(signal.SIGTERM)
    wait_for_end(workers)
    assert time.monotonic() - started < 40


def exported(file: Path) -> set[tuple[str, str, int]]:
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(file))
    names = {c["id"]: c["name"] for c in coco.loadCats(coco.getCatIds())}
    found = set()
    for image in coco.loadImgs(coco.getImgIds()):
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            found.add((image["file_name"], names[annotation["category_id"]], 1))
        found |= {(image["file_name"], names[c], 0) for c in image["neg_category_ids"]}
    return found


def test_a_trainer_that_is_killed_is_started_again_and_does_not_stop_labelling(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    open_page: Callable[..., Page],
) -> None:
    project = create_project(tmp_path / "p", twelve_pictures, names=list("abc")).project.path
    server = serve(project)
    page = open_page(server.url)
    expect(page.locator(".an-asking .an-row")).to_have_count(3)
    status, dot = page.locator(".an-status"), page.locator(".an-dot")
    expect(status).not_to_contain_text("stopped")
    expect(dot).to_have_attribute("data-state", THERE, timeout=60_000)
    (worker,) = children_of(server.process.pid)

    os.kill(worker, signal.SIGKILL)

    expect(status).to_contain_text("was killed (SIGKILL)", timeout=60_000)
    page.keyboard.press("1")
    saved(page)
    expect(dot).to_have_attribute("data-state", THERE, timeout=60_000)
    (again,) = children_of(server.process.pid)
    assert again != worker
    assert rows(project, "select state from label") == [(1,)]


def test_a_port_in_use_and_a_foreign_host_are_refused(
    tmp_path: Path,
    twelve_pictures: Path,
    serve: Callable[..., Any],
    run_command: Callable[..., Any],
) -> None:
    project = create_project(tmp_path / "p", twelve_pictures, names=["a"]).project.path
    server = serve(project, "--no-worker")

    again = run_command("serve", str(project), "--no-worker", "--port", str(server.port))
    foreign = subprocess.run(
        ["curl", "-s", "-H", "Host: evil.example", f"{server.url}/"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert again.returncode == 1
    opening, refused = again.stderr.strip().splitlines()
    assert opening == f"Opening {project} ..."
    assert f"Port {server.port} is in use" in refused
    assert "--open" in foreign.stdout
    assert json.dumps(str(project)) not in foreign.stdout
