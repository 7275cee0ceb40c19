"""Measures how fast a folder of pictures is scanned and reduced to thumbnails.

    python benchmarks/images.py --images DIR [--limit 100]

Prints images per second: the first scan, a second scan of the unchanged folder, and the making of
each listed thumbnail size by one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from annotator.images.sources import FoundFile, scan
from annotator.images.thumbnails import WIDTHS, thumbnail


def thumbnails_per_second(folder: Path, files: Sequence[FoundFile], width: int) -> float:
    """Return how many thumbnails of one size are made in a second, by one thread."""
    with tempfile.TemporaryDirectory() as target:
        start = time.perf_counter()
        for file in files:
            thumbnail(folder / file.path, Path(target), file.content_hash, width)
        return len(files) / (time.perf_counter() - start)


def main() -> None:
    """Print one line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--limit", type=int, default=100, help="thumbnails made of each size")
    options = parser.parse_args()

    start = time.perf_counter()
    first = scan(options.images, {})
    first_seconds = time.perf_counter() - start
    if not first.found:
        parser.error(f"{options.images} holds no pictures")
    known = {file.path: (file.size, file.modified_ns) for file in [*first.found, *first.broken]}
    start = time.perf_counter()
    second = scan(options.images, known)
    second_seconds = time.perf_counter() - start

    print(f"first scan        {len(known) / first_seconds:10.0f} images/s  ({len(known)} files)")
    print(f"second scan       {second.unchanged / second_seconds:10.0f} images/s")
    for width in WIDTHS:
        rate = thumbnails_per_second(options.images, first.found[: options.limit], width)
        print(f"thumbnails {width:6d} {rate:10.0f} images/s")


if __name__ == "__main__":
    main()
