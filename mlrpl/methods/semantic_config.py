"""The options that HST and SARB share, with their ranges and the sizes of the papers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, kw_only=True)
class SemanticConfig:
    """The options of every method on SARL; the defaults are tool size."""

    features: int = 64
    """Width of a category's feature, D."""
    hidden: int = 32
    """Width of the space where tokens and categories meet, H."""
    attention_start: float = 1.0
    """How far from even the attention starts: spread of its logits over the positions of a map, in
    nats, towards what known positives have in common; 0 starts at random."""
    steps: int = 1
    """Rounds of exchange along the co-occurrence graph; 0 leaves the graph out."""
    smoothing: float = 5.0
    """Images that the prior is worth when co-occurrence is estimated."""
    word_dim: int = 0
    """Width of word vectors given with `set_word_vectors`, drawn at random until then; 0 learns
    the category vectors."""
    word_vectors: str = ""
    """File of word vectors, see `mlrpl.models.word_vectors`; sets `word_dim`. A checkpoint holds
    the vectors, and this option no longer."""
    dropout: float = 0.0
    """Share of the classifier's input that is dropped in training, 0 up to but not 1."""
    pooled: bool = True
    """Whether the logits of partial BCE on the pooled vector are added."""
    judged_at: float = 0.8
    """Share of the epochs, 0 up to but not 1, in which a tenth of the labelled images teach
    nothing; then they judge how much each classifier speaks. 0: nothing is judged. Only with
    `pooled`."""
    pooled_penalty: float = 0.3
    """Squared length of a pooled classifier against the sum of its labels' costs."""
    regions: int = 3
    """Regions along each side of the token map that linear classifiers read beside the pooled
    vector, so that they know where something is; 0 leaves them out. Only with `pooled`."""
    classifier_penalty: float = 3.0
    """The same for the classifier of a category's feature."""
    classifier_rate: float = 0.2
    """Learning rate of the classifiers; all else has that of the training."""
    unknown_ratio: float = 10.0
    """Where a category has fewer absent answers than this many for each present one, its unknown
    pairs together weigh what is missing; 0 never counts them."""

    soft_weight: float = 0.3
    """What an unknown pair counts against the probability that known images it resembles give it,
    both signs; 0 leaves that out. Only with `pooled`."""

    prototypes: int = 10
    """Most prototypes of a category, K."""
    positives_per_prototype: int = 5
    """Known positives that one more prototype takes."""
    prototype_every: int = 5
    """Epochs between two computations of the prototypes."""
    instance_weight: float = 0.05
    """Weight of the contrast between images; 0 leaves it out."""

    warmup: int = 3
    """Epochs before the first label is transferred."""

    AT_LEAST_ONE: ClassVar[tuple[str, ...]] = (
        "features",
        "hidden",
        "prototypes",
        "positives_per_prototype",
        "prototype_every",
    )
    ABOVE_ZERO: ClassVar[tuple[str, ...]] = ("smoothing", "classifier_rate")
    NOT_NEGATIVE: ClassVar[tuple[str, ...]] = (
        "attention_start",
        "steps",
        "regions",
        "soft_weight",
        "word_dim",
        "pooled_penalty",
        "classifier_penalty",
        "unknown_ratio",
        "instance_weight",
        "warmup",
    )
    SHARES: ClassVar[tuple[str, ...]] = ("dropout", "judged_at")
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Options that are one of some words, with these."""
    PAPER: ClassVar[dict[str, Any]] = {
        "features": 1024,
        "hidden": 512,
        "word_dim": 300,
        "steps": 3,
        "warmup": 5,
        "classifier_penalty": 0.3,
        "pooled": False,
    }
    """What both papers have: their sizes, word vectors, and no pooled vector."""

    @classmethod
    def paper(cls) -> Self:
        """Return the options of the paper."""
        return cls(**cls.PAPER)

    def __post_init__(self) -> None:
        self._require(self.AT_LEAST_ONE, "at least 1", lambda value: value >= 1)
        self._require(self.ABOVE_ZERO, "above 0", lambda value: value > 0)
        self._require(self.NOT_NEGATIVE, "at least 0", lambda value: value >= 0)
        for name in self.SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must lie in 0 up to but not 1, got {getattr(self, name)}")
        for name, words in self.CHOICES.items():
            if getattr(self, name) not in words:
                raise ValueError(
                    f"{name} must be one of {', '.join(words)}, got {getattr(self, name)!r}"
                )

    def _require(self, names: Sequence[str], lowest: str, allowed: Callable[[float], bool]) -> None:
        for name in names:
            if not allowed(getattr(self, name)):
                raise ValueError(f"{name} must be {lowest}, got {getattr(self, name)}")
