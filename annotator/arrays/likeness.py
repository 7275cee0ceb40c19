"""How images lie to each other: near duplicates, and a map of all of them. Beside the features.

Both are files of their own that are replaced as a whole. The format keeps a checksum of each array
(that of a ZIP file), so one that is damaged is as good as none: the worker makes it again.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from annotator.arrays.features import FeatureFiles
from annotator.settings import write_atomically

GROUPS, MAP = "duplicates.npz", "map.npz"
"""Names of the files."""

FEWEST = 30
"""Images with features from which on there is a map."""

NO_GROUP = -1
"""In place of the number of a group: there is no image that is nearly the same."""

Stamps = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class Comparison:
    """One of the two, and what it was made of."""

    values: npt.NDArray[Any]
    """`(rows,)` int32 numbers of groups, from 0 in the order of their first image, or NO_GROUP;
    or `(rows, 2)` float32 places on the map, NaN where an image has none."""
    made_of: Stamps
    """`(rows,)` as `stamps`."""

    def changed_share(self, features: FeatureFiles) -> float:
        """Return the share of the images with features that it does not know as they are now."""
        now = stamps(features)
        then = np.zeros_like(now)
        then[: len(self.made_of)] = self.made_of[: len(now)]
        there = now != 0
        return float((now != then)[there].mean()) if there.any() else 0.0


def stamps(features: FeatureFiles) -> Stamps:
    """Return a number for the features of each image, `(rows,)`, 0 where it has none."""
    done = np.asarray(features.done) == 1
    sums = np.ones(len(done), np.uint32) if features.sums is None else np.asarray(features.sums)
    return np.where(done, np.maximum(sums, 1), 0).astype(np.uint32)


def stamp(features: FeatureFiles) -> int:
    """Return a number that is another one whenever the features are."""
    return zlib.crc32(stamps(features).tobytes())


def read(path: Path, name: str) -> Comparison | None:
    """Return what is kept under a name in a feature folder; None without it or if it is damaged."""
    try:
        with (path / name).open("rb") as file, np.load(file) as arrays:
            found = Comparison(arrays["values"], arrays["made_of"])
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, zlib.error):
        return None
    return found if len(found.values) == len(found.made_of) else None


def write(path: Path, name: str, made: Comparison) -> None:
    """Replace what is kept under a name, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, values=made.values, made_of=made.made_of)
    write_atomically(path / name, buffer.getvalue())


def is_complete(features: FeatureFiles) -> bool:
    """Return whether all files that there should be are there, whatever they hold."""
    wanted = (GROUPS, MAP) if int(features.done.sum()) >= FEWEST else (GROUPS,)
    return all((features.path / name).exists() for name in wanted)


def damaged(path: Path) -> list[str]:
    """Return the names of the files that are there and cannot be read."""
    return [n for n in (GROUPS, MAP) if (path / n).exists() and read(path, n) is None]


def delete(path: Path, names: list[str]) -> None:
    """Delete some of the files, which the worker makes again."""
    for name in names:
        (path / name).unlink(missing_ok=True)
