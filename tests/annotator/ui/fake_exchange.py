"""Exports and imports in memory, for tests of the pages."""

# ruff: noqa: ARG002 - a fake has the signature of what it stands for
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from annotator.errors import FormatError


class FakeExchange:
    """Writes small files, and knows one label file."""

    def __init__(self) -> None:
        self.version: int | None = 4
        self.imported: list[tuple[str, str]] = []
        self.summary: dict[str, Any] = {
            "format": "csv",
            "images": 10,
            "matched": 8,
            "unmatched": ["a`b.jpg", "<b>.jpg"],
            "unmatched_count": 2,
            "new_categories": ["zebra"],
            "present": 5,
            "absent": 3,
            "already_known": 1,
            "suggestions": 2,
            "annotations": 6,
            "disagreements": 1,
        }

    def export_counts(self, content: str) -> dict[str, Any]:
        filled = content == "completed" and self.version is not None
        return {
            "images": 40,
            "present": 18,
            "absent": 12,
            "unknown": 90,
            "model_present": 20 if filled else 0,
            "model_absent": 70 if filled else 0,
            "note": "5 pairs of 2 categories stay unknown." if filled else "",
            "version": self.version,
        }

    def export(
        self, out: Path, *, formats: Sequence[str], content: str, on_progress: Any
    ) -> list[Path]:
        written = []
        for name in formats:
            file = out / f"labels_{content}.{'json' if name == 'coco' else name}"
            file.write_text("{}")
            written.append(file)
        return written

    def preview(self, path: Path, *, format: str | None, unlisted: str) -> dict[str, Any]:
        if "broken" in path.name:
            raise FormatError(f"{path.name}: line 3 has *no* <file> name.")
        return dict(self.summary)

    def import_file(
        self,
        path: Path,
        *,
        format: str | None,
        unlisted: str,
        annotator: str,
        on_progress: Any,
    ) -> dict[str, Any]:
        on_progress(4, 8, "Applying labels")
        self.imported.append((unlisted, annotator))
        return {**self.summary, "applied": 8}
