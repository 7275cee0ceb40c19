"""What computes features on this machine, and how fast: a short run for `annotator doctor`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import torch

from annotator.services.doctor import Finding
from annotator.worker.backbone_choice import INSTALL, processor_seconds
from mlrpl import errors as library
from mlrpl.backbone_names import LITE0
from mlrpl.embedding import WORTH_CONVERTING, optimised_for_inference
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.compiled import CompiledModule, GraphError, compiled, is_installed
from mlrpl.models.graph_cache import GraphCache

SUBJECT = "features"


def measured() -> Finding:
    """Run the default network on one drawn picture, as it is and compiled, and say what is used."""
    if torch.cuda.is_available():
        return Finding(SUBJECT, False, f"are computed with CUDA on {torch.cuda.get_device_name()}")
    try:
        folded = optimised_for_inference(load_backbone(LITE0))
    except library.WeightsError as error:
        return Finding(SUBJECT, True, str(error))
    plain = processor_seconds(folded)
    said = f"PyTorch takes {plain * 1000:.0f} ms of a processor for an image with {LITE0}"
    if not is_installed():
        return Finding(
            SUBJECT, False, f"{said}; OpenVINO takes half of that or less: run `{INSTALL}`"
        )
    try:
        quick, precision = _compiled(folded)
    except GraphError as error:
        return Finding(SUBJECT, True, f"{said}; OpenVINO, which is installed, is not used: {error}")
    return Finding(
        SUBJECT,
        False,
        f"{said}, OpenVINO in {precision} {quick * 1000:.0f} ms; it is used where many images are "
        f"new, from {WORTH_CONVERTING} of 224 pixels on",
    )


def _compiled(folded: Backbone) -> tuple[float, str]:
    """Return the seconds of a network that was converted anew, and the precision it runs in."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = compiled(folded, cache=GraphCache(Path(folder) / str(os.getpid())))
            module = found.module
            assert isinstance(module, CompiledModule)
            return processor_seconds(found), module.precision
    finally:
        torch.set_num_threads(threads)
