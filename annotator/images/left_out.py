"""What a scan passes over, counted by kind, so that nobody has to guess where a file went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from typing_extensions import TypedDict

MOST_EXAMPLES = 3
"""Names kept of each kind."""


class LeftOutRow(TypedDict):
    """Files of one kind that a scan passed over."""

    kind: str
    """In the plural, such as `videos`."""
    files: int
    examples: list[str]


@dataclass
class LeftOut:
    """Counts and first names of files, by kind."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, path: str) -> None:
        """Count a file."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        shown = self.examples.setdefault(kind, [])
        if len(shown) < MOST_EXAMPLES:
            shown.append(path)

    def rows(self) -> list[LeftOutRow]:
        """Return the kinds, the most frequent one first."""
        kinds = sorted(self.counts, key=lambda kind: (-self.counts[kind], kind))
        return [
            {"kind": kind, "files": self.counts[kind], "examples": self.examples[kind]}
            for kind in kinds
        ]


def joined(parts: Iterable[Iterable[LeftOutRow]]) -> list[LeftOutRow]:
    """Return what was passed over in several folders as one list."""
    whole = LeftOut()
    for row in (row for part in parts for row in part):
        whole.counts[row["kind"]] = whole.counts.get(row["kind"], 0) + row["files"]
        shown = whole.examples.setdefault(row["kind"], [])
        shown.extend(row["examples"][: MOST_EXAMPLES - len(shown)])
    return whole.rows()


def sentence(rows: Iterable[LeftOutRow]) -> str:
    """Return in one sentence what was passed over, empty if nothing was."""
    parts = [f"{row['kind']}: {row['files']:,} ({_names(row)})" for row in rows]
    return f"Not read as pictures: {'; '.join(parts)}." if parts else ""


def _names(row: LeftOutRow) -> str:
    more = ", ..." if row["files"] > len(row["examples"]) else ""
    return ", ".join(row["examples"]) + more
