"""What the answers of a certificate prove, on a small pool without a project."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from annotator.domain import State
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.frozen import FrozenPlan, linear_promise
from annotator.services.certificates.looks import Look, counted, looks
from annotator.services.certificates.rows import PromiseRow
from annotator.services.certificates.statement import best_guess, statement
from annotator.store.certificates import POOL, PRESENT, Drawn
from mlrpl.decision.linear_evidence import draw_order
from mlrpl.decision.linear_plan import freeze
from mlrpl.decision.present_zone import draw_present, plan_present

P, A, U = State.PRESENT, State.ABSENT, State.UNSURE
AT = datetime(2026, 1, 1, tzinfo=UTC)
SIZE, CATEGORIES, PLACES = 6_000, 10, 900

RNG = np.random.default_rng(4)
TRUTH = RNG.random(SIZE) < 0.15
LOGITS = np.where(TRUTH, 4.5, -4.5) + RNG.normal(0, 3, SIZE) + math.log(0.15 / 0.85)
ORDER = np.argsort(LOGITS)
TRUTH, CHANCES = TRUTH[ORDER], 1 / (1 + np.exp(-LOGITS[ORDER]))


def promise(**more: Any) -> PromiseRow:
    row: Any = {
        "promise": "recall",
        "recall": 0.8,
        "precision": None,
        "f1": None,
        "confidence": 0.95,
        "over": "dataset",
        "known_present": 100,
        "sentence": "",
    }
    row.update(more)
    return row


def stream(positions: np.ndarray) -> np.ndarray:
    """Return draws of pairs of image `position` and category `position % CATEGORIES`."""
    rows = [positions, positions, positions % CATEGORIES]
    return np.stack(rows, 1)[:PLACES].astype(np.int32)


@cache
def frozen(**more: Any) -> FrozenPlan:
    told = promise(**more)
    linear, present = freeze(CHANCES, linear_promise(told), risk=0.05, price=2.5), None
    draws = stream(np.empty(0, np.int64))
    if told["precision"] is not None:
        floor = linear.tests[-1].fill.absent
        present = plan_present(CHANCES, max_error=1 - told["precision"], risk=0.02, floor=floor)
        draws = stream(draw_present(present, 5))
    return FrozenPlan(
        promise=told,
        linear=linear,
        present=present,
        question_seconds=2.5,
        pair_seconds=1.0,
        draws=stream(draw_order(linear, SIZE, 5)),
        present_draws=draws,
    )


def asked(
    count: int,
    say: Callable[[str, int], Sequence[State | None]],
    streams: Sequence[str] = (POOL,),
) -> list[Drawn]:
    """Return the first questions of some streams; `say` answers by stream and place."""
    found: list[Drawn] = []
    for name in streams:
        for place in range(count):
            for look, state in enumerate(say(name, place)):
                found.append(
                    Drawn(
                        id=len(found),
                        purpose="again" if look else "bound",
                        zone=name,
                        position=place,
                        image_id=1,
                        category_id=1,
                        state=state,
                        answered_at=AT if state else None,
                    )
                )
    return found


def truly(plan: FrozenPlan) -> Callable[[str, int], list[State | None]]:
    """Answer by the truth, and the same again where that surprises."""
    draws = {POOL: plan.draws, PRESENT: plan.present_draws}

    def say(name: str, place: int) -> list[State | None]:
        position = draws[name][place, 0]
        state = P if TRUTH[position] else A
        surprises = state is A if name == PRESENT else state is P and CHANCES[position] < 0.5
        return [state, state] if surprises else [state]

    return say


def evidence(plan: FrozenPlan, drawn: list[Drawn], *, certified: Any = None, **more: Any) -> Any:
    row: Any = SimpleNamespace(plan={"certified": certified or {"steps": 0, "present": 0}})
    edges = plan.linear.edges[:-1]
    chances = np.add.reduceat(CHANCES, edges) / np.diff(plan.linear.edges)
    return Evidence(row, plan, chances, drawn, **more)


@pytest.mark.parametrize(
    ("surprise", "states", "needs_look", "said"),
    [
        (P, (A,), False, A),
        (P, (P,), True, None),
        (P, (P, P), False, P),
        (P, (P, A), True, None),
        (P, (P, A, A), False, A),
        (P, (P, A, P), False, P),
        (P, (P, U), True, None),
        (P, (P, U, A), False, None),
        (P, (U,), False, None),
        (A, (P,), False, P),
        (A, (A,), True, None),
        (A, (A, P, P), False, P),
        (None, (P,), False, P),
        (None, (A,), False, A),
    ],
)
def test_a_surprising_answer_counts_once_two_answers_agree(
    surprise: State | None, states: tuple[State, ...], needs_look: bool, said: State | None
) -> None:
    look = Look(POOL, 0, (1, 1), states, surprise, waits=False, last=AT)

    assert (look.needs_look, look.said) == (needs_look, said)


def test_further_looks_belong_to_the_pair_they_are_about() -> None:
    def drawn(number: int, purpose: str, state: State | None) -> Drawn:
        place: dict[str, Any] = {"zone": POOL, "position": 4, "image_id": 7, "category_id": 9}
        answered_at = None if state is None else AT
        return Drawn(id=number, purpose=purpose, state=state, answered_at=answered_at, **place)

    rows = [drawn(1, "bound", P), drawn(5, "again", A), drawn(8, "again", None)]
    (one,) = looks(rows, lambda *_: P)

    assert (one.states, one.pair, one.waits, one.last) == ((P, A), (7, 9), True, AT)


def test_each_stream_counts_up_to_its_first_unanswered_or_missing_pair() -> None:
    def look(stream: str, place: int, *states: State) -> Look:
        return Look(stream, place, (1, 1), states, None, waits=not states, last=None)

    found = [
        look(POOL, 2, A),
        look(POOL, 0, A),
        look(POOL, 1),
        look(PRESENT, 0, P),
        look(PRESENT, 1, P),
        look(PRESENT, 3, P),
    ]

    assert [x.place for x in counted(found, POOL)] == [0]
    assert [x.place for x in counted(found, PRESENT)] == [0, 1]


def test_true_answers_certify_step_after_step_and_what_is_certified_stays() -> None:
    plan = frozen()
    drawn = asked(700, truly(plan))

    found = evidence(plan, drawn)

    assert found.steps > 0
    assert found.curve()[-1]["certified"] == found.steps
    assert len(found.curve()) <= 40
    fill = plan.linear.tests[found.steps - 1].fill
    assert found.fill().absent == fill.absent
    lost = TRUTH[: fill.absent].sum() / (TRUTH.sum() + 100)
    assert lost <= 0.2
    said = statement(found)
    assert said["best_guess"] == pytest.approx(1 - lost, abs=0.05)
    assert "holds at least 80 % of all present pairs" in said["sentences"][0]
    again = evidence(plan, drawn[:3], certified=found.certified)
    assert again.steps == found.steps


def test_answers_count_in_the_frozen_order_whatever_order_they_came_in() -> None:
    plan = frozen()
    drawn = asked(300, truly(plan))
    swapped = drawn[::-1]

    found, other = evidence(plan, drawn), evidence(plan, swapped)

    assert (found.evidence() == other.evidence()).all()
    assert found.positions.tolist() == plan.draws[:300, 0].tolist()


def test_an_answer_under_the_place_of_another_pair_changes_the_proof() -> None:
    plan = frozen()
    say = truly(plan)
    present = next(n for n in range(300) if say(POOL, n)[0] is P)
    absent = next(n for n in range(300) if say(POOL, n)[0] is A)
    places = {present: absent, absent: present}

    found = evidence(plan, asked(300, say))
    swapped = evidence(plan, asked(300, lambda s, n: say(s, places.get(n, n))))

    assert not np.allclose(found.evidence(), swapped.evidence())


@pytest.mark.parametrize("hole", ["dropped", "unanswered"])
def test_what_follows_a_dropped_or_unanswered_pair_does_not_count(hole: str) -> None:
    plan = frozen()
    drawn = asked(300, truly(plan))
    kept = [d for d in drawn if d.position != 40]
    if hole == "unanswered":
        kept += asked(41, lambda _, n: [None] if n == 40 else [])

    found = evidence(plan, kept)

    assert (len(found.kept), len(found.positions)) == (40, 40)


def test_whoever_cannot_tell_never_adds_evidence() -> None:
    plan = frozen(promise="f1", recall=None, f1=0.85)
    say = truly(plan)
    unsure = set(range(0, 200, 7))

    def told(state: State) -> Any:
        return evidence(plan, asked(200, lambda s, n: [state] * 3 if n in unsure else say(s, n)))

    least = np.minimum(told(P).evidence(), told(A).evidence())
    found = told(U)

    assert found.cannot_tell == len(unsure)
    assert (found.evidence() <= least + 1e-9).all()


def test_a_pending_second_look_never_adds_evidence_and_is_counted() -> None:
    plan = frozen()
    say = truly(plan)
    pending = evidence(plan, asked(400, lambda s, n: say(s, n)[:1]))
    settled = evidence(plan, asked(400, say))

    assert pending.second_looks > 0
    assert settled.second_looks == 0
    assert (pending.evidence() <= settled.evidence() + 1e-9).all()


def test_the_smaller_promise_of_fewer_known_pairs_needs_more() -> None:
    plan = frozen()
    drawn = asked(700, truly(plan))

    found = evidence(plan, drawn)
    fewer = evidence(plan, drawn, certified=found.certified, taken_back=90)

    assert (found.known_counted, fewer.known_counted) == (100, 10)
    assert (fewer.evidence() < found.evidence()).all()
    assert fewer.steps <= found.steps


def test_the_present_fill_has_a_stream_and_a_proof_of_its_own() -> None:
    plan = frozen(promise="precision_recall", precision=0.8)
    assert plan.present is not None
    count = min(300, plan.present.cap)

    found = evidence(plan, asked(count, truly(plan), (POOL, PRESENT)))

    side = found.present_side()
    assert side["asked"] > 0
    assert found.present_look.certified == side["certified_steps"] > 0
    start = plan.present.rungs[side["certified_steps"] - 1]
    assert found.fill().present == start
    assert (~TRUTH[start:]).mean() <= 0.2
    said = statement(found)
    assert said["present"]["promised_precision"] == 0.8
    assert any("can be marked present; at most" in sentence for sentence in said["sentences"])


def test_no_more_questions_are_drawn_from_both_streams_than_the_next_step_takes() -> None:
    plan = frozen(promise="precision_recall", precision=0.8)

    first = evidence(plan, []).next_draws(100)
    later = evidence(plan, asked(30, truly(plan), (POOL, PRESENT))).next_draws(100)

    for drawn, start in ((first, 0), (later, 30)):
        for name in (POOL, PRESENT):
            own = [place for one, place in drawn if one == name]
            assert own == list(range(start, start + len(own)))
        assert 0 < sum(one == PRESENT for one, _ in drawn) <= 0.4 * len(drawn) + 1
        assert 10 <= len(drawn) <= 100
    step = evidence(plan, []).next_step()
    assert len(first) <= max(10, step.questions / 3 + 1)


def test_answers_behind_an_unanswered_pair_are_not_asked_for_a_second_time() -> None:
    plan = frozen()
    say = truly(plan)
    few = evidence(plan, asked(40, lambda s, n: say(s, n) if n != 3 else [None]))
    many = evidence(plan, asked(400, lambda s, n: say(s, n) if n != 3 else [None]))

    assert (len(few.kept), few.held_up) == (len(many.kept), many.held_up - 360) == (3, 36)
    assert few.expected_questions() == evidence(plan, asked(3, say)).expected_questions() - 36
    assert few.next_draws(100)[0] == (POOL, 40)
    assert many.next_step() is not None
    assert (many.next_draws(100), many.expected_questions()) == ([], 1)


def test_asking_ends_where_the_answers_speak_against_the_fill() -> None:
    plan = frozen()

    found = evidence(plan, asked(200, lambda *_: [P, P]))

    assert (found.next_step(), found.next_draws(100), found.expected_questions()) == (
        None,
        [],
        None,
    )
    assert (found.steps, found.next_fill()) == (0, None)
    assert best_guess(found, 1) < 0.8
    assert statement(found)["sentences"] == [
        "Nothing can be filled in yet: the answers do not prove it."
    ]
