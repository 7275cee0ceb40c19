"""Pictures for fine-tuning: what they go through, and that it depends on nothing else."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mlrpl.embedding import embed
from mlrpl.finetuning.image_loader import (
    NO_AUGMENTATION,
    PAPER_CROPS,
    Augmentation,
    ImageLoader,
    draw_augmentation,
    resized,
)
from mlrpl.models.backbones import Backbone

GREY = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25)}


def picture(row: int) -> Image.Image:
    colours = np.random.default_rng(row).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(colours)


def test_a_square_of_one_of_the_papers_sizes_is_cut_out_inside_the_picture() -> None:
    drawn = [draw_augmentation(np.random.default_rng(seed)) for seed in range(200)]

    sides = {round(512 * (v.box[2] - v.box[0])) for v in drawn}
    assert sides == set(PAPER_CROPS)
    assert all(v.box[2] - v.box[0] == pytest.approx(v.box[3] - v.box[1]) for v in drawn)
    assert all(0 <= edge <= 1 for v in drawn for edge in v.box)
    assert 60 < sum(v.mirrored for v in drawn) < 140


def test_a_part_is_cut_out_where_the_box_says_and_mirrored() -> None:
    values = np.zeros((4, 4, 3), np.uint8)
    values[:2, 2:] = 200
    values[:2, 3] = 100
    chosen = Augmentation((0.5, 0.0, 1.0, 0.5), mirrored=True)

    found = resized(Image.fromarray(values), 2, chosen)

    assert found[..., 0].tolist() == [[100, 200], [100, 200]]


class Whole(nn.Module):
    """Gives the prepared picture back."""

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return pictures.flatten(1), pictures.flatten(2).transpose(1, 2)


def test_plain_pictures_are_those_that_are_embedded() -> None:
    backbone = Backbone("whole", Whole(), 8, *GREY.values(), 192, 64, 3)
    (expected,) = embed(backbone, picture, [3, 1])

    with ImageLoader(picture, size=8, augmented=False, **GREY) as pictures:
        found = pictures(np.array([3, 1]))

    assert found.shape == (2, 3, 8, 8)
    np.testing.assert_allclose(found.flatten(1), expected.pooled, atol=1e-5)


def test_what_a_row_goes_through_depends_on_seed_epoch_and_row_alone() -> None:
    found = {}
    for seed, epoch, rows in ((0, 0, [1, 2]), (0, 0, [2, 1]), (0, 1, [1, 2]), (1, 0, [1, 2])):
        with ImageLoader(picture, size=8, seed=seed, workers=2, **GREY) as pictures:
            pictures.epoch = epoch
            found[seed, epoch, rows[0]] = pictures(np.array(rows))

    first = found[0, 0, 1]
    assert torch.equal(found[0, 0, 2].flip(0), first)
    assert not torch.equal(found[0, 1, 1], first)
    assert not torch.equal(found[1, 0, 1], first)


def test_augmentation_can_be_left_out_for_a_while() -> None:
    with ImageLoader(picture, size=8, **GREY) as pictures:
        varied = pictures(np.arange(4))
        with pictures.without_augmentation():
            assert pictures.augmentation(0, 0) == NO_AUGMENTATION
            plain = pictures(np.arange(4))

        assert torch.equal(pictures(np.arange(4)), varied)
    assert not torch.equal(plain, varied)


def test_rows_that_are_announced_are_read_once_and_before_they_are_asked_for() -> None:
    opened, both = [], threading.Event()

    def opening(row: int) -> Image.Image:
        opened.append(row)
        if len(opened) == 2:
            both.set()
        return picture(row)

    with ImageLoader(opening, size=8, workers=2, **GREY) as pictures:
        pictures.prefetch(np.array([5, 6]))
        assert both.wait(10)
        expected = pictures(np.array([5, 6]))
        assert sorted(opened) == [5, 6]
        again = pictures(np.array([5, 6]))

    assert torch.equal(expected, again)
    assert len(opened) == 4


def test_an_unreadable_picture_ends_the_reading_with_its_reason() -> None:
    def broken(row: int) -> Image.Image:
        raise OSError(f"picture {row} is cut off")

    with (
        ImageLoader(broken, size=8, **GREY) as pictures,
        pytest.raises(OSError, match="7 is cut off"),
    ):
        pictures(np.array([7]))


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 pixel, got 0"):
        ImageLoader(picture, size=0, **GREY)
