"""Classifiers of pooled vectors, with the preparation that makes them learn fast."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.errors import WeightsError

log = logging.getLogger(__name__)

_SAMPLE = 20_000
"""Rows that statistics are taken from at most; more change nothing that can be measured."""


class PooledHead(nn.Module):
    """One linear classifier a category on power-normalised, standardised, unit-length vectors.

    Source:
        Perronnin et al., ECCV 2010, for the signed power; standardising and unit length after it
        measured better than either alone on partial labels (see `benchmarks/README.md`).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, pooled: int, categories: int, power: float = 0.5) -> None:
        """Start with all scores zero.

        Args:
            pooled: Length of a pooled vector.
            categories: Number of scores.
            power: Of the absolute value of each entry; its sign is kept.
        """
        super().__init__()
        self.power = power
        self.linear = nn.Linear(pooled, categories)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("mean", torch.zeros(pooled))
        self.register_buffer("scale", torch.ones(pooled))

    def prepare(self, pooled: npt.NDArray[np.floating], rows: npt.NDArray[np.int64]) -> None:
        """Take mean and spread of every entry over some rows `(len(rows),)` of `pooled (N, D)`."""
        vectors = torch.from_numpy(np.asarray(pooled[sample(rows)], dtype=np.float32))
        powered = self._powered(vectors)
        spread = powered.std(dim=0, correction=0)
        self.mean.copy_(powered.mean(dim=0))
        self.scale.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def normalise(self, pooled: Tensor) -> Tensor:
        """Return the prepared vectors `(B, D)`, each of length 1 or zero."""
        return F.normalize((self._powered(pooled) - self.mean) / self.scale, dim=1)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the scores `(B, C)` of pooled vectors `(B, D)`."""
        scores: Tensor = self.linear(self.normalise(pooled))
        return scores

    def _powered(self, vectors: Tensor) -> Tensor:
        size = vectors.abs()
        # The usual power is a square root, which is many times faster than a general one.
        return torch.copysign(size.sqrt() if self.power == 0.5 else size.pow(self.power), vectors)


class NamedClasses(nn.Module):
    """Scores from what the backbone's own classes say about the categories' names.

    A category that no class speaks for scores zero everywhere, as all do before `prepare`.
    """

    weight: Tensor
    offset: Tensor

    def __init__(self, pooled: int, categories: int) -> None:
        """Start without knowledge: all scores zero."""
        super().__init__()
        self.register_buffer("weight", torch.zeros(categories, pooled))
        self.register_buffer("offset", torch.zeros(categories))
        self._known: tuple[Tensor, Tensor, Tensor] | None = None

    def know(self, affinities: npt.NDArray[np.floating], classifier: tuple[Tensor, Tensor]) -> None:
        """Take what is needed; it works from the next `prepare` on.

        Args:
            affinities: `(C, K)`, how much each of the backbone's classes speaks for each category.
            classifier: Weights `(K, D)` and biases `(K,)` of these classes on the pooled vector.
        """
        weight, bias = classifier
        self._known = (torch.as_tensor(affinities, dtype=torch.float32), weight, bias)

    def look_up(self, category_names: Sequence[str], backbone: str) -> None:
        """Take what the classes of a backbone say about names, if there is anything to be had.

        Without the backbone's weights, or with one that has no ImageNet classes on its pooled
        vector, nothing is learned; categories are then known by their answers alone.

        Args:
            category_names: `(C,)`, in column order.
            backbone: A name that `load_backbone` knows.
        """
        from mlrpl.models.name_prior import class_affinities

        try:
            classifier = _classifier_of(backbone)
        except WeightsError as error:
            log.warning("category names are not used: %s", error)
            return
        if classifier is not None and classifier[0].shape[1] == self.weight.shape[1]:
            self.know(class_affinities(category_names), classifier)

    def prepare(self, pooled: npt.NDArray[np.floating], rows: npt.NDArray[np.int64]) -> None:
        """Put all classes, then all categories, on one scale: mean 0 and spread 1 over the rows."""
        if self._known is None:
            return
        affinities, weight, bias = self._known
        vectors = torch.from_numpy(np.asarray(pooled[sample(rows)], dtype=np.float32))
        weight, bias = _standardised(vectors, weight.to(vectors), bias.to(vectors))
        weight, bias = _standardised(vectors, affinities @ weight, affinities @ bias)
        self.weight.copy_(weight)
        self.offset.copy_(bias)

    def zero_shot_categories(self) -> Tensor:
        """Return `(C,)`, which categories it scores."""
        return self.weight.abs().sum(dim=1) > 0

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the scores `(B, C)` of pooled vectors `(B, D)`."""
        return F.linear(pooled, self.weight, self.offset)


@contextmanager
def without_names(model: nn.Module) -> Iterator[bool]:
    """Silence what names say in a model as long as the context lasts; yields if they say anything.

    Args:
        model: With any number of `NamedClasses` in it.
    """
    heads = [m for m in model.modules() if isinstance(m, NamedClasses)]
    kept = [(head, head.weight.clone(), head.offset.clone()) for head in heads]
    try:
        for head in heads:
            head.weight.zero_()
            head.offset.zero_()
        yield any(bool(weight.any()) for _, weight, _ in kept)
    finally:
        for head, weight, offset in kept:
            head.weight.copy_(weight)
            head.offset.copy_(offset)


@functools.lru_cache(maxsize=2)
def _classifier_of(backbone: str) -> tuple[Tensor, Tensor] | None:
    """Return the ImageNet classifier of a backbone; kept, since each training asks for it anew."""
    from mlrpl.models.backbones import load_backbone

    with torch.random.fork_rng(devices=[]):  # the next numbers are the same, kept or loaded
        return load_backbone(backbone).classifier


def _standardised(vectors: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Rescale linear scores to mean 0 and spread 1 over the vectors; flat ones become zero."""
    scores = F.linear(vectors, weight, bias)
    spread = scores.std(dim=0, correction=0)
    factor = torch.where(spread > 1e-6, 1 / spread.clamp(min=1e-6), torch.zeros_like(spread))
    return weight * factor[:, None], (bias - scores.mean(dim=0)) * factor


def sample(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return at most 20,000 of the rows, evenly spread and sorted, for statistics."""
    return np.sort(rows)[:: -(-len(rows) // _SAMPLE) or 1]
