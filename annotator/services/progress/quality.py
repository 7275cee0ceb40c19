"""How far people agree, with each other and with themselves, and whether the model sways them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category
from annotator.services.catalogue.lookup import in_order
from annotator.services.knowledge.calibration import held_out_probabilities
from annotator.services.progress.agreement import Overlap, figures, overlaps
from annotator.services.progress.cached_report import CachedReport
from annotator.store import Transaction, annotators, attention_checks, categories, quality
from annotator.store.quality import BANDS, Opinions
from mlrpl.decision.anchoring import anchoring, blind_needed

ENOUGH = 20
"""Pairs that several people answered from which on agreement gets an interval."""

Compared = Literal["others", "blind", "checks", "own"]
"""What somebody's answers are compared with."""

COMPARED: tuple[Compared, ...] = get_args(Compared)

SEED = 20_260_101
"""Of the draws behind the intervals, so that the same answers always give the same figures."""


class Agreement(TypedDict):
    """How far people agree on the pairs that several of them answered.

    A figure is None where it cannot be told, an interval also where there are fewer than `ENOUGH`
    pairs.
    """

    pairs: int
    independent: int
    """Pairs where nobody had seen the others' answers."""
    agreed: int
    """Pairs about which all said the same."""
    people: int
    alpha: float | None
    """Krippendorff's, with its 95 % interval."""
    alpha_low: float | None
    alpha_high: float | None
    kappa: float | None
    """Cohen's, for exactly two people."""
    kappa_low: float | None
    kappa_high: float | None


class CategoryAgreement(Agreement):
    """How far people agree on one category."""

    id: int
    name: str


class Agreed(TypedDict):
    """How often somebody was compared with something, and how often both said the same."""

    compared: int
    agreed: int


class PersonAgreement(TypedDict):
    """How often one person agreed. An answer is compared once with every other person's."""

    name: str
    others: Agreed
    blind: Agreed
    """Of these, only the person's probe answers."""
    checks: Agreed
    """Attention checks, with the labels of the pairs that were asked again."""
    own: Agreed
    """Probe answers with the same person's others."""


class Anchoring(TypedDict):
    """Whether people follow the model more often when they see it.

    The shares are None as long as there are too few answers of either kind.
    """

    blind: int
    """Answers."""
    shown: int
    """Answers with a score in sight."""
    needed: int
    """Probe answers."""
    difference: float | None
    """How much more often, with its 95 % interval."""
    low: float | None
    high: float | None
    agreed_blind: float | None
    agreed_shown: float | None


class QualityRow(TypedDict):
    """The quality of a project's labels."""

    people: int
    """Who answered anything."""
    needed: int
    """Pairs for an interval."""
    overall: Agreement | None
    """None without any pair in common."""
    categories: list[CategoryAgreement]
    """Those with pairs in common."""
    annotators: list[PersonAgreement]
    anchoring: Anchoring
    note: str
    """Why nothing can be compared, or an empty text."""


class Quality(CachedReport[QualityRow]):
    """The quality of one project's labels, as far as people's own answers tell."""

    def _depends_on(self, tx: Transaction) -> object:
        return [(c.id, c.name) for c in categories.every(tx)]

    def _count(
        self, tx: Transaction, number: int | None, arrays: VersionArrays | None
    ) -> QualityRow:
        del number
        return _counted(tx, arrays)


def _counted(tx: Transaction, arrays: VersionArrays | None) -> QualityRow:
    shown = in_order(categories.every(tx))
    listed = np.array([c.id for c in shown], np.int64)
    ordinary, blind = quality.ordinary_opinions(tx), quality.blind_opinions(tx)
    ordinary = ordinary.of(np.isin(ordinary.category, listed))
    blind = blind.of(np.isin(blind.category, listed))
    found = overlaps(ordinary, blind)
    people = quality.who_answered(tx)
    names = {a.id: a.name for a in annotators.every(tx)}
    shared = sum(o.pairs for o in found.values())
    return {
        "people": len(people),
        "needed": ENOUGH,
        "overall": overlap_row(list(found.values())) if shared else None,
        "categories": [
            {"id": c.id, "name": c.name, **overlap_row([found[c.id]])}
            for c in shown
            if c.id in found
        ],
        "annotators": person_rows(
            list(found.values()), names, attention_checks.agreed(tx), own_answers(ordinary, blind)
        ),
        "anchoring": _anchoring(tx, arrays, shown),
        "note": _note(len(people), len(shown), shared),
    }


def overlap_row(found: list[Overlap]) -> Agreement:
    """Return how far people agree on the pairs that several of them answered."""
    pairs = sum(o.pairs for o in found)
    rng = np.random.default_rng(SEED) if pairs >= ENOUGH else None
    measured = figures(found, rng)
    nothing = (float("nan"),) * 3
    alpha, alpha_low, alpha_high = map(_finite, measured.get("alpha", nothing))
    kappa, kappa_low, kappa_high = map(_finite, measured.get("kappa", nothing))
    return {
        "pairs": pairs,
        "independent": sum(int(o.independent.sum()) for o in found),
        "agreed": sum(int(o.agreed.sum()) for o in found),
        "people": len(set().union(*(o.people.tolist() for o in found))),
        "alpha": alpha,
        "alpha_low": alpha_low,
        "alpha_high": alpha_high,
        "kappa": kappa,
        "kappa_low": kappa_low,
        "kappa_high": kappa_high,
    }


def person_rows(
    found: list[Overlap],
    names: Mapping[int, str],
    checks: Mapping[int, tuple[int, int]],
    own: Mapping[int, tuple[int, int]],
) -> list[PersonAgreement]:
    """Return, for everybody who can be compared with anything, how often they agreed.

    Args:
        found: The pairs that several people answered.
        names: Of the people, by id.
        checks: Attention checks, all and those that agree with the label.
        own: Probe answers to pairs that the same person answered, all and those that agree.
    """
    others: dict[int, npt.NDArray[np.int64]] = {}
    for overlap in found:
        for person, compared in zip(overlap.people.tolist(), overlap.compared, strict=True):
            others[person] = others.get(person, np.zeros(4, np.int64)) + compared
    rows: list[PersonAgreement] = []
    for person, name in names.items():
        said = others.get(person, np.zeros(4, np.int64)).tolist()
        row: PersonAgreement = {
            "name": name,
            "others": _agreed((said[0], said[1])),
            "blind": _agreed((said[2], said[3])),
            "checks": _agreed(checks.get(person, (0, 0))),
            "own": _agreed(own.get(person, (0, 0))),
        }
        if any(row[kind]["compared"] for kind in COMPARED):
            rows.append(row)
    return rows


def _agreed(counts: tuple[int, int]) -> Agreed:
    return {"compared": counts[0], "agreed": counts[1]}


def own_answers(ordinary: Opinions, blind: Opinions) -> dict[int, tuple[int, int]]:
    """Return how often people said the same blind and on a page, by annotator: all and agreed."""
    both = [
        np.stack([o.image, o.category, o.annotator], axis=1).astype(np.int64)
        for o in (ordinary, blind)
    ]
    keys, group = np.unique(np.concatenate(both), axis=0, return_inverse=True)
    group = group.ravel()
    said = np.full((len(keys), 2), -1, np.int8)
    first = len(ordinary.image)
    said[group[:first], 0] = ordinary.present
    said[group[first:], 1] = blind.present
    twice = (said >= 0).all(axis=1)
    people, same = keys[twice, 2], said[twice, 0] == said[twice, 1]
    return {
        int(p): (int((people == p).sum()), int(same[people == p].sum())) for p in np.unique(people)
    }


def anchoring_row(shown: npt.NDArray[np.int64], blind: npt.NDArray[np.int64]) -> Anchoring:
    """Return whether people follow the model more often when they see it.

    Args:
        shown: `(BANDS, 2)`, answers with a score in sight, and those that agree with it.
        blind: `(BANDS, 2)`, the same of probe answers.
    """
    there = (shown[:, 0] > 0) & (blind[:, 0] > 0)
    usable = shown[there], blind[there]
    all_shown, agreeing = usable[0].sum(axis=0).tolist()
    needed = blind_needed((agreeing + 1) / (all_shown + 2))
    asked = int(usable[1][:, 0].sum())
    found = anchoring(shown, blind) if min(asked, all_shown) >= needed else None
    return {
        "blind": asked,
        "shown": all_shown,
        "needed": needed,
        "difference": None if found is None else found.difference,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "agreed_blind": None if found is None else found.blind,
        "agreed_shown": None if found is None else found.shown,
    }


def _anchoring(tx: Transaction, arrays: VersionArrays | None, shown: list[Category]) -> Anchoring:
    table = np.zeros((BANDS, 2), np.int64)
    if arrays is not None and shown:
        said = quality.blind_answers(tx)
        # What a version learned from, or could have, says nothing about how good a guess was.
        image, category = said.image[said.still_open], said.category[said.still_open]
        probability = held_out_probabilities(arrays, image, category)
        usable = np.isfinite(probability)
        p, present = probability[usable], said.present[said.still_open][usable]
        band = np.minimum((p * BANDS).astype(np.int64), BANDS - 1)
        np.add.at(table[:, 0], band, 1)
        np.add.at(table[:, 1], band, (p >= 0.5) == present)
    return anchoring_row(quality.shown_agreement(tx), table)


def _note(people: int, shown: int, shared: int) -> str:
    if not shown:
        return "There is no category yet, so there is nothing to compare."
    if people == 0:
        return "Nobody has answered yet, so there is nothing to compare."
    if people == 1:
        return (
            "All answers are from one person, so agreement cannot be measured; let a second "
            "person answer some, on the Label page or on the Probe page."
        )
    if not shared:
        return (
            f"{people} people have answered, but no pair twice, so agreement cannot be measured "
            "yet; one probe in ten is asked a second person."
        )
    return ""


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
