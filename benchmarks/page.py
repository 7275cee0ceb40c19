"""Measures the Label page in a real browser: key to paint, key to saved, next image.

Serves a project (or one made of drawn pictures) without a trainer, drives Chromium through
Playwright and prints p50 and p95 in milliseconds.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from annotator.services.project.creation import create_project

MEASURE = """
async (count) => {
  const saved = () => document.querySelector('.an-saved').dataset.state === 'saved';
  const rest = (ms) => new Promise((r) => setTimeout(r, ms));
  const until = async (reached) => { while (!reached()) await rest(0); };
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
  }));
  const press = (key, code) => document.body.dispatchEvent(
    new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true }));
  const result = { paint: [], saved: [], next: [] };
  const place = () => document.querySelector('.an-place').textContent;
  for (let i = 0; i < count; i += 1) {
    let start = performance.now();
    press('1', 'Digit1');
    await painted();
    result.paint.push(performance.now() - start);
    await until(saved);
    result.saved.push(performance.now() - start);
    const before = place();
    start = performance.now();
    press('ArrowRight', 'ArrowRight');
    await until(() => place() !== before);
    const image = document.querySelector('.an-image');
    await image.decode().catch(() => {});
    await painted();
    result.next.push(performance.now() - start);
    await until(saved);
    await rest(120);
  }
  return result;
}
"""


def make_project(folder: Path, count: int, categories: int) -> Path:
    """Make a project of plain pictures."""
    pictures = folder / "pictures"
    pictures.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        tile = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(tile).resize((640, 480)).save(pictures / f"{number:06d}.jpg")
    names = [f"category {n}" for n in range(categories)]
    return create_project(folder / "project", pictures, names=names).project.path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, help="an existing project; default: a new one")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--categories", type=int, default=50)
    parser.add_argument("--count", type=int, default=60)
    options = parser.parse_args()
    browser = os.environ.get("CHROME") or shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("No browser: install chromium or set CHROME=/path/to/chrome.")
    with tempfile.TemporaryDirectory() as temporary:
        project = options.project or make_project(
            Path(temporary), options.images, options.categories
        )
        words = ["serve", str(project), "--no-worker", "--port", "0"]
        server = subprocess.Popen(
            [sys.executable, "-m", "annotator", *words], stdout=subprocess.PIPE, text=True
        )
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            assert found is not None
            measure(browser, found[0], options.count)
        finally:
            server.terminate()
            server.wait()


def measure(browser: str, url: str, count: int) -> None:
    """Drive the page and print what it took."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": "annotator_name", "value": "bench", "url": url}])
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector(".an-asking .an-row")
        page.wait_for_timeout(1500)
        result = page.evaluate(MEASURE, count)
        chromium.close()
    print(f"{platform.machine()}, {platform.python_version()}, {count} presses")
    for name, values in result.items():
        middle, tail = np.percentile(values, [50, 95])
        print(f"{name:6} p50 {middle:6.1f} ms  p95 {tail:6.1f} ms")


if __name__ == "__main__":
    main()
