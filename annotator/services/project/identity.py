"""Which project this is: a key that tells it from every other one, also from its own copies."""

from __future__ import annotations

import threading
import uuid

from annotator.errors import SetBack
from annotator.store import Store, answers, key_values

PROJECT_KEY = "project.key"
"""Name of the key, which pages and browsers carry with all they keep and send."""

PROJECT_FILE = "project.file"
"""Name of what the database file was when the key was made; see `Store.file_identity`."""

ANCESTORS = "project.ancestors"
"""Name of the keys of the projects that this one is a copy of, the nearest last."""

MOST_ANCESTORS = 20
"""Older ones are forgotten; no browser holds answers for so long."""


class Lineage:
    """The key of one project, and those of the projects it is a copy of."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: tuple[str, list[str]] | None = None

    def key(self) -> str:
        """Return the project's key, the same for as long as this process lives.

        The database holds it together with the identity of its file. A file that is another one
        was copied, or moved to another disk: it gets a new key, and the old one is an ancestor.
        So does one whose key comes from an older program, which did not note the file.
        """
        return self._read()[0]

    def ancestors(self) -> list[str]:
        """Return the keys of the projects that this one is a copy of."""
        return list(self._read()[1])

    def refuse_set_back(self, last: object) -> None:
        """Refuse to go on where somebody had an operation acknowledged that is not here.

        Args:
            last: Client id of the newest operation that a browser had acknowledged, if any.

        Raises:
            SetBack: If the database does not have it, as when an older backup was brought back.
        """
        if not isinstance(last, str) or not last:
            return
        with self._store.reading() as tx:
            if not answers.is_recorded(tx, last):
                raise SetBack(
                    "The database was restored from an older state after this was answered."
                )

    def _read(self) -> tuple[str, list[str]]:
        with self._lock:
            if self._known is None:
                self._known = self._remembered()
            return self._known

    def _remembered(self) -> tuple[str, list[str]]:
        """Return the key, and those of the ancestors."""
        file = self._store.file_identity()
        with self._store.reading() as tx:
            key, before = key_values.get(tx, PROJECT_KEY), key_values.get(tx, PROJECT_FILE)
            ancestors = key_values.get(tx, ANCESTORS) or []
        if key and file == before:
            return str(key), ancestors
        ancestors = [*ancestors, key][-MOST_ANCESTORS:] if key else []
        new = uuid.uuid4().hex[:12]
        with self._store.writing() as tx:
            key_values.put(tx, PROJECT_KEY, new)
            key_values.put(tx, PROJECT_FILE, file)
            key_values.put(tx, ANCESTORS, ancestors)
        return new, ancestors
