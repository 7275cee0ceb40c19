"""A project of 20,000 open pairs with a good model, and somebody who answers its blind cards."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from annotator.arrays import versions as version_files
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind, JobState, State
from annotator.services.app import Services
from annotator.services.project.creation import create_project
from annotator.store import annotators, images, jobs, probes, versions

IMAGES, CATEGORIES = 400, 50
NAMES = tuple(f"thing {number}" for number in range(CATEGORIES))

PLENTY = 110
"""Cards after which the good model has surely filled in something."""

Truth = npt.NDArray[np.bool_]


def make_project(folder: Path, *, margin: float = 9.0, ranked: tuple[int, ...] = ()) -> Truth:
    """Make a project with a trained version and return what is true, `(images, categories)`.

    Args:
        folder: Where to make it.
        margin: How far the scores of present and absent pairs lie apart, in standard deviations
            times about 2; the calibration is right.
        ranked: Ordinals of categories without a probability.
    """
    rng = np.random.default_rng(5)
    truth = rng.random((IMAGES, CATEGORIES)) < 0.08
    logits = np.where(truth, margin / 2, -margin / 2) + rng.normal(0, margin**0.5, truth.shape)
    logits += np.log(0.08 / 0.92)
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    Image.new("RGB", (8, 6)).save(pictures / "0.png")
    services = Services.open(create_project(folder / "project", pictures, names=NAMES).project.path)
    _add_pictures(services, pictures)
    _add_version(services, logits.astype(np.float32), ranked)
    services.close()
    return truth


def copy_project(made: Path, folder: Path) -> Path:
    """Copy a project that was made once; its pictures, which no test changes, are linked."""
    folder.mkdir(exist_ok=True)
    (folder / "pictures").symlink_to((made / "pictures").resolve())
    return Path(shutil.copytree(made / "project", folder / "project"))


def _add_pictures(services: Services, pictures: Path) -> None:
    root = next(iter(services.project.settings.roots))
    first = (pictures / "0.png").read_bytes()
    found = []
    for number in range(1, IMAGES):
        path = pictures / f"{number}.png"
        path.write_bytes(first)  # the same bytes; only the row says that they are another image
        name = hashlib.sha256(str(number).encode()).hexdigest()
        found.append(images.FoundImage(path.name, name, 8, 6, "PNG", len(first), 0))
    with services.store.writing() as tx:
        images.add(tx, root, found, [])


def _add_version(
    services: Services, scores: npt.NDArray[np.float32], ranked: tuple[int, ...]
) -> None:
    now = services.progress._clock()
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "test", [JobKind.TRAIN], now)
        assert job is not None
        counts = {"trained_answers": 0, "trained_present": 0, "last_operation": 0}
        number = versions.reserve(tx, job, method="hst", backbone="none", now=now, **counts)
    version_files.write(
        version_files.folder(services.project, number),
        VersionParameters(
            method="hst",
            backbone="none",
            category_ordinals=tuple(range(CATEGORIES)),
            slope=1.0,
            intercepts=(0.0,) * CATEGORIES,
            thresholds=(0.0,) * CATEGORIES,
            ranked_only=ranked,
        ),
        scores,
        Queue(np.arange(IMAGES, dtype=np.int32), np.full((CATEGORIES, 1), -1, np.int32)),
        {},
        save_weights=lambda path: path.write_bytes(b""),
    )
    with services.store.writing() as tx:
        versions.publish(
            tx,
            job,
            number,
            metrics={},
            training_seconds=1.0,
            promote=True,
            note="",
            now=now,
        )
        jobs.finish(tx, job, JobState.DONE, "", now)


class Oracle:
    """Answers blind cards by the truth, as fast as they come."""

    def __init__(self, services: Services, truth: Truth, clock: Any) -> None:
        self.services = services
        self.truth = truth
        self.clock = clock
        self.cards = 0

    def answer(self, cards: int, *, who: str = "ann", say: State | None = None) -> int:
        """Answer some cards and return how many questions they had.

        Args:
            cards: How many.
            who: Answers.
            say: What to say to every question; None says what is true.
        """
        asked = 0
        for _ in range(cards):
            self.cards += 1
            self.clock.forward(60)
            card = f"card {self.cards}"
            asked += len(self.services.probing.card(who, card)["questions"])
            with self.services.store.writing() as tx:
                person = annotators.named(tx, who, self.clock())
                for probe in probes.of_card(tx, card):
                    state = say or self.true_state(probe.image_id, probe.category_id)
                    probes.answered(tx, probe.id, person.id, state, self.clock(), 900)
        return asked

    def answer_at_once(self, count: int) -> int:
        """Answer the next questions of the certificate without their cards; return how many."""
        self.clock.forward(60)
        done, ids = 0, [0]
        with self.services.store.writing() as tx:
            person = annotators.named(tx, "ann", self.clock())
            while ids and done < count:
                ids = self.services.probing._bound.supply(
                    tx,
                    count=count - done,
                    without=(),
                    can_show=lambda _: True,
                    now=self.clock(),
                    patient=False,
                )
                for number in ids:
                    probe = probes.get(tx, number)
                    state = self.true_state(probe.image_id, probe.category_id)
                    probes.answered(tx, number, person.id, state, self.clock(), 900)
                done += len(ids)
        return done

    def true_state(self, image_id: int, category_id: int) -> State:
        """Return what is true of a pair, by ids; they are one above the ordinals here."""
        return State.PRESENT if self.truth[image_id - 1, category_id - 1] else State.ABSENT


class Ticking:
    """A clock that moves only when told to, from a fixed moment on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
