"""What an import does, or would do, in numbers and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from annotator.services.catalogue.picture_names import WRITE_FOLDER
from annotator.services.message import counted

EXAMPLES = 10
"""Names of each kind that a preview shows."""

CHOOSE_FOLDER = "choose the image folder that the file is about (--root on the command line)"
"""What else a person can do where several image folders share names."""


@dataclass(frozen=True, kw_only=True)
class ImportSummary:
    """What an import does, or would do."""

    file: str
    format: str
    images: int
    """Images that the file lists."""
    matched: int
    matched_by: Mapping[str, int]
    """Matched names that are not those of the files, by reason."""
    root: str
    """The root that all names are relative to; empty where they are relative to none."""
    folder: str
    """The label file's own folder, if all names are relative to that; else empty."""
    unmatched: tuple[str, ...]
    """The first names that no picture of the project has."""
    unmatched_count: int
    ambiguous: tuple[str, ...]
    """Sentences about the first names that several pictures could have."""
    ambiguous_count: int
    to_decide: str
    """What a person can do about them; empty where there are none."""
    left_out: tuple[str, ...]
    """Sentences about the first names whose picture is another name's or cannot be used."""
    left_out_count: int
    repeated: int
    """Names that are another spelling of an earlier one."""
    contradictions: tuple[str, ...]
    """Sentences about the first pairs that the file calls both present and absent."""
    contradiction_count: int
    """Such pairs; they are left out."""
    new_categories: tuple[str, ...]
    present: int
    """Pairs that become present."""
    absent: int
    """Pairs that become absent."""
    already_known: int
    """Pairs whose label is the same already."""
    disagreements: int
    """Pairs that people of this project answered otherwise; their answers stay."""
    suggestions: int
    """Pairs that a model filled in; never imported as labels."""
    annotations: int
    """Boxes and the like, kept for export."""
    archived: tuple[str, ...] = ()
    """Of each archived category that the file names, a sentence that says where its labels are."""
    applied: int = 0
    """Pairs that were changed; 0 in a preview."""
    notes: tuple[str, ...] = ()
    """Sentences about what is unusual in the file and was read all the same."""

    def row(self) -> dict[str, object]:
        """Return the summary as JSON."""
        values = asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ImportSummary:
        """Return the summary of which `row` was made."""
        lists = {k: tuple(v) for k, v in row.items() if isinstance(v, list)}
        return cls(**{**row, **lists})

    def text(self) -> str:
        """Return the summary as sentences."""
        lines = [
            f"{self.file}: {self.matched} of {counted(self.images, 'listed image')} found, "
            f"{counted(self.present, 'pair')} present, {self.absent} absent, "
            f"{self.already_known} already known"
        ]
        if self.unmatched_count:
            names = ", ".join(repr(n) for n in self.unmatched[:3])
            are = _counted(self.unmatched_count, "image")
            lines.append(f"{are} not in the project, such as {names}")
        lines += self.about_names()
        if self.disagreements:
            kept = counted(self.disagreements, "pair")
            lines.append(f"answers that people of this project gave stay: {kept}")
        if self.suggestions:
            pairs = counted(self.suggestions, "pair")
            lines.append(f"filled in by a model, not taken as labels: {pairs}")
        if self.annotations:
            lines.append(f"{counted(self.annotations, 'box', 'boxes')} kept for export")
        return "\n".join((*lines, *self.archived, *self.notes))

    def about_names(self) -> Iterator[str]:
        """Yield what is to be said about names that are not the files' own, and contradictions."""
        if self.root:
            yield f"all names are relative to the image folder {self.root!r}"
        if self.folder:
            yield f"all names are relative to {self.folder!r}, the folder in which the file lies"
        if self.matched_by:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.matched_by.items())
            yield f"names matched in another spelling: {reasons}"
        if self.repeated:
            yield f"{_counted(self.repeated, 'name')} the same as an earlier one and taken once"
        if self.ambiguous_count:
            told = f"{_counted(self.ambiguous_count, 'name')} ambiguous and left out"
            yield f"{told}: {first(self.ambiguous)}; {self.to_decide}"
        if self.left_out_count:
            yield f"{_counted(self.left_out_count, 'name')} left out: {first(self.left_out)}"
        if self.contradiction_count:
            told = f"{_counted(self.contradiction_count, 'pair')} left out"
            yield f"{told} because the file contradicts itself: {first(self.contradictions)}"


def advice(by_root: bool) -> str:
    """Return what a person can do about ambiguous names.

    Args:
        by_root: Whether some are clear once the image folder is named.
    """
    return f"{WRITE_FOLDER}, or {CHOOSE_FOLDER}" if by_root else WRITE_FOLDER


def _counted(count: int, thing: str) -> str:
    return f"{counted(count, thing)} {'is' if count == 1 else 'are'}"


def first(sentences: Sequence[str]) -> str:
    """Return the first sentences of a list that may be long."""
    return "; ".join(sentences[:3])
