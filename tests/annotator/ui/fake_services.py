"""Services in memory for tests of the pages; each is held to the types of the real one."""

# ruff: noqa: ARG002 - a fake has the signature of what it stands for
from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter

from annotator.errors import AnnotatorError, ImageError, NotFound, NotReady, StoreUnavailable
from annotator.services.background.throttled_cache import Counted
from annotator.services.catalogue.pictures import Media
from annotator.services.certificates.certification import Certification
from annotator.services.certificates.rows import PlanOptions
from annotator.services.predictors.predictors import PredictorRow, Predictors
from annotator.services.predictors.worth import WorthRow
from annotator.services.progress.category_report import CategoryReportRow
from annotator.services.progress.overview import ProgressReport
from annotator.services.progress.quality import QualityRow
from annotator.services.progress.stopping import StoppingRow
from annotator.services.progress.trends import TrendsRow
from annotator.services.project.identity import Lineage
from annotator.services.training.comparison import Comparison
from annotator.services.training.control import TrainingControl, VersionRow
from annotator.services.training.method_options import MethodOption
from annotator.services.training.race import RaceReport

Fake = TypeVar("Fake", bound=type)


def checked(kind: Any, value: Any) -> Any:
    """Return a value if it is of a type; a key that is missing or has another type fails."""
    return TypeAdapter(kind).validate_python(value, strict=True)


def stands_for(real: type) -> Callable[[Fake], Fake]:
    """Hold a fake to what it stands for: its methods take and return what the real ones do."""

    def hold(fake: Fake) -> Fake:
        for name, method in list(vars(fake).items()):
            if not name.startswith("_"):
                setattr(fake, name, _held(method, getattr(real, name)))
        return fake

    return hold


def _held(method: Callable[..., Any], real: Callable[..., Any]) -> Callable[..., Any]:
    took, takes = (list(inspect.signature(m).parameters) for m in (method, real))
    assert took == takes, f"{real.__qualname__} takes {takes}"
    kind = get_type_hints(real)["return"]

    @functools.wraps(method)
    def held(*args: Any, **kwargs: Any) -> Any:
        return checked(kind, method(*args, **kwargs))

    return held


CATEGORIES = [
    {"id": 11, "name": "cat", "supercategory": "animal", "ordinal": 0, "aliases": ["kitty"]},
    {"id": 12, "name": "dog", "supercategory": "animal", "ordinal": 1, "aliases": []},
    {"id": 13, "name": "cup", "supercategory": "thing", "ordinal": 2, "aliases": []},
]

COUNTS = {
    "images": 40,
    "visited": 8,
    "pairs": 120,
    "answered": 30,
    "filled": 0,
    "open": 90,
    "present": 18,
    "absent": 12,
    "conflicts": 1,
    "suggestions": 7,
}


def version(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "number": number,
        "method": "hst",
        "backbone": "efficientnet-lite0",
        "created_at": f"2026-03-0{number}T10:00:00+00:00",
        "promoted": False,
        "map": None,
        "map_low": None,
        "map_high": None,
        "held_out_pairs": 0,
        "ece": None,
        "ece_on": None,
        "ece_pairs": None,
        "trained_answers": 10 * number,
        "seconds": 3.25,
        "note": "",
        **changes,
    }
    return dict(checked(VersionRow, row))


@stands_for(Lineage)
class FakeLineage:
    """One project that was never copied or set back."""

    def key(self) -> str:
        return "k"

    def refuse_set_back(self, last: object) -> None:
        return None


class Recorder:
    """Stands for all that the work screens call: notes every call, and has nothing to say."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> dict[str, Any]:
            self.calls.append((name, *given))
            return {}

        return call


def counted(kind: Any, figures: dict[str, Any] | None, number: int = 1) -> Counted[Any]:
    """Return figures as the real services give them; None stands for those not counted yet."""
    if figures is not None:
        figures = checked(kind, copy.deepcopy(figures))
    return Counted(figures, number, outdated=figures is None)


@stands_for(ProgressReport)
class FakeProgress:
    """Numbers that a test may change."""

    def __init__(self) -> None:
        self.counts = dict(COUNTS)
        self.versions: list[dict[str, Any]] = []
        self.trainer = {
            "state": "idle",
            "stage": "",
            "done": 0,
            "total": 0,
            "loss": None,
            "epoch": None,
            "epochs": None,
            "message": "",
            "worker_alive": True,
        }
        self.version: int | None = None
        self.overviews = 0
        self.loss: list[dict[str, float]] = []
        self.shown_trends: dict[str, Any] = {
            "growth": {"step": "", "points": [], "suggested": []},
            "people": [],
            "pace": {"decisions": 0, "active_seconds": 0.0, "per_minute": None},
            "calibration": {
                "version": None, "needed": 30, "present": 0, "answers": 0, "bins": [],
                "seen": False, "on": "held_out", "error": None, "ece": None, "ece_on": None,
                "ece_pairs": None,
            },
            "counted_at": "2026-03-01T10:00:00+00:00",
        }  # fmt: skip

    def state(self, annotator: str = "") -> dict[str, Any]:
        names = ("images", "answered", "filled", "open", "suggestions")
        return {
            "project": "cats",
            "version": self.version,
            **{name: self.counts[name] for name in names},
            "images_done": 0,
            "today": {"answers": 0, "per_minute": None},
            "time_left": "",
            "suggestions_about": False,
            "problem": "",
            "ordered": True,
            "until_suggestions": "",
            "trainer": dict(self.trainer),
            "categories_revision": "r",
        }

    def overview(self, *, wait: bool = True) -> dict[str, Any]:
        self.overviews += 1
        rows = [
            {
                "id": c["id"],
                "name": c["name"],
                "supercategory": c["supercategory"],
                "present": 6,
                "absent": 4,
                "filled": 0,
                "open": 30,
                "suggested": 2,
                "calibrated": c["id"] == 11,
            }
            for c in CATEGORIES
        ]
        return {
            "counts": dict(self.counts),
            "about": False,
            "categories": rows,
            "versions": copy.deepcopy(self.versions),
            "policy": "The next training starts after 5 more answers.",
        }

    def latest_trends(self) -> Counted[Any]:
        return counted(TrendsRow, self.shown_trends)

    def losses(self) -> list[dict[str, float]]:
        return list(self.loss)


class FakeReport:
    """A report that a test may change."""

    def __init__(self, kind: Any, shown: dict[str, Any]) -> None:
        self.kind = kind
        self.shown: dict[str, Any] | None = shown
        self.number = 1

    def latest(self) -> Counted[Any]:
        return counted(self.kind, self.shown, self.number)


NO_QUALITY = {
    "people": 0, "needed": 20, "overall": None, "categories": [], "annotators": [],
    "anchoring": {
        "blind": 0, "shown": 0, "needed": 385, "difference": None, "low": None, "high": None,
        "agreed_blind": None, "agreed_shown": None,
    },
    "note": "Nobody has answered yet, so there is nothing to compare.",
}  # fmt: skip
NO_CATEGORIES: dict[str, Any] = {"categories": [], "together": [], "pairs_together": 0}
NO_GOAL = {
    "goal": {"coverage": 1.0, "error": 0.05}, "pairs": 120, "open": 90, "filled": 0,
    "coverage": 0.25, "covered": False, "reached": False,
    "note": "The effect of another hour cannot be estimated yet.",
    "pace": {
        "single_seconds": 2.0, "grid_seconds": 1.0, "single_share": 1.0, "recorded": 0,
        "an_hour": 1800.0,
    },
    "now": None, "later": None, "answers_needed": None, "forecast": None,
    "probes": None, "promised": None, "left_out": 90, "counted_at": "2026-03-01T10:00:00+00:00",
}  # fmt: skip


@stands_for(TrainingControl)
class FakeTraining:
    """Notes what it is asked for; its versions are those of the progress."""

    def __init__(self, progress: FakeProgress) -> None:
        self._progress = progress
        self.asked: list[tuple[Any, ...]] = []
        self.options: dict[str, float] = {}
        self.back_to: int | None = None
        self.challengers: dict[str, Any] = {"on": False, "says": "Off.", "rows": []}

    def report(self) -> dict[str, Any]:
        rows = [{"arrays": True, **v} for v in copy.deepcopy(self._progress.versions)]
        waits = "The next training starts after 5 more answers."
        return {"versions": rows, "back_to": self.back_to, "policy": waits}

    def race(self, *, by_category: bool = False) -> dict[str, Any]:
        del by_category
        return dict(checked(RaceReport, self.challengers))

    def choices(self) -> dict[str, Any]:
        option = MethodOption(
            name="epochs", label="Passes", says="Default 10.", usual=10, whole=True
        )
        other = MethodOption(name="penalty", label="Penalty", says="Default 0.1.", usual=0.1)
        methods = [
            {"name": "partial_bce", "does": "what it does", "options": [option, other]},
            {"name": "hst", "does": "what hst does", "options": [option]},
        ]
        return {"method": "hst", "methods": methods, "finetune": "it stays as it is"}

    def train(
        self,
        annotator: str,
        *,
        method: str | None = None,
        finetune: bool | None = None,
        options: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        self.asked.append((annotator, method, finetune))
        self.options = dict(options or {})
        if not self._progress.counts["answered"]:
            raise NotReady("There is nothing to learn from yet.")
        return {"job": 1, "message": "Training is queued."}

    def cancel(self) -> dict[str, Any]:
        return {"message": "Nothing is running."}

    def promote(self, annotator: str, number: int) -> dict[str, Any]:
        self.asked.append((annotator, number))
        return {"message": f"Version {number} is used from the next image on."}


@stands_for(Comparison)
class FakeComparison:
    """Version 1 has no scores any more; the others differ in one pair."""

    def changes(self, older: int, newer: int) -> dict[str, Any]:
        if older == 1:
            raise NotFound("The scores of version 1 were deleted to save space.")
        return {
            "older": older,
            "newer": newer,
            "appeared": 1,
            "disappeared": 0,
            "categories_changed": 1,
            "categories": [{"name": "<i>cat</i>", "appeared": 1, "disappeared": 0}],
            "images": [{"id": 7, "category": "<i>cat</i>", "appeared": True, "strength": 0.9}],
        }

    def calibration(self, number: int) -> dict[str, Any]:
        if number == 1:
            raise NotFound("The scores of version 1 were deleted to save space.")
        return {
            "version": number, "needed": 30, "present": 4, "answers": 9, "bins": [],
            "seen": False, "on": "held_out", "error": None, "ece": None, "ece_on": None,
            "ece_pairs": None,
        }  # fmt: skip

    def methods(self) -> dict[str, Any]:
        return {"methods": [], "pairs": 0, "categories": 0, "images": 0, "held_out_images": 0}


@stands_for(Certification)
class FakeCertification:
    """One certificate; notes what it is asked for."""

    def __init__(self, row: dict[str, Any], plan: dict[str, Any] | None = None) -> None:
        self.row, self._plan = row, plan
        self.failure: AnnotatorError | None = None
        self.asked: list[Any] = []

    def plan_in_subprocess(
        self, options: dict[str, Any], *, pilot: int | None = None, start: bool = False
    ) -> dict[str, Any]:
        self.asked.append((checked(PlanOptions, options), pilot, start))
        if self.failure is not None:
            raise self.failure
        assert self._plan is not None
        return {**self._plan, "certificate": 1 if start else None}

    def status(self, number: int | None = None) -> dict[str, Any]:
        if number is not None:
            self.asked.append(number)
        if isinstance(self.failure, NotFound):
            raise self.failure
        return self.row

    def states(self) -> dict[int, str]:
        return {one["certificate"]: one["state"] for one in self.row["certificates"]}

    def apply(self, number: int | None = None, *, dry_run: bool = False) -> dict[str, Any]:
        self.asked.append("look" if dry_run else "apply")
        counts = {"present": 0, "absent": 900, "present_left_out": True}
        return {"certificate": 1, "applied": not dry_run, **counts}

    def cancel(self, number: int | None = None) -> dict[str, Any]:
        raise NotReady("No certificate is open.")

    def roll_back(self, number: int) -> dict[str, Any]:
        return {"certificate": number, "state": "rolled_back", "pairs": 900}


@stands_for(Media)
class FakeMedia:
    """One picture for image 7; image 8 is broken, image 9 meets a locked database."""

    def __init__(self, folder: Path) -> None:
        self.picture = folder / "picture.webp"
        self.picture.write_bytes(b"RIFF....WEBP")
        self.asked: list[tuple[int, int]] = []

    def content(self, image_id: int, width: int) -> bytes:
        self.asked.append((image_id, width))
        if image_id == 7:
            return self.picture.read_bytes()
        if image_id == 8:
            raise ImageError("the file is cut off.")
        if image_id == 9:
            raise StoreUnavailable("The database is locked; try again.")
        raise NotFound(f"There is no image {image_id}.")


class Broken(RuntimeError):
    """A bug, not a refusal."""


@stands_for(Predictors)
class FakePredictors:
    """Has the built-in one and one from a file, which a version has measured."""

    def __init__(self) -> None:
        self.measured: list[dict[str, Any]] = []

    def rows(self) -> list[dict[str, Any]]:
        built_in = {
            "name": "names", "kind": "names", "version": "", "trusted": False, "added_by": "",
            "added_at": None, "refreshed_at": None, "options": {}, "report": {}, "text": "Names.",
        }  # fmt: skip
        file = built_in | {"name": "<i>scores</i>", "kind": "file", "trusted": True}
        return [dict(checked(PredictorRow, row)) for row in (built_in, file)]

    def worth(self) -> dict[str, Any]:
        version = 7 if self.measured else None
        return dict(checked(WorthRow, {"version": version, "predictors": self.measured}))


def fake_services(folder: Path, **others: Any) -> Any:
    """Return all of them; `others` are the real ones of the Export and Settings pages."""
    progress = FakeProgress()
    screens = Recorder()
    return SimpleNamespace(
        lineage=FakeLineage(),
        labelling=screens,
        recording=screens,
        verification=screens,
        review=screens,
        image_list=screens,
        image_map=screens,
        image_marks=screens,
        finish=screens,
        hotkeys=screens,
        flags=screens,
        bookmarks=screens,
        image_information=screens,
        probing=screens,
        evidence=screens,
        progress=progress,
        quality=FakeReport(QualityRow, NO_QUALITY),
        stopping=FakeReport(StoppingRow, NO_GOAL),
        category_report=FakeReport(CategoryReportRow, NO_CATEGORIES),
        training=FakeTraining(progress),
        comparison=FakeComparison(),
        predictors=FakePredictors(),
        certification=SimpleNamespace(),  # its own tests bring what they call
        forecasts=SimpleNamespace(),
        media=FakeMedia(folder),
        **others,
        errors=SimpleNamespace(Broken=Broken, Refused=AnnotatorError, Store=StoreUnavailable),
    )
