"""Certificates: frozen plans of what may be filled in, and the probes asked for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from annotator.domain import State
from annotator.errors import NotFound
from annotator.store.connection import Transaction
from annotator.store.rows import chunks, fields_of
from annotator.store.tables import (
    STATE_OF,
    STATES,
    UNUSED,
    category,
    certificate,
    image,
    label,
    probe,
)

BOUND = "bound"
"""Purpose of a probe that a certificate counts."""

AGAIN = "again"
"""Purpose of a further blind look at a bound probe that spoke against the predictions."""

POOL, PRESENT = "pool", "present"
"""Streams of draws: that of the linear test over all of the pool, and that of the pairs that may be
filled in as present. Earlier certificates have others."""

EARLIER = "fill-plan/1"
"""Format of the plans of the earlier procedure, which asks nothing more."""

PILOT = "pilot"
"""Purpose of a question that helps to lay a plan and is never evidence for it."""


class CertificateState(StrEnum):
    """Where a certificate is in its life."""

    OPEN = "open"
    APPLIED = "applied"
    CANCELLED = "cancelled"
    VOID = "void"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """One frozen plan and what became of it."""

    id: int
    version: int
    """Version whose scores laid the plan."""
    state: CertificateState
    plan: Mapping[str, Any]
    """See `docs/certificates.md`; once it is frozen, only its `certified` and `p_values` change
    until it is applied."""
    bitmap_path: str | None
    """Relative to the project, once it is applied."""
    created_at: datetime
    applied_at: datetime | None
    rolled_back_at: datetime | None

    @property
    def is_frozen(self) -> bool:
        """Whether it has a plan; before that, its pilot is asked."""
        return str(self.plan["format"]).startswith("fill-plan/")

    @property
    def is_earlier(self) -> bool:
        """Whether its plan is one of the earlier procedure."""
        return bool(self.plan["format"] == EARLIER)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One probe of a certificate; `position` is its place in the stream of draws `zone`.

    Those of its pilot are in no stream of a plan and have an inclusion probability instead.
    """

    id: int
    purpose: str
    zone: str
    position: int
    image_id: int
    category_id: int
    state: State | None
    answered_at: datetime | None
    inclusion_probability: float | None = None


def add(tx: Transaction, number: int, version: int, plan: Mapping[str, Any], now: datetime) -> None:
    """Keep a new open certificate under its number."""
    row = {"id": number, "version": version, "state": CertificateState.OPEN.value}
    tx.execute(sa.insert(certificate).values(**row, plan=dict(plan), created_at=now))


def every(tx: Transaction) -> list[Certificate]:
    """Return all certificates, the oldest first."""
    return [_to_certificate(r) for r in tx.execute(sa.select(certificate).order_by("id"))]


def get(tx: Transaction, number: int) -> Certificate:
    """Return a certificate.

    Raises:
        NotFound: If there is none with this number.
    """
    row = tx.execute(sa.select(certificate).where(certificate.c.id == number)).first()
    if row is None:
        raise NotFound(
            f"There is no certificate {number}; `annotator certify PROJECT status` lists them."
        )
    return _to_certificate(row)


def in_state(tx: Transaction, state: CertificateState) -> list[Certificate]:
    """Return the certificates in a state, the oldest first."""
    query = sa.select(certificate).where(certificate.c.state == state.value)
    return [_to_certificate(row) for row in tx.execute(query.order_by(certificate.c.id))]


def remember(tx: Transaction, number: int, plan: Mapping[str, Any]) -> None:
    """Keep what was certified so far with the plan."""
    query = sa.update(certificate).where(certificate.c.id == number)
    tx.execute(query.values(plan=dict(plan)))


def frozen(tx: Transaction, number: int, version: int, plan: Mapping[str, Any]) -> None:
    """Let a certificate have its frozen plan after its pilot, laid by the scores of a version."""
    query = sa.update(certificate).where(certificate.c.id == number)
    tx.execute(query.values(version=version, plan=dict(plan)))


def applied(tx: Transaction, number: int, bitmap_path: str, now: datetime) -> None:
    """Let the fill of a certificate stand from now on."""
    values = {"bitmap_path": bitmap_path, "applied_at": now}
    _move(tx, number, CertificateState.APPLIED, **values)


def rolled_back(tx: Transaction, number: int, now: datetime) -> None:
    """Take the fill of a certificate away; its files stay."""
    _move(tx, number, CertificateState.ROLLED_BACK, rolled_back_at=now)


def closed(tx: Transaction, number: int, state: CertificateState) -> None:
    """End a certificate that fills in nothing."""
    _move(tx, number, state)


def _move(tx: Transaction, number: int, state: CertificateState, **values: Any) -> None:
    query = sa.update(certificate).where(certificate.c.id == number)
    tx.execute(query.values(state=state.value, **values))


def add_probes(
    tx: Transaction, number: int, rows: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Keep further questions of a certificate in the order in which they are to be asked.

    Those whose pair has a label by now are answered with it at once: no drawn pair is skipped.

    Args:
        tx: A write transaction.
        number: Of the certificate.
        rows: Each with `purpose`, `zone`, `position`, `image_id` and `category_id`, those of a
            pilot with `inclusion_probability`, too.
        now: Kept as the time of drawing.
    """
    known = _labels(tx, [(r["image_id"], r["category_id"]) for r in rows if r["purpose"] == BOUND])
    filled = []
    for row in rows:
        pair = row["image_id"], row["category_id"]
        state = known.get(pair) if row["purpose"] == BOUND else None
        answered = {"state": state, "answered_at": None if state is None else now}
        filled.append({**row, **answered, "certificate_id": number, "drawn_at": now})
    if filled:
        tx.execute(sa.insert(probe), filled)


def drawn(tx: Transaction, number: int) -> list[Drawn]:
    """Return every question of a certificate that counts for it, in the order of drawing."""
    return _questions(tx, number, (BOUND, AGAIN))


def piloted(tx: Transaction, number: int) -> list[Drawn]:
    """Return the questions of a certificate's pilot in the order of drawing."""
    return _questions(tx, number, (PILOT,))


def _questions(tx: Transaction, number: int, purposes: Sequence[str]) -> list[Drawn]:
    names = tuple(Drawn.__dataclass_fields__)
    query = sa.select(*(probe.c[name] for name in names)).where(probe.c.certificate_id == number)
    query = query.where(probe.c.purpose.in_(purposes)).order_by(probe.c.id)
    found = []
    for row in tx.execute(query):
        values = dict(zip(names, row, strict=True))
        state = values["state"]
        found.append(Drawn(**{**values, "state": None if state is None else STATE_OF[state]}))
    return found


def cannot_be_asked(tx: Transaction, number: int, now: datetime) -> int:
    """Answer waiting questions about images not in use and hidden categories with "cannot tell".

    Dropping them would break the guarantee; so they count against the fill.

    Returns:
        How many there were.
    """
    gone = sa.select(image.c.id).where(UNUSED)
    hidden = sa.select(category.c.id).where(category.c.archived.is_(True))
    query = sa.update(probe).where(
        probe.c.certificate_id == number,
        probe.c.state.is_(None),
        sa.or_(probe.c.image_id.in_(gone), probe.c.category_id.in_(hidden)),
    )
    return tx.execute(query.values(state=STATES[State.UNSURE], answered_at=now)).rowcount


def nth_newest_answer(tx: Transaction, count: int) -> datetime | None:
    """Return when the probe was answered after which came `count - 1` others."""
    query = sa.select(probe.c.answered_at).where(probe.c.state.is_not(None))
    found = query.order_by(probe.c.answered_at.desc()).offset(count - 1).limit(1)
    return tx.execute(found).scalar()


def probed(tx: Transaction) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return image and category ordinals of every pair that was ever drawn for a probe."""
    query = (
        sa.select(image.c.ordinal, category.c.ordinal)
        .select_from(probe)
        .join(image, image.c.id == probe.c.image_id)
        .join(category, category.c.id == probe.c.category_id)
        .distinct()
    )
    found = np.array([tuple(row) for row in tx.execute(query)], np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def answered_elsewhere(tx: Transaction, number: int) -> list[tuple[int, int, State]]:
    """Return image and category ordinal and state of probe answers not given to a certificate."""
    query = (
        sa.select(image.c.ordinal, category.c.ordinal, probe.c.state)
        .select_from(probe)
        .join(image, image.c.id == probe.c.image_id)
        .join(category, category.c.id == probe.c.category_id)
        .where(probe.c.state.is_not(None))
        .where(sa.or_(probe.c.certificate_id.is_(None), probe.c.certificate_id != number))
    )
    return [(i, c, STATE_OF[state]) for i, c, state in tx.execute(query)]


def image_ids(tx: Transaction, ordinals: Iterable[int]) -> dict[int, int]:
    """Return the id of every image at some ordinals, missing ones included, by ordinal."""
    found: dict[int, int] = {}
    for part in chunks(ordinals):
        query = sa.select(image.c.ordinal, image.c.id).where(image.c.ordinal.in_(part))
        found.update({o: i for o, i in tx.execute(query)})
    return found


def _labels(tx: Transaction, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for part in chunks(pairs):
        about = sa.tuple_(label.c.image_id, label.c.category_id).in_(part)
        query = sa.select(label.c.image_id, label.c.category_id, label.c.state)
        rows = tx.execute(query.where(about, label.c.state.is_not(None)))
        found.update({(row.image_id, row.category_id): row.state for row in rows})
    return found


def _to_certificate(row: sa.Row[Any]) -> Certificate:
    return Certificate(**fields_of(row, "state"), state=CertificateState(row.state))
