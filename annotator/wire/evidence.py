"""Why a category is suggested for an image."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class EvidenceMap(TypedDict):
    """Where in the picture, or why that cannot be said."""

    text: str
    rows: NotRequired[int]
    columns: NotRequired[int]
    values: NotRequired[list[float]]
    """0 to 1, row by row over the whole picture, whatever its shape."""


class EvidenceReason(TypedDict("For", {"for": bool})):  # `for` is a word of Python's own
    """What one known label of the image says."""

    text: str
    near: str | None
    """The same among similar pictures."""
    share: float
    """0 to 1, smoothed: of the pictures with that label."""
    base: float
    """Of all pictures."""
    strength: float


class EvidenceReasons(TypedDict):
    """The reasons that the known labels of the image give, the strongest first."""

    reasons: list[EvidenceReason]
    near: str | None
    """The share among similar pictures."""
    text: str
    """Why there is no reason."""


class EvidenceLabels(EvidenceReasons):
    """The reasons, and which labels hold the bar higher or lower."""

    moved: str


class SimilarImage(TypedDict):
    """A similar picture."""

    id: int
    name: str


class Evidence(TypedDict):
    """What speaks for a category on an image and what against it."""

    image: int
    category: int
    version: int | None
    pending: bool
    """The labels are still being counted."""
    where: EvidenceMap
    explanation: EvidenceLabels
    alike: list[SimilarImage]
    """The nearest pictures that have the category."""
    unlike: list[SimilarImage]
    similar: str
    """Why there are none, or an empty text."""
    predictors: list[str]
    """A sentence for each predictor that speaks about the pair."""
