"""Known labels of an image move its other scores, at once and in the order of a category."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from annotator.arrays.versions import VersionArrays
from annotator.services.app import Services
from annotator.services.knowledge.conditional_update import Reranking, Surprises, given, reasons
from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabelsCache
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest
from mlrpl.decision.conditional import ErrorCorrelation

Publish = Callable[..., int]

CAT, DOG, BIRD = 1, 2, 3
TOGETHER = [[1.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 1.0]]
SCORES = np.tile(np.array([-2.0, -0.2, 0.3]), (6, 1))


def say(services: Services, image: int, category: int, state: str, op: str = "") -> dict[str, Any]:
    change = {"category": category, "state": state, "source": "human"}
    op = op or f"{image}-{category}-{state}"
    data = {"op": op, "kind": "answer", "image": image, "changes": [change]}
    return services.recording.save("ann", SaveRequest(**data))


def current(services: Services) -> VersionArrays:
    arrays = services.suggestions.current()[1]
    assert arrays is not None
    return arrays


@pytest.fixture
def labels(services: Services, clock: Any) -> Iterator[KnownLabelsCache]:
    made = KnownLabelsCache(services.store, clock, seconds=0)
    yield made
    made.task.close()


def test_a_surprising_label_moves_the_open_rest_of_its_image_and_no_other(
    services: Services, publish: Publish
) -> None:
    number = publish(SCORES, correlation=TOGETHER)
    before = services.labelling.opinion(1)

    say(services, 1, CAT, "present")
    after = services.labelling.opinion(1)

    assert after["version"] == number
    assert before["suggested"] == [BIRD]
    assert after["suggested"] == [DOG, BIRD]
    assert after["scores"]["2"] > before["scores"]["2"] + 0.05
    assert after["scores"]["3"] == before["scores"]["3"]  # the errors have nothing in common
    assert after["scores"]["1"] == before["scores"]["1"]  # it is decided
    assert services.labelling.opinion(2) == before


def test_undo_takes_the_move_back(services: Services, publish: Publish) -> None:
    publish(SCORES, correlation=TOGETHER)
    before = services.labelling.opinion(1)
    say(services, 1, CAT, "present")

    services.recording.undo("ann", BackRequest(op="u"))

    assert services.labelling.opinion(1) == before


def test_the_items_of_a_page_show_the_same_as_the_reply_to_an_answer(
    services: Services, publish: Publish
) -> None:
    publish(SCORES, correlation=TOGETHER)
    say(services, 1, CAT, "present")

    (item,) = services.labelling.items("bob", [1])

    opinion = services.labelling.opinion(1)
    assert opinion.pop("rankings") == 0
    assert {k: item[k] for k in opinion} == opinion
    assert item["ask"] == [BIRD, DOG]


def test_people_who_disagree_and_people_who_cannot_tell_move_nothing(
    services: Services, publish: Publish
) -> None:
    publish(SCORES, correlation=TOGETHER)
    before = services.labelling.opinion(1)["scores"]
    say(services, 1, DOG, "unsure")
    seen = say(services, 1, CAT, "present")["images"]["1"]["1"]["answer"]
    change = {"category": CAT, "state": "absent", "source": "human", "seen": seen}

    services.recording.save(
        "bob", SaveRequest(op="b", kind="answer", image=1, changes=[change])
    )  # fmt: skip

    assert services.labelling.opinion(1)["scores"] == before


def test_what_the_version_expected_moves_next_to_nothing(
    services: Services, publish: Publish
) -> None:
    publish(np.tile(np.array([4.0, -0.2, 0.3]), (6, 1)), correlation=TOGETHER)
    before = services.labelling.opinion(1)["scores"]["2"]

    say(services, 1, CAT, "present")

    assert services.labelling.opinion(1)["scores"]["2"] == pytest.approx(before, abs=0.01)


def test_ranked_categories_neither_move_nor_are_moved(services: Services, publish: Publish) -> None:
    publish(SCORES, correlation=TOGETHER, ranked=[0])
    before = services.labelling.opinion(1)

    say(services, 1, CAT, "present")
    say(services, 2, DOG, "present")

    assert services.labelling.opinion(1)["scores"] == before["scores"]
    assert services.labelling.opinion(2)["scores"]["1"] == before["scores"]["1"]
    assert services.labelling.opinion(2)["scores"]["3"] < before["scores"]["3"]


def test_a_version_without_errors_keeps_its_scores(services: Services, publish: Publish) -> None:
    publish(SCORES)
    before = services.labelling.opinion(1)["scores"]

    say(services, 1, CAT, "present")

    assert services.labelling.opinion(1)["scores"] == before
    assert reasons(current(services), SCORES[0], {0: PRESENT}, 1) == {}


def test_before_the_first_version_there_is_no_opinion(services: Services) -> None:
    said = services.labelling.opinion(1)

    assert said == {
        "version": None, "rankings": 0, "scores": {}, "ranked": [], "suggested": [], "likely": [],
    }  # fmt: skip


def test_a_score_that_is_missing_stays_missing(services: Services, publish: Publish) -> None:
    scores = SCORES.copy()
    scores[0, 1] = np.nan
    publish(scores, correlation=TOGETHER)
    arrays = current(services)

    moved = given(arrays, arrays.scores[0], {0: PRESENT, 1: ABSENT})

    assert np.isnan(moved[1])
    assert moved[[0, 2]] == pytest.approx(scores[0, [0, 2]])


def test_the_reasons_of_a_move_add_up_to_it(services: Services, publish: Publish) -> None:
    publish(SCORES, correlation=TOGETHER, slope=2.0)
    arrays, own = current(services), {0: PRESENT, 2: ABSENT}

    said = reasons(arrays, SCORES[0], own, 1)

    assert set(said) == {0, 2}
    moved = 2.0 * (given(arrays, SCORES[0], own)[1] - SCORES[0, 1])
    assert sum(said.values()) == pytest.approx(moved)


def test_the_order_of_a_category_agrees_with_the_exact_move_where_one_label_is_known(
    services: Services, labels: KnownLabelsCache, publish: Publish
) -> None:
    publish(SCORES + np.arange(6)[:, None] / 7, correlation=TOGETHER, slope=1.7)
    arrays = current(services)
    say(services, 1, CAT, "present")
    say(services, 2, CAT, "absent")
    say(services, 3, BIRD, "present")
    say(services, 4, DOG, "present")  # its own label moves nothing

    moves = Reranking(labels).moves(arrays, 1)

    exact = np.zeros(6)
    for image, own in {0: {0: PRESENT}, 1: {0: ABSENT}, 2: {2: PRESENT}}.items():
        exact[image] = (given(arrays, arrays.scores[image], own) - arrays.scores[image])[1]
    assert moves == pytest.approx(exact, abs=1e-6)
    assert (np.abs(exact[:3]) > 0.005).all()


def test_with_several_known_labels_the_order_of_a_category_is_close_to_the_exact_one() -> None:
    rng = np.random.default_rng(0)
    loadings = rng.normal(size=(12, 3)) * 0.5
    covariance = loadings @ loadings.T + np.eye(12)
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    known = rng.random((400, 12)) < 0.4
    errors = np.where(known, rng.normal(size=(400, 12)), 0)
    errors[:, 0] = 0
    known[:, 0] = False
    rows, columns = np.nonzero(known)
    table = Surprises(
        rows.astype(np.int32), columns.astype(np.int16), errors[known].astype(np.float32), 400
    )
    exact = [
        0.5
        * correlation[0, k]
        @ np.linalg.solve(correlation[np.ix_(k, k)] + np.eye(len(k)), errors[i, k])
        for i in range(400)
        for k in [np.flatnonzero(known[i])]
    ]

    found = table.moves(_correlated(correlation), 0, 1.0)

    assert np.corrcoef(found, exact)[0, 1] > 0.95


def test_new_labels_and_new_versions_move_the_order_again(
    services: Services, labels: KnownLabelsCache, publish: Publish
) -> None:
    publish(SCORES, correlation=TOGETHER)
    reranking = Reranking(labels)
    say(services, 1, CAT, "present")
    first = reranking.moves(current(services), 1)
    assert first is not None
    say(services, 2, CAT, "present")
    labels.current()
    labels.task.settle()

    second = reranking.moves(current(services), 1)
    publish(SCORES)

    assert second is not None
    assert (first != 0).tolist() == [True, False, False, False, False, False]
    assert (second != 0).tolist() == [True, True, False, False, False, False]
    assert reranking.moves(current(services), 1) is None


def test_the_grid_keeps_sides_and_bars_and_changes_the_order_only(
    services: Services, publish: Publish
) -> None:
    scores = np.stack([np.full(6, -2.0), np.linspace(0.1, 0.4, 6), np.zeros(6)], 1)
    publish(scores, correlation=TOGETHER)
    data = {"category": DOG, "mode": "confirm", "count": 12}
    plain = services.verification.page("ann", PageRequest(**data, tab="t"))
    say(services, 1, CAT, "present")
    say(services, 6, CAT, "absent")
    services.verification._reranking._labels._seconds = 0
    services.verification._reranking._labels.current()
    services.verification._reranking._labels.task.settle()

    moved = services.verification.page("ann", PageRequest(**data, tab="t"))

    assert [item["id"] for item in plain["items"]] == [6, 5, 4, 3, 2, 1]
    assert [item["id"] for item in moved["items"]] == [1, 6, 5, 4, 3, 2]
    assert {item["guess"] for item in moved["items"]} == {"present"}


def _correlated(correlation: np.ndarray) -> ErrorCorrelation:
    return ErrorCorrelation(correlation, np.full(correlation.shape, 100))


def test_the_answer_to_why_says_in_words_what_moved_the_bar(
    services: Services, publish: Publish
) -> None:
    publish(SCORES - [0, 0, 2.3], correlation=TOGETHER)
    say(services, 1, CAT, "present")
    say(services, 1, BIRD, "present")

    told = services.evidence.of(1, DOG)["explanation"]["moved"]

    plain = told.replace("\u2068", "").replace("\u2069", "")
    assert plain == "The score is higher because cat is present, and lower because bird is present."
    assert services.evidence.of(2, DOG)["explanation"]["moved"] == ""
    assert services.evidence.of(1, CAT)["explanation"]["moved"] == ""  # it is decided
