"""One file a fine-tuned method: its head, the whole network, and what builds them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mlrpl import checkpoint
from mlrpl.data import Dimensions
from mlrpl.errors import WeightsError
from mlrpl.finetuning.model import FineTuneConfig, FineTuned
from mlrpl.methods import build
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.projection import Projection


def save_finetuned(path: Path, method: FineTuned, name: str) -> None:
    """Write the head and the whole network into one file, whole or not at all.

    Args:
        path: The file, replaced if it is there.
        method: On whatever device it is.
        name: Method of the head.
    """
    made = method.made_of
    extra = {
        "head": name,
        "dimensions": asdict(method.dimensions),
        "options": asdict(method.head.config),
        "backbone": made.name,
        "input_size": made.input_size,
        "config": asdict(method.config),
        "projects": method.projects,
    }
    checkpoint.save(path, method, name, method.dimensions, extra)


def load_finetuned(path: Path, *, backbone: Backbone | None = None) -> FineTuned:
    """Return what `save_finetuned` wrote, in evaluation mode, on the CPU.

    Args:
        path: The file.
        backbone: A network of the same architecture, whose weights are replaced; None loads the
            one that it was made from.

    Raises:
        ValueError: If the file is damaged, or of another network.
        WeightsError: If the backbone that it was made from cannot be had.
    """
    try:
        extra, tensors = checkpoint.load_extra(path), load_file(path)
        network = backbone or load_backbone(extra["backbone"], input_size=extra["input_size"])
        if network.input_size != extra["input_size"]:
            raise ValueError(f"it sees {extra['input_size']} pixels, not {network.input_size}")
        config = FineTuneConfig(**{**extra["config"], "stages": tuple(extra["config"]["stages"])})
        head = build(extra["head"], Dimensions(**extra["dimensions"]), extra["options"])
        kept = _kept_projection(tensors) if extra["projects"] else None
        method = FineTuned(head, network, config, projection=kept)
        method.load_state_dict(tensors)
    except (FileNotFoundError, WeightsError):
        raise
    except (SafetensorError, KeyError, TypeError, RuntimeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} holds no fine-tuned network that fits here ({error}); train it again"
        ) from error
    return method.eval()


def _kept_projection(tensors: Mapping[str, Tensor]) -> Projection:
    """Return as much of a projection as a head needs; the search vectors' part is not in it."""
    pooling, mean, basis = (tensors[n].numpy() for n in ("pooling", "token_mean", "token_basis"))
    nothing = np.zeros(0, np.float32)
    return Projection(pooling, mean, basis, nothing, nothing)
