from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from annotator.arrays import versions as version_files
from annotator.errors import NotFound
from annotator.services.app import Services
from annotator.services.knowledge import calibration
from annotator.services.training import comparison
from annotator.store import images

IMAGES, CATEGORIES = 6, 3
ABOVE, BELOW = 3.0, -3.0

Publish = Callable[..., int]
Answer = Callable[..., None]
HoldOut = Callable[[], None]


def test_changes_count_open_pairs_only_and_show_the_strongest_image_first(
    services: Services, six_scores: Any, publish: Publish, answer: Answer
) -> None:
    publish(six_scores)
    changed = six_scores.copy()
    changed[0, 0] = -0.1  # disappears, weakly
    changed[4, 1] = 9.0  # appears, strongly
    changed[5, 2] = 9.0  # is answered
    publish(changed)
    answer("a", (6, 3, "present"))

    found = services.comparison.changes(1, 2)

    assert (found["appeared"], found["disappeared"]) == (1, 1)
    assert [(c["name"], c["appeared"], c["disappeared"]) for c in found["categories"]] == [
        ("cat", 0, 1),
        ("dog", 1, 0),
    ]
    assert [(i["category"], i["appeared"]) for i in found["images"]] == [
        ("dog", True),
        ("cat", False),
    ]
    with services.store.reading() as tx:
        assert [i["id"] for i in found["images"]] == [images.order(tx)[4], images.order(tx)[0]]


def test_what_is_filled_in_is_no_open_pair_that_changed(
    services: Services, six_scores: Any, publish: Publish, fill_in: Callable[..., int]
) -> None:
    publish(six_scores)
    changed = six_scores.copy()
    changed[4, 1] = changed[5, 2] = 9.0
    publish(changed)

    fill_in(absent=[(5, 2)])

    assert [c["name"] for c in services.comparison.changes(1, 2)["categories"]] == ["dog"]


def test_only_the_strongest_images_are_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch, publish: Publish
) -> None:
    monkeypatch.setattr(comparison, "TOP_IMAGES", 2)
    monkeypatch.setattr(comparison, "CHUNK", 2)
    publish(np.full((IMAGES, CATEGORIES), BELOW))
    publish(np.arange(1.0, 1 + IMAGES)[:, None] + np.zeros(CATEGORIES))

    found = services.comparison.changes(1, 2)

    assert found["appeared"] == IMAGES * CATEGORIES
    with services.store.reading() as tx:
        order = images.order(tx)
    assert [i["id"] for i in found["images"]] == [order[5], order[4]]


def test_a_version_whose_scores_were_deleted_says_so(
    services: Services, six_scores: Any, publish: Publish
) -> None:
    publish(six_scores)
    publish(six_scores)
    version_files.delete_arrays(version_files.folder(services.project, 1))

    with pytest.raises(NotFound, match="version 1 were deleted"):
        services.comparison.changes(1, 2)
    assert [v["arrays"] for v in services.training.report()["versions"]] == [False, True]


def test_methods_are_measured_on_the_same_held_out_answers(
    services: Services, publish: Publish, answer: Answer, hold_out: HoldOut
) -> None:
    right = np.tile(np.arange(IMAGES)[:, None], (1, CATEGORIES))
    publish(-right, method="sarb", map=0.9)
    publish(right, method="hst", map=0.1)
    publish(right, method="kernel_ridge", map=0.7)
    version_files.delete_arrays(version_files.folder(services.project, 3))
    hold_out()
    truth = [(n + 1, 1, "present" if n >= 3 else "absent") for n in range(IMAGES)]
    answer("a", *truth)

    found = services.comparison.methods()

    assert (found["pairs"], found["categories"], found["images"]) == (6, 1, 6)
    rows = {m["method"]: m for m in found["methods"]}
    assert rows["hst"]["map"] == 1.0
    assert rows["sarb"]["map"] < 0.5
    assert (rows["kernel_ridge"]["map"], rows["kernel_ridge"]["measured_now"]) == (0.7, False)


def test_without_held_out_answers_methods_keep_their_recorded_figures(
    services: Services, six_scores: Any, publish: Publish
) -> None:
    assert services.comparison.methods()["methods"] == []
    publish(six_scores, map=0.5)

    found = services.comparison.methods()

    assert found["pairs"] == 0
    assert found["methods"][0]["map"] == 0.5


def test_the_percentages_of_a_version_that_is_not_in_use_are_measured_too(
    services: Services,
    six_scores: Any,
    monkeypatch: pytest.MonkeyPatch,
    publish: Publish,
    answer: Answer,
    hold_out: HoldOut,
) -> None:
    publish(six_scores, ece=0.1, ece_on="held_out", ece_pairs=70)
    publish(-six_scores)
    hold_out()
    answer("a", *((i, 1, "present") for i in range(1, 7)))
    monkeypatch.setattr(calibration, "CALIBRATION_PRESENT", 6)

    older = services.comparison.calibration(1)
    newer = services.comparison.calibration(2)

    assert [(b["low"], b["answers"]) for b in older["bins"]] == [(0.0, 3), (0.9, 3)]
    assert (older["version"], older["ece"], newer["ece"]) == (1, 0.1, None)
    assert newer == services.progress.trends()["calibration"]
