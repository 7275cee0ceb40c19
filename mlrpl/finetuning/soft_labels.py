"""What unknown pairs teach a backbone: what kernel ridge regression says about them, left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from mlrpl.data import Batch, Dimensions, TrainingData
from mlrpl.labels import UNKNOWN
from mlrpl.methods.kernel_ridge import KernelRidgeConfig
from mlrpl.methods.teacher import Teacher


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """Probabilities of unknown pairs, and what a known pair weighs in the loss of the head."""

    probabilities: npt.NDArray[np.float16]
    """`(n, C)`."""
    places: npt.NDArray[np.int64]
    """`(N,)`, which of them belongs to a row of the training data."""
    known: int
    """Known pairs of the training images."""

    @classmethod
    def of_unknown_pairs(cls, data: TrainingData) -> SoftLabels:
        """Ask kernel ridge regression on these features about its own training images."""
        labels = data.known_labels()
        teacher = Teacher(_dimensions(data), KernelRidgeConfig(names=False))
        teacher.prepare(data)
        probabilities = torch.sigmoid(teacher.left_out(data)).numpy().astype(np.float16)
        places = np.zeros(len(data.labels), np.int64)
        places[data.rows] = np.arange(len(data))
        return cls(probabilities, places, max(1, int((labels != UNKNOWN).sum())))

    def cost(self, logits: Tensor, batch: Batch) -> Tensor:
        """Return the cross-entropy of the unknown pairs of a batch, scaled to the training images.

        Like that of a head whose loss is the mean over all known labels, it is a known label's.
        """
        assert batch.rows is not None
        found = self.probabilities[self.places[batch.rows.cpu().numpy()]]
        targets = torch.from_numpy(found.astype(np.float32)).to(logits)
        each = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        images = len(self.probabilities) / len(logits)
        return (each * (batch.labels == UNKNOWN)).sum() * images / self.known


def _dimensions(data: TrainingData) -> Dimensions:
    assert data.pooled is not None
    tokens = (0, 0) if data.tokens is None else data.tokens.shape[1:]
    return Dimensions(data.labels.shape[1], data.pooled.shape[1], *tokens)
