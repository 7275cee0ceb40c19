"""Small jobs of the server: again and again, each by itself, told once when it fails."""

from __future__ import annotations

import threading

import pytest

from annotator.errors import StoreMoved
from annotator.ui.web.periodic_tasks import Housekeeping


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

    (told,) = caplog.records
    assert told.message == "the disk is away (It will be retried.)"
    assert told.exc_info
    assert len(rounds) == done  # nothing more after it was closed


def test_what_a_person_can_mend_is_told_without_a_trace(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Event()

    def refuse() -> None:
        tried.set()
        raise StoreMoved("The database was moved; bring it back.")

    keeper = Housekeeping([refuse], every=0.001)
    assert tried.wait(10)
    keeper.close()

    (told,) = caplog.records
    assert told.message == "The database was moved; bring it back. (It will be retried.)"
    assert not told.exc_info
