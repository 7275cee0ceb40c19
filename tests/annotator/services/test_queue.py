from __future__ import annotations

import numpy as np

from annotator.arrays.features import FeatureFiles
from annotator.services.app import Services


def visit(services: Services, image: int, who: str = "ann") -> None:
    data = {"op": f"{who}{image}", "image": image, "shown": []}
    services.labelling.visit(who, data)


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


def test_with_features_images_come_by_diversity(services: Services) -> None:
    features = FeatureFiles.create(
        services.project.features_path, backbone="test", pooled_dim=2, rows=6
    )
    features.write_order(np.array([3, 0, 5], dtype=np.int32))

    given = services.labelling.next_images("ann", "tab", count=6)["images"]

    assert given == [4, 1, 6, 2, 3, 5]
