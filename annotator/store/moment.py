"""How a time is kept in a column."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Moment(sa.types.TypeDecorator[datetime]):
    """A UTC time as whole microseconds, the same in every database and comparable as a number."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Return microseconds since 1970.

        Raises:
            ValueError: If the time has no zone; guessing one would move it by hours.
        """
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"expected a time with a time zone, got {value}; use UTC")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        """Return the time; one that no calendar has, as older programs kept them, is its end."""
        del dialect
        if value is None:
            return None
        nearest = min(max(int(value), _EARLIEST), _LATEST)
        return _EPOCH + timedelta(microseconds=nearest)
