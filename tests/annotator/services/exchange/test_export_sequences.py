"""Whatever is done to a project with boxes, in any order, its exports lose nothing and move no id.

What has to come out is worked out here from the steps alone: which category took which over, and
which are hidden. Only the labels of a step are read from the project.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from annotator.errors import AnnotatorError
from annotator.formats.validate import validate
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.wire.recording import BackRequest, SaveRequest

CATEGORIES, IMAGES = ("c0", "c1", "c2", "c3"), ("0.png", "1.png", "2.png")
SECTIONS = ("categories", "images", "annotations", "image_labels", "withheld_annotations")

# Ids of the two files clash, and so do those of boxes on one image.
BOXES = {
    "first": [("c0", 0), ("c1", 0), ("c1", 1), ("c1", 1), ("c2", 2)],
    "second": [("c2", 0), ("c3", 0), ("c0", 1), ("c3", 2)],
}


def label_file(name: str) -> dict[str, Any]:
    """Return a COCO file of boxes, each with a key of its own by which it is known again."""
    boxes = BOXES[name]
    return {
        "categories": [{"id": 10 * n + len(name), "name": c} for n, c in enumerate(CATEGORIES)],
        "images": [
            {
                "id": n + len(name),
                "file_name": image,
                "width": 40 + n,
                "height": 30,
                "neg_category_ids": [30 + len(name)] if (name, n) == ("first", 1) else [],
                "not_exhaustive_category_ids": [len(name)] if (name, n) == ("first", 0) else [],
            }
            for n, image in enumerate(IMAGES)
        ],
        "annotations": [
            {
                "id": n + 1,
                "image_id": image + len(name),
                "category_id": 10 * CATEGORIES.index(category) + len(name),
                "bbox": [n, 1, 2, 3],
                "area": 6,
                "iscrowd": 0,
                "segmentation": [],
                "box": f"{name} {n}",
            }
            for n, (category, image) in enumerate(boxes)
        ],
    }


EDITS = ("answer", "merge", "split", "rename", "restore")
"""Steps that may be refused."""
CATEGORY, IMAGE = st.integers(0, 3), st.integers(0, 2)
PERSON = st.sampled_from(["ann", "bob"])
STATE = st.sampled_from(["present", "absent", "unsure", "cleared"])
Step = tuple[Any, ...]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), PERSON, IMAGE, CATEGORY, STATE),
        st.tuples(st.just("undo"), PERSON),
        st.tuples(st.just("merge"), CATEGORY, CATEGORY),
        st.tuples(st.just("split"), CATEGORY),
        st.tuples(st.just("rename"), CATEGORY, st.integers(0, 3)),
        st.tuples(st.just("archive"), CATEGORY),
        st.tuples(st.just("restore"), CATEGORY),
        st.tuples(st.just("take_in"), st.sampled_from(list(BOXES)), st.sampled_from(["eve", "x"])),
        st.tuples(st.just("take_in_again")),
        st.tuples(st.just("check")),
    ),
    max_size=9,
)


@dataclass
class World:
    """A project, and what is known of it without asking it."""

    services: Services
    folder: Path
    into: dict[int, int] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    boxes: dict[str, int] = field(default_factory=dict)
    """Category id of each imported box."""
    ids: dict[tuple[object, ...], int] = field(default_factory=dict)
    """Every id that an export has given."""
    step: int = 0

    def owner(self, category_id: int) -> int | None:
        """Return the category under which boxes of another come out, None while it is hidden."""
        while category_id in self.into:
            category_id = self.into[category_id]
        return None if category_id in self.hidden else category_id

    def category(self, number: int) -> int:
        return self.services.curation.find(CATEGORIES[number])

    def do(self, kind: str, *about: Any) -> None:
        """Take a step; an edit that the project refuses changes nothing."""
        self.step += 1
        act: Callable[..., None] = getattr(self, kind)
        with contextlib.suppress(*([AnnotatorError] if kind in EDITS else [])):
            act(*about)

    def answer(self, person: str, image: int, category: int, state: str) -> None:
        change = {"category": self.category(category), "state": state, "source": "human"}
        request = SaveRequest(op=f"a{self.step}", kind="answer", image=image + 1, changes=[change])
        self.services.recording.save(person, request)

    def undo(self, person: str) -> None:
        self.services.recording.undo(person, BackRequest(op=f"u{self.step}"))

    def merge(self, category: int, into: int) -> None:
        self.services.curation.merge(self.category(category), self.category(into))
        self.into[self.category(category)] = self.category(into)

    def split(self, category: int) -> None:
        self.services.curation.split(self.category(category))
        self.into.pop(self.category(category))

    def rename(self, category: int, number: int) -> None:
        self.services.curation.edit(self.category(category), name=f"name {number}")

    def archive(self, category: int) -> None:
        if self.category(category) not in self.into:
            self.services.curation.archive(self.category(category), True)
            self.hidden.add(self.category(category))

    def restore(self, category: int) -> None:
        self.services.curation.archive(self.category(category), False)
        self.hidden.discard(self.category(category))

    def take_in(self, name: str, person: str) -> None:
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(label_file(name)))
        self.services.transfer.import_file(file, annotator=person)
        for number, (category, _) in enumerate(BOXES[name]):
            self.boxes[f"{name} {number}"] = self.category(CATEGORIES.index(category))

    def take_in_again(self) -> None:
        """Import what was exported just now: it says nothing new."""
        before = self.exported()
        self.services.transfer.import_file(self.folder / "out" / "labels_all.json", annotator="x")
        assert self.exported() == before

    def exported(self) -> dict[str, Any]:
        (file,) = self.services.transfer.export(self.folder / "out")
        assert validate(file).problems == ()
        document: dict[str, Any] = json.loads(file.read_text())
        return {key: document.get(key, []) for key in SECTIONS}

    def check(self) -> None:
        """Compare an export with what has to be in it, and with its second export elsewhere."""
        document = self.exported()
        names = {c["id"]: c["name"] for c in document["categories"]}
        mine = {c["name"]: c["id"] for c in self.services.curation.rows()}
        images = {i["id"]: i["file_name"] for i in document["images"]}
        known = {
            (r["image_id"], r["category_id"])
            for r in document["image_labels"]
            if r["state"] == "present"
        }
        out = {}
        for section in ("annotations", "withheld_annotations"):
            for row in document[section]:
                pair = row["image_id"], row["category_id"]
                assert (pair in known) == (section == "annotations")
                if "box" in row:
                    out[row["box"]] = mine[names[row["category_id"]]]
        owners = {box: self.owner(category) for box, category in self.boxes.items()}
        assert out == {box: owner for box, owner in owners.items() if owner is not None}
        self.check_ids(document, mine, names, images)
        self.check_notes(owners)
        self.check_elsewhere(document)

    def check_ids(
        self,
        document: dict[str, Any],
        mine: dict[str, int],
        names: dict[int, str],
        images: dict[int, str],
    ) -> None:
        given: dict[tuple[object, ...], int] = {}
        given |= {("category", mine[name]): number for number, name in names.items()}
        given |= {("image", name): number for number, name in images.items()}
        for section in ("annotations", "withheld_annotations"):
            for row in document[section]:
                pair = images[row["image_id"]], mine[names[row["category_id"]]]
                given[("box", row["box"]) if "box" in row else ("whole", *pair)] = row["id"]
        annotations = [n for thing, n in given.items() if thing[0] in ("box", "whole")]
        assert len(set(annotations)) == len(annotations)
        assert given == {thing: self.ids.get(thing, number) for thing, number in given.items()}
        self.ids |= given

    def check_notes(self, owners: dict[str, int | None]) -> None:
        away = sum(owner is None for owner in owners.values())
        note = self.services.transfer.export_counts("answered")["note"]
        assert (f"{away} box" in note) == (away > 0)

    def check_elsewhere(self, document: dict[str, Any]) -> None:
        """A new project that is made of the export, by somebody else, exports the same."""
        path = Path(shutil.copytree(self.folder / "bare", self.folder / f"bare {self.step}"))
        again = Services.open(path)
        labels = self.folder / "out" / "labels_all.json"
        again.transfer.import_file(labels, annotator="somebody else")
        (file,) = again.transfer.export(path / "out")
        again.close()
        second = json.loads(file.read_text())
        for key in SECTIONS:
            assert ordered(second.get(key, [])) == ordered(document[key]), key


def ordered(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, made_once: Path) -> Path:
    """Return a folder with pictures, a project of them with categories, and one without any."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "pictures").mkdir()
    for name in IMAGES:
        shutil.copy(made_once / "pictures" / name, folder / "pictures" / name)
    create_project(folder / "project", folder / "pictures", names=CATEGORIES)
    (folder / "nothing.csv").write_text("file\n0.png\n")
    create_project(folder / "bare", folder / "pictures", labels=folder / "nothing.csv")
    return folder


@pytest.mark.slow
@settings(
    max_examples=12,
    derandomize=bool(os.environ.get("CI")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(steps=STEPS)
@example([("check",), ("take_in", "second", "x"), ("take_in", "first", "eve")])
@example([("archive", 0), ("merge", 0, 3), ("split", 0)])
def test_exports_lose_nothing_and_move_no_id(template: Path, steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(template, Path(temporary) / "work"))
        services = Services.open(folder / "project")
        world = World(services, folder)
        world.take_in("first", "eve")
        for step in steps:
            world.do(*step)
        world.do("check")
        for number in range(len(CATEGORIES)):  # every box is under its own category again
            world.do("split", number)
            world.do("restore", number)
        world.do("check")
        services.close()
