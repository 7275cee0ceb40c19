from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotator.arrays.features import FeatureFiles
from annotator.images.sources import scan
from annotator.services.app import Services
from annotator.services.labelling import queue
from annotator.store import images
from annotator.wire.recording import VisitRequest


def visit(services: Services, image: int, who: str = "ann") -> None:
    data = {"op": f"{who}{image}", "image": image, "shown": []}
    services.labelling.visit(who, VisitRequest(**data))


def test_without_features_images_come_in_file_order(services: Services) -> None:
    given = services.labelling.next_images("ann", "tab", count=3)

    assert given == {"images": [1, 2, 3], "done": False}


def test_another_tab_gets_other_images_until_the_lease_expires(
    services: Services, clock: object
) -> None:
    services.labelling.next_images("ann", "one", count=3)

    other = services.labelling.next_images("bob", "two", count=6)["images"]
    clock.forward(3600)  # type: ignore[attr-defined]
    later = services.labelling.next_images("eve", "three", count=6)["images"]

    assert other == [4, 5, 6]
    assert later == [1, 2, 3, 4, 5, 6]


def test_nobody_is_turned_away_when_others_hold_every_image(services: Services) -> None:
    services.labelling.next_images("ann", "one", count=6)

    given = services.labelling.next_images("bob", "two", count=2)

    assert given == {"images": [1, 2], "done": False}


def test_a_tab_that_leaves_gives_its_images_back(services: Services) -> None:
    services.labelling.next_images("ann", "one", count=6)

    services.labelling.release("one")

    assert services.labelling.next_images("bob", "two", count=6)["images"] == [1, 2, 3, 4, 5, 6]


def test_visited_images_come_again_only_when_nothing_else_is_left(services: Services) -> None:
    for image in (1, 2, 3, 4, 5):
        visit(services, image)

    last = services.labelling.next_images("ann", "tab", count=6)
    visit(services, 6)
    again = services.labelling.next_images("ann", "tab", count=2, exclude=[1])

    assert last == {"images": [6], "done": False}
    assert again == {"images": [2, 3], "done": True}


def test_in_a_second_round_every_image_comes_once_those_of_long_ago_first(
    services: Services,
) -> None:
    for number, image in enumerate((4, 2, 6, 1, 3, 5)):
        visit(services, image, f"ann{number}")
    given = []

    for number in range(6):
        more = services.labelling.next_images("ann", "tab", count=1, exclude=given[-2:])
        given += more["images"]
        visit(services, given[-1], f"again{number}")

    assert given == [4, 2, 6, 1, 3, 5]


def test_a_free_image_of_the_second_round_goes_before_a_fresh_one_that_others_hold(
    services: Services,
) -> None:
    for image in (1, 2, 3):
        visit(services, image)
    services.labelling.next_images("ann", "one", count=3)  # 4, 5 and 6

    given = services.labelling.next_images("bob", "two", count=2)

    assert given == {"images": [1, 2], "done": False}


def test_an_image_whose_file_is_gone_does_not_come_again(services: Services) -> None:
    for image in range(1, 7):
        visit(services, image)
    with services.store.writing() as tx:
        images.mark_missing(tx, "images", ["0.png", "2.png"])

    again = services.labelling.next_images("ann", "tab", count=6)

    assert again == {"images": [2, 4, 5, 6], "done": True}


@pytest.mark.parametrize("taken", [1, 2, 3, 6])
def test_two_tabs_that_ask_at_the_same_time_get_different_images(
    services: Services, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    take = queue.leases.take
    other: list[list[int]] = []

    def overtaken(tx: Any, kind: str, keys: Any, holder: str, *rest: Any) -> list[int]:
        if holder == "one" and not other:  # the other tab leased its images a moment before
            other.append(take(tx, kind, list(range(1, taken + 1)), "two", *rest))
        return take(tx, kind, keys, holder, *rest)

    monkeypatch.setattr(queue.leases, "take", overtaken)
    mine = services.labelling.next_images("ann", "one", count=2)["images"]

    assert len(other[0]) == taken
    # Only where the other one has everything is something shown twice.
    assert mine == {1: [2], 2: [3, 4], 3: [4, 5], 6: [1, 2]}[taken]


def test_with_features_images_come_by_diversity(services: Services) -> None:
    features = FeatureFiles.create(
        services.project.features_path, backbone="test", pooled_dim=2, rows=6
    )
    ordered = [services.progress.state()["ordered"]]
    features.write_order(np.array([3, 0, 5], dtype=np.int32))
    ordered.append(services.progress.state()["ordered"])

    given = services.labelling.next_images("ann", "tab", count=6)["images"]

    assert ordered == [False, True]
    assert services.labelling.start("ann")["ordered"]
    assert given == [4, 1, 6, 2, 3, 5]


def test_an_image_another_tab_holds_comes_only_if_there_is_no_other(services: Services) -> None:
    services.labelling.next_images("ann", "one", count=5)

    given = services.labelling.next_images("bob", "two", count=3)["images"]

    assert given == [6]


@pytest.mark.parametrize("at_a_time", [1, 2, 4, 6])
def test_the_order_is_kept_however_few_images_are_looked_up_at_a_time(
    services: Services, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    monkeypatch.setattr(queue, "PART", at_a_time)
    given = []
    for image in (1, 2, 5):
        visit(services, image)
        given.append(services.labelling.next_images("ann", "tab", count=2))

    assert [x["images"] for x in given] == [[2, 3], [3, 4], [3, 4]]


def test_a_file_that_comes_back_is_given_after_a_while_though_all_before_it_is_done(
    services: Services, pictures: Path, clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "PART", 1)
    with services.store.writing() as tx:
        images.mark_missing(tx, "images", ["0.png"])
    first = services.labelling.next_images("ann", "tab", count=1)["images"]
    with services.store.writing() as tx:
        images.add(tx, "images", scan(pictures, {}).found, [])

    still_away = services.labelling.next_images("ann", "tab", count=1)["images"]
    clock.forward(queue.RETURN_SECONDS)  # type: ignore[attr-defined]

    assert first == still_away == [2]
    assert services.labelling.next_images("ann", "tab", count=1)["images"] == [1]


def test_the_pictures_of_the_next_images_are_prepared_in_both_widths(services: Services) -> None:
    folder = services.project.thumbnails_path

    services.labelling.next_images("ann", "tab", count=2)

    for _ in range(10_000):
        made = sorted(path.parts[-3] for path in folder.rglob("*.webp"))
        if len(made) == 4:
            break
        time.sleep(0.001)
    assert made == ["1280", "1280", "256", "256"]
