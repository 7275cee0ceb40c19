"""Ridge regression on kernels, against plain solves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mlrpl.models.kernels import LandmarkRidge, exact_ridge, rbf


def problem(rows: int = 40, seed: int = 0):
    """Return a kernel, targets and the kinds of weights that take every way through the solve."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(rows, 6, generator=generator, dtype=torch.float64)
    kernel = rbf(points, points, 2.0)
    weights = torch.ones(rows, 6, dtype=torch.float64)
    weights[5:, 1] = 0.0  # few known
    weights[:5, 2] = 0.0  # few unknown: rows are deleted from the shared inverse
    weights[10:, 3] = 0.3  # weak negatives
    weights[:, 4] = torch.rand(rows, generator=generator, dtype=torch.float64) + 0.1
    weights[:, 5] = 0.0  # nothing known
    targets = torch.randn(rows, 6, generator=generator, dtype=torch.float64)
    return points, kernel, targets, weights


def plain(kernel, target, weight, ridge):
    """Return the coefficients by one dense solve over the rows that count."""
    used = weight > 0
    solved = torch.zeros_like(target)
    matrix = kernel[used][:, used] + torch.diag(ridge / weight[used])
    solved[used] = torch.linalg.solve(matrix, target[used])
    return solved


def test_the_kernel_is_one_at_home_and_falls_with_the_distance() -> None:
    points = torch.tensor([[0.0, 0.0], [3.0, 4.0]])

    kernel = rbf(points, points, 5.0)

    expected = torch.tensor([[1.0, np.exp(-0.5)], [np.exp(-0.5), 1.0]], dtype=torch.float32)
    assert torch.allclose(kernel, expected)


def test_coefficients_equal_those_of_scikit_learn() -> None:
    from sklearn.kernel_ridge import KernelRidge

    _, kernel, targets, weights = problem()

    found = exact_ridge(kernel, targets, weights, 0.5).coefficients

    for column in range(5):
        used = weights[:, column] > 0
        reference = KernelRidge(alpha=0.5, kernel="precomputed").fit(
            kernel[used][:, used].numpy(),
            targets[used, column].numpy(),
            sample_weight=weights[used, column].numpy(),
        )
        assert found[used, column].numpy() == pytest.approx(reference.dual_coef_, abs=1e-8)
        assert (found[~used, column] == 0).all()
    assert (found[:, 5] == 0).all()


def test_single_precision_agrees_to_five_digits() -> None:
    _, kernel, targets, weights = problem()

    single = exact_ridge(kernel.float(), targets.float(), weights.float(), 0.5)

    double = exact_ridge(kernel, targets, weights, 0.5)
    assert single.coefficients.numpy() == pytest.approx(double.coefficients.numpy(), abs=1e-5)
    assert single.left_out.numpy() == pytest.approx(double.left_out.numpy(), abs=1e-5)


@pytest.mark.parametrize("column", range(5))
def test_left_out_scores_equal_those_of_really_leaving_out(column) -> None:
    _, kernel, targets, weights = problem()

    left_out = exact_ridge(kernel, targets, weights, 0.5).left_out[:, column]

    for row in range(len(kernel)):
        without = weights[:, column].clone()
        without[row] = 0.0
        score = kernel[row] @ plain(kernel, targets[:, column], without, 0.5)
        assert left_out[row].item() == pytest.approx(score.item(), abs=1e-8)


def test_with_every_row_as_a_landmark_nothing_is_lost() -> None:
    points, kernel, targets, weights = problem()

    found = LandmarkRidge(kernel, kernel).solve(targets, weights, 0.5)

    new = rbf(points + 0.3, points, 2.0)
    exact = exact_ridge(kernel, targets, weights, 0.5)
    assert (new @ found.coefficients).numpy() == pytest.approx(
        (new @ exact.coefficients).numpy(), abs=1e-4
    )


def test_on_landmarks_a_row_is_scored_without_its_fold() -> None:
    _, kernel, targets, weights = problem()

    left_out = LandmarkRidge(kernel, kernel).solve(targets, weights, 0.5, folds=4).left_out

    for column in (0, 4):
        without = weights[:, column].clone()
        without[1::4] = 0.0
        expected = kernel[1::4] @ plain(kernel, targets[:, column], without, 0.5)
        assert left_out[1::4, column].numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_half_of_the_rows_as_landmarks_come_close() -> None:
    points, kernel, targets, weights = problem(200)
    smooth = torch.sin(points[:, :1]).expand_as(targets)

    found = LandmarkRidge(kernel[::2, ::2], kernel[:, ::2]).solve(smooth, weights, 0.1)

    exact = exact_ridge(kernel, smooth, weights, 0.1)
    error = kernel[:, ::2] @ found.coefficients - kernel @ exact.coefficients
    assert error[:, 0].square().mean() < 0.02 * smooth[:, 0].var()


def test_a_stopped_solve_leaves_the_rest_at_zero() -> None:
    _, kernel, targets, weights = problem()
    asked = iter([False, True, True, True])

    found = exact_ridge(kernel, targets, weights, 0.5, lambda: next(asked)).coefficients

    assert (found[:, 0] != 0).all()
    assert (found[:, 1:] == 0).all()
