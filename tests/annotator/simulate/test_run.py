"""Runs of a simulation: what they cost, what they know, and what they must not know."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from annotator.domain import JobKind
from annotator.errors import FormatError, NotFound, NotReady
from annotator.services.app import Services
from annotator.simulate import run as runs
from annotator.simulate.actions import SimulatedAnnotator
from annotator.simulate.clock import Clock, Trainer
from annotator.simulate.naming import name_image
from annotator.simulate.oracle import Oracle, Truth
from annotator.simulate.run import Plan, simulate
from annotator.simulate.strategies import WAYS, plain
from annotator.store import answers, versions
from annotator.worker.learner import Learner
from annotator.worker.main import do_job
from mlrpl.decision.acquisition import Costs
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN


def present_of(made) -> np.ndarray:
    return np.array([made.truth.present[name] for name in sorted(made.truth.present)])


@pytest.fixture
def services(made, tmp_path: Path):
    """A copy of the project that a test may label."""
    shutil.copytree(made.project, tmp_path / "project")
    toml = tmp_path / "project" / "project.toml"
    text = toml.read_text().replace('"../pictures"', f'"{made.pictures}"')
    toml.write_text(text.replace('"pictures"', f'"{made.pictures}"'))
    opened = Services.open(tmp_path / "project")
    yield opened
    opened.close()


def test_plain_labelling_costs_a_switch_an_image_and_a_name_for_each_thing(made) -> None:
    records = simulate(Plan(strategy="plain", budget=1e6), made.project, made.truth)

    present = present_of(made)
    assert records[-1]["seconds"] == pytest.approx(1.5 * len(present) + 5.1 * present.sum(), 0.01)
    assert records[-1]["f1"] == 1
    assert records[-1]["known"] == present.size
    assert records[-1]["version"] is None


def test_questions_about_everything_cost_a_second_each(made) -> None:
    records = simulate(Plan(strategy="binary", budget=1e6), made.project, made.truth)

    present = present_of(made)
    assert records[-1]["seconds"] == pytest.approx(1.5 * len(present) + present.size, 0.01)
    assert records[-1]["decisions"] == present.size


@pytest.mark.parametrize("name", [n for n in WAYS if n not in ("plain", "binary")])
def test_a_way_with_a_model_goes_through_the_project_to_the_end(made, name: str) -> None:
    records = simulate(Plan(strategy=name, budget=1200), made.project, made.truth)

    assert records[-1]["f1"] > 0.97
    assert records[-1]["trainings"] <= WAYS[name].trains
    assert records[-1]["version"] is not None
    assert [r["seconds"] for r in records] == sorted(r["seconds"] for r in records)
    if name == "fixed_prelabels":  # one early model stays the only one
        assert records[-1]["seconds"] > 300
        assert records[-1]["trainings"] == records[-1]["version"] == 1


def test_the_method_that_is_asked_for_learns(made, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = Learner.__init__

    def watched(self, *args, **keywords) -> None:
        asked.append(keywords["method"])
        original(self, *args, **keywords)

    monkeypatch.setattr(Learner, "__init__", watched)

    simulate(Plan(strategy="images", budget=300, method="partial_bce"), made.project, made.truth)

    assert set(asked) == {"partial_bce"}


def test_a_method_that_there_is_not_is_refused(made) -> None:
    with pytest.raises(NotFound, match="no method 'nonsense'; known: auto, kernel_ridge"):
        simulate(Plan(strategy="loop", budget=9, method="nonsense"), made.project, made.truth)


def test_the_same_seed_gives_the_same_run_and_leaves_the_project_that_it_copies_as_it_was(
    made,
) -> None:
    plan = Plan(strategy="loop", budget=200, seed=3)
    before = {p: p.stat().st_mtime_ns for p in made.project.rglob("*.npy")}

    first, second = (simulate(plan, made.project, made.truth) for _ in range(2))

    assert first == second
    assert first[-1]["version"] is not None
    opened = Services.open(made.project)
    with opened.store.reading() as tx:
        assert versions.promoted(tx) is None
    opened.close()
    assert {p: p.stat().st_mtime_ns for p in made.project.rglob("*.npy")} == before


def test_a_run_ends_when_the_budget_is_spent(made) -> None:
    records = simulate(Plan(strategy="plain", budget=50), made.project, made.truth)

    assert 50 <= records[-1]["seconds"] < 50 + 1.5 + 5.1 * 4


def test_nothing_but_recorded_operations_reaches_the_store(made, services) -> None:
    present = present_of(made)
    person = SimulatedAnnotator(services, Oracle(present), Clock(Costs()), 0)
    truth_anywhere = [p for p in services.project.path.rglob("*") if "truth" in p.name]

    before = person.recorded()
    person.name_unaided(5)
    person.ask(7, [0, 2])

    assert truth_anywhere == []
    assert (before == UNKNOWN).all()
    known = np.argwhere(person.recorded() != UNKNOWN).tolist()
    assert known == [[5, 0], [5, 1], [5, 2], [5, 3], [7, 0], [7, 2]]
    assert ((person.recorded()[5] == PRESENT) == present[5]).all()
    assert (person.recorded() == person.labels).all()


def test_a_row_that_is_read_costs_a_glance_and_a_key_if_it_is_there(made, services) -> None:
    present = present_of(made)
    person = SimulatedAnnotator(services, Oracle(present), Clock(Costs()), 0)
    row = int(np.flatnonzero(present.sum(axis=1) == 2)[0])

    name_image(
        person, row
    )  # nobody has said anything, so each category counts as likely and is listed

    assert person.clock.seconds == pytest.approx(1.5 + 4 * 0.4 + 2 * 1.0)
    assert ((person.recorded()[row] == PRESENT) == present[row]).all()


def test_what_nobody_shows_is_not_read_and_what_is_overlooked_is_found_by_reading(
    made, services
) -> None:
    present = present_of(made)
    row = int(np.flatnonzero(present[:, 0] & present[:, 1])[0])
    always = np.zeros_like(present)
    always[:, 0] = True
    person = SimulatedAnnotator(services, Oracle(always), Clock(Costs()), 0)
    for other in set(range(20)) - {row}:
        person.name_unaided(other)  # only category 0 is ever there
    person.oracle, person.clock = Oracle(present, notice=0.0), Clock(Costs())

    name_image(person, row)

    assert person.clock.seconds == pytest.approx(1.5 + 1 * 0.4 + 1 * 1.0)
    assert (person.recorded()[row] == [PRESENT, ABSENT, ABSENT, ABSENT]).all()


def test_a_page_without_guesses_costs_a_glance_a_picture_and_a_key_for_what_is_there(
    made, services
) -> None:
    present = present_of(made)
    person = SimulatedAnnotator(services, Oracle(present), Clock(Costs()), 0)

    page = person.grid(1, "like", 12)

    known = person.recorded()[:, 1] != UNKNOWN
    assert page.pictures == int(known.sum()) == 12
    assert page.present == page.corrected == int(present[known, 1].sum())
    assert person.clock.seconds == pytest.approx(1.5 + 12 * 0.4 + page.present * 1.0)
    with services.store.reading() as tx:
        table = answers.label_table(tx)
    assert (table.present == present[table.image, 1]).all()


def test_a_version_appears_late_and_knows_only_what_was_said_at_its_snapshot(
    made, services
) -> None:
    clock = Clock(Costs())
    person = SimulatedAnnotator(services, Oracle(present_of(made)), clock, 0)
    steps = plain(person)
    trainer = Trainer(services.project.path, clock, until=1000)
    while clock.seconds < 130:
        next(steps)
    trainer.tick()
    at_snapshot = int((person.labels != UNKNOWN).any(axis=1).sum())

    while clock.seconds < 180:
        assert not trainer.tick()
        assert person.version() is None
        next(steps)
    while not trainer.tick():
        next(steps)

    with services.store.reading() as tx:
        version = versions.promoted(tx)
    assert version is not None
    assert version.metrics["known_pairs"] == 4 * at_snapshot
    trainer.close()


def test_the_simulated_trainer_makes_the_version_that_the_worker_makes(made, services) -> None:
    clock = Clock(Costs())
    person = SimulatedAnnotator(services, Oracle(present_of(made)), clock, 0)
    for row in range(40):
        person.name_unaided(row)
    trainer = Trainer(services.project.path, clock, until=1000)
    trainer.tick()
    trainer.close()
    simulated = np.array(services.suggestions.current()[1].scores)

    do_job(services.project.path, JobKind.TRAIN, {"method": "kernel_ridge"}, device="cpu")

    with services.store.reading() as tx:
        number = max(v.number for v in versions.every(tx))
    worker = np.load(services.project.versions_path / f"{number:04d}" / "scores.npy")
    assert number == 2
    np.testing.assert_array_equal(simulated, worker)


@pytest.mark.parametrize(
    ("plan", "error", "words"),
    [
        (Plan(strategy="plain", budget=0), NotReady, "above 0"),
        (Plan(strategy="magic", budget=10), NotFound, "no strategy 'magic'; known: plain"),
        (Plan(strategy="plain", budget=10, notice=2), FormatError, "--notice must lie"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused_in_one_sentence(made, plan, error, words) -> None:
    with pytest.raises(error, match=words):
        simulate(plan, made.project, made.truth)


def test_a_truth_without_all_images_is_refused(made) -> None:
    rest = {name: row for name, row in made.truth.present.items() if name != "007.png"}

    with pytest.raises(FormatError, match=r"lacks 1 of 60 images, such as '007.png'"):
        simulate(
            Plan(strategy="plain", budget=10),
            made.project,
            Truth(made.truth.categories, rest),
        )


def test_a_folder_that_is_not_there_is_refused(made, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no folder"):
        runs.prepared(tmp_path / "none", made.truth, tmp_path)
