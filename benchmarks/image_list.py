"""Measures the Images page on a project of 100,000 images x 200 categories.

    python benchmarks/image_list.py [--images 100000] [--categories 200] [--seconds 8]
                                    [--no-browser]

Builds the project if it is not there (`big_project.py`) and works in a copy. The services: how long
filters and orders take, all images found and packed for the page, the first look included; one
answer to 10,000 images and its undo. The browser: how long the page takes to be usable, and the
time between frames while somebody scrolls, slowly, fast and in jumps. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from big_project import OUT, Size, build, fresh_copy
from playwright.sync_api import CDPSession, Page, sync_playwright
from screens import FLAGS, Server, find_browser
from store import commit, machine

from annotator.domain import Source, State
from annotator.services.app import Services
from annotator.wire.image_list import BulkRequest, ListRequest, ListRowsRequest
from annotator.wire.recording import BackRequest, Change, SaveRequest

REPEATS = 5
PART = 1_000
"""Images of one operation, as the page has it."""
BULK = 10_000

CASES = (
    ("", ""),
    ('present:"kitchen thing 000"', ""),
    ('unknown:"kitchen thing 000"', 'score:"kitchen thing 000"'),
    ("suggested:* -by:me", ""),
    ("is:partly", "newest"),
    ("mine:done", ""),
    ("labels:>3 positives:>=1", "labels"),
    ("doubt:>2", "doubt"),
    ("folder:0003 3", "name"),
)
"""Filters and orders, each made of all images."""

FRAMES = """seconds => new Promise(done => {
  const box = document.querySelector('.im-box');
  const gaps = []; let last = performance.now(); const end = last + seconds * 1000;
  const step = now => {
    gaps.push(now - last); last = now; box.scrollTop += PIXELS;
    if (now < end) requestAnimationFrame(step); else done(gaps);
  };
  requestAnimationFrame(step);
})"""
"""Scrolls a little in each frame and returns the milliseconds between frames."""


def services(project: Path) -> list[tuple[str, list[float]]]:
    """Return what the services take, in milliseconds."""
    found = []
    with closing(Services.open(project)) as opened:
        images = opened.image_list
        found.append(
            ("first look at a project", [timed(lambda: images.listed("ann", ListRequest()))])
        )
        for text, sort in CASES:
            request = ListRequest(filter=text, sort=sort)
            times = [timed(partial(images.listed, "ann", request)) for _ in range(REPEATS)]
            found.append((f"`{text or 'all images'}`{f' by `{sort}`' if sort else ''}", times))
        ids = tuple(range(1, 61))
        rows = ListRowsRequest(ids=ids, category=1)
        found.append(
            ("60 images described", [timed(lambda: images.rows("ann", rows)) for _ in ids])
        )
        found += _bulk(opened)
    return found


def _bulk(opened: Services) -> list[tuple[str, list[float]]]:
    request = BulkRequest(category=1, state="present", ids=tuple(range(20_001, 20_001 + BULK)))
    start = time.perf_counter()
    plan = opened.image_list.plan("ann", request)
    planned = (time.perf_counter() - start) * 1000
    saved, taken_back = [], []
    for first in range(0, len(plan["images"]), PART):
        changes = tuple(
            Change(
                image=i,
                category=1,
                state=State.PRESENT,
                source=Source.ACCEPTED_IN_BULK,
                seen=plan["seen"].get(str(i)),
            )
            for i in plan["images"][first : first + PART]
        )
        operation = SaveRequest(op=f"bulk {first}", kind="page", changes=changes)
        saved.append(timed(partial(opened.recording.save, "ann", operation)))
    again = timed(lambda: opened.image_list.listed("ann", ListRequest(filter="is:partly")))
    for number in range(len(saved)):
        back = BackRequest(op=f"back {number}")
        taken_back.append(timed(partial(opened.recording.undo, "ann", back)))
    return [
        (f"plan an answer to {BULK:,} images", [planned]),
        (f"save {PART:,} of them", saved),
        ("the list after all of them", [again]),
        (f"take {PART:,} back", taken_back),
    ]


def timed(act: Callable[[], Any]) -> float:
    """Return how long something takes, in milliseconds."""
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def browser(url: str, seconds: float) -> list[tuple[str, list[float]]]:
    """Return what a person waits for, and the times between frames, in milliseconds."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=[*FLAGS])
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "annotator_name", "value": "ann", "url": url}])
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        start = time.perf_counter()
        page.goto(f"{url}/images")
        page.wait_for_selector(".im-tile img[src]", timeout=180_000)
        found = [("page usable, first look", [(time.perf_counter() - start) * 1000])]
        page.reload()
        page.wait_for_selector(".im-tile img[src]", timeout=180_000)
        page.wait_for_timeout(3000)
        for name, pixels in (("slow", 12), ("fast", 400), ("jumping", 40_000)):
            page.evaluate("document.querySelector('.im-box').scrollTop = 0")
            before = _thread_seconds(tools)
            gaps = page.evaluate(FRAMES.replace("PIXELS", str(pixels)), seconds)
            spent = (_thread_seconds(tools) - before) * 1000 / len(gaps)
            what = f"{name}: {pixels:,} pixels a frame"
            found.append((f"between frames, {what}", gaps))
            found.append((f"processor time of the page a frame, {what}", [spent]))
        found.append(("End to the last images drawn", [_to_end(page) for _ in range(REPEATS)]))
        drawn = page.locator(".im-tile").count()
        print(f"{drawn} tiles are in the document.")
        chromium.close()
    return found


def _thread_seconds(tools: CDPSession) -> float:
    """Return the processor time that the page's main thread has used."""
    metrics = tools.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def _to_end(page: Page) -> float:
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    return float(
        page.evaluate(
            """() => new Promise(done => {
              const start = performance.now();
              document.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}));
              const look = () => {
                const tile = document.querySelector('.im-tile.focused img');
                if (tile?.complete && tile.naturalWidth) done(performance.now() - start);
                else requestAnimationFrame(look);
              };
              requestAnimationFrame(look);
            })"""
        )
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=Size.images)
    parser.add_argument("--categories", type=int, default=Size.categories)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--no-browser", action="store_true")
    options = parser.parse_args()
    size = Size(options.images, options.categories)
    project = build(OUT / f"{size.images}x{size.categories}", size)
    copy = fresh_copy(project, project.with_name("image-list"))
    rows = services(copy)
    if not options.no_browser:
        server = Server(copy)
        try:
            rows += browser(server.url, options.seconds)
            print(f"web process: {server.private_memory():.0f} MB, peak {server.peak:.0f} MB")
        finally:
            server.stop()
    print(f"{machine()}, commit {commit()}, seed {size.seed}\n")
    print("| what | p50 ms | p95 ms | most | times |\n| --- | ---: | ---: | ---: | ---: |")
    for name, times in rows:
        middle, high = np.percentile(times, (50, 95))
        print(f"| {name} | {middle:,.0f} | {high:,.0f} | {max(times):,.0f} | {len(times)} |")


if __name__ == "__main__":
    main()
