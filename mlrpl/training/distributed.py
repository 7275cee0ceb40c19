"""One training on several processes (`torchrun`), with the result that one process would have.

Every process has all the data and evaluates the loss of the whole batch, so that whatever a loss
couples over images (counts that it divides by, partners of a contrast, draws of pairs) is the
same as in one process, for every method. What is parallel are the modules in which an image
does not depend on the others of its batch and where nearly all the time goes: the attention over
token maps, the graph network, the pair network, and every module that says `row_wise = True` (such
as a backbone that is fine-tuned), with their backward passes, and the reading of pictures. Each
process computes them for its share of the images; the outputs are gathered, with gradient. What
is cheap, the linear classifiers and the losses themselves, every process computes in full.

A module that normalises over its batch or drops at random is computed in full everywhere while it
is in training mode. Closed-form methods are solved in full by every process.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor, nn

from mlrpl.data import TrainingData
from mlrpl.models.cooccurrence import PairNetwork
from mlrpl.models.graph import GatedGraph
from mlrpl.models.semantic_decoupling import SemanticDecoupling

_ROW_WISE = (SemanticDecoupling, GatedGraph, PairNetwork)
_NORMALISES = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_DROPS = ("p", "drop_prob")
"""What the share that is dropped is called in torch, torchvision and timm."""


@dataclass(frozen=True)
class Process:
    """Which of how many processes this one is, and what it computes on."""

    rank: int
    """From 0."""
    world: int
    """How many processes there are; 1 without `torchrun`."""
    device: str


@contextmanager
def process_group(device: str = "cpu") -> Iterator[Process]:
    """Join the processes that `torchrun` started; alone, do nothing.

    Args:
        device: `cpu` (gloo) or `cuda` (nccl, one device for each process of a machine).

    Yields:
        Where this process stands; give its `device` to `fit`. Write files on rank 0 only.
    """
    if not {"RANK", "WORLD_SIZE"} <= os.environ.keys():
        yield Process(0, 1, device)
        return
    # The functions in there default to the group that there is when they are first imported, which
    # torch.optim does at the first step. The group and its threads would then outlive
    # `destroy_process_group`, and now and then such a thread aborts the process at its very end.
    import torch.distributed.nn

    if device.startswith("cuda"):
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Process(rank(), world(), device)
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """Return which process this is, from 0; 0 where there is only one."""
    return dist.get_rank() if _together() else 0


def world() -> int:
    """Return how many processes train together; 1 where there is only one."""
    return dist.get_world_size() if _together() else 1


def any_rank(flag: bool, device: torch.device) -> bool:
    """Return whether the flag is true in any process; all must ask."""
    if world() == 1:
        return flag
    told = torch.tensor([int(flag)], device=device)
    dist.all_reduce(told, op=dist.ReduceOp.MAX)
    return bool(told.item())


def share(count: int) -> Tensor:
    """Return which of `count` rows are this process's, `(ceil(count / world),)`.

    All shares have one size; the last rows are taken repeatedly to fill it.
    """
    size = -(-count // world())
    return torch.arange(rank() * size, (rank() + 1) * size).clamp(max=count - 1)


class _Gather(torch.autograd.Function):
    """The outputs of all processes, one after the other; backwards, the sum of their gradients.

    So what is backpropagated is the sum of the processes' losses, whatever each of them computes
    from the outputs; `average_gradients` makes it their mean, which is the loss.
    """

    @staticmethod
    def forward(ctx: Any, mine: Tensor, count: int) -> Tensor:
        ctx.rows = len(mine)
        raw = mine.contiguous().flatten()
        every = [torch.empty_like(raw) for _ in range(world())]
        # Bytes, because not every backend moves every dtype.
        dist.all_gather([x.view(torch.uint8) for x in every], raw.view(torch.uint8))
        return torch.cat(every).view(-1, *mine.shape[1:])[:count]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        exact = torch.promote_types(gradient.dtype, torch.float32)
        total = gradient.to(exact, copy=True, memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        start = rank() * ctx.rows
        found = total[start : start + ctx.rows].to(gradient.dtype)
        mine = gradient.new_zeros(ctx.rows, *gradient.shape[1:])
        mine[: len(found)] = found
        return mine, None


def gather(mine: Tensor, count: int) -> Tensor:
    """Return the rows of all processes, `(count, ...)`, given those of `share(count)`.

    It can be backpropagated if all processes do that together. Exact, whatever the dtype.
    """
    if world() == 1:
        return mine
    if not mine.numel():
        return mine.new_zeros(count, *mine.shape[1:])
    gathered: Tensor = _Gather.apply(mine, count)
    return gathered


@contextmanager
def parallel(method: nn.Module) -> Iterator[None]:
    """Let the processes divide among them the rows of the method's row-wise modules.

    Inside, all processes must call the same modules in the same order.
    """
    divided = list(dict.fromkeys(_outermost(method))) if world() > 1 else []
    for module in divided:
        module.forward = partial(_divided, module, module.forward)
    try:
        yield
    finally:
        for module in divided:
            del module.forward


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace every gradient by its mean over the processes."""
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    for dtype in sorted({g.dtype for g in gradients}, key=str):
        same = [g for g in gradients if g.dtype == dtype]
        joined = torch.cat([g.flatten() for g in same])
        dist.all_reduce(joined)
        joined /= world()
        for gradient, mean in zip(same, joined.split([g.numel() for g in same]), strict=True):
            gradient.copy_(mean.view_as(gradient))


def same_everywhere(module: nn.Module) -> None:
    """Give every process the parameters and buffers of the first."""
    if world() > 1:
        for tensor in module.state_dict().values():
            told = tensor.contiguous()
            dist.broadcast(told, src=0)
            tensor.copy_(told)


def shared_pictures(data: TrainingData) -> TrainingData:
    """Return the same data, where every process reads its share of the pictures of a batch."""
    if world() == 1 or data.pictures is None:
        return data
    shared = copy.copy(data)
    shared.pictures = partial(_pictures, data.pictures)
    return shared


def _pictures(
    read: Callable[[npt.NDArray[np.int64]], Tensor], rows: npt.NDArray[np.int64]
) -> Tensor:
    return gather(read(rows[share(len(rows)).numpy()]), len(rows))


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()


def _outermost(module: nn.Module) -> list[nn.Module]:
    found: list[nn.Module] = []
    for child in module.children():
        row_wise = isinstance(child, _ROW_WISE) or getattr(child, "row_wise", False) is True
        found += [child] if row_wise else _outermost(child)
    return found


def _couples(module: nn.Module) -> bool:
    """Whether a module mixes the rows of its batch, or draws at random, as it is now."""
    return any(
        isinstance(m, _NORMALISES) or any(vars(m).get(name) for name in _DROPS)
        for m in module.modules()
        if m.training
    )


def _divided(module: nn.Module, forward: Callable[..., Any], *args: Any, **others: Any) -> Any:
    """Compute a module on this process's rows, and return those of all."""
    if len(args) != 1 or others or _couples(module):
        return forward(*args, **others)
    rows: Tensor = args[0]
    mine = forward(rows[share(len(rows)).to(rows.device)])
    if isinstance(mine, tuple):
        return tuple(gather(part, len(rows)) for part in mine)
    return gather(mine, len(rows))
