"""What the database of a project says, read beside the server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def rows(project: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(project / "labels.db")) as connection:
        return connection.execute(query, values).fetchall()


def labels(project: Path) -> list[tuple[Any, ...]]:
    """Return image, category and state of every label."""
    return rows(
        project,
        "select image_id, category.name, state from label join category on category.id = "
        "category_id order by image_id, category_id",
    )
