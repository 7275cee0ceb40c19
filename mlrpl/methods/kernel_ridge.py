"""Kernel ridge: closed-form regression on known pairs, read out with names, refitted softly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from mlrpl.data import Batch, Dimensions, Features, TrainingData
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods import register
from mlrpl.methods.base import Method
from mlrpl.models.heads import NamedClasses, sample
from mlrpl.models.kernels import LandmarkRidge, Solution, exact_ridge, rbf
from mlrpl.models.readout import TRUSTED, Readout, fit_readout
from mlrpl.models.region_vectors import RegionVectors
from mlrpl.train_config import TrainConfig

RIDGES = (0.25, 0.5, 1.0)
"""Among which left-out errors choose."""
_STEPS = 10
"""Steps that the progress is told in."""
_JUDGES = 12
"""Categories that the ridge is chosen on, of every number of present answers from 3 on."""
_ABSENT_EACH, _ABSENT_ENOUGH = 10, 50
"""Absent answers wanted for each present one, and in all; unknown pairs make up for the rest."""
_BLOCK = 1024
_STATISTICS = 4096
"""Rows that statistics are taken from at most, and that the readout is fitted on."""
_SHARES = ("power", "region_share", "unknown_weight", "soft_weight", "soft_until")


@dataclass(frozen=True, kw_only=True)
class KernelRidgeConfig:
    """The kernel, what unknown pairs count, and how much the soft refit may say."""

    power: float = 0.5
    """Signed power of the pooled vector's entries, above 0, at most 1; 1 changes nothing."""
    regions: int = 3
    """Regions along each side of the token map; 0 leaves tokens out."""
    region_share: float = 0.4
    """Share of the regions in the squared distance of two images, 0 to below 1."""
    width: float = 1.0
    """Of the kernel, above 0; vectors have length 1."""
    ridge: float = 0.0
    """Penalty of the squared function, above 0; 0 chooses it by left-out errors."""
    unknown_weight: float = 0.3
    """Weight of a category's unknown pairs as absent ones where nothing was ever called absent, 0
    to 1. It falls as the absent answers become as many as the present ones, to a trace that only
    makes up for the absent answers that a category with few answers lacks, and to 0."""
    soft_weight: float = 0.3
    """Weight of an unknown pair in the soft refit, 0 to 1; 0 leaves the refit out."""
    soft_until: float = 0.4
    """Known share of all pairs from which on there is no soft refit."""
    kappa: float = 1.0
    """Factor of an unknown pair's probability as the target of the refit, where absent answers
    are scarce: present pairs assumed for each one that people would have marked; at least 1."""
    exact_rows: int = 5000
    """Training images up to which the regression is exact."""
    landmarks: int = 1536
    """Images that span the regression beyond that."""
    names: bool = True
    """Whether the backbone's own classes speak for categories whose names are like theirs."""

    def __post_init__(self) -> None:
        for name in ("power", "width", "exact_rows", "landmarks"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("regions", "ridge"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0 to 1, got {getattr(self, name)}")
        if self.kappa < 1:
            raise ValueError(f"kappa must be at least 1, got {self.kappa}")


@dataclass(frozen=True, eq=False)
class _Known:
    """What the regression is told, `(N, C)` each but for `present (C,)`."""

    targets: Tensor
    weights: Tensor
    """0 where nothing is known and unknown pairs do not count."""
    open: Tensor
    """Whether a pair is unknown."""
    present: Tensor
    lacks_absent: Tensor
    """`(C,)`, whether unknown pairs stand in for absent answers."""


@register("kernel_ridge", KernelRidgeConfig)
class KernelRidge(Method):
    """Kernel ridge regression in closed form, with names, weak negatives and one soft refit.

    1. Each category is regressed on its known pairs; where absent answers are scarce, unknown
       pairs are weak ones (`exact_ridge`, or `LandmarkRidge` beyond some thousand images).
    2. Left-out scores and what names say become logits (`fit_readout`).
    3. All pairs are regressed again, unknown ones with small weight on their probability, so that
       pictures and names that agree teach each other; the two results are averaged.

    All three are linear in the kernel, so a trained method is one matrix of coefficients. A
    category without a present answer gets what its name says, or zero everywhere.
    """

    needs_tokens: ClassVar[bool] = True
    closed_form: ClassVar[bool] = True
    paper: ClassVar[str] = (
        "Our own, on kernel ridge regression (Saunders, Gammerman and Vovk, ICML 1998)"
    )

    landmarks: Tensor
    coefficients: Tensor
    level: Tensor
    name_slope: Tensor
    has_positive: Tensor

    def __init__(
        self,
        dimensions: Dimensions,
        config: KernelRidgeConfig,
        category_names: Sequence[str] | None = None,  # noqa: ARG002 - taken by learn_names
    ) -> None:
        """Start with all scores zero."""
        super().__init__(dimensions, config)
        self.config: KernelRidgeConfig = config
        count = dimensions.categories
        self.vectors = RegionVectors(dimensions, config.power, config.regions, config.region_share)
        self.name_head = NamedClasses(dimensions.pooled, count)
        # Half the bytes; the regression is solved for the landmarks as they are kept.
        self.register_buffer("landmarks", torch.zeros(0, self.vectors.length, dtype=torch.float16))
        self.register_buffer("coefficients", torch.zeros(0, count))
        self.register_buffer("level", torch.zeros(count))
        self.register_buffer("name_slope", torch.zeros(count))
        self.register_buffer("has_positive", torch.zeros(count, dtype=torch.bool))

    @classmethod
    def default_training(cls) -> TrainConfig:
        """Return settings of which only the seed, of the landmarks, and the steps are read."""
        return TrainConfig(epochs=_STEPS)

    def learn_names(self, category_names: Sequence[str], backbone: str) -> None:
        """Look up which of the backbone's classes speak for the categories, if they can be had."""
        if self.config.names:
            self.name_head.look_up(category_names, backbone)

    def zero_shot_categories(self) -> Tensor:
        """Return `(C,)`, which categories' names are like those of the backbone's classes."""
        return self.name_head.zero_shot_categories()

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:  # noqa: ARG002
        """Raise TypeError: `solve` trains this method."""
        raise TypeError("kernel_ridge is solved in closed form and has no losses; use `fit`")

    def prepare(self, data: TrainingData) -> None:
        """Take the features' statistics.

        Raises:
            ValueError: If features are missing or hold values that are no finite numbers.
        """
        rows = sample(data.rows)
        rows = rows[:: -(-len(rows) // _STATISTICS) or 1]
        self.vectors.prepare(data.features(rows).to(self.level.device.type))
        assert data.pooled is not None
        self.name_head.prepare(data.pooled, data.rows)

    @torch.no_grad()
    def solve(
        self,
        data: TrainingData,
        *,
        seed: int,
        on_progress: Callable[[int, int], None],
        should_stop: Callable[[], bool],
    ) -> dict[str, float]:
        """Fit everything; stopped early, all scores are zero.

        Returns:
            `ridge` as it was chosen, and `known_share` of all pairs.
        """
        self.landmarks = self.landmarks[:0]
        self.coefficients = self.coefficients[:0]
        for buffer in (self.level, self.name_slope, self.has_positive):
            buffer.zero_()
        vectors, named = self._prepared(data)
        known = self._known(data)
        share = 1 - known.open.float().mean().item()
        on_progress(1, _STEPS)
        regression, landmarks = self._regression(vectors, seed, should_stop)
        ridge = self.config.ridge or self._chosen_ridge(regression, known)
        on_progress(3, _STEPS)
        first = regression(known.targets - _prior(known), known.weights, ridge)
        readout = _readout(first, named, known)
        on_progress(6, _STEPS)
        parts = [(readout.level, readout.slope * first.coefficients, readout.name_slope)]
        logits = readout(first.left_out, named)
        if share < self.config.soft_until and self.config.soft_weight and known.weights.any():
            soft = self._softened(known, logits)
            second = regression(soft.targets - _prior(soft), soft.weights, ridge)
            parts.append(_matched(second, logits))
        if should_stop():
            return {}
        self.landmarks = vectors[landmarks].half()
        self._average(parts)
        self.has_positive.copy_(known.present > 0)
        on_progress(_STEPS, _STEPS)
        return {"ridge": ridge, "known_share": share}

    def forward(self, features: Features) -> Tensor:
        """Return logits `(B, C)`; where nothing is known about a category, zero everywhere."""
        vectors = self.vectors(features)
        assert features.pooled is not None
        logits = self.level + self.name_slope * self.name_head(features.pooled)
        if len(self.landmarks):
            kernel = rbf(vectors, self.landmarks.float(), self.config.width)
            logits = logits + kernel @ self.coefficients
        return torch.where(self.has_positive | self.zero_shot_categories(), logits, 0.0)

    def _prepared(self, data: TrainingData) -> tuple[Tensor, Tensor]:
        """Return vectors, rounded as they will be kept, and name scores of all training rows."""
        vectors, named = [], []
        for start in range(0, len(data), _BLOCK):
            features = data.features(data.rows[start : start + _BLOCK]).to(self.level.device.type)
            vectors.append(self.vectors(features).half().float())
            assert features.pooled is not None
            named.append(self.name_head(features.pooled))
        return torch.cat(vectors), torch.cat(named)

    def _known(self, data: TrainingData) -> _Known:
        device = self.level.device
        labels = torch.from_numpy(data.known_labels()).to(device)
        weights = (labels != UNKNOWN).float()
        if data.weights is not None:
            weights *= torch.from_numpy(data.weights[data.rows]).to(device).float()
        is_open = labels == UNKNOWN
        present = (labels == PRESENT).sum(dim=0)
        absent = (labels == ABSENT).sum(dim=0)
        each = self._unknown_weights(present, absent, is_open.sum(dim=0))
        return _Known(
            targets=(labels == PRESENT).float(),
            weights=weights + each * is_open,
            open=is_open,
            present=present,
            lacks_absent=present > absent,
        )

    def _unknown_weights(self, present: Tensor, absent: Tensor, unknown: Tensor) -> Tensor:
        """Return what an unknown pair of each category weighs as an absent one, `(C,)`."""
        most = self.config.unknown_weight
        one_sided = most * (present - absent).clamp(min=0) / present.clamp(min=1)
        wanted = (_ABSENT_EACH * present).clamp(max=_ABSENT_ENOUGH)
        scarce = (wanted - absent).clamp(min=0) / unknown.clamp(min=1)
        each = torch.maximum(one_sided, scarce).clamp(max=most)
        # On a coarse scale, as categories of one weight share most of their solution.
        steps = (torch.log(max(most, 1e-9) / each.clamp(min=1e-9)) / math.log(3)).round()
        return torch.where(each > most * 1e-3, most * torch.pow(3.0, -steps), 0.0)

    def _regression(
        self, vectors: Tensor, seed: int, should_stop: Callable[[], bool]
    ) -> tuple[Callable[[Tensor, Tensor, float], Solution], Tensor]:
        """Return what solves, and the rows that its coefficients belong to."""
        width, count = self.config.width, len(vectors)
        if count <= self.config.exact_rows:
            kernel = rbf(vectors, vectors, width)
            everyone = torch.arange(count, device=vectors.device)
            return lambda y, w, r: exact_ridge(kernel, y, w, r, should_stop), everyone
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
        drawn = order[: self.config.landmarks].sort().values.to(vectors.device)
        chosen = vectors[drawn]
        rows = torch.cat([rbf(block, chosen, width) for block in vectors.split(_BLOCK)])
        spanned = LandmarkRidge(rows[drawn], rows)
        return lambda y, w, r: spanned.solve(y, w, r, should_stop=should_stop), drawn

    def _chosen_ridge(
        self, regression: Callable[[Tensor, Tensor, float], Solution], known: _Known
    ) -> float:
        """Return the ridge with the least left-out error, that of each category in its variance."""
        order = known.present.argsort(descending=True, stable=True)
        taught = order[: max(1, int((known.present >= TRUSTED).sum()))]
        columns = taught[:: -(-len(taught) // _JUDGES)]
        targets = (known.targets - _prior(known))[:, columns]
        weights = known.weights[:, columns]
        scale = (weights * targets.square()).sum(dim=0).clamp(min=1e-6)
        errors = [
            ((weights * (regression(targets, weights, r).left_out - targets).square()).sum(0))
            / scale
            for r in RIDGES
        ]
        return RIDGES[int(torch.stack(errors).mean(dim=1).argmin())]

    def _softened(self, known: _Known, logits: Tensor) -> _Known:
        """Return the same with unknown pairs as soft answers: their left-out probabilities.

        Where absent answers are scarce, an unknown pair that is likely present becomes a present
        one to that degree instead of a weak negative.
        """
        probability = torch.sigmoid(logits)
        guessed = torch.where(known.lacks_absent, self.config.kappa * probability, probability)
        # An open pair is never weaker than before.
        weights = torch.where(
            known.open, known.weights.clamp(min=self.config.soft_weight), known.weights
        )
        targets = torch.where(known.open, guessed.clamp(max=1.0), known.targets)
        return _Known(targets, weights, known.open, known.present, known.lacks_absent)

    def _average(self, parts: Sequence[tuple[Tensor, Tensor, Tensor]]) -> None:
        levels, coefficients, name_slopes = zip(*parts, strict=True)
        self.level.copy_(torch.stack(levels).mean(dim=0))
        self.coefficients = torch.stack(coefficients).mean(dim=0)
        self.name_slope.copy_(torch.stack(name_slopes).mean(dim=0))

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Make room for as many landmarks as were saved."""
        for name in ("landmarks", "coefficients"):
            saved, mine = state_dict.get(prefix + name), getattr(self, name)
            if saved is not None and saved.shape[1:] == mine.shape[1:]:
                setattr(self, name, mine.new_zeros(saved.shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _prior(known: _Known) -> Tensor:
    """Return `(C,)`, weighted mean targets, drawn to that of all by one answer's weight."""
    total, weight = (known.targets * known.weights).sum(dim=0), known.weights.sum(dim=0)
    return (total + total.sum() / weight.sum().clamp(min=1)) / (weight + 1)


def _readout(first: Solution, named: Tensor, known: _Known) -> Readout:
    step = -(-len(named) // _STATISTICS) or 1
    return fit_readout(
        first.left_out[::step],
        named[::step],
        known.targets[::step],
        known.weights[::step],
        known.present,
    )


def _matched(second: Solution, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return level, coefficients and name slope, with the mean and spread of the logits."""
    spread = second.left_out.std(dim=0, correction=0).clamp(min=1e-6)
    slope = logits.std(dim=0, correction=0) / spread
    level = logits.mean(dim=0) - slope * second.left_out.mean(dim=0)
    return level, slope * second.coefficients, torch.zeros_like(level)
