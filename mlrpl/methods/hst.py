"""HST: transfer known labels within an image and across images to those that are unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from mlrpl.data import Batch, Dimensions, Features, TrainingData
from mlrpl.labels import PRESENT, UNKNOWN
from mlrpl.losses.contrastive import prototype_contrastive
from mlrpl.losses.cooccurrence import cooccurrence_loss, pair_targets
from mlrpl.losses.thresholds import Thresholds, threshold_loss
from mlrpl.methods import register
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.methods.semantic_config import SemanticConfig
from mlrpl.models.cooccurrence import PairNetwork, pair_matrix, transfer_scores
from mlrpl.models.graph import assume_absent_where_only_present
from mlrpl.models.prototypes import half_of

Pseudo = Literal["hard", "soft"]
_ROWS = 256
"""Images whose pairs are counted at a time."""


@dataclass(frozen=True, kw_only=True)
class HSTConfig(SemanticConfig):
    """The parts of HST, their sizes and their weights; the defaults are tool size."""

    ist: bool = True
    """Whether known positives of an image speak for its unknown labels."""
    pair_reduced: int = 32
    """Width of a category's feature in the pair network."""
    pair_hidden: int = 32
    """Hidden units of one pair."""
    ist_weight: float = 10.0
    """Weight of the pair network's loss."""
    pair_rate: float = 3e-3
    """Learning rate of the pair network."""
    pair_images: int = 5
    """Images of which it must be known that they show one of two categories and whether they show
    the other; where there are fewer, neither speaks for the other."""

    cst: bool = True
    """Whether prototypes of a category speak for unknown labels."""
    cst_from: float = 0.5
    """Share of the epochs, 0 up to but not 1, before they do; not before `warmup`."""
    prototype_weight: float = 0.05
    """Weight of the contrast between images and prototypes."""

    dtl: bool = True
    """Whether the thresholds learn; otherwise they stay as they start."""
    ist_threshold: float = 0.75
    """Threshold of the intra-image score, in probability, at the start."""
    cst_threshold: float = 0.75
    """Threshold of the cross-image score, in cosine, at the start."""
    threshold_weight: float = 0.1
    """Weight of each threshold loss."""
    threshold_rate: float = 0.02
    """Learning rate of the thresholds, in units of score."""
    sharpness: float = 10.0
    """Steepness of the learned step, per unit of score."""

    precision: float = 0.6
    """How likely a pair is present whose score is at its learned threshold, above 0 and below 1."""

    pseudo: Pseudo = "hard"
    """What a transferred score becomes: `hard` a present label above its threshold, as published;
    `soft` the probability that the learned step has there, which also says absent."""
    pseudo_weight: float = 1.0
    """Weight of each of the two losses of pseudo labels. The soft ones of a batch count together
    at most this much of what its known labels count, and one no more than a known one does; hard
    ones count known labels again."""
    min_positives: int = 5
    """Known positives below which a category gets no pseudo labels."""

    AT_LEAST_ONE: ClassVar[tuple[str, ...]] = (
        *SemanticConfig.AT_LEAST_ONE,
        "pair_reduced",
        "pair_hidden",
    )
    ABOVE_ZERO: ClassVar[tuple[str, ...]] = (
        *SemanticConfig.ABOVE_ZERO,
        "threshold_rate",
        "sharpness",
        "pair_rate",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *SemanticConfig.NOT_NEGATIVE,
        "ist_weight",
        "pair_images",
        "prototype_weight",
        "threshold_weight",
        "pseudo_weight",
        "min_positives",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.precision < 1:
            raise ValueError(f"precision must lie above 0 and below 1, got {self.precision}")

    SHARES: ClassVar[tuple[str, ...]] = (*SemanticConfig.SHARES, "cst_from")
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"pseudo": get_args(Pseudo)}
    PAPER: ClassVar[dict[str, Any]] = {
        **SemanticConfig.PAPER,
        "pair_reduced": 512,
        "pair_hidden": 1024,
    }


@register("hst", HSTConfig)
class HST(SemanticMethod):
    """Attention per category, a co-occurrence graph, and pseudo labels from two kinds of transfer.

    Within an image, known positives vouch for categories that accompany them (IST); across
    images, a category's feature is compared with its prototypes (CST). Learned thresholds (DTL)
    make pseudo labels of both scores, soft ones of both signs or, as published, present ones, which
    join the known labels after a warm-up. Deviations from the paper: `docs/decisions/`, 0101 and
    up.
    """

    name: ClassVar[str] = "hst"
    halved: ClassVar[bool] = True
    paper: ClassVar[str] = (
        "Chen, Pu, Liu, Wu, Qiu and Lin: Heterogeneous Semantic Transfer for Multi-label "
        "Recognition with Partial Labels, IJCV 2024"
    )

    config: HSTConfig
    eligible: Tensor
    told_pairs: Tensor

    def __init__(
        self,
        dimensions: Dimensions,
        config: HSTConfig,
        category_names: Sequence[str] | None = None,
    ) -> None:
        """Draw the weights; the classifiers start at zero.

        Raises:
            ValueError: If there are no token maps.
        """
        super().__init__(dimensions, config, category_names, prototypes=config.cst)
        count = dimensions.categories
        if config.ist:
            self.pairs = PairNetwork(
                count, config.features, config.pair_reduced, config.pair_hidden
            )
            self.ist_thresholds = Thresholds(
                count, initial=config.ist_threshold, learned=config.dtl
            )
        if config.cst:
            self.cst_thresholds = Thresholds(
                count, initial=config.cst_threshold, learned=config.dtl
            )
        self.register_buffer("eligible", torch.zeros(count, dtype=torch.bool))
        pairs = count * (count - 1) // 2
        self.register_buffer("told_pairs", torch.ones(pairs, dtype=torch.bool))

    def prepare(self, data: TrainingData) -> None:
        """Take token statistics, co-occurrence and the kinds of categories.

        Raises:
            ValueError: If there are no token maps or a shape is not what the method was built for.
        """
        super().prepare(data)
        labels = torch.from_numpy(data.known_labels())
        positives = (labels == PRESENT).sum(dim=0)
        self.eligible.copy_(positives >= max(1, self.config.min_positives))
        if self.config.ist:
            labels = assume_absent_where_only_present(labels, self.present_only.cpu())
            known = [pair_targets(part)[1].sum(dim=0) for part in labels.split(_ROWS)]
            self.told_pairs.copy_(torch.stack(known).sum(dim=0) >= self.config.pair_images)

    def own_rates(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return thresholds and pair network with their rates."""
        thresholds = [m.values for m in self.modules() if isinstance(m, Thresholds)]
        rates = [([p for p in thresholds if p.requires_grad], self.config.threshold_rate)]
        if self.config.ist:
            rates.append((list(self.pairs.parameters()), self.config.pair_rate))
        return rates

    def prototypes_from(self) -> int:
        """Return the epoch from which on prototypes speak."""
        return max(self.config.warmup, int(self.config.cst_from * self.epochs))

    def transfer(self, features: Features, labels: Tensor) -> Tensor:
        """Return how strongly the other known positives of an image speak for each category.

        Args:
            features: Of `B` images.
            labels: `(B, C)`, each `PRESENT`, `UNKNOWN` or `ABSENT`.

        Returns:
            `(B, C)` in 0..1, 0 where no other category is known to be present.

        Raises:
            ValueError: If the method was built without IST.
        """
        if not self.config.ist:
            raise ValueError("this hst was built with ist=False; train one with ist=True")
        pairs = self.pairs(self.sarl.decouple(self.tokens(features)))
        return self._transfer_scores(pairs, labels)[0]

    def _transfer_scores(self, pairs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        matrix = pair_matrix(torch.sigmoid(pairs), self.dimensions.categories)
        return transfer_scores(matrix, labels, self.told_pairs)

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:
        """Return the terms of the known labels and of every part that is switched on.

        In the first epoch the losses of co-occurrence and of contrast between images grow from
        zero to their weight; pseudo labels and thresholds wait for `warmup` epochs, those of
        prototypes for `cst_from`. The pair network reads features without pulling at them: its
        loss, ten times as heavy, would shape them for pairs rather than for categories.
        """
        batch = self.taught(batch, epoch)
        features = self.sarl.decouple(self.tokens(batch.features))
        logits = self.semantic_logits(features)
        labels = assume_absent_where_only_present(batch.labels, self.present_only)
        ramp = progress if epoch == 0 else 1.0
        terms = {"known": self.risk(logits, batch.labels, batch.weights)}
        terms |= self.pooled_terms(batch)
        if self.config.ist:
            pairs = self.pairs(features.detach())
            terms["ist"] = ramp * self.config.ist_weight * cooccurrence_loss(pairs, labels)
        if self.config.cst:
            terms |= self.contrast_terms(features, labels, ramp)
        if self.config.ist and epoch >= self.config.warmup:
            scores, usable = self._transfer_scores(pairs, batch.labels)
            terms |= self._pseudo("ist", self.ist_thresholds, scores, usable, logits, batch)
        if self.config.cst and epoch >= self.prototypes_from():
            half = None if batch.rows is None else half_of(batch.rows)
            scores = self.prototypes.similarity(features, half)
            usable = self.prototypes.available_to(half, len(scores))
            contrast = prototype_contrastive(scores, labels, usable)
            terms["prototype"] = self.config.prototype_weight * contrast
            terms |= self._pseudo("cst", self.cst_thresholds, scores, usable, logits, batch)
        hard = self.config.pseudo == "hard"
        transfers = sum(hard and name.startswith("pseudo") for name in terms)
        terms["penalty"] = self.penalty(1 + transfers * self.config.pseudo_weight)
        return terms

    def _pseudo(
        self,
        name: str,
        thresholds: Thresholds,
        scores: Tensor,
        usable: Tensor,
        logits: Tensor,
        batch: Batch,
    ) -> dict[str, Tensor]:
        """Return the cost of known and pseudo labels together, and that of the thresholds."""
        told = (batch.labels == UNKNOWN) & usable & self.eligible
        if self.config.pseudo == "soft":
            odds = self.config.precision / (1 - self.config.precision)
            steps = self.config.sharpness * (scores - thresholds.values).detach() + math.log(odds)
            known = (batch.labels != UNKNOWN).sum()
            weight = (self.config.pseudo_weight * known / told.sum().clamp(min=1)).clamp(max=1)
            cost = weight * self.soft_cost(logits, torch.sigmoid(steps), told)
        else:
            pseudo = told & thresholds.exceeded(scores.detach())
            labels = torch.where(pseudo, torch.full_like(batch.labels, PRESENT), batch.labels)
            weights = torch.where(pseudo, torch.ones_like(batch.weights), batch.weights)
            cost = self.config.pseudo_weight * self.risk(logits, labels, weights)
        terms = {f"pseudo_{name}": cost}
        if self.config.dtl:
            known = assume_absent_where_only_present(batch.labels, self.present_only)
            moved = threshold_loss(
                scores,
                thresholds.values,
                known,
                usable,
                sharpness=self.config.sharpness,
                precision=self.config.precision,
            )
            terms[f"threshold_{name}"] = self.config.threshold_weight * moved
        return terms
