"""What is frozen when a certificate begins: pairs, promise, bets and draws, as files and as JSON.

Everything that the proof rests on lies here before the first question is asked, and never changes
again. Both streams of draws follow from the frozen draw weights and the seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays import certificates as files
from annotator.arrays.certificates import Array, Ints
from annotator.services.certificates.pool import Pool, super_categories
from annotator.services.certificates.rows import PromiseRow
from annotator.settings import Project
from annotator.store.certificates import Certificate
from mlrpl.decision.linear_evidence import draw_order
from mlrpl.decision.linear_plan import LinearPlan, RungTest
from mlrpl.decision.linear_promises import F1Promise, Fill, RecallPromise
from mlrpl.decision.present_zone import PresentPlan, draw_present

FORMAT = "fill-plan/2"

MOST_DRAWS = 20_000
"""Pairs of the linear stream that are drawn in advance."""

BLOCK = 1_000_000
"""Pairs that are counted together."""


@dataclass(frozen=True)
class Parts:
    """A pool by category and bin, for promises about single categories and groups of them."""

    counts: Ints
    """`(C, bins)` pairs, by category in the order of the plan's `ordinals`."""
    means: npt.NDArray[np.float32]
    """`(C, bins)` their mean probability; 0 where there are none."""
    known: Ints
    """`(C,)` present labels when the plan was frozen."""

    def together(self, rows: Sequence[int]) -> tuple[Array, Array, int]:
        """Return counts and means by bin, and known present labels, of categories together."""
        counts = self.counts[rows].sum(0, dtype=np.float64)
        sums = (self.counts[rows] * self.means[rows].astype(np.float64)).sum(0)
        return counts, sums / np.maximum(counts, 1), int(self.known[rows].sum())


@dataclass(frozen=True)
class CertificatePlan:
    """What is tested, by which bets, with which draw weights."""

    promise: PromiseRow
    linear: LinearPlan
    present: PresentPlan | None
    """The second test, of the pairs filled in as present; only some promises have it."""
    question_seconds: float
    pair_seconds: float

    @property
    def price(self) -> float:
        """Pairs that one question may cost."""
        return self.question_seconds / self.pair_seconds


@dataclass(frozen=True)
class FrozenPlan(CertificatePlan):
    """The frozen plan of a certificate."""

    draws: Ints
    """`(n, 3)` position, image and category ordinal of the linear stream, in the order of
    drawing."""
    present_draws: Ints
    """`(m, 3)` the same for the stream of the present fill; empty without one."""


def write(
    project: Project, pool: Pool, plan: CertificatePlan, seed: int
) -> tuple[Path, dict[str, Any]]:
    """Draw both streams and write the arrays of a plan into a temporary folder.

    Args:
        project: Whose certificate it is going to be.
        pool: What can be filled in.
        plan: What is tested.
        seed: Of the draws.

    Returns:
        The folder, for `files.publish`, and what of the plan is kept as JSON.

    Raises:
        ProjectError: If it cannot be written.
    """
    linear, present = plan.linear, plan.present
    drawn = draw_order(linear, MOST_DRAWS, seed)
    further = np.empty(0, np.int64) if present is None else draw_present(present, seed)
    ordinals = [c.ordinal for c in pool.categories]
    temporary, hashes = files.write(
        project,
        {
            files.PAIRS: pool.pairs,
            files.BETS: _bets(linear),
            files.DRAWS: _places(drawn, pool.pairs),
            files.PRESENT_DRAWS: _places(further, pool.pairs),
            files.PARTS: vars(parts_of(pool, linear)),
        },
    )
    return temporary, {
        "format": FORMAT,
        "promise": dict(plan.promise),
        "risks": {"linear": linear.risk, "present": 0.0 if present is None else present.risk},
        "size": linear.size,
        "rungs": [list(test.fill) for test in linear.tests],
        "target": linear.target,
        "present": None if present is None else asdict(present),
        "question_seconds": plan.question_seconds,
        "pair_seconds": plan.pair_seconds,
        "seed": seed,
        "sha256": hashes[files.PAIRS],
        "hashes": hashes,
        "ordinals": ordinals,
        "super_categories": super_categories(pool.categories),
        "columns": 1 + max(ordinals),
        "left_out": list(pool.left_out),
        "certified": {"steps": 0, "present": 0},
        "p_values": {},
    }


def read(project: Project, row: Certificate) -> FrozenPlan:
    """Return the frozen plan of a certificate.

    Raises:
        NotFound: If a file is gone, damaged or exchanged.
    """
    plan = row.plan
    files.check(project, row.id, plan["hashes"], afresh=False)
    present = plan["present"]
    if present is not None:
        present = PresentPlan(**{**present, "rungs": tuple(present["rungs"])})
    return FrozenPlan(
        promise=plan["promise"],
        linear=_linear(plan, files.read_several(project, row.id, files.BETS)),
        present=present,
        question_seconds=plan["question_seconds"],
        pair_seconds=plan["pair_seconds"],
        draws=files.read(project, row.id, files.DRAWS),
        present_draws=files.read(project, row.id, files.PRESENT_DRAWS),
    )


def parts(project: Project, row: Certificate) -> Parts:
    """Return the pool of a certificate by category and bin.

    Raises:
        NotFound: If the file is gone or damaged.
    """
    return Parts(**files.read_several(project, row.id, files.PARTS))


def check(project: Project, row: Certificate) -> None:
    """Refuse to go by files that are not those that were frozen.

    Raises:
        NotFound: If one is gone, damaged or exchanged.
    """
    files.check(project, row.id, row.plan["hashes"])


def linear_promise(promise: PromiseRow, known: int | None = None) -> RecallPromise | F1Promise:
    """Return what the linear test is about.

    Args:
        promise: Of the certificate.
        known: Present labels of a part of the pool; None for those of the whole.
    """
    counted = promise["known_present"] if known is None else known
    counted = counted if promise["over"] == "dataset" else 0
    if promise["f1"] is not None:
        return F1Promise(at_least=promise["f1"], known=counted)
    assert promise["recall"] is not None  # every other promise has it
    return RecallPromise(max_lost=1 - promise["recall"], known=counted)


def parts_of(pool: Pool, linear: LinearPlan) -> Parts:
    """Return a pool by category and bin of a plan."""
    bins, size = len(linear.weights), len(pool.categories)
    row = np.full(1 + max((c.ordinal for c in pool.categories), default=0), -1)
    row[[c.ordinal for c in pool.categories]] = np.arange(size)
    counts, sums = np.zeros(size * bins, np.int64), np.zeros(size * bins)
    for start in range(0, len(pool.pairs), BLOCK):
        places = np.arange(start, min(start + BLOCK, len(pool.pairs)))
        cell = row[pool.pairs[places, 1]] * bins + linear.bins_of(places)
        counts += np.bincount(cell, minlength=len(counts))
        sums += np.bincount(cell, pool.probabilities[places], minlength=len(sums))
    means = sums / np.maximum(counts, 1)
    return Parts(
        counts=counts.reshape(size, bins).astype(np.int32),
        means=means.reshape(size, bins).astype(np.float32),
        known=np.array([c.present_count for c in pool.categories], np.int32),
    )


def _places(positions: npt.NDArray[np.int64], pairs: Ints) -> Ints:
    return np.column_stack([positions, pairs[positions]]).astype(np.int32)


def _bets(plan: LinearPlan) -> dict[str, Array]:
    tests = plan.tests
    return {
        "edges": plan.edges,
        "weights": plan.weights,
        "shares": plan.shares,
        "fills": np.array([test.fill for test in tests], np.int64).reshape(-1, 2),
        "coefficients": np.array([test.coefficients for test in tests]),
        "rates": np.array([test.rates for test in tests]),
        "stakes": np.array([test.stakes for test in tests]),
        "growth": np.array([test.growth for test in tests]),
    }


def _linear(plan: Mapping[str, Any], bets: Mapping[str, Array]) -> LinearPlan:
    tests = tuple(
        RungTest(
            fill=Fill(*bets["fills"][rung].tolist()),
            coefficients=bets["coefficients"][rung],
            rates=bets["rates"][rung],
            stakes=bets["stakes"][rung],
            growth=float(bets["growth"][rung]),
        )
        for rung in range(len(bets["fills"]))
    )
    return LinearPlan(
        risk=plan["risks"]["linear"],
        edges=bets["edges"],
        weights=bets["weights"],
        shares=bets["shares"],
        tests=tests,
        target=plan["target"],
    )
