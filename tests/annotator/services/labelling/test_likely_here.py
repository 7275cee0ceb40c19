"""Rows of the Label page by the seconds they save, and the usual company of what is marked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from annotator.domain import Category
from annotator.services.app import Services
from annotator.services.clock import utc_now
from annotator.services.knowledge.known_labels import KnownLabels
from annotator.services.knowledge.usual_company import STRENGTH, WEIGHT, company_moves
from annotator.services.labelling.likely_here import seconds_saved, worth_reading
from annotator.store.changes import Moment
from annotator.wire.recording import Change, SaveRequest
from mlrpl.decision.acquisition import Costs

COSTS = Costs(glance=0.4, verify=1.0, name=5.0)


def known(labels: list[list[int]]) -> KnownLabels:
    table = np.array(labels, np.int8)
    ids = np.arange(1, 1 + len(table))
    return KnownLabels.counted(table, ids, moment=Moment(1, 0), made_at=utc_now())


def category(ordinal: int) -> Category:
    return Category(id=ordinal + 1, ordinal=ordinal, name=f"c{ordinal}")


def test_a_row_is_worth_reading_where_it_saves_more_than_a_glance() -> None:
    chances = {1: 0.11, 2: 0.6, 3: 0.09}

    assert worth_reading([category(n) for n in range(3)], chances, COSTS) == [2, 1]
    assert worth_reading([category(n) for n in range(3)], chances, COSTS, extra=0.5) == [2]
    assert seconds_saved(0.1, COSTS) == pytest.approx(0.1 * 4 - 0.4)


def test_what_goes_with_what_is_present_becomes_likelier_and_the_rest_less_likely() -> None:
    together, apart = [[1, 1, -1]] * 10, [[-1, -1, 1]] * 10

    moves = company_moves(known(together + apart), [0])

    share = 10.5 / 21
    with_it = (10 + STRENGTH * share) / (10 + STRENGTH)
    assert moves[1] == pytest.approx(WEIGHT * (logit(with_it) - logit(share)))
    assert moves[2] < 0 < moves[1]
    assert 0 not in moves


def test_one_image_together_says_little_and_an_unknown_pair_nothing() -> None:
    few = company_moves(known([[1, 1], [-1, -1]]), [0])
    none = company_moves(known([[1, 0], [0, 1]]), [0])

    assert 0 < few[1] < 0.11  # of 0.96 with a hundred
    assert none == {1: pytest.approx(0.0)}
    assert company_moves(known([[1, 1]]), []) == {}


def test_a_marked_category_brings_its_usual_company_onto_the_list(many: Services) -> None:
    ids = [c["id"] for c in many.labelling.start("ann")["categories"]]
    cat, dog, bird = ids
    order = [item for item in range(1, 41)]
    for image in order:
        pairs = {cat: image % 4 == 0, dog: image % 4 == 0, bird: image % 4 == 1}
        changes = tuple(
            Change(category=c, state="present" if there else "absent") for c, there in pairs.items()
        )
        many.recording.save(
            "ann", SaveRequest(op=f"op{image}", kind="answer", image=image, changes=changes)
        )
    many.likely_here.labels.renew()
    many.likely_here.costs.known = Costs(name=2.8)  # a row of two keys saves 1.5 s if it is right

    before = many.labelling.items("ann", [50])[0]["likely"]
    cat_is_there = (Change(category=cat, state="present"),)
    many.recording.save("ann", SaveRequest(op="last", kind="named", image=50, changes=cat_is_there))
    after = many.labelling.opinion(50)["likely"]

    share, with_cat = 10.5 / 45, (10 + STRENGTH * 10.5 / 41) / (10 + STRENGTH)
    chance = expit(logit(share) + WEIGHT * (logit(with_cat) - logit(10.5 / 41)))
    assert share * 1.5 < 0.4 < chance * 1.5  # seconds saved against a glance
    assert (before, after) == ([], [dog])
