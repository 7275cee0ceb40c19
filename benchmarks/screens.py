"""Measures the work screens in a real browser on a project of 100,000 images x 200 categories.

    python benchmarks/screens.py [--images 100000] [--categories 200] [--session 200] [--seed 0]

Builds the project if it is not there (`big_project.py`) and serves a copy of it in which no picture
was looked at yet: there are the 256-pixel ones that embedding leaves, the large ones are made from
12 megapixels while somebody labels. Labels like a person in no hurry: three digits and the right
arrow, a key every `--pace` seconds. Times are taken inside the page, from the time stamp of the key
event to the second frame after what was asked for is there, so they hold up to one frame (17 ms)
too much, never too little. Prints a Markdown table with the targets beside.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from big_project import OUT, Size, build, fresh_copy
from playwright.sync_api import BrowserContext, Page, sync_playwright
from store import commit, machine

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PROBE = (Path(__file__).resolve().parent / "screens_probe.js").read_text(encoding="utf-8")
DIGITS_PER_IMAGE = 3
VERIFY_ITEMS = 40
SECONDS_A_CATEGORY = 2
"""A person is quick who sees in this time that a category has to wait."""
SECONDS_A_GRID = 5
"""A person is quick who looks at 40 pictures in this time; meanwhile the next ones are fetched."""


@dataclass(frozen=True)
class Target:
    """What one measurement is held against."""

    name: str
    limit: float
    """Milliseconds."""


TARGETS = {
    "paint": Target("key press to paint", 50),
    "commit": Target("key press to committed", 100),
    "next": Target("right arrow to the next image painted, prepared", 150),
    "late": Target("right arrow to the next image painted, not prepared in time", 600),
    "jump_small": Target("jump to an unprepared image: thumbnail painted", 600),
    "jump_large": Target("jump to an unprepared image: large picture painted", 600),
    "usable_cold": Target("first page usable, server just started, empty browser", 2000),
    "usable_warm": Target("first page usable, warm server, empty browser", 2000),
    "usable_again": Target("first page usable, warm server, page seen before", 2000),
    "verify_next": Target(f"Verify: Enter to the next {VERIFY_ITEMS} painted", 300),
    "verify_back": Target(f"Verify: to a category with {VERIFY_ITEMS} painted before", 300),
    "verify_step": Target(f"Verify: to the next category, its {VERIFY_ITEMS} never shown", 300),
    "verify_cold": Target(f"Verify: to any category, its {VERIFY_ITEMS} never shown", 300),
}


@dataclass
class Results:
    """Times by measurement in milliseconds, and the figures that stand alone."""

    times: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, *values: float) -> None:
        """Add measured times."""
        self.times.setdefault(name, []).extend(values)


class Server:
    """`annotator serve` in a process of its own, with its private memory watched."""

    def __init__(self, project: Path) -> None:
        start = time.perf_counter()
        command = [sys.executable, "-m", "annotator", "serve", str(project), "--no-worker"]
        self._process = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        found = re.search(rb"http://\S+", self._process.stdout.readline())
        if found is None:
            raise SystemExit("the server did not start; run `annotator serve` to see why")
        self.url = found[0].decode()
        self.start_seconds = time.perf_counter() - start
        self.peak = 0.0
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def private_memory(self) -> float:
        """Return RssAnon of the web process in MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def _watch(self) -> None:
        while not self._stopped.wait(0.1):
            self.peak = max(self.peak, self.private_memory())

    def stop(self) -> None:
        """End the server."""
        self._stopped.set()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Traffic:
    """Every answer that came over the wire, by address."""

    def __init__(self) -> None:
        self.requests = 0
        self.moved = 0
        self.largest: tuple[int, str] = (0, "")
        self._addresses: dict[str, str] = {}

    def watch(self, context: BrowserContext, page: Page) -> None:
        """Count what a page loads from now on."""
        tools = context.new_cdp_session(page)
        tools.on("Network.responseReceived", self._begun)
        tools.on("Network.loadingFinished", self._finished)
        tools.send("Network.enable")

    def _begun(self, event: dict[str, Any]) -> None:
        self._addresses[event["requestId"]] = event["response"]["url"]

    def _finished(self, event: dict[str, Any]) -> None:
        size = int(event["encodedDataLength"])
        if size:  # what comes from the browser's own memory moves nothing
            self.requests += 1
            self.moved += size
            address = urlsplit(self._addresses.pop(event["requestId"], "")).path
            self.largest = max(self.largest, (size, address))


def find_browser() -> str | None:
    """Return the path of a Chromium, or None."""
    names = (
        *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "chromium-headless-shell",
    )
    return os.environ.get("CHROME") or next(filter(None, map(shutil.which, names)), None)


def new_page(browser: Any, url: str, traffic: Traffic) -> Page:
    """Return a page of a browser that has never been here, with the probe in it."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "annotator_name", "value": "bench", "url": url}])
    page: Page = context.new_page()
    page.add_init_script(PROBE)
    traffic.watch(context, page)
    return page


def first_page(page: Page, url: str) -> float:
    """Open the Label page and return the milliseconds until it takes keys."""
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.bench?.usable")
    return float(page.evaluate("bench.usable"))


def session(page: Page, images: int, pace: float) -> dict[str, list[float]]:
    """Label images, a key every `pace` seconds, and return the times the probe took."""
    page.wait_for_function("bench.shows()")
    page.evaluate("bench.start()")
    for _ in range(images):
        for digit in range(1, DIGITS_PER_IMAGE + 1):
            page.keyboard.press(f"Digit{digit}")
            page.wait_for_timeout(1000 * pace)
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(1000 * pace)
        page.wait_for_function("bench.shows()")
    page.wait_for_function("bench.settled()")
    times: dict[str, list[float]] = page.evaluate("bench.stop()")
    return times


def jumps(page: Page, ids: list[int]) -> dict[str, list[float]]:
    """Go to images nobody asked for before, and return when each picture was painted."""
    times: dict[str, list[float]] = {"jump_small": [], "jump_large": []}
    for image in ids:
        small, large = page.evaluate("(id) => bench.jump(id)", image)
        times["jump_small"].append(small)
        times["jump_large"].append(large)
        page.wait_for_timeout(1500)  # the server prepares what comes after it, as for a person
    return times


def verify(page: Page, url: str, options: argparse.Namespace) -> dict[str, list[float]]:
    """Go through categories of the Verify page, back through them, then from page to page.

    At last to categories nobody could foresee, by their name.
    """
    measured = ("verify_step", "verify_next", "verify_back", "verify_cold")
    times: dict[str, list[float]] = {name: [] for name in measured}

    def press(key: str, name: str) -> None:
        page.evaluate("bench.arm()")
        page.keyboard.press(key)
        times[name].append(page.evaluate("bench.turned"))

    page.evaluate("(items) => localStorage.setItem('annotator-grid', items)", options.items)
    page.goto(f"{url}/verify#1-{options.mode}", wait_until="commit")
    page.wait_for_function("window.bench?.filled()")
    for _ in range(options.pages):
        page.wait_for_timeout(SECONDS_A_CATEGORY * 1000)
        press("n", "verify_step")
    for _ in range(options.pages):
        press("p", "verify_back")
    for _ in range(options.pages):
        page.wait_for_timeout(SECONDS_A_GRID * 1000)
        press("Enter", "verify_next")
    for number in range(options.pages):
        page.wait_for_timeout(SECONDS_A_CATEGORY * 1000)
        page.keyboard.press("/")
        page.keyboard.type(f"{(options.categories // 2 + 7 * number) % options.categories:03d}")
        press("Enter", "verify_cold")
    return times


def measure(project: Path, size: Size, options: argparse.Namespace) -> Results:
    """Drive the screens and return what was measured."""
    browser_path = find_browser()
    if browser_path is None:
        raise SystemExit("No browser: install chromium or set CHROME=/path/to/chrome.")
    rng = np.random.default_rng(options.seed)
    results, traffic, server = Results(), Traffic(), Server(project)
    note = results.notes.append
    note(f"server: {server.start_seconds:.1f} s to its first line")
    try:
        note(f"RssAnon at start: {server.private_memory():.0f} MB")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
            page = new_page(browser, server.url, traffic)
            results.add("usable_cold", first_page(page, server.url))
            page.wait_for_function("bench.shows()")
            note(f"first page: {traffic.requests} requests, {traffic.moved / 1e6:.2f} MB")
            for name, values in session(page, options.session, options.pace).items():
                results.add(name, *values)
            note(f"RssAnon after {options.session} images: {server.private_memory():.0f} MB")
            far = rng.choice(np.arange(size.finished, size.images), options.jumps, replace=False)
            for name, values in jumps(page, [int(n) + 1 for n in far]).items():
                results.add(name, *values)
            for name, values in verify(page, server.url, options).items():
                results.add(name, *values)
            measure_pages_again(browser, server, traffic, results, options)
            browser.close()
        note(f"RssAnon at the end: {server.private_memory():.0f} MB, peak {server.peak:.0f} MB")
    finally:
        server.stop()
    note(f"requests: {traffic.requests}, {traffic.moved / 1e6:.1f} MB in all")
    note(f"largest answer: {traffic.largest[0] / 1e6:.3f} MB, {traffic.largest[1]}")
    return results


def measure_pages_again(
    browser: Any, server: Server, traffic: Traffic, results: Results, options: argparse.Namespace
) -> None:
    """Open the first page on a warm server, from an empty browser and from one that knows it."""
    for _ in range(options.loads):
        page = new_page(browser, server.url, traffic)
        results.add("usable_warm", first_page(page, server.url))
        page.wait_for_function("bench.shows()")
        results.add("usable_again", first_page(page, server.url))
        page.context.close()


def table(results: Results) -> str:
    """Return the measurements as Markdown."""
    lines = [
        "| measured | p50 | p95 | max | times | target (p95) | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, target in TARGETS.items():
        values = results.times.get(name, [])
        if not values:
            continue
        middle, slow, most = np.percentile(values, [50, 95, 100])
        met = "met" if slow < target.limit else "missed"
        lines.append(
            f"| {target.name} | {middle:.0f} | {slow:.0f} | {most:.0f} | {len(values)} "
            f"| < {target.limit:.0f} ms | {met} |"
        )
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=Size.images)
    parser.add_argument("--categories", type=int, default=Size.categories)
    parser.add_argument("--originals", type=int, default=Size.originals)
    parser.add_argument("--session", type=int, default=200, help="images to label")
    parser.add_argument("--pace", type=float, default=0.3, help="seconds between two keys")
    parser.add_argument("--jumps", type=int, default=30)
    parser.add_argument("--pages", type=int, default=12, help="of the Verify page")
    parser.add_argument("--items", type=int, default=VERIFY_ITEMS, help="on one of those pages")
    parser.add_argument("--mode", default="confirm", help="of the Verify page")
    parser.add_argument("--loads", type=int, default=5)
    parser.add_argument(
        "--bare", action="store_true", help="without the small pictures that embedding leaves"
    )
    parser.add_argument("--seed", type=int, default=Size.seed)
    return parser.parse_args()


def main() -> None:
    """Build, measure and print."""
    options = arguments()
    size = Size(options.images, options.categories, options.originals, seed=options.seed)
    folder = OUT / f"{size.images}x{size.categories}"
    project = fresh_copy(build(folder, size), folder / "measured", bare=options.bare)
    before = os.getloadavg()[0]
    results = measure(project, size, options)
    print(f"{machine()}; load {before:.1f} before, {os.getloadavg()[0]:.1f} after")
    print(f"commit {commit()}, seed {options.seed}, {size.images:,} images x {size.categories}\n")
    print(table(results))
    print()
    print("\n".join(f"- {line}" for line in results.notes))


if __name__ == "__main__":
    main()
