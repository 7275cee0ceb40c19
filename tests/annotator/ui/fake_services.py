"""Services in memory that say what the real ones say, for tests of the pages."""

# ruff: noqa: ARG002 - a fake has the signature of what it stands for
from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from annotator.errors import AnnotatorError, FormatError, ImageError, NotFound, NotReady, StoreError

CATEGORIES = [
    {"id": 11, "name": "cat", "supercategory": "animal", "ordinal": 0, "aliases": ["kitty"]},
    {"id": 12, "name": "dog", "supercategory": "animal", "ordinal": 1, "aliases": []},
    {"id": 13, "name": "cup", "supercategory": "thing", "ordinal": 2, "aliases": []},
]

COUNTS = {
    "images": 40,
    "visited": 8,
    "pairs": 120,
    "answered": 30,
    "filled": 0,
    "open": 90,
    "present": 18,
    "absent": 12,
    "conflicts": 1,
    "suggestions": 7,
}


def version(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "method": "hst",
        "backbone": "efficientnet-lite0",
        "created_at": f"2026-03-0{number}T10:00:00+00:00",
        "promoted": False,
        "map": None,
        "map_low": None,
        "map_high": None,
        "held_out_pairs": 0,
        "trained_answers": 10 * number,
        "seconds": 3.25,
        "note": "",
        **changes,
    }


class FakeLabelling:
    """Records what it is told; refuses or breaks on request."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.error: Exception | None = None

    def _note(self, call: str, annotator: str, data: Any) -> None:
        self.calls.append((call, annotator, data))
        if self.error is not None:
            raise self.error

    def start(self, annotator: str) -> dict[str, Any]:
        self._note("start", annotator, None)
        return {
            "project": {"name": "fake", "description": "", "key": "k"},
            "categories": CATEGORIES,
            "version": None,
            "total": 40,
            "resume": None,
            "features": True,
        }

    def next_images(
        self, annotator: str, tab: str, *, after: int | None, count: int, exclude: Sequence[int]
    ) -> dict[str, Any]:
        self._note("next_images", annotator, (tab, after, count, list(exclude)))
        return {"images": [i for i in range(1, 41) if i not in exclude][:count], "done": False}

    def items(self, annotator: str, ids: Sequence[int]) -> list[dict[str, Any]]:
        self._note("items", annotator, list(ids))
        return [{"id": i} for i in ids]

    def save(self, annotator: str, operation: dict[str, Any]) -> dict[str, Any]:
        self._note("save", annotator, operation)
        return {"op": operation.get("op"), "repeated": False, "images": {}, "late": []}

    def undo(self, annotator: str, operation: dict[str, Any]) -> dict[str, Any]:
        self._note("undo", annotator, operation)
        return {"op": operation.get("op"), "nothing": True, "image": None, "images": {}}

    redo = undo

    def visit(self, annotator: str, visit: dict[str, Any]) -> dict[str, Any]:
        self._note("visit", annotator, visit)
        return {}


class FakeProgress:
    """Numbers that a test may change."""

    def __init__(self) -> None:
        self.counts = dict(COUNTS)
        self.versions: list[dict[str, Any]] = []
        self.trainer = {
            "state": "idle",
            "stage": "",
            "done": 0,
            "total": 0,
            "loss": None,
            "message": "",
            "worker_alive": True,
        }
        self.version: int | None = None
        self.asked: list[tuple[str, Any]] = []
        self.overviews = 0

    def state(self) -> dict[str, Any]:
        names = ("images", "answered", "filled", "open", "suggestions")
        return {
            "version": self.version,
            **{name: self.counts[name] for name in names},
            "trainer": dict(self.trainer),
        }

    def overview(self) -> dict[str, Any]:
        self.overviews += 1
        rows = [
            {
                "id": c["id"],
                "name": c["name"],
                "supercategory": c["supercategory"],
                "present": 6,
                "absent": 4,
                "open": 30,
                "suggested": 2,
                "calibrated": c["id"] == 11,
            }
            for c in CATEGORIES
        ]
        return {
            "counts": dict(self.counts),
            "categories": rows,
            "versions": copy.deepcopy(self.versions),
            "policy": "The next training starts after 5 more answers.",
        }

    def train(self, annotator: str, *, method: str | None = None) -> dict[str, Any]:
        self.asked.append((annotator, method))
        if not self.counts["answered"]:
            raise NotReady("There is nothing to learn from yet.")
        return {"job": 1, "message": "Training is queued."}

    def cancel(self) -> dict[str, Any]:
        return {"message": "Nothing is running."}

    def promote(self, annotator: str, number: int) -> dict[str, Any]:
        self.asked.append((annotator, number))
        return {"message": f"Version {number} is used from the next image on."}

    def methods(self) -> list[str]:
        return ["partial_bce", "hst"]


class FakeTransfer:
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
            "version": self.version,
        }

    def export(self, out: Path, *, formats: Sequence[str], content: str) -> list[Path]:
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
        self, path: Path, *, format: str | None, unlisted: str, annotator: str
    ) -> dict[str, Any]:
        self.imported.append((unlisted, annotator))
        return {**self.summary, "applied": 8}


class FakeMedia:
    """One picture for image 7; image 8 is broken, image 9 meets a locked database."""

    def __init__(self, folder: Path) -> None:
        self.picture = folder / "picture.webp"
        self.picture.write_bytes(b"RIFF....WEBP")
        self.asked: list[tuple[int, int]] = []

    def file(self, image_id: int, width: int) -> Path:
        self.asked.append((image_id, width))
        if image_id == 7:
            return self.picture
        if image_id == 8:
            raise ImageError("the file is cut off.")
        if image_id == 9:
            raise StoreError("The database is locked; try again.")
        raise NotFound(f"There is no image {image_id}.")


class Broken(RuntimeError):
    """A bug, not a refusal."""


def fake_services(folder: Path) -> Any:
    labelling = FakeLabelling()  # also records: what pages save is noted with the rest
    return SimpleNamespace(
        labelling=labelling,
        recording=labelling,
        progress=FakeProgress(),
        transfer=FakeTransfer(),
        media=FakeMedia(folder),
        errors=SimpleNamespace(Broken=Broken, Refused=AnnotatorError, Store=StoreError),
    )
