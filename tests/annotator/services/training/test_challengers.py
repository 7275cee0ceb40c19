"""Which challenger learns next, and what the others wait for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from annotator.domain import Version
from annotator.services.training.challengers import (
    FINE_TUNED,
    QUIET_SECONDS,
    Outcome,
    Race,
    Trial,
    budget,
    due,
    waits,
    why_none,
)
from annotator.settings import Settings, changed

AUTO = changed(Settings(), {"method": "auto"})


def version(
    number: int = 7, method: str = "kernel_ridge", note: str = "", **metrics: Any
) -> Version:
    return Version(
        number=number,
        method=method,
        backbone="b",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        ready=True,
        promoted=True,
        trained_answers=1000,
        trained_present=300,
        training_seconds=8.0,
        metrics={"known_pairs": 1000, "labelled_images": 200, **metrics},
        note=note,
    )


def race(*trials: Trial, **changes: Any) -> Race:
    about = {"base": version(), "champion": version(), "quiet_seconds": 0.0, **changes}
    return Race(trials=trials, **about)


def trial(name: str, outcome: Outcome, known: int = 900, base: int = 6, **more: Any) -> Trial:
    return Trial(name, base, known, outcome, **more)


def first(now: Race, settings: Settings = AUTO) -> str | None:
    found = due(now, settings)
    return None if found is None else found["challenger"]


def test_the_job_says_what_learns_and_what_it_is_compared_with() -> None:
    assert due(race(), AUTO) == {"challenger": "hst", "base": 7, "known": 1000, "method": "hst"}


@pytest.mark.parametrize(
    ("changes", "settings", "says"),
    [
        ({}, {"method": "kernel_ridge"}, "the method is kernel_ridge"),
        ({}, {"retraining.automatic": False}, "automatic training is off"),
        ({"base": None, "champion": None}, {}, "after the first version"),
        ({"base": version(labelled_images=99)}, {}, "after 1 more labelled image:"),
        ({"champion": version(3, note="promoted by ada")}, {}, "version 3 was chosen by a person"),
    ],
)
def test_none_learns(changes: dict, settings: dict, says: str) -> None:
    now, wish = race(**changes), changed(AUTO, settings)

    assert says in why_none(now, wish)
    assert due(now, wish) is None


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (trial("hst", Outcome.WON, base=7), "Tried on these answers"),
        (trial("hst", Outcome.LEVEL, known=800), ""),
        (trial("hst", Outcome.LEVEL, known=801), "Again at 1,001 labels; there are 1,000."),
        (trial("hst", Outcome.WORSE, known=500), ""),
        (trial("hst", Outcome.WORSE, known=501), "Again at 1,002 labels; there are 1,000."),
        (trial("hst", Outcome.OUT_OF_TIME, known=501), "Again at 1,002 labels"),
        (trial("hst", Outcome.FAILED, known=501), "Again at 1,002 labels"),
        (trial("hst", Outcome.WON, known=1000), ""),
        (trial("hst", Outcome.DROPPED), "once nobody has answered for 5 minutes"),
    ],
)
def test_a_challenger_that_lost_waits_for_more_labels(last: Trial, says: str) -> None:
    others = [trial(name, Outcome.LEVEL, base=7) for name in ("sarb", FINE_TUNED)]
    now = race(last, *others)

    assert says in waits(now, "hst")
    assert bool(waits(now, "hst")) == bool(says)
    assert first(now) == (None if says else "hst")


def test_one_that_new_answers_overtook_is_tried_again_in_a_pause() -> None:
    now = race(trial("hst", Outcome.DROPPED))

    assert first(now) == "sarb"
    assert waits(replace(now, quiet_seconds=QUIET_SECONDS), "hst") == ""


def test_the_one_that_came_nearest_goes_before_the_others() -> None:
    now = race(
        trial("hst", Outcome.LEVEL, known=800, gain=0.001),
        trial("sarb", Outcome.LEVEL, known=800, gain=0.004),
        trial(FINE_TUNED, Outcome.LEVEL, known=800, gain=-0.01),
    )

    assert first(now) == "sarb"


def test_the_method_in_use_is_renewed_before_others_are_tried() -> None:
    in_use = version(6, "sarb", challenge={"challenger": "sarb"})

    assert first(race(trial("sarb", Outcome.WON), champion=in_use)) == "sarb"


def test_fine_tuning_takes_part_only_where_the_settings_allow_it() -> None:
    tried = [trial(name, Outcome.LEVEL, base=7) for name in ("hst", "sarb")]
    never = changed(AUTO, {"retraining.finetune": "never"})

    assert first(race(*tried)) == FINE_TUNED
    assert first(race(*tried), never) is None


def test_what_a_person_has_trained_with_is_not_tried_again() -> None:
    assert "Version 7 is one of these" in waits(race(base=version(method="hst")), "hst")


def test_a_challenger_has_time_in_proportion_to_the_quick_training() -> None:
    assert budget(version(), "hst") == 800
    assert budget(replace(version(), training_seconds=0.1), "hst") == 300
    assert budget(replace(version(), training_seconds=500.0), "hst") == 3600
    assert budget(version(), FINE_TUNED) == 3600
