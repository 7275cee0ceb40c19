"""Labels and counters against a plain recomputation, over random work of several people.

Nothing here asks the rule under test: `Ledger` keeps what was sent and works the labels out anew.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from annotator.domain import Change, Operation, OperationKind, PairLabel, Source, State
from annotator.errors import AnnotatorError
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    categories,
    derivation,
    images,
    merges,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB, CHIEF = 1, 2, 3
IMAGES, CATEGORIES = (1, 2), (1, 2, 3)
PAIRS = [(i, c) for i in IMAGES for c in CATEGORIES]
WITHDRAWN = (State.UNSURE, State.CLEARED)

Pair = tuple[int, int]
Verdict = tuple[State | None, int, Source, int, bool]
"""State, winning answer, its source, its annotator, conflict."""


@dataclass
class Said:
    """One answer about one pair."""

    id: int
    pair: Pair
    state: State
    source: Source
    by: int
    late: bool


@dataclass(eq=False)
class Entry:
    """One recorded operation."""

    sent: Operation
    said: list[Said]
    stands: bool = True


@dataclass
class Ledger:
    """What was sent and in which order; everything else is worked out from it."""

    entries: dict[str, Entry] = field(default_factory=dict)
    touches: list[tuple[str, Pair]] = field(default_factory=list)
    done: dict[int, list[Entry]] = field(default_factory=lambda: {ANN: [], BOB: [], CHIEF: []})
    undone: dict[int, list[Entry]] = field(default_factory=lambda: {ANN: [], BOB: [], CHIEF: []})
    cancellations: dict[str, Entry] = field(default_factory=dict)
    reviewers: set[int] = field(default_factory=lambda: {CHIEF})
    merged: dict[int, tuple[int, int]] = field(default_factory=dict)
    """What each category was merged into, and how many answers there were then."""
    answers: int = 0

    def record(self, sent: Operation) -> Entry:
        """Take in an operation that was not recorded before."""
        imported = sent.kind is OperationKind.IMPORT
        late = set() if imported else {p for p in map(pair_of, sent.changes) if self.late(sent, p)}
        said = []
        for change in sent.changes:
            self.answers += 1
            pair = pair_of(change)
            by, lateness = sent.annotator_id, pair in late
            said.append(Said(self.answers, pair, change.state, change.source, by, lateness))
        entry = Entry(sent, said)
        self.entries[sent.client_id] = entry
        self._touch(sent.client_id, entry)
        if not imported:
            self.done[sent.annotator_id].append(entry)
            self.undone[sent.annotator_id].clear()
        return entry

    def undo(self, client_id: str, who: int) -> Entry | None:
        """Take back the last thing somebody did."""
        return self._move(client_id, self.done[who], self.undone[who], False)

    def redo(self, client_id: str, who: int) -> Entry | None:
        """Bring back what was taken back last."""
        return self._move(client_id, self.undone[who], self.done[who], True)

    def _move(
        self, client_id: str, source: list[Entry], target: list[Entry], stands: bool
    ) -> Entry | None:
        if not source:
            return None
        entry = source.pop()
        target.append(entry)
        entry.stands = stands
        self.cancellations[client_id] = entry
        self._touch(client_id, entry)
        return entry

    def _touch(self, client_id: str, entry: Entry) -> None:
        by_people = [said for said in entry.said if said.source is not Source.IMPORTED]
        pairs = {said.pair for said in by_people if not said.late}
        self.touches += [(client_id, pair) for pair in sorted(pairs)] or [(client_id, (0, 0))]

    def late(self, sent: Operation, pair: Pair) -> bool:
        """Return whether any change of an operation to a pair comes too late."""
        return any(self._moved_on(c) for c in sent.changes if pair_of(c) == pair)

    def _moved_on(self, change: Change) -> bool:
        pair, seen = pair_of(change), change.seen_operation
        names = [name for name, _ in self.touches]
        if seen not in names:
            verdict = self.verdict(pair)
            if verdict is not None and verdict[2] is Source.IMPORTED:
                return False
            return change.seen_answer_id != (None if verdict is None else verdict[1])
        if seen in self.entries and any(
            said.late for said in self.entries[seen].said if said.pair == pair
        ):
            return True
        last = max(place for place, name in enumerate(names) if name == seen)
        return any(touched == pair for _, touched in self.touches[last + 1 :])

    def standing(self) -> list[Said]:
        """Return the answers that were neither late nor taken back, oldest first."""
        said = [s for e in self.entries.values() if e.stands for s in e.said if not s.late]
        return sorted(said, key=lambda s: s.id)

    def verdict(self, pair: Pair) -> Verdict | None:
        """Return what the answers about a pair and what was merged into it add up to."""
        verdicts = [self.own_verdict(pair)]
        said = [s for s in self.standing() if s.pair == pair and s.source is not Source.IMPORTED]
        for category, (target, count) in self.merged.items():
            if target == pair[1] and not any(s.id > count for s in said):
                verdicts.append(self.verdict((pair[0], category)))
        for wanted in (State.PRESENT, None, State.ABSENT):  # None: people disagree
            found = [v for v in verdicts if v is not None and v[0] is wanted]
            if wanted is State.ABSENT and None in verdicts:
                return None
            if found:
                return max(found, key=lambda v: v[1])
        return None

    def own_verdict(self, pair: Pair) -> Verdict | None:
        """Return what the answers about a pair itself add up to; None if nobody says anything."""
        about = [s for s in self.standing() if s.pair == pair]
        last_words = []
        for person in (ANN, BOB, CHIEF):
            for from_file in (True, False):
                own = [
                    s
                    for s in about
                    if s.by == person and (s.source is Source.IMPORTED) == from_file
                ]
                if own and own[-1].state not in WITHDRAWN:
                    last_words.append(own[-1])
        for group in (
            [s for s in last_words if s.by in self.reviewers or s.source is Source.REVIEW],
            [s for s in last_words if s.source is not Source.IMPORTED],
            last_words,
        ):
            if group:
                newest = sorted(group, key=lambda s: s.id)[-1]
                agreed = all(s.state is newest.state for s in group)
                state = newest.state if agreed else None
                return state, newest.id, newest.source, newest.by, not agreed
        return None

    def unsure(self, who: int, pair: Pair) -> bool:
        """Return whether somebody's last word about a pair is "cannot tell"."""
        own = [s.state for s in self.standing() if s.by == who and s.pair == pair]
        return own[-1:] == [State.UNSURE]


def pair_of(change: Change) -> Pair:
    return change.image_id, change.category_id


def summary(label: PairLabel) -> Verdict | None:
    """Return a label of the store in the ledger's words."""
    if label.answer_id is None:
        assert (label.state, label.source, label.annotator_id) == (None, None, None)
        return None
    assert label.source is not None
    assert label.annotator_id is not None
    return label.state, label.answer_id, label.source, label.annotator_id, label.conflict


def step_of(verdict: Verdict | None) -> str:
    """Return a verdict in the words of a preview."""
    if verdict is None:
        return "unknown"
    return "conflict" if verdict[0] is None else verdict[0].value


def recompute_category(tx: Transaction, category: int) -> None:
    """Recompute the labels of a category, as the service does in parts."""
    parts = merges.read(tx).with_parts([category])
    derivation.recompute(tx, [(int(i), category) for i in merges.touched(tx, parts)])


@functools.cache
def template() -> bytes:
    """Return a database with three people, two images and three categories."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.db"
        store = Store.create(f"sqlite:///{file}")
        with store.writing() as tx:
            for name in ("ann", "bob", "chief"):
                annotators.named(tx, name, NOW)
            annotators.set_reviewer(tx, CHIEF, True)
            categories.add(tx, [categories.NewCategory(f"category {c}") for c in CATEGORIES])
            found = [images.FoundImage(f"{i}.png", f"{i:064x}", 4, 3, "PNG", 10, i) for i in IMAGES]
            images.add(tx, "pictures", found, [])
        store.close()
        return file.read_bytes()


AGAIN = 0
"""Whoever did something last."""

people = st.sampled_from([AGAIN, AGAIN, AGAIN, ANN, BOB, CHIEF])
pairs = st.sampled_from(PAIRS)
states = st.sampled_from([State.PRESENT, State.PRESENT, State.ABSENT, State.ABSENT, *WITHDRAWN])
sources = st.sampled_from([Source.HUMAN, Source.HUMAN, Source.ACCEPTED, Source.REVIEW])
looks = st.sampled_from(["now", "now", "now", "unknown pair", "another answer"])
cuts = st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3, unique=True)


class Labelling(RuleBasedStateMachine):
    """Two annotators and a reviewer at work on six pairs."""

    outbox: Bundle[Operation] = Bundle("outbox")
    cancellations: Bundle[tuple[str, str, int]] = Bundle("cancellations")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "labels.db"
        file.write_bytes(template())
        self.store = Store.open(f"sqlite:///{file}")
        self.ledger = Ledger()
        self.names = 0
        self.last = ANN

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def name(self) -> str:
        self.names += 1
        return f"operation {self.names}"

    def person(self, who: int) -> int:
        self.last = who or self.last
        return self.last

    def seen(self, pair: Pair, look: str) -> int | None:
        if look == "unknown pair":
            return None
        verdict = self.ledger.verdict(pair)
        now = None if verdict is None else verdict[1]
        return now if look == "now" else (now or 0) + 1

    def change(self, pair: Pair, state: State, source: Source, look: str, **more: Any) -> Change:
        return Change(
            image_id=pair[0],
            category_id=pair[1],
            state=state,
            source=source,
            seen_answer_id=self.seen(pair, look),
            **more,
        )

    def operation(
        self, who: int, changes: Sequence[Change], kind: OperationKind = OperationKind.ANSWER
    ) -> Operation:
        return Operation(
            client_id=self.name(),
            annotator_id=self.person(who),
            kind=kind,
            changes=tuple(changes),
            happened_at=NOW,
        )

    def send(self, sent: Operation) -> Operation:
        """Deliver an operation and compare the receipt with the ledger."""
        known = self.ledger.entries.get(sent.client_id)
        with self.store.writing() as tx:
            receipt = answers.record(tx, sent, NOW)
        entry = known or self.ledger.record(sent)
        touched = list(dict.fromkeys(said.pair for said in entry.said))
        assert receipt.repeated == (known is not None)
        assert list(receipt.late) == sorted({said.pair for said in entry.said if said.late})
        if known is not None or sent.kind is not OperationKind.IMPORT:
            assert [(x.image_id, x.category_id) for x in receipt.labels] == touched
            for label in receipt.labels:
                verdict = self.ledger.verdict((label.image_id, label.category_id))
                assert summary(label) == verdict
        return sent

    @rule(target=outbox, who=people, pair=pairs, state=states, source=sources, look=looks)
    def answer(self, who: int, pair: Pair, state: State, source: Source, look: str) -> Operation:
        """Press a key."""
        return self.send(self.operation(who, [self.change(pair, state, source, look)]))

    @rule(target=outbox, who=people, image=st.sampled_from(IMAGES), cut=cuts, look=looks)
    def sweep(self, who: int, image: int, cut: list[int], look: str) -> Operation:
        """Say that the rest is absent."""
        changes = [self.change((image, c), State.ABSENT, Source.SWEPT, look) for c in cut]
        return self.send(self.operation(who, changes, OperationKind.SWEEP))

    @rule(target=outbox, who=people, image=st.sampled_from(IMAGES), cut=cuts)
    def accept_all(self, who: int, image: int, cut: list[int]) -> Operation:
        """Accept every suggestion in sight."""
        bulk = Source.ACCEPTED_IN_BULK
        changes = [self.change((image, c), State.PRESENT, bulk, "now") for c in cut]
        return self.send(self.operation(who, changes, OperationKind.ACCEPT_ALL))

    @rule(
        target=outbox,
        who=people,
        said=st.lists(st.tuples(pairs, states, looks), min_size=1, max_size=4),
    )
    def commit_page(self, who: int, said: list[tuple[Pair, State, str]]) -> Operation:
        """Commit a page of one category, or of several; a pair may come twice."""
        changes = [self.change(pair, state, Source.HUMAN, look) for pair, state, look in said]
        return self.send(self.operation(who, changes, OperationKind.PAGE))

    @rule(
        target=outbox,
        who=people,
        said=st.lists(st.tuples(pairs, states, st.booleans()), min_size=1, max_size=4),
    )
    def bring_in_a_file(self, who: int, said: list[tuple[Pair, State, bool]]) -> Operation:
        """Import labels, some of them exported from here."""
        changes = [
            self.change(pair, state, Source.HUMAN if own else Source.IMPORTED, "unknown pair")
            for pair, state, own in said
        ]
        return self.send(self.operation(who, changes, OperationKind.IMPORT))

    @rule(target=outbox, who=people, pair=pairs, state=states, source=sources)
    def answer_offline(self, who: int, pair: Pair, state: State, source: Source) -> Operation:
        """Press a key that is delivered some other time."""
        return self.operation(who, [self.change(pair, state, source, "now")])

    @rule(target=outbox, earlier=outbox, state=states, at_once=st.booleans())
    def answer_again(self, earlier: Operation, state: State, at_once: bool) -> Operation:
        """Press another key on the same pairs before the first is acknowledged."""
        changes = [
            replace(c, state=state, source=Source.HUMAN, seen_operation=earlier.client_id)
            for c in earlier.changes
        ]
        again = self.operation(earlier.annotator_id, changes)
        return self.send(again) if at_once else again

    @rule(target=outbox, cancelled=cancellations, pair=pairs, state=states)
    def answer_after_undo(
        self, cancelled: tuple[str, str, int], pair: Pair, state: State
    ) -> Operation:
        """Press a key before an undo or redo is acknowledged."""
        _, client_id, who = cancelled
        change = self.change(pair, state, Source.HUMAN, "another answer", seen_operation=client_id)
        return self.send(self.operation(who, [change]))

    @rule(sent=outbox)
    def deliver(self, sent: Operation) -> None:
        """Send what was kept back, or send something again."""
        self.send(sent)

    @rule(target=cancellations, who=people, which=st.sampled_from(["undo", "undo", "redo"]))
    def step_back_or_forth(self, who: int, which: str) -> tuple[str, str, int]:
        """Press undo or redo."""
        return self.cancel((which, self.name(), self.person(who)))

    @rule(cancelled=consumes(cancellations), target=cancellations)
    def press_is_sent_again(self, cancelled: tuple[str, str, int]) -> Any:
        """Send an undo or redo again; one that found nothing to do counts only now."""
        return multiple(self.cancel(cancelled))

    def cancel(self, cancelled: tuple[str, str, int]) -> tuple[str, str, int]:
        which, client_id, who = cancelled
        act, model = (
            (answers.undo, self.ledger.undo)
            if which == "undo"
            else (answers.redo, self.ledger.redo)
        )
        known = self.ledger.cancellations.get(client_id)
        with self.store.writing() as tx:
            receipt = act(tx, client_id, who, NOW)
        entry = known or model(client_id, who)
        assert (receipt is None) == (entry is None)
        if receipt is not None and entry is not None:
            assert receipt.repeated == (known is not None)
            expected = dict.fromkeys(said.pair for said in entry.said)
            assert [summary(x) for x in receipt.labels] == [
                self.ledger.verdict(pair) for pair in expected
            ]
        return cancelled

    @rule(what=st.sampled_from(["power cut", "doctor", "appoint", "dismiss"]), pair=pairs)
    def something_rare_happens(self, what: str, pair: Pair) -> None:
        """Break off before a commit, look for things to mend, or change who is a reviewer."""
        sent = self.operation(AGAIN, [self.change(pair, State.PRESENT, Source.HUMAN, "now")])

        def write() -> None:
            with self.store.writing() as tx:
                answers.record(tx, sent, NOW)
                raise InterruptedError

        if what == "power cut":
            with pytest.raises(InterruptedError):
                write()
            return
        with self.store.writing() as tx:
            if what != "doctor":
                annotators.set_reviewer(tx, BOB, what == "appoint")
                answers.recompute(tx)
                self.ledger.reviewers = {BOB, CHIEF} if what == "appoint" else {CHIEF}
            assert answers.recompute(tx) + answers.recount(tx) == []

    @rule(category=st.sampled_from(CATEGORIES), into=st.sampled_from(CATEGORIES))
    def merge(self, category: int, into: int) -> None:
        """Take two categories together; the preview said what comes of it."""
        allowed = category != into and not {category, into} & set(self.ledger.merged)
        if not allowed:
            with pytest.raises(AnnotatorError), self.store.writing() as tx:
                merges.merge(tx, category, into)
            return
        with self.store.reading() as tx:
            foreseen = merges.preview(tx, category, into)
        before = [self.ledger.verdict((i, into)) for i in IMAGES]
        with self.store.writing() as tx:
            merges.merge(tx, category, into)
            recompute_category(tx, into)
        self.ledger.merged[category] = (into, self.ledger.answers)
        after = [self.ledger.verdict((i, into)) for i in IMAGES]
        steps = [(step_of(old), step_of(new)) for old, new in zip(before, after, strict=True)]
        assert foreseen.changes == Counter(step for step in steps if step[0] != step[1])
        for name in ("present", "absent", "conflict"):
            assert foreseen.after[name] == [new for _, new in steps].count(name)

    @rule(category=st.sampled_from(CATEGORIES))
    def split(self, category: int) -> None:
        """Take a merge back."""
        if category not in self.ledger.merged:
            with pytest.raises(AnnotatorError), self.store.writing() as tx:
                merges.split(tx, category)
            return
        into, _ = self.ledger.merged.pop(category)
        with self.store.writing() as tx:
            assert merges.split(tx, category) == into
            recompute_category(tx, into)

    @invariant()
    def labels_are_what_the_answers_add_up_to(self) -> None:
        expected = {p: v for p in PAIRS if (v := self.ledger.verdict(p)) is not None}
        with self.store.reading() as tx:
            found = answers.labels_of(tx, IMAGES)
            table = answers.label_table(tx)

        labels = [x for rows in found.values() for x in rows]
        assert {(x.image_id, x.category_id): summary(x) for x in labels} == expected
        order = list(Source)
        rows = zip(
            table.image.tolist(),
            table.category.tolist(),
            (table.present & ~table.conflict).tolist(),
            [order[code] for code in table.source],
            table.conflict.tolist(),
            strict=True,
        )
        assert sorted(rows) == sorted(
            (i - 1, c - 1, state is State.PRESENT, source, conflict)
            for (i, c), (state, _, source, _, conflict) in expected.items()
        )

    @invariant()
    def counters_equal_a_recount(self) -> None:
        state_of = {p: v[0] for p in PAIRS if (v := self.ledger.verdict(p)) is not None}
        with self.store.reading() as tx:
            listed = categories.every(tx, archived=True)
            pictures = images.every(tx)

        for category in listed:
            own = [state for (_, c), state in state_of.items() if c == category.id]
            counts = category.present_count, category.absent_count
            assert counts == (own.count(State.PRESENT), own.count(State.ABSENT))
        for image in pictures:
            own = [state for (i, _), state in state_of.items() if i == image.id]
            assert image.known_count == len(own) - own.count(None)

    @invariant()
    def what_else_is_derived_agrees(self) -> None:
        standing = [
            s.state
            for s in self.ledger.standing()
            if s.source is not Source.SWEPT and s.state not in WITHDRAWN
        ]
        with self.store.reading() as tx:
            counts = answers.answer_counts(tx)
            unsure = {who: answers.unsure_of(tx, who, IMAGES) for who in (ANN, BOB, CHIEF)}

        assert (counts.answers, counts.present) == (len(standing), standing.count(State.PRESENT))
        for who, found in unsure.items():
            assert {(i, c) for i, rows in found.items() for c in rows} == {
                pair for pair in PAIRS if self.ledger.unsure(who, pair)
            }


TestLabelling = pytest.mark.slow(Labelling.TestCase)

TestLabelling.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
