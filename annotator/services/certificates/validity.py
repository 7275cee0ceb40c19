"""Whether the promise of an applied certificate still covers what is left of its fill.

Recall and F1 of the finished set cannot be broken by answers to pairs of the pool. Say that the
fill marks `B` absent and `A` present, that `FN` pairs of `B` are present and `FP` pairs of `A` are
absent, and that `P` pairs of the pool and the labels outside it are present. Whoever answers a pair
takes it out of `A` or `B` or leaves them as they are: `FN` and `FP` can only fall, and `P` is what
is true and does not move. Recall is `1 - FN / P`, which can only rise. An F1 of at least `x` is

    2 (P - FN) / (2 P - FN + FP) >= x   iff   (2 - x) FN + x FP <= 2 (1 - x) P,

whose left side can only fall. The same holds where a part of the fill is hidden, because a category
means something else or an image is not in use. The precision of what is left of `A` is different:
every right pair that is answered takes one of its right ones away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.arrays import certificates as files
from annotator.services.catalogue import hierarchy
from annotator.services.certificates import earlier
from annotator.services.certificates.rows import Standing, StandingFill
from annotator.services.knowledge.fills import Fill
from annotator.services.message import counted
from annotator.settings import Project
from annotator.store import Transaction, answers, categories, images
from annotator.store.certificates import Certificate, CertificateState
from mlrpl.decision.present_zone import wrong_left

PRESENT = 0
"""Where the pairs filled in as present lie among the bits."""

Ordinals = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Settled:
    """Pairs that people have settled by now, each once."""

    image: Ordinals
    category: Ordinals
    absent: npt.NDArray[np.bool_]
    """Said to be absent; the others are said to be present, or in conflict."""


def standings(tx: Transaction, project: Project, fills: Sequence[Fill]) -> dict[int, Standing]:
    """Return, by number of the certificate, whether the promise of each fill still holds.

    Only a promise of precision can be broken: every right pair that somebody answers leaves the
    wrong ones a larger share of those filled in as present; a corrected one takes a wrong one out.

    Args:
        tx: A transaction.
        project: Whose certificates they are.
        fills: Those that stand.
    """
    if not fills:
        return {}
    # What follows from a label is not taken from a fill, so it counts as answered, too.
    parents = hierarchy.resolve(project.settings.hierarchy, categories.every(tx, archived=True))
    settled = _settled(tx, parents)
    return {fill.row.id: _standing(project, fill, settled) for fill in fills}


def uncovered(tx: Transaction, row: Certificate) -> list[str]:
    """Return a sentence about images and categories that came after a plan; none without any."""
    if row.state not in (CertificateState.OPEN, CertificateState.APPLIED):
        return []
    known = {*row.plan["left_out"]}
    planned = row.plan.get("images")
    later = 0 if planned is None else images.count_from(tx, planned)
    own = set(row.plan["ordinals"])
    fresh = [c for c in categories.every(tx) if c.ordinal not in own and c.name not in known]
    parts = [(later, "image", "images"), (len(fresh), "category", "categories")]
    said = [counted(count, one, many) for count, one, many in parts if count > 0]
    if not said:
        return []
    return [
        f"Added after the plan and not covered by it: {' and '.join(said)}; plan again for them."
    ]


def state_of(standing: Standing | None) -> str:
    """Return the promise of a fill as one word, or an empty text where nothing is filled in."""
    if standing is None:
        return ""
    return "holds" if standing["holds"] else "stale"


def budget(present: int, may_be_wrong: float, drawn: int) -> dict[str, int]:
    """Return what a plan keeps about its present fill when it is applied.

    Args:
        present: Pairs filled in as present.
        may_be_wrong: How many of them may be wrong by the certificate.
        drawn: Pairs that were drawn for the precision of the fill.
    """
    return {"present": present, "may_be_wrong": int(may_be_wrong), "drawn": drawn}


def _settled(tx: Transaction, parents: hierarchy.Parents) -> _Settled:
    table, ordinals = answers.label_table(tx), categories.ordinals(tx)
    implied = hierarchy.implied_pairs(table, ordinals, parents)
    answered = table.image, table.category, ~table.conflict & ~table.present
    image, category, absent = (np.concatenate(both) for both in zip(answered, implied, strict=True))
    return _Settled(image.astype(np.int64), category.astype(np.int64), absent)


def _standing(project: Project, fill: Fill, settled: _Settled) -> Standing:
    row = fill.row
    promised = row.plan["promise"]["precision"]
    if promised is None:
        unbroken = (
            f"The promise of certificate {row.id} holds: answers can only correct what it filled "
            "in."
        )
        return {"holds": True, "present": None, "sentence": unbroken}
    started: Mapping[str, int] = row.plan["budget"]
    mine = fill.bits.contains(PRESENT, settled.image, settled.category)
    mine &= ~np.isin(settled.image, fill.unused)
    hidden = np.isin(settled.category, list(fill.hidden))
    corrected = mine & settled.absent & ~hidden
    corrected &= ~_asked(project, row, started["drawn"], settled)
    out = int((mine & ~hidden).sum())
    gone = sum(fill.bits.count(PRESENT, column) for column in fill.hidden)
    # None of them counts as corrected: those that are wrong may all be among the rest.
    away = fill.unused_bits()[PRESENT]
    away[:, [o for o in fill.hidden if o < away.shape[1]]] = False
    unused = int(away.sum())
    left, wrong, holds = wrong_left(
        started["present"],
        started["may_be_wrong"],
        taken=out + gone + unused,
        corrected=int(corrected.sum()),
        max_error=1 - promised,
    )
    found: StandingFill = {
        "answered": out,
        "corrected": int((mine & settled.absent & ~hidden).sum()),
        "in_changed_categories": gone,
        "on_unused_images": unused,
        "left": left,
        "at_most_wrong": wrong,
        "promised": round(1 - promised, 9),
        "holds": holds,
    }
    return {"holds": found["holds"], "present": found, "sentence": _sentence(row.id, found)}


def _asked(
    project: Project, row: Certificate, drawn: int, settled: _Settled
) -> npt.NDArray[np.bool_]:
    """Return which pairs were right by probe answers: they are not among those that may be wrong.

    Whoever calls one of them absent later does not take one of the wrong ones out.
    """
    if row.is_earlier:
        draws = earlier.present_draws(project, row)
    else:
        draws = files.read(project, row.id, files.PRESENT_DRAWS)
    asked = np.asarray(draws[:drawn]).astype(np.int64)
    return np.isin(settled.image << 20 | settled.category, asked[:, 1] << 20 | asked[:, 2])


def _sentence(number: int, found: StandingFill) -> str:
    taken = found["answered"] + found["in_changed_categories"] + found["on_unused_images"]
    if not taken + found["left"]:
        return (
            f"The promise of certificate {number} holds: it filled in nothing as present, and "
            "answers can only find pairs that were lost."
        )
    if not taken:
        return (
            f"The promise of certificate {number} holds: what it filled in as present is "
            "unchanged, and answers can only find pairs that were lost."
        )
    answered, was = counted(found["answered"], "pair"), "was" if found["answered"] == 1 else "were"
    since = f"{answered} that it filled in as present {was} answered since"
    since += f", {found['corrected']:,} of them as absent"
    if found["in_changed_categories"]:
        in_changed = counted(found["in_changed_categories"], "is", "are")
        since += f", and {in_changed} in categories that were changed"
    if found["on_unused_images"]:
        on_unused = counted(found["on_unused_images"], "is", "are")
        since += f", and {on_unused} on images that are missing or removed"
    if not found["left"]:
        return f"The promise of certificate {number} holds: {since}, and none is left."
    share = found["at_most_wrong"] / found["left"]
    rest = (
        f"at most {found['at_most_wrong']:,} of the {found['left']:,} left are wrong "
        f"({100 * share:.1f} %, promised at most {100 * found['promised']:.1f} %)"
    )
    if found["holds"]:
        return f"The promise of certificate {number} holds: {since}; {rest}."
    return (
        f"The promise of certificate {number} about present pairs is stale: {since}; {rest}. "
        "Answer the rest of them by hand, or roll it back and plan again; the promise about lost "
        "pairs still holds."
    )
