"""Partial BCE: one linear classifier a category, trained on the labels that are known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from mlrpl.errors import WeightsError
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.bce import known_share_weight, partial_bce
from mlrpl.losses.positive_unlabelled import positive_unlabelled_risk
from mlrpl.methods import register
from mlrpl.methods.base import Batch, Dimensions, Features, Method
from mlrpl.models.heads import NamedClasses, PooledHead
from mlrpl.training import TrainConfig, TrainingData

log = logging.getLogger(__name__)


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
    alpha: float = 0.0
    """Durand's weight of an image is alpha * p ** gamma + beta, p being its known share; they
    published -4.45. 0 with beta 1 counts all known labels alike."""
    beta: float = 1.0
    """Published: 5.45."""
    gamma: float = 1.0
    """Published: 1."""
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


@register("partial_bce", PartialBCEConfig)
class PartialBCE(Method):
    """One linear classifier a category on pooled features, trained on the labels that are known.

    A category with known labels of both signs is fitted to these; as far as absent ones are
    scarce or missing, unknown pairs stand in for them under a capped, non-negative risk. A
    category without a present answer gets what its name says, or zero everywhere: `has_positive`
    tells them apart, and no suggestion is to be made of them.
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
        """Look up which of the backbone's classes speak for the categories.

        Without the backbone's weights, or with one that has no ImageNet classes on its pooled
        vector, nothing is learned; categories are then known by their answers alone.
        """
        from mlrpl.models.backbones import load_backbone
        from mlrpl.models.name_prior import class_affinities

        if not self.config.names:
            return
        try:
            classifier = load_backbone(backbone).classifier
        except WeightsError as error:
            log.warning("category names are not used: %s", error)
            return
        if classifier is not None and classifier[0].shape[1] == self.dimensions.pooled:
            self.name_head.know(class_affinities(category_names), classifier)

    def speaks(self) -> Tensor:
        """Return `(C,)`, which categories' names are like those of the backbone's classes."""
        return self.name_head.speaks()

    def prepare(self, data: TrainingData) -> None:
        """Take the features' statistics and the categories' counts of labels."""
        if data.pooled is None:
            raise ValueError("partial_bce reads pooled features; give `pooled`")
        self.head.prepare(data.pooled, data.rows)
        self.name_head.prepare(data.pooled, data.rows)
        labels = torch.from_numpy(data.known_labels())
        present = (labels == PRESENT).sum(dim=0)
        absent = (labels == ABSENT).sum(dim=0)
        unknown = (labels == UNKNOWN).sum(dim=0).clamp(min=1)
        missing = (self.config.unknown_ratio * present - absent).clamp(min=0)
        self.has_positive.copy_(present > 0)
        self.unknown_weight.copy_((missing / unknown).clamp(max=1))
        self.known_total.copy_((present + absent).sum().clamp(min=1))
        self.images.fill_(len(data))

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the cost of known labels, of unknown pairs, and the penalty, a known label each.

        The costs of the batch are scaled up to the training images, so that the penalty weighs
        the same for every batch size.
        """
        config = self.config
        logits = self._logits(batch.features)
        weights = batch.weights
        if (config.alpha, config.beta) != (0.0, 1.0):
            share = known_share_weight(batch.labels, config.alpha, config.beta, config.gamma)
            weights = weights * share
        scale = self.images / len(logits) / self.known_total
        risk = positive_unlabelled_risk(
            logits, batch.labels, self.unknown_weight, weights, hidden=config.hidden, cap=config.cap
        )
        absent = torch.where(batch.labels == ABSENT, ABSENT, UNKNOWN)
        known = partial_bce(logits, absent, weights, reduction="sum")
        squares = self.head.linear.weight.square().sum()
        deviations = self.head.linear.bias.square().sum()
        penalty = 0.5 * config.penalty * (squares + deviations)
        return {
            "absent": known * scale,
            "present_and_unknown": risk * scale,
            "penalty": penalty / self.known_total,
        }

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`; where nothing is known about a category, zero everywhere."""
        logits = self._logits(features)
        return torch.where(self.has_positive | self.speaks(), logits, 0.0)

    def _logits(self, features: Features) -> Tensor:
        if features.pooled is None:
            raise ValueError("partial_bce reads pooled features; give `pooled`")
        named: Tensor = self.name_head(features.pooled)
        scores: Tensor = self.head(features.pooled)
        return scores + self.level + self.name_scale * named
