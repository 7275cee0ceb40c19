"""Every page in both themes: readable, labelled, reachable by Tab, and no wider than a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.settings import Project
from annotator.store import categories
from annotator.ui.app import PAGES
from annotator.wire.label import FlagRequest
from annotator.wire.recording import SaveRequest
from publishing import publish

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ADDRESSES = {"Label": "/", **{name: f"/{name.lower()}" for name, _ in PAGES}}
IMAGES = 40
NAMES = ["cat", "dog", "bird", "fish", "tree", "car", "cup", "Ärmel", "<b>bold</b>", "שלום"]

RULES: dict[Literal["light", "dark"], dict[str, Any]] = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""What is tested in each theme: they differ in their colours only. A page is loaded in the last."""

GRADIOS_OWN = {
    # The box of a plot without data has an `aria-label` and no role. It is empty; a note beside it
    # says what it waits for.
    ("aria-prohibited-attr", 'aria-label="Empty value"'),
}
"""Rules that Gradio's own widgets break and no style can mend, with a part of the element."""

STOPS = 400
"""Presses of Tab after which a page counts as a trap."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Make a project with a bit of everything: suggestions, answers, a conflict, a note."""
    folder = tmp_path_factory.mktemp("accessible") / "pictures"
    folder.mkdir()
    for number in range(IMAGES):
        color = (6 * number, 120, 240 - 6 * number)
        Image.new("RGB", (320, 240), color).save(folder / f"{number:02d}.png")
    made = create_project(folder.parent / "p", folder, names=NAMES).project
    scores = np.tile(np.linspace(3, -3, IMAGES)[:, None], (1, len(NAMES)))
    publish(made, scores, ranked=(3,))
    services = Services.open(made.path)
    for name, states in (("Ann", ("present", "absent", "unsure")), ("Bob", ("absent", "absent"))):
        for category, state in enumerate(states, 1):
            change = {"category": category, "state": state, "score": 0.7}
            operation = {"op": f"{name}{category}", "kind": "answer", "image": 1, "version": 1}
            services.recording.save(name, SaveRequest(**operation, changes=[change]))
    services.flags.add("Bob", FlagRequest(image=1, note="Is this sharp enough?"))
    with services.store.writing() as tx:
        categories.edit(tx, 2, supercategory="animal", description="Any dog.", hotkey="d")
    services.close()
    return made


@pytest.fixture(scope="module")
def url(project: Project, serve_once: Callable[..., Any]) -> str:
    return str(serve_once(project.path, "--no-worker").url)


def visit(page: Page, address: str) -> None:
    """Open a page and wait until it shows what it has."""
    page.goto(address)
    expect(page.locator(".an-trainer:not(:empty)")).to_be_visible()
    page.wait_for_function(
        """() => {
            const board = document.querySelector('.an-root');
            if (board) return board.children.length > 0 && !board.hasAttribute('aria-busy');
            const controls = [...document.querySelectorAll('button, input, select, a[href]')];
            return controls.some((one) => one.offsetParent && !one.closest('#an-frame'))
                && !document.querySelector('[data-testid=status-tracker]:not(.hide)');
        }"""
    )
    page.add_style_tag(content="* { transition: none !important; animation: none !important }")
    page.evaluate("() => document.fonts.ready.then(() => null)")


def states(page: Page, name: str) -> Iterator[str]:
    """Bring a page into each state that looks different, one after the other."""
    yield name
    if name == "Label":
        page.keyboard.press("?")
        expect(page.locator("dialog[open]")).to_be_visible()
        yield "Label, help"
    if name == "Probe":
        page.keyboard.press("Enter")
        expect(page.locator(".pb-card[open]")).to_have_attribute("data-ready", "true")
        yield "Probe, card"
    if name == "Images":
        page.keyboard.press("Space")
        page.keyboard.press("t")
        expect(page.locator(".im-line[aria-selected=true]")).to_be_visible()
        yield "Images, table"
        page.keyboard.press("/")
        page.keyboard.type("present:")
        expect(page.get_by_role("listbox", name="Words of the filter")).to_be_visible()
        yield "Images, words of the filter"
    if name == "Settings":
        tabs = page.get_by_role("tab")
        for place in range(1, tabs.count()):
            tabs.nth(place).click()
            expect(tabs.nth(place)).to_have_attribute("aria-selected", "true")
            yield f"Settings, {tabs.nth(place).inner_text()}"


def violations(page: Page, theme: Literal["light", "dark"]) -> list[str]:
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("dark => document.body.matches('.dark') === dark", arg=theme == "dark")
    options = {"runOnly": RULES[theme], "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))} ({node['html'][:120]})"
        for rule in found
        for node in rule["nodes"]
        if not any(rule["id"] == known and part in node["html"] for known, part in GRADIOS_OWN)
    ]


def test_no_page_breaks_a_rule_of_wcag_aa(url: str, open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank", name=None, color_scheme="dark")
    sign_in(page, url)
    broken = {}

    for name, path in ADDRESSES.items():
        visit(page, url + path)
        assert page.evaluate("document.body.classList.contains('dark')")
        page.evaluate(Axe().axe_script)
        for state in states(page, name):
            for theme in RULES:
                broken[f"{state}, {theme}"] = violations(page, theme)

    assert [f"{state}: {one}" for state, found in broken.items() for one in found] == []


CUT = Path(__file__).parents[2] / "benchmarks" / "accessibility_cut.js"


def cut(page: Page) -> list[str]:
    """Return the buttons, headings and fields of which something cannot be read."""
    found: list[str] = page.evaluate(CUT.read_text(encoding="utf-8"))
    return found


def test_text_that_is_cut_is_found(open_page: Callable[..., Page]) -> None:
    page = open_page("about:blank", name=None)
    page.set_content(
        "<style>.s { width: 60px; overflow: hidden; white-space: nowrap }</style>"
        '<button class="s">A sentence of some length</button><button>A whole one</button>'
        '<h2 class="s" title="All of it is said here">All of it is said here</h2>'
        '<select style="width: 60px"><option>The longest of all choices</option></select>'
    )

    assert cut(page) == [
        'button "A sentence of some length"',
        'select "The longest of all choices"',
    ]


def test_no_page_is_wider_than_a_phone_and_no_text_is_cut(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(
        "about:blank", name=None, viewport={"width": 390, "height": 844}, has_touch=True
    )
    sign_in(page, url)
    wide, unread = {}, {}

    for name, path in ADDRESSES.items():
        visit(page, url + path)
        width = page.evaluate("document.documentElement.scrollWidth")
        wide.update({name: width} if width > 390 else {})
        unread[name] = cut(page)

    assert wide == {}
    assert {name: found for name, found in unread.items() if found} == {}


def test_tab_goes_through_every_page_and_out_again(
    url: str, open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank", name=None)
    sign_in(page, url)

    for name, path in ADDRESSES.items():
        visit(page, url + path)
        assert page.evaluate("!document.body.classList.contains('dark')")
        stops = tab_through(page)

        assert len(stops) < STOPS, f"{name} does not let go of the focus: {stops[-3:]}"
        assert sum("nav" in stop for stop in stops) >= len(ADDRESSES) - 1, f"{name}: {stops}"
        assert any("page" in stop for stop in stops), f"{name}: {stops}"


def tab_through(page: Page) -> list[str]:
    """Press Tab until the focus leaves the page or comes round; where it was, in order."""
    page.evaluate("window.been = new Set()")
    stops: list[str] = []
    while len(stops) < STOPS:
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body || window.been.has(at)) return null;
                window.been.add(at);
                const part = at.closest('#an-frame nav') ? 'nav' : 'page';
                return `${part} ${at.outerHTML.slice(0, 60)}`;
            }"""
        )
        if stop is None:
            return stops
        stops.append(stop)
    return stops


def sign_in(page: Page, url: str) -> None:
    page.context.add_cookies([{"name": "annotator_name", "value": "Ann", "url": url}])
