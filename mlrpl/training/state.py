"""Everything that changes while a method trains, and how it is put aside and taken up again."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from mlrpl.data import TrainingData
from mlrpl.methods.base import Method
from mlrpl.train_config import TrainConfig
from mlrpl.training import distributed
from mlrpl.training.averaging import Best, moving_average


@dataclass(frozen=True)
class TrainingState:
    """A training after some whole epochs; `mlrpl.checkpoint` writes and reads it.

    It holds the parameters and buffers (so the prototypes), their average and the best ones, the
    optimiser, the schedule, the loss scale and the random generators of the CPU, of the device and
    of the order of the images.
    """

    header: dict[str, Any]
    """What it belongs to and every number that is no tensor; JSON can hold it."""
    tensors: dict[str, Tensor]
    """On the CPU."""

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return int(self.header["epoch"])


class Run:
    """One training: the method with its optimiser, schedule, loss scale, average and best weights.

    Its parts change together: `step` after the gradients are there, `finish` at the end.
    """

    def __init__(
        self, method: Method, data: TrainingData, config: TrainConfig, device: torch.device
    ) -> None:
        """Build the parts for the method's parameters, which are on the device already."""
        self.method = method
        self.config = config
        self.device = device
        self.epoch = 0
        self.steps = -(-len(data) // config.batch_size)
        """Steps of an epoch."""
        self.order = torch.Generator().manual_seed(config.seed)
        self.optimizer = _optimizer(method, config)
        self.schedule = _schedule(self.optimizer, config, self.steps)
        self.scaler = torch.amp.GradScaler(
            device.type, enabled=config.precision == "float16", init_scale=2.0**14
        )
        self.average = moving_average(method, config.ema) if config.ema else None
        self.best = Best() if config.patience else None
        self._belongs_to = _identity(method, data, config)

    @property
    def over(self) -> bool:
        """Whether all epochs are done, or nothing has become better for too long."""
        waited = 0 if self.best is None else self.epoch - 1 - self.best.epoch
        return self.epoch >= self.config.epochs or 0 < self.config.patience <= waited

    def autocast(self) -> torch.autocast:
        """Return the context in which losses are computed."""
        precision = self.config.precision
        dtype = torch.float16 if precision == "float16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype, enabled=precision != "float32")

    @property
    def in_use(self) -> Method:
        """Return a method that scores as training would end with now, the best weights aside."""
        return self.method if self.average is None else cast("Method", self.average.module)

    def weights_in_use(self) -> dict[str, Tensor]:
        """Return what its method would hold then, parameters and buffers."""
        weights: dict[str, Tensor] = self.method.state_dict()
        if self.average is not None:
            weights |= dict(self.average.module.named_parameters())
        return weights

    def step(self) -> None:
        """Change the parameters along their gradients.

        Where float16 overflowed, the parameters and the schedule stay and the loss scale falls.
        """
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        distributed.average_gradients(parameters)
        if self.config.max_grad_norm:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(parameters, self.config.max_grad_norm)
        scale = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.scaler.get_scale() < scale:
            return
        self.schedule.step()
        if self.average is not None:
            self.average.update_parameters(self.method)

    def finish(self) -> None:
        """Leave the weights that are to be used, the best or else the averaged ones, for use."""
        best = {} if self.best is None else self.best.weights
        self.method.load_state_dict(best or self.weights_in_use())
        self.method.eval()

    def state(self, reports: list[dict[str, Any]]) -> TrainingState:
        """Return a copy of everything, on the CPU."""
        tensors = {f"method.{k}": v for k, v in self.method.state_dict().items()}
        header: dict[str, Any] = {
            **self._belongs_to,
            "epoch": self.epoch,
            "reports": reports,
            "schedule": self.schedule.state_dict(),
            "rates": [group["lr"] for group in self.optimizer.param_groups],
            "scaler": self.scaler.state_dict(),
        }
        for index, values in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{k}": v for k, v in values.items() if v is not None}
        if self.average is not None:
            header["average_steps"] = int(self.average.n_averaged) - 1
            averages = self.average.module.named_parameters()
            tensors |= {f"average.{name}": average for name, average in averages}
        if self.best is not None:
            header["best"] = [self.best.value, self.best.epoch]
            tensors |= {f"best.{k}": v for k, v in self.best.weights.items()}
        tensors |= {f"random.{k}": v for k, v in self._random().items()}
        return TrainingState(header, {k: v.detach().cpu().clone() for k, v in tensors.items()})

    def resume(self, state: TrainingState | None) -> list[dict[str, Any]]:
        """Go on where a state was taken, if there is one, and return the reports until then.

        Raises:
            ValueError: If it is of another method, of other dimensions, options, settings or data.
        """
        if state is None:
            return []
        self._compare(state)
        header = state.header
        self.epoch = state.epoch
        self.method.load_state_dict(_part(state, "method"))
        self._resume_steps(state)
        if self.average is not None:
            self.average.n_averaged.fill_(header["average_steps"] + 1)
            self.average.module.load_state_dict(_part(state, "method") | _part(state, "average"))
        if self.best is not None:
            self.best.value, self.best.epoch = header["best"]
            self.best.weights = self._here(_part(state, "best"))
        random = _part(state, "random")
        self.order.set_state(random["order"])
        torch.set_rng_state(random["cpu"])
        if "device" in random and self.device.type == "cuda":
            torch.cuda.set_rng_state(random["device"], self.device)
        reports: list[dict[str, Any]] = header["reports"]
        return reports

    def _compare(self, state: TrainingState) -> None:
        for name, mine in self._belongs_to.items():
            theirs = state.header.get(name)
            if theirs != mine:
                raise ValueError(
                    f"this training state has another {name.replace('_', ' ')} ({theirs}) than "
                    f"this training ({mine}); start without it, or train what it was made by"
                )

    def _resume_steps(self, state: TrainingState) -> None:
        header = state.header
        optimizer = self.optimizer.state_dict()
        optimizer["state"] = {}
        for key, value in _part(state, "optimizer").items():
            index, name = key.split(".", 1)
            optimizer["state"].setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict(optimizer)
        for group, rate in zip(self.optimizer.param_groups, header["rates"], strict=True):
            group["lr"] = rate
        self.schedule.load_state_dict(header["schedule"])
        self.scaler.load_state_dict(header["scaler"])

    def _here(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: tensor.to(self.device) for name, tensor in tensors.items()}

    def _random(self) -> dict[str, Tensor]:
        states = {"order": self.order.get_state(), "cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["device"] = torch.cuda.get_rng_state(self.device)
        return states


def _optimizer(method: Method, config: TrainConfig) -> torch.optim.Optimizer:
    groups = method.parameter_groups(config.learning_rate)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=config.momentum, weight_decay=config.weight_decay)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, weight_decay=config.weight_decay)


def _schedule(
    optimizer: torch.optim.Optimizer, config: TrainConfig, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if config.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.epochs * steps)
    if config.schedule == "one_cycle":
        return torch.optim.lr_scheduler.LambdaLR(optimizer, _one_cycle(config.epochs * steps))
    factor = 0.1 if config.schedule == "step" else 1.0
    return torch.optim.lr_scheduler.StepLR(optimizer, config.step_epochs * steps, gamma=factor)


def _one_cycle(steps: int) -> Callable[[int], float]:
    """Return the factor of a step's rate: a straight rise, then half a cosine down to zero."""
    top = max(1, steps // 3)

    def factor(step: int) -> float:
        if step < top:
            return (step + 1) / (top + 1)
        return 0.5 + 0.5 * math.cos(math.pi * (step - top) / max(1, steps - top))

    return factor


def _identity(method: Method, data: TrainingData, config: TrainConfig) -> dict[str, Any]:
    """Return what a state must agree with, as JSON gives it back."""
    config_of_method: Any = method.config
    options = asdict(config_of_method) if is_dataclass(type(config_of_method)) else None
    rows = np.ascontiguousarray(data.rows)
    labels = np.ascontiguousarray(data.known_labels())
    shapes = [[name, list(tensor.shape)] for name, tensor in method.state_dict().items()]
    identity = {
        "method": type(method).__name__,
        "dimensions": asdict(method.dimensions),
        "options": options,
        "set_of_parameters": zlib.crc32(json.dumps(shapes).encode()),
        "training_settings": asdict(config),
        "set_of_images": [len(data), zlib.crc32(rows.tobytes())],
        "set_of_labels": zlib.crc32(labels.tobytes()),
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity, default=str))
    return plain


def _part(state: TrainingState, name: str) -> dict[str, Tensor]:
    start = f"{name}."
    return {k.removeprefix(start): v for k, v in state.tensors.items() if k.startswith(start)}
