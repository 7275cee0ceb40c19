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
from mlrpl.methods.partial_bce import PartialBCE, PartialBCEConfig
from mlrpl.models.cooccurrence import PairNetwork, pair_matrix, transfer_scores
from mlrpl.models.graph import assume_absent_where_only_present, cooccurrence
from mlrpl.models.sarl import SARL
from mlrpl.prototypes import Prototypes
from mlrpl.training import TrainConfig, TrainingData

_AT_LEAST_ONE = (
    "features",
    "hidden",
    "pair_reduced",
    "pair_hidden",
    "prototypes",
    "positives_per_prototype",
    "prototype_every",
)
_ABOVE_ZERO = ("smoothing", "classifier_rate", "threshold_rate", "sharpness")
_NOT_NEGATIVE = (
    "steps",
    "word_dim",
    "pooled_penalty",
    "classifier_penalty",
    "unknown_ratio",
    "ist_weight",
    "instance_weight",
    "prototype_weight",
    "threshold_weight",
    "warmup",
    "pseudo_weight",
    "min_positives",
)


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
    """Share of the classifier's input that is dropped in training, 0 up to but not 1."""
    pooled: bool = True
    """Whether the logits of partial BCE on the pooled vector are added."""
    pooled_penalty: float = 0.1
    """Squared length of a pooled classifier against the sum of its labels' costs."""
    classifier_penalty: float = 0.3
    """The same for the classifier of a category's feature."""
    classifier_rate: float = 0.2
    """Learning rate of the classifiers; all else has that of the training."""
    unknown_ratio: float = 10.0
    """Where a category has fewer absent answers than this many for each present one, its unknown
    pairs together weigh what is missing; 0 never counts them."""

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
        for names, lowest, allowed in (
            (_AT_LEAST_ONE, "at least 1", lambda value: value >= 1),
            (_ABOVE_ZERO, "above 0", lambda value: value > 0),
            (_NOT_NEGATIVE, "at least 0", lambda value: value >= 0),
        ):
            for name in names:
                if not allowed(getattr(self, name)):
                    raise ValueError(f"{name} must be {lowest}, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in 0 up to but not 1, got {self.dropout}")

    @classmethod
    def paper(cls) -> HSTConfig:
        """Return the sizes of the paper, with its word vectors and without the pooled vector."""
        return cls(
            features=1024,
            hidden=512,
            pair_reduced=512,
            pair_hidden=1024,
            word_dim=300,
            pooled=False,
            ist_weight=10.0,
            pseudo_weight=1.0,
        )


@register("hst", HSTConfig)
class HST(Method):
    """Attention per category, a co-occurrence graph, and pseudo labels from two kinds of transfer.

    Within an image, known positives vouch for categories that accompany them (IST); across
    images, a category's feature is compared with its prototypes (CST). Both scores are
    cut at learned thresholds (DTL) into pseudo positives, which join the known labels after
    a warm-up. Deviations from the paper: `docs/decisions/`, 0101 and up.
    """

    needs_tokens: ClassVar[bool] = True
    paper: ClassVar[str] = (
        "Chen, Pu, Liu, Wu, Qiu and Lin: Heterogeneous Semantic Transfer for Multi-label "
        "Recognition with Partial Labels, IJCV 2024"
    )

    present_only: Tensor
    has_positive: Tensor
    eligible: Tensor

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
        super().__init__(dimensions, config)
        if not dimensions.positions or not dimensions.token:
            raise ValueError("hst needs token maps; embed the images with a backbone that has them")
        self.config: HSTConfig = config
        count, width = dimensions.categories, config.features
        self.sarl = SARL(
            count,
            dimensions.token,
            width,
            config.hidden,
            steps=config.steps,
            words=config.word_dim,
            dropout=config.dropout,
        )
        self.risk = KnownRisk(count, config.unknown_ratio)
        if config.pooled:
            self.pooled = PartialBCE(dimensions, PartialBCEConfig(), category_names)
        if config.ist:
            self.pairs = PairNetwork(count, width, config.pair_reduced, config.pair_hidden)
            self.ist_thresholds = Thresholds(
                count, initial=config.ist_threshold, learned=config.dtl
            )
        if config.cst:
            self.prototypes = Prototypes(count, config.prototypes, width)
            self.cst_thresholds = Thresholds(
                count, initial=config.cst_threshold, learned=config.dtl
            )
        for name in ("present_only", "has_positive", "eligible"):
            self.register_buffer(name, torch.zeros(count, dtype=torch.bool))

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return the settings that measured best at tool size."""
        return TrainConfig(epochs=20, batch_size=64, learning_rate=3e-4, weight_decay=1e-2)

    def set_word_vectors(self, vectors: Tensor) -> None:
        """Use these word vectors, `(C, W)`, in place of learned category vectors.

        Raises:
            ValueError: If the option `word_dim` is not their width.
        """
        self.sarl.decoupling.set_words(vectors)

    def learn_names(self, category_names: Sequence[str], backbone: str) -> None:
        """Let the categories' names speak through the pooled vector, as in partial BCE."""
        if self.config.pooled:
            self.pooled.learn_names(category_names, backbone)

    def speaks(self) -> Tensor:
        """Return `(C,)`, which categories' names are like those of the backbone's classes."""
        return self.pooled.speaks() if self.config.pooled else super().speaks()

    def prepare(self, data: TrainingData) -> None:
        """Take token statistics, co-occurrence and the kinds of categories."""
        if data.tokens is None:
            raise ValueError("hst reads token maps; give `tokens`")
        labels = torch.from_numpy(data.known_labels())
        positives = (labels == PRESENT).sum(dim=0)
        ever_absent = (labels == ABSENT).any(dim=0)
        self.has_positive.copy_(positives > 0)
        self.present_only.copy_((positives > 0) & ~ever_absent)
        self.eligible.copy_(positives >= max(1, self.config.min_positives))
        self.risk.count(labels)
        self.sarl.graph.set_adjacency(cooccurrence(labels, smoothing=self.config.smoothing))
        self.sarl.take_statistics(_tokens(batch.features) for batch in data.batches(256))
        if self.config.pooled:
            self.pooled.prepare(data)

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        """Recompute the prototypes when they are due: after the warm-up, then every so often."""
        since = epoch - self.config.warmup
        if self.config.cst and since >= 0 and since % self.config.prototype_every == 0:
            self._rebuild_prototypes(epoch, data)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Give classifiers and thresholds learning rates of their own, and no decay."""
        classifiers = [self.sarl.weight, self.sarl.bias]
        if self.config.pooled:
            classifiers += list(self.pooled.parameters())
        thresholds = [m.values for m in self.modules() if isinstance(m, Thresholds)]
        apart = {id(p) for p in (*classifiers, *thresholds)}
        rest = [p for p in self.parameters() if id(p) not in apart]
        groups: list[dict[str, Any]] = [
            {"params": rest, "lr": learning_rate},
            {"params": classifiers, "lr": self.config.classifier_rate, "weight_decay": 0.0},
        ]
        if self.config.dtl and thresholds:
            rate = self.config.threshold_rate
            groups.append({"params": thresholds, "lr": rate, "weight_decay": 0.0})
        return groups

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`; where nothing is known about a category, zero everywhere."""
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
            raise ValueError("this hst was built with ist=False; train one with ist=True")
        pairs = torch.sigmoid(self.pairs(self.sarl.decouple(_tokens(features))))
        return transfer_scores(pair_matrix(pairs, self.dimensions.categories), labels)[0]

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:
        """Return the terms of the known labels and of every part that is switched on.

        In the first epoch the losses of co-occurrence and of contrast between images grow from
        zero to their weight; pseudo labels, prototypes and thresholds wait for `warmup` epochs.
        """
        features = self.sarl.decouple(_tokens(batch.features))
        logits = self._logits(features, batch.features)
        labels = assume_absent_where_only_present(batch.labels, self.present_only)
        ramp = progress if epoch == 0 else 1.0
        terms = {"known": self.risk(logits, batch.labels, batch.weights)}
        if self.config.ist:
            pairs = self.pairs(features)
            terms["ist"] = ramp * self.config.ist_weight * cooccurrence_loss(pairs, labels)
        if self.config.cst:
            contrast = instance_contrastive(features, labels)
            terms["instance"] = ramp * self.config.instance_weight * contrast
        if epoch >= self.config.warmup:
            if self.config.ist:
                matrix = pair_matrix(torch.sigmoid(pairs), self.dimensions.categories)
                scores, usable = transfer_scores(matrix, batch.labels)
                terms |= self._pseudo("ist", self.ist_thresholds, scores, usable, logits, batch)
            if self.config.cst:
                scores, available = self.prototypes.similarity(features), self.prototypes.available
                contrast = prototype_contrastive(scores, labels, available)
                terms["prototype"] = self.config.prototype_weight * contrast
                usable = available.expand_as(scores)
                terms |= self._pseudo("cst", self.cst_thresholds, scores, usable, logits, batch)
        # Known labels enter every classification term; the penalty keeps pace with them.
        transfers = sum(name.startswith("pseudo") for name in terms)
        terms["penalty"] = self._penalty() * (1 + transfers * self.config.pseudo_weight)
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
        exceeded = usable & self.eligible & thresholds.exceeded(scores.detach())
        pseudo = (batch.labels == UNKNOWN) & exceeded
        labels = torch.where(pseudo, torch.full_like(batch.labels, PRESENT), batch.labels)
        weights = torch.where(pseudo, torch.ones_like(batch.weights), batch.weights)
        cost = self.risk(logits, labels, weights)
        terms = {f"pseudo_{name}": self.config.pseudo_weight * cost}
        if self.config.dtl:
            known = assume_absent_where_only_present(batch.labels, self.present_only)
            moved = threshold_loss(
                scores, thresholds.values, known, usable, sharpness=self.config.sharpness
            )
            terms[f"threshold_{name}"] = self.config.threshold_weight * moved
        return terms

    def _penalty(self) -> Tensor:
        penalty = self.config.classifier_penalty * self.sarl.weight.square().sum()
        if self.config.pooled:
            linear = self.pooled.head.linear
            squares = linear.weight.square().sum() + linear.bias.square().sum()
            penalty = penalty + self.config.pooled_penalty * squares
        return 0.5 * penalty / self.risk.known_total

    def _logits(self, decoupled: Tensor, features: Features) -> Tensor:
        logits = torch.where(self.has_positive, self.sarl.classify(decoupled), 0.0)
        return logits + self.pooled(features) if self.config.pooled else logits

    @torch.no_grad()
    def _rebuild_prototypes(self, epoch: int, data: TrainingData) -> None:
        device = str(self.eligible.device)
        features, categories, images, seen = [], [], [], 0
        for batch in data.batches(256):
            batch = batch.to(device)
            image, category = (batch.labels == PRESENT).nonzero(as_tuple=True)
            features.append(self.sarl.decouple(_tokens(batch.features))[image, category])
            categories.append(category)
            images.append(torch.from_numpy(data.rows).to(device)[image + seen])
            seen += len(batch.labels)
        self.prototypes.rebuild(
            torch.cat(features),
            torch.cat(categories),
            torch.cat(images),
            torch.Generator().manual_seed(epoch),
            per_prototype=self.config.positives_per_prototype,
        )


def _tokens(features: Features) -> Tensor:
    if features.tokens is None:
        raise ValueError("hst reads token maps; give `tokens`")
    return features.tokens
