"""How much likelier a category becomes by what else is present in the image: its usual company."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from annotator.services.knowledge.known_labels import ABSENT, PRESENT, KnownLabels

STRENGTH = 7.0
"""Images that are added to those with a category, so that a first one together says little."""
WEIGHT = 0.4
"""Share of each move that counts: what is present in one image says much of it in common."""

Floats = npt.NDArray[np.float64]


def company_moves(known: KnownLabels, present: Collection[int]) -> dict[int, float]:
    """Return by how many logits what is present moves each category, by category ordinal.

    Only what is present counts: of most categories absence is the rule and says next to nothing.

    Args:
        known: What people have said about all pairs.
        present: Ordinals of the categories that are present in the image.

    Source:
        Naive Bayes on the known pairs, each move damped; the constants are of decision 0511.
    """
    count = known.labels.shape[1]
    given = [ordinal for ordinal in present if ordinal < count]
    if not given:
        return {}
    share = shares(known)
    both, answered = known.present[PRESENT][given], known.known[PRESENT][given]  # (P, C)
    together = (both + STRENGTH * share) / (answered + STRENGTH)
    moves = WEIGHT * (logit(together) - logit(share)).sum(axis=0)
    return {ordinal: float(move) for ordinal, move in enumerate(moves) if ordinal not in given}


def shares(known: KnownLabels) -> Floats:
    """Return the share of images that have each category, `(C,)`, never 0 or 1."""
    present = np.diagonal(known.present[PRESENT])
    absent = np.diagonal(known.known[ABSENT])
    return np.asarray((present + 0.5) / (present + absent + 1.0))
