from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from annotator.domain import Category
from annotator.services.certificates.laying import Layer, cheapest, told
from annotator.services.certificates.options import complete, offers, promise_row
from annotator.services.certificates.pilot import Predictions
from annotator.services.certificates.pool import Pool
from annotator.services.certificates.prices import part_prices, pool_refusal, price_of
from annotator.services.certificates.rows import PartPrice, PlanOptions, Price, PromiseRow
from mlrpl.decision.acquisition import Costs

NO_OPTIONS: PlanOptions = {
    "promise": None,
    "recall": None,
    "precision": None,
    "f1": None,
    "confidence": None,
    "over": None,
    "question_seconds": None,
    "pair_seconds": None,
}
PREVALENCE = {"cat": 0.2, "dog": 0.15, "car": 0.25, "bus": 0.0005}
SUPER = {"cat": "animal", "dog": "animal", "car": "vehicle", "bus": "vehicle"}
Floats = np.ndarray


def a_pool(images: int = 5_000, *, margin: float = 12.0, known: int = 200) -> Pool:
    """Pairs of four categories with a model that is right; one of them hardly anything has."""
    rng = np.random.default_rng(6)
    share = np.array(list(PREVALENCE.values()))
    truth = rng.random((images, 4)) < share
    logits = np.where(truth, margin / 2, -margin / 2) + rng.normal(0, margin**0.5, truth.shape)
    chances = (1 / (1 + np.exp(-logits - np.log(share / (1 - share))))).astype(np.float32).ravel()
    order = np.argsort(chances, kind="stable")
    image, category = np.divmod(np.arange(chances.size), 4)
    kept = tuple(
        Category(id=o + 1, ordinal=o, name=name, supercategory=SUPER[name], present_count=n)
        for o, (name, n) in enumerate(zip(PREVALENCE, (known, known, known, 0), strict=True))
    )
    pairs = np.column_stack([image, category])[order].astype(np.int32)
    return Pool(pairs=pairs, probabilities=chances[order], categories=kept, left_out=())


@pytest.fixture(scope="module")
def pool() -> Pool:
    return a_pool()


def asked(pool: Pool, **options: Any) -> PromiseRow:
    chosen = complete({**NO_OPTIONS, **options}, None, Costs())
    return promise_row(chosen, confidence=0.975, known=pool.known)


@pytest.fixture(scope="module")
def layer(pool: Pool) -> Layer:
    return a_layer(pool)


def a_layer(pool: Pool, seconds: float = 2.5, **more: Any) -> Layer:
    predictions = Predictions(pool.probabilities, None, pool.probabilities)
    return Layer(replace(predictions, **more), question_seconds=seconds, pair_seconds=1.0)


def price(layer: Layer, promise: PromiseRow) -> Price:
    return price_of(cheapest(layer.lay(promise, roughly=True)))


def test_a_price_accounts_for_every_pair_of_the_pool(pool: Pool, layer: Layer) -> None:
    found = price(layer, asked(pool, promise="f1"))

    TypeAdapter(Price).validate_python(found, strict=True)
    assert found["refused"] == ""
    parts = (found[name] for name in ("questions", "fill_absent", "fill_present", "left"))
    assert sum(parts) == pytest.approx(len(pool.pairs), abs=3)
    assert found["seconds"] == 2.5 * found["questions"]
    assert found["questions_high"] is not None
    assert found["seconds_high"] == 2.5 * found["questions_high"]
    assert found["questions"] < found["questions_high"] < 3 * found["questions"]
    by_hand = len(pool.pairs) - found["left"]
    assert found["saved_seconds"] == pytest.approx(by_hand - found["seconds"])


@pytest.mark.parametrize("kind", ["recall", "f1"])
def test_a_stricter_promise_saves_less(pool: Pool, layer: Layer, kind: str) -> None:
    strict, lenient = (price(layer, asked(pool, promise=kind, **{kind: n})) for n in (0.9, 0.8))

    assert strict["saved_seconds"] < lenient["saved_seconds"]


def test_only_promises_about_precision_or_f1_fill_in_present_pairs(
    pool: Pool, layer: Layer
) -> None:
    recall = price(layer, asked(pool, recall=0.8))
    both = price(layer, asked(pool, promise="precision_recall", recall=0.8, precision=0.9))
    f1 = price(layer, asked(pool, promise="f1"))

    assert recall["fill_present"] == 0
    assert both["fill_present"] > 500
    assert f1["fill_present"] > 500
    assert both["saved_seconds"] >= recall["saved_seconds"]


def test_the_present_side_is_planned_only_where_it_pays(pool: Pool, layer: Layer) -> None:
    promise = asked(pool, promise="precision_recall", recall=0.8, precision=0.9)

    cheap = cheapest(layer.lay(promise, roughly=True)).plan
    dear = cheapest(a_layer(pool, seconds=40.0).lay(promise)).plan

    assert cheap.present is not None
    assert cheap.linear.risk + cheap.present.risk == pytest.approx(0.025)
    assert cheap.present.risk == pytest.approx(0.35 * 0.025)
    assert cheap.present.rungs[-1] >= cheap.linear.tests[-1].fill.absent
    assert dear.present is None
    assert dear.linear.risk == pytest.approx(0.025)


def test_dear_questions_buy_a_smaller_fill(pool: Pool, layer: Layer) -> None:
    promise = asked(pool, recall=0.8)

    cheap, dear = price(layer, promise), price(a_layer(pool, seconds=40.0), promise)

    assert dear["questions"] < cheap["questions"]
    assert dear["fill_absent"] < cheap["fill_absent"]


def test_known_labels_make_the_promise_cheaper_over_the_dataset(pool: Pool, layer: Layer) -> None:
    more = a_pool(known=4_000)

    assert asked(more)["known_present"] == 12_000
    few, many = (price(layer, asked(one, recall=0.8)) for one in (pool, more))
    assert many["saved_seconds"] > few["saved_seconds"]


def test_parts_say_which_categories_can_have_the_promise_and_when(pool: Pool, layer: Layer) -> None:
    best = cheapest(layer.lay(asked(pool, recall=0.8), roughly=True))

    found = part_prices(pool, best, 300)

    for part in found:
        TypeAdapter(PartPrice).validate_python(part, strict=True)
    by_name = {part["name"]: part for part in found}
    assert list(by_name) == ["animal", "vehicle", "cat", "dog", "car", "bus"]
    assert [part["kind"] for part in found] == ["super_category"] * 2 + ["category"] * 4
    assert by_name["animal"]["pairs"] == 2 * by_name["cat"]["pairs"] == 10_000
    assert by_name["bus"]["questions"] is None  # hardly anything has it
    animal, cat, car = (by_name[name]["questions"] for name in ("animal", "cat", "car"))
    assert animal is not None
    assert cat is not None
    assert car is not None
    assert 300 <= animal < cat  # two categories prove faster than one of them
    assert part_prices(pool, best, 10**6)[0]["questions"] == 10**6


def test_a_pilots_answers_choose_the_plan_and_its_price(pool: Pool) -> None:
    clipped = np.clip(pool.probabilities.astype(float), 1e-6, 1 - 1e-6)
    odds = np.log(clipped / (1 - clipped))
    too_sure = 1 / (1 + np.exp(-2.5 * odds))
    right = 1 / (1 + np.exp(-odds))
    promise = asked(pool, recall=0.8)

    found = a_layer(pool, plain=too_sure, bent=right, credible=right).lay(promise)

    assert cheapest(found).ladder == "refitted"
    assert found["refitted"].seconds < found["plain"].seconds
    assert told(found) == {
        "ladder": "refitted",
        "people": {ladder: one.people for ladder, one in found.items()},
    }


def test_a_promise_that_the_predictions_expect_to_break_is_refused(pool: Pool) -> None:
    lost = np.full(len(pool.probabilities), 0.3)  # whatever the scores say

    found = price(a_layer(pool, credible=lost), asked(pool))

    assert found["refused"].startswith("The model itself expects this promise to be broken")
    assert (found["questions"], found["fill_absent"], found["left"]) == (0, 0, len(pool.pairs))
    assert found["saved_seconds"] == 0


def test_a_plan_that_does_not_pay_is_refused_unless_a_pilot_finds_out(pool: Pool) -> None:
    best = cheapest(a_layer(pool, seconds=400.0).lay(asked(pool, recall=0.98)))

    assert (
        "would save less than a tenth of the work on 20,000 open pairs"
        in (price_of(best)["refused"])
    )
    assert price_of(best, pilot=400)["refused"] == ""
    assert price_of(best, pilot=2_001)["refused"] != ""  # a tenth of the pool at most


def test_pools_that_nothing_can_be_certified_about_are_refused(pool: Pool) -> None:
    small = replace(pool, pairs=pool.pairs[:499], probabilities=pool.probabilities[:499])
    empty = replace(pool, pairs=pool.pairs[:0], probabilities=pool.probabilities[:0])
    even = replace(pool, probabilities=np.full_like(pool.probabilities, 0.1))

    assert pool_refusal(pool) == ""
    assert "No category has calibrated probabilities" in pool_refusal(replace(pool, categories=()))
    assert "No open pair" in pool_refusal(empty)
    assert "The pool of 499 open pairs is too small" in pool_refusal(small)
    assert "the same probability" in pool_refusal(even)


def test_every_kind_is_offered_with_every_aim() -> None:
    chosen = complete({**NO_OPTIONS, "confidence": 0.9, "over": "pool"}, None, Costs())

    found = [
        (promise_row(options, confidence=0.95, known=0), aim) for aim, options in offers(chosen)
    ]

    assert [(row["promise"], aim) for row, aim in found] == [
        (kind, aim)
        for kind in ("recall", "precision_recall", "f1")
        for aim in ("strict", "usual", "lenient")
    ]
    assert {row["over"] for row, _ in found} == {"pool"}
    numbers = [(row["recall"], row["precision"], row["f1"]) for row, _ in found]
    assert numbers == [
        (0.95, None, None),
        (0.9, None, None),
        (0.8, None, None),
        (0.95, 0.98, None),
        (0.9, 0.95, None),
        (0.8, 0.9, None),
        (None, None, 0.95),
        (None, None, 0.9),
        (None, None, 0.85),
    ]


def test_options_come_from_the_request_then_the_pilot_then_what_people_took() -> None:
    costs = Costs(verify=2.0, switch=3.0)
    wishes = {"promise": "f1", "f1": 0.8, "pair_seconds": 4.0}

    plain = complete(NO_OPTIONS, None, costs)
    found = complete({**NO_OPTIONS, "f1": 0.7}, wishes, costs)

    assert (plain["question_seconds"], plain["pair_seconds"]) == (5.0, 2.0)
    assert (plain["promise"], plain["over"], plain["confidence"]) == ("recall", "dataset", 0.95)
    assert (found["promise"], found["f1"], found["pair_seconds"]) == ("f1", 0.7, 4.0)
    assert found["question_seconds"] == 5.0
