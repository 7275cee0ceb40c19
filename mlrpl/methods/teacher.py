"""What known images say about an image they resemble: soft labels for pairs nobody answered."""

from __future__ import annotations

import torch
from torch import Tensor

from mlrpl.data import TrainingData
from mlrpl.methods.kernel_ridge import KernelRidge
from mlrpl.models.readout import fit_readout

_FITTED = 4096
"""Images that the readout is fitted on at most."""


class Teacher(KernelRidge):
    """Kernel ridge regression asked about its own training images, each pair left out in turn.

    This is cross-image transfer without prototypes or thresholds: an image resembles the known
    images of a category, present and absent, to some degree, and the degrees are read out as a
    probability that is right on the known pairs.

    Source:
        Our own. HST (IJCV 2024) compares with ten centres of the known present images and makes a
        present label of what exceeds a threshold.
    """

    @torch.no_grad()
    def left_out(self, data: TrainingData, *, seed: int = 0) -> Tensor:
        """Return the logits of the rows in use, `(len(data), C)`; `prepare` has seen the data.

        Where a pair is known, or stands in for an absent one, its logit is that of a solution
        without it. A category without a known present pair has a logit of -20 everywhere, unless
        its name speaks.

        Args:
            data: Labels and features.
            seed: Of the landmarks, where there are more images than the regression is exact for.
        """
        vectors, named = self._prepared(data)
        named = named.to(vectors.dtype)
        known = self._known(data)
        if not known.weights.any():
            return torch.full_like(known.targets, -20.0)
        regression, _ = self._regression(vectors, seed, lambda: False)
        ridge = self.config.ridge or self._chosen_ridge(regression, known)
        total, weight = (known.targets * known.weights).sum(dim=0), known.weights.sum(dim=0)
        prior = (total + total.sum() / weight.sum()) / (weight + 1)
        scores = regression(known.targets - prior, known.weights, ridge).left_out
        step = -(-len(named) // _FITTED)
        readout = fit_readout(
            scores[::step],
            named[::step],
            known.targets[::step],
            known.weights[::step],
            known.present,
        )
        told = (known.present > 0) | self.zero_shot_categories()
        return torch.where(told, readout(scores, named), -20.0)
