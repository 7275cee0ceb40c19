"""The script for the day a GPU is lent runs through, here with a tiny network on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

TINY = [
    "--device",
    "cpu",
    "--size",
    "32",
    "--steps",
    "24",
    "--batch-size",
    "8",
    "--head",
    "partial_bce",
]


class Tiny(nn.Module):
    """Two layers; the second one learns."""

    classifier = None

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.layer4 = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.layer4(self.layer1(pictures)).flatten(2).transpose(1, 2)
        return tokens.mean(dim=1), tokens


@pytest.fixture
def gpu_recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import gpu_recipe

    torch.manual_seed(0)
    monkeypatch.setattr(gpu_recipe, "network", lambda o: gpu_recipe.measured(Tiny(), o.size))
    monkeypatch.setattr(gpu_recipe, "EPOCH", 8)
    monkeypatch.setattr(gpu_recipe, "revision", lambda: "here")
    return gpu_recipe


def test_it_tells_time_memory_and_that_the_loss_falls(gpu_recipe: Any, tmp_path: Path) -> None:
    out = tmp_path / "out" / "runs.jsonl"

    gpu_recipe.main([*TINY, "--precision", "float32", "--out", str(out)])

    (record,) = [json.loads(line) for line in out.read_text().splitlines()]
    assert record["steps"] == 24
    assert len(record["losses"]) == 3
    assert record["loss_falls"] is True
    assert record["step_seconds"] > 0
    assert record["memory_gb"] > 0
    assert (record["head"], record["precision"]) == ("partial_bce", "float32")


def test_what_fails_is_a_line_and_the_rest_goes_on(
    gpu_recipe: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs.jsonl"

    gpu_recipe.main(
        [*TINY, "--steps", "8", "--precision", "float16", "bfloat16", "--out", str(out)]
    )

    first, second = [json.loads(line) for line in out.read_text().splitlines()]
    assert "needs a CUDA device" in first["failed"]
    assert second["steps"] == 8
    assert "partial_bce, float16: ValueError" in capsys.readouterr().err


def test_time_that_is_over_ends_a_run(gpu_recipe: Any, tmp_path: Path) -> None:
    out = tmp_path / "runs.jsonl"

    gpu_recipe.main([*TINY, "--precision", "float32", "--minutes", "0", "--out", str(out)])

    record = json.loads(out.read_text())
    assert record["steps"] == 0
    assert record["step_seconds"] is None


def test_without_a_device_it_says_what_to_try(gpu_recipe: Any) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one here")

    with pytest.raises(SystemExit, match="torch finds no CUDA device here; try `--device cpu"):
        gpu_recipe.main([])
