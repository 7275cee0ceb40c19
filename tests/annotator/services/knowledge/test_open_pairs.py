"""What is open and what is settled: one image and all of them agree, and so do all who ask."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.catalogue import hierarchy
from annotator.services.commands import list_suggestions
from annotator.services.knowledge.open_pairs import PairCounts, settled_categories, settled_matrix
from annotator.store import Transaction, answers, categories
from annotator.wire.recording import SaveRequest

Publish = Callable[..., int]
Answer = Callable[..., None]

CAT, DOG, BIRD = 1, 2, 3


def parents_of(services: Services, tx: Transaction) -> hierarchy.Parents:
    every = categories.every(tx, archived=True)
    return hierarchy.resolve(services.project.settings.hierarchy, every)


def one_by_one(services: Services, tx: Transaction) -> list[list[bool]]:
    """Return which pairs of the six images are settled, worked out an image at a time."""
    parents, labels = parents_of(services, tx), answers.labels_of(tx, range(1, 7))
    columns = categories.ordinals(tx)
    settled = (settled_categories(labels.get(image, ()), parents) for image in range(1, 7))
    return [[c in closed for c in columns] for closed in settled]


def test_one_image_and_all_images_have_the_same_settled_pairs(services: Services) -> None:
    with services.store.writing() as tx:
        categories.add(tx, [categories.NewCategory(name) for name in ("pet", "animal")])
    services.project.settings.hierarchy.update(
        {"cat": ["pet"], "dog": ["pet", "animal"], "pet": ["animal"]}
    )
    chance, implied = random.Random(3), 0
    for step in range(40):
        pairs = {(chance.randint(1, 6), chance.randint(1, 5)) for _ in range(2)}
        states = [chance.choice(["present", "absent", "cleared"]) for _ in pairs]
        said = [(*pair, state) for pair, state in zip(pairs, states, strict=True)]
        with services.store.reading() as tx:
            labels = answers.labels_of(tx, range(1, 7))
        seen = {(x.image_id, x.category_id): x.answer_id for own in labels.values() for x in own}
        for number, (image, category, state) in enumerate(said):
            change = {"image": image, "category": category, "state": state}
            change["seen"] = seen.get((image, category))
            data = SaveRequest(op=f"{step} {number}", kind="answer", changes=[change])
            services.recording.save(chance.choice(["Ann", "Bob"]), data)

        with services.store.reading() as tx:
            found = settled_matrix(tx, parents_of(services, tx))
            assert found.tolist() == one_by_one(services, tx), step
            implied += int(found.sum() > settled_matrix(tx, {}).sum())

    assert implied > 10


def test_filled_pairs_are_settled_and_counted_once(
    services: Services, answer: Answer, fill_in: Callable[..., int]
) -> None:
    fill_in(present=[(0, 0), (1, 0)], absent=[(2, 2)])
    answer("a", (1, CAT, "absent"), (4, DOG, "present"))

    with services.store.reading() as tx:
        settled = settled_matrix(tx, {}, services.fills.active(tx))
        counts = PairCounts.of(6, categories.every(tx), services.fills.counts(tx))

    assert np.argwhere(settled).tolist() == [[0, 0], [1, 0], [2, 2], [3, 1]]
    assert (counts.pairs, counts.answered, counts.filled, counts.open) == (18, 2, 2, 14)


def test_what_follows_or_is_filled_in_is_suggested_nowhere(
    services: Services, publish: Publish, answer: Answer, fill_in: Callable[..., int]
) -> None:
    publish(np.ones((6, 3)))
    services.project.settings.hierarchy["cat"] = ["dog"]
    answer("a", (1, CAT, "present"))
    fill_in(absent=[(1, 2)])

    first, second = services.labelling.items("ann", [1, 2])
    listed = list_suggestions(services, image=None, category=None, limit=0)

    assert first["suggested"] == services.labelling.opinion(1)["suggested"] == [BIRD]
    assert second["suggested"] == services.labelling.opinion(2)["suggested"] == [CAT, DOG]
    assert [row["category"] for row in listed if row["image"] == "0.png"] == ["bird"]
    assert sorted(row["category"] for row in listed if row["image"] == "1.png") == ["cat", "dog"]


def test_a_completed_export_does_not_contradict_what_follows_from_a_label(
    services: Services, publish: Publish, answer: Answer, tmp_path: Path
) -> None:
    publish(-np.ones((6, 3)))  # nothing is present, says the model
    services.project.settings.hierarchy["cat"] = ["dog"]
    answer("a", (1, CAT, "present"))

    counts = services.transfer.export_counts("completed")
    (file,) = services.transfer.export(tmp_path, content="completed")

    document: dict[str, Any] = json.loads(file.read_text())
    names = {c["id"]: c["name"] for c in document["categories"]}
    first = next(i["id"] for i in document["images"] if i["file_name"] == "0.png")
    rows = [row for row in document["image_labels"] if row["source"] == "model"]
    assert [names[r["category_id"]] for r in rows if r["image_id"] == first] == ["bird"]
    assert (counts["model_absent"], len(rows)) == (16, 16)
    assert counts["unknown"] == 1


def test_suggestions_of_an_archived_category_are_refused_with_the_way_back(
    services: Services, publish: Publish
) -> None:
    publish(np.ones((6, 3)))
    services.curation.archive(CAT, True)

    with pytest.raises(AnnotatorError, match="'cat' is archived; restore it"):
        list_suggestions(services, image=None, category="cat", limit=0)
