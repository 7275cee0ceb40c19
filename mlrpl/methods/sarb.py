"""SARB: blend what is known into the features of unknown pairs, with a soft label in proportion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.data import Batch, Dimensions
from mlrpl.labels import PRESENT
from mlrpl.losses.blending import (
    Blend,
    BlendRatio,
    blend_instances,
    blend_prototypes,
    draw_categories,
    draw_slots,
)
from mlrpl.methods import register
from mlrpl.methods.semantic import SemanticMethod
from mlrpl.methods.semantic_config import SemanticConfig
from mlrpl.models.graph import assume_absent_where_only_present

Ratio = Literal["sampled", "learned"]


@dataclass(frozen=True, kw_only=True)
class SARBConfig(SemanticConfig):
    """The parts of SARB, their sizes and their weights; the defaults are tool size."""

    ilrb: bool = True
    """Whether known positives of a partner image are blended into unknown pairs."""
    plrb: bool = True
    """Whether a prototype is blended into one unknown pair of every image."""
    ratio: Ratio = "sampled"
    """Whether an image's own share is drawn for every pair or is one learned number a part."""
    concentration: float = 2.0
    """Both parameters of the Beta distribution that shares are drawn from."""
    ratio_rate: float = 0.01
    """Learning rate of learned shares, in logits."""
    ilrb_weight: float = 1.0
    """Weight of the loss on images blended with their partners."""
    plrb_weight: float = 0.2
    """Weight of the loss on images blended with prototypes. Every image has one mixture, where at
    a tenth of the labels a quarter of the images has a known present label of its own."""

    ABOVE_ZERO: ClassVar[tuple[str, ...]] = (
        *SemanticConfig.ABOVE_ZERO,
        "concentration",
        "ratio_rate",
    )
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        *SemanticConfig.NOT_NEGATIVE,
        "ilrb_weight",
        "plrb_weight",
    )

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"ratio": get_args(Ratio)}
    PAPER: ClassVar[dict[str, Any]] = {
        **SemanticConfig.PAPER,
        "ratio": "learned",
        "plrb_weight": 1.0,
    }


@register("sarb", SARBConfig)
class SARB(SemanticMethod):
    """Attention per category, a co-occurrence graph, and unknown pairs blended with known ones.

    A category's feature from an image that shows it (ILRB), or a prototype of the category (PLRB),
    is mixed into the feature of an unknown pair, whose soft label is the share that was mixed
    in. Blending starts after a warm-up; all copies go through graph and classifier in one pass.

    Source:
        Pu et al., SARB (AAAI 2022). Shares are drawn from a Beta distribution unless
        `ratio="learned"`; either way no gradient reaches the soft label.
    """

    name: ClassVar[str] = "sarb"
    paper: ClassVar[str] = (
        "Pu, Chen, Wu and Lin: Semantic-Aware Representation Blending for Multi-Label Image "
        "Recognition with Partial Labels, AAAI 2022"
    )

    config: SARBConfig

    def __init__(
        self,
        dimensions: Dimensions,
        config: SARBConfig,
        category_names: Sequence[str] | None = None,
    ) -> None:
        """Draw the weights; the classifiers start at zero.

        Raises:
            ValueError: If there are no token maps.
        """
        super().__init__(dimensions, config, category_names, prototypes=config.plrb)
        learned, concentration = config.ratio == "learned", config.concentration
        if config.ilrb:
            self.instance_ratio = BlendRatio(learned=learned, concentration=concentration)
        if config.plrb:
            self.prototype_ratio = BlendRatio(learned=learned, concentration=concentration)

    def own_rates(self) -> list[tuple[list[nn.Parameter], float]]:
        """Return the learned shares with their rate."""
        learned = [p for m in self.modules() if isinstance(m, BlendRatio) for p in m.parameters()]
        return [(learned, self.config.ratio_rate)]

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:
        """Return the terms of the known labels, of the contrast between images, and of blending.

        In the first epoch the contrast grows from zero to its weight; blending waits for `warmup`
        epochs.
        """
        batch = self.taught(batch, epoch)
        config = self.config
        features = self.sarl.decouple(self.tokens(batch.features))
        labels = assume_absent_where_only_present(batch.labels, self.present_only)
        terms = self.contrast_terms(features, labels, progress if epoch == 0 else 1.0)
        blends = self._blends(features, batch) if epoch >= config.warmup else {}
        everything = torch.cat([features, *(blend.features for blend, _ in blends.values())])
        sizes = [len(features), *(len(blend.rows) for blend, _ in blends.values())]
        logits, *blended = self.semantic_logits(everything).split(sizes)
        terms["known"] = self.risk(logits, batch.labels, batch.weights)
        terms |= self.pooled_terms(batch)
        weights = {"ilrb": config.ilrb_weight, "plrb": config.plrb_weight}
        for (name, (blend, own)), part in zip(blends.items(), blended, strict=True):
            # An image without a mixture enters as it is: its copy would have the same logits.
            scores = logits.index_copy(0, blend.rows, part.to(logits.dtype))
            mixed = torch.zeros_like(batch.labels, dtype=torch.bool)
            mixed[blend.rows] = blend.mixed
            terms[name] = weights[name] * self._cost(scores, batch, mixed, own.detach())
        terms["penalty"] = self.penalty(1 + sum(weights[name] for name in blends))
        return terms

    def _blends(self, features: Tensor, batch: Batch) -> dict[str, tuple[Blend, Tensor]]:
        """Return what is blended, with the share of the images' own features, `(B, C)`."""
        blends = {}
        if self.config.ilrb:
            own = self.instance_ratio(batch.weights)
            blends["ilrb"] = (blend_instances(features, batch.labels, own), own)
        if self.config.plrb:
            own = self.prototype_ratio(batch.weights)
            categories = draw_categories(batch.labels, self.prototypes.available)
            slots = draw_slots(self.prototypes.counts, categories)
            vectors = self.prototypes.vectors
            blend = blend_prototypes(features, vectors, categories, slots, own)
            blends["plrb"] = (blend, own)
        return blends

    def _cost(self, logits: Tensor, batch: Batch, mixed: Tensor, own: Tensor) -> Tensor:
        """Return the cost of known labels, and of mixtures that are present as far as mixed in."""
        labels = torch.where(mixed, torch.full_like(batch.labels, PRESENT), batch.labels)
        weights = torch.where(mixed, 1 - own, batch.weights)
        absent = (F.softplus(logits) * own * mixed).sum() / len(logits)
        per_label: Tensor = absent * self.risk.images / self.risk.known_total
        cost: Tensor = self.risk(logits, labels, weights) + per_label
        return cost
