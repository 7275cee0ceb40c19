"""Fine-tuned versions: they own their features, and whatever happens, the old one serves."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from annotator.arrays import version_leftovers
from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.version_features import BACKBONE, features_path, owned
from annotator.domain import JobKind, JobState, State
from annotator.errors import LeaseLost, NotReady, ProjectError, WeightsError
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.labelling.queue import Queue
from annotator.services.training.control import training_options
from annotator.settings import Retraining, Settings, changed
from annotator.store import images, jobs, versions
from annotator.worker import finetuning, training
from annotator.worker.calibration import held_out_scores
from annotator.worker.job_control import Control
from annotator.worker.learner import take_snapshot
from annotator.worker.pruning import delete_leftovers, prune
from annotator.worker.rescoring import covers
from annotator.worker.scheduling import enqueue_due
from mlrpl import errors as library
from mlrpl import methods
from mlrpl.data import Features
from mlrpl.finetuning.checkpoint import load_finetuned
from mlrpl.labels import PRESENT
from mlrpl.methods.base import Method
from mlrpl.models.backbones import Backbone

COUNT, SIZE = 40, 16
QUICK = {"epochs": 2, "options": {"names": False}}
TUNES = {**QUICK, "finetune": True}


class Tiny(nn.Module):
    """Three layers, each with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        for number, (before, after) in enumerate(((3, 6), (6, 8), (8, 10)), start=1):
            conv = nn.Conv2d(before, after, 3, stride=2, padding=1)
            layer = nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())
            setattr(self, f"layer{number}", layer)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.layer3(self.layer2(self.layer1(pictures)))
        tokens = maps.flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


def tiny(name: str) -> Backbone:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Tiny().eval().requires_grad_(False)
    grey = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return Backbone(name, module, SIZE, *grey, pooled_dim=10, positions=4, token_dim=10)


def pictures(made, count: int, start: int = 0) -> dict[int, int]:
    """Reddish where category 0 is present, bluish where category 1 is."""
    folder = made.project.path / "pictures"
    folder.mkdir(exist_ok=True)
    for row in range(start, start + count):
        values = np.random.default_rng(row).integers(0, 150, (20, 20, 3))
        values[..., 0] += 90 * (row % 2)
        values[..., 2] += 90 * (row // 2 % 2)
        Image.fromarray(values.astype(np.uint8)).save(folder / f"{row}.png")
    return made.add_images(f"{n}.png" for n in range(start + count))


def answer(made, ids, category_ids, rows, *, wrong: bool = False) -> None:
    made.answer(
        [
            (ids[i], c, State.PRESENT if bool(i >> j & 1) != wrong else State.ABSENT)
            for i in rows
            for j, c in enumerate(category_ids)
        ]
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory, open_made):
    """Forty pictures with answers outside fold 0, and version 1 on frozen features."""
    made = open_made(tmp_path_factory.mktemp("trained") / "project")
    ids = pictures(made, COUNT)
    category_ids = made.add_categories("red", "blue")
    answer(made, ids, category_ids, [i for i in range(COUNT) if i % 10])
    run(made, training.run, JobKind.TRAIN, QUICK)
    made.store.close()
    return made.project.path, ids, category_ids


@pytest.fixture
def world(tmp_path, trained, open_made):
    """A copy of what was trained."""
    path, ids, category_ids = trained
    made = open_made(shutil.copytree(path, tmp_path / "project"))
    yield made, ids, category_ids
    made.store.close()


def run(made, runner, kind: JobKind, options, on_progress: Callable = lambda _: None) -> str:
    with made.store.writing() as tx:
        jobs.enqueue(tx, kind, dict(options), made.clock())
        job = jobs.claim(tx, "me", [kind], made.clock())
    assert job is not None
    line = Control(made.store, job, clock=made.clock, on_progress=on_progress)
    try:
        return runner(made.project, line, "cpu", load=tiny)
    finally:
        if not line.finished:
            with made.store.writing() as tx:
                jobs.finish(tx, job, JobState.DONE, "", made.clock())


def train(made, on_progress: Callable = lambda _: None, **options: object) -> str:
    return run(made, training.run, JobKind.TRAIN, {**TUNES, **options}, on_progress)


def embed(made) -> str:
    return run(made, finetuning.run_embedding, JobKind.EMBED, {})


def serving(made) -> tuple[int, FeatureFiles]:
    """Return the promoted version and the features that go with it."""
    with made.store.reading() as tx:
        promoted = versions.promoted(tx)
    assert promoted is not None
    features = FeatureFiles.open(features_path(made.project, promoted.number))
    assert features is not None
    return promoted.number, features


def network_of(made, number: int) -> nn.Module:
    path = files.folder(made.project, number) / BACKBONE
    return load_finetuned(path, backbone=tiny("tiny")).backbone


def test_a_fine_tuned_version_owns_its_features_and_scores_by_them(world) -> None:
    made, _, _ = world
    plain = np.array(serving(made)[1].pooled)

    message = train(made, method="partial_bce")

    number, features = serving(made)
    arrays = files.read(files.folder(made.project, 2))
    with made.store.reading() as tx:
        version = versions.get(tx, 2)
    assert message.startswith("Version 2 was fine-tuned on 36 images.")
    assert (number, features.path) == (2, owned(made.project, 2))
    assert arrays.parameters.features_of == 2
    assert features.done_rows.tolist() == list(range(COUNT))
    assert not np.array_equal(features.pooled, plain)
    assert np.isfinite(arrays.scores).all()
    assert version.metrics["finetuned"] is True
    assert len(version.metrics["history"]) == 2
    assert covers(made.project, 2)
    frozen = FeatureFiles.open(made.project.features_path)
    assert frozen is not None
    np.testing.assert_array_equal(frozen.pooled, plain)
    hidden = [p.name for p in made.project.versions_path.iterdir() if p.name.startswith(".")]
    assert hidden == []


def test_the_frozen_stages_are_the_same_to_the_bit(world) -> None:
    made, _, _ = world

    train(made)

    before, after = tiny("tiny").module.state_dict(), network_of(made, 2).state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"layer3"}


def test_answers_of_fold_0_train_neither_the_network_nor_its_head(world) -> None:
    made, ids, category_ids = world
    train(made)

    answer(made, ids, category_ids, range(0, COUNT, 10), wrong=True)
    train(made)

    first, second = (network_of(made, n).state_dict() for n in (2, 3))
    assert all(torch.equal(first[name], second[name]) for name in first)
    one, other = (files.read(files.folder(made.project, n)).scores for n in (2, 3))
    np.testing.assert_array_equal(one, other)


STAGES = (
    "learning",
    "loading the network",
    "fine-tuning",
    "embedding",
    "ordering",
    "scoring",
    "writing",
)


@pytest.mark.parametrize("stage", STAGES)
def test_whatever_stops_it_leaves_the_old_version_serving(world, stage: str) -> None:
    made, _, _ = world
    before = np.array(serving(made)[1].search)
    seen = []

    def stop(progress) -> None:
        seen.append(progress["stage"])
        number, features = serving(made)
        assert number == 1
        np.testing.assert_array_equal(features.search, before)
        if progress["stage"] == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(made, stop)

    assert seen[-1] == stage
    assert serving(made)[0] == 1
    assert [p.name for p in made.project.versions_path.iterdir()] == ["0001"]
    message = train(made)
    assert message.startswith("Version 2 was fine-tuned")


def test_a_version_that_was_written_but_not_published_is_deleted_with_its_features(world) -> None:
    made, _, _ = world
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, TUNES, made.clock())
        job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())
    control = Control(made.store, job, clock=made.clock)
    fine, path = control.check, files.folder(made.project, 2)

    def check() -> None:
        fine()
        if files.is_ready(path):
            assert FeatureFiles.open(owned(made.project, 2)) is not None
            raise LeaseLost("another worker has taken over this job")

    control.check = check  # type: ignore[method-assign]

    with pytest.raises(LeaseLost):
        training.run(made.project, control, "cpu", load=tiny)

    assert serving(made)[0] == 1
    delete_leftovers(made.project, made.store)
    assert path.exists()  # another worker might be writing it
    for inside in (path, *path.rglob("*")):
        os.utime(inside, (0, 0))
    delete_leftovers(made.project, made.store)
    assert not path.exists()


def test_a_folder_in_which_features_grow_is_no_leftover(made) -> None:
    staging = made.project.versions_path / ".tuned.abc.tmp"
    (staging / "features").mkdir(parents=True)
    (staging / "features" / "pooled.npy").write_bytes(b"fresh")
    for folder in (staging / "features", staging):
        os.utime(folder, (0, 0))

    assert version_leftovers.delete_leftovers(made.project.versions_path, set()) == []


def test_promotion_switches_scores_search_vectors_and_the_queue_together(world) -> None:
    made, _, _ = world
    frozen = np.array(serving(made)[1].search)
    train(made)
    suggestions = Suggestions(made.project, made.store)
    queue = Queue(made.project, made.store, suggestions, made.clock)
    tuned = np.array(serving(made)[1].search)
    assert suggestions.current()[0] == 2

    with made.store.writing() as tx:
        versions.promote(tx, 1, "by hand", made.clock())

    number, features = serving(made)
    assert (number, suggestions.current()[0]) == (1, 1)
    np.testing.assert_array_equal(features.search, frozen)
    assert not np.array_equal(tuned, frozen)
    with made.store.reading() as tx:
        read = queue._features(tx)
    assert read is not None
    assert read.path == made.project.features_path


def test_images_that_came_later_are_embedded_by_both_networks(world) -> None:
    made, _, _ = world
    train(made)
    pictures(made, 5, start=COUNT)
    assert enqueue_due(made.project, made.store, made.clock())[0].kind is JobKind.EMBED

    message = embed(made)

    _, features = serving(made)
    assert features.done_rows.tolist() == list(range(COUNT + 5))
    assert "Version 2 has scored 45 images." in message
    assert np.isfinite(files.read(files.folder(made.project, 2)).scores[COUNT:]).all()
    folder = made.project.path / "pictures"
    values = [np.asarray(Image.open(folder / f"{n}.png").resize((SIZE, SIZE), 2)) for n in (42, 43)]
    prepared = (torch.from_numpy(np.stack(values)).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    with torch.no_grad():
        by_tuned = network_of(made, 2).eval()(prepared)[0]
        by_frozen = tiny("tiny").module(prepared)[0]
    np.testing.assert_allclose(features.pooled[42:44], by_tuned, atol=2e-2)
    frozen = FeatureFiles.open(made.project.features_path)
    assert frozen is not None
    np.testing.assert_allclose(frozen.pooled[42:44], by_frozen, atol=2e-2)
    assert enqueue_due(made.project, made.store, made.clock()) == []


def test_later_trainings_learn_on_the_promoted_versions_features(world) -> None:
    made, _, _ = world
    train(made)

    message = train(made, finetune=False)

    arrays = files.read(files.folder(made.project, 3))
    assert message.startswith("Version 3 was trained on 36 images.")
    assert arrays.parameters.features_of == 2
    assert serving(made)[1].path == owned(made.project, 2)
    assert not (files.folder(made.project, 3) / BACKBONE).exists()
    assert arrays.parameters.ranked_only == (0, 1)  # fold 0 has no answers to calibrate on
    train(made, rescore=3)
    np.testing.assert_array_equal(files.read(files.folder(made.project, 3)).scores, arrays.scores)


def test_another_backbone_in_the_settings_is_learned_on_its_own_features(world) -> None:
    made, _, _ = world
    train(made)
    made.change(changed(made.project.settings, {"backbone": "timm:tiny"}))

    train(made, finetune=False)

    assert files.read_parameters(files.folder(made.project, 3)).features_of is None


def test_features_stay_for_the_promoted_version_and_its_predecessor(world) -> None:
    made, _, _ = world
    for seed in (1, 2, 3):
        train(made, seed=seed)

    there = [n for n in (1, 2, 3, 4) if owned(made.project, n).exists()]

    assert there == [3, 4]
    assert all((files.folder(made.project, n) / BACKBONE).exists() for n in (2, 3, 4))


def test_features_that_were_pruned_come_back_when_their_version_is_promoted(world) -> None:
    made, _, _ = world
    for seed in (1, 2, 3):
        train(made, seed=seed)
        if seed == 1:
            first = FeatureFiles.open(owned(made.project, 2))
            assert first is not None
            pooled, search = np.array(first.pooled), np.array(first.search)
    with made.store.writing() as tx:
        versions.promote(tx, 2, "by hand", made.clock())
    prune(made.project, made.store, previous=None)
    wanted = enqueue_due(made.project, made.store, made.clock())
    assert [job.kind for job in wanted][:1] == [JobKind.EMBED]

    embed(made)

    number, features = serving(made)
    assert number == 2
    np.testing.assert_allclose(features.pooled, pooled, atol=1e-3)
    np.testing.assert_allclose(features.search, search, atol=1e-2)
    assert covers(made.project, 2)


def test_other_grey_values_embed_with_both_networks_again_and_the_version_scores_again(
    world,
) -> None:
    made, _, _ = world
    train(made)
    number, _ = serving(made)
    scores = files.folder(made.project, number) / "scores.npy"
    before = scores.stat().st_ino, np.load(scores).copy()
    made.change(changed(made.project.settings, {"images.grey_range": "full"}))

    embed(made)

    both = (FeatureFiles.open(p) for p in (made.project.features_path, owned(made.project, number)))
    assert [(f.grey_range, bool(f.done.all())) for f in both if f] == [("full", True)] * 2
    again = scores.stat().st_ino
    assert again != before[0]
    np.testing.assert_allclose(np.load(scores), before[1], atol=1e-2)
    embed(made)
    assert scores.stat().st_ino == again  # nothing is outdated any more


def test_a_method_on_token_maps_is_fine_tuned_on_what_is_stored(world) -> None:
    made, _, _ = world
    options = {"features": 8, "hidden": 4, "pooled": False}

    train(made, method="hst", options=options)

    number, features = serving(made)
    assert (number, features.tokens.shape[1:]) == (2, (4, 10))
    scores = np.array(files.read(files.folder(made.project, 2)).scores)
    train(made, rescore=2)
    np.testing.assert_array_equal(files.read(files.folder(made.project, 2)).scores, scores)


class Solved(Method):
    """Gives every category the mean feature of its present images, without a gradient."""

    closed_form = True

    def __init__(self, dimensions, config, **_) -> None:
        super().__init__(dimensions, config)
        self.register_buffer("means", torch.zeros(dimensions.categories, dimensions.pooled))

    def solve(self, data, **_):
        for batch in data.batches(COUNT):
            self.means.copy_((batch.labels == PRESENT).float().T @ batch.features.pooled)
        return {"cost": 0.0}

    def losses(self, *_):
        raise AssertionError

    def forward(self, features: Features) -> Tensor:
        return features.pooled @ self.means.T


@dataclass(frozen=True)
class SolvedConfig:
    pass


@pytest.fixture
def solved():
    methods.register("solved", SolvedConfig)(Solved)
    yield "solved"
    del methods._METHODS["solved"]


def test_a_method_in_closed_form_is_solved_on_the_tuned_features(world, solved) -> None:
    made, _, _ = world

    train(made, method=solved, options={})

    path = files.folder(made.project, 2)
    _, features = serving(made)
    with made.store.reading() as tx:
        assert versions.get(tx, 2).method == solved
        snapshot = take_snapshot(tx, COUNT)
    pooled = np.array(features.pooled, np.float32)
    expected = pooled @ ((snapshot.labels == PRESENT).astype(np.float32).T @ pooled).T
    np.testing.assert_allclose(files.read(path).scores, expected, rtol=1e-4)
    assert (path / BACKBONE).exists()


def test_pictures_without_a_file_take_no_part(world) -> None:
    made, _, _ = world
    (made.project.path / "pictures" / "7.png").unlink()
    with made.store.writing() as tx:
        images.mark_missing(tx, "main", ["7.png"])

    message = train(made)

    assert message.startswith("Version 2 was fine-tuned on 35 images.")


def test_without_the_weights_nothing_changes_and_the_reason_is_told(world) -> None:
    made, _, _ = world

    def missing(name: str) -> Backbone:
        raise library.WeightsError(f"the weights of {name} are not installed")

    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, TUNES, made.clock())
        job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())

    with pytest.raises(WeightsError, match="are not installed"):
        training.run(made.project, Control(made.store, job, clock=made.clock), "cpu", load=missing)

    assert serving(made)[0] == 1


@pytest.mark.parametrize(
    ("asked", "policy", "device", "answers", "expected"),
    [
        (None, "auto", "cuda", 5000, True),
        (None, "auto", "cuda", 4999, False),
        (None, "auto", "cpu", 50_000, False),
        (None, "always", "cpu", 0, True),
        (None, "never", "cuda", 50_000, False),
        (True, "never", "cpu", 0, True),
        (False, "always", "cuda", 50_000, False),
    ],
)
def test_who_decides_whether_a_training_fine_tunes(
    made, asked, policy: str, device: str, answers: int, expected: bool
) -> None:
    made.change(changed(made.project.settings, {"retraining": Retraining(finetune=policy)}))

    assert finetuning.wanted(asked, made.project, device, answers) is expected


def test_a_sum_of_networks_is_never_fine_tuned_by_itself_and_refused_when_asked(made) -> None:
    both = "efficientnet-lite0+efficientnet-lite1"
    made.change(changed(made.project.settings, {"backbone": both}))

    assert finetuning.wanted(None, made.project, "cuda", 50_000) is False
    with pytest.raises(NotReady, match="is a sum of networks"):
        finetuning.wanted(True, made.project, "cuda", 50_000)


def test_the_command_line_asks_for_it_only_if_told() -> None:
    assert training_options(None) == {}
    assert training_options(None, True) == {"finetune": True}
    assert training_options("hst", False) == {"method": "hst", "finetune": False}


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ProjectError, match="must be auto, never or always, got 'sometimes'"):
        changed(Settings(), {"retraining.finetune": "sometimes"})


def test_only_fold_0_says_how_sure_a_fine_tuned_score_is(made) -> None:
    ids = made.add_images(f"{i}.png" for i in range(400))
    (dog,) = made.add_categories("dog")
    state = {True: State.PRESENT, False: State.ABSENT}
    made.answer([(ids[i], dog, state[i % 20 == 0]) for i in range(400) if i % 10 or i < 100])
    scores = np.zeros((400, 1), np.float32)
    with made.store.reading() as tx:
        few = take_snapshot(tx, 400)
    made.answer([(ids[i], dog, state[True]) for i in range(100, 400, 10)])
    with made.store.reading() as tx:
        enough = take_snapshot(tx, 400)

    assert held_out_scores(few, scores) is None
    found = held_out_scores(enough, scores)

    assert found is not None
    assert np.flatnonzero(np.isfinite(found[:, 0])).tolist() == list(range(0, 400, 10))


def test_a_version_without_a_network_of_its_own_says_nothing_of_features(world) -> None:
    made, _, _ = world
    config = (files.folder(made.project, 1) / "config.toml").read_text()

    assert "features_of" not in config
    assert files.read_parameters(files.folder(made.project, 1)).features_of is None
    metrics = json.loads((files.folder(made.project, 1) / "metrics.json").read_text())
    assert metrics["finetuned"] is False
