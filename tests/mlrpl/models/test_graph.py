"""Co-occurrence from partial labels, and the edges of the gated network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mlrpl.labels import ABSENT, PRESENT, UNKNOWN
from mlrpl.models.graph import (
    GatedGraph,
    assume_absent_where_only_present,
    cooccurrence,
)


def labels(*rows: str) -> Tensor:
    states = {"+": PRESENT, "-": ABSENT, "?": UNKNOWN}
    return torch.tensor([[states[s] for s in row] for row in rows], dtype=torch.int8)


def test_only_images_where_both_are_known_count() -> None:
    known = labels("++", "+-", "+?", "+?", "-+")

    graph = cooccurrence(known, smoothing=1e-9)

    assert graph[0, 1].item() == pytest.approx(1 / 2)  # of "++" and "+-"
    assert graph[1, 0].item() == pytest.approx(1 / 2)  # of "++" and "-+"
    assert graph.diagonal().tolist() == [0, 0]


def test_smoothing_draws_an_entry_towards_the_prior() -> None:
    known = labels("++", "+-", "--", "--")

    graph = cooccurrence(known, smoothing=2.0)

    assert graph[0, 1].item() == pytest.approx((1 + 2 * 1 / 4) / (2 + 2))


def test_hiding_labels_at_random_does_not_shrink_the_estimate() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(400_000) < 0.5
    second = np.where(first, rng.random(400_000) < 0.6, rng.random(400_000) < 0.1)
    full = np.where(np.stack([first, second], axis=1), PRESENT, ABSENT)
    hidden = np.where(rng.random(full.shape) < 0.2, full, UNKNOWN).astype(np.int8)

    graph = cooccurrence(torch.from_numpy(hidden))

    assert graph[0, 1].item() == pytest.approx(0.6, abs=0.02)


def test_a_category_without_positives_has_the_priors_as_its_row() -> None:
    graph = cooccurrence(labels("-+-", "---", "?+-"))

    assert torch.isfinite(graph).all()
    assert graph[0].tolist() == pytest.approx([0, 2 / 3, 0])


def test_nothing_known_gives_an_empty_graph() -> None:
    assert cooccurrence(labels("??", "??")).tolist() == [[0, 0], [0, 0]]


def test_a_category_never_answered_absent_is_absent_where_an_image_was_looked_at() -> None:
    known = labels("+?", "?+", "??")
    only_present = torch.tensor([True, False])

    assumed = assume_absent_where_only_present(known, only_present)

    assert assumed.tolist() == labels("+?", "-+", "??").tolist()


def test_positives_alone_do_not_make_everything_occur_together() -> None:
    known = labels("++??", "+?+?", "+?+?", "?+??")

    graph = cooccurrence(known, smoothing=1e-9)

    assert graph[0, 1].item() == pytest.approx(1 / 3)
    assert graph[0, 2].item() == pytest.approx(2 / 3)


def test_smoothing_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="smoothing"):
        cooccurrence(labels("+-"), smoothing=0)


def test_no_rounds_return_the_features_as_they_came() -> None:
    features = torch.randn(2, 3, 4)

    assert GatedGraph(3, 4, steps=0)(features) is features
