"""The tables of `project.toml`: settings that belong together, with their bounds and meanings."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class SettingsTable(BaseModel):
    """Settings that are checked when they are made: no unknown name, no value of another kind."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _whole(value: object) -> object:
    # Forms and JSON know one kind of number only, so 5.0 has to do for 5.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count: TypeAlias = Annotated[int, BeforeValidator(_whole), Field(ge=1)]


class Suggestions(SettingsTable):
    """When a score is shown as a suggestion."""

    threshold: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        title="Suggestion threshold",
        description=(
            "Calibrated probability from which a category is suggested as present, if thresholds"
            " are chosen by `probability`: a lower one finds more and is wrong more often. Takes"
            " effect at once, on the version in use."
        ),
    )
    aim: Literal["probability", "f1", "precision"] = Field(
        default="probability",
        title="Thresholds chosen by",
        description=(
            "`probability` takes effect at once; with the others the next version finds a threshold"
            " per category."
        ),
    )
    precision: float = Field(
        default=0.9,
        gt=0,
        lt=1,
        title="Target precision",
        description=(
            "Share of suggestions that should be right if thresholds are chosen by `precision`: at"
            " 0.9 about nine in ten. Takes effect with the next version."
        ),
    )


class Retraining(SettingsTable):
    """When the worker trains a new version by itself."""

    automatic: bool = Field(
        default=True,
        title="Retrain automatically",
        description=(
            "Whether training starts by itself; if not, only on the Train page or by `annotator"
            " train`."
        ),
    )
    min_answers: Count = Field(
        default=50,
        title="New answers",
        description='Retrain after this many new answers, "rest absent" not counted.',
    )
    min_present: Count = Field(
        default=10,
        title="New present answers",
        description="Or after this many new present answers, whichever comes first.",
    )
    min_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        title="Share of new answers",
        description=(
            "And if the new answers are at least this share of those that trained the last version."
        ),
    )
    every_hours: float = Field(
        default=24.0,
        gt=0,
        title="Hours between versions",
        description="Retrain after this many hours if anything at all is new.",
    )
    keep_versions: Count = Field(
        default=3,
        title="Versions to keep",
        description=(
            "Best versions that keep their scores on disk, besides the promoted one and its"
            " predecessor. Weights and metrics of all versions are kept."
        ),
    )
    finetune: Literal["auto", "never", "always"] = Field(
        default="auto",
        title="Fine-tuning",
        description=(
            "Whether the backbone is trained, too; `auto` does so with CUDA and 5,000 answers or"
            " more, and without CUDA where the method is `auto`, in the background, if it is likely"
            " to take less than half an hour. `annotator train --finetune` or `--no-finetune`"
            " decides for one training."
        ),
    )
    kept_maps_gigabytes: float = Field(
        default=4.0,
        ge=0,
        title="Room for fine-tuning (GB)",
        description=(
            "What fine-tuning on a CPU may keep on disk, so that it reads each picture once: 44 kB"
            " an image with the usual backbone. Where that is not enough, it reads the pictures in"
            " every epoch."
        ),
    )


class Probes(SettingsTable):
    """How often a probe is asked between the others."""

    share: float = Field(
        default=0.05,
        ge=0,
        le=0.5,
        title="Share of probes",
        description=(
            "Share of probes among all questions: pairs drawn at random and asked without the"
            " model's opinion. They come as cards of ten between two images on the Label page: with"
            " 0.05 after 190 decisions. 0 turns the cards off; the Probe page still asks."
        ),
    )


class Labelling(SettingsTable):
    """How the keys of the pages answer."""

    enter: Literal["complete", "next"] = Field(
        default="complete",
        title="Enter on the Label page",
        description=(
            "`complete`: accepts the marked suggestions, calls the rest in view absent, and goes to"
            " the next image. `next`: goes to the next image, and what is open stays unknown."
            " Reload open pages after a change."
        ),
    )
    commit_delay_ms: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=5000)] = Field(
        default=400,
        title="Delay before saving keys",
        description=(
            "Milliseconds from when an image or a page of images is drawn until a key that saves"
            " many answers at once is taken, so that nothing unseen is saved. Reload open pages"
            " after a change."
        ),
    )


Strategy: TypeAlias = Literal[
    "random", "uncertainty", "likely", "present_and_uncertain", "present_first", "information_gain"
]

STRATEGIES: tuple[str, ...] = get_args(Strategy)
"""What the order of the images may go by; see `mlrpl.decision.acquisition`."""


class Asking(SettingsTable):
    """Which images a new version puts first."""

    strategy: Strategy = Field(
        default="present_and_uncertain",
        title="Image order (active learning)",
        description=(
            "Which images a new version puts first on the Label page. Every tenth image is random"
            " anyway. Takes effect with the next version."
        ),
    )
    diversity: bool = Field(
        default=True,
        title="Prefer diverse images",
        description=(
            "Avoids near duplicates in a row, such as images of one series. Takes effect with the"
            " next version."
        ),
    )


class Goal(SettingsTable):
    """When the project is done; the Progress page says how far that is."""

    coverage: float = Field(
        default=1.0,
        ge=0,
        le=1,
        title="Coverage",
        description="Target share of all pairs that are answered or filled in.",
    )
    error: float = Field(
        default=0.05,
        ge=0,
        le=1,
        title="Expected error",
        description=(
            "Largest expected error if the model decides the open pairs: the share of wrong ones"
            " among pairs called present, and the share of present pairs that are lost."
        ),
    )


class Server(SettingsTable):
    """Limits of the web server."""

    max_upload_mb: float = Field(
        default=500.0,
        gt=0,
        le=100_000,
        title="Largest upload",
        description=(
            "Largest label file that the Export page accepts, in megabytes. Takes effect when the"
            " server is started."
        ),
    )


_AS_IT_IS = ("auto", "full")
_VALUE = r"\s*(-?\d{1,12}(?:\.\d{1,12})?)\s*"
_BETWEEN = re.compile(rf"{_VALUE}(?:to|-|,|\.\.){_VALUE}")


def _grey_range(value: object) -> object:
    """Return the one way to write a range that people and TOML write in several."""
    if isinstance(value, list) and len(value) == 2:
        value = f"{value[0]} to {value[1]}"
    if not isinstance(value, str) or value in _AS_IT_IS:
        return value
    found = _BETWEEN.fullmatch(value)
    if found is None or float(found[1]) >= float(found[2]):
        raise ValueError("no range")
    return f"{found[1]} to {found[2]}"


class Images(SettingsTable):
    """How picture files are read."""

    grey_range: Annotated[str, BeforeValidator(_grey_range)] = Field(
        default="auto",
        title="Range of grey images",
        description=(
            "What is black and white in grey images with more than 8 bits a pixel, such as medical"
            " or thermal ones. `auto`, image by image: 0 to the largest number of 8, 10, 12, 14 or"
            " 16 bits, the fewest that hold its values; darkest to brightest where all values lie"
            " far above 0 or some below. `full`: 0 to 65535 (numbers with a fraction: 0 to 1). Two"
            " values, such as `0 to 4095` or `-1000 to 400`: the same for all. A change makes new"
            " small copies, and the trainer computes the features of all images again; reload open"
            " pages."
        ),
        examples=["auto", "full", "0 to 4095"],
    )
    max_megapixels: float = Field(
        default=175.0,
        gt=0,
        le=5000,
        title="Largest image",
        description=(
            "Images with more megapixels are left out. Decoding takes up to 4 bytes a pixel, 700 MB"
            " at 175. Once it is raised, scan for new files."
        ),
    )

    @property
    def window(self) -> tuple[float, float] | None:
        """The two values that are black and white in all grey images, None if each has its own."""
        if self.grey_range in _AS_IT_IS:
            return None
        low, high = self.grey_range.split(" to ")
        return float(low), float(high)
