"""Flags with a note: pinned once, seen by everybody, taken off by anybody."""

from __future__ import annotations

import pytest

from annotator.errors import AnnotatorError, NotFound
from annotator.services.app import Services
from annotator.wire.label import FlagRequest, ResolveFlagRequest


def test_a_flag_is_on_the_image_for_everybody(services: Services) -> None:
    services.flags.add("ann", FlagRequest(image=2, note=" is this\n a cat? "))

    plain, flagged = services.labelling.items("bob", [1, 2])

    assert plain["flags"] == []
    assert [(f["note"], f["by"]) for f in flagged["flags"]] == [("is this a cat?", "ann")]


def test_sending_a_flag_twice_pins_it_once(services: Services) -> None:
    services.flags.add("ann", FlagRequest(image=2, note="blurred"))

    again = services.flags.add("ann", FlagRequest(image=2, note="blurred"))

    assert len(again["flags"]) == 1
    assert len(services.flags.add("bob", FlagRequest(image=2, note="blurred"))["flags"]) == 2


def test_anybody_takes_a_flag_off_and_it_can_come_back(services: Services) -> None:
    said = services.flags.add("ann", FlagRequest(image=2, note=""))
    flag = said["flags"][0]["id"]

    left = services.flags.resolve("bob", ResolveFlagRequest(flag=flag))
    again = services.flags.resolve("ann", ResolveFlagRequest(flag=flag))
    back = services.flags.add("ann", FlagRequest(image=2, note=""))

    assert left == {"image": 2, "flags": []}
    assert again == left
    assert len(back["flags"]) == 1


@pytest.mark.parametrize(
    ("data", "error", "sentence"),
    [
        ({"image": 99, "note": ""}, NotFound, "There is no image with id 99"),
        ({"image": "1", "note": ""}, AnnotatorError, "reload the page"),
        ({"image": 1, "note": "x" * 501}, AnnotatorError, "at most 500 characters"),
    ],
)
def test_what_cannot_be_flagged_is_refused(
    services: Services, data: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        services.flags.add("ann", FlagRequest.read(data))


def test_a_flag_that_never_was_cannot_be_taken_off(services: Services) -> None:
    with pytest.raises(NotFound, match="no flag with id 7"):
        services.flags.resolve("ann", ResolveFlagRequest(flag=7))


@pytest.mark.parametrize("hidden", ["\0", "\x01", "\x1b", "\x7f", "\x85"])
def test_a_note_is_kept_without_signs_that_nobody_can_see(services: Services, hidden: str) -> None:
    note = FlagRequest.read({"image": 1, "note": f"blur{hidden}red\tor so"})

    said = services.flags.add("ann", note)

    assert said["flags"][0]["note"] == "blurred or so"
