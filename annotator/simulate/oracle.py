"""The person of a simulation: the only one who may read the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats import format_for
from annotator.formats.options import DEFAULTS, ReadOptions

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """A label file in which every pair is known."""

    categories: tuple[str, ...]
    present: dict[str, Bools]
    """By file name: `(C,)`."""

    def of(self, paths: Sequence[str]) -> Bools:
        """Return what is present `(N, C)` in the images of some files.

        Raises:
            FormatError: If the truth lacks one of them, or nobody has one of the categories.
        """
        missing = [path for path in paths if path not in self.present]
        if missing:
            raise FormatError(
                f"The truth lacks {len(missing)} of {len(paths)} images, such as {missing[0]!r}; "
                "add them to it, or remove them from the folder."
            )
        rows = np.array([self.present[path] for path in paths])
        nobody = np.flatnonzero(~rows.any(axis=0))
        if len(nobody):
            raise FormatError(
                f"No image shows {self.categories[nobody[0]]!r}, so nothing can be learned or "
                f"measured about it; take {_these(len(nobody))} out of the truth."
            )
        return rows


def read_truth(file: Path, options: ReadOptions = DEFAULTS) -> Truth:
    """Read a fully labelled set.

    Args:
        file: In a format of `annotator.formats`.
        options: What decides where the file could be read in two ways.

    Raises:
        FormatError: If the file does not follow its format, has fewer than two categories, or
            leaves a pair unknown.
    """
    try:
        content = format_for(file).read(file, replace(options, unlisted="unknown"))
    except OSError as error:
        raise FormatError(f"{file} cannot be read: {error.strerror or error}.") from None
    names = tuple(category.name for category in content.categories)
    if len(names) < 2:
        raise FormatError(f"{file} has fewer than two categories; a simulation needs two or more.")
    columns = {name: column for column, name in enumerate(names)}
    present: dict[str, Bools] = {}
    for image in content.images:
        row, known = np.zeros(len(names), dtype=bool), np.zeros(len(names), dtype=bool)
        for pair in image.pairs:
            row[columns[pair.category]] = pair.state is State.PRESENT
            known[columns[pair.category]] = pair.state in (State.PRESENT, State.ABSENT)
        if options.unlisted == "unknown" and not known.all():
            lacking = names[int(np.flatnonzero(~known)[0])]
            raise FormatError(
                f"The truth does not say whether {image.file_name!r} shows {lacking!r}; label "
                "every pair, or add `--unlisted absent` if what is not listed is absent."
            )
        present[image.file_name] = row
    return Truth(names, present)


class Oracle:
    """Says what is there, with the errors and the inattention that it is given."""

    def __init__(
        self, present: Bools, *, error: float = 0.0, notice: float = 1.0, seed: int = 0
    ) -> None:
        """Draw once what this person gets wrong and what they overlook.

        Args:
            present: `(N, C)`, the truth by image ordinal.
            error: Share of the pairs that are answered the wrong way round when asked, 0 to 1.
            notice: Chance that something present is named by somebody who is not asked for it.
            seed: Of both.

        Raises:
            FormatError: If a share is out of range.
        """
        for name, share in (("error", error), ("notice", notice)):
            if not 0 <= share <= 1:
                raise FormatError(f"--{name} must lie in 0 to 1, got {share}.")
        rng = np.random.default_rng(seed)
        self._answers = present ^ (rng.random(present.shape) < error)
        self._noticed = self._answers & (rng.random(present.shape) < notice)

    def answer(self, row: int, column: int) -> bool:
        """Return whether the person says that an image shows a category, when asked."""
        return bool(self._answers[row, column])

    def names(self, row: int) -> list[int]:
        """Return the columns of what the person names without being asked."""
        return np.flatnonzero(self._noticed[row]).tolist()


def _these(count: int) -> str:
    return "it" if count == 1 else f"the {count} such categories"
