"""The predictors of a project: what scores pairs besides people and the trained version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from annotator.store.connection import Transaction
from annotator.store.moment import Moment
from annotator.store.rows import fields_of
from annotator.store.tables import metadata

FILE = "file"
NAMES = "names"
"""Kinds. The second one is built in: what the backbone's classes say about the categories' names,
which methods read by themselves."""

predictor = sa.Table(
    "predictor",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("report", sa.JSON, nullable=False),
    sa.Column("trusted", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("added_by", sa.String(200), nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("refreshed_at", Moment, nullable=False),
)


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """One predictor as it stands now."""

    id: int
    name: str
    kind: str
    """Where its scores come from: `FILE` or `NAMES`."""
    version: str
    """Names the folder of its scores; changes whenever they do. Empty before there are any."""
    options: Mapping[str, Any]
    """What its scores are made from, as its kind reads it."""
    report: Mapping[str, Any]
    """What was found when they were made last, for people."""
    trusted: bool
    """Whether its suggestions are shown where nothing is known of a category yet."""
    added_by: str
    added_at: datetime
    refreshed_at: datetime


def every(tx: Transaction) -> list[Predictor]:
    """Return all predictors, in the order in which they were added."""
    return [_of(row) for row in tx.execute(sa.select(predictor).order_by(predictor.c.id))]


def named(tx: Transaction, name: str) -> Predictor | None:
    """Return the predictor of that name, or None."""
    row = tx.execute(sa.select(predictor).where(predictor.c.name == name)).first()
    return None if row is None else _of(row)


def weighed(tx: Transaction) -> list[Predictor]:
    """Return the predictors that a training weighs beside its method."""
    return [p for p in every(tx) if p.kind != NAMES and p.version]


def signature(tx: Transaction) -> list[list[str]]:
    """Return name and version of every predictor that a training weighs, sorted, as JSON has it."""
    return sorted([p.name, p.version] for p in weighed(tx))


def put(
    tx: Transaction,
    name: str,
    kind: str,
    version: str,
    *,
    options: Mapping[str, Any],
    report: Mapping[str, Any],
    by: str,
    now: datetime,
) -> None:
    """Add a predictor, or let the one of that name have new scores; whether it is trusted stays."""
    values = {
        "kind": kind,
        "version": version,
        "options": dict(options),
        "report": dict(report),
        "refreshed_at": now,
    }
    if named(tx, name) is not None:
        tx.execute(sa.update(predictor).where(predictor.c.name == name).values(**values))
        return
    values |= {"name": name, "trusted": False, "added_by": by, "added_at": now}
    tx.execute(sa.insert(predictor).values(**values))


def trust(tx: Transaction, name: str, trusted: bool) -> None:
    """Say whether a predictor's suggestions are shown where nothing else is known."""
    tx.execute(sa.update(predictor).where(predictor.c.name == name).values(trusted=trusted))


def remove(tx: Transaction, name: str) -> None:
    """Delete a predictor; its scores are files and not deleted here."""
    tx.execute(sa.delete(predictor).where(predictor.c.name == name))


def _of(row: sa.Row[Any]) -> Predictor:
    return Predictor(**fields_of(row))
