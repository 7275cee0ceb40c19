"""HST: transfer known labels within an image and across images to those that are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.contrastive import instance_contrastive, prototype_contrastive
from mlrpl.losses.cooccurrence import cooccurrence_loss
from mlrpl.losses.known_risk import KnownRisk
from mlrpl.losses.thresholds import Thresholds, threshold_loss
from mlrpl.methods import register
from mlrpl.methods.base import Batch, Dimensions, Features, Method
from mlrpl.models.cooccurrence import PairNetwork, pair_matrix, transfer_scores
from mlrpl.models.graph import assume_absent_where_only_present, cooccurrence
from mlrpl.models.heads import PooledHead
from mlrpl.models.sarl import SARL
from mlrpl.prototypes import Prototypes
from mlrpl.training import TrainConfig, TrainingData


@dataclass(frozen=True, kw_only=True)
class HSTConfig:
    """The parts of HST, their sizes and their weights; the defaults are tool size."""

    features: int = 64
    """Width of a category's feature, D."""
    hidden: int = 32
    """Width of the space where tokens and categories meet, H."""
    steps: int = 3
    """Rounds of exchange along the co-occurrence graph; 0 leaves the graph out."""
    smoothing: float = 5.0
    """Images that the prior is worth when co-occurrence is estimated."""
    word_dim: int = 0
    """Width of word vectors given with `set_word_vectors`; 0 learns the category vectors."""
    dropout: float = 0.0
    """Share of the classifier's input that is dropped in training."""
    pooled: bool = True
    """Whether a linear classifier of the pooled vector is added to the logits."""
    penalty: float = 0.1
    classifier_penalty: float = 0.3
    classifier_rate: float = 0.05
    unknown_ratio: float = 10.0

    ist: bool = True
    """Whether known positives of an image speak for its unknown labels."""
    pair_reduced: int = 32
    """Width of a category's feature in the pair network."""
    pair_hidden: int = 32
    """Hidden units of one pair."""
    ist_weight: float = 10.0
    """Weight of the pair network's loss."""

    cst: bool = True
    """Whether prototypes of a category speak for unknown labels."""
    prototypes: int = 10
    """Most prototypes of a category, K."""
    positives_per_prototype: int = 5
    """Known positives that one more prototype takes."""
    prototype_every: int = 5
    """Epochs between two computations of the prototypes."""
    instance_weight: float = 0.05
    """Weight of the contrast between images."""
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

    warmup: int = 5
    """Epochs before the first pseudo label."""
    pseudo_weight: float = 1.0
    """Weight of each of the two losses that include pseudo labels."""
    min_positives: int = 5
    """Known positives below which a category gets no pseudo labels."""

    def __post_init__(self) -> None:
        """Refuse sizes and weights that mean nothing."""
        for name in (
            "features", "hidden", "pair_reduced", "pair_hidden", "prototypes",
            "positives_per_prototype", "prototype_every",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in (
            "steps", "word_dim", "ist_weight", "instance_weight", "prototype_weight",
            "threshold_weight", "warmup", "pseudo_weight", "min_positives",
        ):  # fmt: skip
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        for name in ("smoothing", "threshold_rate", "sharpness"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in 0 to 1, without 1, got {self.dropout}")

    @classmethod
    def paper(cls) -> HSTConfig:
        """Return the sizes and weights of the paper."""
        return cls(
            features=1024, hidden=512, pair_reduced=512, pair_hidden=1024, dropout=0.0,
            pooled=False, word_dim=300,
        )  # fmt: skip


@register("hst", HSTConfig)
class HST(Method):
    """Attention per category, a co-occurrence graph, and pseudo labels from two kinds of transfer.

    Within an image, known positives vouch for categories that accompany them (IST); across
    images, a category's feature is compared with its prototypes (CST). Both scores are
    cut at learned thresholds (DTL) into pseudo positives, which join the known labels after
    a warm-up.
    """

    needs_tokens: ClassVar[bool] = True
    paper: ClassVar[str] = (
        "Chen, Pu, Liu, Wu, Qiu, Lin: Heterogeneous Semantic Transfer for Multi-label Recognition "
        "with Partial Labels, IJCV 2024"
    )
    config: HSTConfig
    present_only: Tensor
    eligible: Tensor

    def __init__(
        self,
        dimensions: Dimensions,
        config: HSTConfig,
        category_names: Sequence[str] | None = None,  # noqa: ARG002 - part of the contract
    ) -> None:
        """Draw the weights.

        Raises:
            ValueError: If there are no token maps.
        """
        super().__init__(dimensions, config)
        if not dimensions.positions or not dimensions.token:
            raise ValueError("hst needs token maps; embed the images with a backbone that has them")
        count = dimensions.categories
        self.sarl = SARL(
            count,
            dimensions.token,
            config.features,
            config.hidden,
            steps=config.steps,
            words=config.word_dim,
            dropout=config.dropout,
        )
        if config.pooled:
            self.pooled = PooledHead(dimensions.pooled, count)
        self.risk = KnownRisk(count, config.unknown_ratio)
        if config.ist:
            self.pairs = PairNetwork(
                count, config.features, config.pair_reduced, config.pair_hidden
            )
            self.ist_thresholds = Thresholds(
                count, initial=config.ist_threshold, learned=config.dtl
            )
        if config.cst:
            self.prototypes = Prototypes(count, config.prototypes, config.features)
            self.cst_thresholds = Thresholds(
                count, initial=config.cst_threshold, learned=config.dtl
            )
        self.register_buffer("present_only", torch.zeros(count, dtype=torch.bool))
        self.register_buffer("eligible", torch.zeros(count, dtype=torch.bool))

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return the settings that measured best at tool size."""
        return TrainConfig(epochs=20, batch_size=64, learning_rate=1e-3, weight_decay=1e-2)

    def set_word_vectors(self, vectors: Tensor) -> None:
        """Use these word vectors, `(C, W)`, in place of learned category vectors.

        Raises:
            ValueError: If the option `word_dim` is not their width.
        """
        self.sarl.decoupling.set_words(vectors)

    def prepare(self, data: TrainingData) -> None:
        """Take token statistics, co-occurrence and the kinds of categories from the training data."""
        labels = torch.from_numpy(data.known_labels())
        present, absent = labels == PRESENT, labels == ABSENT
        self.present_only.copy_(present.any(dim=0) & ~absent.any(dim=0))
        self.eligible.copy_(present.sum(dim=0) >= self.config.min_positives)
        self.sarl.graph.set_adjacency(cooccurrence(labels, smoothing=self.config.smoothing))
        self.sarl.set_token_statistics(*_token_statistics(data))
        if self.config.pooled:
            self.pooled.prepare(data.pooled, data.rows)
        self.risk.count(labels)

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        """Recompute the prototypes when they are due."""
        since = epoch - self.config.warmup
        if self.config.cst and since >= 0 and since % self.config.prototype_every == 0:
            self._rebuild_prototypes(epoch, data)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Give the thresholds a learning rate of their own and no decay."""
        thresholds = [
            p for m in self.modules() if isinstance(m, Thresholds) for p in m.parameters()
        ]
        fast = [self.sarl.weight, self.sarl.bias]
        if self.config.pooled:
            fast += list(self.pooled.parameters())
        ids = {id(p) for p in thresholds+fast}
        others = [p for p in self.parameters() if id(p) not in ids]
        groups: list[dict[str, Any]] = [{"params": others, "lr": learning_rate}, {"params": fast, "lr": self.config.classifier_rate, "weight_decay":0.0}]
        if self.config.dtl and thresholds:
            groups.append(
                {"params": thresholds, "lr": self.config.threshold_rate, "weight_decay": 0.0}
            )
        return groups

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`."""
        return self._logits(self.sarl.decouple(_tokens(features)), features)

    def attention(self, features: Features) -> Tensor:
        """Return where each category looks, `(B, C, P)`, rows summing to one."""
        return self.sarl.attention(_tokens(features))

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
            raise ValueError("this hst was built with ist=False and has no transfer scores")
        pairs = torch.sigmoid(self.pairs(self.sarl.decouple(_tokens(features))))
        return transfer_scores(pair_matrix(pairs, self.dimensions.categories), labels)[0]

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:
        """Return the terms `known`, and those of the parts that are switched on.

        In the first epoch the losses of co-occurrence and contrast grow from zero to their
        weight; pseudo labels, prototypes and thresholds wait for `warmup` epochs.
        """
        features = self.sarl.decouple(_tokens(batch.features))
        logits = self._logits(features, batch.features)
        terms = {"known": self._classification(logits, batch.labels, batch.weights)}
        pen = self.config.classifier_penalty * self.sarl.weight.square().sum()
        if self.config.pooled:
            pen = pen + self.config.penalty * self.pooled.linear.weight.square().sum() + self.config.penalty * self.pooled.linear.bias.square().sum()
        terms["penalty"] = 0.5*pen/(self.risk.known_share*self.risk.images)
        ramp = progress if epoch == 0 else 1.0
        labels = assume_absent_where_only_present(batch.labels, self.present_only)
        ready = epoch >= self.config.warmup
        if self.config.ist:
            pairs = self.pairs(features)
            terms["ist"] = ramp * self.config.ist_weight * cooccurrence_loss(pairs, labels)
            if ready:
                matrix = pair_matrix(torch.sigmoid(pairs), self.dimensions.categories)
                scores, usable = transfer_scores(matrix, batch.labels)
                terms |= self._transfer("ist", self.ist_thresholds, scores, usable, logits, batch)
        if self.config.cst:
            terms["instance"] = (
                ramp * self.config.instance_weight * instance_contrastive(features, labels)
            )
            if ready:
                scores, available = self.prototypes.similarity(features), self.prototypes.available
                terms["prototype"] = self.config.prototype_weight * prototype_contrastive(
                    scores, labels, available
                )
                usable = available.expand_as(scores)
                terms |= self._transfer("cst", self.cst_thresholds, scores, usable, logits, batch)
        return terms

    def _transfer(
        self,
        name: str,
        thresholds: Thresholds,
        scores: Tensor,
        usable: Tensor,
        logits: Tensor,
        batch: Batch,
    ) -> dict[str, Tensor]:
        """Return the loss with pseudo labels from one kind of score, and that of its thresholds."""
        exceeded = thresholds.exceeded(scores.detach())
        pseudo = (batch.labels == UNKNOWN) & usable & self.eligible & exceeded
        labels = torch.where(pseudo, torch.full_like(batch.labels, PRESENT), batch.labels)
        weights = torch.where(pseudo, torch.ones_like(batch.weights), batch.weights)
        terms = {
            f"pseudo_{name}": self.config.pseudo_weight
            * self._classification(logits, labels, weights)
        }
        if self.config.dtl:
            known = assume_absent_where_only_present(batch.labels, self.present_only)
            terms[f"threshold_{name}"] = self.config.threshold_weight * threshold_loss(
                scores, thresholds.values, known, usable, sharpness=self.config.sharpness
            )
        return terms

    def _classification(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        return self.risk(logits, labels, weights)

    def _logits(self, decoupled: Tensor, features: Features) -> Tensor:
        logits = self.sarl.classify(decoupled)
        if self.config.pooled:
            logits = logits + self.pooled(features.pooled)
        return logits

    @torch.no_grad()
    def _rebuild_prototypes(self, epoch: int, data: TrainingData) -> None:
        self.eval()
        features, categories, images = [], [], []
        start = 0
        for batch in data.batches(256):
            present = (batch.labels == PRESENT).to(self.eligible.device)
            decoupled = self.sarl.decouple(_tokens(batch.features).to(self.eligible.device))
            image, category = present.nonzero(as_tuple=True)
            features.append(decoupled[image, category])
            categories.append(category)
            images.append(image + start)
            start += len(present)
        self.prototypes.rebuild(
            torch.cat(features),
            torch.cat(categories),
            torch.from_numpy(data.rows).to(self.eligible.device)[torch.cat(images)],
            torch.Generator().manual_seed(epoch),
            per_prototype=self.config.positives_per_prototype,
        )


def _tokens(features: Features) -> Tensor:
    if features.tokens is None:
        raise ValueError("hst needs token maps; give features with tokens")
    return features.tokens


def _token_statistics(data: TrainingData) -> tuple[Tensor, Tensor]:
    """Return the mean token and one scale: the root mean variance of the channels."""
    total, square, count = 0.0, 0.0, 0
    for batch in data.batches(256):
        tokens = _tokens(batch.features).flatten(0, 1).double()
        total = total + tokens.sum(dim=0)
        square = square + tokens.square().sum(dim=0)
        count += len(tokens)
    mean = torch.as_tensor(total) / count
    variance = (torch.as_tensor(square) / count - mean.square()).clamp(min=0).mean()
    scale = torch.where(variance > 0, variance.sqrt(), torch.ones_like(variance))
    return mean.float(), scale.float()

