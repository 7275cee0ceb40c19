"""Challengers: what they learn, who is promoted, and to what they give way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from annotator.arrays import versions as files
from annotator.arrays.held_out import read_out_of_fold
from annotator.domain import Job, JobKind, JobState, State, Version
from annotator.services.training import challengers
from annotator.services.training.challengers import AUTO, WON, Outcome
from annotator.settings import changed
from annotator.store import jobs, predictors, versions
from annotator.worker import challenge, scheduling, training
from annotator.worker.foreground import run_or_follow
from annotator.worker.job_control import Control, Dropped
from annotator.worker.scheduling import enqueue_idle_work
from mlrpl import methods
from mlrpl.methods.base import Method

COUNT = 300
NAMES = ("dog", "cat", "car")


@dataclass(frozen=True)
class Nothing:
    """No option at all."""


class Seen(Method):
    """Says what the first features say, more or less blurred by the others; learns nothing."""

    closed_form = True
    noise = 0.0
    others = slice(3, 6)

    def __init__(self, dimensions, config, **_) -> None:
        super().__init__(dimensions, config)

    def solve(self, *_, **__):
        return {"cost": 0.0}

    def losses(self, *_):
        raise AssertionError

    def forward(self, features):
        return features.pooled[:, :3] + self.noise * features.pooled[:, self.others]


@pytest.fixture
def race(made, monkeypatch):
    """A project of the method auto, whose quick method and challengers are known to be so good."""
    for name, noise in {"quick": 1.0, "sharp": 0.0, "dull": 4.0, "same": 1.0}.items():
        about = {"noise": noise, "others": slice(6, 9) if name == "same" else slice(3, 6)}
        methods.register(name, Nothing)(type(name, (Seen,), about))
    monkeypatch.setattr(training, "QUICK", "quick")
    known = {name: {"method": name} for name in ("sharp", "dull", "same")}
    monkeypatch.setattr(challengers, "CHALLENGERS", known)
    rng = np.random.default_rng(0)
    truth = rng.random((COUNT, 3)) < 0.3
    pooled = rng.normal(size=(COUNT, 16)).astype(np.float32)
    pooled[:, :3] = truth * 2 - 1 + 0.3 * rng.normal(size=(COUNT, 3))
    made.ids = made.add_images(f"{i}.png" for i in range(COUNT))
    made.categories = made.add_categories(*NAMES)
    made.truth = truth
    made.add_features(pooled)
    made.change(changed(made.project.settings, {"method": AUTO, "retraining.finetune": "never"}))
    yield made
    for name in ("quick", "sharp", "dull", "same"):
        del methods._METHODS[name]


def answer(made, rows) -> None:
    states = {True: State.PRESENT, False: State.ABSENT}
    made.answer(
        (made.ids[i], c, states[bool(made.truth[i, j])])
        for i in rows
        for j, c in enumerate(made.categories)
    )


def do(made, kind: JobKind, options, runner) -> Job:
    with made.store.writing() as tx:
        jobs.enqueue(tx, kind, options, made.clock())
        job = jobs.claim(tx, "me", [kind], made.clock())
    assert job is not None
    line = Control(made.store, job, clock=made.clock)
    try:
        runner(made.project, line, "cpu")
    except Dropped as reason:
        with made.store.writing() as tx:
            jobs.finish(tx, job, JobState.CANCELLED, str(reason), made.clock())
    with made.store.reading() as tx:
        return jobs.get(tx, job.id)


def train(made) -> Version:
    do(made, JobKind.TRAIN, {}, training.run)
    with made.store.reading() as tx:
        return versions.every(tx)[-1]


def challenged(made, name: str, base: int = 1) -> Job:
    options = {"challenger": name, "base": base, "known": 1, "method": name}
    return do(made, JobKind.CHALLENGE, options, challenge.run)


def in_use(made) -> Version:
    with made.store.reading() as tx:
        version = versions.promoted(tx)
    assert version is not None
    return version


def test_fine_tuning_that_is_not_worth_its_time_is_not_tried_and_says_why(race) -> None:
    race.change(changed(race.project.settings, {"retraining.finetune": "auto"}))
    answer(race, range(200))
    train(race)
    options = {"challenger": challengers.FINE_TUNED, "base": 1, "known": 1, "method": "quick"}

    job = do(race, JobKind.CHALLENGE, options, challenge.run)

    assert job.progress["outcome"] == "not_tried"
    assert job.progress["note"] == "Not tried. Fine-tuning waits for 5,000 answers; there are 600."


def test_a_better_challenger_takes_the_place_of_the_version_in_use(race) -> None:
    answer(race, range(200))
    assert train(race).method == "quick"

    job = challenged(race, "sharp")

    version, result = in_use(race), job.progress
    assert (version.number, version.method, job.state) == (2, "sharp", JobState.DONE)
    assert version.metrics[WON] == result
    assert (result["outcome"], result["against"], result["pairs"]) == ("won", 1, 540)
    assert 0 < result["low"] < result["gain"] < result["high"]
    assert [c["ordinal"] for c in result["categories"]] == [0, 1, 2]
    assert "sharp takes the place of version 1 (quick)" in version.note
    assert version.trained_answers == 600


def test_a_challenger_learns_what_the_version_in_use_did_and_no_later_answer(race) -> None:
    answer(race, range(200))
    train(race)
    answer(race, range(200, 250))

    challenged(race, "sharp")

    kept = read_out_of_fold(files.folder(race.project, 2))
    assert kept is not None
    assert kept.image.max() == 199
    assert in_use(race).trained_answers == 600
    with race.store.reading() as tx:
        assert versions.last_operation_of(tx, 1) == versions.last_operation_of(tx, 2)


@pytest.mark.parametrize(("name", "outcome"), [("dull", "worse"), ("same", "level")])
def test_a_challenger_that_is_not_better_leaves_nothing_but_its_figures(
    race, name: str, outcome: str
) -> None:
    answer(race, range(200))
    train(race)

    job = challenged(race, name)

    assert (job.state, job.progress["outcome"]) == (JobState.DONE, outcome)
    assert job.progress["low"] < 0
    assert job.message == job.progress["note"]
    assert in_use(race).number == 1
    with race.store.reading() as tx:
        assert len(versions.every(tx)) == 1
    assert [p.name for p in race.project.versions_path.iterdir() if p.is_dir()] == ["0001"]


def test_too_few_held_out_answers_are_no_comparison(race) -> None:
    answer(race, range(30))
    train(race)

    job = challenged(race, "sharp")

    assert job.progress["outcome"] == "unmeasured"
    assert "too few" in job.message
    assert in_use(race).number == 1


def test_a_later_quick_version_that_is_not_better_leaves_the_winner_in_use(race) -> None:
    answer(race, range(200))
    train(race)
    challenged(race, "sharp")
    answer(race, range(200, 240))

    third = train(race)

    assert (third.method, third.promoted) == ("quick", False)
    assert third.note.startswith("Not promoted: version 2 (sharp) stays in use")
    assert in_use(race).number == 2


@pytest.mark.slow
def test_a_winner_that_knows_too_little_by_now_makes_room(race, monkeypatch) -> None:
    answer(race, range(150))
    train(race)
    monkeypatch.setattr(challenge._Contest, "_outcome", lambda *_: Outcome.WON)
    challenged(race, "same")
    assert in_use(race).method == "same"
    answer(race, range(150, 220))
    before = train(race)
    answer(race, range(220, 230))

    after = train(race)

    assert not before.promoted  # it was not better, and 450 of 660 labels are enough
    assert after.promoted  # 450 of 690 are not


@pytest.mark.slow
def test_a_newer_version_of_the_winner_takes_its_place(race) -> None:
    answer(race, range(200))
    train(race)
    challenged(race, "sharp")
    answer(race, range(200, 240))
    train(race)

    challenged(race, "sharp", base=3)

    assert (in_use(race).number, in_use(race).trained_answers) == (4, 720)


def test_a_challenger_of_an_older_version_is_dropped(race) -> None:
    answer(race, range(200))
    train(race)
    answer(race, range(200, 240))
    train(race)

    job = challenged(race, "sharp", base=1)

    assert (job.state, job.message) == (JobState.CANCELLED, "Dropped: version 2 knows more.")


def test_a_challenger_is_dropped_while_the_version_in_use_weighed_other_predictors(race) -> None:
    answer(race, range(200))
    train(race)
    about = {"options": {}, "report": {}, "by": "ann", "now": race.clock()}
    with race.store.writing() as tx:
        predictors.put(tx, "new", "file", "0123", **about)

    job = challenged(race, "sharp")

    assert (job.state, job.message) == (
        JobState.CANCELLED, "Dropped: the version in use weighed other predictors.",
    )  # fmt: skip


def test_a_challenger_has_its_time(race, monkeypatch) -> None:
    answer(race, range(200))
    train(race)
    monkeypatch.setattr(challenge, "budget", lambda *_: -1.0)

    job = challenged(race, "sharp")

    assert (job.state, job.progress["outcome"]) == (JobState.DONE, "out_of_time")
    assert in_use(race).number == 1


def test_a_version_chosen_by_a_person_meanwhile_stays(race, monkeypatch) -> None:
    answer(race, range(200))
    train(race)
    answer(race, range(200, 240))
    train(race)
    judged = challenge._Contest.judge

    def judge(self, *found) -> None:
        judged(self, *found)
        with race.store.writing() as tx:
            versions.promote(tx, 1, "promoted by ada", race.clock())

    monkeypatch.setattr(challenge._Contest, "judge", judge)
    challenged(race, "sharp", base=2)

    assert in_use(race).number == 1
    with race.store.reading() as tx:
        assert "but version 1 is in use by now" in versions.get(tx, 3).note


def test_the_worker_finds_each_challenger_once_for_a_version(race, monkeypatch) -> None:
    monkeypatch.setattr(scheduling, "_map", lambda *_: None)  # the images are compared already
    answer(race, range(200))
    found = []
    assert enqueue_idle_work(race.project, race.store, race.clock()) is None
    train(race)
    for _ in range(4):
        job = enqueue_idle_work(race.project, race.store, race.clock())
        if job is None:
            break
        found.append(job.options["challenger"])
        with race.store.writing() as tx:
            claimed = jobs.claim(tx, "me", [JobKind.CHALLENGE], race.clock())
        assert claimed is not None
        assert enqueue_idle_work(race.project, race.store, race.clock()) is None  # one at a time
        with race.store.writing() as tx:
            result = {"outcome": "level", "gain": 0.0}
            jobs.finish(tx, claimed, JobState.DONE, "", race.clock(), result=result)

    assert found == ["sharp", "dull", "same"]


@pytest.mark.slow
def test_on_the_command_line_all_challengers_learn_at_once_and_it_says_who_is_in_use(race) -> None:
    answer(race, range(200))

    row, text = run_or_follow(race.project.path, JobKind.TRAIN, {"method": AUTO}, device="cpu")

    first, sharp, dull, same, last = text.split("\n")
    assert first.startswith("Version 1 was trained on")
    assert "sharp takes the place of version 1 (quick): " in sharp
    assert dull.startswith("dull is worse than version 2 (sharp): ")
    assert same.startswith("same is worse than version 2 (sharp): ")
    assert last == "Version 2 (sharp) is in use."
    assert row["promoted_version"] == 2


def test_on_the_command_line_it_says_why_no_challenger_learns(race) -> None:
    answer(race, range(90))

    _, text = run_or_follow(race.project.path, JobKind.TRAIN, {"method": AUTO}, device="cpu")

    assert "Challengers come after 10 more labelled images" in text
    assert text.endswith("Version 1 (quick) is in use.")
