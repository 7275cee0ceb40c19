"""What each category means to those who are asked, as a hash: whether it changed is told by it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from annotator.domain import Category
from annotator.store import Transaction, categories
from annotator.store.certificates import Certificate


def definitions(shown: Iterable[Category], every: Sequence[Category]) -> dict[str, str]:
    """Return, by ordinal, a short hash of what each category means to those who are asked.

    Its name, its description, and what was merged into it count; hiding it changes it, too.
    """
    into = {c.id: c.merged_into for c in every}
    parts: dict[int, list[int]] = {}
    for part in into:
        target = into[part]
        while target is not None:
            parts.setdefault(target, []).append(part)
            target = into.get(target)
    found = {}
    for c in shown:
        meaning = [c.name, c.description, c.archived, c.merged_into, sorted(parts.get(c.id, []))]
        text = json.dumps(meaning).encode()
        found[str(c.ordinal)] = hashlib.sha256(text).hexdigest()[:16]
    return found


def changed(tx: Transaction, row: Certificate) -> list[str]:
    """Return the names of a certificate's categories that mean something else by now."""
    every = categories.every(tx, archived=True)
    now, then = definitions(every, every), row.plan["definitions"]
    return [c.name for c in every if then.get(key := str(c.ordinal), now[key]) != now[key]]
