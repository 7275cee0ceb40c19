"""Features made small and kept."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.projection import WIDTH, Projection, fit_projection


def sample(images: int = 40, positions: int = 9, token: int = 200, pooled: int = 300):
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((6, token))
    tokens = rng.standard_normal((images, positions, 6)) @ mixing + 3
    return rng.gamma(1.0, 2.0, (images, pooled)), tokens


def test_a_sample_of_low_rank_is_kept_whole() -> None:
    pooled, tokens = sample()

    projection = fit_projection(pooled, tokens)
    reduced = projection.tokens(tokens)

    back = reduced @ projection.token_basis.T + projection.token_mean
    assert reduced.shape == (40, 9, WIDTH)
    assert back == pytest.approx(tokens, abs=1e-3)
    assert np.abs(reduced[:, :, 6:]).max() < 1e-3


def test_search_vectors_have_length_one_and_find_the_image_itself() -> None:
    pooled, tokens = sample(images=400)
    projection = fit_projection(pooled, tokens)

    search = projection.search(pooled)

    assert search.dtype == np.float32
    assert np.linalg.norm(search, axis=1) == pytest.approx(np.ones(400), abs=1e-5)
    assert ((search @ search.T).argmax(axis=1) == np.arange(400)).all()


def test_one_image_is_enough_and_unlike_images_stay_unlike() -> None:
    pooled, tokens = sample(images=5)

    projection = fit_projection(pooled[:1], tokens[:1])
    search = projection.search(pooled)

    assert np.isfinite(search).all()
    assert np.linalg.norm(search, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert (search[1:] @ search[1:].T - np.eye(4)).max() < 0.9


def test_narrow_features_keep_their_width_and_search_vectors_theirs() -> None:
    pooled, tokens = sample(token=20, pooled=30)

    projection = fit_projection(pooled, tokens)

    assert projection.tokens(tokens).shape == (40, 9, 20)
    assert projection.search(pooled).shape == (40, WIDTH)


def test_a_large_map_is_averaged_down_to_eight_by_eight() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((3, 16, 16, 5)).astype(np.float32)

    projection = fit_projection(rng.random((3, 7)), tokens.reshape(3, 256, 5))

    means = tokens.reshape(3, 8, 2, 8, 2, 5).mean(axis=(2, 4)).reshape(3, 64, 5)
    expected = (means - projection.token_mean) @ projection.token_basis
    assert projection.tokens(tokens.reshape(3, 256, 5)) == pytest.approx(expected, abs=1e-5)


def test_a_map_that_is_not_square_is_averaged_over_neighbours() -> None:
    projection = fit_projection(np.eye(2, 7), np.random.default_rng(0).random((2, 130, 5)))

    assert projection.pooling.shape == (64, 130)
    assert projection.pooling.sum(axis=1) == pytest.approx(np.ones(64), abs=1e-5)


def test_the_same_sample_gives_the_same_projection_and_files_keep_it(tmp_path) -> None:
    one, other = (fit_projection(*sample(images=3)) for _ in range(2))

    one.save(tmp_path / "pca.npz")
    kept = Projection.load(tmp_path / "pca.npz")

    for name, array in one.arrays().items():
        assert np.array_equal(array, other.arrays()[name])
        assert np.array_equal(array, kept.arrays()[name])
    assert [p.name for p in tmp_path.iterdir()] == ["pca.npz"]


def test_what_is_no_projection_is_refused() -> None:
    with pytest.raises(ValueError, match="token_mean"):
        Projection.from_arrays({"pooling": np.eye(2)})
    with pytest.raises(ValueError, match="at least one image"):
        fit_projection(np.zeros((0, 3)), np.zeros((0, 2, 3)))
