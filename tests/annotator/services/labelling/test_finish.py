"""What the Label page says once every image has been visited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from annotator.services.app import Services
from annotator.services.labelling.finish import price_of
from annotator.wire.label import FlagRequest


def test_the_counts_are_those_of_now_with_what_is_worth_a_second_look(
    services: Services, publish: Callable[..., int], answer: Callable[..., None]
) -> None:
    publish(np.repeat([6.0, -6.0], 3)[:, None] * np.ones(3))  # certain of the first three images
    answer("a", (1, 1, "absent"), (1, 2, "present"), (5, 1, "present"), (6, 1, "absent"))
    services.flags.add("Ann", FlagRequest(image=2))

    found = services.finish.summary("Ann")

    assert found == {
        "images": 6, "answered": 4, "filled": 0, "open": 14,
        "doubtful": 2, "conflicts": 0, "flagged": 1,
    }  # fmt: skip


def test_a_certificate_has_no_price_before_there_is_a_version(services: Services) -> None:
    assert services.finish.certificate_price() == {"message": ""}


def plan(filled: int, questions: int, refused: str = "") -> Any:
    sentence = "At least 90 % of what is present is in the finished set."
    return {
        "pool": 2_000,
        "chosen": {
            "promise": {"sentence": sentence}, "fill_absent": filled, "fill_present": 0,
            "questions": questions, "seconds": 60.0 * 12, "refused": refused,
        },
        "refused": refused,
    }  # fmt: skip


def test_the_price_of_a_certificate_is_what_its_plan_asks_and_promises() -> None:
    assert price_of(plan(1_234, 240)) == (
        "A certificate would fill in 1,234 of 2,000 open pairs after 240 probes (random questions, "
        "asked without the model's opinion), about 12 minutes. Its promise: At least 90 % of what "
        "is present is in the finished set."
    )
    assert price_of(plan(1_234, 240, "It would not pay.")) == ""
    assert price_of(plan(0, 0)) == ""
