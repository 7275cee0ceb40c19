"""What HST and SARB share: SARL, the pooled head, prototypes, and how their parameters learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.data import Batch, Dimensions, Features, TrainingData, require_token_maps
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.contrastive import instance_contrastive
from mlrpl.losses.known_risk import KnownRisk
from mlrpl.methods import part_shares
from mlrpl.methods.base import Method
from mlrpl.methods.kernel_ridge import KernelRidgeConfig
from mlrpl.methods.partial_bce import PartialBCE, PartialBCEConfig
from mlrpl.methods.semantic_config import SemanticConfig
from mlrpl.methods.teacher import Teacher
from mlrpl.models.graph import assume_absent_where_only_present, cooccurrence
from mlrpl.models.heads import sample
from mlrpl.models.prototypes import Prototypes, half_of
from mlrpl.models.query_start import point_queries
from mlrpl.models.sarl import SARL
from mlrpl.models.word_vectors import load_word_vectors
from mlrpl.train_config import TrainConfig

_REGION_SHARE = 0.5
"""Share of the regions in the squared distance of two images."""
_STATISTICS = 4096
"""Images that statistics of tokens are taken from at most."""
_ROWS = 256
"""Images that are read at a time where all are gone through."""


class SemanticMethod(Method):
    """A method whose scores are those of SARL, beside those of the pooled vector.

    A subclass adds its own parts and its `losses`. Everything that training counts from the labels
    is a buffer.
    """

    needs_tokens: ClassVar[bool] = True
    name: ClassVar[str]
    """What the method is registered as; messages begin with it."""
    halved: ClassVar[bool] = False
    """Whether each half of the images has prototypes of its own."""

    ADDED: ClassVar[dict[str, int]] = {"part_share": 1, "part_offset": 0, "told_pairs": 1}
    """Buffers that older files lack, with what they were then: logits were added up as they are,
    and every pair spoke."""

    config: SemanticConfig
    present_only: Tensor
    has_positive: Tensor
    part_share: Tensor
    part_offset: Tensor

    def __init__(
        self,
        dimensions: Dimensions,
        config: SemanticConfig,
        category_names: Sequence[str] | None,
        *,
        prototypes: bool,
    ) -> None:
        """Draw the weights; the classifiers start at zero.

        Raises:
            ValueError: If there are no token maps or the word vectors cannot be used.
        """
        vectors = None
        if config.word_vectors:
            path = Path(config.word_vectors)
            vectors = load_word_vectors(path, dimensions.categories, category_names)
            config = replace(config, word_dim=vectors.shape[1], word_vectors="")
        super().__init__(dimensions, config)
        if not dimensions.positions or not dimensions.token:
            raise ValueError(
                f"{self.name} needs token maps; embed the images with a backbone that has them"
            )
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
        if vectors is not None:
            self.set_word_vectors(torch.from_numpy(vectors))
        self.risk = KnownRisk(count, config.unknown_ratio)
        if config.pooled:
            self.pooled = PartialBCE(dimensions, PartialBCEConfig(), category_names)
            ridge = KernelRidgeConfig(regions=config.regions, region_share=_REGION_SHARE)
            self.teacher = Teacher(dimensions, ridge)
            width = self.teacher.vectors.length - dimensions.pooled
            self.layout = nn.Parameter(torch.zeros(count, width))
        self.guessed: Tensor | None = None
        """Soft labels of all images of the data, made by `prepare`, `(N, C)`; None: none."""
        if prototypes:
            self.prototypes = Prototypes(count, config.prototypes, config.features)
        self.has_prototypes = prototypes
        for name in ("present_only", "has_positive"):
            self.register_buffer(name, torch.zeros(count, dtype=torch.bool))
        shares = torch.tensor([part_shares.START, 1 - part_shares.START])
        self.register_buffer("part_share", shares)
        self.register_buffer("part_offset", torch.zeros(count))
        self.judges = torch.zeros(0, dtype=torch.bool)
        """`(N,)`, which images of the data judge both classifiers, set by `prepare`."""

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return the settings that measured best at tool size."""
        return TrainConfig(epochs=10, batch_size=64, learning_rate=3e-4, weight_decay=1e-2)

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
            self.teacher.learn_names(category_names, backbone)

    def zero_shot_categories(self) -> Tensor:
        """Return `(C,)`, which categories' names are like those of the backbone's classes."""
        if self.config.pooled:
            return self.pooled.zero_shot_categories()
        return super().zero_shot_categories()

    def prepare(self, data: TrainingData) -> None:
        """Take token statistics, co-occurrence and the kinds of categories.

        Raises:
            ValueError: If there are no token maps or a shape is not what the method was built for.
        """
        require_token_maps(self.name, self.dimensions, data)
        labels = torch.from_numpy(data.known_labels())
        positives = (labels == PRESENT).any(dim=0)
        self.has_positive.copy_(positives)
        self.present_only.copy_(positives & ~(labels == ABSENT).any(dim=0))
        self.risk.count(labels)
        self.sarl.graph.set_adjacency(cooccurrence(labels, smoothing=self.config.smoothing))
        rows = sample(data.rows)
        rows = rows[:: -(-len(rows) // _STATISTICS)]
        maps = [self.tokens(data.features(block)) for block in _blocks(rows)]
        self.sarl.take_statistics(maps)
        if not self.sarl.weight.any():  # nothing is trained yet
            self._point_queries(data, maps)
        if self.config.pooled:
            self.judges = torch.zeros(len(data.labels), dtype=torch.bool)
            self.judges[part_shares.judging(data.labels, data.rows)] = True
            self.pooled.prepare(data)
            self.teacher.prepare(data)
            if self.config.soft_weight:
                asked = torch.sigmoid(self.teacher.left_out(data))
                self.guessed = asked.new_zeros(data.labels.shape)
                self.guessed[torch.from_numpy(data.rows).to(asked.device)] = asked

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        """Recompute the prototypes when they are due, and weigh the classifiers once.

        Prototypes are due at first need, then every so often.
        """
        if self.config.pooled and 0 < epoch == self._judged_from():
            self._weigh(data)
        since = epoch - self.prototypes_from()
        if self.has_prototypes and since >= 0 and since % self.config.prototype_every == 0:
            self._rebuild_prototypes(epoch, data)

    def taught(self, batch: Batch, epoch: int) -> Batch:
        """Return what a batch teaches: until both classifiers are judged, no label of a judge."""
        if epoch >= self._judged_from():
            return batch
        return part_shares.without(batch, self.judges.to(batch.labels.device))

    def _judged_from(self) -> int:
        return int(self.config.judged_at * self.epochs)

    def prototypes_from(self) -> int:
        """Return the epoch from which on there are prototypes."""
        return self.config.warmup

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Give classifiers, and what `own_rates` names, rates of their own and no decay."""
        classifiers: list[nn.Parameter] = [self.sarl.weight, self.sarl.bias]
        if self.config.pooled:
            classifiers += [*self.pooled.parameters(), self.layout]
        own = [(classifiers, self.config.classifier_rate), *self.own_rates()]
        apart = {id(p) for parameters, _ in own for p in parameters}
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in apart]
        groups: list[dict[str, Any]] = [{"params": rest, "lr": learning_rate}]
        groups += [{"params": p, "lr": rate, "weight_decay": 0.0} for p, rate in own if p]
        return groups

    def own_rates(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return parameters that learn at a rate of their own, with it. Default: none."""
        return []

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`; where nothing is known about a category, zero everywhere."""
        return self.logits(self.sarl.decouple(self.tokens(features)), features)

    def attention(self, features: Features) -> Tensor:
        """Return where each category looks, `(B, C, P)`, rows summing to one."""
        return self.sarl.attention(self.tokens(features))

    def logits(self, decoupled: Tensor, features: Features) -> Tensor:
        """Return the logits `(B, C)` of category features `(B, C, D)` of these images.

        With the pooled vector, a mean (see `part_shares`) of two classifiers that learn apart: as
        one, the pooled vector's, which is quicker, explains the few known labels by itself, and
        leaves nothing that the attention could be learned from.
        """
        logits = self.semantic_logits(decoupled)
        if not self.config.pooled:
            return logits
        own, other = self.part_share.unbind()
        return own * logits + other * self.image_logits(features) + self.part_offset

    def image_logits(self, features: Features) -> Tensor:
        """Return the part that comes from the pooled vector and the regions, `(B, C)`."""
        logits: Tensor = self.pooled(features)
        if not self.layout.numel():
            return logits
        regions = self.teacher.vectors(features)[:, self.dimensions.pooled :]
        placed = F.linear(regions.to(self.layout) / _REGION_SHARE**0.5, self.layout)
        return logits + torch.where(self.has_positive, placed, 0.0)

    def contrast_terms(self, decoupled: Tensor, labels: Tensor, ramp: float) -> dict[str, Tensor]:
        """Return the cost of the contrast between images, if it has a weight.

        Args:
            decoupled: Category features, `(B, C, D)`.
            labels: `(B, C)`.
            ramp: What the weight is multiplied by.
        """
        if not self.config.instance_weight:
            return {}
        contrast = instance_contrastive(decoupled, labels)
        return {"instance": ramp * self.config.instance_weight * contrast}

    def pooled_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Return what the classifier of the pooled vector costs, with its soft labels.

        On known labels it costs like that of category features; on unknown pairs as far as it
        differs from what known images say that these resemble.
        """
        if not self.config.pooled:
            return {}
        logits = self.image_logits(batch.features)
        terms = {"pooled": self.risk(logits, batch.labels, batch.weights)}
        return terms | self.soft_terms(logits, batch)

    def soft_terms(self, logits: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the cost of unknown pairs against their soft labels, if there are any."""
        if self.guessed is None or batch.rows is None:
            return {}
        told = (batch.labels == UNKNOWN) & (self.has_positive | self.zero_shot_categories())
        cost = self.soft_cost(logits, self.guessed[batch.rows], told)
        return {"soft": self.config.soft_weight * cost}

    def soft_cost(self, logits: Tensor, targets: Tensor, told: Tensor) -> Tensor:
        """Return the cross-entropy of some pairs with soft labels, as `KnownRisk` counts costs.

        Args:
            logits: `(B, C)`.
            targets: `(B, C)`, probabilities.
            told: `(B, C)` bool, which pairs count.
        """
        costs = F.softplus(logits) - targets.to(logits.dtype) * logits
        per_image = (costs * told).sum() / len(logits)
        cost: Tensor = per_image * self.risk.images / self.risk.known_total
        return cost

    def semantic_logits(self, decoupled: Tensor) -> Tensor:
        """Return the part of the logits that comes from category features, `(B, C)`."""
        return torch.where(self.has_positive, self.sarl.classify(decoupled), 0.0)

    def penalty(self, classifications: float) -> Tensor:
        """Return the cost of the classifiers' length, a known label each.

        Args:
            classifications: Weight of all terms together that classify category features. Known
                labels enter every one of them, so their penalty keeps pace.
        """
        squares = classifications * self.sarl.weight.square().sum()
        penalty = self.config.classifier_penalty * squares
        if self.config.pooled:
            linear = self.pooled.head.linear
            squares = linear.weight.square().sum() + linear.bias.square().sum()
            squares = squares + self.layout.square().sum()
            penalty = penalty + self.config.pooled_penalty * squares
        cost: Tensor = 0.5 * penalty / self.risk.known_total
        return cost

    def tokens(self, features: Features) -> Tensor:
        """Return the token maps `(B, P, T)`.

        Raises:
            ValueError: If there are none.
        """
        if features.tokens is None:
            raise ValueError(f"{self.name} reads token maps; give `tokens`")
        return features.tokens

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Read also what was saved before there was what `ADDED` names."""
        buffers = dict(self.named_buffers())
        before = {
            prefix + name: torch.full_like(buffers[name], value)
            for name, value in self.ADDED.items()
            if name in buffers
        }
        super()._load_from_state_dict({**before, **state_dict}, prefix, *args, **kwargs)

    @torch.no_grad()
    def _point_queries(self, data: TrainingData, maps: Sequence[Tensor]) -> None:
        """Let every category start to look for what images have in common that show it."""
        like = self.sarl.token_mean
        total = like.new_zeros(self.dimensions.categories, self.dimensions.token)
        positives = like.new_zeros(self.dimensions.categories)
        shows = data.rows[(data.known_labels() == PRESENT).any(axis=1)]
        for rows in _blocks(shows[:: -(-len(shows) // _STATISTICS) or 1]):
            shown = torch.from_numpy(data.labels[rows] == PRESENT).to(like)
            total += shown.T @ self.sarl.image_means([self.tokens(data.features(rows)).to(like)])
            positives += shown.sum(dim=0)
        centre = self.sarl.image_means([part.to(like) for part in maps]).mean(dim=0)
        contrast = total - positives[:, None] * centre
        step = -(-sum(part.shape[:2].numel() for part in maps) // _STATISTICS)
        drawn = torch.cat([part.flatten(0, 1)[::step] for part in maps])
        point_queries(self.sarl, contrast, positives, drawn, self.config.attention_start)

    @torch.no_grad()
    def _weigh(self, data: TrainingData) -> None:
        """Bring both classifiers onto one scale, and let judge what has taught neither so far."""
        judges, some = np.flatnonzero(self.judges.numpy()), sample(data.rows)
        labels = torch.from_numpy(data.labels[judges])
        labels = assume_absent_where_only_present(labels, self.present_only.cpu())
        some = some[:: -(-len(some) // _STATISTICS)]
        said = self._both(data, some), self._both(data, judges)
        share, part_offset = part_shares.weighed(*said, labels.numpy())
        self.part_share.copy_(torch.tensor(share))
        self.part_offset.copy_(torch.from_numpy(part_offset))

    def _both(self, data: TrainingData, rows: npt.NDArray[np.int64]) -> part_shares.Sides:
        """Return the logits of either classifier for some images."""
        self.eval()
        own, other = [np.zeros((0, self.dimensions.categories), np.float32)] * 2
        for block in _blocks(rows):
            features = data.features(block).to(str(self.has_positive.device))
            decoupled = self.sarl.decouple(self.tokens(features))
            own = np.concatenate([own, self.semantic_logits(decoupled).float().cpu().numpy()])
            other = np.concatenate([other, self.image_logits(features).float().cpu().numpy()])
        return own, other

    @torch.no_grad()
    def _rebuild_prototypes(self, epoch: int, data: TrainingData) -> None:
        found = zip(*self._positives(data), strict=True)
        features, categories, images = (torch.cat(parts) for parts in found)
        self.prototypes.rebuild(
            features,
            categories,
            images,
            torch.Generator().manual_seed(epoch),
            per_prototype=self.config.positives_per_prototype,
            halves=half_of(images) if self.halved else None,
        )

    def _positives(self, data: TrainingData) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield the features of known positives, their categories and their images."""
        device, seen = str(self.has_positive.device), 0
        for batch in data.batches(_ROWS):
            batch = batch.to(device)
            image, category = (batch.labels == PRESENT).nonzero(as_tuple=True)
            decoupled = self.sarl.decouple(self.tokens(batch.features))
            rows = torch.from_numpy(data.rows).to(device)
            yield decoupled[image, category], category, rows[image + seen]
            seen += len(batch.labels)


def _blocks(rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    return [rows[i : i + _ROWS] for i in range(0, len(rows), _ROWS)]
