"""Fine-tuning on a CPU reads each picture once, and goes on where it was interrupted."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from annotator.arrays import versions as files
from annotator.arrays.kept_maps import kept_bytes, record_bytes, used_by_nobody_else
from annotator.arrays.version_features import BACKBONE
from annotator.domain import JobKind, JobState, State
from annotator.errors import ProjectError
from annotator.settings import changed
from annotator.store import images, jobs, versions
from annotator.worker import finetuning_policy, kept_maps, training
from annotator.worker.job_control import Control
from mlrpl.finetuning.checkpoint import load_finetuned
from mlrpl.models.backbones import Backbone

COUNT, SIZE = 30, 16
TUNES = {"finetune": True, "epochs": 3, "options": {"names": False}, "method": "partial_bce"}
FIRST = [i for i in range(COUNT) if i % 10]
"""Images outside the held-out tenth."""


class Tiny(nn.Module):
    """Two layers, each with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.BatchNorm2d(6), nn.ReLU())
        self.layer2 = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.layer2(self.layer1(pictures)).flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


def tiny(name: str) -> Backbone:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Tiny().eval().requires_grad_(False)
    return Backbone(name, module, SIZE, (0.5,) * 3, (0.25,) * 3, 8, 16, 8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, open_made):
    """Thirty pictures, reddish where the category is present, and version 1 on frozen features."""
    made = open_made(tmp_path_factory.mktemp("trained") / "project")
    folder = made.project.path / "pictures"
    folder.mkdir()
    for row in range(COUNT):
        values = np.random.default_rng(row).integers(0, 150, (20, 20, 3))
        values[..., 0] += 90 * (row % 2)
        Image.fromarray(values.astype(np.uint8)).save(folder / f"{row}.png")
    ids = made.add_images(f"{n}.png" for n in range(COUNT))
    (red,) = made.add_categories("red")
    state = (State.ABSENT, State.PRESENT)
    made.answer([(ids[i], red, state[i % 2]) for i in FIRST])
    train(made, finetune=False)
    made.store.close()
    return made.project.path


@pytest.fixture
def made(tmp_path, trained, open_made):
    """A copy of it."""
    found = open_made(shutil.copytree(trained, tmp_path / "project"))
    yield found
    found.store.close()


def train(made, on_progress=lambda _: None, **options) -> list[str]:
    """Train, and return what it reported, a stage once for each number that is done."""
    said: list[str] = []

    def told(progress) -> None:
        said.append(f"{progress['stage']} {progress['done']}")
        on_progress(progress)

    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.TRAIN, {**TUNES, **options}, made.clock())
        job = jobs.claim(tx, "me", [JobKind.TRAIN], made.clock())
    assert job is not None
    control = Control(made.store, job, clock=made.clock, on_progress=told)
    try:
        training.run(made.project, control, "cpu", load=tiny)
    finally:
        if not control.finished:
            with made.store.writing() as tx:
                jobs.finish(tx, job, JobState.DONE, "", made.clock())
    return said


def network_of(made, number: int) -> dict[str, Tensor]:
    path = files.folder(made.project, number) / BACKBONE
    return load_finetuned(path, backbone=tiny("tiny")).state_dict()


def set_room(made, gigabytes: float) -> None:
    path = "retraining.kept_maps_gigabytes"
    made.change(changed(made.project.settings, {path: gigabytes}))


def test_the_second_training_reads_no_picture_to_learn(made) -> None:
    first = train(made)
    second = train(made, seed=1)

    assert f"reading images {len(FIRST)}" in first
    assert "fine-tuning 3" in first
    assert not any(stage.startswith("reading images") for stage in second)
    assert "fine-tuning 3" in second


def test_only_an_image_that_was_not_read_before_is_read(made) -> None:
    with made.store.writing() as tx:
        images.mark_missing(tx, "main", ["1.png"])
    train(made)
    made.add_images(f"{n}.png" for n in range(COUNT))

    said = train(made)

    assert [s for s in said if s.startswith("reading images")] == [
        f"reading images {len(FIRST) - 1}",
        f"reading images {len(FIRST)}",
    ]


@pytest.mark.parametrize("gigabytes", [0.0, 1e-6])
def test_without_room_for_maps_the_pictures_are_read_in_every_epoch(made, gigabytes) -> None:
    set_room(made, gigabytes)

    said = train(made)

    assert "fine-tuning 3" in said
    assert not any(stage.startswith("reading images") for stage in said)
    assert (
        not (made.project.kept_maps_path / "maps").exists()
        or not (made.project.kept_maps_path / "maps").stat().st_size
    )


def test_other_grey_values_have_the_pictures_read_again(made) -> None:
    train(made)
    made.change(changed(made.project.settings, {"images.grey_range": "full"}))

    said = train(made)

    assert f"reading images {len(FIRST)}" in said


def test_maps_of_another_backbone_are_deleted_by_the_next_training(made) -> None:
    train(made)
    assert made.project.kept_maps_path.exists()
    train(made, finetune=False)
    assert made.project.kept_maps_path.exists()
    made.change(changed(made.project.settings, {"backbone": "timm:tiny"}))

    train(made, finetune=False)

    assert not made.project.kept_maps_path.exists()


def test_maps_of_images_that_train_no_more_make_room(made) -> None:
    train(made)
    size = (made.project.kept_maps_path / "maps").stat().st_size
    gone = [f"{i}.png" for i in FIRST[:5]]
    with made.store.writing() as tx:
        images.mark_missing(tx, "main", gone)
    set_room(made, 0.95 * size / 1e9)

    said = train(made)

    assert f"reading images {len(FIRST) - 5}" in said
    assert (made.project.kept_maps_path / "maps").stat().st_size < 0.9 * size


@pytest.mark.parametrize("stage", ["reading images 8", "fine-tuning 2", "embedding 8"])
def test_an_interrupted_training_ends_like_one_that_was_not(made, stage: str) -> None:
    train(made)

    def stop(progress) -> None:
        if f"{progress['stage']} {progress['done']}" == stage:
            raise KeyboardInterrupt

    shutil.rmtree(made.project.kept_maps_path)
    with pytest.raises(KeyboardInterrupt):
        train(made, stop)
    said = train(made)

    steps = [s for s in said if s.startswith("fine-tuning")]
    begun = 2 if stage == "fine-tuning 2" else 0
    assert steps == [f"fine-tuning {n}" for n in range(begun, 4)]
    whole, resumed = network_of(made, 2), network_of(made, 3)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert list(made.project.kept_maps_path.glob("training-*")) == []


def test_new_answers_start_an_interrupted_training_from_the_beginning(made) -> None:
    def stop(progress) -> None:
        if (progress["stage"], progress["done"]) == ("fine-tuning", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(made, stop)
    with made.store.reading() as tx:
        first = next(iter(images.order(tx).values()))
    made.answer([(first, 1, State.PRESENT)])
    said = train(made)

    assert "fine-tuning 0" in said
    assert list(made.project.kept_maps_path.glob("training-*")) == []


def test_while_another_process_uses_the_maps_pictures_are_read_and_nothing_is_deleted(made) -> None:
    train(made)
    made.change(changed(made.project.settings, {"images.grey_range": "full"}))

    with used_by_nobody_else(made.project.kept_maps_path):
        said = train(made)

    assert "fine-tuning 3" in said
    assert not any(stage.startswith("reading images") for stage in said)
    assert len(FIRST) * record_bytes((6, 8, 8)) <= kept_bytes(made.project.kept_maps_path)


def test_a_disk_that_is_full_is_told_with_the_cure(made, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_maps.KeptMaps, "append", full)

    with pytest.raises(ProjectError, match=r"cannot be written \(No space left on device\); free"):
        train(made)


def test_a_disk_without_room_to_spare_keeps_no_maps(made, monkeypatch) -> None:
    usage = shutil.disk_usage(made.project.path)
    nearly = usage._replace(free=kept_maps.SPARE_BYTES + 100)
    monkeypatch.setattr(kept_maps.shutil, "disk_usage", lambda _: nearly)

    said = train(made)

    assert not any(stage.startswith("reading images") for stage in said)


@pytest.mark.parametrize(
    ("device", "answers", "labelled", "total", "backbone", "worth", "said"),
    [
        ("cpu", 5000, 2500, 5000, "efficientnet-lite0", True, "takes about 9 minutes in the"),
        ("cpu", 4999, 2500, 5000, "efficientnet-lite0", False, "5,000 answers; there are 4,999."),
        ("cpu", 5000, 400, 5000, "efficientnet-lite0", False, "500 labelled images outside"),
        ("cpu", 5000, 2500, 100_000, "efficientnet-lite0", False, "about 40 minutes, which"),
        ("cuda", 5000, 2500, 200_000, "efficientnet-lite0", True, "takes about 3 minutes"),
        ("cpu", 5000, 2500, 5000, "timm:resnet50", False, "takes here is not known"),
        ("cpu", 5000, 2500, 5000, "efficientnet-lite0+efficientnet-lite1", False, "is a sum of"),
    ],
)
def test_whether_it_is_worth_its_time_goes_by_answers_images_cores_and_network(
    made, monkeypatch, device, answers, labelled, total, backbone, worth, said
) -> None:
    made.change(changed(made.project.settings, {"backbone": backbone}))
    known, unknown = (SimpleNamespace(known_count=count, fold=1) for count in (1, 0))
    listed = [known] * labelled + [unknown] * (total - labelled)
    counts = SimpleNamespace(answers=answers)
    monkeypatch.setattr(finetuning_policy.answers, "answer_counts", lambda _: counts)
    monkeypatch.setattr(finetuning_policy.images, "every", lambda _: listed)
    monkeypatch.setattr(finetuning_policy.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(finetuning_policy.torch, "get_num_threads", lambda: 2)

    with made.store.reading() as tx:
        found = finetuning_policy.outlook(made.project, tx, device)

    assert found.worth is worth
    assert said in found.reason


def test_one_processor_is_left_to_the_pages_and_the_setting_is_heard(made, monkeypatch) -> None:
    with made.store.reading() as tx:
        monkeypatch.setattr(finetuning_policy.os, "cpu_count", lambda: 1)
        alone = finetuning_policy.outlook(made.project, tx, "cpu")
        made.change(changed(made.project.settings, {"retraining.finetune": "never"}))
        never = finetuning_policy.outlook(made.project, tx, "cuda")

        made.change(changed(made.project.settings, {"retraining.finetune": "always"}))
        always = finetuning_policy.outlook(made.project, tx, "cuda")

    assert (alone.worth, never.worth, always.worth) == (False, False, True)
    assert "two processors" in alone.reason
    assert "switched off" in never.reason


def test_the_last_time_says_how_long_it_will_take(made, monkeypatch) -> None:
    train(made)
    monkeypatch.setattr(finetuning_policy, "MIN_ANSWERS", 1)
    monkeypatch.setattr(finetuning_policy, "MIN_IMAGES", 1)
    made.change(changed(made.project.settings, {"backbone": "efficientnet-lite0"}))
    with made.store.reading() as tx:
        took = versions.every(tx)[-1].training_seconds
        found = finetuning_policy.outlook(made.project, tx, "cpu")

    assert found.worth
    assert found.seconds == pytest.approx(took)
