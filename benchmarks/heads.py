"""A training step of the HST and SARB heads at paper size, next to the formulas written out.

Both start from the same token map, weights and random draws, and must come to the same loss. A
step is forward and backward, pseudo labels and blending included, without the optimiser; CPU time
stands beside the clock for machines that do other work as well. Memory is
the most that a step allocates at a time beyond inputs, weights and their gradients: on a CPU the
highest running sum of the allocator's events (torch's profiler, in a step of its own), on a CUDA
device torch's own peak. Each cell is one line in `benchmarks/out/heads.jsonl` and is not repeated.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from real_photographs import OUT, ROOT, revision
from torch import Tensor, nn

from mlrpl.data import Batch, Dimensions, Features
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.methods import build, hst, sarb
from mlrpl.methods.semantic import SemanticMethod

CELLS = [(c, b, m) for c in (80, 200) for b in (8, 32) for m in (7, 14)]
WIDTH, HIDDEN, REDUCED, PAIR_HIDDEN, WORDS, STEPS = 1024, 512, 512, 1024, 300, 3
PRESENT_SHARE, KNOWN_SHARE = 0.036, 0.5
"""Of COCO's pairs, and of the labels."""
LIMIT = 16e9
"""Bytes above which the formulas are not run."""


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=("hst", "sarb"), action="append")
    parser.add_argument(
        "--cell", action="append", metavar="C:B:MAP", help="such as 80:32:14; default: all eight"
    )
    parser.add_argument("--rounds", type=int, default=3, help="timed steps; the median counts")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=OUT / "heads.jsonl")
    parser.add_argument("--again", action="store_true", help="measure cells that are there already")
    return parser.parse_args()


def oracle() -> ModuleType:
    """Return the formulas, which live with the tests."""
    path = ROOT / "tests" / "mlrpl" / "oracle.py"
    spec = importlib.util.spec_from_file_location("oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fast_head(name: str, count: int, positions: int) -> SemanticMethod:
    """Return a method at paper size that starts from tokens of the features' width."""
    options = {"warmup": 0} | ({"cst_from": 0} if name == "hst" else {})
    method = build(name, Dimensions(count, 1, positions, WIDTH), options, size="paper")
    assert isinstance(method, SemanticMethod)
    method.sarl.project_tokens = lambda tokens: tokens  # type: ignore[method-assign]
    method.has_positive.fill_(True)
    if "eligible" in dict(method.named_buffers()):
        method.get_buffer("eligible").fill_(True)
    kept = method.prototypes
    kept.vectors.copy_(nn.functional.normalize(torch.randn(kept.vectors.shape), dim=-1))
    kept.counts.fill_(kept.vectors.shape[1])
    return method


def naive_head(name: str, fast: SemanticMethod, forms: ModuleType) -> SemanticMethod:
    """Return the same method with the formulas in place of the fast forms, on equal weights."""
    count = fast.dimensions.categories
    method = fast_head(name, count, fast.dimensions.positions)
    adjacency = torch.rand(count, count) / count
    words = torch.randn(count, WORDS)
    network = forms.Network(words, adjacency, WIDTH, HIDDEN, STEPS)
    network.fold_into(fast.sarl)
    method.sarl = network
    method.prototypes.load_state_dict(fast.prototypes.state_dict())
    method.prototypes.similarity = partial(  # type: ignore[method-assign]
        forms.prototype_similarity, method.prototypes
    )
    if name == "hst":
        method.pairs = forms.Pairs(count, WIDTH, REDUCED, PAIR_HIDDEN)
        method.pairs.fold_into(fast.pairs)
    return method


@contextmanager
def formulas(name: str, forms: ModuleType) -> Iterator[None]:
    """Let the method's file use the formulas for its losses and blends."""
    module: Any = {"hst": hst, "sarb": sarb}[name]
    names = ["instance_contrastive", "blend_instances", "blend_prototypes"]
    kept = {key: getattr(module, key) for key in names if hasattr(module, key)}
    for key in kept:
        setattr(module, key, getattr(forms, key))
    try:
        yield
    finally:
        for key, value in kept.items():
            setattr(module, key, value)


def images(count: int, batch: int, positions: int) -> Batch:
    """Return random tokens, and labels as scarce as COCO's."""
    present = torch.rand(batch, count) < PRESENT_SHARE
    known = torch.rand(batch, count) < KNOWN_SHARE
    labels = torch.where(known, torch.where(present, PRESENT, ABSENT), UNKNOWN).to(torch.int8)
    tokens = torch.randn(batch, positions, WIDTH, requires_grad=True)
    return Batch(Features(tokens=tokens), labels, torch.ones(batch, count))


def step(method: SemanticMethod, batch: Batch, seed: int) -> float:
    """Go forward and backward; return the loss."""
    torch.manual_seed(seed)
    method.zero_grad(set_to_none=False)
    loss = torch.stack(list(method.losses(batch, 1, 1.0).values())).sum()
    loss.backward()
    return float(loss.detach())


def peak_bytes(work: Callable[[], object], device: str) -> int:
    """Return the most bytes that `work` holds at a time beyond what is held before."""
    if device != "cpu":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return torch.cuda.max_memory_allocated() - before
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        work()
    assert profile.profiler is not None
    held, most = 0, 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


def timed(method: SemanticMethod, batch: Batch, options: argparse.Namespace) -> tuple[float, float]:
    """Return the seconds of a step by the clock, and those that the processors spent on it."""
    start, spent = time.perf_counter(), time.process_time()
    step(method, batch, options.seed)
    if options.device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start, time.process_time() - spent


def examined(
    method: SemanticMethod, batch: Batch, options: argparse.Namespace
) -> tuple[dict[str, float], Tensor]:
    """Return the loss and the memory of a first step, and the gradient of the token map."""
    tokens = batch.features.tokens
    assert tokens is not None
    for leaf in (*method.parameters(), tokens):
        leaf.grad = torch.zeros_like(leaf)
    losses: list[float] = []
    peak = peak_bytes(lambda: losses.append(step(method, batch, options.seed)), options.device)
    assert tokens.grad is not None
    return {"loss": losses[0], "bytes": peak}, tokens.grad


def naive_bytes(name: str, count: int, batch: int, positions: int) -> float:
    """Return about what the formulas need: what they keep, and one gradient of it in flight."""
    cells = batch * positions * count
    held = cells * (4 * HIDDEN + 2 * WIDTH)
    if name == "hst":
        held += batch * count * (count - 1) / 2 * (2 * REDUCED + 4 * PAIR_HIDDEN)
    held += batch * batch * count * WIDTH * 2
    return 4.0 * held


def run(
    name: str, cell: tuple[int, int, int], options: argparse.Namespace, forms: ModuleType
) -> dict[str, Any]:
    """Measure one cell, the fast forms and the formulas in turns."""
    count, size, side = cell
    torch.manual_seed(options.seed)
    fast = fast_head(name, count, side * side)
    naive = naive_head(name, fast, forms)
    batch = images(count, size, side * side).to(options.device)
    for method in (fast, naive):
        method.to(options.device).train()
    found: dict[str, Any] = {"method": name, "categories": count, "batch": size, "map": side}
    found["fast"], pull = examined(fast, batch, options)
    needed = naive_bytes(name, count, size, side * side)
    if needed > LIMIT:
        found["naive"] = f"not run: they need about {needed / 1e9:.0f} GB, allowed are 16"
    else:
        with formulas(name, forms):
            found["naive"], expected = examined(naive, batch, options)
        found["gradients_differ"] = float((pull - expected).abs().max() / expected.abs().max())
    seconds: dict[str, list[tuple[float, float]]] = {"fast": [], "naive": []}
    for _ in range(options.rounds):
        seconds["fast"].append(timed(fast, batch, options))
        if needed <= LIMIT:
            with formulas(name, forms):
                seconds["naive"].append(timed(naive, batch, options))
    for form, values in seconds.items():
        if values:
            clock, spent = zip(*values, strict=True)
            found[form]["seconds"] = statistics.median(clock)
            found[form]["cpu_seconds"] = statistics.median(spent)
    return found | {
        "seed": options.seed,
        "rounds": options.rounds,
        "device": options.device,
        "machine": f"{platform.machine()}, {options.threads} threads, torch {torch.__version__}",
        "commit": revision(),
    }


def line(found: dict[str, Any]) -> str:
    """Return a cell as a row of a table."""
    start = "{method} C={categories} B={batch} {map}x{map}: ".format(**found)
    fast, naive = found["fast"], found["naive"]
    start += f"{fast['seconds']:.2f} s, {fast['bytes'] / 1e6:.0f} MB"
    if isinstance(naive, str):
        return f"{start}; formulas {naive}"
    return (
        f"{start}; formulas {naive['seconds']:.2f} s, {naive['bytes'] / 1e6:.0f} MB: "
        f"{naive['seconds'] / fast['seconds']:.1f} times as fast "
        f"(by CPU time {naive['cpu_seconds'] / fast['cpu_seconds']:.1f}) in "
        f"{fast['bytes'] / naive['bytes']:.3f} of the memory; losses {fast['loss']:.6g} and "
        f"{naive['loss']:.6g}, gradients apart by {found['gradients_differ']:.0e} of the largest"
    )


def main() -> None:
    """Measure what is not yet there, and print all that was asked for."""
    options = arguments()
    torch.set_num_threads(options.threads)
    options.results.parent.mkdir(exist_ok=True)
    kept = {}
    if options.results.exists():
        for text in options.results.read_text(encoding="utf-8").splitlines():
            found = json.loads(text)
            kept[key(found)] = found
    forms = oracle()
    cells = [tuple(map(int, text.split(":"))) for text in options.cell or []] or CELLS
    for cell in cells:
        for name in options.method or ("hst", "sarb"):
            wanted = (name, *cell, options.device, options.seed)
            if wanted not in kept or options.again:
                found = run(name, cell, options, forms)
                with options.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
                kept[wanted] = found
            about = "{machine}, {device}, commit {commit}, seed {seed}".format(**kept[wanted])
            print(f"{line(kept[wanted])} ({about})", flush=True)


def key(found: dict[str, Any]) -> tuple[Any, ...]:
    """Return what tells one cell from another."""
    return tuple(found[k] for k in ("method", "categories", "batch", "map", "device", "seed"))


if __name__ == "__main__":
    main()
