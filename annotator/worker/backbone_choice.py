"""Which backbone a new project gets, by what this machine takes for an image."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from annotator.services.message import counted, span
from annotator.worker.device import THREADS, choose_device
from mlrpl.backbone_names import LITE0
from mlrpl.embedding import optimised_for_inference
from mlrpl.errors import WeightsError
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.compiled import PACKAGE, is_installed, precision

MOST_SECONDS = 600.0
"""What the features of all images may be expected to take; people label meanwhile."""
CANDIDATES = (("efficientnet-lite2@448px", 6.0), ("efficientnet-lite2", 2.0), (LITE0, 1.0))
"""Networks whose weights need no download, the one with the best features first, and the processor
time of each, that of the last being 1 (`benchmarks/README.md`, "Embedding")."""
FASTER = {"f32": 2.0, "bf16": 4.0}
"""How many times faster a compiled network runs, by the precision that the processor is fit for."""
ON_CUDA = 0.02
"""The share of the processor's time that a CUDA device takes."""
READING = 0.015
"""Processor seconds in which a photograph is read and made small."""
INSTALL = f"pip install {PACKAGE}"
"""What makes a CPU faster where it is not done."""
STRONGER = "timm:vit_base_patch16_clip_224.openai"
"""Has the best features where its weights can be downloaded."""

_ROUNDS = 5


@dataclass(frozen=True)
class Choice:
    """A backbone for a new project."""

    backbone: str
    seconds: float | None
    """How long the features of all images are likely to take; None where that is not known."""
    sentence: str
    """What was chosen, how long it takes, and what more could be had."""


def choose(images: int, device: str = "auto") -> Choice:
    """Return the best backbone whose features of all images take ten minutes at most.

    The default network runs a few times on drawn pictures, which takes about a second; the others
    are known to take so many times longer.

    Args:
        images: How many there are.
        device: Where the worker will run: `auto`, `cpu` or `cuda`.

    Returns:
        The choice; the default network where its weights are not installed, and a sentence about
        that.

    Raises:
        NotReady: If the device is not there.
    """
    device = choose_device(device)
    try:
        each = processor_seconds(optimised_for_inference(load_backbone(LITE0)))
    except WeightsError as error:
        return Choice(LITE0, None, f"Backbone: {error}.")
    if device == "cuda":
        each *= ON_CUDA
    elif is_installed():
        each /= _times_faster()
    threads = min(THREADS, torch.get_num_threads())
    expected = [(name, images * (factor * each + READING) / threads) for name, factor in CANDIDATES]
    fitting = [(name, seconds) for name, seconds in expected if seconds <= MOST_SECONDS]
    backbone, seconds = (fitting or expected[-1:])[0]
    return Choice(backbone, seconds, _sentence(backbone, seconds, images, device))


def _times_faster() -> float:
    try:
        return FASTER[precision()]
    except (ImportError, OSError, RuntimeError):  # it is installed, and cannot be used
        return 1.0


def processor_seconds(backbone: Backbone) -> float:
    """Return what one picture takes on one processor, the best of a few rounds.

    Args:
        backbone: A single network on the CPU.
    """
    side = backbone.input_size
    picture = torch.zeros(1, 3, side, side).to(memory_format=torch.channels_last)
    found, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            for _ in range(_ROUNDS + 1):  # the first makes room
                start = time.process_time()
                backbone.module(picture)
                found.append(time.process_time() - start)
    finally:
        torch.set_num_threads(threads)
    return min(found[1:])


def _sentence(backbone: str, seconds: float, images: int, device: str) -> str:
    where = "with CUDA" if device == "cuda" else "on this processor"
    said = (
        f"Backbone: {backbone}; its features of {counted(images, 'image')} take about "
        f"{span(seconds)} {where}"
    )
    if device == "cpu" and not is_installed():
        said += f", half of that or less after `{INSTALL}`"
    return (
        f"{said}. Better ones where weights can be downloaded: "
        f'backbone = "{STRONGER}" in project.toml.'
    )
