"""Partial BCE: one linear classifier a category, trained on the labels that are known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

import torch
from torch import Tensor, nn

from mlrpl.data import Batch, Dimensions, Features, TrainingData
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.bce import Normalisation, image_weight, partial_bce
from mlrpl.losses.known_risk import stand_in_weight
from mlrpl.losses.positive_unlabelled import positive_unlabelled_risk
from mlrpl.methods import register
from mlrpl.methods.base import Method
from mlrpl.models.heads import NamedClasses, PooledHead
from mlrpl.train_config import TrainConfig

log = logging.getLogger(__name__)

_PUBLISHED = (-4.45, 5.45, 1.0)
"""Durand's alpha, beta and gamma."""


@dataclass(frozen=True, kw_only=True)
class PartialBCEConfig:
    """How the classifiers are held back, and what unknown pairs count."""

    power: float = 0.5
    """Signed power of the pooled vector's entries, above 0, at most 1; 1 changes nothing."""
    penalty: float = 0.1
    """Squared length of a category's classifier against the sum of its labels' costs, 0 or more."""
    unknown_ratio: float = 10.0
    """Where a category has fewer absent answers than this many for each present one, its unknown
    pairs together weigh what is missing; 0 never counts them."""
    hidden: float = 0.0
    """Present pairs assumed among the unknown for each known present one, where those count."""
    cap: float = 4.0
    """Most that an unknown pair may cost, in nats, above 0."""
    normalisation: Normalisation = "known"
    """How images of which little is known make up for it: `known` (or `none`) not at all, every
    known label counts alike; `durand` by g(p) = alpha * p ** gamma + beta with p the image's
    known share; `inverse` by 1/p."""
    alpha: float = _PUBLISHED[0]
    """Of `durand`, as published. With 0 and beta 1 all known labels count alike."""
    beta: float = _PUBLISHED[1]
    """Of `durand`, as published."""
    gamma: float = _PUBLISHED[2]
    """Of `durand`, as published."""
    names: bool = True
    """Whether the backbone's own classes speak for categories whose names are like theirs."""

    def __post_init__(self) -> None:
        if not 0 < self.power <= 1:
            raise ValueError(f"power must lie above 0 and at most at 1, got {self.power}")
        if self.cap <= 0:
            raise ValueError(f"cap must be above 0, got {self.cap}")
        for name in ("penalty", "unknown_ratio", "hidden"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.normalisation not in get_args(Normalisation):
            known = ", ".join(get_args(Normalisation))
            raise ValueError(f"normalisation must be one of {known}, got {self.normalisation!r}")
        few = self.alpha if self.gamma < 0 else self.beta
        if self.normalisation == "durand" and (few < 0 or self.alpha + self.beta < 0):
            raise ValueError(
                f"alpha {self.alpha}, beta {self.beta} and gamma {self.gamma} give images a "
                "negative weight; alpha + beta must be at least 0, and beta too (alpha where "
                "gamma is negative)"
            )


@register("partial_bce", PartialBCEConfig)
class PartialBCE(Method):
    """One linear classifier a category on pooled features, trained on the labels that are known.

    A category with known labels of both signs is fitted to these; as far as absent ones are
    scarce or missing, unknown pairs stand in for them under a capped, non-negative risk. A
    category without a present answer gets what its name says, or zero everywhere: `has_positive`
    tells them apart, and no suggestion is to be made of them.

    Source:
        Durand et al., CVPR 2019. Deviation: all known labels count alike unless `normalisation`
        says otherwise. On validation images of Corel5k, each at its best penalty, `durand`
        measured 0.1 mAP above that at 10 % known (five masks), also where images differ widely
        in their known share; 0.1 below it at 90 % and 0.6 below it with all present labels and
        no other. `inverse` was level, and 2 mAP below where shares differ widely.
    """

    needs_tokens: ClassVar[bool] = False
    paper: ClassVar[str] = (
        "Durand, Mehrasa and Mori: Learning a Deep ConvNet for Multi-label Classification "
        "with Partial Labels, CVPR 2019"
    )

    has_positive: Tensor
    unknown_weight: Tensor
    known_total: Tensor
    images: Tensor

    def __init__(
        self,
        dimensions: Dimensions,
        config: PartialBCEConfig,
        category_names: Sequence[str] | None = None,  # noqa: ARG002 - taken by learn_names
    ) -> None:
        """Start with all scores zero."""
        super().__init__(dimensions, config)
        self.config: PartialBCEConfig = config
        constants = (config.alpha, config.beta, config.gamma)
        # The second pair is what files from before this option hold where no weight was wanted.
        unread = constants != _PUBLISHED and constants[:2] != (0.0, 1.0)
        if unread and config.normalisation != "durand":
            log.warning("alpha, beta and gamma are not read; give normalisation='durand' too")
        count = dimensions.categories
        self.head = PooledHead(dimensions.pooled, count, config.power)
        self.name_head = NamedClasses(dimensions.pooled, count)
        self.name_scale = nn.Parameter(torch.tensor(0.5))
        self.level = nn.Parameter(torch.tensor(0.0))
        self.register_buffer("has_positive", torch.zeros(count, dtype=torch.bool))
        self.register_buffer("unknown_weight", torch.zeros(count))
        self.register_buffer("known_total", torch.ones(()))
        self.register_buffer("images", torch.ones(()))

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return settings under which the classifiers come close to the penalised optimum."""
        return TrainConfig(epochs=40, batch_size=1024, learning_rate=0.2, weight_decay=0.0)

    def learn_names(self, category_names: Sequence[str], backbone: str) -> None:
        """Look up which of the backbone's classes speak for the categories, if they can be had."""
        if self.config.names:
            self.name_head.look_up(category_names, backbone)

    def zero_shot_categories(self) -> Tensor:
        """Return `(C,)`, which categories' names are like those of the backbone's classes."""
        return self.name_head.zero_shot_categories()

    def prepare(self, data: TrainingData) -> None:
        """Take the features' statistics and the categories' counts of labels."""
        if data.pooled is None:
            raise ValueError("partial_bce reads pooled features; give `pooled`")
        self.head.prepare(data.pooled, data.rows)
        self.name_head.prepare(data.pooled, data.rows)
        labels = torch.from_numpy(data.known_labels())
        self.has_positive.copy_((labels == PRESENT).any(dim=0))
        self.unknown_weight.copy_(stand_in_weight(labels, self.config.unknown_ratio))
        self.known_total.copy_((labels != UNKNOWN).sum().clamp(min=1))
        self.images.fill_(len(data))

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the cost of known labels, of unknown pairs, and the penalty, a known label each.

        The costs of the batch are scaled up to the training images, so that the penalty weighs
        the same for every batch size.
        """
        weights = batch.weights * self.image_weight(batch.labels)
        terms = self.costs(self._logits(batch.features), batch.labels, weights)
        return terms | {"penalty": self.penalty(self.head.linear.weight, self.head.linear.bias)}

    def image_weight(self, labels: Tensor) -> Tensor:
        """Return how much images with these labels `(B, C)` count, `(B, 1)`."""
        c = self.config
        return image_weight(labels, c.normalisation, alpha=c.alpha, beta=c.beta, gamma=c.gamma)

    def costs(self, logits: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
        """Return what the logits of a batch, all `(B, C)`, cost: absent labels, and all else."""
        scale = self.images / len(logits) / self.known_total
        hidden, cap = self.config.hidden, self.config.cap
        risk = positive_unlabelled_risk(
            logits, labels, self.unknown_weight, weights, hidden=hidden, cap=cap
        )
        absent = torch.where(labels == ABSENT, ABSENT, UNKNOWN)
        known = partial_bce(logits, absent, weights, reduction="sum")
        return {"absent": known * scale, "present_and_unknown": risk * scale}

    def penalty(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Return what the lengths of some classifiers cost beside the labels."""
        squares = weight.square().sum() + bias.square().sum()
        return 0.5 * self.config.penalty * squares / self.known_total

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`; where nothing is known about a category, zero everywhere."""
        logits = self._logits(features)
        return torch.where(self.has_positive | self.zero_shot_categories(), logits, 0.0)

    def _logits(self, features: Features) -> Tensor:
        if features.pooled is None:
            raise ValueError("partial_bce reads pooled features; give `pooled`")
        named: Tensor = self.name_head(features.pooled)
        scores: Tensor = self.head(features.pooled)
        return scores + self.level + self.name_scale * named
