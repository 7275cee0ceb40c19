"""A cache that follows the labels: it equals what is read anew, and reads no more than it must."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from annotator.errors import StoreError
from annotator.services.app import Services
from annotator.services.background.following_cache import FollowingCache
from annotator.store import Transaction, activity, answers, changes
from annotator.wire.recording import BackRequest, SaveRequest

Known = dict[tuple[int, int], bool]
"""Whether each labelled pair is known, by ordinals."""


class Follower:
    """Follows which pairs have a label, and counts how."""

    def __init__(self, limit: int = 100) -> None:
        self.built, self.patched, self.limit = 0, 0, limit
        self.cache = FollowingCache(self.build, self.patch)

    def build(self, tx: Transaction) -> Known:
        self.built += 1
        return everything(tx)

    def patch(self, tx: Transaction, old: Known, after: int) -> Known | None:
        moved = changes.moved_since(tx, after, self.limit)
        if moved is None:
            return None
        self.patched += 1
        touched = moved.where(moved.known | ~moved.known)
        return {pair: known for pair, known in old.items() if pair not in touched} | known_of(moved)


def everything(tx: Transaction) -> Known:
    return {pair: known for p in activity.each_label(tx) for pair, known in known_of(p).items()}


def known_of(pairs: activity.Pairs) -> Known:
    known, other = pairs.where(pairs.known), pairs.where(pairs.labelled & ~pairs.known)
    return dict.fromkeys(known, True) | dict.fromkeys(other, False)


def look(services: Services, follower: Follower, key: object = None) -> Known:
    with services.store.reading() as tx:
        return follower.cache.current(tx, key)


def test_what_is_followed_equals_what_is_read_anew(services: Services, answer: Any) -> None:
    follower, chance = Follower(), random.Random(5)
    for step in range(80):
        who = chance.choice(["Ann", "Bob", "Carol"])
        drawn = chance.random()
        if drawn < 0.15:
            services.recording.undo(who, BackRequest(op=f"undo {step}"))
        elif drawn < 0.2:
            services.recording.redo(who, BackRequest(op=f"redo {step}"))
        else:
            pairs = {(chance.randint(1, 6), chance.randint(1, 3)) for _ in range(3)}
            states = ("present", "absent", "unsure", "cleared")
            answer(f"{step}", *((*pair, chance.choice(states)) for pair in pairs), who=who)

        with services.store.reading() as tx:
            assert follower.cache.current(tx) == everything(tx), step

    assert (follower.built, follower.patched > 60) == (1, True)


def test_a_merge_a_split_a_reviewer_and_an_import_are_followed(
    services: Services, answer: Any, tmp_path: Path
) -> None:
    follower = Follower()
    answer("a", (1, 1, "present"), (2, 1, "present"), who="Ann")
    with services.store.reading() as tx:
        seen_answer = answers.labels_of(tx, [1])[1][0].answer_id
    change = {"image": 1, "category": 1, "state": "absent", "seen": seen_answer}
    services.recording.save("Bob", SaveRequest(op="b", kind="answer", changes=[change]))
    file = tmp_path / "labels.csv"
    file.write_text("file,cat,dog\n5.png,1,0\n")
    acts = [
        lambda: services.curation.merge(1, into=2),
        lambda: answer("c", (3, 1, "present")),
        lambda: services.curation.split(1),
        lambda: services.people.set_reviewer(1, True),
        lambda: services.people.set_reviewer(1, False),
        lambda: services.transfer.import_file(file, annotator="Ann"),
    ]
    seen = [look(services, follower)]

    for act in acts:
        act()
        seen.append(look(services, follower))
        with services.store.reading() as tx:
            assert seen[-1] == everything(tx)

    assert all(one != other for one, other in pairwise(seen))


def test_while_nothing_changes_the_same_value_is_given(services: Services, answer: Any) -> None:
    follower = Follower()
    answer("a", (1, 1, "present"))

    assert look(services, follower) is look(services, follower)
    assert (follower.built, follower.patched) == (1, 0)


def test_another_key_and_too_many_answers_build_anew(services: Services, answer: Any) -> None:
    follower = Follower(limit=1)
    look(services, follower, "one")
    look(services, follower, "two")

    answer("a", (1, 1, "present"), (1, 2, "absent"))

    assert look(services, follower, "two") == {(0, 0): True, (0, 1): True}
    assert (follower.built, follower.patched) == (3, 0)


def test_a_transaction_that_began_earlier_gets_the_newer_value(
    services: Services, answer: Any
) -> None:
    follower = Follower()
    look(services, follower)
    with services.store.reading() as early:
        activity.newest_operation(early)  # from here on it sees no newer answer
        answer("a", (1, 1, "present"))
        newer = look(services, follower)

        assert follower.cache.current(early) is newer
    assert follower.built == 1


def test_a_patch_that_fails_leaves_the_old_value(
    services: Services, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower()
    look(services, follower)
    answer("a", (1, 1, "present"))

    def fail(*_: object) -> None:
        raise StoreError("The database is locked.")

    with monkeypatch.context() as patched:
        patched.setattr(changes, "moved_since", fail)
        with pytest.raises(StoreError):
            look(services, follower)

    assert look(services, follower) == {(0, 0): True}
    assert (follower.built, follower.patched) == (1, 1)


def test_without_building_the_value_is_given_only_where_it_can_follow(
    services: Services, answer: Any
) -> None:
    follower = Follower()
    with services.store.reading() as tx:
        assert follower.cache.followed(tx) is None
        follower.cache.current(tx)
    answer("a", (1, 1, "present"))

    with services.store.reading() as tx:
        assert follower.cache.followed(tx) == {(0, 0): True}
        assert follower.cache.followed(tx, "another key") is None
