"""Two processes train the method that one would; this file is also the script that they run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mlrpl.data import Batch, Dimensions, Features
from mlrpl.labels import ABSENT, PRESENT
from mlrpl.losses.bce import partial_bce
from mlrpl.methods import build
from mlrpl.methods.base import Method
from mlrpl.training import TrainConfig, TrainingData, distributed, fit, predict

SIZES = Dimensions(categories=4, pooled=7, positions=5, token=6)
IMAGES, BATCH = 57, 12
SGD = TrainConfig(
    epochs=2, batch_size=BATCH, learning_rate=0.05, weight_decay=1e-3, optimizer="sgd", ema=0.5
)
"""Five steps an epoch, the last one of nine images, which two processes cannot share evenly."""
SMALL = {"features": 8, "hidden": 4, "warmup": 1, "prototype_every": 1, "dropout": 0.2}
CASES: dict[str, dict[str, Any]] = {
    "partial_bce": {},
    "hst": {
        **SMALL,
        "cst_from": 0,
        "pair_reduced": 4,
        "pair_hidden": 4,
        "instance_weight": 0.5,
    },
    "sarb": SMALL,
}


class Doubled(TrainingData):
    """Features in float64, so that only an error of the method exceeds the rounding."""

    def features(self, rows):
        taken = super().features(rows)
        return Features(*(None if x is None else x.double() for x in vars(taken).values()))


def data(**more: Any) -> TrainingData:
    rng = np.random.default_rng(0)
    return Doubled(
        rng.choice(np.array([ABSENT, 0, PRESENT], np.int8), (IMAGES, 4)),
        pooled=rng.standard_normal((IMAGES, 7)).astype(np.float32),
        tokens=rng.standard_normal((IMAGES, 5, 6)).astype(np.float32),
        **more,
    )


def train(name: str, **more: Any) -> Method:
    torch.manual_seed(3)
    method = build(name, SIZES, CASES[name]).double()
    fit(method, data(), SGD, **more)
    return method


class Pictured(Method):
    """A backbone that is trained as well, on pictures."""

    def __init__(self) -> None:
        super().__init__(SIZES, None)
        self.backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten())
        self.backbone.row_wise = True
        self.head = nn.Linear(4 * 4, 4)

    def losses(self, batch: Batch, epoch: int, progress: float) -> dict[str, Tensor]:  # noqa: ARG002
        return {"bce": partial_bce(self(batch.features), batch.labels)}

    def forward(self, features: Features) -> Tensor:
        return self.head(self.backbone(features.images))


def train_on_pictures() -> tuple[Method, int]:
    pictures = torch.from_numpy(np.random.default_rng(1).standard_normal((IMAGES, 3, 4, 4)))
    most = 0

    def read(rows):
        nonlocal most
        most = max(most, len(rows))
        return pictures[rows]

    torch.manual_seed(3)
    method = Pictured().double()
    fit(method, data(pictures=read), SGD)
    return method, most


def main(folder: Path) -> None:
    """Train in one of several processes and write what came out of it."""
    torch.set_num_threads(1)
    with distributed.process_group() as place:
        assert (place.rank, place.world) == (distributed.rank(), 2)
        found = {}
        for name in CASES:
            method = train(name)
            found |= {f"{name}.{key}": value for key, value in method.state_dict().items()}
        method, most = train_on_pictures()
        found |= {f"pictures.{key}": value for key, value in method.state_dict().items()}
        found["most pictures read at once"] = torch.tensor(most)
        torch.manual_seed(place.rank)
        method, seen = build("hst", SIZES, CASES["hst"]).double(), []
        method.sarl.decoupling.token_keys.register_forward_hook(
            lambda _, args, __: seen.append(len(args[0]))
        )
        asked = iter(range(100))
        reports = fit(method, data(), SGD, should_stop=lambda: next(asked) >= 6 - place.rank)
        found["epochs before a stop"] = torch.tensor(len(reports))
        found["rows that a step attends to"] = torch.tensor(seen[0])
        found["stopped"] = method.sarl.weight
        save_file({k: v.contiguous() for k, v in found.items()}, folder / f"{place.rank}.tensors")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Train with the threads that `main` has.

    Soft labels come from a ridge regression that is solved in float32, whatever the method's dtype
    (`kernels._inverse`). Some LAPACKs sum in another order with more threads, which changes them
    by 6e-8 and the biases that learn from them by 3e-9.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_agree_with_one_to_nine_digits(tmp_path: Path) -> None:
    command = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, "-m", *command, __file__, str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (load_file(tmp_path / f"{rank}.tensors") for rank in range(2))
    for key in first:
        assert torch.equal(first[key], second[key]), key
    alone = {f"{n}.{k}": v for n in CASES for k, v in train(n).state_dict().items()}
    pictured, _ = train_on_pictures()
    alone |= {f"pictures.{key}": value for key, value in pictured.state_dict().items()}
    for key, value in alone.items():
        torch.testing.assert_close(first[key], value, rtol=0, atol=1e-9, msg=key)
    assert first["most pictures read at once"] == BATCH / 2
    assert first["rows that a step attends to"] == BATCH / 2
    assert first["epochs before a stop"] == 1


LEAVING = """
import os
from pathlib import Path
import torch
from mlrpl.training import distributed

weight = torch.nn.Parameter(torch.ones(3))
with distributed.process_group():
    weight.sum().backward()
    distributed.dist.all_reduce(weight.grad)
    torch.optim.AdamW([weight]).step()
print(*[task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm")])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed by Linux")
def test_no_thread_of_the_group_outlives_it(tmp_path: Path) -> None:
    (tmp_path / "leaving.py").write_text(LEAVING)

    # As torchrun sets them for a single process; the group takes any port that is free.
    alone = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    done = subprocess.run(
        [sys.executable, tmp_path / "leaving.py"],
        env={**os.environ, **alone, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert "python" in done.stdout
    assert "gloo" not in done.stdout


def test_without_torchrun_there_is_one_process_and_nothing_to_exchange() -> None:
    method = build("hst", SIZES, CASES["hst"])
    rows = torch.arange(6.0)

    with distributed.process_group() as place, distributed.parallel(method):
        assert place == distributed.Process(0, 1, "cpu")
        assert "forward" not in vars(method.sarl.decoupling)
        assert distributed.gather(rows[distributed.share(6)], 6) is not None

    assert distributed.any_rank(True, torch.device("cpu"))
    assert not distributed.any_rank(False, torch.device("cpu"))
    assert predict(method.double(), data()).shape == (IMAGES, 4)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
