"""The probes that an open certificate needs next: drawn in batches, some asked again."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from itertools import islice

from annotator.errors import NotFound
from annotator.services.catalogue.definitions import changed
from annotator.services.certificates import frozen
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.looks import Look
from annotator.settings import Project
from annotator.store import Transaction, categories, certificates
from annotator.store.certificates import AGAIN, BOUND, Certificate, CertificateState, Drawn

BATCH = 100
"""Pairs that are drawn at a time, at most; after each batch the answers decide what comes next."""

APART = 20
"""Probes that are answered before a surprising pair is shown again."""

MOST_WAITING = 500
"""Unanswered questions from which on no more are drawn, as when pictures cannot be shown."""

MOST_TRIES = 50
"""Questions that are looked at for one card, whether their picture can be shown."""

MOST_AGAIN = 3
"""Pairs on one card that were asked before."""


class BlindQuestions:
    """What the open certificate of a project asks."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def supply(
        self,
        tx: Transaction,
        *,
        count: int,
        without: Collection[int],
        can_show: Callable[[int], bool],
        now: datetime,
        patient: bool = True,
    ) -> list[int]:
        """Return the ids of the probes to ask next, at most `count`; none without a certificate.

        One whose files are damaged, or of the earlier procedure, asks nothing more. A pair whose
        picture cannot be shown just now keeps its place and is asked later.

        Args:
            tx: A write transaction.
            count: Wanted.
            without: Ids of probes that are on somebody's screen.
            can_show: Whether the picture of an image, by id, can be shown.
            now: The time.
            patient: Whether a surprising pair has to wait for other questions before it is shown
                again.
        """
        row = self.open(tx)
        if row is None or row.is_earlier or count <= 0:
            return []
        certificates.cannot_be_asked(tx, row.id, now)
        if not row.is_frozen:
            return _choose(certificates.piloted(tx, row.id), count, without, can_show)
        drawn = certificates.drawn(tx, row.id)
        try:
            found = self.evidence(row, drawn)
        except NotFound:  # the Certify page says so; the ordinary probes of a card go on
            return []
        if self._ask_again(tx, row, found, now, patient):
            drawn = certificates.drawn(tx, row.id)
        chosen = _choose(drawn, count, without, can_show)
        if len(chosen) < count and self._draw(tx, row, found, now):
            chosen = _choose(certificates.drawn(tx, row.id), count, without, can_show)
        if found.certified != row.plan["certified"]:
            certificates.remember(tx, row.id, {**row.plan, "certified": found.certified})
        return chosen

    def open(self, tx: Transaction) -> Certificate | None:
        """Return the open certificate; one whose categories were changed meanwhile becomes void.

        Args:
            tx: A write transaction.
        """
        for row in certificates.in_state(tx, CertificateState.OPEN):
            if self.state(tx, row) is CertificateState.OPEN:
                return row
            certificates.closed(tx, row.id, CertificateState.VOID)
        return None

    def state(self, tx: Transaction, row: Certificate) -> CertificateState:
        """Return the state of a certificate, whether or not it was kept as void by now."""
        is_void = row.state is CertificateState.OPEN and bool(changed(tx, row))
        return CertificateState.VOID if is_void else row.state

    def evidence(self, row: Certificate, drawn: list[Drawn], taken_back: int = 0) -> Evidence:
        """Return what the answers to a certificate's questions say; see `Evidence`."""
        plan, parts = frozen.read(self._project, row), frozen.parts(self._project, row)
        _, chances, _ = parts.together(range(len(parts.known)))
        return Evidence(row, plan, chances, drawn, taken_back=taken_back)

    def _ask_again(
        self, tx: Transaction, row: Certificate, found: Evidence, now: datetime, patient: bool
    ) -> bool:
        border = certificates.nth_newest_answer(tx, APART) if patient else now
        due = [x for x in found.looks if x.needs_look and not x.waits and _is_before(x, border)]
        rows = [
            {
                "purpose": AGAIN,
                "zone": look.stream,
                "position": look.place,
                "image_id": look.pair[0],
                "category_id": look.pair[1],
            }
            for look in due
        ]
        certificates.add_probes(tx, row.id, rows, now)
        return bool(rows)

    def _draw(self, tx: Transaction, row: Certificate, found: Evidence, now: datetime) -> bool:
        """Draw the next batch; False where the plan has no more or asking does not pay."""
        if found.waiting >= MOST_WAITING:
            return False
        wanted = _interleaved(found.next_draws(BATCH), row.plan["seed"] + len(found.looks))
        places = [found.place_of(stream, place) for stream, place in wanted]
        ids = certificates.image_ids(tx, {image for image, _ in places})
        named = {ordinal: i for i, ordinal in categories.ordinals(tx).items()}
        rows = [
            {
                "purpose": BOUND,
                "zone": stream,
                "position": place,
                "image_id": ids[image],
                "category_id": named[category],
            }
            for (stream, place), (image, category) in zip(wanted, places, strict=True)
        ]
        certificates.add_probes(tx, row.id, rows, now)
        certificates.cannot_be_asked(tx, row.id, now)
        return bool(rows)


def _is_before(look: Look, border: datetime | None) -> bool:
    return border is not None and look.last is not None and look.last <= border


def _choose(
    drawn: Iterable[Drawn],
    count: int,
    without: Collection[int],
    can_show: Callable[[int], bool],
) -> list[int]:
    waiting = [d for d in drawn if d.state is None and d.id not in without]
    again = [d for d in waiting if d.purpose == AGAIN][:MOST_TRIES]
    fresh = [d for d in waiting if d.purpose != AGAIN][:MOST_TRIES]
    chosen = [*islice((d.id for d in again if can_show(d.image_id)), min(MOST_AGAIN, count))]
    can_ask = (d.id for d in fresh if can_show(d.image_id))
    return [*chosen, *islice(can_ask, count - len(chosen))]


def _interleaved(wanted: list[tuple[str, int]], seed: int) -> list[tuple[str, int]]:
    """Return the places with the streams shuffled; those of one stream keep their order."""
    streams = [stream for stream, _ in wanted]
    random.Random(seed).shuffle(streams)
    waiting = {own: iter([place for one, place in wanted if one == own]) for own in set(streams)}
    return [(stream, next(waiting[stream])) for stream in streams]
