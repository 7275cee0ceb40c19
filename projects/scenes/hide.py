"""Hides most of the truth, so that the example starts like a real set: a few labels known."""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
from collections.abc import Sequence
from pathlib import Path


def known_labels(truth_csv: Path, share: float = 0.1, seed: int = 0) -> str:
    """Return the table with a random share of its pairs kept and all others left empty.

    Present and absent pairs are kept alike, drawn without replacement over the whole table. An
    empty cell means unknown.

    Args:
        truth_csv: Table of a column `file` and one column for every category, each 1 or 0.
        share: Share of all pairs to keep, 0 to 1.
        seed: Same seed, same pairs.

    Returns:
        The table as CSV text, every row and column kept.

    Raises:
        ValueError: If the share is out of range or a cell is neither 1 nor 0.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; give a number from 0 to 1.")
    with Path(truth_csv).open(encoding="utf-8", newline="") as source:
        header, *rows = csv.reader(source)
    for row in rows:
        if len(row) != len(header) or not set(row[1:]) <= {"0", "1"}:
            raise ValueError(f"{truth_csv}, {row[:1]}: give 1 or 0 for every category.")
    columns = len(header) - 1
    pairs = len(rows) * columns
    kept = set(random.Random(seed).sample(range(pairs), round(share * pairs)))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    for number, (name, *cells) in enumerate(rows):
        start = number * columns
        table.writerow([name, *(c if start + i in kept else "" for i, c in enumerate(cells))])
    return text.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns 0, or 1 after a refusal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("truth", type=Path, help="truth.csv")
    parser.add_argument("--share", type=float, default=0.1, help="share of the pairs to keep")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same pairs")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    wanted = parser.parse_args(arguments)
    try:
        text = known_labels(wanted.truth, wanted.share, wanted.seed)
    except (OSError, ValueError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    wanted.out.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
