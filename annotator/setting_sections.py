"""The tables of `project.toml`: settings that belong together, with their checks."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.errors import ProjectError


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """When a score is shown as a suggestion."""

    threshold: float = 0.5
    """Calibrated probability, 0 to 1, from which a category is suggested as present."""
    aim: str = "probability"
    """How thresholds are chosen: `probability` is the one above for all categories; with `f1` and
    `precision` every new version finds one per category."""
    precision: float = 0.9
    """Target precision of suggestions, 0 to 1, for the aim `precision`."""

    def __post_init__(self) -> None:
        for name in ("threshold", "precision"):
            if not 0 < getattr(self, name) < 1:
                raise ProjectError(
                    f"suggestions.{name} must lie between 0 and 1, got {getattr(self, name)}"
                )
        if self.aim not in ("probability", "f1", "precision"):
            raise ProjectError(
                f"suggestions.aim must be probability, f1 or precision, got {self.aim!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """When the worker trains a new version by itself."""

    automatic: bool = True
    """Whether training starts by itself; if not, only on the Train page or by `annotator train`."""
    min_answers: int = 50
    """Retrain after this many new answers, "rest absent" not counted."""
    min_present: int = 10
    """Or after this many new present answers, whichever comes first."""
    min_share: float = 0.1
    """New answers needed, as a share of those that trained the last version, 0 to 1."""
    every_hours: float = 24.0
    """Retrain after this many hours if anything at all is new."""
    keep_versions: int = 3
    """Best versions that keep their scores, besides the promoted one and its predecessor."""
    finetune: str = "auto"
    """Fine-tune the backbone: `auto` (with CUDA and 5,000 answers or more), `never` or `always`.
    `annotator train --finetune` does it once."""

    def __post_init__(self) -> None:
        if self.finetune not in ("auto", "never", "always"):
            raise ProjectError(
                f"retraining.finetune must be auto, never or always, got {self.finetune!r}"
            )
        for name in ("min_answers", "min_present", "keep_versions"):
            if getattr(self, name) < 1:
                raise ProjectError(
                    f"retraining.{name} must be at least 1, got {getattr(self, name)}"
                )
        if not 0 <= self.min_share <= 1:
            raise ProjectError(f"retraining.min_share must lie in 0 to 1, got {self.min_share}")
        if not self.every_hours > 0:
            raise ProjectError(f"retraining.every_hours must be above 0, got {self.every_hours}")


@dataclass(frozen=True, kw_only=True)
class Probes:
    """How often a blind question is asked between the others."""

    share: float = 0.05
    """Share of blind questions (audit sample), 0 to 0.5; they come as cards of ten. 0 turns the
    cards on the Label page off."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 0.5:
            raise ProjectError(f"probes.share must lie in 0 to 0.5, got {self.share}")


STRATEGIES = (
    *("random", "uncertainty", "likely", "present_and_uncertain", "present_first"),
    "information_gain",
)
"""What the order of the images may go by; see `mlrpl.decision.acquisition`."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Which images a new version puts first."""

    strategy: str = "present_and_uncertain"
    """Active learning strategy: `present_and_uncertain`, `uncertainty`, `likely`,
    `present_first`, `information_gain` or `random`."""
    diversity: bool = True
    """Also choose the next images to be unlike each other."""

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ProjectError(
                f"asking.strategy must be one of {', '.join(STRATEGIES)}; got {self.strategy!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Goal:
    """When the project is done; the Progress page says how far that is."""

    coverage: float = 1.0
    """Target share of all pairs that are answered or filled in, 0 to 1."""
    error: float = 0.05
    """Largest expected error, 0 to 1, if the model decides the open pairs: the share of wrong ones
    among pairs called present, and the share of present pairs that are lost."""

    def __post_init__(self) -> None:
        for name in ("coverage", "error"):
            if not 0 <= getattr(self, name) <= 1:
                raise ProjectError(f"goal.{name} must lie in 0 to 1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Server:
    """Limits of the web server."""

    max_upload_mb: float = 500.0
    """Largest label file that can be uploaded, in megabytes."""

    def __post_init__(self) -> None:
        if not 0 < self.max_upload_mb <= 100_000:
            raise ProjectError(
                f"server.max_upload_mb must lie between 0 and 100000, got {self.max_upload_mb}"
            )
