"""Where the attention of SARL begins: at what images have in common that show a category."""

from __future__ import annotations

import torch
from torch import Tensor

from mlrpl.models.sarl import SARL

_SHRINK = 5.0
"""Known positives at which a category's contrast is taken for half of what it seems."""
_BEND = 0.25
"""Typical size of what the tanh of the attention is taken of: small, so that it bends little."""


@torch.no_grad()
def point_queries(
    sarl: SARL, contrast: Tensor, positives: Tensor, tokens: Tensor, spread: float
) -> None:
    """Start the projection, and each category's query, at the contrast of its known positives.

    The projection starts as an orthonormal basis of the directions in which the images that show a
    category differ, most certain ones first, filled up with the first channels. A query starts as
    the category's own direction, so that its attention is highest where the token map is what
    images with the category have in common; drawn at random, it would have to be found from a few
    present labels before anything else is. A category without a known positive looks everywhere.

    Args:
        sarl: Not trained yet; its token statistics are taken.
        contrast: `(C, T)`, summed over known positives: how the mean token of an image, as
            `SARL.image_means` returns it, differs from that of all images.
        positives: `(C,)`, how many there are.
        tokens: `(M, T)`, some of the data's.
        spread: Standard deviation of the attention's logits over positions, in nats.
    """
    mean = contrast / (positives + _SHRINK)[:, None]
    sarl.project.weight.copy_(_basis(mean * positives.sqrt()[:, None], sarl.project.weight.shape))
    keys = sarl.decoupling.token_keys.weight
    keys.zero_().fill_diagonal_(1.0)  # the first, most telling directions
    queries = torch.nn.functional.normalize(mean @ sarl.project.weight.T @ keys.T, dim=1)
    projected = sarl.project_tokens(tokens.to(contrast)[None])[0] @ keys.T
    known = queries[positives > 0]
    if not len(known) or not spread:
        return
    size = (projected.square() @ known.square().T).mean().div(keys.shape[0]).sqrt()
    queries = queries * _BEND / size.clamp(min=1e-6)
    logits = torch.stack([torch.tanh(projected * q).sum(dim=1) for q in queries[positives > 0]])
    sarl.decoupling.set_keys(queries)
    sarl.decoupling.direction.fill_(spread / logits.std(dim=1, correction=0).mean().clamp(min=1e-6))


def _basis(directions: Tensor, shape: torch.Size) -> Tensor:
    """Return orthonormal rows, the main ones of the directions first, then the first channels."""
    width, channels = shape
    main = torch.linalg.svd(directions, full_matrices=False)
    kept = main.Vh[1e-6 * main.S.max().clamp(min=1e-6) < main.S]
    rows = torch.cat([kept, torch.eye(channels, dtype=kept.dtype, device=kept.device)])
    found = torch.linalg.qr(rows.T).Q.T[:width]
    basis = rows.new_zeros(width, channels)
    basis[: len(found)] = found
    return basis
