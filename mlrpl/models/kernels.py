"""Ridge regression on kernels: exact with every weight and left-out score, or on landmarks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_ROUNDS = 60
"""Most steps of the conjugate gradients; a dozen is usual."""
_TOLERANCE = 1e-5
"""Length of the residual against that of the right side at which they end."""

Step = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Solution:
    """What a ridge regression found for every category."""

    coefficients: Tensor
    """`(M, C)`, of the kernel with each training row or landmark."""
    left_out: Tensor
    """`(N, C)`, scores of the rows by a solution that did not have this pair."""


def rbf(left: Tensor, right: Tensor, width: float = 1.0) -> Tensor:
    """Return `exp(-|a - b|^2 / (2 width^2))` of rows `(N, D)` and `(M, D)`, as `(N, M)`."""
    squares = left.square().sum(dim=1)[:, None] + right.square().sum(dim=1)
    distances = torch.addmm(squares, left, right.T, alpha=-2.0).clamp_(min=0.0)
    return distances.mul_(-0.5 / width**2).exp_()


def exact_ridge(
    kernel: Tensor,
    targets: Tensor,
    weights: Tensor,
    ridge: float,
    should_stop: Step = lambda: False,
) -> Solution:
    """Return the minimisers of `sum_i w_ic (y_ic - f_c(x_i))^2 + ridge |f_c|^2`, all exact.

    With `A_c = K + ridge diag(1 / w_c)` over the rows of weight above 0, the coefficients are
    `A_c^-1 y_c` and a left-out score is `y_i - coefficient_i / (A_c^-1)_ii`. Where most rows of a
    category share one weight, A_c differs from a matrix that all such categories share in few
    entries, and its inverse is updated (Woodbury); a row of weight 0 is deleted the same way.

    Args:
        kernel: `(N, N)`, positive semi-definite.
        targets: `(N, C)`; of no meaning where the weight is 0.
        weights: `(N, C)`, 0 or more.
        ridge: Above 0.
        should_stop: Asked before every category; the rest of the coefficients stay zero.

    Returns:
        Coefficients `(N, C)`, 0 where the weight is 0, and left-out scores. A row of weight 0 was
        left out anyway, so that its score is that of the solution.
    """
    coefficients = torch.zeros_like(targets)
    left_out = torch.zeros_like(targets)
    shared: dict[float, Tensor] = {}
    for category in range(targets.shape[1]):
        if should_stop():
            break
        weight, target = weights[:, category], targets[:, category]
        values, counts = weight.unique(return_counts=True)
        usual = float(values[counts.argmax()])
        special = (weight != usual).nonzero().squeeze(1)
        used = (weight > 0).nonzero().squeeze(1)
        if not len(used):
            continue
        if usual > 0 and len(special) < len(used) / 2:
            if usual not in shared:
                shared[usual] = _inverse(kernel, ridge / torch.full_like(weight, usual))
            solved, diagonal = _updated(shared[usual], target, weight, usual, ridge, special)
        else:
            inverse = _inverse(kernel[used][:, used], ridge / weight[used])
            solved, diagonal = torch.zeros_like(target), torch.ones_like(target)
            solved[used] = inverse @ target[used]
            diagonal[used] = inverse.diagonal()
        coefficients[:, category] = solved
        left_out[:, category] = torch.where(weight > 0, target - solved / diagonal, kernel @ solved)
    return Solution(coefficients, left_out)


def _inverse(kernel: Tensor, noise: Tensor) -> Tensor:
    return torch.cholesky_inverse(torch.linalg.cholesky(kernel + torch.diag(noise)))


def _updated(
    inverse: Tensor, target: Tensor, weight: Tensor, usual: float, ridge: float, special: Tensor
) -> tuple[Tensor, Tensor]:
    """Return `A^-1 y` and the diagonal of `A^-1`, from the inverse for the usual weight."""
    if not len(special):
        return inverse @ target, inverse.diagonal()
    # One over infinity is zero, which deletes a row of weight 0.
    core = torch.diag(1 / (ridge / weight[special] - ridge / usual))
    columns = inverse[:, special]
    change = torch.linalg.solve(core + columns[special], columns.T)
    solved = inverse @ target
    solved = solved - columns @ (change @ target)
    diagonal = inverse.diagonal() - (columns.T * change).sum(dim=0)
    gone = weight == 0
    return solved.masked_fill(gone, 0.0), diagonal.masked_fill(gone, 1.0)


class LandmarkRidge:
    """The same regression on the functions that some landmarks span (Nystroem)."""

    def __init__(self, landmarks: Tensor, rows: Tensor) -> None:
        """Take the kernel among M landmarks `(M, M)` and of the rows with them `(N, M)`.

        Source:
            Williams and Seeger, NIPS 2000. With every row as a landmark it is `exact_ridge`. The
            features are turned onto the axes of their second moment, where conjugate gradients
            for all categories at once need only a diagonal preconditioner.
        """
        values, vectors = torch.linalg.eigh(landmarks.double())
        kept = values > values[-1] * 1e-7
        whiten = (vectors[:, kept] / values[kept].sqrt()).to(rows.dtype)
        moments, axes = torch.linalg.eigh((rows @ whiten).T @ (rows @ whiten))
        self.back = whiten @ axes
        """`(M, R)`, from coefficients of the features to those of the landmarks."""
        self.features = rows @ self.back
        """`(N, R)`."""
        self.moments = moments.clamp(min=0) / len(rows)
        """`(R,)`, mean squares of the features."""

    def solve(
        self,
        targets: Tensor,
        weights: Tensor,
        ridge: float,
        folds: int = 4,
        should_stop: Step = lambda: False,
    ) -> Solution:
        """Return the minimisers, and scores of each row by solutions without its fold.

        Args:
            targets: `(N, C)`; of no meaning where the weight is 0.
            weights: `(N, C)`, 0 or more.
            ridge: Above 0.
            folds: Groups that rows are left out in, by their place; at least 2.
            should_stop: Asked before every fold; the rest of the scores stay zero.
        """
        every = self._minimise(targets, weights, ridge)
        left_out = self.features @ every
        for fold in range(folds):
            if should_stop():
                break
            inside = torch.ones(len(targets), 1, dtype=weights.dtype, device=weights.device)
            inside[fold::folds] = 0.0
            without = self._minimise(targets, weights * inside, ridge)
            mine = self.features[fold::folds] @ without
            left_out[fold::folds] = torch.where(
                weights[fold::folds] > 0, mine, left_out[fold::folds]
            )
        return Solution(self.back @ every, left_out)

    def _minimise(self, targets: Tensor, weights: Tensor, ridge: float) -> Tensor:
        """Return `(R, C)`, by preconditioned conjugate gradients for all categories at once."""
        features = self.features
        scale = 1 / (self.moments[:, None] * weights.sum(dim=0) + ridge)
        residual = features.T @ (weights * targets)
        goal = _TOLERANCE * residual.norm(dim=0)
        solution = torch.zeros_like(residual)
        ahead = scale * residual
        direction, product = ahead, (residual * ahead).sum(dim=0)
        for _ in range(_ROUNDS):
            if (residual.norm(dim=0) <= goal).all():
                break
            image = features.T @ (weights * (features @ direction)) + ridge * direction
            step = product / (direction * image).sum(dim=0).clamp(min=1e-30)
            solution = solution + step * direction
            residual = residual - step * image
            ahead = scale * residual
            previous, product = product, (residual * ahead).sum(dim=0)
            direction = ahead + product / previous.clamp(min=1e-30) * direction
        return solution
