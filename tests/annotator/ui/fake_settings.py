"""Services of the Settings page in memory, for tests of the pages."""

# ruff: noqa: ARG002 - a fake has the signature of what it stands for
from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar


class FakeCuration:
    """Three categories; notes what it is told."""

    def __init__(self, known: Sequence[Mapping[str, Any]]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.categories = [
            {
                **category,
                "description": "",
                "hotkey": "",
                "archived": False,
                "merged_into": None,
                "present": 6,
                "absent": 4,
                "examples": [],
                "place": 1,
            }
            for category in known
        ]

    def _note(self, *call: Any) -> dict[str, Any]:
        self.calls.append(call)
        return {"message": f"{call[0]} is done."}

    def rows(self) -> list[dict[str, Any]]:
        return copy.deepcopy(self.categories)

    def add(self, names: Sequence[str], *, supercategory: str) -> dict[str, Any]:
        return {**self._note("add", list(names), supercategory), "ids": [13]}

    def edit(self, category_id: int, **values: Any) -> dict[str, Any]:
        return self._note("edit", category_id, values)

    def move(self, category_id: int, step: int) -> dict[str, Any]:
        return self._note("move", category_id, step)

    def place(self, category_id: int, number: int) -> dict[str, Any]:
        return self._note("place", category_id, number)

    def archive(self, category_id: int, archived: bool) -> dict[str, Any]:
        return self._note("archive", category_id, archived)

    def merge_preview(self, category_id: int, into: int) -> dict[str, Any]:
        return {"source": "cat", "target": "dog", "text": "'dog' <b> would *be*.\nNothing else."}

    def merge(self, category_id: int, into: int, on_progress: Any) -> dict[str, Any]:
        return self._note("merge", category_id, into)

    def split(self, category_id: int, on_progress: Any) -> dict[str, Any]:
        return self._note("split", category_id)

    def candidates(self, category_id: int) -> list[dict[str, Any]]:
        return [{"id": 7, "name": "7.png"}]

    def set_examples(self, category_id: int, image_ids: Sequence[int]) -> dict[str, Any]:
        return self._note("examples", category_id, list(image_ids))


class FakePreferences:
    """Settings as they are in the beginning."""

    VALUES: ClassVar = {
        "name": "fake",
        "description": "",
        "suggestions.aim": "probability",
        "suggestions.threshold": 0.5,
        "suggestions.precision": 0.9,
        "asking.strategy": "present_and_uncertain",
        "asking.diversity": True,
        "probes.share": 0.05,
        "method": "hst",
        "goal.coverage": 1.0,
        "goal.error": 0.05,
        "retraining.automatic": True,
        "retraining.min_answers": 50,
        "retraining.min_present": 10,
        "retraining.min_share": 0.1,
        "retraining.every_hours": 24.0,
        "retraining.keep_versions": 3,
        "retraining.finetune": "auto",
    }

    def __init__(self) -> None:
        self.saved: list[dict[str, Any]] = []

    def rows(self) -> dict[str, Any]:
        rows = [{"key": k, "value": v, "help": f"About {k}."} for k, v in self.VALUES.items()]
        return {
            "settings": rows,
            "methods": [{"name": "hst", "does": "learns"}],
            "backbone": "timm:x`y",
        }

    def save(self, values: dict[str, Any]) -> dict[str, Any]:
        self.saved.append(dict(values))
        changed = [key for key, value in values.items() if value != self.VALUES[key]]
        said = f"Saved: {', '.join(values[key] for key in changed)}."
        return {"changed": changed, "message": said if changed else "Nothing to save."}


class FakeImageRoots:
    """One folder with a file that cannot be used; notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.found = 3

    def rows(self) -> list[dict[str, Any]]:
        row = {"name": "<b>", "folder": "/pictures", "there": False}
        return [{**row, "usable": 3, "gone": 1, "refused": 2}]

    def add(self, folder: Path, *, name: str, on_progress: Any) -> dict[str, Any]:
        self.calls.append(("add", str(folder), name))
        return {"message": "2 new images."}

    def look(self, *, on_progress: Any) -> dict[str, Any]:
        self.calls.append(("look",))
        return {"message": "0 new images."}

    def move_preview(self, root: str, folder: Path) -> dict[str, Any]:
        return {"found": self.found, "missing": 1, "text": f"{self.found} of 4 files are there."}

    def move(self, root: str, folder: Path, *, on_progress: Any) -> dict[str, Any]:
        self.calls.append(("move", root, str(folder)))
        return {"message": "Moved."}

    def unusable(self) -> list[dict[str, Any]]:
        return [{"root": "images", "path": "a.png", "reason": "is empty (0 bytes)"}]


class FakePeople:
    """Ann, who is no reviewer, and Bob, who is one."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"id": 1, "name": "Ann", "reviewer": False},
            {"id": 2, "name": "Bob", "reviewer": True},
        ]

    def rename(self, annotator_id: int, name: str) -> dict[str, Any]:
        self.calls.append(("rename", annotator_id, name))
        return {"message": f"{name} is saved."}

    def set_reviewer(self, annotator_id: int, reviewer: bool, on_progress: Any) -> dict[str, Any]:
        self.calls.append(("reviewer", annotator_id, reviewer))
        return {"message": "Looked at again."}


def fake_settings(known: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return them by name; `known` are the categories that there are."""
    return {
        "curation": FakeCuration(known),
        "preferences": FakePreferences(),
        "image_roots": FakeImageRoots(),
        "people": FakePeople(),
    }
