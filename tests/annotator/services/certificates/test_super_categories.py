from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from annotator.domain import Category, State
from annotator.services.certificates import pool as pools
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.report import open_report
from annotator.services.certificates.rows import StatusHead
from annotator.store.certificates import Certificate, CertificateState, Drawn
from mlrpl.decision.fill_plan import Promise, plan_fill

pytestmark = pytest.mark.slow

AT = datetime(2026, 1, 1, tzinfo=UTC)
SUPERS = {"animal": [0, 1, 2], "<thing>": [3, 4, 5]}
SIZE, ABSENT, MIDDLE = 60_000, 18_000, 1_500
LOST = 3
"""Ordinal of the category that loses pairs, where one does."""

HEAD: StatusHead = {"certificates": [], "changed_categories": []}
NAMES = {str(ordinal): f"category {ordinal}" for ordinal in range(6)}


def certificate(supers: dict[str, list[int]] | None, *, loses: bool) -> tuple[Any, ...]:
    """Return a certificate with answers to 18,000 candidates for absent, and what it needs."""
    rng = np.random.default_rng(2)
    p = np.sort(np.concatenate([rng.uniform(1e-6, 1e-3, 56_000), rng.uniform(0.3, 0.99, 4_000)]))
    plan = plan_fill(p, Promise(), present=False)
    pairs = np.stack([np.arange(SIZE), np.arange(SIZE) % 6], 1).astype(np.int32)
    draws = pools.draw(plan, pairs, 3)
    zones = {"absent": draws[draws[:, 0] == 2][:ABSENT], "middle": draws[draws[:, 0] == 1][:MIDDLE]}
    drawn = []
    for zone, rows in zones.items():
        for place, (_, position, image, category) in enumerate(rows.tolist()):
            there = position >= SIZE - 3_000
            there |= loses and zone == "absent" and category == LOST and place < 400
            drawn.append(
                Drawn(
                    id=len(drawn),
                    purpose="bound",
                    zone=zone,
                    position=place,
                    image_id=image,
                    category_id=category,
                    state=State.PRESENT if there else State.ABSENT,
                    answered_at=AT,
                )
            )
    settled = [d for d in drawn if d.state is State.PRESENT]  # asked again, and said again
    again = [
        Drawn(**{**vars(d), "id": len(drawn) + n, "purpose": "again"})
        for n, d in enumerate(settled)
    ]
    kept: dict[str, Any] = {
        "fill": pools.plan_row(plan),
        "forecast": {"probes": 1},
        "ordinals": list(range(6)),
        "index": 1,
        "project_risk": 0.05,
        "left_out": [],
        "sha256": "",
        "seed": 3,
    }
    if supers is not None:
        kept["super_categories"] = supers
    row = Certificate(
        id=1,
        version=1,
        state=CertificateState.OPEN,
        plan=kept,
        bitmap_path=None,
        created_at=AT,
        applied_at=None,
        rolled_back_at=None,
    )
    sizes = pools.sizes_by_category(plan, pairs, range(6))
    return row, Evidence(row, [*drawn, *again], draws), sizes


def test_a_super_category_can_keep_the_promise_where_its_neighbour_does_not() -> None:
    row, found, sizes = certificate(SUPERS, loses=True)

    result, kept = open_report(row, found, sizes, NAMES, 1, HEAD)

    supers = result["super_categories"]
    assert found.certifier.absent > 0
    assert supers["promised"] == ["animal"]
    assert supers["no_promise_of_its_own"] == ["<thing>"]
    assert "1 of 2 super-categories keep the promise" in supers["sentence"]
    assert supers["sentence"].count("animal") == 1
    assert "90% confidence for all super-categories and categories" in supers["sentence"]
    assert kept["p_values"]["super-category animal:0"] < 0.05
    assert "category 3" in result["categories"]["no_promise_of_its_own"]


def test_where_all_super_categories_are_proven_their_risk_goes_on_to_the_categories() -> None:
    row, found, sizes = certificate(SUPERS, loses=False)

    result, _ = open_report(row, found, sizes, NAMES, 1, HEAD)

    assert result["super_categories"]["promised"] == ["<thing>", "animal"]
    assert result["categories"]["promised"] == [f"category {n}" for n in range(6)]
    assert "all of these and the super-categories" in result["categories"]["sentence"]


@pytest.mark.parametrize("supers", [None, {}])
def test_without_super_categories_nothing_is_said_about_them(supers: Any) -> None:
    row, found, sizes = certificate(supers, loses=False)

    result, _ = open_report(row, found, sizes, NAMES, 1, HEAD)

    assert result["super_categories"]["sentence"] == ""
    assert result["categories"]["promised"] == [f"category {n}" for n in range(6)]


def test_super_categories_of_one_or_of_all_categories_say_nothing_new() -> None:
    def category(ordinal: int, above: str) -> Category:
        return Category(id=ordinal + 1, name=str(ordinal), ordinal=ordinal, supercategory=above)

    shown = [category(0, "animal"), category(1, "animal"), category(2, "alone"), category(3, "")]

    assert pools.super_categories(shown) == {"animal": [0, 1]}
    assert pools.super_categories(shown[:2]) == {}
