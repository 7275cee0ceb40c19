"""Curriculum labelling: partial BCE that learns from its own sure answers on unknown pairs too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.data import Batch, Dimensions, Features, TrainingData
from mlrpl.labels import PRESENT, UNKNOWN
from mlrpl.methods import register
from mlrpl.methods.partial_bce import PartialBCE, PartialBCEConfig
from mlrpl.models.logit_graph import LogitGraph
from mlrpl.train_config import TrainConfig

Policy: TypeAlias = Literal["score", "proportion", "positives", "uncertainty", "ensemble"]
"""How unknown pairs are chosen that are learned from as well."""

_ROWS = 1024
"""Images that are scored at a time where all are gone through."""
_GRAPH_DECAY = 1e-2
"""Decoupled weight decay of the graph network; the classifiers have their penalty."""


@dataclass(frozen=True, kw_only=True)
class CurriculumConfig(PartialBCEConfig):
    """The options of partial BCE, and which unknown pairs join the known ones, when and how."""

    policy: Policy = "positives"
    """`score`: the logit is above `threshold` or below its negative. `proportion`: the unknown
    pairs whose logits are farthest from 0, a share of all that grows. `positives`: the logit is
    above `threshold`. `uncertainty`: networks drawn by dropout differ by at most `spread`.
    `ensemble`: classifiers trained side by side on redrawn images agree, and differ likewise."""
    warmup: int = 20
    """Epochs on known labels alone before the first choice, 0 or more."""
    every: int = 5
    """Epochs from one choice to the next, at least 1."""
    pseudo_weight: float = 0.3
    """What a chosen pair counts beside a known label, which counts 1; 0 or more."""
    min_positives: int = 5
    """Known present labels below which nothing is chosen for a category."""
    threshold: float | None = None
    """Of the logit, 0 or more, for `score` (None: 4) and `positives` (None: 0)."""
    share: float = 0.5
    """Most of the unknown pairs that `proportion` chooses, 0 to 1."""
    growth: float = 0.125
    """How much more of them it chooses each time, above 0."""
    spread: float = 0.01
    """Standard deviation of the probability below which `uncertainty` and `ensemble` choose."""
    dropout: float = 0.3
    """Share of a vector's entries that `uncertainty` drops, in training too; above 0, below 1."""
    passes: int = 10
    """Networks that `uncertainty` draws, at least 2."""
    members: int = 5
    """Classifiers that `ensemble` trains beside the one that predicts, at least 2."""
    graph: bool = False
    """Whether a graph network over the categories corrects the logits."""
    graph_hidden: int = 32
    """Width of a category's state in it, at least 1."""
    graph_steps: int = 2
    """Rounds of messages in it, 0 or more."""
    graph_features: bool = False
    """Whether its states start from the image's vector as well."""
    graph_rate: float = 1e-3
    """Its learning rate, above 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.policy not in get_args(Policy):
            known = ", ".join(get_args(Policy))
            raise ValueError(f"policy must be one of {known}, got {self.policy!r}")
        for lowest, names in (
            (0, ("warmup", "pseudo_weight", "min_positives", "cut", "graph_steps")),
            (1, ("every", "graph_hidden")),
            (2, ("passes", "members")),
        ):
            for name in names:
                if not getattr(self, name) >= lowest:
                    said = "threshold" if name == "cut" else name
                    raise ValueError(f"{said} must be at least {lowest}, got {getattr(self, name)}")
        for name in ("growth", "spread", "graph_rate", "dropout"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.share <= 1 or self.dropout >= 1:
            raise ValueError(
                f"share must lie in 0 to 1 and dropout below 1, got {self.share} and {self.dropout}"
            )

    @property
    def cut(self) -> float:
        """The threshold in use."""
        if self.threshold is not None:
            return self.threshold
        return 0.0 if self.policy == "positives" else 4.0


@register("curriculum", CurriculumConfig)
class Curriculum(PartialBCE):
    """Partial BCE that also learns from unknown pairs on which it is sure, chosen ever anew.

    After a warm-up, and every few epochs again, all training images are scored and the policy
    chooses unknown pairs with a sign, which is all that they keep of their score. No choice
    outlives the next one. Known labels are never overruled and keep their weight.

    Source:
        Durand et al., CVPR 2019: weights and choice are renewed in turn. Deviations: a chosen
        pair counts `pseudo_weight`, theirs 1; categories with few known present labels are left
        out; on a linear classifier one dropout mask of the vector draws one network; an
        ensemble's classifiers, whose problem is convex, differ by the images that they are
        trained on, not by where they start; g(p) counts known labels only. The defaults are what
        measured best on validation images of Corel5k at 10 % known, of which partial BCE alone
        reached 50.4 mAP: over three masks `positives` gained 0.6, `uncertainty`, `ensemble` and
        `score` 0.2, `proportion` lost 0.1; the graph network lost 0.6 on one mask. The paper
        found `uncertainty` best and `positives` worst.
    """

    config: CurriculumConfig
    eligible: Tensor
    seed: Tensor

    def __init__(
        self,
        dimensions: Dimensions,
        config: CurriculumConfig,
        category_names: Sequence[str] | None = None,
    ) -> None:
        """Start with all scores zero and nothing chosen."""
        super().__init__(dimensions, config, category_names)
        count = dimensions.categories
        self.register_buffer("eligible", torch.zeros(count, dtype=torch.bool))
        self.register_buffer("seed", torch.zeros((), dtype=torch.int64))
        self.chosen = torch.zeros((0, count), dtype=torch.int8)
        self._redrawn = torch.zeros((0, config.members))
        if config.policy == "ensemble":
            members = config.members
            self.member_weight = nn.Parameter(torch.zeros(members, count, dimensions.pooled))
            self.member_bias = nn.Parameter(torch.zeros(members, count))
        self.graph = None
        if config.graph:
            features = dimensions.pooled if config.graph_features else 0
            self.graph = LogitGraph(count, config.graph_hidden, config.graph_steps, features)

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return the settings of partial BCE."""
        return PartialBCE.default_training()

    def get_extra_state(self) -> Tensor:
        """Return what is chosen, `(N, C)` int8, so that training can go on between two choices."""
        return self.chosen

    def set_extra_state(self, state: Tensor) -> None:
        """Take up what was chosen."""
        self.chosen = state.to("cpu", torch.int8)

    def prepare(self, data: TrainingData) -> None:
        """Take the features' statistics, the categories' counts, and the seed of this training."""
        super().prepare(data)
        present = torch.from_numpy((data.known_labels() == PRESENT).sum(axis=0))
        self.eligible.copy_(present >= max(1, self.config.min_positives))
        self.seed.fill_(torch.initial_seed() & (2**63 - 1))
        if self.config.policy == "ensemble":
            once = torch.ones(len(data.labels), self.config.members)
            self._redrawn = torch.poisson(once, generator=self._generator(0))

    def before_epoch(self, epoch: int, data: TrainingData) -> None:
        """Choose anew when it is due; before the warm-up has ended, nothing is chosen."""
        since = epoch - self.config.warmup
        if since < 0:
            self.chosen = torch.zeros(data.labels.shape, dtype=torch.int8)
        elif since % self.config.every == 0:
            self.chosen = self._choose(since // self.config.every, data)

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """Give the graph network a learning rate of its own."""
        if self.graph is None:
            return super().parameter_groups(learning_rate)
        graph = list(self.graph.parameters())
        apart = {id(p) for p in graph}
        rest = [p for p in self.parameters() if id(p) not in apart]
        rate = self.config.graph_rate
        return [
            {"params": rest, "lr": learning_rate},
            {"params": graph, "lr": rate, "weight_decay": _GRAPH_DECAY},
        ]

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:  # noqa: ARG002
        """Return the costs of partial BCE on known and chosen pairs, and those of the members."""
        labels, weights = self.with_chosen(batch)
        vectors, named = self._vectors(batch.features), self._named(batch.features)
        if self.config.policy == "uncertainty":
            vectors = F.dropout(vectors, self.config.dropout, self.training)
        linear = self.head.linear
        terms = self.costs(self._corrected(linear(vectors) + named, vectors), labels, weights)
        terms["penalty"] = self.penalty(linear.weight, linear.bias)
        if self.config.policy == "ensemble":
            members = self._members(vectors, named.detach())
            redrawn = self._redrawn[_rows(batch)].to(weights.device)
            for k in range(self.config.members):
                costs = self.costs(members[k], labels, weights * redrawn[:, [k]])
                for name, cost in costs.items():
                    terms[f"member_{name}"] = terms.get(f"member_{name}", 0.0) + cost
            terms["member_penalty"] = self.penalty(self.member_weight, self.member_bias)
        return terms

    def with_chosen(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return labels and weights, both `(B, C)`, of known and chosen pairs together.

        Raises:
            ValueError: If the batch does not say which rows it has though pairs are chosen.
        """
        weights = batch.weights * self.image_weight(batch.labels)
        if not len(self.chosen):
            return batch.labels, weights
        chosen = self.chosen[_rows(batch)].to(batch.labels)
        unknown = batch.labels == UNKNOWN
        labels = torch.where(unknown, chosen, batch.labels)
        return labels, torch.where(unknown, self.config.pseudo_weight, weights)

    def _logits(self, features: Features) -> Tensor:
        vectors = self._vectors(features)
        return self._corrected(self.head.linear(vectors) + self._named(features), vectors)

    def _vectors(self, features: Features) -> Tensor:
        if features.pooled is None:
            raise ValueError("curriculum reads pooled features; give `pooled`")
        return self.head.normalise(features.pooled)

    def _named(self, features: Features) -> Tensor:
        named: Tensor = self.name_head(features.pooled)
        return self.level + self.name_scale * named

    def _corrected(self, logits: Tensor, vectors: Tensor) -> Tensor:
        if self.graph is None:
            return logits
        corrected: Tensor = self.graph(logits, vectors if self.config.graph_features else None)
        return corrected

    def _members(self, vectors: Tensor, named: Tensor) -> Tensor:
        """Return the logits `(K, B, C)` of the classifiers trained side by side."""
        scores = F.linear(vectors, self.member_weight.flatten(0, 1), self.member_bias.flatten())
        members = scores.view(len(scores), *self.member_bias.shape).transpose(0, 1)
        return members + named

    def _drawn(self, vectors: Tensor, named: Tensor, masks: Tensor) -> Tensor:
        """Return the logits `(S, B, C)` of the networks that dropout masks `(S, D)` draw."""
        linear = self.head.linear
        each = [self._corrected(linear(vectors * m) + named, vectors * m) for m in masks]
        return torch.stack(each)

    @torch.no_grad()
    def _choose(self, time: int, data: TrainingData) -> Tensor:
        """Return the chosen pairs `(N, C)` of all rows in use, at the how-manieth time from 0."""
        training = self.training
        self.eval()
        masks = self._masks(time)
        found = [self._votes(data.features(rows), masks) for rows in _blocks(data.rows)]
        self.train(training)
        votes = torch.cat(found) if found else self.chosen[:0].float()
        is_open = torch.from_numpy(data.known_labels() == UNKNOWN) & self.eligible.cpu()
        if self.config.policy == "proportion":
            share = min(self.config.share, (time + 1) * self.config.growth)
            votes = most_confident(votes, is_open, share)
        chosen = torch.zeros(data.labels.shape, dtype=torch.int8)
        chosen[torch.from_numpy(data.rows)] = torch.where(is_open, votes, 0).to(torch.int8)
        return chosen

    def _votes(self, features: Features, masks: Tensor) -> Tensor:
        """Return what is chosen of some images, or the logits where all must be known first."""
        config, device = self.config, str(self.seed.device)
        features = features.to(device)
        if config.policy in ("score", "positives", "proportion"):
            logits = self._logits(features)
            if config.policy != "proportion":
                logits = beyond(logits, config.cut, positives=config.policy == "positives")
            return logits.float().cpu()
        vectors, named = self._vectors(features), self._named(features)
        if config.policy == "ensemble":
            drawn = self._members(vectors, named)
        else:
            drawn = self._drawn(vectors, named, masks)
        unanimous = config.policy == "ensemble"
        return steady(torch.sigmoid(drawn), config.spread, unanimous=unanimous).float().cpu()

    def _masks(self, time: int) -> Tensor:
        """Return dropout masks `(S, D)` whose entries are 1 on average."""
        drop, size = self.config.dropout, (self.config.passes, self.dimensions.pooled)
        kept = torch.rand(size, generator=self._generator(time + 1)) >= drop
        return (kept / (1 - drop)).to(self.seed.device)

    def _generator(self, which: int) -> torch.Generator:
        """Return one of the generators of this training; it is the same after a resume."""
        return torch.Generator().manual_seed((int(self.seed) + 7919 * which) & (2**63 - 1))


def beyond(logits: Tensor, threshold: float, *, positives: bool = False) -> Tensor:
    """Return the signs of the logits that are farther from 0 than a threshold, elsewhere 0.

    Args:
        logits: Of any shape.
        threshold: 0 or more.
        positives: Whether only those above it are chosen.
    """
    above = (logits > threshold).to(torch.int8)
    return above if positives else above - (logits < -threshold).to(torch.int8)


def most_confident(logits: Tensor, is_open: Tensor, share: float) -> Tensor:
    """Return the signs of the open logits that are farthest from 0, elsewhere 0.

    Args:
        logits: Of any shape.
        is_open: Of this shape, which may be chosen.
        share: Of the open ones that are chosen, 0 to 1, rounded down to whole pairs. Of equal
            ones at the border those that come first are taken.

    Returns:
        In the shape of `logits`; a logit of 0 has no sign and is not chosen.
    """
    candidates = torch.nonzero(is_open.flatten())[:, 0]
    count = int(share * len(candidates) + 1e-9)
    flat = logits.flatten()
    order = np.argsort(-flat[candidates].abs().cpu().numpy(), kind="stable")[:count]
    taken = candidates[torch.from_numpy(order).to(candidates.device)]
    chosen = torch.zeros_like(flat)
    chosen[taken] = torch.sign(flat[taken])
    return chosen.view_as(logits)


def steady(probabilities: Tensor, spread: float, *, unanimous: bool = False) -> Tensor:
    """Return on which side of a half several networks are, where they differ little, elsewhere 0.

    Args:
        probabilities: `(S, ...)`, one of each network.
        spread: Standard deviation over the networks below which they differ little.
        unanimous: Whether all of them must be on that side too, not just their mean.
    """
    variance, mean = torch.var_mean(probabilities, dim=0, correction=0)
    side = torch.sign(mean - 0.5)
    same = ((probabilities > 0.5) == (side > 0)).all(dim=0) if unanimous else True
    return torch.where((variance < spread**2) & same, side, 0.0)


def _rows(batch: Batch) -> Tensor:
    if batch.rows is None:
        raise ValueError("curriculum must know which images a batch has; give `rows`")
    return batch.rows.cpu()


def _blocks(rows: np.typing.NDArray[np.int64]) -> list[np.typing.NDArray[np.int64]]:
    return [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
