"""The fast forms agree with the formulas, in value and gradient, on equal weights and draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mlrpl.data import Dimensions
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.losses.blending import blend_instances, blend_prototypes, draw_categories, draw_slots
from mlrpl.losses.contrastive import instance_contrastive
from mlrpl.methods import build, describe
from mlrpl.models import cooccurrence, semantic_decoupling
from mlrpl.models.cooccurrence import PairNetwork
from mlrpl.models.graph import GatedGraph
from mlrpl.models.prototypes import Prototypes
from mlrpl.models.sarl import SARL
from mlrpl.models.semantic_decoupling import SemanticDecoupling
from mlrpl.training import TrainingData

BATCH, POSITIONS, COUNT, WIDTH, HIDDEN, WORDS = 5, 7, 6, 8, 4, 3
PRECISION = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)]
)
BLOCKS = pytest.mark.parametrize("block", [2**17, 100, 40, 1])


@pytest.fixture(autouse=True)
def _drawn() -> None:
    torch.manual_seed(0)


def labels(batch: int = BATCH, count: int = COUNT) -> Tensor:
    return torch.randint(-1, 2, (batch, count), dtype=torch.int8)


def agree(
    tolerance: float,
    slow: Callable[[Tensor], Tensor],
    fast: Callable[[Tensor], Tensor],
    given: Tensor,
    parameters: Sequence[tuple[Tensor, Tensor]] = (),
) -> None:
    """Compare the two on one input: values, its gradient, and those of some parameters."""
    first, second = given.clone().requires_grad_(), given.clone().requires_grad_()
    expected, found = slow(first), fast(second)
    pull = torch.randn_like(expected)
    (expected * pull).sum().backward()
    (found * pull).sum().backward()
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance)
    torch.testing.assert_close(second.grad, first.grad, rtol=tolerance, atol=tolerance)
    for one, other in parameters:
        assert one.grad is not None
        torch.testing.assert_close(other.grad, one.grad, rtol=tolerance, atol=tolerance)


@PRECISION
@BLOCKS
@pytest.mark.parametrize("part", ["attention", "forward"])
def test_attention_and_features(
    part: str,
    block: int,
    dtype: torch.dtype,
    tolerance: float,
    oracle: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(semantic_decoupling.BLOCK, "cpu", block)
    slow = oracle.Decoupling(torch.randn(COUNT, WORDS), WIDTH, HIDDEN).to(dtype)
    fast = SemanticDecoupling(COUNT, WIDTH, HIDDEN, words=WORDS).to(dtype)
    slow.fold_into(fast)

    agree(
        tolerance,
        getattr(slow, part),
        getattr(fast, part),
        torch.randn(BATCH, POSITIONS, WIDTH, dtype=dtype),
        [(slow.w1.weight, fast.token_keys.weight), (slow.w2.weight, fast.word_keys.weight)],
    )

    # v = W3' w4, so that the gradients of both follow from that of v.
    expected = torch.outer(slow.w4.weight[0].detach(), fast.direction.grad)
    torch.testing.assert_close(slow.w3.weight.grad, expected, rtol=0, atol=tolerance)
    expected = slow.w3.weight.detach() @ fast.direction.grad
    torch.testing.assert_close(slow.w4.weight.grad[0], expected, rtol=0, atol=tolerance)


@PRECISION
@pytest.mark.parametrize("steps", [1, 3])
def test_the_gated_graph(
    steps: int, dtype: torch.dtype, tolerance: float, oracle: ModuleType
) -> None:
    slow = oracle.Graph(torch.rand(COUNT, COUNT) / COUNT, WIDTH, steps).to(dtype)
    fast = GatedGraph(COUNT, WIDTH, steps).to(dtype)
    slow.fold_into(fast)

    agree(
        tolerance,
        slow,
        fast,
        torch.randn(BATCH, COUNT, WIDTH, dtype=dtype),
        [(slow.uh.weight, fast.candidate.weight)],
    )

    both = [torch.cat([getattr(slow, f"w{k}").weight.grad for k in "zrh"])]
    both.append(torch.cat([getattr(slow, f"w{k}").bias.grad for k in "zrh"]))
    both.append(torch.cat([slow.uz.weight.grad, slow.ur.weight.grad]))
    found = [fast.messages.weight.grad, fast.messages.bias.grad, fast.gates.weight.grad]
    torch.testing.assert_close(found, both, rtol=tolerance, atol=tolerance)


@PRECISION
def test_the_whole_network(dtype: torch.dtype, tolerance: float, oracle: ModuleType) -> None:
    words, adjacency = torch.randn(COUNT, WORDS), torch.rand(COUNT, COUNT) / COUNT
    slow = oracle.Network(words, adjacency, WIDTH, HIDDEN, steps=2).to(dtype)
    fast = SARL(COUNT, WIDTH, WIDTH, HIDDEN, steps=2, words=WORDS).to(dtype)
    fast.project_tokens = lambda tokens: tokens  # the papers' backbone does it
    slow.fold_into(fast)

    agree(
        tolerance,
        lambda tokens: slow.classify(slow.decouple(tokens)),
        lambda tokens: fast.classify(fast.decouple(tokens)),
        torch.randn(BATCH, POSITIONS, WIDTH, dtype=dtype),
        [
            (slow.weight, fast.weight),
            (slow.bias, fast.bias),
            (slow.output.weight, fast.output.weight),
        ],
    )


@PRECISION
@BLOCKS
@pytest.mark.parametrize("count", [2, COUNT])
def test_the_pair_network(
    count: int,
    block: int,
    dtype: torch.dtype,
    tolerance: float,
    oracle: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(cooccurrence.BLOCK, "cpu", block)
    slow = oracle.Pairs(count, WIDTH, 3, HIDDEN).to(dtype)
    fast = PairNetwork(count, WIDTH, 3, HIDDEN).to(dtype)
    slow.fold_into(fast)

    agree(
        tolerance,
        slow,
        fast,
        torch.randn(BATCH, count, WIDTH, dtype=dtype),
        [
            (slow.reduce.weight, fast.reduce.weight),
            (slow.w2.bias, fast.left.bias),
            (slow.bias, fast.bias),
        ],
    )

    both = torch.cat([fast.left.weight.grad, fast.right.weight.grad], dim=1)
    torch.testing.assert_close(both, slow.w2.weight.grad, rtol=tolerance, atol=tolerance)
    expected = slow.weight.detach().T @ fast.weight.grad  # the folded weights are w W3
    torch.testing.assert_close(slow.w3.weight.grad, expected, rtol=tolerance, atol=tolerance)


@PRECISION
@pytest.mark.parametrize("batch", [1, 2, 9])
def test_the_contrast_between_images(
    batch: int, dtype: torch.dtype, tolerance: float, oracle: ModuleType
) -> None:
    known = labels(batch)

    def seeded(loss: Callable[..., Tensor]) -> Callable[[Tensor], Tensor]:
        return lambda features: loss(features, known, generator=torch.Generator().manual_seed(7))

    agree(
        tolerance,
        seeded(oracle.instance_contrastive),
        seeded(instance_contrastive),
        torch.randn(batch, COUNT, WIDTH, dtype=dtype),
    )


@PRECISION
def test_the_similarity_to_prototypes(
    dtype: torch.dtype, tolerance: float, oracle: ModuleType
) -> None:
    prototypes = prepared_prototypes(dtype)

    agree(
        tolerance,
        lambda features: oracle.prototype_similarity(prototypes, features),
        prototypes.similarity,
        torch.randn(BATCH, COUNT, WIDTH, dtype=dtype),
    )


def prepared_prototypes(dtype: torch.dtype) -> Prototypes:
    """Prototypes of five categories; the last has none."""
    prototypes = Prototypes(COUNT, 3, WIDTH).to(dtype)
    categories = torch.arange(COUNT - 1).repeat_interleave(torch.tensor([1, 4, 5, 12, 30]))
    points = torch.randn(len(categories), WIDTH, dtype=dtype)
    prototypes.rebuild(points, categories, categories, torch.Generator().manual_seed(0))
    return prototypes


def whole(features: Tensor, rows: Tensor, copies: Tensor) -> Tensor:
    return features.index_copy(0, rows, copies)


@PRECISION
@pytest.mark.parametrize("batch", [1, 2, 7])
@pytest.mark.parametrize("learned", [True, False])
def test_blending_with_a_partner(
    learned: bool, batch: int, dtype: torch.dtype, tolerance: float, oracle: ModuleType
) -> None:
    known = labels(batch)
    drawn = torch.rand(batch, COUNT, dtype=dtype)
    shares = [nn.Parameter(drawn.clone(), requires_grad=learned) for _ in range(2)]

    nothing = torch.zeros(batch, COUNT, WIDTH, dtype=dtype)
    slow = oracle.blend_instances(nothing, known, drawn)
    fast = blend_instances(nothing, known, drawn)
    agree(
        tolerance,
        lambda f: oracle.blend_instances(f, known, shares[0]).features,
        lambda f: whole(f, fast.rows, blend_instances(f, known, shares[1]).features),
        torch.randn(batch, COUNT, WIDTH, dtype=dtype),
        [(shares[0], shares[1])] if learned and len(fast.rows) else [],
    )

    assert torch.equal(slow.mixed[fast.rows], fast.mixed)
    assert slow.mixed.sum() == fast.mixed.sum()


@PRECISION
@pytest.mark.parametrize("learned", [True, False])
def test_blending_with_a_prototype(
    learned: bool, dtype: torch.dtype, tolerance: float, oracle: ModuleType
) -> None:
    known = labels(7)
    known[2] = PRESENT
    known[3] = ABSENT
    known[4, :-1] = PRESENT
    known[4, -1] = UNKNOWN
    prototypes = prepared_prototypes(dtype)
    categories = draw_categories(known, prototypes.available)
    slots = draw_slots(prototypes.counts, categories)
    shares = [nn.Parameter(torch.full((7, COUNT), 0.3, dtype=dtype), requires_grad=learned)]
    shares.append(nn.Parameter(shares[0].detach().clone(), requires_grad=learned))
    given = (prototypes.vectors, categories, slots)

    fast = blend_prototypes(torch.zeros(7, COUNT, WIDTH, dtype=dtype), *given, shares[1])
    agree(
        tolerance,
        lambda f: oracle.blend_prototypes(f, *given, shares[0]).features,
        lambda f: whole(f, fast.rows, blend_prototypes(f, *given, shares[1]).features),
        torch.randn(7, COUNT, WIDTH, dtype=dtype),
        [(shares[0], shares[1])] if learned else [],
    )

    assert categories[2:5].tolist() == [-1, -1, -1]
    assert fast.rows.tolist() == [m for m in range(7) if categories[m] >= 0]


class Largest(TorchDispatchMode):
    """Sees every tensor that is computed, and keeps the size of the largest."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for value in found if isinstance(found, tuple | list) else [found]:
            if isinstance(value, Tensor):
                self.elements = max(self.elements, value.untyped_storage().nbytes() // 4)
        return found


@pytest.mark.parametrize("name", ["hst", "sarb"])
def test_no_tensor_over_batch_positions_categories_and_features_is_ever_made(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(semantic_decoupling.BLOCK, "cpu", 64)
    monkeypatch.setitem(cooccurrence.BLOCK, "cpu", 64)
    images, positions, count, width = 4, 100, 10, 32
    waits = {"warmup": 0, "cst_from": 0}
    options = {"features": width, "hidden": 8, "pair_reduced": 8, "pair_hidden": 8, **waits}
    known = [option for option in options if option in describe(name).options]
    method = build(name, Dimensions(count, 5, positions, 6), {o: options[o] for o in known})
    data = TrainingData(
        labels(images, count).numpy(),
        pooled=np.ones((images, 5), dtype=np.float32),
        tokens=torch.randn(images, positions, 6).numpy(),
    )
    method.prepare(data)
    method.before_epoch(0, data)

    with Largest() as largest:
        terms = method.losses(data.batch(np.arange(images)), 0, 1.0)
        torch.stack(list(terms.values())).sum().backward()

    assert len(terms) > 3
    assert images * positions * width <= largest.elements < images * positions * count * width / 4
