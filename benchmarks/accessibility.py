"""Checks every page of a project for WCAG AA, sideways scrolling and cut text, at many widths.

    python benchmarks/accessibility.py PROJECT [--pages "Label;Review"] [--widths 390,1440]
                                       [--zooms 100,150] [--themes light,dark] [--shots DIR]

The project should have a bit of everything: answers, a version, a flag. It is copied, and served as
the only project of a folder, so that the page of projects is there as well. Each page is opened
once in each theme, then the window changes its size. At a zoom of 150 % a page has two thirds of
the width and 1.5 device pixels to one of its own, as in a browser. In light all rules of axe-core
for WCAG 2.1 A and AA are run, in dark those of colours. Text is cut where a button, a heading, a
tab, a column head or a choice has more than can be seen, no scroll bar, and no `title` that says
all of it. Prints a Markdown table and ends with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page, expect, sync_playwright
from screens import FLAGS, Server, find_browser
from store import commit, machine

PAGES = {
    "Projects": "",
    "Label": "{project}/",
    "Label, end": "{project}/",
    "Verify": "{project}/verify",
    "Probe": "{project}/probe",
    "Review": "{project}/review",
    "Images": "{project}/images",
    "Progress": "{project}/progress",
    "Train": "{project}/train",
    "Certify": "{project}/certify",
    "Export": "{project}/export",
    "Settings": "{project}/settings",
    "Unknown address": "{project}/nothing/here",
}
WIDTHS = (390, 768, 1024, 1440, 1920, 2560)
ZOOMS = (100, 150)
"""Per cent."""
HEIGHTS = {390: 844}
"""Of a phone; all others are 900 pixels high."""

PATIENCE = 180_000
"""Milliseconds to wait for anything: other programs may need the processors as well."""

RULES = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""What is run in each theme: they differ in their colours only."""

GRADIOS_OWN = {("aria-prohibited-attr", 'aria-label="Empty value"')}
"""Rules that Gradio's own widgets break and no style can mend, with a part of the element."""

CONTENT = {
    "Progress": "#progress-counts .pg",
    "Train": "#version-table td, #versions-none",
    "Certify": "#certify-state .pg",
    "Export": "#export-counts .pg",
    "Settings": "#category-table .body-cell",
}
"""What a page of Gradio shows last."""

IS_READY = """() => {
    const board = document.querySelector('.an-root');
    if (board) return board.children.length > 0 && !board.hasAttribute('aria-busy');
    const shown = [...document.querySelectorAll('button, input, a[href], main')]
        .filter((one) => one.offsetParent && !one.closest('#an-frame'));
    return shown.length > 0 && !document.querySelector('[data-testid=status-tracker]:not(.hide)');
}"""

CUT = (Path(__file__).resolve().parent / "accessibility_cut.js").read_text(encoding="utf-8")
DRAWN = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
    () => setTimeout(done, 150))))"""
"""Two frames, and what waits a moment after the last change of size."""

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Found:
    """What was wrong with one page at one width, and how often it was looked at."""

    rules: Counter[str] = field(default_factory=Counter)
    wide: int = 0
    cut: int = 0
    looks: int = 0

    def text(self) -> str:
        """Return a cell of the table."""
        parts = [f"{rule} {count}" for rule, count in sorted(self.rules.items())]
        parts += [f"{name} {count}" for name, count in (("wide", self.wide), ("cut", self.cut))]
        return ", ".join(part for part in parts if not part.endswith(" 0")) or "0"


@dataclass(frozen=True)
class Window:
    """One size of the window."""

    width: int
    zoom: int

    def show(self, page: Page, tools: CDPSession) -> None:
        """Give a page this size, and wait until it is drawn."""
        scale = self.zoom / 100
        tools.send(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": round(self.width / scale),
                "height": round(HEIGHTS.get(self.width, 900) / scale),
                "deviceScaleFactor": scale,
                "mobile": False,
            },
        )
        page.evaluate(DRAWN)


def new_page(browser: Browser, url: str, theme: str) -> Page:
    """Return an empty page of somebody who has given a name."""
    context = browser.new_context(color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    context.add_cookies([{"name": "annotator_name", "value": "Ann", "url": url}])
    return context.new_page()


def copy_of(project: Path, folder: Path) -> Path:
    """Return a copy of a project whose image roots are absolute."""
    target = folder / project.resolve().name
    shutil.copytree(project, target)
    file = target / "project.toml"
    settings: Any = tomlkit.parse(file.read_text(encoding="utf-8"))
    for name, path in list(settings["roots"].items()):
        settings["roots"][name] = str((project / str(path)).resolve())
    file.write_text(tomlkit.dumps(settings), encoding="utf-8")
    return target


def visit(page: Page, name: str, address: str) -> None:
    """Open a page and wait until it shows what it has."""
    page.goto("about:blank")  # addresses may differ behind # only
    page.goto(address)
    page.wait_for_function(IS_READY)
    if name in CONTENT:
        expect(page.locator(CONTENT[name]).first).to_be_visible()
    if page.locator("#an-frame").count():
        expect(page.locator(".an-trainer:not(:empty)")).to_be_attached()
    page.add_style_tag(content="* { transition: none !important; animation: none !important }")
    page.evaluate("() => document.fonts.ready.then(() => null)")
    page.keyboard.press("Escape")  # the keys of the first visit
    while name == "Label, end" and not page.locator(".an-end").is_visible():
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)


def states(page: Page, name: str) -> Iterator[str]:
    """Bring a page into each state that looks different, one after the other."""
    yield name
    if name in ("Label", "Review"):
        page.keyboard.press("?")
        expect(page.locator("dialog[open]")).to_be_visible()
        yield f"{name}, help"
    if name == "Probe":
        page.keyboard.press("Enter")
        expect(page.locator(".pb-card[open]")).to_have_attribute("data-ready", "true")
        yield "Probe, card"
    if name == "Images":
        page.keyboard.press("Space")
        page.keyboard.press("t")
        expect(page.locator(".im-line[aria-selected=true]")).to_be_visible()
        yield "Images, table"
    if name == "Settings":
        for tab in page.get_by_role("tab").all():
            text = tab.inner_text()
            tab.click()
            expect(tab).to_have_attribute("aria-selected", "true")
            if text != "Categories":  # was open already
                yield f"Settings, {text}"


def look(page: Page, theme: str, found: Found) -> list[str]:
    """Add what is wrong with a page as it is; returns a line for each."""
    options = {"runOnly": RULES[theme], "resultTypes": ["violations"]}
    lines = []
    for rule in Axe().run(page, options=options).response["violations"]:
        for node in rule["nodes"]:
            if (rule["id"], True) in {(name, text in node["html"]) for name, text in GRADIOS_OWN}:
                continue
            found.rules[rule["id"]] += 1
            lines.append(f"{rule['id']}: {node['target']} {node['html'][:160]}")
    wide = page.evaluate(WIDE)
    if wide > 0:
        found.wide += 1
        lines.append(f"scrolls sideways by {wide} pixels")
    cut = page.evaluate(CUT)
    found.cut += len(cut)
    found.looks += 1
    return lines + [f"cut: {text}" for text in cut]


def check(browser: Browser, url: str, project: str, options: argparse.Namespace) -> list[list[str]]:
    """Look at all pages in all ways and return the rows of the table."""
    names = [name.strip() for name in options.pages.split(";")] if options.pages else list(PAGES)
    widths, zooms = (
        [int(each) for each in listed.split(",")] for listed in (options.widths, options.zooms)
    )
    windows = [Window(width, zoom) for zoom in zooms for width in widths]
    cells = {(name, width): Found() for name in names for width in widths}
    for theme in options.themes.split(","):
        for name in names:
            page = new_page(browser, url, theme)
            tools = page.context.new_cdp_session(page)
            windows[0].show(page, tools)
            visit(page, name, f"{url}/{PAGES[name].format(project=project)}")
            for state in states(page, name):
                for window in windows:
                    window.show(page, tools)
                    for line in look(page, theme, cells[name, window.width]):
                        print(f"{state}, {window.width} at {window.zoom} %, {theme}: {line}")
                    if options.shots:
                        file = f"{state}-{window.width}-{window.zoom}-{theme}.png"
                        page.screenshot(path=options.shots / file.replace(", ", "-"))
                windows[0].show(page, tools)
            page.context.close()
    return [[name, *(cells[name, width].text() for width in widths)] for name in names]


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--pages", default="", help=f"of {'; '.join(PAGES)}")
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    parser.add_argument("--zooms", default=",".join(map(str, ZOOMS)), help="in per cent")
    parser.add_argument("--themes", default=",".join(RULES))
    parser.add_argument("--shots", type=Path, help="folder for a screenshot of each look")
    return parser.parse_args()


def main() -> int:
    """Look at all pages and print what is wrong; returns the exit status."""
    options = arguments()
    expect.set_options(timeout=PATIENCE)
    path = find_browser()
    if path is None:
        raise SystemExit("No browser: install chromium or set CHROME=/path/to/chrome.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project = copy_of(options.project, Path(folder))
        server = Server(Path(folder))
        try:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            rows = check(browser, server.url, project.name, options)
            browser.close()
        finally:
            server.stop()
    widths = options.widths.split(",")
    print(f"\n{machine()}; load {os.getloadavg()[0]:.1f}; commit {commit()}\n")
    print(f"| page | {' | '.join(widths)} |\n|{' --- |' * (len(widths) + 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    return int(any(cell != "0" for row in rows for cell in row[1:]))


if __name__ == "__main__":
    sys.exit(main())
