"""Makes the pictures in `docs/images`: every page, light and dark, on the drawn example.

    python scripts/screenshots.py [--project DIR] [--only label,verify]

Needs a browser (see `scripts/ensure-browser`). Without `--project` the example is made first, which
takes some minutes. The project is copied; the original is left alone.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from annotator.wire.recording import SaveRequest, VisitRequest

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SCENE, EXPLAINED = "scene-00974", "scene-00578"
Truth = dict[str, set[str]]
Act = Callable[[Page, str, Truth], None]


def main() -> None:
    """Make all pictures, or those that `--only` names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="a project of the drawn scenes")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    names = [name for name in chosen.only.split(",") if name] or list(SHOTS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        project = copy_of(chosen.project or make_example(Path(folder)), Path(folder))
        path = os.environ.get("CHROME") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        truth = truth_of(project)
        work(project, truth, ("Ann", "Bob"))
        command("train", str(project))
        with serve(project) as url:
            for name in names:
                for theme in ("light", "dark"):
                    shoot(browser, url, name, theme, truth, chosen.out)
        browser.close()


def make_example(folder: Path) -> Path:
    """Return a freshly made example project with a first version."""
    from annotator.demo.example import make_demo

    project = make_demo("scenes", folder / "example")
    command("train", str(project))
    return project


def copy_of(project: Path, folder: Path) -> Path:
    """Return a copy of a project whose image roots are absolute."""
    import tomlkit

    target = folder / "Scenes"
    shutil.copytree(project, target)
    file = target / "project.toml"
    settings = tomlkit.parse(file.read_text(encoding="utf-8"))
    roots = settings["roots"]
    for name, path in list(roots.items()):  # type: ignore[union-attr]
        roots[name] = str((project / str(path)).resolve())  # type: ignore[index]
    file.write_text(tomlkit.dumps(settings), encoding="utf-8")
    return target


def command(*arguments: str) -> None:
    """Run `annotator`."""
    subprocess.run([sys.executable, "-m", "annotator", *arguments], check=True)


@contextmanager
def serve(project: Path) -> Iterator[str]:
    """Serve a project with its trainer, and yield its address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "annotator", "serve", str(project), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found, "the server did not start"
        yield found[0]
    finally:
        server.terminate()
        server.wait(60)


def open_page(browser: Browser, url: str, theme: str, size: dict[str, int]) -> Page:
    """Return a page of a person who has been here before."""
    context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    context.add_cookies([{"name": "annotator_name", "value": "Ann", "url": url}])
    page = context.new_page()
    page.goto(url)
    expect(page.locator(".an-row").first).to_be_visible(timeout=60_000)
    page.wait_for_timeout(500)
    page.keyboard.press("Escape")  # the keys of the first visit
    return page


def truth_of(project: Path) -> dict[str, set[str]]:
    """Return which categories are in each picture, by file name."""
    import tomllib

    settings = tomllib.loads((project / "project.toml").read_text(encoding="utf-8"))
    (root,) = settings["roots"].values()
    coco = json.loads((Path(root).parent / "truth" / "truth.json").read_text(encoding="utf-8"))
    names = {c["id"]: c["name"] for c in coco["categories"]}
    files = {i["id"]: Path(i["file_name"]).name for i in coco["images"]}
    found: dict[str, set[str]] = {file: set() for file in files.values()}
    for annotation in coco["annotations"]:
        found[files[annotation["image_id"]]].add(names[annotation["category_id"]])
    return found


def set_back(database: Path, by: timedelta) -> None:
    """Move what happened so far into the past, so that the charts span more than a minute."""
    step = int(by.total_seconds() * 1_000_000)
    with sqlite3.connect(database) as raw:
        raw.execute(f"UPDATE operation SET happened_at = happened_at - {step}")
        raw.execute(f"UPDATE operation SET recorded_at = recorded_at - {step}")
        raw.execute(f"UPDATE version SET created_at = created_at - {step}")
    raw.close()


def work(project: Path, truth: dict[str, set[str]], people: tuple[str, ...]) -> None:
    """Answer some pictures as people would have, so that the pages have something to show."""
    from annotator.services.app import Services
    from annotator.settings import load_project
    from annotator.store import Store

    opened = load_project(project)
    moment = datetime.now(UTC) - timedelta(minutes=90)
    set_back(project / opened.settings.database, timedelta(days=2))
    services = Services(opened, Store.open(opened.database_url), lambda: moment)
    try:
        for number in range(90):
            who = people[number % len(people)]
            moment += timedelta(seconds=4)
            (image,) = services.labelling.next_images(who, who, count=1)["images"]
            (item,) = services.labelling.items(who, [image])
            if EXPLAINED in item["name"]:  # its suggestions are shown later
                continue
            shown = services.labelling.start(who)["categories"]
            present = truth[Path(item["name"]).name]
            still = [c for c in shown if str(c["id"]) not in item["labels"]]
            for category in still[:6] if number % 3 else still:
                state = "present" if category["name"] in present else "absent"
                change = {"category": category["id"], "state": state, "source": "human"}
                ids = {"op": f"{number}-{category['id']}", "kind": "answer", "image": image}
                moment += timedelta(seconds=2)
                services.recording.save(who, SaveRequest(**ids, ms=2000, changes=[change]))
            services.labelling.visit(who, VisitRequest(op=f"v{number}", image=image, shown=[]))
    finally:
        services.close()


def shoot(browser: Browser, url: str, name: str, theme: str, truth: Truth, out: Path) -> None:
    """Write one picture as `NAME-THEME.webp`."""
    size, act = SHOTS[name]
    page = open_page(browser, url, theme, size)
    act(page, url, truth)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)
    taken = Image.open(io.BytesIO(page.screenshot()))
    out.mkdir(parents=True, exist_ok=True)
    taken.save(out / f"{name}-{theme}.webp", quality=86, method=6)
    print(f"{name}-{theme}.webp")
    page.context.close()


def label(page: Page, url: str, truth: Truth) -> None:
    """Show an image with some answers."""
    del url
    go_to(page, SCENE)
    present = next(names for file, names in truth.items() if SCENE in file)
    rows = page.locator(".an-asking .an-row")
    answers = {"present": 0, "absent": 0}
    for place, row in enumerate(rows.all()[:9]):
        state = "present" if row.locator(".an-name").inner_text() in present else "absent"
        if answers[state] < 2:
            answers[state] += 1
            page.keyboard.press(f"{'' if state == 'present' else 'Shift+'}Digit{place + 1}")


def evidence(page: Page, url: str, truth: Truth) -> None:
    """Show why something is suggested."""
    del url, truth
    go_to(page, EXPLAINED)
    page.keyboard.press("e")
    page.wait_for_timeout(2500)


def go_to(page: Page, name: str) -> None:
    """Open the image whose file name has this in it."""
    page.keyboard.press("o")
    page.keyboard.type(name)
    page.wait_for_timeout(1200)
    page.keyboard.press("Enter")
    page.wait_for_timeout(1500)


def verify(page: Page, url: str, truth: Truth) -> None:
    """Show a grid whose wrong guesses are flipped."""
    page.goto(f"{url}/verify")
    page.wait_for_timeout(4000)
    category = page.locator(".vf-category b").inner_text()
    for cell in page.locator(".vf-tile").all():
        name = cell.get_attribute("aria-label") or ""
        file = next((file for file in truth if file in name), None)
        if file is not None and category not in truth[file]:
            cell.click()


def probe(page: Page, url: str, truth: Truth) -> None:
    """Show a probe."""
    del truth
    page.goto(f"{url}/probe")
    page.wait_for_timeout(1500)
    page.keyboard.press("Enter")
    page.wait_for_timeout(1500)


def at(address: str) -> Act:
    """Return what opens a page and lets it settle."""

    def act(page: Page, url: str, truth: Truth) -> None:
        del truth
        page.goto(f"{url}/{address}")
        page.wait_for_timeout(6000)

    return act


def certify(page: Page, url: str, truth: Truth) -> None:
    """Show the promises, each with its price."""
    del truth
    page.goto(f"{url}/certify")
    expect(page.locator("#certify-note")).to_contain_text("Forecasts", timeout=60_000)


SHOTS: dict[str, tuple[dict[str, int], Act]] = {
    "label": (DESKTOP, label),
    "evidence": (DESKTOP, evidence),
    "verify": (DESKTOP, verify),
    "probe": (DESKTOP, probe),
    "review": (DESKTOP, at("review")),
    "images": (DESKTOP, at("images#filter=is:partly&sort=newest")),
    "progress": (DESKTOP, at("progress")),
    "train": (DESKTOP, at("train")),
    "certify": (DESKTOP, certify),
    "export": (DESKTOP, at("export")),
    "settings": (DESKTOP, at("settings")),
    "label-phone": (PHONE, label),
    "verify-phone": (PHONE, verify),
}


if __name__ == "__main__":
    main()
