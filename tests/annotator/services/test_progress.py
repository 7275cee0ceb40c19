from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from annotator.arrays import versions as version_files
from annotator.arrays.versions import Queue, VersionParameters
from annotator.domain import JobKind, JobState
from annotator.errors import NotFound, NotReady
from annotator.services import comparison, growth, trends, waiting
from annotator.services.app import Services
from annotator.services.progress import LOSSES
from annotator.services.training_control import METHODS, predecessor, training_options
from annotator.services.waiting import Labelled, Waiting
from annotator.store import answers, categories, images, jobs, versions
from annotator.store.activity import Growth, Pace
from annotator.worker.verdict import compare
from mlrpl.labels import ABSENT, PRESENT

IMAGES, CATEGORIES = 6, 3
ABOVE, BELOW = 3.0, -3.0


def publish(
    services: Services,
    scores: Any,
    *,
    method: str = "hst",
    promote: bool = True,
    ranked: tuple[int, ...] = (),
    note: str = "",
    **metrics: Any,
) -> int:
    """Make a version with raw scores `(6, 3)`; present is suggested from 0 on."""
    now = services.progress._clock()
    with services.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "test", [JobKind.TRAIN], now)
        assert job is not None
        number = versions.reserve(
            tx,
            job,
            method=method,
            backbone="none",
            trained_answers=0,
            trained_present=0,
            last_operation=0,
            now=now,
        )
    version_files.write(
        version_files.folder(services.project, number),
        VersionParameters(
            method=method,
            backbone="none",
            category_ordinals=tuple(range(CATEGORIES)),
            slope=1.0,
            intercepts=(0.0,) * CATEGORIES,
            thresholds=(0.0,) * CATEGORIES,
            ranked_only=ranked,
        ),
        np.asarray(scores, dtype=np.float32),
        Queue(np.arange(IMAGES, dtype=np.int32), np.full((CATEGORIES, 1), -1, dtype=np.int32)),
        {},
        save_weights=lambda path: path.write_bytes(b""),
    )
    with services.store.writing() as tx:
        versions.publish(
            tx,
            job,
            number,
            metrics=metrics,
            training_seconds=1.0,
            promote=promote,
            note=note,
            now=now,
        )
        jobs.finish(tx, job, JobState.DONE, "", now)
    return number


def answer(
    services: Services, op: str, *pairs: tuple[int, int, str], who: str = "Ann", **more: Any
) -> None:
    changes = [{"image": i, "category": c, "state": s} for i, c, s in pairs]
    services.recording.save(who, {"op": op, "kind": "answer", "changes": changes, **more})


@pytest.fixture
def scores() -> Any:
    """Everything is suggested but what lies below the diagonal."""
    found = np.full((IMAGES, CATEGORIES), ABOVE)
    found[3:] = BELOW
    return found


def test_every_answer_undo_and_redo_moves_the_number_of_waiting_suggestions(
    services: Services, scores: Any
) -> None:
    publish(services, scores)
    before = services.progress.state()["suggestions"]

    answer(services, "a", (1, 1, "present"), (1, 2, "absent"), (5, 1, "absent"))
    answered = services.progress.state()["suggestions"]
    services.recording.undo("Ann", {"op": "b"})
    undone = services.progress.state()["suggestions"]
    services.recording.redo("Ann", {"op": "c"})
    redone = services.progress.state()["suggestions"]

    assert (before, answered, undone, redone) == (9, 7, 9, 7)
    assert services.progress.overview()["counts"]["suggestions"] == 7


def test_the_followed_counts_are_those_of_counting_anew(services: Services, scores: Any) -> None:
    publish(services, scores + np.arange(CATEGORIES) * 0.7 - 3.5)
    services.progress.state()
    answer(services, "a", (1, 1, "present"), (2, 2, "absent"))
    with services.store.reading() as tx:
        seen = answers.labels_of(tx, [1])[1][0].answer_id
    change = {"image": 1, "category": 1, "state": "absent", "seen": seen}
    services.recording.save("Bob", {"op": "b", "kind": "answer", "changes": [change]})
    answer(services, "c", (2, 2, "cleared"), (4, 3, "unsure"))

    with services.store.reading() as tx:
        followed = services.progress._waiting.now(tx)
        anew = Waiting(services.store, services.suggestions).now(tx)

    assert followed.suggested.tolist() == anew.suggested.tolist()
    assert followed.unsure.tolist() == anew.unsure.tolist()
    assert followed.conflicts == anew.conflicts == 1


def test_many_changes_at_once_are_counted_anew(
    services: Services, scores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(services, scores)
    services.progress.state()
    monkeypatch.setattr(waiting, "FEW_CHANGES", 1)

    answer(services, "a", (1, 1, "present"), (1, 2, "absent"))

    assert services.progress.state()["suggestions"] == 7


def test_a_new_version_and_a_new_category_are_counted(services: Services, scores: Any) -> None:
    publish(services, scores)
    first = services.progress.state()["suggestions"]

    publish(services, -scores)
    second = services.progress.state()["suggestions"]
    with services.store.writing() as tx:
        categories.add(tx, [categories.NewCategory("fish")])
    third = services.progress.overview()

    assert (first, second) == (9, 9)
    assert [c["suggested"] for c in third["categories"]] == [3, 3, 3, 0]


def test_a_large_project_gives_the_versions_own_figure_until_it_has_counted(
    services: Services, scores: Any
) -> None:
    publish(services, scores, suggestions=1234)
    services.progress._waiting = Waiting(services.store, services.suggestions, at_once=0)

    soon = services.progress.state()
    services.progress._waiting.settle()
    later = services.progress.state()

    assert (soon["suggestions"], soon["suggestions_about"]) == (1234, True)
    assert (later["suggestions"], later["suggestions_about"]) == (9, False)


def test_the_page_of_a_large_project_opens_before_its_suggestions_are_counted(
    services: Services, scores: Any
) -> None:
    publish(services, scores, suggestions=1234)
    services.progress._waiting = Waiting(services.store, services.suggestions, at_once=0)

    soon = services.progress.overview(soon=True)
    services.progress._waiting.settle()
    later = services.progress.overview(soon=True)

    assert (soon["about"], soon["counts"]["suggestions"]) == (True, 1234)
    assert soon["counts"]["conflicts"] is None
    assert [c["suggested"] for c in soon["categories"]] == [None] * CATEGORIES
    assert (later["about"], later["counts"]["suggestions"]) == (False, 9)
    assert later == services.progress.overview()


def test_the_slow_parts_come_without_waiting_as_the_same_figures(services: Services) -> None:
    answer(services, "a", (1, 1, "present"))
    parts = {
        "trends": (services.progress.trends_soon, services.progress.trends),
        "goal": (services.stopping.soon, services.stopping.report),
        "quality": (services.quality.soon, services.quality.report),
    }
    found = {name: (soon(), report()) for name, (soon, report) in parts.items()}

    assert all(soon["figures"] == report for soon, report in found.values())
    assert not any(soon["behind"] for soon, _ in found.values())


def test_labels_that_change_without_an_operation_are_noticed(
    services: Services, scores: Any
) -> None:
    publish(services, scores)
    answer(services, "a", (1, 1, "present"))
    services.progress.state()

    with services.store.writing() as tx:  # as a merge of categories does
        tx.exec_driver_sql("delete from label")
        tx.exec_driver_sql("update category set present_count = 0")

    assert services.progress.state()["suggestions"] == 9


def test_a_bit_of_a_pair_leaves_its_neighbours_alone() -> None:
    labelled = Labelled(2, 11)
    labelled.mark(np.array([0, 1, 1]), np.array([10, 3, 3]))
    other = labelled.copy()

    labelled.put(1, 3, False)
    labelled.put(1, 4, True)

    assert np.argwhere(labelled.rows(0, 2)).tolist() == [[0, 10], [1, 4]]
    assert np.argwhere(other.rows(0, 2)).tolist() == [[0, 10], [1, 3]]
    assert labelled.has(0, 10)
    assert not labelled.has(0, 9)


def test_what_the_model_is_unsure_of_lies_between_the_sure_probabilities(
    services: Services,
) -> None:
    scores = np.full((IMAGES, CATEGORIES), 5.0)
    scores[0, 0], scores[1, 0], scores[2, 0] = 0.0, -5.0, 2.0  # sigmoid(2) = 0.88
    publish(services, scores, ranked=(2,))

    with services.store.reading() as tx:
        found = services.progress._waiting.now(tx)

    assert found.unsure.tolist() == [2, 0, 6]  # of a ranked category, all that is suggested


def test_the_live_loss_is_kept_step_by_step_and_thinned(services: Services) -> None:
    now = services.progress._clock()
    with services.store.writing() as tx:
        jobs.beat(tx, "worker", {}, now)
        jobs.enqueue(tx, JobKind.TRAIN, {}, now)
        job = jobs.claim(tx, "worker", [JobKind.TRAIN], now)
    assert job is not None
    for step in range(1, LOSSES + 2):
        with services.store.writing() as tx:
            progress = {"stage": "learning", "done": step, "total": 900, "loss": 1 / step}
            jobs.heartbeat(tx, job, {**progress, "epoch": step, "epochs": 900}, now)
        trainer = services.progress.state()["trainer"]
        services.progress.state()  # a second tab sees the same step

    losses = services.progress.losses()

    assert (trainer["epoch"], trainer["epochs"]) == (LOSSES + 1, 900)
    assert [x["step"] for x in losses[:3]] == [1, 3, 5]
    assert len(losses) == LOSSES // 2 + 1


def test_training_asks_for_what_was_chosen(services: Services) -> None:
    with pytest.raises(NotReady, match="nothing to learn from"):
        services.training.train("Ann")
    answer(services, "a", (1, 1, "present"))

    asked = services.training.train("Ann", method="sarb", finetune=False)

    with services.store.reading() as tx:
        job = jobs.get(tx, asked["job"])
    assert job.options == {"method": "sarb", "finetune": False}
    assert services.training.cancel()["message"] == "The train job will stop shortly."
    with pytest.raises(NotFound, match="kernel_ridge"):
        training_options("nonsense")
    assert {m["name"] for m in services.training.choices()["methods"]} == set(METHODS)


def test_going_back_skips_versions_that_were_never_in_use(services: Services, scores: Any) -> None:
    worse = compare(
        np.tile(np.linspace(0, 1, 200, dtype=np.float32), (2, 1)).T,
        np.tile(np.linspace(1, 0, 200, dtype=np.float32), (2, 1)).T,
        np.tile(np.repeat([PRESENT, ABSENT], 100).astype(np.int8), (2, 1)).T,
        old_number=1,
    )
    assert not worse.promote
    nothing = services.training.report()["back_to"]

    publish(services, scores)
    publish(services, scores, promote=False, note=worse.note)
    publish(services, scores)

    assert nothing is None
    assert services.training.report()["back_to"] == 1
    services.training.promote("Ann", 1)
    with services.store.reading() as tx:
        assert predecessor(versions.every(tx)) is None


def test_changes_count_open_pairs_only_and_show_the_strongest_image_first(
    services: Services, scores: Any
) -> None:
    publish(services, scores)
    changed = scores.copy()
    changed[0, 0] = -0.1  # disappears, weakly
    changed[4, 1] = 9.0  # appears, strongly
    changed[5, 2] = 9.0  # is answered
    publish(services, changed)
    answer(services, "a", (6, 3, "present"))

    found = services.comparison.changes(1, 2)

    assert (found["appeared"], found["disappeared"]) == (1, 1)
    assert [(c["name"], c["appeared"], c["disappeared"]) for c in found["categories"]] == [
        ("cat", 0, 1),
        ("dog", 1, 0),
    ]
    assert [(i["category"], i["appeared"]) for i in found["images"]] == [
        ("dog", True),
        ("cat", False),
    ]
    with services.store.reading() as tx:
        assert [i["id"] for i in found["images"]] == [images.order(tx)[4], images.order(tx)[0]]


def test_only_the_strongest_images_are_kept(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "TOP_IMAGES", 2)
    monkeypatch.setattr(comparison, "CHUNK", 2)
    publish(services, np.full((IMAGES, CATEGORIES), BELOW))
    publish(services, np.arange(1.0, 1 + IMAGES)[:, None] + np.zeros(CATEGORIES))

    found = services.comparison.changes(1, 2)

    assert found["appeared"] == IMAGES * CATEGORIES
    with services.store.reading() as tx:
        order = images.order(tx)
    assert [i["id"] for i in found["images"]] == [order[5], order[4]]


def test_a_version_whose_scores_were_deleted_says_so(services: Services, scores: Any) -> None:
    publish(services, scores)
    publish(services, scores)
    version_files.delete_arrays(version_files.folder(services.project, 1))

    with pytest.raises(NotFound, match="version 1 were deleted"):
        services.comparison.changes(1, 2)
    assert [v["arrays"] for v in services.training.report()["versions"]] == [False, True]


def hold_out(services: Services) -> None:
    with services.store.writing() as tx:
        tx.exec_driver_sql("update image set fold = 0")


def test_methods_are_measured_on_the_same_held_out_answers(services: Services) -> None:
    right = np.tile(np.arange(IMAGES)[:, None], (1, CATEGORIES))
    publish(services, -right, method="sarb", map=0.9)
    publish(services, right, method="hst", map=0.1)
    publish(services, right, method="kernel_ridge", map=0.7)
    version_files.delete_arrays(version_files.folder(services.project, 3))
    hold_out(services)
    truth = [(n + 1, 1, "present" if n >= 3 else "absent") for n in range(IMAGES)]
    answer(services, "a", *truth)

    found = services.comparison.methods()

    assert (found["pairs"], found["categories"], found["images"]) == (6, 1, 6)
    rows = {m["method"]: m for m in found["methods"]}
    assert rows["hst"]["map"] == 1.0
    assert rows["sarb"]["map"] < 0.5
    assert (rows["kernel_ridge"]["map"], rows["kernel_ridge"]["measured_now"]) == (0.7, False)


def test_without_held_out_answers_methods_keep_their_recorded_figures(
    services: Services, scores: Any
) -> None:
    assert services.comparison.methods()["methods"] == []
    publish(services, scores, map=0.5)

    found = services.comparison.methods()

    assert found["pairs"] == 0
    assert found["methods"][0]["map"] == 0.5


def test_a_probability_is_held_against_the_share_of_present_answers() -> None:
    probability = np.array([0.05, 0.05, 0.85, 0.85, 0.85, 1.0])
    present = np.array([False, False, True, True, False, True])

    rows = trends.reliability(probability, present)

    assert [(r["low"], r["answers"]) for r in rows] == [(0.0, 2), (0.8, 3), (0.9, 1)]
    assert rows[1]["observed"] == pytest.approx(2 / 3)
    assert rows[0]["observed_low"] == 0.0
    assert 0.2 < rows[1]["observed_low"] < 0.25  # Wilson's interval of 2 in 3: 0.21 to 0.94
    assert rows[1]["observed_high"] == pytest.approx(0.939, abs=0.001)


def test_the_calibration_needs_thirty_present_held_out_answers_and_leaves_rankings_out(
    services: Services, scores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(services, scores, ranked=(2,))
    hold_out(services)
    pairs = [(i, c, "present") for i in range(1, 7) for c in (1, 2, 3)]
    answer(services, "a", *pairs)

    few = services.progress.trends()["calibration"]
    monkeypatch.setattr(trends, "CALIBRATION_PRESENT", 12)
    answer(services, "b", (1, 1, "absent"))
    answer(services, "c", (1, 1, "present"))
    services.progress._trends._rested._until = 0.0
    enough = services.progress.trends()["calibration"]

    assert (few["present"], few["bins"]) == (12, [])
    assert [(b["low"], b["answers"], b["observed"]) for b in enough["bins"]] == [
        (0.0, 6, 1.0),
        (0.9, 6, 1.0),
    ]


def test_blind_answers_come_before_held_out_ones_where_there_are_enough(
    services: Services, scores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(services, scores, prior_shift={"0": 0.2})
    hold_out(services)
    answer(services, "a", *((i, 1, "present") for i in range(1, 7)))
    for question in services.probing.card("Ann", "c")["questions"]:
        said = {"probe": question["probe"], "card": "c", "state": "present", "ms": 900}
        services.probing.answer("Ann", said)
    monkeypatch.setattr(trends, "CALIBRATION_PRESENT", 6)
    few = services.progress.trends()["calibration"]
    monkeypatch.setattr(trends, "MIN_PROBES", 10)
    answer(services, "b", (1, 1, "absent"))

    enough = services.progress.trends()["calibration"]

    assert (few["on"], few["answers"], few["seen"]) == ("held_out", 6, False)
    assert (enough["on"], enough["answers"], enough["seen"]) == ("probes", 10, True)
    told = sum(b["answers"] * abs(b["predicted"] - b["observed"]) for b in enough["bins"])
    assert enough["error"] == pytest.approx(told / 10)


def test_the_percentages_of_a_version_that_is_not_in_use_are_measured_too(
    services: Services, scores: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(services, scores, ece=0.1, ece_on="held_out", ece_pairs=70)
    publish(services, -scores)
    hold_out(services)
    answer(services, "a", *((i, 1, "present") for i in range(1, 7)))
    monkeypatch.setattr(trends, "CALIBRATION_PRESENT", 6)

    older = services.comparison.calibration(1)
    newer = services.comparison.calibration(2)

    assert [(b["low"], b["answers"]) for b in older["bins"]] == [(0.0, 3), (0.9, 3)]
    assert (older["version"], older["ece"], newer["ece"]) == (1, 0.1, None)
    assert newer == services.progress.trends()["calibration"]


def pace(**changes: Any) -> Pace:
    values: dict[str, Any] = {
        "name": "Ann",
        "decisions": 0,
        "active_seconds": 0.0,
        "single_decisions": 0,
        "single_seconds": 0.0,
        "median_seconds": None,
        "present": 0,
        "absent": 0,
        "checks": 0,
        "checks_agreed": 0,
    }
    return Pace(**{**values, **changes})


def test_the_remaining_time_is_that_of_single_decisions_and_needs_fifty() -> None:
    few = pace(single_decisions=49, single_seconds=100.0, decisions=900, active_seconds=900.0)
    enough = pace(single_decisions=60, single_seconds=150.0, decisions=900, active_seconds=900.0)

    left = trends.remaining([enough], 4300, 2)

    assert trends.remaining([few], 4300, 2) is None
    assert trends.remaining([enough], None, 2) is None
    assert left is not None
    assert left["per_minute"] == 24
    assert left["seconds"] == 10_750
    assert left["untaught"] == 2


def test_the_growth_ends_with_now_and_suggestions_stand_until_the_next_version() -> None:
    start = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
    hours = [start + timedelta(hours=h) for h in (0, 0.1, 20)]
    grown = Growth(hours, np.array([1, 2, 5]), np.array([0, 4, 4]))

    row = growth.growth_row(grown, start, [], start + timedelta(hours=30))

    assert row["step"] == "hour"
    assert [(p["at"][:16], p["present"], p["absent"]) for p in row["points"]] == [
        ("2026-01-01T10:30", 0, 0),
        ("2026-01-01T11:00", 2, 4),
        ("2026-01-02T07:00", 5, 4),
        ("2026-01-02T16:30", 5, 4),
    ]
    assert growth.step_of(timedelta(hours=1))[0] == "minute"


def test_the_report_of_an_empty_project_has_every_part(services: Services) -> None:
    found = services.progress.trends()

    assert found["growth"] == {"step": "", "points": [], "suggested": []}
    assert found["people"] == []
    assert found["remaining"] is None
    assert found["calibration"]["bins"] == []


def test_trends_follow_answers_but_rest_after_a_long_count(services: Services, clock: Any) -> None:
    answer(services, "a", (1, 1, "present"), ms=2000)
    clock.forward(5)
    first = services.progress.trends()
    answer(services, "b", (1, 2, "present"), ms=2000, at=clock().isoformat())
    services.progress._trends._rested._until = float("inf")
    resting = services.progress.trends()
    services.progress._trends._rested._until = 0.0
    later = services.progress.trends()

    assert first is resting
    assert [p["answers"] for p in later["people"]] == [2]
    assert later["growth"]["points"][-1]["present"] == 2


def test_the_counts_follow_the_answers(services: Services, scores: Any) -> None:
    publish(services, scores)
    answer(services, "a", (1, 1, "present"))

    counts = services.progress.counts()

    assert (counts.answered, counts.open, counts.suggestions) == (1, 17, 8)
