"""How far a version follows each predictor, kept in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.arrays import checksums
from annotator.errors import ProjectError
from annotator.settings import write_atomically

FOLLOWED = "predictors.json"
"""Name of the file; a version without it follows none."""


@dataclass(frozen=True, eq=False)
class Followed:
    """The predictors that were weighed when a version was made."""

    slope: float
    """What the model's own scores are multiplied with."""
    names: tuple[str, ...]
    versions: tuple[str, ...]
    """See `annotator.arrays.predictions`."""
    weights: npt.NDArray[np.float64]
    """`(P, C)` logits for one unit of evidence, not negative; columns are those of the version."""


def write_followed(path: Path, followed: Followed) -> None:
    """Write it into a version's folder, whole or not at all."""
    columns = zip(followed.names, followed.versions, followed.weights.tolist(), strict=True)
    document = {
        "slope": followed.slope,
        "predictors": [{"name": n, "version": v, "weights": w} for n, v, w in columns],
    }
    write_atomically(path / FOLLOWED, json.dumps(document, indent=1).encode())


def read_followed(path: Path, columns: int) -> Followed | None:
    """Return what a version's folder holds, None if it follows no predictor.

    Args:
        path: The folder.
        columns: How many the version has.

    Raises:
        ProjectError: If the file is damaged.
    """
    try:
        if checksums.changed(path, [FOLLOWED]):
            raise ValueError("not what was written")
        document = json.loads((path / FOLLOWED).read_text(encoding="utf-8"))
        each = document["predictors"]
        weights = np.array([p["weights"] for p in each], np.float64).reshape(len(each), columns)
        names, versions = (tuple(str(p[key]) for p in each) for key in ("name", "version"))
        return Followed(float(document["slope"]), names, versions, weights)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise ProjectError(
            f"{path / FOLLOWED} is damaged; run `{checksums.repair_command(path)}`, or train again"
        ) from None
