"""The tables of `project.toml`: settings that belong together, with their checks."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.errors import ProjectError


@dataclass(frozen=True, kw_only=True)
class Suggestions:
    """When the model's opinion is shown as a suggestion."""

    threshold: float = 0.5
    """Calibrated probability, 0 to 1, from which on a category is suggested as present."""
    aim: str = "probability"
    """What the thresholds are for: `probability` takes the one above for all categories; `f1` and
    `precision` let every new version find one for each category."""
    precision: float = 0.9
    """Share of right suggestions, 0 to 1, that the aim `precision` goes for."""

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
    """Train without being asked; false leaves it to the Train button and `annotator train`."""
    min_answers: int = 50
    """New answers outside sweeps that call for a new version."""
    min_present: int = 10
    """New present answers that call for one, whichever comes first."""
    min_share: float = 0.1
    """New answers as a share of those that trained the last version, 0 to 1."""
    every_hours: float = 24.0
    """Hours after which anything new at all is trained on."""
    keep_versions: int = 3
    """Best versions whose arrays stay on disk, beside the promoted one and its predecessor."""
    finetune: str = "auto"
    """Whether the network behind the features learns, too: `auto` (with CUDA and 5,000 answers or
    more), `never` or `always`. `annotator train --finetune` asks for it once."""

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
    """Blind questions among all questions, 0 to 0.5; they come as cards of ten. 0 switches the
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
    """What makes a question worth asking: `present_and_uncertain`, `uncertainty`, `likely`,
    `present_first`, `information_gain` or `random`."""
    diversity: bool = True
    """Choose the next images so that they are unlike each other, too."""

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise ProjectError(
                f"asking.strategy must be one of {', '.join(STRATEGIES)}; got {self.strategy!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Goal:
    """When the project is done; the Progress page says how far that is."""

    coverage: float = 1.0
    """Pairs that are to be answered or filled in, as a share of all pairs, 0 to 1."""
    error: float = 0.05
    """Most that may be expected to be wrong if the model decides the pairs still open, 0 to 1: of
    the pairs called present the share that is absent, of those that are present the share lost."""

    def __post_init__(self) -> None:
        for name in ("coverage", "error"):
            if not 0 <= getattr(self, name) <= 1:
                raise ProjectError(f"goal.{name} must lie in 0 to 1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Server:
    """What the web page takes in."""

    max_upload_mb: float = 500.0
    """Largest label file that may be uploaded, in megabytes."""

    def __post_init__(self) -> None:
        if not 0 < self.max_upload_mb <= 100_000:
            raise ProjectError(
                f"server.max_upload_mb must lie between 0 and 100000, got {self.max_upload_mb}"
            )
