"""Which categories and super-categories keep the promise of a certificate on their own.

The draws that fall into a group of categories are draws from it with the same weights, so the same
test runs on them without a further question (see `mlrpl.decision.linear_parts`). Its p-values hold
at any look. The super-categories come first, then the categories, both under one further risk.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.services.certificates import frozen
from annotator.services.certificates.evidence import Evidence
from annotator.services.certificates.rows import OwnPromise, PromiseRow
from annotator.services.message import counted
from annotator.settings import Project
from annotator.store.certificates import Certificate
from mlrpl.decision.anytime_bounds import holm_in_order
from mlrpl.decision.linear_evidence import log_evidence
from mlrpl.decision.linear_parts import Part, part_of

RISK = 0.10
"""Risk of the separate statement about super-categories and single categories."""

LEAST_DRAWS = 60
"""Answers about a group below which nothing can be proven about it, so it is not tested."""

_SUPER, _CATEGORY = "super-category {}", "{}"
"""Names of groups of categories under which their p-values are kept."""


@dataclass(frozen=True)
class _Groups:
    """Ordinals of categories, by the name of the group."""

    supers: Mapping[str, Sequence[int]]
    categories: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, row: Certificate) -> _Groups:
        """Return those that were frozen."""
        return cls(
            {_SUPER.format(name): own for name, own in row.plan["super_categories"].items()},
            {_CATEGORY.format(ordinal): [ordinal] for ordinal in row.plan["ordinals"]},
        )


class PartTests:
    """The tests of groups of categories; their bets are laid once, which takes a moment."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._laid: dict[tuple[int, str], Part] = {}

    def p_values(self, row: Certificate, found: Evidence) -> dict[str, float]:
        """Return the p-value of each group's own promise by name and certified step.

        Args:
            row: The certificate.
            found: What its answers say.
        """
        groups, fresh = _Groups.of(row), dict[str, float]()
        for name, own in {**groups.supers, **groups.categories}.items():
            inside = np.isin(found.ordinals, own)
            if not found.steps or inside.sum() < LEAST_DRAWS:
                continue
            part = self._part(row, name, own, found)
            logs = log_evidence(part.plan, found.positions[inside], found.answers[inside])
            fresh |= {f"{name}:{step}": 0.0 for step in range(min(part.first, found.steps))}
            for step in range(part.first, found.steps):
                most = float(logs[step - part.first].max())
                fresh[f"{name}:{step}"] = float(np.exp(-max(most, 0.0)))
        return fresh

    def _part(self, row: Certificate, name: str, own: Sequence[int], found: Evidence) -> Part:
        with self._lock:
            part = self._laid.get((row.id, name))
            if part is None:
                parts, ordinals = frozen.parts(self._project, row), row.plan["ordinals"]
                counts, means, known = parts.together([ordinals.index(one) for one in own])
                promise = frozen.linear_promise(found.plan.promise, known)
                part = part_of(found.plan.linear, promise, counts, means)
                self._laid[row.id, name] = part
            return part


def smallest(known: Mapping[str, float], fresh: Mapping[str, float]) -> dict[str, float]:
    """Return the running minimum of p-values by name.

    >>> smallest({"a": 0.5, "b": 0.1}, {"a": 0.2})
    {'a': 0.2, 'b': 0.1}
    """
    return {k: min(known.get(k, 1.0), fresh.get(k, 1.0)) for k in sorted({*known, *fresh})}


def own_promises(
    row: Certificate, steps: int, p_values: Mapping[str, float], names: Mapping[str, str]
) -> tuple[OwnPromise, OwnPromise]:
    """Return which super-categories and which categories keep the promise on their own.

    Args:
        row: The certificate.
        steps: That are certified; a group keeps the promise only with all of them.
        p_values: By name of the group and step.
        names: Of the categories, by ordinal.
    """
    groups, promise = _Groups.of(row), row.plan["promise"]
    supers, ordinals = sorted(groups.supers), list(groups.categories)

    def worst(name: str) -> float:
        # A step counts only with all below it, so choosing among the steps costs nothing.
        return max((p_values.get(f"{name}:{step}", 1.0) for step in range(steps)), default=1.0)

    first, second = holm_in_order(
        [worst(name) for name in supers], [worst(name) for name in ordinals], RISK
    )
    shown = {name: name.removeprefix(_SUPER.format("")) for name in supers} | dict(names)
    held = [shown[supers[place]] for place in first], [names[ordinals[place]] for place in second]
    together = "these and the super-categories" if supers else "these"
    return (
        {
            "risk": RISK,
            "promised": sorted(held[0]),
            "no_promise_of_its_own": [shown[s] for s in supers if shown[s] not in held[0]],
            "sentence": _super_sentence(sorted(held[0]), len(supers), promise) if supers else "",
        },
        {
            "risk": RISK,
            "promised": sorted(held[1]),
            "no_promise_of_its_own": sorted(names[o] for o in ordinals if names[o] not in held[1]),
            "sentence": _category_sentence(len(held[1]), len(ordinals), promise, together),
        },
    )


def _about(promise: PromiseRow) -> str:
    if promise["f1"] is not None:
        return f"the promise of an F1 of at least {promise['f1']:.3g}"
    return f"the promise of a recall of at least {100 * (promise['recall'] or 0):.4g} %"


def _super_sentence(held: list[str], total: int, promise: PromiseRow) -> str:
    if not held:
        return (
            f"None of the {counted(total, 'super-category', 'super-categories')} has a promise of "
            "its own yet."
        )
    return (
        f"{len(held)} of {counted(total, 'super-category', 'super-categories')} "
        f"{'keeps' if len(held) == 1 else 'keep'} {_about(promise)} on their own: "
        f"{', '.join(held)}. This is a separate statement, with {100 * (1 - RISK):.0f} % "
        "confidence for all super-categories and categories together."
    )


def _category_sentence(held: int, total: int, promise: PromiseRow, together: str) -> str:
    if not held:
        return "No category has a promise of its own; the promise is about all of them together."
    return (
        f"{held:,} of {counted(total, 'category', 'categories')} "
        f"{'keeps' if held == 1 else 'keep'} {_about(promise)} on their own, all of {together} "
        f"together with {100 * (1 - RISK):.0f} % confidence; the others have no promise of their "
        "own."
    )
