"""Fine-tuning on a CPU: what the frozen part of the network makes of a picture is computed once."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Picture
from torch import Tensor, nn

from annotator.arrays.kept_maps import KeptMaps, record_bytes
from annotator.arrays.version_features import delete_folder
from annotator.errors import ProjectError
from annotator.settings import Project
from annotator.worker.device import THREADS
from annotator.worker.embedding import BATCH, OVERSIZE
from annotator.worker.job_control import Control
from mlrpl.embedding import embed
from mlrpl.models.backbones import Backbone
from mlrpl.models.cutting import CutBackbone, cut
from mlrpl.models.stages import last_stages

SPARE_BYTES = 2 << 30
"""Room on the disk that is left free."""
_FROM_PICTURES = "fine-tuning reads the pictures in every epoch"

_LOG = logging.getLogger(__name__)

Rows = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Halves:
    """A network cut before its last stage, and the maps that its upper half reads."""

    whole: Backbone
    stages: tuple[str, ...]
    cut: CutBackbone
    maps: KeptMaps
    rows: Rows
    """Ordinals of the images that train."""

    def read(self, rows: Rows, mirrored: Bools) -> Tensor:
        """Return the maps of some images as the upper half takes them."""
        found = torch.from_numpy(self.maps.read(rows, mirrored))
        return found.contiguous(memory_format=_layout(found))


def halves(
    project: Project,
    control: Control,
    network: Backbone,
    rows: Rows,
    open_picture: Callable[[int, int], Picture.Image],
) -> Halves | None:
    """Return a network in halves, with a map of each image kept; None where that is not possible.

    It is not where the parts of the network are not one after another, or where the maps would
    take more room than `retraining.kept_maps_gigabytes` or the disk has.

    Args:
        project: With a folder for the maps.
        control: Told about every batch, asked before each one.
        network: The whole one.
        rows: Ordinals of the images that train.
        open_picture: Returns the picture of an ordinal, reduced to a side or a little more.

    Raises:
        ImageError: If a picture cannot be read.
        ProjectError: If the maps cannot be written.
    """
    stages = last_stages(network.module)
    try:
        parts = cut(network, stages)
    except ValueError as error:
        _LOG.info("%s: %s", _FROM_PICTURES, error)
        return None
    room = int(project.settings.retraining.kept_maps_gigabytes * 1e9)
    each = record_bytes(parts.shape)
    if len(rows) * each > room:
        _LOG.info("%s: %.1f GB of maps are too many", _FROM_PICTURES, len(rows) * each / 1e9)
        return None
    try:
        maps = _opened(project, network, stages, parts)
        missing = maps.missing(rows)
        if (len(maps) + len(missing)) * each > room:  # some are of images that train no more
            delete_folder(project.kept_maps_path)
            maps, missing = _opened(project, network, stages, parts), rows
        if len(missing) * each > shutil.disk_usage(project.path).free - SPARE_BYTES:
            _LOG.info("%s: the disk is nearly full", _FROM_PICTURES)
            return None
        done = len(rows) - len(missing)
        if done < len(rows):
            control.report("reading images", done, len(rows))
        for count in fill(network, parts, maps, missing, open_picture, control.should_stop):
            done += count
            control.report("reading images", done, len(rows))
        control.check()
    except OSError as error:
        raise ProjectError(
            f"The maps in {project.kept_maps_path} cannot be written ({error.strerror}); free some "
            "space, or set retraining.kept_maps_gigabytes to 0."
        ) from None
    return Halves(network, stages, parts, maps, rows)


def _opened(
    project: Project, network: Backbone, stages: tuple[str, ...], parts: CutBackbone
) -> KeptMaps:
    about = {
        "backbone": network.name,
        "input_size": network.input_size,
        "stages": list(stages),
        "grey_range": project.settings.images.grey_range,
    }
    return KeptMaps.open(project.kept_maps_path, about, parts.shape)


def fill(
    network: Backbone,
    parts: CutBackbone,
    maps: KeptMaps,
    missing: Rows,
    open_picture: Callable[[int, int], Picture.Image],
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Compute the maps of some images, a batch after the other, and yield how many came to be."""
    if not len(missing):
        return
    both = replace(network, module=_BothWays(parts.below), classifier=None)
    side = OVERSIZE * network.input_size
    batches = embed(
        both,
        lambda ordinal: open_picture(ordinal, side),
        missing,
        batch_size=BATCH["cpu"],
        workers=THREADS,
        errors=(),
        should_stop=should_stop,
    )
    with closing(batches):  # type: ignore[type-var]
        for batch in batches:
            maps.append(batch.indices, np.stack([batch.pooled, batch.tokens], axis=1))
            yield len(batch.indices)


class _BothWays(nn.Module):
    """The lower half of a network on pictures as they are, and mirrored."""

    def __init__(self, below: nn.Module) -> None:
        super().__init__()
        self.below = below

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        return self.below(pictures), self.below(pictures.flip(3))


def _layout(maps: Tensor) -> torch.memory_format:
    return torch.channels_last if maps.ndim == 4 else torch.contiguous_format
