"""Certificates of the procedure with zones say what they promise as those of today do."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

QUESTION_SECONDS, PAIR_SECONDS = 2.5, 1.0
"""Published figures; an open pilot has none of its own."""


def upgrade() -> None:
    table = sa.table("certificate", sa.column("id"), sa.column("plan", sa.JSON))
    connection = op.get_bind()
    for number, plan in connection.execute(sa.select(table.c.id, table.c.plan)).all():
        made = _frozen(plan) if "fill" in plan else _pilot(plan)
        connection.execute(sa.update(table).where(table.c.id == number).values(plan=made))


def _frozen(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return a frozen plan with its promise and size, and its budget where something is filled."""
    fill = plan["fill"]
    made = {"format": "fill-plan/1", **plan, "promise": _promise(fill), "size": fill["size"]}
    if "applied" in plan and "budget" not in plan:
        said = plan["statement"]["present"] or {}
        made["budget"] = {
            "present": plan["applied"]["present"],
            "may_be_wrong": int(said.get("at_most_wrong", 0)),
            "drawn": fill["cap_present"],
        }
    return made


def _promise(fill: Mapping[str, Any]) -> dict[str, Any]:
    promise = fill["promise"]
    recall, precision = round(1 - promise["max_lost"], 9), round(1 - promise["max_error"], 9)
    of = {
        "dataset": "all present pairs of the data set",
        "pool": "the present pairs that were still open",
        "filled": "the present pairs that get filled in",
    }[promise["over"]]
    return {
        "promise": "precision_recall",
        "recall": recall,
        "precision": precision,
        "f1": None,
        "confidence": 1 - promise["risk"],
        "over": promise["over"],
        "known_present": promise["known"],
        "sentence": (
            f"At least {100 * recall:g} % of {of} are in the finished set, and at least "
            f"{100 * precision:g} % of the pairs filled in as present are right."
        ),
    }


def _pilot(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plan of a pilot with the options of today; its questions go on as they are."""
    wishes = plan["wishes"]
    if "promise" in wishes:
        return dict(plan)
    options = {
        "promise": "precision_recall",
        "recall": round(1 - wishes["max_lost"], 9),
        "precision": round(1 - wishes["max_error"], 9),
        "f1": 0.9,
        "confidence": wishes["confidence"],
        "over": wishes["over"] or "dataset",
        "question_seconds": QUESTION_SECONDS,
        "pair_seconds": PAIR_SECONDS,
    }
    return {**plan, "format": "fill-pilot/1", "wishes": options}
