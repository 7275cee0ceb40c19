"""Features are computed once, and taken up where they were left."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mlrpl.cache_folder import cache_folder
from mlrpl.datasets import LabelledImages, load
from mlrpl.embedding import embed, open_picture
from mlrpl.experiments.feature_cache import (
    CachedFeatures,
    FeatureCache,
    FeatureRequest,
)
from mlrpl.models.backbones import load_backbone
from mlrpl.projection import fit_projection


def direct(data: LabelledImages, request: FeatureRequest) -> tuple[np.ndarray, np.ndarray]:
    network = load_backbone(request.backbone, input_size=request.side)
    size = network.input_size
    found = list(embed(network, lambda i: open_picture(data.path(i), size), range(len(data))))
    pooled, tokens = ([getattr(b, n) for b in found] for n in ("pooled", "tokens"))
    return np.concatenate(pooled), np.concatenate(tokens)


def test_they_are_those_of_the_network_reduced_by_what_training_images_say(
    data: LabelledImages, request_tool: FeatureRequest, features: CachedFeatures
) -> None:
    pooled, tokens = direct(data, request_tool)

    train = data.rows("train")
    expected = fit_projection(pooled[train], tokens[train]).tokens(tokens)
    assert features.pooled == pytest.approx(pooled, abs=1e-4)
    assert features.tokens == pytest.approx(expected, rel=0.01, abs=0.01)


def test_at_paper_size_tokens_are_whole(
    data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    request = replace(request_tool, size="paper")

    found = FeatureCache(tmp_path).get(data.only("test"), request)

    assert found.projection is None
    expected = direct(data.only("test"), request)[1]
    assert found.tokens == pytest.approx(expected, rel=0.01, abs=0.01)
    assert FeatureCache(tmp_path).has(data.only("test"), request)


def test_the_papers_input_has_448_pixels(backbone: str) -> None:
    assert FeatureRequest(backbone, "paper").side == 448
    assert FeatureRequest(backbone, "paper", 224).side == 224
    assert FeatureRequest(backbone).side is None


def test_nothing_is_computed_twice(
    data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    cache = FeatureCache(tmp_path)

    first = cache.get(data, request_tool, on_progress=lambda *p: told.append(p))
    again = cache.get(data, request_tool, on_progress=lambda *_: pytest.fail("embedded again"))

    assert told == [(0, 40), (32, 40), (40, 40)]
    assert (first.pooled == again.pooled).all()


def test_changing_what_is_mapped_changes_no_file(
    data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    cache = FeatureCache(tmp_path)
    before = cache.get(data, request_tool).pooled.copy()

    cache.get(data, request_tool).pooled[:] = 0

    assert (cache.get(data, request_tool).pooled == before).all()


def test_another_picture_split_size_or_input_is_another_entry(
    pictures: Path, data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    copied = shutil.copytree(pictures, tmp_path / "copied")
    cache = FeatureCache(tmp_path / "cache")
    cache.get(data, request_tool)

    assert cache.has(load("folder", copied), request_tool)
    assert not cache.has(load("folder", copied, seed=1), request_tool)
    assert not cache.has(data.only("test"), request_tool)
    assert not cache.has(data, replace(request_tool, input_size=32))
    shutil.copy(copied / "labels.csv", copied / "3.png")
    assert not cache.has(load("folder", copied), request_tool)


def test_a_given_projection_is_used_and_found_again(
    data: LabelledImages,
    request_tool: FeatureRequest,
    cache: FeatureCache,
    features: CachedFeatures,
    tmp_path: Path,
) -> None:
    test = data.only("test")

    found = FeatureCache(tmp_path).get(test, request_tool, projection=features.projection)

    whole = features.tokens[data.rows("test")]
    assert found.tokens == pytest.approx(whole, rel=0.01, abs=0.01)
    assert cache.has(data, request_tool, features.projection)
    assert not FeatureCache(tmp_path).has(data, request_tool, features.projection)


class _Stopped(Exception):
    pass


def test_an_interrupted_computation_is_gone_on_with(
    data: LabelledImages, request_tool: FeatureRequest, features: CachedFeatures, tmp_path: Path
) -> None:
    def stop(done: int, _of: int) -> None:
        if done:
            raise _Stopped

    told: list[int] = []
    cache = FeatureCache(tmp_path)
    with pytest.raises(_Stopped):
        cache.get(data, request_tool, on_progress=stop)
    assert not cache.has(data, request_tool)

    found = cache.get(data, request_tool, on_progress=lambda done, _: told.append(done))

    assert told == [32, 40]
    assert found.pooled == pytest.approx(features.pooled, abs=1e-4)
    assert found.tokens == pytest.approx(features.tokens, rel=0.01, abs=0.01)


def test_two_at_once_do_the_work_once(
    data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    told: list[int] = []
    ask = threading.Thread(
        target=lambda: FeatureCache(tmp_path).get(
            data, request_tool, on_progress=lambda done, _: told.append(done)
        )
    )

    ask.start()
    FeatureCache(tmp_path).get(data, request_tool, on_progress=lambda done, _: told.append(done))
    ask.join()

    assert told == [0, 32, 40]


def test_a_missing_or_damaged_picture_is_named(
    pictures: Path, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    copied = shutil.copytree(pictures, tmp_path / "copied")
    data = load("folder", copied)
    (copied / "7.png").write_bytes(b"no picture")

    with pytest.raises(ValueError, match=r"7\.png cannot be read as a picture \(.*\); replace it"):
        FeatureCache(tmp_path / "cache").get(data, request_tool)
    (copied / "7.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"7\.png is missing; it should be a picture of fo"):
        FeatureCache(tmp_path / "cache").get(data, request_tool)


def test_the_default_folder_is_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert cache_folder() == Path("somewhere/mlrpl")

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "mlrpl"


def test_a_finished_entry_says_how_many_images_it_has(
    data: LabelledImages, request_tool: FeatureRequest, tmp_path: Path
) -> None:
    FeatureCache(tmp_path).get(data, request_tool)

    (done,) = tmp_path.glob("*/done.json")
    assert json.loads(done.read_text()) == {"images": len(data)}
