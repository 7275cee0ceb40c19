"""What people are told of a scan: what was new, what cannot be used, what was passed over."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import TypedDict

from annotator.images.left_out import LeftOutRow, joined, sentence
from annotator.images.sources import Scan
from annotator.store.images import Added

MOST_LINES = 20
"""Reasons that are told."""
ALIKE = 3
"""So many files with one and the same reason are told together."""


class RefusedFile(TypedDict):
    """A file that should be a picture and cannot be used."""

    path: str
    reason: str


class FoundFiles(TypedDict):
    """What was found in image folders."""

    new_images: int
    new_paths: int
    changed: int
    refused: int
    gone: int
    refused_files: list[RefusedFile]
    """New or changed ones."""
    first_frame_only: list[str]
    """New files with several frames or pages, of which the first is used."""
    left_out: list[LeftOutRow]
    """Files that are no pictures, by kind."""


def found_files(added: Added, found: Scan) -> FoundFiles:
    """Return what a scan found and what of it was new."""
    return {
        "new_images": added.new_images,
        "new_paths": added.new_paths,
        "changed": added.changed,
        "refused": added.broken,
        "gone": len(found.gone),
        "refused_files": [{"path": f.path, "reason": f.problem} for f in found.broken],
        "first_frame_only": found.first_only,
        "left_out": found.left_out.rows(),
    }


def together(rows: Sequence[FoundFiles]) -> FoundFiles:
    """Return what was found in several folders."""
    return {
        "new_images": sum(row["new_images"] for row in rows),
        "new_paths": sum(row["new_paths"] for row in rows),
        "changed": sum(row["changed"] for row in rows),
        "refused": sum(row["refused"] for row in rows),
        "gone": sum(row["gone"] for row in rows),
        "refused_files": [file for row in rows for file in row["refused_files"]],
        "first_frame_only": [path for row in rows for path in row["first_frame_only"]],
        "left_out": joined(row["left_out"] for row in rows),
    }


def details(found: FoundFiles) -> list[str]:
    """Return a sentence about each kind of file that is not simply an image."""
    by_reason: dict[str, list[str]] = {}
    for file in found["refused_files"]:
        by_reason.setdefault(file["reason"], []).append(file["path"])
    groups = [
        (paths[:1], len(paths), reason) if len(paths) >= ALIKE else (paths, 1, reason)
        for reason, paths in by_reason.items()
    ]
    lines = [
        f"Left out {path!r}: it {reason}."
        if count == 1
        else f"Left out {count:,} files, such as {path!r}: each {reason}."
        for paths, count, reason in groups
        for path in paths
    ]
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES
        lines[MOST_LINES:] = [f"{more:,} more reasons: `annotator images PROJECT missing`."]
    if several := found["first_frame_only"]:
        named = ", ".join(several[:ALIKE]) + (", ..." if len(several) > ALIKE else "")
        lines.append(f"Of files with several frames or pages the first is used: {named}.")
    return [*lines, *filter(None, [sentence(found["left_out"])])]
