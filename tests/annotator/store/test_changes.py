"""Moments of the labels: they differ whenever a label may have changed, and only then."""

from __future__ import annotations

from typing import Any

from annotator.domain import State
from annotator.store import Store, answers, changes


def moment(store: Store) -> changes.Moment:
    with store.reading() as tx:
        return changes.moment(tx)


def test_an_answer_and_its_undo_are_new_moments(desk: Any) -> None:
    seen = [moment(desk.store)]

    desk.say("ann", (1, 2, State.PRESENT))
    seen.append(moment(desk.store))
    desk.undo("ann")
    seen.append(moment(desk.store))

    assert seen[0] == changes.Moment(0, 0)
    assert len(set(seen)) == 3
    assert moment(desk.store) == seen[2]


def test_a_repair_is_a_new_moment_only_if_a_label_was_off(desk: Any) -> None:
    desk.say("ann", (1, 2, State.PRESENT))
    before = moment(desk.store)

    with desk.store.writing() as tx:
        assert answers.recompute(tx) == []
    unchanged = moment(desk.store)
    with desk.store.writing() as tx:
        tx.exec_driver_sql("delete from label")
    with desk.store.writing() as tx:
        assert answers.recompute(tx)

    assert unchanged == before
    assert moment(desk.store) == before._replace(recomputed=1)
