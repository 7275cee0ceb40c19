"""The embedding job: only what is missing, whatever happens on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from annotator.arrays.features import FeatureFiles
from annotator.domain import Job, JobKind, JobState, State
from annotator.errors import NotFound, NotReady, ProjectError, WeightsError
from annotator.settings import Settings, changed
from annotator.store import images, jobs
from annotator.store.images import FoundImage
from annotator.worker import embedding, scheduling
from annotator.worker.job_control import Cancelled, Control, Stopped
from mlrpl import errors as library
from mlrpl.models.backbones import Backbone


class Colours(nn.Module):
    """Six means of the picture's quarters stand for features."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        maps = nn.functional.avg_pool2d(pictures, pictures.shape[-1] // 2)
        tokens = maps.flatten(2).transpose(1, 2)
        return torch.cat([tokens.mean(dim=1), tokens.amax(dim=1)], dim=1), tokens


def colours(name: str) -> Backbone:
    module = Colours().eval()
    mean, std = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
    return Backbone(name, module, 8, mean, std, pooled_dim=6, positions=4, token_dim=3)


def pictures(made, count: int, start: int = 0) -> dict[int, int]:
    folder = made.project.path / "pictures"
    folder.mkdir(exist_ok=True)
    for number in range(start, start + count):
        colour = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(colour).save(folder / f"{number}.png")
    return made.add_images(f"{n}.png" for n in range(start + count))


def claimed(made, **options: object) -> Job:
    with made.store.writing() as tx:
        jobs.enqueue(tx, JobKind.EMBED, options, made.clock())
        job = jobs.claim(tx, "me", [JobKind.EMBED], made.clock())
        assert job is not None
        return job


def control(made, on_progress: Callable = lambda _: None, **options: object) -> Control:
    return Control(made.store, claimed(made, **options), clock=made.clock, on_progress=on_progress)


def embed(made, line: Control | None = None, **options: object) -> str:
    line = line or control(made, **options)
    message = embedding.embed(made.project, line, "cpu", load=colours, sample=4)
    with made.store.writing() as tx:
        jobs.finish(tx, line.job, JobState.DONE, message, made.clock())
    return message


def features(made) -> FeatureFiles:
    files = FeatureFiles.open(made.project.features_path)
    assert files is not None
    return files


def test_every_picture_gets_a_row_and_a_place_in_the_order(made) -> None:
    pictures(made, 20)
    reports = []

    message = embed(made, control(made, reports.append))

    files = features(made)
    assert message == "Embedded 20 images."
    assert files.done_rows.tolist() == list(range(20))
    assert files.backbone == made.project.settings.backbone
    assert sorted(files.order.tolist()) == list(range(20))
    np.testing.assert_allclose(np.linalg.norm(files.search, axis=1), 1, atol=1e-5)
    assert {"stage": "embedding", "done": 20, "total": 20} in reports


def test_looking_at_a_picture_leaves_a_small_copy_for_the_pages(made) -> None:
    folder = made.project.path / "pictures"
    folder.mkdir()
    Image.new("RGB", (640, 480), "red").save(folder / "large.png")
    Image.new("RGB", (64, 48), "red").save(folder / "small.png")
    made.add_images(["large.png", "small.png"])
    line = control(made)

    embedding.embed(
        made.project, line, "cpu", load=lambda name: replace(colours(name), input_size=224)
    )

    (kept,) = made.project.thumbnails_path.rglob("*.webp")
    with Image.open(kept) as small:
        assert small.size == (256, 192)


def test_images_that_came_later_are_only_added(made) -> None:
    pictures(made, 5)
    embed(made)
    before = np.array(features(made).pooled)
    (made.project.path / "pictures" / "0.png").unlink()  # would show if it were read again

    pictures(made, 3, start=5)
    message = embed(made)

    files = features(made)
    assert message == "Embedded 3 images."
    assert files.done_rows.tolist() == list(range(8))
    np.testing.assert_array_equal(files.pooled[:5], before)
    assert sorted(files.order.tolist()) == list(range(8))


def test_a_picture_that_cannot_be_read_is_recorded_and_tried_again_when_asked(made) -> None:
    pictures(made, 6)
    broken = made.project.path / "pictures" / "2.png"
    content = broken.read_bytes()
    broken.write_bytes(b"not a picture")

    assert embed(made, images=6) == "Embedded 5 images. 1 could not be read."
    assert list(features(made).failed()) == [2]
    broken.write_bytes(content)
    assert embed(made, images=6) == "Embedded 0 images. 1 could not be read."
    assert embed(made) == "Embedded 1 image."

    assert features(made).failed() == {}
    assert features(made).done_rows.tolist() == list(range(6))


def test_a_project_without_a_readable_picture_ends_without_features(made) -> None:
    pictures(made, 2)
    for number in range(2):
        (made.project.path / "pictures" / f"{number}.png").write_bytes(b"no")

    assert embed(made) == "Embedded 0 images. 2 could not be read."
    assert FeatureFiles.open(made.project.features_path) is None


def test_an_image_is_read_from_the_first_of_its_files_that_is_there(made) -> None:
    pictures(made, 2)
    folder = made.project.path / "pictures"
    (folder / "0.png").rename(folder / "z.png")
    with made.store.writing() as tx:
        first = images.every(tx)[0]
        images.add(tx, "main", [FoundImage("z.png", first.content_hash, 8, 8, "PNG", 9, 9)], [])

    assert embed(made) == "Embedded 2 images."


def test_a_folder_that_is_not_there_is_named_after_the_rest_was_done(made) -> None:
    pictures(made, 3)
    made.change(Settings(roots={"main": "pictures", "disk": "elsewhere"}))
    with made.store.writing() as tx:
        images.add(tx, "disk", [FoundImage("a.png", "f" * 64, 8, 8, "PNG", 9, 9)], [])

    with pytest.raises(NotFound, match=r"1 image left out: .*elsewhere is missing"):
        embed(made)

    assert features(made).done_rows.tolist() == [0, 1, 2]
    assert features(made).failed() == {}


def test_labelled_pictures_come_first(made) -> None:
    (dog,) = made.add_categories("dog")
    ids = pictures(made, 40)
    with made.store.reading() as tx:
        last = max(images.every(tx), key=lambda image: image.content_hash).ordinal
    made.answer([(ids[last], dog, State.PRESENT)])

    stopped_after_a_batch(made)

    assert features(made).is_done(last)
    assert len(features(made).done_rows) == embedding.BATCH["cpu"]


def stopped_after_a_batch(made, sample: int = 4) -> None:
    line = control(made)
    line.give_way = lambda: True
    with pytest.raises(Stopped):
        embedding.embed(made.project, line, "cpu", load=colours, sample=sample, give_way_seconds=-1)


def test_what_the_projection_is_fitted_on_is_kept_before_a_training_goes_first(made) -> None:
    pictures(made, 40)

    stopped_after_a_batch(made, sample=20)

    assert len(features(made).done_rows) == 20


def test_a_cancelled_embedding_keeps_what_is_done_and_goes_on_later(made) -> None:
    pictures(made, 40)

    def cancel(progress) -> None:
        if progress["stage"] == "embedding" and progress["done"] >= 32:
            with made.store.writing() as tx:
                jobs.request_cancel(tx, line.job.id)
            line.heartbeat()

    line = control(made, cancel)

    with pytest.raises(Cancelled):
        embedding.embed(made.project, line, "cpu", load=colours, sample=4)

    done = len(features(made).done_rows)
    assert done == 32
    with made.store.writing() as tx:
        jobs.finish(tx, line.job, JobState.CANCELLED, "", made.clock())
    assert embed(made) == "Embedded 8 images."


def test_embedding_that_gave_way_goes_on_later(made) -> None:
    pictures(made, 40)

    stopped_after_a_batch(made)
    with made.store.reading() as tx:
        job = jobs.latest(tx, JobKind.EMBED)
    message = embed(made, Control(made.store, job, clock=made.clock))

    assert message == f"Embedded {40 - embedding.BATCH['cpu']} images."


def test_a_process_killed_in_the_middle_leaves_only_the_rest_to_do(made) -> None:
    pictures(made, 200)
    made.store.close()
    script = Path(__file__).with_name("embed_until_killed.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(made.project.path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"done 48"):
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL

    before = features(made)
    done, rows = before.done_rows, np.array(before.pooled)
    assert 48 <= len(done) < 200
    made.clock.forward(61)
    with made.store.writing() as tx:
        job = jobs.claim(tx, "second", [JobKind.EMBED], made.clock())
    assert job is not None
    second = Control(made.store, job, clock=made.clock)
    assert embed(made, second) == f"Embedded {200 - len(done)} images."
    after = features(made)
    assert len(after.done_rows) == 200
    np.testing.assert_array_equal(after.pooled[done], rows[done])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (library.WeightsError("run `pip install it`"), WeightsError),
        (ValueError("unknown backbone 'x'"), ProjectError),
    ],
)
def test_a_backbone_that_cannot_be_had_is_told_with_its_cure(made, error, expected) -> None:
    def load(_: str) -> Backbone:
        raise error

    pictures(made, 1)

    with pytest.raises(expected, match=str(error)):
        embedding.embed(made.project, control(made), "cpu", load=load)


def test_features_of_another_backbone_are_never_mixed_in(made) -> None:
    pictures(made, 1)
    embed(made)
    made.change(changed(made.project.settings, {"backbone": "timm:a_b"}))
    FeatureFiles.create(made.project.features_path, backbone="timm:a/b", pooled_dim=6)

    with pytest.raises(ProjectError, match="holds features of timm:a/b"):
        embed(made)


def test_a_sum_of_networks_with_weights_of_the_project_is_embedded(made) -> None:
    pictures(made, 3)
    name = "timm:test_resnet@own.safetensors+timm:test_convnext@own+2.safetensors"
    for model, file in (("test_resnet", "own"), ("test_convnext", "own+2")):
        state = timm.create_model(model).state_dict()
        save_file(state, made.project.path / f"{file}.safetensors")
    made.change(changed(made.project.settings, {"backbone": name}))

    message = embedding.embed(made.project, control(made), "cpu", sample=2)

    assert message == "Embedded 3 images."
    assert features(made).backbone == name
    assert features(made).pooled.shape == (3, 96 + 64)


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("resnet50", ProjectError, r"project\.toml: backbone: unknown backbone 'resnet50'; known:"),
        ("timm:nothing", ProjectError, r"project\.toml: backbone: timm has no model 'nothing'"),
        ("timm:test_vit@a.pth", WeightsError, r"project/a\.pth .* no such file; check its name"),
    ],
)
def test_a_backbone_that_is_not_there_is_named_with_its_place(made, name, error, sentence) -> None:
    pictures(made, 1)
    made.change(changed(made.project.settings, {"backbone": name}))

    with pytest.raises(error, match=sentence):
        embedding.embed(made.project, control(made), "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without cuda")
def test_a_device_that_is_not_there_is_refused_with_a_cure(made) -> None:
    line = control(made)

    with pytest.raises(NotReady, match="--device auto"):
        embedding.run(made.project, line, "cuda", load=colours)
    with pytest.raises(NotReady, match="choose auto, cpu or cuda"):
        embedding.run(made.project, line, "tpu", load=colours)


def test_another_range_of_grey_values_makes_all_features_again(made) -> None:
    folder = made.project.path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(np.full((300, 300), 900 + number, np.uint16)).save(folder / f"{number}.png")
    made.add_images(f"{n}.png" for n in range(3))
    embed(made)
    before, projections = np.array(features(made).pooled), features(made).projections()
    made.project.settings = changed(made.project.settings, {"images.grey_range": "0 to 9000"})

    wanted = scheduling.enqueue_due(made.project, made.store, made.clock())
    embed(made)

    after = features(made)
    assert [job.kind for job in wanted] == [JobKind.EMBED]
    assert (after.grey_range, len(after.done_rows)) == ("0 to 9000", 3)
    assert after.damaged_files() == []
    assert (np.abs(after.pooled - before).max(axis=1) > 0.5).all()
    for name, values in after.projections().items():
        assert np.array_equal(values, projections[name])
    assert scheduling.enqueue_due(made.project, made.store, made.clock()) == []
