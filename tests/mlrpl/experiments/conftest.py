"""A small folder of coloured pictures and a tiny network for the tests of experiments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from mlrpl.datasets import LabelledImages, load
from mlrpl.experiments.feature_cache import CachedFeatures, FeatureCache, FeatureRequest

COLOURS = ("red", "green", "blue")
COUNT = 40


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set in which the picture's red, green and blue say what is present."""
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    lines = ["file,labels"]
    for number in range(COUNT):
        shown = rng.random(3) < 0.5
        values = rng.integers(0, 60, (16, 16, 3)) + 180 * shown
        Image.fromarray(values.astype(np.uint8)).save(root / f"{number}.png")
        labels = "|".join(name for name, there in zip(COLOURS, shown, strict=True) if there)
        lines.append(f"{number}.png,{labels}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="session")
def data(pictures: Path) -> LabelledImages:
    return load("folder", pictures)


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a network with random weights."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(timm.create_model("test_resnet", pretrained=False).state_dict(), path)
    return f"timm:test_resnet@{path}"


@pytest.fixture(scope="session")
def request_tool(backbone: str) -> FeatureRequest:
    return FeatureRequest(backbone, input_size=64)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> FeatureCache:
    return FeatureCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def features(
    data: LabelledImages, request_tool: FeatureRequest, cache: FeatureCache
) -> CachedFeatures:
    return cache.get(data, request_tool)


@pytest.fixture
def run_cli(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs `mlrpl` and gives its status, stdout and stderr."""
    from mlrpl.cli import main

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mlrpl", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        found = capsys.readouterr()
        return status, found.out, found.err

    return run
