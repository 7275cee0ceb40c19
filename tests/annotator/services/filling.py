"""Certificates that are applied without any question, for tests of what lies over the labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotator.arrays import certificates as files
from annotator.arrays.certificates import FillBits
from annotator.services.app import Services
from annotator.services.catalogue.definitions import definitions
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
    lost_at_most: int = 10**6,
    max_lost: float = 0.1,
    over: str = "pool",
    known: int = 0,
) -> int:
    """Fill in pairs as a certificate that says so would, and return its number."""
    present, absent, now = present or [], absent or [], services.progress._clock()
    with services.store.writing() as tx:
        number = 1 + len(certificates.every(tx))
        rows, columns = activity.shape(tx)
        every = categories.every(tx, archived=True)
        bits = FillBits.empty(rows, columns)
        for state, pairs in enumerate((present, absent)):
            image, category = np.array(pairs, np.int32).reshape(-1, 2).T
            bits.mark(state, image, category)
        promise = {"max_error": 0.05, "max_lost": max_lost, "risk": 0.05, "over": over}
        said = {"own_statement": {"lost_at_most": lost_at_most}} if absent else None
        plan: dict[str, Any] = {
            "fill": {
                "promise": {**promise, "known": known, "false_alarm": 0.0, "miss": 0.0},
                "size": len(present) + len(absent),
                "absent_rungs": [len(absent)],
                "present_rungs": [len(absent)],
                "guess_middle": 0.5,
                "guess_present": 0.5,
                "guess_total": 1.0,
                "cap_present": 0,
            },
            "columns": columns,
            "ordinals": [c.ordinal for c in every],
            "definitions": definitions(every, every),
            "filled": counts_of(bits),
            "applied": {"present": len(present), "absent": len(absent)},
            "applied_operation": activity.newest_operation(tx),
            "budget": {"present": len(present), "may_be_wrong": may_be_wrong, "drawn": 0},
            "statement": {"present": None, "absent": said},
        }
        none = np.zeros((0, 4), np.int32)
        folder, _ = files.write_plan(services.project, none[:, :2], none, none[:, :1])
        files.publish(services.project, folder, number, plan)
        bits.write(services.project, number)
        certificates.add(tx, number, 1, plan, now)
        certificates.applied(tx, number, f"certificates/{number:04d}/{files.FILL}", now)
    return number
