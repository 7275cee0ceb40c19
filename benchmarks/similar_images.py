"""Measures lists by likeness, near duplicates and the map on a project of many images.

    python benchmarks/similar_images.py [--images 100000] [--no-map] [--no-browser] [--seed 0]

Makes a project in a temporary folder: rows without files, and drawn features of 1,280 numbers in
float16 with their search vectors, around as many centres as there are kinds of pictures. The web
process: a list sorted by likeness to one image and to a hundred, near duplicates side by side, the
places and colours of the map. The worker: finding near duplicates and drawing the map, on one
thread. The browser: drawing one frame of the map while it is moved, with the page's own modules.
Seconds of the clock and of the processor; prints a Markdown table.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
from playwright.sync_api import Route, sync_playwright
from screens import FLAGS, find_browser
from store import commit, machine

from annotator.arrays import likeness
from annotator.arrays.features import FeatureFiles
from annotator.services.app import Services
from annotator.settings import Project, Settings, save_project
from annotator.store import Store, categories, images
from annotator.store.categories import NewCategory
from annotator.store.images import FoundImage
from annotator.ui.web.static_files import STATIC
from annotator.wire.image_list import ListRequest
from annotator.wire.image_map import MapColoursRequest
from annotator.wire.request import Request
from annotator.worker.picture_map import near_duplicates, placed

REPEATS = 5
WIDTH = 1280
CENTRES = 300
TWINS = 0.02
"""Share of the images that are another one with a little noise."""
BATCH = 5000

FRAMES = """async ({ images, frames }) => {
  const { MapPoints } = await import('/images/map_points.js');
  const { MapCanvas } = await import('/images/map_canvas.js');
  const packed = (array) => {
    const bytes = new Uint8Array(array.buffer);
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) {
      text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return btoa(text);
  };
  const places = Uint16Array.from({ length: 2 * images }, () => Math.random() * 65535);
  const ids = Uint32Array.from({ length: images }, (_, at) => at + 1);
  const points = new MapPoints({ ids: packed(ids), places: packed(places), of: 0, without: 0 });
  const drawing = new MapCanvas(document.querySelector('canvas'));
  const shown = { subject: 'category', listed: null, selected: new Set(), lines: [] };
  return Array.from({ length: frames }, () => {
    const start = performance.now();
    drawing.pan(3, 2);
    drawing.draw(points, shown);
    return (performance.now() - start) / 1000;
  });
}"""

Row = tuple[str, list[float], list[float]]
"""What was measured, seconds of the clock and seconds of the processor."""


def make(path: Path, count: int, seed: int) -> Project:
    """Return a new project with features."""
    path.mkdir()
    project = Project(path, Settings(roots={"main": "pictures"}))
    save_project(project)
    with closing(Store.create(project.database_url)) as store, store.writing() as tx:
        categories.add(tx, [NewCategory(name=name) for name in ("cat", "dog", "lamp")])
        digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
        found = [FoundImage(f"{d[:2]}/{d[:12]}.jpg", d, 640, 480, "JPEG", 1, 1) for d in digests]
        images.add(tx, "main", found, [])
    files = FeatureFiles.create(
        project.features_path, backbone=project.settings.backbone, pooled_dim=WIDTH, rows=count
    )
    for start, pooled, search in drawn(count, seed):
        rows = np.arange(start, start + len(pooled))
        files.write(rows, pooled, np.zeros((len(rows), 0, 0)), search)
    return project


def drawn(count: int, seed: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield first row, pooled `(b, 1280)` and search vectors `(b, 128)` of parts of the images."""
    numbers = np.random.default_rng(seed)
    centres = numbers.standard_normal((CENTRES, WIDTH))
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        pooled = centres[numbers.integers(CENTRES, size=size)]
        pooled = pooled + numbers.standard_normal((size, WIDTH))
        twins = numbers.choice(size, round(TWINS * size), replace=False)
        pooled[twins] = pooled[twins - 1] + 0.1 * numbers.standard_normal((len(twins), WIDTH))
        search = pooled[:, :: WIDTH // 128]
        yield start, pooled, search / np.linalg.norm(search, axis=1, keepdims=True)


def timed(name: str, act: Callable[[], object], repeats: int = 1) -> Row:
    """Return how long something takes."""
    walls, spent = [], []
    for _ in range(repeats):
        wall, own = time.perf_counter(), time.process_time()
        act()
        walls.append(time.perf_counter() - wall)
        spent.append(time.process_time() - own)
    return name, walls, spent


def compared(project: Project, with_map: bool) -> list[Row]:
    """Return what the worker's job takes, and leave its files for the pages."""
    files = FeatureFiles.open(project.features_path)
    assert files is not None
    vectors, made_of = np.array(files.search), likeness.stamps(files)
    kept: dict[str, np.ndarray] = {}
    rows = [timed("near duplicates found", lambda: kept.update(groups=near_duplicates(vectors)))]
    if with_map:
        rows.append(timed("map drawn", lambda: kept.update(places=placed(vectors))))
    places = kept.get("places", vectors[:, :2])
    groups = likeness.Comparison(kept["groups"], made_of)
    likeness.write(files.path, likeness.GROUPS, groups)
    likeness.write(files.path, likeness.MAP, likeness.Comparison(places, made_of))
    found = f"{(groups.values >= 0).sum():,} images in {groups.values.max() + 1:,} groups"
    print(f"near duplicates: {found}")
    return rows


def asked(project: Project) -> list[Row]:
    """Return what the pages' questions take."""
    rows = []
    with closing(Services.open(project.path)) as opened:
        listed = opened.image_list.listed
        rows.append(timed("first look at a project", lambda: listed("ann", ListRequest())))
        for name, sort, text in (
            ("most similar to one image", "like:17", "-id:17"),
            ("most similar to a hundred", "like:1000..1099", "-id:1000..1099"),
            ("the same, still unknown ones", "like:1000..1099", "unknown:cat"),
            ("near duplicates side by side", "duplicates", "is:duplicate"),
        ):
            request = ListRequest(filter=text, sort=sort)
            rows.append(timed(f"{name}, all listed", partial(listed, "ann", request), REPEATS))
        said = opened.image_map
        rows.append(timed("places of the map", lambda: said.places("ann", Request()), REPEATS))
        colours = MapColoursRequest(by="category", category=1)
        rows.append(timed("its colours", lambda: said.colours("ann", colours), REPEATS))
        size = sum(map(len, map(str, said.places("ann", Request()).values())))
        places = base64.b64decode(said.places("ann", Request())["ids"])
        print(f"the map's reply: {size / 1e6:.1f} MB for {len(places) // 4:,} images")
    return rows


def frames(count: int) -> Row:
    """Return what a frame of the map takes in the browser; the processor's share is not told."""

    def give(route: Route) -> None:
        path = STATIC / route.request.url.removeprefix("http://map.example/")
        if path.is_file():
            route.fulfill(path=path, content_type="text/javascript")
        else:
            canvas = '<canvas style="width: 1400px; height: 700px"></canvas>'
            route.fulfill(body=canvas, content_type="text/html")

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=[*FLAGS])
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.route("http://map.example/**", give)
        page.goto("http://map.example/")
        times = page.evaluate(FRAMES, {"images": count, "frames": 60})
        chromium.close()
    return "a frame of the map in the browser", times, [float("nan")]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--no-map", action="store_true")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make(Path(folder) / "p", options.images, options.seed)
        rows = compared(project, not options.no_map) + asked(project)
    if not options.no_browser:
        rows.append(frames(options.images))
    print(f"{machine()}, commit {commit()}, seed {options.seed}, {options.images:,} images\n")
    print("| what | s, median | s, most | processor s, median |\n| --- | ---: | ---: | ---: |")
    for name, walls, spent in rows:
        print(f"| {name} | {np.median(walls):.3f} | {max(walls):.3f} | {np.median(spent):.2f} |")


if __name__ == "__main__":
    main()
