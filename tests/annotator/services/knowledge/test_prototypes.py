"""From the first present answer on, images are ranked by likeness until a version knows better."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from annotator.arrays.features import FeatureFiles
from annotator.services.app import Services
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest

Publish = Callable[..., int]

CAT, DOG, BIRD = 1, 2, 3


def say(services: Services, image: int, category: int, state: str) -> None:
    change = {"category": category, "state": state, "source": "human"}
    op = f"{image}-{category}-{state}"
    data = {"op": op, "kind": "answer", "image": image, "changes": [change]}
    services.recording.save("ann", SaveRequest(**data))


def embed(services: Services, angles: Sequence[float], *, skip: Sequence[int] = ()) -> None:
    made = FeatureFiles.create(
        services.project.features_path, backbone="test", pooled_dim=2, rows=len(angles)
    )
    search = np.zeros((len(angles), 128), np.float32)
    search[:, 0], search[:, 1] = np.cos(angles), np.sin(angles)
    rows = np.setdiff1d(np.arange(len(angles)), skip)
    count = len(rows)
    made.write(rows, np.ones((count, 2)), np.zeros((count, 0, 0)), search[rows])


def seen(services: Services, image: int) -> dict[str, Any]:
    """Return an image as the page has it once nothing is being made any more."""
    services.labelling.opinion(image)
    services._prototypes.task.settle()
    (item,) = services.labelling.items("ann", [image])
    return item


ANGLES = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


def test_one_present_answer_ranks_all_images_and_suggests_none(services: Services) -> None:
    embed(services, ANGLES)
    nothing = seen(services, 2)

    say(services, 1, DOG, "present")

    assert nothing["scores"] == {}
    bars = [seen(services, image)["scores"]["2"] for image in range(1, 7)]
    assert bars == pytest.approx([1, 0.8, 0.6, 0.4, 0.2, 0], abs=0.01)
    item = seen(services, 2)
    assert item["ranked"] == [DOG]
    assert item["suggested"] == []
    assert item["ask"][0] == DOG
    assert services.labelling.opinion(2)["rankings"] == 1


def test_the_request_that_follows_an_answer_does_not_wait(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(services, ANGLES)
    say(services, 1, DOG, "present")
    goes_on, make = threading.Event(), services._prototypes._make
    monkeypatch.setattr(services._prototypes, "_make", lambda: goes_on.wait(30) and make())

    first = services.labelling.opinion(2)
    goes_on.set()
    services._prototypes.task.settle()

    assert first["rankings"] == 0
    assert services.labelling.opinion(2)["rankings"] == 1


def test_absent_answers_push_away_and_undo_takes_the_ranking_back(services: Services) -> None:
    embed(services, [0.0, 0.5, -0.5, 0.5, -0.5, 3.0])
    say(services, 1, DOG, "present")
    before = {i: seen(services, i)["scores"]["2"] for i in (4, 5)}

    say(services, 2, DOG, "absent")

    assert before[4] == pytest.approx(before[5])
    assert seen(services, 4)["scores"]["2"] < seen(services, 5)["scores"]["2"]
    services.recording.undo("ann", BackRequest(op="u1"))
    assert seen(services, 4)["scores"]["2"] == pytest.approx(before[4])
    services.recording.undo("ann", BackRequest(op="u2"))
    assert seen(services, 4)["scores"] == {}


def test_a_version_that_knows_the_category_has_the_word(
    services: Services, publish: Publish
) -> None:
    embed(services, ANGLES)
    say(services, 1, CAT, "present")
    say(services, 1, DOG, "present")
    say(services, 1, BIRD, "present")
    assert set(seen(services, 2)["scores"]) == {"1", "2", "3"}

    publish(np.tile([2.0, -1.0], (6, 1)), ordinals=[0, 1], untaught=[1])

    item = seen(services, 2)
    assert item["scores"]["1"] == pytest.approx(0.8808)
    assert item["ranked"] == [DOG, BIRD]
    assert item["suggested"] == [CAT]
    assert item["scores"]["2"] == item["scores"]["3"] == pytest.approx(0.8, abs=0.01)


def test_without_features_of_examples_or_of_the_image_there_is_no_bar(services: Services) -> None:
    say(services, 1, DOG, "present")
    assert seen(services, 2)["scores"] == {}
    embed(services, ANGLES, skip=[0, 4])

    say(services, 1, CAT, "present")
    assert seen(services, 2)["scores"] == {}
    say(services, 2, CAT, "present")

    assert set(seen(services, 3)["scores"]) == {"1"}
    assert seen(services, 5)["scores"] == {}


def test_images_that_are_embedded_later_are_ranked_later(services: Services) -> None:
    embed(services, ANGLES, skip=[5])
    say(services, 1, DOG, "present")
    assert seen(services, 6)["scores"] == {}
    files = FeatureFiles.open(services.project.features_path, writable=True)
    assert files is not None
    vector = np.zeros((1, 128), np.float32)
    vector[0, 0] = 1
    files.write(np.array([5]), np.ones((1, 2)), np.zeros((1, 0, 0)), vector)

    say(services, 1, CAT, "absent")

    assert seen(services, 6)["scores"]["2"] == pytest.approx(1)


def test_the_grid_shows_the_same_order(services: Services) -> None:
    embed(services, [0.0, 0.5, -0.4, 0.3, -0.7, 3.0])
    say(services, 1, DOG, "present")
    say(services, 2, DOG, "absent")
    bars = {i: seen(services, i)["scores"]["2"] for i in (3, 4, 5, 6)}

    page = services.verification.page(
        "ann", PageRequest(category=DOG, mode="like", count=12, tab="t")
    )

    assert [item["id"] for item in page["items"]] == sorted(bars, key=lambda i: -bars[i])


def test_only_the_categories_that_were_touched_are_ranked_anew(services: Services) -> None:
    embed(services, ANGLES)
    say(services, 1, DOG, "present")
    say(services, 1, CAT, "present")
    seen(services, 2)
    before = dict(services._prototypes._ready.of)

    services.recording.undo("ann", BackRequest(op="u"))
    say(services, 3, CAT, "present")  # as many as before, but another image
    item = seen(services, 3)

    after = services._prototypes._ready.of
    assert after[1] is before[1]
    assert after[0] is not before[0]
    assert item["scores"]["2"] < 1
    assert seen(services, 2)["scores"]["1"] == seen(services, 4)["scores"]["1"]
