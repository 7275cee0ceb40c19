"""What `doctor` does to a database: labels and counters compared with the answers, and mended."""

from __future__ import annotations

import sqlalchemy as sa

from annotator.domain import State
from annotator.store import changes, derivation, image_use, merges, saved_again
from annotator.store.connection import Transaction
from annotator.store.rows import chunks
from annotator.store.tables import STATES, answer, category, image, label


def recompute(tx: Transaction) -> list[str]:
    """Recompute every label from its answers; one sentence for each pair that was off."""
    columns = (answer.c.image_id, answer.c.category_id)
    query = sa.select(*columns).union(sa.select(label.c.image_id, label.c.category_id))
    answered = saved_again.with_originals(tx, ((int(i), int(c)) for i, c in tx.execute(query)))
    pairs = merges.read(tx).with_targets(answered)
    image_use.settle(tx, image_use.unsettled(tx))
    said = []
    for part in chunks(sorted(pairs), 20_000):
        before = derivation.current(tx, part)
        derivation.recompute(tx, part)
        after = derivation.current(tx, part)
        said += [
            f"Image {i}, category {c}: the label was {before[i, c].state or 'unknown'}, "
            f"the answers say {after[i, c].state or 'unknown'}."
            for i, c in part
            if before[i, c] != after[i, c]
        ]
    if said:
        changes.note_recomputed(tx)
    return said


def recount(tx: Transaction) -> list[str]:
    """Recount the counters of categories and images; one sentence for each that was off."""
    said = []
    for name, state in (("present_count", State.PRESENT), ("absent_count", State.ABSENT)):
        said += _mend(tx, category, name, label.c.category_id, label.c.state == STATES[state])
    said += _mend(tx, image, "known_count", label.c.image_id, label.c.state.is_not(None))
    return said


def _mend(
    tx: Transaction,
    table: sa.Table,
    name: str,
    key: sa.Column[int],
    counted: sa.ColumnElement[bool],
) -> list[str]:
    query = sa.select(key, sa.func.count()).where(counted).group_by(key)
    true = {i: n for i, n in tx.execute(query)}
    said = []
    for row in tx.execute(sa.select(table.c.id, table.c[name])).all():
        right = true.get(row.id, 0)
        if row[1] != right:
            said.append(f"{table.name} {row.id}: {name} was {row[1]}, counted {right}.")
            tx.execute(sa.update(table).where(table.c.id == row.id).values({name: right}))
    return said
