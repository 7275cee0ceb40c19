"""What a version's queue goes by: the project's settings, and what its people's decisions cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.arrays.features import FeatureFiles
from annotator.arrays.versions import Queue
from annotator.services.knowledge.annotation_times import cost_row, costs_from
from annotator.settings import Asking
from annotator.store import Transaction
from annotator.store.decision_times import DecisionTimes, decision_times
from annotator.worker.acquisition_scores import make_queue
from annotator.worker.calibration import Decisions
from annotator.worker.learner import Scores, Snapshot
from mlrpl.decision.acquisition import Costs
from mlrpl.decision.conditional import ErrorCorrelation


@dataclass(frozen=True, eq=False)
class QueueBasis:
    """What decides which images come first, beside the scores."""

    wish: Asking
    """The settings."""
    times: DecisionTimes
    costs: Costs
    vectors: npt.NDArray[np.float32]
    """`(N, 128)`, unit length, mapped from disk."""
    errors: ErrorCorrelation | None
    """How the version's errors on one image go together; None where that is not known."""

    def queue(self, snapshot: Snapshot, scores: Scores, decisions: Decisions, seed: int) -> Queue:
        """Return what is most worth asking by a version's scores; see `make_queue`."""
        return make_queue(
            scores,
            snapshot.labels,
            decisions.centres,
            decisions.calibration.slope,
            snapshot.askable,
            seed,
            strategy=self.wish.strategy,
            costs=self.costs,
            vectors=self.vectors if self.wish.diversity else None,
            correlation=None if self.errors is None else self.errors.correlation,
        )

    def row(self) -> dict[str, Any]:
        """Return it as `asking` in `metrics.json`: `strategy`, `diversity` and `costs`."""
        return {**vars(self.wish), "costs": cost_row(self.times, self.costs)}

    def sentence(self) -> str:
        """Return it for the log."""
        return (
            f"image order: {self.wish.strategy}, {self.costs.verify:.2f} s an answer and "
            f"{self.costs.switch:.2f} s a new image"
        )


def queue_basis(
    tx: Transaction, wish: Asking, features: FeatureFiles, errors: ErrorCorrelation | None
) -> QueueBasis:
    """Return what a queue that is made now goes by."""
    times = decision_times(tx)
    return QueueBasis(wish, times, costs_from(times), features.search, errors)
