"""Small jobs of the server: again and again, each by itself, told once when it fails."""

from __future__ import annotations

import threading

import pytest

from annotator.ui.housekeeping import Housekeeping


def test_a_job_that_fails_is_told_once_and_keeps_no_other_from_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rounds: list[int] = []
    enough = threading.Event()

    def fail() -> None:
        raise OSError("the disk is away")

    def count() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 5:
            enough.set()

    keeper = Housekeeping([fail, count], every=0.001)
    assert enough.wait(10)
    keeper.close()
    done = len(rounds)

    assert [r.message for r in caplog.records] == ["a job of the server failed; it is tried again"]
    assert len(rounds) == done  # nothing more after it was closed
