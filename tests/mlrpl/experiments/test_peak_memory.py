"""How much memory a piece of work took at most."""

from __future__ import annotations

import numpy as np

from mlrpl.experiments.peak_memory import PeakMemory


def test_what_was_freed_is_still_counted_and_older_peaks_are_not() -> None:
    size = 80 * 2**20
    before = PeakMemory("cpu")
    start = before.bytes()

    np.ones(size // 8)

    assert before.bytes() >= start + 0.9 * size
    if before.kind.startswith("VmHWM"):
        assert PeakMemory("cpu").bytes() < start + 0.9 * size


def test_it_says_what_was_measured() -> None:
    assert PeakMemory("cpu").kind in ("VmHWM of the run", "ru_maxrss of the process")
