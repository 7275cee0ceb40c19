"""The anchoring check by hand, and on simulated people who do and do not follow."""

from __future__ import annotations

import numpy as np
import pytest

from mlrpl.decision.anchoring import anchoring, blind_needed

BANDS = 10


def band(**counts: tuple[int, int]) -> np.ndarray:
    table = np.zeros((BANDS, 2), np.int64)
    for name, row in counts.items():
        table[int(name[1:])] = row
    return table


def test_one_band_by_hand() -> None:
    found = anchoring(band(b9=(98, 94)), band(b9=(48, 40)))

    assert found is not None
    assert found.difference == pytest.approx(94 / 98 - 40 / 48)
    p, q = 95 / 100, 41 / 50
    spread = 1.96 * (p * (1 - p) / 100 + q * (1 - q) / 50) ** 0.5
    assert (found.low, found.high) == (
        pytest.approx(found.difference - spread),
        pytest.approx(found.difference + spread),
    )


def test_bands_weigh_as_much_as_both_kinds_of_answers_allow() -> None:
    shown, blind = band(b0=(30, 30), b9=(60, 30)), band(b0=(60, 60), b9=(30, 30))

    found = anchoring(shown, blind)

    assert found is not None
    assert found.difference == pytest.approx((20 * 0 + 20 * -0.5) / 40)


def test_a_band_that_only_one_kind_fills_says_nothing() -> None:
    alone = anchoring(band(b3=(10, 9)), band(b3=(10, 8)))
    beside = anchoring(band(b3=(10, 9), b5=(1000, 0)), band(b3=(10, 8), b0=(500, 500)))

    assert alone == beside


def test_without_a_common_band_there_is_no_figure() -> None:
    assert anchoring(band(b1=(10, 9)), band(b8=(10, 8))) is None
    assert anchoring(band(), band()) is None


@pytest.mark.parametrize(("follows", "contained"), [(0.0, True), (0.3, False)])
def test_followers_are_told_from_people_who_look(follows: float, contained: bool) -> None:
    rng = np.random.default_rng(3)
    score = (rng.integers(0, BANDS, (2, 6000)) + 0.5) / BANDS
    says = score >= 0.5
    answer = rng.random(score.shape) < score  # a calibrated model
    followed = rng.random(6000) < follows
    answer[0] = np.where(followed, says[0], answer[0])
    tables = []
    for row in range(2):
        place = (score[row] * BANDS).astype(int)
        agrees = answer[row] == says[row]
        columns = [np.bincount(place, minlength=BANDS), np.bincount(place, agrees, BANDS)]
        tables.append(np.stack(columns, axis=1))

    found = anchoring(tables[0], tables[1])

    assert found is not None
    assert (found.low <= 0 <= found.high) is contained


def test_the_surer_people_are_the_fewer_blind_answers_are_needed() -> None:
    assert blind_needed(0.95) < blind_needed(0.8) < blind_needed(0.5)
    assert blind_needed(1.0) == blind_needed(0.95) == 73
    assert blind_needed(0.0) == 385
