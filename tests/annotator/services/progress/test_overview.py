from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from annotator.domain import JobKind
from annotator.errors import NotFound, NotReady
from annotator.services.app import Services
from annotator.services.background.trainer_process import TrainerProcess
from annotator.services.knowledge import open_suggestions
from annotator.services.knowledge.open_pairs import Labelled
from annotator.services.knowledge.open_suggestions import OpenSuggestions
from annotator.services.progress import overview
from annotator.services.training.control import METHODS, predecessor, training_options
from annotator.store import answers, categories, jobs, versions
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.worker.evaluation import compare
from mlrpl.labels import ABSENT, PRESENT

IMAGES, CATEGORIES = 6, 3
ABOVE, BELOW = 3.0, -3.0

Publish = Callable[..., int]
Answer = Callable[..., None]
HoldOut = Callable[[], None]


def test_every_answer_undo_and_redo_moves_the_number_of_waiting_suggestions(
    services: Services, six_scores: Any, publish: Publish, answer: Answer
) -> None:
    publish(six_scores)
    before = services.progress.state()["suggestions"]

    answer("a", (1, 1, "present"), (1, 2, "absent"), (5, 1, "absent"))
    answered = services.progress.state()["suggestions"]
    services.recording.undo("Ann", BackRequest(op="b"))
    undone = services.progress.state()["suggestions"]
    services.recording.redo("Ann", BackRequest(op="c"))
    redone = services.progress.state()["suggestions"]

    assert (before, answered, undone, redone) == (9, 7, 9, 7)
    assert services.progress.overview()["counts"]["suggestions"] == 7


def test_the_followed_counts_are_those_of_counting_anew(
    services: Services, six_scores: Any, publish: Publish, answer: Answer
) -> None:
    publish(six_scores + np.arange(CATEGORIES) * 0.7 - 3.5)
    services.progress.state()
    answer("a", (1, 1, "present"), (2, 2, "absent"))
    with services.store.reading() as tx:
        seen = answers.labels_of(tx, [1])[1][0].answer_id
    change = {"image": 1, "category": 1, "state": "absent", "seen": seen}
    services.recording.save("Bob", SaveRequest(op="b", kind="answer", changes=[change]))
    answer("c", (2, 2, "cleared"), (4, 3, "unsure"))

    with services.store.reading() as tx:
        followed = services.progress._open_suggestions.now(tx)
        anew = OpenSuggestions(services.store, services.suggestions, services.fills).now(tx)

    assert followed.suggested.tolist() == anew.suggested.tolist()
    assert followed.unsure.tolist() == anew.unsure.tolist()
    assert len(followed.disputed) == len(anew.disputed) == 1


def test_many_changes_at_once_are_counted_anew(
    services: Services,
    six_scores: Any,
    monkeypatch: pytest.MonkeyPatch,
    publish: Publish,
    answer: Answer,
) -> None:
    publish(six_scores)
    services.progress.state()
    monkeypatch.setattr(open_suggestions, "FEW_CHANGES", 1)

    answer("a", (1, 1, "present"), (1, 2, "absent"))

    assert services.progress.state()["suggestions"] == 7


def test_a_new_version_and_a_new_category_are_counted(
    services: Services, six_scores: Any, publish: Publish
) -> None:
    publish(six_scores)
    first = services.progress.state()["suggestions"]

    publish(-six_scores)
    second = services.progress.state()["suggestions"]
    with services.store.writing() as tx:
        categories.add(tx, [categories.NewCategory("fish")])
    third = services.progress.overview()

    assert (first, second) == (9, 9)
    assert [c["suggested"] for c in third["categories"]] == [3, 3, 3, 0]


def test_a_large_project_gives_the_versions_own_figure_until_it_has_counted(
    services: Services, six_scores: Any, publish: Publish
) -> None:
    publish(six_scores, suggestions=1234)
    services.progress._open_suggestions = OpenSuggestions(
        services.store, services.suggestions, services.fills, at_once=0
    )

    soon = services.progress.state()
    services.progress._open_suggestions.task.settle()
    later = services.progress.state()

    assert (soon["suggestions"], soon["suggestions_about"]) == (1234, True)
    assert (later["suggestions"], later["suggestions_about"]) == (9, False)


def test_the_page_of_a_large_project_opens_before_its_suggestions_are_counted(
    services: Services, six_scores: Any, publish: Publish
) -> None:
    publish(six_scores, suggestions=1234)
    services.progress._open_suggestions = OpenSuggestions(
        services.store, services.suggestions, services.fills, at_once=0
    )

    soon = services.progress.overview(wait=False)
    services.progress._open_suggestions.task.settle()
    later = services.progress.overview(wait=False)

    assert (soon["about"], soon["counts"]["suggestions"]) == (True, 1234)
    assert soon["counts"]["conflicts"] is None
    assert [c["suggested"] for c in soon["categories"]] == [None] * CATEGORIES
    assert (later["about"], later["counts"]["suggestions"]) == (False, 9)
    assert later == services.progress.overview()


def test_the_slow_parts_come_without_waiting_as_the_same_figures(
    services: Services, answer: Answer
) -> None:
    answer("a", (1, 1, "present"))
    parts = {
        "trends": (services.progress.latest_trends, services.progress.trends),
        "goal": (services.stopping.latest, services.stopping.report),
        "quality": (services.quality.latest, services.quality.report),
    }
    found = {name: (soon(), report()) for name, (soon, report) in parts.items()}

    assert all(soon.figures == report for soon, report in found.values())
    assert not any(soon.outdated for soon, _ in found.values())


def test_labels_that_change_without_an_operation_are_noticed(
    services: Services, six_scores: Any, publish: Publish, answer: Answer
) -> None:
    publish(six_scores)
    answer("a", (1, 1, "present"), (2, 1, "present"), (2, 2, "absent"))
    before = services.progress.state()["suggestions"]

    services.curation.merge(1, into=2)  # dogs take the cats' two labels over
    merged = services.progress.state()["suggestions"]
    services.curation.split(1)

    assert (before, merged) == (6, 4)
    assert services.progress.state()["suggestions"] == 6


def test_a_bit_of_a_pair_leaves_its_neighbours_alone() -> None:
    labelled = Labelled(2, 11)
    labelled.mark(np.array([0, 1, 1]), np.array([10, 3, 3]))
    other = labelled.copy()

    labelled.clear(np.array([1, 1, 0]), np.array([3, 3, 9]))
    labelled.mark(np.array([1]), np.array([4]))

    assert np.argwhere(labelled.rows(0, 2)).tolist() == [[0, 10], [1, 4]]
    assert np.argwhere(other.rows(0, 2)).tolist() == [[0, 10], [1, 3]]
    assert labelled.contains(np.array([0, 0, 1]), np.array([10, 9, 4])).tolist() == [
        True,
        False,
        True,
    ]


def test_what_the_model_is_unsure_of_lies_between_the_sure_probabilities(
    services: Services, publish: Publish
) -> None:
    scores = np.full((IMAGES, CATEGORIES), 5.0)
    scores[0, 0], scores[1, 0], scores[2, 0] = 0.0, -5.0, 2.0  # sigmoid(2) = 0.88
    publish(scores, ranked=(2,))

    with services.store.reading() as tx:
        found = services.progress._open_suggestions.now(tx)

    assert found.unsure.tolist() == [2, 0, 6]  # of a ranked category, all that is suggested


def test_the_live_loss_is_kept_step_by_step_and_thinned(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "LOSSES", most := 20)
    now = services.progress._clock()
    with services.store.writing() as tx:
        jobs.beat(tx, "worker", {}, now)
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "worker", [JobKind.TRAIN], now)
    assert job is not None
    for step in range(1, most + 2):
        with services.store.writing() as tx:
            progress = {"stage": "learning", "done": step, "total": 900, "loss": 1 / step}
            jobs.heartbeat(tx, job, {**progress, "epoch": step, "epochs": 900}, now)
        trainer = services.progress.state()["trainer"]
        services.progress.state()  # a second tab sees the same step

    losses = services.progress.losses()

    assert (trainer["epoch"], trainer["epochs"]) == (most + 1, 900)
    assert [x["step"] for x in losses[:3]] == [1, 3, 5]
    assert len(losses) == most // 2 + 1


def test_training_asks_for_what_was_chosen(services: Services, answer: Answer) -> None:
    with pytest.raises(NotReady, match="nothing to learn from"):
        services.training.train("Ann")
    answer("a", (1, 1, "present"))

    asked = services.training.train("Ann", method="sarb", finetune=False)

    with services.store.reading() as tx:
        job = jobs.get(tx, asked["job"])
    assert job.options == {"method": "sarb", "finetune": False}
    assert services.training.cancel()["message"] == "The train job will stop shortly."
    with pytest.raises(NotFound, match="kernel_ridge"):
        training_options("nonsense")
    assert {m["name"] for m in services.training.choices()["methods"]} == set(METHODS) - {"auto"}


def test_going_back_skips_versions_that_were_never_in_use(
    services: Services, six_scores: Any, publish: Publish
) -> None:
    worse = compare(
        np.tile(np.linspace(0, 1, 200, dtype=np.float32), (2, 1)).T,
        np.tile(np.linspace(1, 0, 200, dtype=np.float32), (2, 1)).T,
        np.tile(np.repeat([PRESENT, ABSENT], 100).astype(np.int8), (2, 1)).T,
        old_number=1,
    )
    assert not worse.promote
    nothing = services.training.report()["back_to"]

    publish(six_scores)
    publish(six_scores, promote=False, note=worse.note)
    publish(six_scores)

    assert nothing is None
    assert services.training.report()["back_to"] == 1
    services.training.promote("Ann", 1)
    with services.store.reading() as tx:
        assert predecessor(versions.every(tx)) is None


def test_the_counts_follow_the_answers(
    services: Services, six_scores: Any, publish: Publish, answer: Answer
) -> None:
    publish(six_scores)
    answer("a", (1, 1, "present"))

    counts = services.progress.overview()["counts"]

    assert (counts["answered"], counts["open"], counts["suggestions"]) == (1, 17, 8)


def test_a_trainer_that_was_just_started_is_starting_and_not_stopped(
    services: Services, clock: Any
) -> None:
    never = services.progress.state()["trainer"]

    services.progress.trainer_process = TrainerProcess(["trainer"])
    starting = services.progress.state()["trainer"]
    with services.store.writing() as tx:
        jobs.beat(tx, "worker", {}, clock())
    alive = services.progress.state()["trainer"]

    assert [row["state"] for row in (never, starting, alive)] == ["off", "starting", "idle"]
    assert [row["worker_alive"] for row in (never, starting, alive)] == [False, False, True]
    assert starting["message"] == "The trainer is starting."
