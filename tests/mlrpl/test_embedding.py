"""Pictures to features: the right ones, in order, whatever cannot be read."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from mlrpl import embedding
from mlrpl.embedding import embed, open_picture, optimised_for_inference
from mlrpl.models.backbones import Backbone, load_backbone, side_by_side


class Means(nn.Module):
    """Stands in for a network: pooled is each channel's mean, tokens the four quarters' means."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        quarters = nn.functional.adaptive_avg_pool2d(pictures, 2).flatten(2).transpose(1, 2)
        return quarters.mean(dim=1), quarters


TINY = Backbone("tiny", Means(), 8, (0.5, 0.25, 0.0), (0.5, 1.0, 2.0), 3, 4, 3)


def grey(index: int) -> Image.Image:
    return Image.new("RGB", (20 + index, 10), (index, index, index))


def test_pictures_become_features_in_the_order_that_was_asked_for() -> None:
    batches = list(embed(TINY, grey, [7, 200, 3, 90, 51], batch_size=2))

    assert [b.indices.tolist() for b in batches] == [[7, 200], [3, 90], [51]]
    pooled = np.concatenate([b.pooled for b in batches])
    values = np.array([[7], [200], [3], [90], [51]]) / 255
    assert pooled == pytest.approx((values - TINY.mean) / TINY.std, abs=1e-5)
    assert [b.tokens.shape for b in batches] == [(2, 4, 3), (2, 4, 3), (1, 4, 3)]


def test_nothing_is_cropped_away() -> None:
    wide = Image.new("RGB", (400, 10), (0, 0, 0))
    wide.paste((255, 255, 255), (0, 0, 200, 10))

    (batch,) = embed(TINY, lambda _: wide, [0])

    red = batch.tokens[0, :, 0]
    assert red == pytest.approx([1, -1, 1, -1], abs=0.3)


def test_a_picture_that_cannot_be_read_is_named_and_the_others_go_on() -> None:
    def load(index: int) -> Image.Image:
        if index % 2:
            raise OSError(f"picture {index} is cut off")
        return grey(index)

    batches = list(embed(TINY, load, range(6), batch_size=3))

    assert [b.indices.tolist() for b in batches] == [[0, 2], [4]]
    assert batches[0].failures == {1: "picture 1 is cut off"}
    assert sorted(batches[1].failures) == [3, 5]


def test_a_batch_in_which_nothing_can_be_read_is_empty() -> None:
    def load(index: int) -> Image.Image:
        assert index == 4
        raise OSError

    (batch,) = embed(TINY, load, [4])

    assert batch.pooled.shape == (0, 3)
    assert batch.tokens.shape == (0, 4, 3)
    assert batch.failures == {4: "OSError"}


def test_a_mistake_in_the_reader_is_not_taken_for_a_broken_picture() -> None:
    def load(index: int) -> Image.Image:
        raise KeyError(index)

    with pytest.raises(KeyError):
        list(embed(TINY, load, [1]))


def test_it_stops_when_asked_and_reads_no_further_than_the_next_batch() -> None:
    read: list[int] = []
    answers = iter([False, False, True])

    def load(index: int) -> Image.Image:
        read.append(index)
        return grey(index)

    stop = partial(next, answers)
    batches = list(embed(TINY, load, range(100), batch_size=5, should_stop=stop))

    assert np.concatenate([b.indices for b in batches]).tolist() == list(range(10))
    assert len(read) <= 20


def test_no_image_gives_no_batch() -> None:
    assert list(embed(TINY, grey, [])) == []


def test_grey_and_transparent_pictures_are_taken_too() -> None:
    (batch,) = embed(TINY, lambda i: Image.new("LA" if i else "L", (9, 9), 0), [0, 1])

    assert batch.pooled.shape == (2, 3)


def test_the_faster_backbone_gives_the_same_features() -> None:
    backbone = load_backbone("efficientnet-lite0")
    pictures = torch.rand(2, 3, 224, 224) * 2 - 1

    quick = optimised_for_inference(backbone)

    with torch.inference_mode():
        for found, expected in zip(quick.module(pictures), backbone.module(pictures), strict=True):
            assert (found - expected).abs().max() < 1e-4


def test_a_network_that_cannot_be_compiled_runs_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("mlrpl.models.compiled._openvino", None)  # whatever it does then

    (batch,) = embed(TINY, grey, [51], runtime="openvino")

    assert batch.pooled == pytest.approx(next(embed(TINY, grey, [51])).pooled)
    (line,) = caplog.messages
    assert line.startswith("features are computed without OpenVINO: tiny cannot be converted: ")
    assert list(tmp_path.iterdir()) == []


def test_few_images_are_not_worth_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(embedding, "is_installed", lambda: True)
    monkeypatch.setattr(embedding, "is_kept", lambda backbone: backbone.name == "kept")
    monkeypatch.setattr(embedding, "compiled", lambda b: made.append(b.name) or b)
    large = replace(TINY, input_size=448)

    for name in ("new", "kept"):
        for images in (10, 30, 90, 110):
            optimised_for_inference(replace(large, name=name), runtime="auto", images=images)

    assert made == ["new", "kept", "kept", "kept"]


def test_a_photograph_is_turned_upright_and_not_decoded_larger_than_needed(tmp_path: Path) -> None:
    picture = Image.new("RGB", (800, 400), (10, 10, 10))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)

    found = open_picture(tmp_path / "a.jpg", 100)

    assert found.size == (100, 200) or found.size == (200, 400)
    assert found.mode == "RGB"


def test_real_photographs_look_like_themselves(shared: Path) -> None:
    files = sorted((shared / "data" / "coco_train" / "images").iterdir())[:4]

    (batch,) = embed(
        load_backbone("efficientnet-lite0"), lambda i: open_picture(files[i // 2], 224), range(8)
    )

    unit = batch.pooled / np.linalg.norm(batch.pooled, axis=1, keepdims=True)
    likeness = unit @ unit.T
    assert (likeness[::2, 1::2].argmax(axis=1) == np.arange(4)).all()
    assert np.isfinite(batch.tokens).all()


def test_each_part_of_a_sum_gives_what_it_gives_alone() -> None:
    names = ("efficientnet-lite1", "efficientnet-lite0")
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    reads: list[int] = []

    def load(index: int) -> Image.Image:
        reads.append(index)
        return Image.fromarray(noise).rotate(20 * index)

    (both,) = embed(load_backbone("+".join(names)), load, [0, 1])
    assert sorted(reads) == [0, 1]
    first, second = (next(embed(load_backbone(name), load, [0, 1])) for name in names)

    assert np.array_equal(both.pooled, np.concatenate([first.pooled, second.pooled], axis=1))
    assert both.tokens.shape == (2, first.tokens.shape[1], 2560)
    assert np.array_equal(both.tokens[:, :, :1280], first.tokens)


def test_parts_of_a_sum_get_their_own_size_and_normalisation() -> None:
    wide = Backbone("wide", Means(), 16, (0.0,) * 3, (1.0,) * 3, 3, 4, 3)

    (batch,) = embed(side_by_side("both", [TINY, wide]), grey, [51])

    expected = np.concatenate([(0.2 - np.array(TINY.mean)) / TINY.std, [0.2] * 3])
    assert batch.pooled[0] == pytest.approx(expected, abs=1e-5)


def test_a_batch_of_a_sum_in_which_nothing_can_be_read_is_empty() -> None:
    def load(_: int) -> Image.Image:
        raise OSError

    (batch,) = embed(side_by_side("both", [TINY, TINY]), load, [4])

    assert (batch.pooled.shape, batch.tokens.shape) == ((0, 6), (0, 4, 6))
