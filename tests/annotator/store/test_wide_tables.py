from __future__ import annotations

from datetime import UTC, datetime

import pytest

from annotator.domain import Change, Operation, OperationKind, Source, State
from annotator.store import Store, annotators, answers, categories, images
from annotator.store.derivation import FEW

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 2 * FEW


@pytest.fixture
def person(store: Store) -> int:
    """Make many images and categories, and somebody to answer."""
    with store.writing() as tx:
        categories.add(tx, [categories.NewCategory(f"category {c}") for c in range(COUNT)])
        found = [images.FoundImage(f"{i}.png", f"{i:064x}", 4, 3, "PNG", 10, i) for i in range(99)]
        images.add(tx, "pictures", found, [])
        return annotators.named(tx, "ann", NOW).id


def say(store: Store, person: int, name: str, changes: list[Change]) -> None:
    operation = Operation(
        client_id=name,
        annotator_id=person,
        kind=OperationKind.IMPORT,
        changes=tuple(changes),
        happened_at=NOW,
    )
    with store.writing() as tx:
        answers.record(tx, operation, NOW)


def change(image_id: int, category_id: int, state: State, source: Source) -> Change:
    return Change(image_id=image_id, category_id=category_id, state=state, source=source)


@pytest.mark.parametrize("categories_at_once", [1, FEW, FEW + 1, COUNT])
def test_an_operation_changes_its_own_categories_and_no_other(
    store: Store, person: int, categories_at_once: int
) -> None:
    everything = [
        change(i, c, State.ABSENT, Source.HUMAN) for i in range(1, 11) for c in range(1, COUNT + 1)
    ]
    say(store, person, "before", everything)

    chosen = range(1, categories_at_once + 1)
    page = [change(i, c, State.PRESENT, Source.HUMAN) for i in range(1, 11) for c in chosen]
    say(store, person, "page", page)

    with store.reading() as tx:
        found = answers.labels_of(tx, range(1, 11))
        listed = categories.every(tx)
    present = {
        (x.image_id, x.category_id)
        for labels in found.values()
        for x in labels
        if x.state is State.PRESENT
    }
    assert present == {(c.image_id, c.category_id) for c in page}
    assert sum(map(len, found.values())) == len(everything)
    for category in listed:
        counts = category.present_count, category.absent_count
        assert counts == ((10, 0) if category.id in chosen else (0, 10))


def test_the_label_table_keeps_every_field_apart(store: Store, person: int) -> None:
    sources = list(Source)
    said = [
        change(
            1 + k % 99,
            1 + k % COUNT,
            State.PRESENT if k % 3 else State.ABSENT,
            sources[k % len(sources)],
        )
        for k in range(300)
    ]
    for k, one in enumerate(said):
        say(store, person, f"answer {k}", [one])
    with store.writing() as tx:
        other = annotators.named(tx, "bob", NOW).id
    say(store, other, "another view", [change(1, 1, State.PRESENT, Source.REVIEW)])
    say(store, person, "and back", [change(1, 1, State.ABSENT, Source.REVIEW)])

    with store.reading() as tx:
        table = answers.label_table(tx)
        found = answers.labels_of(tx, range(1, 100))

    rows = zip(
        table.image.tolist(),
        table.category.tolist(),
        table.present.tolist(),
        [sources[index] for index in table.source],
        table.conflict.tolist(),
        strict=True,
    )
    assert sorted(rows) == sorted(
        (x.image_id - 1, x.category_id - 1, x.state is State.PRESENT, x.source, x.conflict)
        for labels in found.values()
        for x in labels
    )
    assert {sources[index] for index in table.source} == set(sources)
    assert table.conflict.any()
