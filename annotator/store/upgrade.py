"""Bringing the tables up to date with Alembic, inside one transaction."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError


class UnknownRevision(Exception):
    """The database names a revision that this program does not have."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def newest_revision() -> str:
    """Return the revision that `upgrade` leads to."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # the package always ships its migrations
    return head


def upgrade(connection: sa.Connection) -> None:
    """Run the migrations that a database lacks.

    Raises:
        UnknownRevision: If it was made by a newer program.
    """
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnknownRevision(str(error)) from error
