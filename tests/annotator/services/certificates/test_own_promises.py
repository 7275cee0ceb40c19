from __future__ import annotations

import json
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.arrays import certificates as files
from annotator.domain import Category, State
from annotator.services.certificates import frozen
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.frozen import CertificatePlan
from annotator.services.certificates.own_promises import PartTests, own_promises
from annotator.services.certificates.pool import Pool, super_categories
from annotator.services.certificates.rows import PromiseRow
from annotator.store.certificates import POOL, Drawn
from mlrpl.decision.linear_plan import freeze

SIZE, ANSWERS = 12_000, 2_000
NAMES = {str(ordinal): f"category {ordinal}" for ordinal in range(4)}
LOSING = (2, 3)
"""Categories that lose pairs, where some do: those of the second super-category."""

PROMISE: PromiseRow = {
    "promise": "recall",
    "recall": 0.7,
    "precision": None,
    "f1": None,
    "confidence": 0.95,
    "over": "dataset",
    "known_present": 0,
    "sentence": "",
}


def category(ordinal: int, above: str) -> Category:
    return Category(id=ordinal + 1, name=str(ordinal), ordinal=ordinal, supercategory=above)


SHOWN = tuple(category(o, "animal" if o < 2 else "<thing>") for o in range(4))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Pool, Any]:
    """Return where a frozen certificate lies, its pool and its row."""
    where: Any = SimpleNamespace(path=tmp_path_factory.mktemp("own promises"))
    rng = np.random.default_rng(2)
    logits = np.sort(rng.normal(-3.5, 3.5, SIZE))
    chances = (1 / (1 + np.exp(-logits))).astype(np.float32)
    pairs = np.stack([np.arange(SIZE), rng.integers(0, 4, SIZE)], 1).astype(np.int32)
    pool = Pool(pairs=pairs, probabilities=chances, categories=SHOWN, left_out=())
    linear = freeze(chances, frozen.linear_promise(PROMISE), risk=0.05, price=2.5)
    plan = CertificatePlan(PROMISE, linear, None, question_seconds=2.5, pair_seconds=1.0)
    temporary, kept = frozen.write(where, pool, plan, 3)
    files.publish(where, temporary, 1, kept)
    return where, pool, SimpleNamespace(id=1, plan=json.loads(json.dumps(kept)))


Prove = Callable[..., tuple[Any, Any, dict[str, float]]]


@pytest.fixture
def prove(project: tuple[Any, Pool, Any]) -> Prove:
    """Return a function that answers a certificate and returns what each group proves."""
    where, pool, row = project
    tests = PartTests(where)

    def prove(*, loses: bool = False, supers: Any = None) -> tuple[Any, Any, dict[str, float]]:
        told: Any = SimpleNamespace(
            id=row.id,
            plan={
                **row.plan,
                "super_categories": super_categories(SHOWN) if supers is None else supers,
            },
        )
        plan = frozen.read(where, told)
        rng = np.random.default_rng(9)
        chances = pool.probabilities
        truth = rng.random(SIZE) < np.where(chances < 0.3, 0.1 * chances, chances)
        if loses:  # as many as the certificate can bear, all of them in one group
            low = plan.linear.tests[2].fill.absent
            there = np.flatnonzero(np.isin(pool.pairs[:low, 1], LOSING))
            truth[rng.choice(there, int(0.25 * truth.sum()), replace=False)] = True
        drawn = []
        for place, (position, _, _) in enumerate(plan.draws[:ANSWERS].tolist()):
            state = State.PRESENT if truth[position] else State.ABSENT
            for look in range(1 + truth[position]):  # what surprises is said again
                drawn.append(
                    Drawn(
                        id=len(drawn),
                        purpose="again" if look else "bound",
                        zone=POOL,
                        position=place,
                        image_id=1,
                        category_id=1,
                        state=state,
                        answered_at=None,
                    )
                )
        chances = frozen.parts(where, told).together(range(4))[1]
        found = Evidence(SimpleNamespace(plan=told.plan), plan, chances, drawn)
        p_values = tests.p_values(told, found)
        first, second = own_promises(told, found.steps, p_values, NAMES)
        assert found.steps > 2
        return first, second, p_values

    return prove


def test_a_super_category_can_keep_the_promise_where_its_neighbour_does_not(prove: Prove) -> None:
    supers, categories, p_values = prove(loses=True)

    assert supers["promised"] == ["animal"]
    assert supers["no_promise_of_its_own"] == ["<thing>"]
    assert (
        "1 of 2 super-categories keeps the promise of a recall of at least 70 %"
        in (supers["sentence"])
    )
    assert "90 % confidence for all super-categories and categories" in supers["sentence"]
    assert p_values["super-category animal:0"] < 0.025
    assert {"category 2", "category 3"} <= set(categories["no_promise_of_its_own"])
    assert math.isclose(supers["risk"], 0.1)


def test_where_all_super_categories_are_proven_their_risk_goes_on_to_the_categories(
    prove: Prove,
) -> None:
    supers, categories, _ = prove()

    assert supers["promised"] == ["<thing>", "animal"]
    assert categories["promised"] == [f"category {n}" for n in range(4)]
    assert "all of these and the super-categories" in categories["sentence"]


def test_without_super_categories_nothing_is_said_about_them(prove: Prove) -> None:
    supers, categories, _ = prove(supers={})

    assert supers["sentence"] == ""
    assert categories["promised"] == [f"category {n}" for n in range(4)]


def test_super_categories_of_one_or_of_all_categories_say_nothing_new() -> None:
    shown = [category(0, "animal"), category(1, "animal"), category(2, "alone"), category(3, "")]

    assert super_categories(shown) == {"animal": [0, 1]}
    assert super_categories(shown[:2]) == {}
