"""Certificates that are applied without any question, for tests of what lies over the labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotator.arrays import certificates as files
from annotator.arrays.certificates import FillBits
from annotator.services.app import Services
from annotator.services.catalogue.definitions import definitions
from annotator.services.certificates.validity import budget
from annotator.services.knowledge.fills import counts_of
from annotator.store import activity, categories, certificates

Pairs = list[tuple[int, int]]
"""Image and category ordinals."""


def fill_in(
    services: Services,
    *,
    present: Pairs | None = None,
    absent: Pairs | None = None,
    may_be_wrong: int = 0,
    asked: Pairs | None = None,
    **promise: Any,
) -> int:
    """Fill in pairs as a certificate with some promise would, and return its number.

    Those of `asked` were drawn for the precision of what is filled in as present.
    """
    present, absent, now = present or [], absent or [], services.progress._clock()
    told = {
        "promise": "precision_recall",
        "recall": 0.9,
        "precision": 0.95,
        "f1": None,
        "confidence": 0.95,
        "over": "pool",
        "known_present": 0,
        "sentence": "",
        **promise,
    }
    with services.store.writing() as tx:
        number = 1 + len(certificates.every(tx))
        rows, columns = activity.shape(tx)
        every = categories.every(tx, archived=True)
        bits = FillBits.empty(rows, columns)
        for state, pairs in enumerate((present, absent)):
            image, category = np.array(pairs, np.int32).reshape(-1, 2).T
            bits.mark(state, image, category)
        draws = np.array([(0, *pair) for pair in asked or []], np.int32).reshape(-1, 3)
        folder, hashes = files.write(services.project, {files.PRESENT_DRAWS: draws})
        plan: dict[str, Any] = {
            "format": "fill-plan/2",
            "promise": told,
            "size": len(present) + len(absent),
            "columns": columns,
            "ordinals": [c.ordinal for c in every],
            "definitions": definitions(every, every),
            "sha256": hashes[files.PRESENT_DRAWS],
            "filled": counts_of(bits),
            "applied": {"present": len(present), "absent": len(absent)},
            "applied_operation": activity.newest_operation(tx),
            "statement": {},
        }
        if told["precision"] is not None:
            plan["budget"] = budget(len(present), may_be_wrong, len(draws))
        files.publish(services.project, folder, number, plan)
        bits.write(services.project, number)
        certificates.add(tx, number, 1, plan, now)
        certificates.applied(tx, number, f"certificates/{number:04d}/{files.FILL}", now)
    return number
