"""What a person can do about training: start it, stop it, choose the version in use, go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import TypedDict

from annotator.arrays import versions as version_files
from annotator.domain import Job, JobKind, JobState, Version
from annotator.errors import NotFound, NotReady
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.calibration import Sureness, sureness
from annotator.services.message import Message
from annotator.services.training import retraining
from annotator.services.training.challengers import AUTO, QUICK
from annotator.services.training.method_options import METHOD_OPTIONS, MethodOption, job_options
from annotator.services.training.race import RaceReport, race_report
from annotator.settings import Project, Settings
from annotator.store import Store, annotators, categories, jobs, versions

METHODS = {
    AUTO: f"{QUICK} at once; then hst, sarb and fine-tuning in the background, if they are better",
    "kernel_ridge": "kernel ridge regression on similar images; takes seconds, needs no GPU",
    "partial_bce": "one linear classifier per category, trained on answered pairs only",
    "curriculum": "like partial_bce, plus pseudo labels for open pairs it is confident about",
    "hst": "attention per category, label co-occurrence and pseudo labels; slower",
    "sarb": "the network of hst, learning open pairs by blending images; slower",
}
"""What can learn, and what each does in a few words; `mlrpl methods` describes them in full."""

FINETUNE = {
    "auto": "fine-tuned with a GPU and 5,000 answers or more",
    "never": "frozen",
    "always": "fine-tuned",
}
"""What the setting `retraining.finetune` comes to."""

NOT_PROMOTED = "Not promoted"
"""How the note of a version begins that was found worse than the one in use, and never used."""


class VersionFigure(TypedDict):
    """A version and how good it is on held-out answers."""

    number: int
    method: str
    promoted: bool
    map: float | None
    """Mean average precision with its 95 % interval, 0 to 1; None with too few answers."""
    map_low: float | None
    map_high: float | None


class VersionRow(VersionFigure, Sureness):
    """A version as pages and `--json` show it."""

    backbone: str
    created_at: str
    held_out_pairs: int
    trained_answers: int
    seconds: float
    note: str


class ListedVersion(VersionRow):
    """A version in the list of the Train page."""

    arrays: bool
    """Whether its scores are there; if not it has to be scored anew before it is used."""


class TrainingReport(TypedDict):
    """What there is on the Train page."""

    versions: list[ListedVersion]
    back_to: int | None
    """The version to go back to."""
    policy: str
    """What the next training waits for."""


class MethodChoice(TypedDict):
    """A method that can learn."""

    name: str
    does: str
    options: Sequence[MethodOption]


class TrainingChoices(TypedDict):
    """What a training can be started with."""

    method: str
    """That of the settings."""
    methods: list[MethodChoice]
    finetune: str
    """What the settings come to."""


class Started(Message):
    """A training that was asked for."""

    job: int


class TrainingControl:
    """The Train page of one project."""

    def __init__(self, project: Project, store: Store, clock: Clock = utc_now) -> None:
        self._project = project
        self._store = store
        self._clock = clock

    def report(self) -> TrainingReport:
        """Return the versions, the one to go back to, and what the next training waits for."""
        with self._store.reading() as tx:
            made = versions.every(tx)
            waits = retraining.waiting_for(tx, self._project.settings.retraining, self._clock())
        rows: list[ListedVersion] = [
            {**version_row(v), "arrays": self._has_arrays(v.number)} for v in made
        ]
        return {"versions": rows, "back_to": predecessor(made), "policy": waits}

    def race(self, *, by_category: bool = False) -> RaceReport:
        """Return who challenges the version in use; see `race_report`."""
        return race_report(self._project, self._store, self._clock, by_category=by_category)

    def choices(self) -> TrainingChoices:
        """Return what a training can be started with: methods, and what the settings say."""
        settings = self._project.settings
        return {
            "method": settings.method,
            "methods": [
                {"name": name, "does": does, "options": METHOD_OPTIONS.get(name, ())}
                for name, does in METHODS.items()
                if name != AUTO  # which is more than one training
            ],
            "finetune": FINETUNE[settings.retraining.finetune],
        }

    def train(
        self,
        annotator: str,
        *,
        method: str | None = None,
        finetune: bool | None = None,
        options: Mapping[str, float] | None = None,
    ) -> Started:
        """Ask the worker for a new version.

        Args:
            annotator: Who asks.
            method: What learns; None means the project's.
            finetune: Whether the network learns, too; None leaves it to the settings.
            options: Numbers of the method by name, see `method_options`; usual where left out.

        Raises:
            AnnotatorError: If the method has no such option, or a number is out of range.
            NotFound: If there is no such method.
            NotReady: If nothing is known yet.
        """
        usual = self._project.settings.method
        asked = training_options(method, finetune, options or {}, usual=usual)
        with self._store.writing() as tx:
            annotators.named(tx, annotator, self._clock())
            if not any(c.present_count + c.absent_count for c in categories.every(tx)):
                raise NotReady(
                    "There is nothing to learn from yet: answer a few questions on the Label page."
                )
            job = jobs.enqueue(tx, JobKind.TRAIN, asked, self._clock())
        return {"job": job.id, "message": f"Training is {_verb(job)}."}

    def cancel(self) -> Message:
        """Ask the worker to stop what it is doing."""
        with self._store.writing() as tx:
            for kind in (JobKind.TRAIN, JobKind.EMBED, JobKind.CHALLENGE, JobKind.MAP):
                job = jobs.latest(tx, kind)
                if job and job.state in (JobState.QUEUED, JobState.RUNNING):
                    jobs.request_cancel(tx, job.id)
                    return {"message": f"The {job.kind.value} job will stop shortly."}
        return {"message": "Nothing is running."}

    def promote(self, annotator: str, number: int) -> Message:
        """Make a version the one whose suggestions are shown.

        Raises:
            NotFound: If there is no such version.
        """
        now = self._clock()
        with self._store.writing() as tx:
            version = versions.promote(tx, number, f"promoted by {annotator}", now)
        return {"message": f"Version {version.number} is used from the next image on."}

    def _has_arrays(self, number: int) -> bool:
        return version_files.has_arrays(version_files.folder(self._project, number))


def predecessor(made: list[Version]) -> int | None:
    """Return the version to go back to: the newest one before that in use which was in use, too.

    Args:
        made: Every version, by number.
    """
    used = next((v.number for v in made if v.promoted), None)
    if used is None:
        return None
    earlier = [v.number for v in made if v.number < used and not v.note.startswith(NOT_PROMOTED)]
    return max(earlier, default=None)


def training_options(
    method: str | None,
    finetune: bool | None = None,
    numbers: Mapping[str, float] | None = None,
    *,
    usual: str = Settings().method,
) -> dict[str, Any]:
    """Return the options of a training job.

    Args:
        method: What learns; None means the project's.
        finetune: Whether the network learns, too; None leaves it to the settings.
        numbers: Of the method by name, see `method_options`; usual where left out.
        usual: The project's method.

    Raises:
        AnnotatorError: If the method has no such option, or a number is out of range.
        NotFound: If there is no such method; the message lists those there are.
    """
    if method is not None and method not in METHODS:
        raise NotFound(f"There is no method {method!r}; known: {', '.join(METHODS)}.")
    special = job_options(method or usual, numbers or {})
    if special:  # they are of this method, whatever the settings say when it is trained
        method = method or usual
    options = {"method": method, "finetune": finetune}
    return {name: value for name, value in options.items() if value is not None} | special


def version_row(version: Version) -> VersionRow:
    """Return a version as pages and `--json` show it."""
    metrics = version.metrics
    return {
        "number": version.number,
        "method": version.method,
        "backbone": version.backbone,
        "created_at": version.created_at.isoformat(timespec="seconds"),
        "promoted": version.promoted,
        "map": metrics.get("map"),
        "map_low": metrics.get("map_low"),
        "map_high": metrics.get("map_high"),
        "held_out_pairs": metrics.get("held_out_pairs", 0),
        **sureness(metrics),
        "trained_answers": version.trained_answers,
        "seconds": version.training_seconds,
        "note": version.note,
    }


def _verb(job: Job) -> str:
    return "already running" if job.state is JobState.RUNNING else "queued"
