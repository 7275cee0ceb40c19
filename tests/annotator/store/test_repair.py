from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from annotator.domain import State
from annotator.store import Store, answers, categories, images

PRESENT, ABSENT = State.PRESENT, State.ABSENT
CAT, DOG, BIRD, FISH = 1, 2, 3, 4


def damage(desk: Any, statement: str) -> None:
    with desk.store.writing() as tx:
        assert tx.execute(sa.text(statement)).rowcount == 1


def mend(store: Store) -> tuple[list[str], list[str]]:
    with store.writing() as tx:
        return answers.recompute(tx), answers.recount(tx)


def counters(store: Store) -> list[tuple[int, ...]]:
    with store.reading() as tx:
        counts = [(c.present_count, c.absent_count) for c in categories.every(tx)]
        return [*counts, tuple(i.known_count for i in images.every(tx))]


@pytest.fixture
def worked(desk: Any) -> Any:
    """Return a desk where some things were said."""
    desk.say("ann", (1, CAT, PRESENT))
    desk.say("bob", (1, DOG, ABSENT))
    desk.say("ann", (2, CAT, PRESENT))
    desk.say("bob", (2, CAT, ABSENT))
    return desk


def test_a_sound_database_has_nothing_to_mend(worked: Any) -> None:
    before = counters(worked.store)

    assert mend(worked.store) == ([], [])
    assert counters(worked.store) == before == [(1, 0), (0, 1), (0, 0), (0, 0), (2, 0, 0)]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE label SET state = 0 WHERE image_id = 1 AND category_id = 1",
            "Image 1, category 1: the label was absent, the answers say present.",
        ),
        (
            "DELETE FROM label WHERE image_id = 1 AND category_id = 2",
            "Image 1, category 2: the label was unknown, the answers say absent.",
        ),
        (
            "UPDATE label SET state = 1, conflict = 0 WHERE image_id = 2",
            "Image 2, category 1: the label was present, the answers say unknown.",
        ),
        (
            "INSERT INTO label (image_id, category_id, state, source, answer_id, conflict) "
            "VALUES (3, 4, 1, 0, 1, 0)",
            "Image 3, category 4: the label was present, the answers say unknown.",
        ),
        (
            "UPDATE label SET answer_id = 2 WHERE image_id = 1 AND category_id = 1",
            "Image 1, category 1: the label was present, the answers say present.",
        ),
    ],
    ids=["wrong", "lost", "conflict forgotten", "invented", "another answer"],
)
def test_a_label_that_its_answers_do_not_say_is_mended(
    worked: Any, statement: str, sentence: str
) -> None:
    before = [worked.label(i, c) for i in (1, 2, 3) for c in (CAT, DOG, FISH)]
    right = counters(worked.store)
    damage(worked, statement)

    labels, _ = mend(worked.store)

    assert labels == [sentence]
    assert [worked.label(i, c) for i in (1, 2, 3) for c in (CAT, DOG, FISH)] == before
    assert counters(worked.store) == right
    assert mend(worked.store) == ([], [])


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "UPDATE category SET present_count = 9 WHERE id = 1",
            "category 1: present_count was 9, counted 1.",
        ),
        (
            "UPDATE category SET absent_count = -1 WHERE id = 3",
            "category 3: absent_count was -1, counted 0.",
        ),
        ("UPDATE image SET known_count = 0 WHERE id = 1", "image 1: known_count was 0, counted 2."),
    ],
)
def test_a_counter_that_is_off_is_mended(worked: Any, statement: str, sentence: str) -> None:
    right = counters(worked.store)
    damage(worked, statement)

    labels, counts = mend(worked.store)

    assert (labels, counts) == ([], [sentence])
    assert counters(worked.store) == right
