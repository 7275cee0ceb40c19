"""Measures how much memory and computing an export takes: 100,000 images x 200 categories.

    python benchmarks/exports.py [--images 100000] [--categories 200] [--seed 0] [--folder DIR]

Exports the project of `big_project.py`, with tiny pictures, in each content and format, each in a
process of its own, as the Export page does it. Half of all labels lie on images that are finished.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from big_project import Size, build
from store import commit, machine

EXPORTS = (("answered", "coco"), ("answered", "csv"), ("completed", "coco"))


def measure(project: Path, out: Path, content: str, format: str) -> None:
    """Export once; print the computing time, the most memory and the size of the file."""
    command = [sys.executable, "-m", "annotator", "export", str(project), "--out", str(out)]
    command += ["--content", content, "--format", format]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{content} {format}: status {os.waitstatus_to_exitcode(status)}")
    (file,) = out.iterdir()
    print(
        f"| `{content}`, {format} | {used.ru_utime + used.ru_stime:.0f} s | "
        f"{used.ru_maxrss / 1024:,.0f} MB | {file.stat().st_size / 1e6:,.0f} MB |",
        flush=True,
    )
    file.unlink()


def main() -> None:
    """Build the project and measure each export."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=Size.images)
    parser.add_argument("--categories", type=int, default=Size.categories)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="kept for the next time; default: temporary")
    given = parser.parse_args()
    size = Size(given.images, given.categories, originals=4, pixels=(400, 300), seed=given.seed)
    print(f"{machine()}\ncommit {commit()}, seed {given.seed}\n")
    print("| export | processor | memory at most | file |\n| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        project = build(given.folder or Path(temporary), size)
        out = Path(temporary) / "out"
        for content, format in EXPORTS:
            measure(project, out, content, format)


if __name__ == "__main__":
    main()
