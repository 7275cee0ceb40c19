"""Images to pooled vectors and token maps, decoding some while the network looks at others."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import Tensor

from mlrpl.models.backbones import Backbone, side_by_side
from mlrpl.models.compiled import GraphError, compiled, is_installed, is_kept
from mlrpl.models.folding import fold_batch_norms
from mlrpl.projection import SAMPLE, Projection, fit_projection

__all__ = [
    "SAMPLE",
    "EmbeddedBatch",
    "Projection",
    "embed",
    "fit_projection",
    "open_picture",
    "optimised_for_inference",
]

Pixels = npt.NDArray[np.uint8]
Runtime = Literal["auto", "eager", "openvino"]
"""What computes on a CPU: PyTorch, or OpenVINO. `auto` takes the second where it is installed, its
outputs are the same, and there are enough images to make compiling worth its time."""

WORTH_CONVERTING, WORTH_COMPILING = 400, 50
"""Images of 224 pixels, or half as many of twice that area, that take as long as they save: with a
graph that has to be made, and with one that is kept."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class EmbeddedBatch:
    """The features of some images, in the order in which they were asked for."""

    indices: npt.NDArray[np.int64]
    """`(B,)`, those images of the batch that could be read."""
    pooled: npt.NDArray[np.float32]
    """`(B, D)`."""
    tokens: npt.NDArray[np.float32]
    """`(B, P, T)`."""
    failures: dict[int, str] = field(default_factory=dict)
    """Why an image could not be read, by index."""


def open_picture(path: Path, size: int) -> Image.Image:
    """Return a picture the right way up, decoded no larger than is needed for `size` pixels.

    For folders of one's own photographs; an application that is given files by others brings a
    reader with guards.
    """
    with Image.open(path) as picture:
        picture.draft("RGB", (size, size))
        return ImageOps.exif_transpose(picture).convert("RGB")


def optimised_for_inference(
    backbone: Backbone, device: str = "cpu", *, runtime: Runtime = "eager", images: int = 0
) -> Backbone:
    """Return a backbone with the same outputs, up to rounding, arranged to run faster.

    Batch normalisation is folded into the convolutions; then maps keep their channels together, or
    the network is compiled. Of a sum, each part for itself.

    Args:
        backbone: As `load_backbone` gives it.
        device: Where it is to run; it is compiled for the CPU only.
        runtime: What is to compute there. A network that cannot be compiled runs as it is, and the
            log says why.
        images: How many pictures it will see, for `auto`.
    """
    if backbone.parts:
        parts = [
            optimised_for_inference(part, device, runtime=runtime, images=images)
            for part in backbone.parts
        ]
        return side_by_side(backbone.name, parts)
    size = backbone.input_size
    module = fold_batch_norms(backbone.module, torch.zeros(1, 3, size, size))
    folded = replace(backbone, module=module)
    if device == "cpu" and _is_worth_compiling(folded, runtime, images):
        try:
            return compiled(folded)
        except GraphError as error:
            _LOG.warning("features are computed without OpenVINO: %s", error)
    return replace(folded, module=module.to(memory_format=torch.channels_last).to(device))


def _is_worth_compiling(folded: Backbone, runtime: Runtime, images: int) -> bool:
    if runtime != "auto":
        return runtime == "openvino"
    work = images * (folded.input_size / 224) ** 2
    if work < WORTH_COMPILING or not is_installed():
        return False
    return work >= WORTH_CONVERTING or is_kept(folded)


def embed(
    backbone: Backbone,
    load: Callable[[int], Image.Image],
    indices: Sequence[int] | npt.NDArray[np.integer],
    *,
    batch_size: int = 32,
    device: str = "cpu",
    workers: int | None = None,
    errors: tuple[type[Exception], ...] = (OSError, ValueError),
    should_stop: Callable[[], bool] = lambda: False,
    runtime: Runtime = "auto",
) -> Iterator[EmbeddedBatch]:
    """Yield the features of images, batch by batch, reading ahead.

    A picture is resized to the backbone's square input, so that nothing is cropped away; its
    aspect ratio is lost, as in the papers' test protocol. For a sum of networks a picture is read
    once and prepared for each, so that each one's vectors are those that it gives alone.

    Args:
        backbone: As `load_backbone` gives it; it is made `optimised_for_inference` first.
        load: Returns the image with an index as RGB; called from several threads.
        indices: Which images, in this order. To resume, leave out those that are done.
        batch_size: Images that the network sees at a time.
        device: Where the network runs.
        workers: Threads that read pictures; None means one a CPU.
        errors: What `load` raises for an image that cannot be read; anything else ends the run.
        should_stop: Asked before every batch; true ends the run there.
        runtime: What computes on a CPU; the features of each may lie beside those of the other.

    Yields:
        One `EmbeddedBatch` for every `batch_size` indices, also where none could be read.
    """
    order = [int(index) for index in indices]
    quick = optimised_for_inference(backbone, device, runtime=runtime, images=len(order))
    sizes = [part.input_size for part in _parts(backbone)]
    chunks = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    waiting: deque[list[tuple[int, Future[list[Pixels]]]]] = deque()
    try:
        for number in range(len(chunks)):
            for chunk in chunks[number + len(waiting) : number + 2]:
                waiting.append([(i, pool.submit(_prepared, load, i, sizes)) for i in chunk])
            if should_stop():
                return
            yield _forward(quick, waiting.popleft(), device, errors)
    finally:
        pool.shutdown(cancel_futures=True)


def _parts(backbone: Backbone) -> tuple[Backbone, ...]:
    return backbone.parts or (backbone,)


def _prepared(load: Callable[[int], Image.Image], index: int, sizes: Sequence[int]) -> list[Pixels]:
    """Return one picture in every size that is asked for, as `(S, S, 3)`."""
    picture = load(index)
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    made = {size: _resized(picture, size) for size in sorted(set(sizes))}
    return [made[size] for size in sizes]


def _resized(picture: Image.Image, size: int) -> Pixels:
    resized = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(resized, dtype=np.uint8)


def _forward(
    backbone: Backbone,
    chunk: list[tuple[int, Future[list[Pixels]]]],
    device: str,
    errors: tuple[type[Exception], ...],
) -> EmbeddedBatch:
    indices, pictures, failures = [], [], {}
    for index, future in chunk:
        try:
            pictures.append(future.result())
            indices.append(index)
        except errors as error:
            failures[index] = str(error) or type(error).__name__
    read = np.asarray(indices, dtype=np.int64)
    if not pictures:
        tokens = np.zeros((0, backbone.positions, backbone.token_dim), np.float32)
        return EmbeddedBatch(read, np.zeros((0, backbone.pooled_dim), np.float32), tokens, failures)
    with torch.inference_mode():
        prepared = [
            _normalised(np.stack(batch), part, device)
            for part, batch in zip(_parts(backbone), zip(*pictures, strict=True), strict=True)
        ]
        pooled, maps = backbone.module(*prepared)
    return EmbeddedBatch(read, pooled.float().cpu().numpy(), maps.float().cpu().numpy(), failures)


def _normalised(pictures: Pixels, backbone: Backbone, device: str) -> Tensor:
    """Return `(B, 3, S, S)` with channels together of pictures `(B, S, S, 3)`."""
    scale = torch.tensor(backbone.std, device=device).view(3, 1, 1) * 255
    shift = torch.tensor(backbone.mean, device=device).view(3, 1, 1) * 255
    values = torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2)
    return (values.float() - shift) / scale
