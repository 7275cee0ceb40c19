"""Compiled networks: the same features, kept once, and refused where they would differ."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from mlrpl.models import compiled as compiling
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.models.compiled import CompiledModule, GraphError, compiled, is_installed, is_kept
from mlrpl.models.graph_cache import GRAPH, GraphCache

pytestmark = pytest.mark.skipif(not is_installed(), reason="needs the extra `fast`")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backbone]:
    """A transformer with weights of its own at a size that is not its own."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_file(timm.create_model("test_vit").state_dict(), file)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_backbone(f"timm:test_vit@{file}@96px")
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def cache(network: Backbone, tmp_path_factory: pytest.TempPathFactory) -> GraphCache:
    """With the graph of that network."""
    kept = GraphCache(tmp_path_factory.mktemp("graphs"))
    assert not is_kept(network, cache=kept)
    compiled(network, cache=kept)
    assert is_kept(network, cache=kept)
    return kept


def test_a_compiled_network_gives_the_same_features_from_a_graph_that_is_kept(
    network: Backbone, cache: GraphCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_converted", None)
    pictures = torch.rand(3, 3, 96, 96) * 2 - 1

    quick = compiled(network, cache=cache)

    assert isinstance(quick.module, CompiledModule)
    loose = 1e-4 if quick.module.precision == "f32" else 3e-2
    with torch.inference_mode():
        for found, expected in zip(quick.module(pictures), network.module(pictures), strict=True):
            torch.testing.assert_close(found, expected, rtol=loose, atol=loose)
    assert sys.modules["openvino_telemetry"] is None


def test_bfloat16_gives_way_where_it_costs_too_much(
    network: Backbone, cache: GraphCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "precision", lambda: "bf16")
    monkeypatch.setitem(compiling.LIKENESS, "bf16", (1.1, 1.1))

    module = compiled(network, cache=cache).module

    assert isinstance(module, CompiledModule)
    assert module.precision == "f32"


def test_a_damaged_graph_is_made_again(
    network: Backbone, cache: GraphCache, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = GraphCache(tmp_path)
    key = compiling._key(network)
    own.put(key, lambda file: file.write_text("<net/>"))  # whole, and no graph
    compiled(network, cache=own)
    weights = tmp_path / key / "graph.bin"
    weights.write_bytes(weights.read_bytes()[:-100])

    assert own.get(key) is None
    assert "are not what was written) and is made again" in caplog.text
    assert cache.get(key) is not None


def test_a_graph_with_other_outputs_is_not_used(network: Backbone, cache: GraphCache) -> None:
    torch.manual_seed(1)
    other = timm.create_model("test_vit", img_size=96).eval()

    class Other(nn.Module):
        def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            maps = other.forward_features(pictures)
            return other.forward_head(maps, pre_logits=True), maps[:, 1:]

    path = cache.get(compiling._key(network))
    changed = Backbone("changed", Other(), 96, (0.0,) * 3, (1.0,) * 3, 64, 36, 64)

    with pytest.raises(GraphError, match=r"changed gives other features when compiled \(cos"):
        compiling._checked(changed, str(path))


def test_graphs_used_longest_ago_go_when_there_is_no_room(tmp_path: Path) -> None:
    kept = GraphCache(tmp_path, most_bytes=2500)
    for number, key in enumerate(("a", "b")):
        kept.put(key, lambda file: file.write_bytes(bytes(1000)))
        os.utime(tmp_path / key, (number, number))
    assert kept.get("a") == tmp_path / "a" / GRAPH  # used now

    kept.put("c", lambda file: file.write_bytes(bytes(1000)))

    assert [kept.has(key) for key in "abc"] == [True, False, True]
