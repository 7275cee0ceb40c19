"""From scores and names to logits."""

from __future__ import annotations

import torch

from mlrpl.models.readout import fit_readout


def drawn(rows: int = 600, categories: int = 6):
    generator = torch.Generator().manual_seed(0)
    truth = (torch.rand(rows, categories, generator=generator) < 0.2).float()
    noise = torch.randn(2, rows, categories, generator=generator)
    return truth, truth + 0.5 * noise[0], truth * 2 + noise[1]


def test_logits_of_all_categories_are_on_one_scale() -> None:
    truth, scores, named = drawn()
    scores[:, 0] *= 1000

    readout = fit_readout(scores, named, truth, torch.ones_like(truth), truth.sum(0))

    probability = torch.sigmoid(readout(scores, named))
    assert torch.allclose(probability.mean(dim=0), truth.mean(dim=0), atol=0.05)
    assert (((probability > 0.5) == (truth > 0.5)).float().mean(dim=0) > 0.9).all()


def test_without_a_present_answer_only_the_name_counts() -> None:
    truth, scores, named = drawn()
    truth[:, 1] = 0.0

    readout = fit_readout(scores, named, truth, torch.ones_like(truth), truth.sum(0))

    assert readout.slope[1] == 0
    assert readout.name_slope[1] > 0.2
    assert readout.slope[0] > 0


def test_scores_that_mislead_are_not_followed_backwards() -> None:
    truth, scores, named = drawn()

    readout = fit_readout(-scores, named, truth, torch.ones_like(truth), truth.sum(0))

    assert (readout.slope >= 0).all()


def test_silent_names_and_unknown_pairs_change_nothing() -> None:
    truth, scores, named = drawn()
    named[:, 2] = 0.0
    weights = torch.ones_like(truth)
    weights[300:] = 0.0

    whole = fit_readout(scores, named, truth, weights, truth[:300].sum(0))

    part = fit_readout(scores, named, truth.clone().mul_(weights), weights, truth[:300].sum(0))
    assert torch.equal(whole.level, part.level)
    assert whole.name_slope[2] == 0


def test_with_nothing_known_names_speak_on_a_scale_given_beforehand() -> None:
    _, scores, named = drawn()
    nothing = torch.zeros_like(scores)

    readout = fit_readout(scores, named, nothing, nothing, nothing.sum(0))

    assert (readout.slope == 0).all()
    assert torch.allclose(readout.name_slope, torch.full((6,), 0.7))
