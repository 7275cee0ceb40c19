"""Rows of the database as the frozen dataclasses of the domain, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from annotator.domain import Category, Image, ImagePath, Job, JobKind, JobState, Version

T = TypeVar("T")

CHUNK = 500
"""Values in one `IN (...)`; every database takes that many."""


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield the values in lists of at most `size`."""
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part


def fields_of(row: sa.Row[Any], *leave_out: str) -> dict[str, Any]:
    """Return a row's columns by name."""
    values = dict(zip(row._fields, row, strict=True))
    for name in leave_out:
        del values[name]
    return values


def to_category(row: sa.Row[Any], aliases: Sequence[str]) -> Category:
    """Return a category from its row and aliases."""
    return Category(**fields_of(row, "folded"), aliases=tuple(aliases))


def to_image(row: sa.Row[Any]) -> Image:
    """Return an image from its row."""
    return Image(**fields_of(row))


def to_path(row: sa.Row[Any]) -> ImagePath:
    """Return an image path from its row."""
    return ImagePath(**fields_of(row))


def to_job(row: sa.Row[Any]) -> Job:
    """Return a job from its row."""
    values = fields_of(row)
    values["kind"], values["state"] = JobKind(values["kind"]), JobState(values["state"])
    return Job(**values)


def to_version(row: sa.Row[Any]) -> Version:
    """Return a version from its row."""
    return Version(**fields_of(row, "job_id", "last_operation"))
