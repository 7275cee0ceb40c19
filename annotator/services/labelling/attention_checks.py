"""Which answered pairs a page of the grid asks again, to see whether it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from annotator.domain import State
from annotator.services.labelling.image_answers import Mask
from annotator.store import Transaction, attention_checks, images
from annotator.store.attention_checks import Known
from annotator.wire.verify import Mode

CHECK_SHARE = 0.05
"""Share of a page that tests attention."""

SMALLEST_WITH_CHECK = 20
"""Items of a page from which on it has at least one check."""

FORGOTTEN = timedelta(minutes=30)
"""An own answer has to be so old before the same person is asked again."""

_ASKED_AGAIN = {Mode.CONFIRM: State.ABSENT, Mode.SWEEP: State.PRESENT}
"""What people said of the pairs that a mode asks again: the opposite of what its page presets, so
that nobody confirms it without looking."""


def checks_for(items: int, share: float = CHECK_SHARE) -> int:
    """Return how many items of a page are checks.

    >>> [checks_for(n) for n in (12, 20, 40, 60)]
    [0, 1, 2, 3]
    """
    return max(int(items * share), int(items >= SMALLEST_WITH_CHECK and share > 0))


def draw_checks(
    tx: Transaction,
    category_id: int,
    mode: Mode,
    annotator_id: int,
    *,
    items: int,
    without: set[int],
    within: Mask | None,
    now: datetime,
    rng: np.random.Generator,
) -> list[tuple[int, Known]]:
    """Return ordinals and pairs of one category that a page asks again; none in other modes.

    Pairs that others answered come before the person's own. Where there are too few that are
    settled, there are fewer checks or none: what only the model believes tests nobody.

    Args:
        tx: A transaction.
        category_id: The category.
        mode: Of the page.
        annotator_id: Who is asked.
        items: Of the page.
        without: Ids of images to leave out.
        within: `(N,)` by ordinal, those that the page is limited to; None: it is not limited.
        now: The present.
        rng: Draws them.
    """
    state, number = _ASKED_AGAIN.get(mode), checks_for(items)
    if state is None or not number:
        return []
    start, before = int(rng.integers(1, 2 + images.count_all(tx))), now - FORGOTTEN
    found = attention_checks.known_pairs(
        tx, category_id, state, annotator_id, start=start, before=before
    )
    ordinals = {i: x.ordinal for i, x in images.many(tx, [k.image_id for k in found]).items()}
    free = [
        (ordinals[known.image_id], known)
        for known in found
        if known.image_id not in without and _is_within(within, ordinals[known.image_id])
    ]
    mixed = [free[place] for place in rng.permutation(len(free))]
    return sorted(mixed, key=lambda drawn: not drawn[1].others)[:number]


def _is_within(within: Mask | None, ordinal: int) -> bool:
    return within is None or bool(ordinal < len(within) and within[ordinal])


def mixed_in(items: Sequence[int], checks: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Return the items in their order with the checks at random places among them."""
    mixed = list(items)
    places = np.sort(rng.choice(len(items) + len(checks), len(checks), replace=False))
    for place, check in zip(places.tolist(), checks, strict=True):
        mixed.insert(place, check)
    return mixed
