"""Frozen networks compiled for the processor by OpenVINO, where that package is installed.

https://docs.openvino.ai: the network is traced once, its graph is kept for the user, and it runs in
bfloat16 on processors that have instructions for it and in float32 on all others.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mlrpl.cache_folder import cache_folder
from mlrpl.models.backbones import Backbone
from mlrpl.models.graph_cache import GraphCache

__all__ = [
    "PACKAGE",
    "CompiledModule",
    "GraphError",
    "compiled",
    "is_installed",
    "is_kept",
    "precision",
]

PACKAGE = "openvino"
LIKENESS = {"f32": (0.9999, 0.9999), "bf16": (0.998, 0.99)}
"""Cosine that pooled vectors and tokens have with those of the network itself, on average over
pictures, for features of both to be used side by side."""


class GraphError(RuntimeError):
    """A network cannot be compiled here, or not to the same outputs; says why."""


def is_installed() -> bool:
    """Whether networks can be compiled."""
    return importlib.util.find_spec(PACKAGE) is not None


def precision() -> str:
    """Return `bf16` on processors with instructions for it, otherwise `f32`."""
    able = _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in able else "f32"


class CompiledModule(nn.Module):
    """Maps prepared pictures `(B, 3, S, S)` on the CPU to what the network itself makes of them.

    Pictures go through one at a time: that is as fast as in batches, and takes the least memory.
    """

    def __init__(self, model: Any, precision: str, threads: int) -> None:
        super().__init__()
        self.precision = precision
        """`f32` or `bf16`."""
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": precision,
            "ENABLE_CPU_PINNING": False,  # other processes may be pinned to the same ones
        }
        self._run = _openvino().Core().compile_model(model, "CPU", hints)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return pooled vectors `(B, D)` and tokens `(B, P, T)`."""
        found = [list(self._run(one).values()) for one in pictures.contiguous().numpy()[:, None]]
        pooled, tokens = (
            torch.cat([torch.from_numpy(f) for f in p]) for p in zip(*found, strict=True)
        )
        return pooled, tokens


def compiled(backbone: Backbone, *, cache: GraphCache | None = None) -> Backbone:
    """Return a backbone that computes the same on the CPU, in about half the time or less.

    The graph is taken from the cache, or made and kept there. Its outputs are compared with those
    of the network, so what comes back may be used beside features that the network itself made.

    Args:
        backbone: A single network on the CPU, best with its batch normalisation folded.
        cache: Where graphs are kept; None means the user's folder.

    Raises:
        GraphError: If OpenVINO is not installed, does not know a layer of the network, or computes
            something else.
    """
    if not is_installed():
        raise GraphError(f"the package {PACKAGE} is not installed")
    kept = cache or _cache()
    key = _key(backbone)
    path = kept.get(key)
    if path is not None:
        try:
            return _checked(backbone, str(path))
        except GraphError:
            kept.discard(key)
    model = _converted(backbone)
    found = _checked(backbone, model)
    with suppress(OSError, RuntimeError):  # then it is made again next time
        kept.put(key, lambda file: _openvino().save_model(model, str(file), compress_to_fp16=False))
    return found


def is_kept(backbone: Backbone, *, cache: GraphCache | None = None) -> bool:
    """Whether the graph of a network is in the cache, so that it need not be made."""
    return (cache or _cache()).has(_key(backbone))


def _cache() -> GraphCache:
    return GraphCache(cache_folder() / "graphs")


def _key(backbone: Backbone) -> str:
    """Return a name that a change of the network, its weights or the packages changes."""
    packages = [importlib.metadata.version(name) for name in (PACKAGE, "torch", "timm")]
    about = repr((packages, backbone.input_size, backbone.module))
    digest = hashlib.sha256(about.encode())
    for name, value in backbone.module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


def _converted(backbone: Backbone) -> Any:
    side = backbone.input_size
    with _quiet(), torch.inference_mode(mode=False), torch.no_grad():
        try:
            return _openvino().convert_model(
                backbone.module.eval(),
                example_input=torch.zeros(1, 3, side, side),
                input=[1, 3, side, side],
            )
        except Exception as error:
            raise GraphError(
                f"{backbone.name} cannot be converted: {_first_line(error)}"
            ) from error


def _checked(backbone: Backbone, model: Any) -> Backbone:
    """Return a backbone that runs a graph, in the quickest precision that gives its features."""
    alike: dict[str, float] = {}
    try:
        for chosen in dict.fromkeys((precision(), "f32")):
            module = CompiledModule(model, chosen, torch.get_num_threads()).eval()
            found = _compared(module, backbone)
            if all(f >= least for f, least in zip(found, LIKENESS[chosen], strict=True)):
                return replace(backbone, module=module)
            alike[chosen] = min(found)
    except Exception as error:
        raise GraphError(f"{backbone.name} cannot be compiled: {_first_line(error)}") from error
    best = max(alike.values())
    raise GraphError(f"{backbone.name} gives other features when compiled (cosine {best:.4f})")


def _compared(module: nn.Module, backbone: Backbone) -> list[float]:
    """Return how alike pooled vectors and tokens of both are for two drawn pictures."""
    side, generator = backbone.input_size, torch.Generator().manual_seed(0)
    areas = torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1
    pictures = F.interpolate(areas, size=(side, side), mode="bilinear")
    with torch.inference_mode():
        pairs = zip(module(pictures), backbone.module(pictures), strict=True)
        return [_likeness(found, expected) for found, expected in pairs]


def _likeness(found: Tensor, expected: Tensor) -> float:
    """Return the mean cosine of vectors along the last axis; those that are zero in both agree."""
    both_zero = ~(found.any(dim=-1) | expected.any(dim=-1))
    return float(F.cosine_similarity(found, expected, dim=-1).masked_fill(both_zero, 1).mean())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what tracing says about Python branches, which a fixed input size settles."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _openvino() -> Any:
    """Return the package, kept from reporting its use to its makers."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    with _quiet():
        import openvino

    return openvino
