"""Labels of many pairs worked out anew in short transactions, so that nobody waits to answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from annotator.errors import ProjectBusy
from annotator.services.background.short_transactions import Progress, for_all, nobody
from annotator.store import Store, Transaction, changes, derivation, key_values, merges

UNFINISHED = "recompute.categories"
"""Name of the list of categories whose labels are being worked out anew."""


def recompute_pairs(
    store: Store, pairs: Sequence[merges.Pair], on_progress: Progress = nobody
) -> None:
    """Make the labels of pairs what their answers add up to, a part at a time."""

    def recompute(tx: Transaction, part: Sequence[merges.Pair]) -> None:
        derivation.recompute(tx, part)
        changes.note_recomputed(tx)

    for_all(store, pairs, recompute, on_progress=on_progress)


def begin(tx: Transaction, category_ids: Iterable[int]) -> None:
    """Note that labels of categories have to be worked out anew, should the program be ended."""
    waiting = {*(key_values.get(tx, UNFINISHED) or ()), *category_ids}
    key_values.put(tx, UNFINISHED, sorted(waiting))


def refuse_unfinished(tx: Transaction) -> None:
    """Return if all labels are worked out, none of them half merged.

    Raises:
        ProjectBusy: If some are not.
    """
    if key_values.get(tx, UNFINISHED):
        raise ProjectBusy(
            "Labels of a merged category are being worked out; wait until that is done and try "
            "again."
        )


def finish(store: Store, on_progress: Progress = nobody) -> int:
    """Work out the labels of the categories that `begin` noted, and return the number of pairs."""
    with store.reading() as tx:
        waiting = key_values.get(tx, UNFINISHED) or []
        if not waiting:
            return 0
        known = merges.read(tx)
        images = {c: merges.touched(tx, known.with_parts([c])).tolist() for c in waiting}
    pairs = [(image_id, c) for c, ids in images.items() for image_id in ids]
    recompute_pairs(store, pairs, on_progress)
    with store.writing() as tx:
        left = [c for c in key_values.get(tx, UNFINISHED) or () if c not in images]
        key_values.put(tx, UNFINISHED, left)
    return len(pairs)
