"""The map of the images as the page gets it: places, and colours in the same order."""

from __future__ import annotations

import base64
from collections.abc import Callable

import numpy as np
import pytest

from annotator.arrays import likeness
from annotator.errors import NotReady
from annotator.services.app import Services
from annotator.store import image_use
from annotator.wire.image_map import MapColoursRequest
from annotator.wire.recording import SaveRequest
from annotator.wire.request import Request

CAT, BIRD = 1, 3


def unpacked(text: str, kind: str) -> list[int]:
    return np.frombuffer(base64.b64decode(text), kind).tolist()


def colours(services: Services, by: str, category: int | None = None) -> tuple[list[int], int]:
    said = services.image_map.colours("ann", MapColoursRequest(by=by, category=category))
    return unpacked(said["codes"], "u1"), said["of"]


@pytest.fixture
def mapped(services: Services) -> Services:
    """Return a project of six images: the fourth has no place, and the fifth was removed."""
    services.project.features_path.mkdir(parents=True)
    places = np.array([[-1, -1], [1, 1], [0, 0.5], [np.nan, 0], [0, 0], [0.5, -0.5]], np.float32)
    made = likeness.Comparison(places, np.ones(6, np.uint32))
    likeness.write(services.project.features_path, likeness.MAP, made)
    with services.store.writing() as tx:
        image_use.set_removed(tx, [5], removed=True)
    return services


def test_without_a_map_the_page_says_when_there_will_be_one(services: Services) -> None:
    with pytest.raises(NotReady, match="30 at least"):
        services.image_map.places("ann", Request())


def test_images_in_use_have_their_places(mapped: Services) -> None:
    said = mapped.image_map.places("ann", Request())

    assert unpacked(said["ids"], "<u4") == [1, 2, 3, 6]
    low, middle, high = 0, 32768, 65535
    places = np.array([[low, low], [high, high], [middle, 49151], [49151, 16384]])
    assert unpacked(said["places"], "<u2") == places.ravel().tolist()
    assert said["without"] == 1


def test_colours_follow_the_answers_in_the_order_of_the_places(
    mapped: Services, publish: Callable[..., int]
) -> None:
    birds = [3, 3, 0.1, -3, 3, -3]
    publish(np.array([[-3, -3, bird] for bird in birds]))
    changes = [
        {"image": image, "category": category, "state": state}
        for image, category, state in (
            (1, CAT, "present"), (1, 2, "absent"), (1, BIRD, "absent"), (2, CAT, "unsure"),
            (3, CAT, "absent"),
        )
    ]  # fmt: skip
    mapped.recording.save("ann", SaveRequest(op="a", kind="page", changes=changes))

    of = mapped.image_map.places("ann", Request())["of"]
    assert colours(mapped, "category", CAT) == ([1, 3, 2, 0], of)
    assert colours(mapped, "category", BIRD) == ([2, 5, 5, 0], of)
    assert colours(mapped, "category") == ([0, 0, 0, 0], of)
    assert colours(mapped, "answered")[0] == [2, 1, 1, 0]
    assert colours(mapped, "doubt")[0] == [0, 0, 1, 0]
