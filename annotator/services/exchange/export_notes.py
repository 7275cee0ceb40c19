"""What is said about an export: what a model decides in it, its certificates, what is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, State
from annotator.formats.records import Content
from annotator.services.certificates.rows import Standing
from annotator.services.exchange import exporting
from annotator.services.knowledge.fills import Fill
from annotator.services.knowledge.suggestions import decided_matrix, ranked_matrix, suggested_matrix
from annotator.store import Transaction, categories, imported_annotations


def decided_by(
    arrays: VersionArrays, shown: Sequence[Category], settled: npt.NDArray[np.bool_]
) -> tuple[tuple[int, int], str]:
    """Return how many pairs a version decides as present and as absent, and a sentence.

    The sentence is about the pairs that it can only rank.
    """
    listed = [c.ordinal for c in shown]
    decided = (decided_matrix(arrays, *settled.shape) & ~settled)[:, listed]
    present = int(np.sum(suggested_matrix(arrays, *settled.shape)[:, listed] & decided))
    ranked = np.sum((ranked_matrix(arrays, *settled.shape) & ~settled)[:, listed], axis=0)
    return (present, int(np.sum(decided)) - present), _ranked_note(
        int(ranked.sum()), int(np.count_nonzero(ranked))
    )


def _ranked_note(pairs: int, categories: int) -> str:
    if not pairs:
        return ""
    if pairs == 1:
        return "1 pair stays unknown, because the model can only rank it so far."
    word = "category" if categories == 1 else "categories"
    return (
        f"{pairs:,} pairs of {categories:,} {word} stay unknown, because the model can only rank "
        "them so far."
    )


def certificates_info(fills: Sequence[Fill], promises: Mapping[int, Standing]) -> dict[str, object]:
    """Return what an export says about certificates, and whether all their promises hold."""
    rows = [{**_certificate_row(fill), "promise": promises[fill.row.id]} for fill in fills]
    return {"certificates": rows, "promises_hold": all(p["holds"] for p in promises.values())}


def _certificate_row(fill: Fill) -> dict[str, object]:
    return {
        "certificate": fill.row.id,
        "version": fill.row.version,
        "sha256": fill.row.plan["sha256"],
        "promised": fill.row.plan["promise"],
        "statement": fill.row.plan["statement"],
    }


def left_out(tx: Transaction, content: Content) -> str:
    """Return in a sentence each what a COCO file has aside, and what it has not; empty: nothing."""
    every = categories.every(tx, archived=True)
    owners = exporting.owners(tx, every)
    targets = {i: owner.id for i, owner in owners.items()}
    aside = hidden = 0
    for (category_id, state, labelled), number in imported_annotations.counts(tx, targets).items():
        if category_id not in targets:
            hidden += number
        elif state is not State.PRESENT and (labelled or content == "answered"):
            aside += number
    away = [c for c in every if c.archived and c.merged_into is None]
    labels = sum(c.present_count + c.absent_count for c in away)
    said = []
    if aside:
        said.append(
            f"{_number(aside, 'box')} of pairs that are not present "
            f"{'is' if aside == 1 else 'are'} set aside under withheld_annotations."
        )
    if labels or hidden:
        both = [_number(n, name) for n, name in ((labels, "label"), (hidden, "box")) if n]
        said.append(
            f"{' and '.join(both)} of archived categories {'is' if labels + hidden == 1 else 'are'}"
            " left out; restore the categories to export them."
        )
    return " ".join(said)


def _number(count: int, name: str) -> str:
    """Return a number of things.

    >>> _number(1, "box"), _number(1200, "box")
    ('1 box', '1,200 boxes')
    """
    plural = f"{name}es" if name.endswith("x") else f"{name}s"
    return f"{count:,} {name if count == 1 else plural}"
