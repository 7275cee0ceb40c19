"""Training jobs from answers to a published version, and what may go wrong on the way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.domain import Job, JobKind, JobState, OperationKind, Source, State
from annotator.errors import LeaseLost, NotFound, NotReady
from annotator.settings import Asking, Retraining, changed
from annotator.store import annotators, categories, jobs, versions, visits
from annotator.worker import publishing, training
from annotator.worker.job_control import Cancelled, Control
from annotator.worker.learner import Learner
from annotator.worker.pruning import prune
from mlrpl.decision.acquisition import Costs

NAMES = ("dog", "cat", "car")
QUICK = {"method": "partial_bce", "epochs": 15, "options": {"names": False}}


def world(made, count: int = 300):
    """Add images whose features tell the truth about three categories, and return it."""
    rng = np.random.default_rng(0)
    truth = rng.random((count, 3)) < 0.25
    axes = np.linalg.qr(rng.normal(size=(16, 16)))[0][:3]
    pooled = rng.normal(size=(count, 16)) * 0.35 + truth @ axes * 2 + 0.1
    ids = made.add_images(f"{i}.png" for i in range(count))
    category_ids = made.add_categories(*NAMES)
    made.add_features(pooled.astype(np.float32))
    return truth, ids, category_ids


def answer_all(made, truth, ids, category_ids, rows, *, absent: bool = True, **options) -> None:
    made.answer(
        [
            (ids[i], c, State.PRESENT if truth[i, j] else State.ABSENT)
            for i in rows
            for j, c in enumerate(category_ids)
            if absent or truth[i, j]
        ],
        **options,
    )


def claimed(made, worker: str = "me", **options: object) -> Job:
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {**QUICK, **options}, made.clock())
        job = jobs.claim(tx, worker, [JobKind.TRAIN], made.clock())
        assert job is not None
        return job


def train(made, **options: object) -> str:
    line = Control(made.store, claimed(made, **options), clock=made.clock)
    try:
        return training.run(made.project, line, "cpu")
    finally:
        if not line.finished:
            with made.store.writing() as tx:
                jobs.finish(tx, line.job, JobState.DONE, "", made.clock())


def newest(made):
    with made.store.reading() as tx:
        version = versions.every(tx)[-1]
    return version, files.read(files.folder(made.project, version.number))


def test_a_version_is_trained_published_and_promoted(made) -> None:
    truth, ids, category_ids = world(made)
    answer_all(made, truth, ids, category_ids, range(150))

    message = train(made)

    version, arrays = newest(made)
    assert message.startswith("Version 1 was trained on")
    assert (version.promoted, version.note) == (True, "The first version.")
    assert (version.method, version.backbone) == ("partial_bce", "efficientnet-lite0")
    assert version.trained_answers == 450
    assert version.trained_present == truth[:150].sum()
    assert version.metrics["map"] > 0.9
    assert version.metrics["map_low"] <= version.metrics["map"] <= version.metrics["map_high"]
    assert version.metrics["held_out_pairs"] == 45  # fifteen images of fold 0
    assert version.metrics["held_out_present"] == truth[:150:10].sum()
    assert arrays.parameters.ranked_only == ()
    assert len(version.metrics["history"]) == QUICK["epochs"]
    stored = json.loads((files.folder(made.project, 1) / "metrics.json").read_text())
    assert stored == version.metrics

    unseen = np.arange(150, 300)
    suggested = arrays.suggested(arrays.scores[unseen])
    bars = arrays.bars(arrays.scores[unseen])
    assert (suggested == (bars >= 0.5)).all()
    assert (suggested == truth[unseen]).mean() > 0.93
    assert set(arrays.image_order.tolist()) == set(unseen.tolist())


def test_held_out_answers_never_change_what_is_learned(made) -> None:
    truth, ids, category_ids = world(made, 120)
    rows = [i for i in range(120) if i % 10 != 0]
    answer_all(made, truth, ids, category_ids, rows)
    train(made)
    _, before = newest(made)

    answer_all(made, ~truth, ids, category_ids, range(0, 120, 10))
    train(made)
    version, after = newest(made)

    assert version.number == 2
    np.testing.assert_array_equal(after.scores, before.scores)
    assert after.parameters.intercepts == before.parameters.intercepts
    assert version.metrics["map"] < 0.5  # they were all wrong


def test_positives_alone_are_learned_from_and_suggest_little(made) -> None:
    truth, ids, category_ids = world(made)
    answer_all(
        made, truth, ids, category_ids, range(150), absent=False,
        source=Source.IMPORTED, kind=OperationKind.IMPORT,
    )  # fmt: skip

    train(made)

    version, arrays = newest(made)
    is_open = ~(truth & (np.arange(300) < 150)[:, None])
    suggested = arrays.suggested(np.asarray(arrays.scores))
    assert arrays.parameters.ranked_only == (0, 1, 2)
    assert version.metrics["map"] is None
    assert "present and 3 absent" in version.metrics["reason"]
    assert np.isfinite(arrays.scores).all()
    assert 0 < (suggested & is_open).sum() <= 0.15 * is_open.sum()
    assert version.metrics["suggestions"] == (suggested & is_open).sum()
    assert truth[suggested].mean() > 0.9
    assert (arrays.bars(arrays.scores) <= 1).all()


def test_a_category_without_a_present_answer_gets_no_suggestion(made) -> None:
    truth, ids, category_ids = world(made, 60)
    made.answer([(ids[i], category_ids[0], State.PRESENT) for i in np.flatnonzero(truth[:, 0])[:9]])
    made.answer([(ids[i], category_ids[1], State.ABSENT) for i in range(9)])

    train(made)

    _, arrays = newest(made)
    assert np.isfinite(arrays.scores[:, 0]).all()
    assert np.isnan(arrays.scores[:, 1:]).all()
    assert not arrays.suggested(arrays.scores)[:, 1:].any()
    assert arrays.parameters.ranked_only == (0, 1, 2)  # nine present answers are too few


def test_one_category_and_one_answer_are_enough(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = made.add_images(["a.png", "b.png"], fold=lambda i: i + 1)
    made.add_features(np.eye(2, 8, dtype=np.float32) + 0.5)
    made.answer([(ids[0], dog, State.PRESENT)])

    train(made)

    _, arrays = newest(made)
    assert np.isfinite(arrays.scores).all()


def test_a_method_that_reads_token_maps_is_given_them(made) -> None:
    truth, ids, category_ids = world(made, 60)
    answer_all(made, truth, ids, category_ids, range(60))

    message = train(made, method="hst", epochs=1, options={})

    version, arrays = newest(made)
    assert message.startswith("Version 1 was trained on 54 images")
    assert version.method == "hst"
    assert np.isfinite(arrays.scores).all()


def test_a_method_that_reads_token_maps_is_refused_without_them(made) -> None:
    ids = made.add_images(["a.png"], fold=lambda _: 1)
    (dog,) = made.add_categories("dog")
    made.answer([(ids[0], dog, State.PRESENT)])
    files_of = FeatureFiles.create(
        made.project.features_path, backbone="efficientnet-lite0", pooled_dim=6, rows=1
    )
    files_of.write(np.array([0]), np.ones((1, 6)), np.zeros((1, 0, 0)), np.eye(1, 128))

    with pytest.raises(NotReady, match="hst cannot be used here: hst needs token maps"):
        train(made, method="hst", options={})


def test_archived_categories_conflicts_and_images_without_features_take_no_part(made) -> None:
    truth, ids, category_ids = world(made, 60)
    answer_all(made, truth, ids, category_ids, range(60))
    made.answer([(ids[1], category_ids[1], State.PRESENT), (ids[1], category_ids[1], State.ABSENT)])
    made.add_images([f"{i}.png" for i in range(60)] + ["late.png"])
    with made.store.writing() as tx:
        categories.archive(tx, category_ids[0], True)

    train(made)

    _, arrays = newest(made)
    assert arrays.parameters.category_ordinals == (1, 2)
    assert arrays.scores.shape == (60, 2)


@pytest.mark.parametrize(
    ("answered", "message"),
    [
        (None, "Nothing to learn from yet: answer a few pairs first"),
        (State.ABSENT, "no image outside the held-out tenth has a present answer"),
    ],
)
def test_too_little_to_learn_from_is_told(made, answered, message: str) -> None:
    _, ids, category_ids = world(made, 20)
    if answered:
        made.answer([(ids[1], category_ids[0], answered)])

    with pytest.raises(NotReady, match=message):
        train(made)

    with made.store.reading() as tx:
        assert versions.every(tx) == []
    assert list(made.project.path.glob("versions/*")) == []


def test_an_unknown_method_is_refused_with_those_there_are(made) -> None:
    world(made, 20)

    with pytest.raises(NotFound, match=r"no method 'magic'; known: .*partial_bce"):
        train(made, method="magic")


def test_an_unknown_option_is_refused_with_those_there_are(made) -> None:
    truth, ids, category_ids = world(made, 20)
    answer_all(made, truth, ids, category_ids, range(20))

    with pytest.raises(NotReady, match=r"no option 'magic'; known: .*penalty"):
        train(made, options={"magic": 1})


def test_a_cancelled_training_publishes_nothing(made) -> None:
    truth, ids, category_ids = world(made, 100)
    answer_all(made, truth, ids, category_ids, range(100))
    job = claimed(made, epochs=100_000)

    def cancel(progress) -> None:
        if progress["stage"] == "learning":
            with made.store.writing() as tx:
                jobs.request_cancel(tx, job.id)
            control.heartbeat()

    control = Control(made.store, job, clock=made.clock, on_progress=cancel)

    with pytest.raises(Cancelled):
        training.run(made.project, control, "cpu")

    with made.store.reading() as tx:
        assert versions.every(tx) == []


def test_a_worker_that_was_thought_dead_cannot_publish(made) -> None:
    truth, ids, category_ids = world(made, 100)
    answer_all(made, truth, ids, category_ids, range(100))
    zombie = claimed(made, "zombie")

    def take_over(progress) -> None:
        if progress["stage"] != "writing":
            return
        made.clock.forward(61)
        with made.store.writing() as tx:
            second = jobs.claim(tx, "second", [JobKind.TRAIN], made.clock())
        assert second is not None
        training.run(made.project, Control(made.store, second, clock=made.clock), "cpu")

    control = Control(made.store, zombie, clock=made.clock, on_progress=take_over)

    with pytest.raises(LeaseLost):
        training.run(made.project, control, "cpu")

    with made.store.reading() as tx:
        assert [v.number for v in versions.every(tx)] == [1]


def test_a_worker_overtaken_while_it_wrote_its_files_cannot_publish_them(made) -> None:
    truth, ids, category_ids = world(made, 100)
    answer_all(made, truth, ids, category_ids, range(100))
    zombie = claimed(made, "zombie")
    control = Control(made.store, zombie, clock=made.clock)
    fine = control.check

    def check() -> None:
        fine()
        if files.is_ready(files.folder(made.project, 1)):
            made.clock.forward(61)
            with made.store.writing() as tx:
                assert jobs.claim(tx, "second", [JobKind.TRAIN], made.clock()) is not None

    control.check = check  # type: ignore[method-assign]

    with pytest.raises(LeaseLost):
        training.run(made.project, control, "cpu")

    with made.store.reading() as tx:
        assert versions.every(tx) == []
        assert versions.promoted(tx) is None


def test_a_worse_version_is_kept_but_not_promoted(made) -> None:
    truth, ids, category_ids = world(made, 900)
    answer_all(made, truth, ids, category_ids, range(0, 900, 10))
    answer_all(made, truth, ids, category_ids, [i for i in range(300) if i % 10])
    train(made)

    answer_all(made, ~truth, ids, category_ids, [i for i in range(300, 900) if i % 10])
    message = train(made)

    version, _ = newest(made)
    with made.store.reading() as tx:
        promoted = versions.promoted(tx)
    assert promoted is not None
    assert (promoted.number, version.number, version.promoted) == (1, 2, False)
    assert version.note.startswith("Not promoted: ")
    assert version.note in message


def test_a_version_is_published_and_its_job_finished_together(made, monkeypatch) -> None:
    truth, ids, category_ids = world(made, 60)
    answer_all(made, truth, ids, category_ids, [i for i in range(60) if i % 10])
    line = Control(made.store, claimed(made), clock=made.clock)
    finish = jobs.finish

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "finish", killed)
    with pytest.raises(KeyboardInterrupt):
        training.run(made.project, line, "cpu")
    with made.store.reading() as tx:
        assert (versions.every(tx), jobs.get(tx, line.job.id).state) == ([], JobState.RUNNING)
    monkeypatch.setattr(jobs, "finish", finish)

    message = training.run(made.project, line, "cpu")

    with made.store.reading() as tx:
        job, (version,) = jobs.get(tx, line.job.id), versions.every(tx)
    assert (job.state, job.message, line.finished) == (JobState.DONE, message, True)
    assert str(version.number) in message


def test_a_version_stays_when_older_ones_cannot_be_pruned(made, monkeypatch) -> None:
    truth, ids, category_ids = world(made, 60)
    answer_all(made, truth, ids, category_ids, [i for i in range(60) if i % 10])

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(publishing, "prune", full)
    job = claimed(made)
    message = training.run(made.project, Control(made.store, job, clock=made.clock), "cpu")

    with made.store.reading() as tx:
        assert (jobs.get(tx, job.id).state, jobs.get(tx, job.id).message) == ("done", message)
        assert versions.promoted(tx) is not None


def test_scores_that_are_no_numbers_make_no_version(made, monkeypatch) -> None:
    truth, ids, category_ids = world(made, 60)
    answer_all(made, truth, ids, category_ids, [i for i in range(60) if i % 10])
    predict = Learner.predict

    def broken(self: Learner, *rest: object) -> object:
        scores = predict(self, *rest)
        scores[:, 0] = np.nan
        return scores

    monkeypatch.setattr(Learner, "predict", broken)
    with pytest.raises(NotReady, match=r"scores of 1 of \d categories are no finite numbers"):
        train(made)

    with made.store.reading() as tx:
        assert versions.every(tx) == []


def test_old_versions_lose_their_arrays_and_get_them_back_when_promoted(made) -> None:
    truth, ids, category_ids = world(made, 60)
    answer_all(made, truth, ids, category_ids, [i for i in range(60) if i % 10])
    made.change(changed(made.project.settings, {"retraining": Retraining(keep_versions=1)}))
    scores = {}
    for number in range(1, 5):
        train(made, seed=number)
        scores[number] = np.array(newest(made)[1].scores)

    there = [n for n in range(1, 5) if files.has_arrays(files.folder(made.project, n))]
    assert there == [3, 4]  # the promoted one, the best and newest, and the one before it
    assert all(files.is_ready(files.folder(made.project, n)) for n in range(1, 5))

    with made.store.writing() as tx:
        versions.promote(tx, 1, "by hand", made.clock())
    assert prune(made.project, made.store, previous=None) == [3]
    train(made, rescore=1)

    arrays = files.read(files.folder(made.project, 1))
    np.testing.assert_allclose(arrays.scores, scores[1], atol=1e-5)
    with made.store.reading() as tx:
        assert [v.number for v in versions.every(tx)] == [1, 2, 3, 4]


def test_a_version_orders_the_images_as_the_settings_say_and_records_it(made) -> None:
    truth, ids, category_ids = world(made)
    answer_all(made, truth, ids, category_ids, range(150))
    made.change(
        changed(made.project.settings, {"asking": Asking(strategy="likely", diversity=False)})
    )

    train(made)

    version, arrays = newest(made)
    asking = version.metrics["asking"]
    chances = arrays.bars(np.array(arrays.scores))
    assert (asking["strategy"], asking["diversity"]) == ("likely", False)
    assert asking["costs"]["recorded"] == {"verify": 0, "switch": 0, "name": 0, "glance": 0}
    assert asking["costs"]["switch"] == Costs().switch
    for column in range(3):
        best = chances[arrays.queue.pairs[column, :50], column]
        assert (np.diff(best) <= 1e-6).all()

    made.change(changed(made.project.settings, {"asking": Asking(strategy="uncertainty")}))
    train(made, rescore=1)

    _, again = newest(made)
    doubt = np.abs(again.bars(np.array(again.scores)) - 0.5)
    assert (np.diff(doubt[again.queue.pairs[0, :50], 0]) >= -1e-6).all()


def test_what_somebody_saw_and_left_unmarked_is_weakly_absent(made) -> None:
    from annotator.worker.learner import Learner, take_snapshot

    _, ids, (dog, *_) = world(made, 40)
    made.answer([(ids[1], dog, State.PRESENT)])
    with made.store.writing() as tx:
        ann = annotators.named(tx, "ann", made.clock()).id
        for number, image in enumerate((ids[1], ids[2])):
            visits.record(tx, str(number), ann, image, [0, 1], made.clock(), made.clock())

    with made.store.reading() as tx:
        snapshot = take_snapshot(tx, 40)
    features = FeatureFiles.open(made.project.features_path)
    learner = Learner(snapshot, features, method="partial_bce")
    data = learner._data(learner._untrained, np.arange(1, 3), learning=True)
    batch = next(data.batches(2))

    # Image 2 was leafed through without a mark, which says nothing.
    assert np.argwhere(snapshot.shown).tolist() == [[1, 1]]
    assert snapshot.labels[1].tolist() == [1, 0, 0]
    assert batch.labels.tolist() == [[1, -1, 0], [0, 0, 0]]
    assert batch.weights[0, 1] == 0.5


def test_the_default_method_learns_without_epochs(made) -> None:
    truth, ids, category_ids = world(made)
    answer_all(made, truth, ids, category_ids, range(150))

    train(made, method=None, epochs=None)

    version, arrays = newest(made)
    assert version.method == made.project.settings.method == "kernel_ridge"
    assert version.metrics["map"] > 0.9
    assert arrays.parameters.ranked_only == ()
    suggested = arrays.suggested(arrays.scores[150:])
    assert (suggested == truth[150:]).mean() > 0.93


def test_bulk_answers_and_sweeps_weigh_half(made) -> None:
    from annotator.worker.learner import take_snapshot

    _, ids, (dog, cat, _) = world(made, 20)
    made.answer([(ids[0], dog, State.PRESENT)])
    made.answer([(ids[1], dog, State.PRESENT)], source=Source.ACCEPTED_IN_BULK)
    made.answer([(ids[1], cat, State.ABSENT)], source=Source.SWEPT, kind=OperationKind.SWEEP)
    made.answer([(ids[2], cat, State.ABSENT)], source=Source.IMPORTED, kind=OperationKind.IMPORT)

    with made.store.reading() as tx:
        snapshot = take_snapshot(tx, 20)

    assert snapshot.labels[:3].tolist() == [[1, 0, 0], [1, -1, 0], [0, -1, 0]]
    assert snapshot.weights[0, 0] == 1
    assert snapshot.weights[1, :2].tolist() == [0.5, 0.5]
    assert snapshot.weights[2, 1] == 1
    assert (snapshot.answers, snapshot.present) == (3, 2)
