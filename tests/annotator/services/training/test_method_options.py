from __future__ import annotations

from typing import Any

import pytest

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.training.challengers import AUTO
from annotator.services.training.control import METHODS, training_options
from annotator.services.training.method_options import (
    EPOCHS,
    METHOD_OPTIONS,
    job_options,
    numbers_in,
)
from annotator.store import jobs
from annotator.wire.recording import SaveRequest
from mlrpl.methods import describe


@pytest.mark.parametrize("method", [name for name in METHODS if name != AUTO])
def test_what_the_page_calls_usual_is_what_the_method_takes_by_itself(method: str) -> None:
    described = describe(method)
    usual = {option.name: option.usual for option in METHOD_OPTIONS[method]}

    assert usual
    assert usual == {
        name: described.training[name] if name == EPOCHS else described.options[name]
        for name in usual
    }
    assert all(f"Default {o.usual:g}" in o.says for o in METHOD_OPTIONS[method])


def test_only_what_is_not_usual_is_passed_on() -> None:
    assert job_options("partial_bce", {"epochs": 40, "penalty": 0.1}) == {}
    assert job_options("partial_bce", {"epochs": 20.0, "penalty": 1}) == {
        "epochs": 20,
        "options": {"penalty": 1.0},
    }


@pytest.mark.parametrize(
    ("method", "chosen", "says"),
    [
        ("hst", {"epochs": 0}, "Epochs must be a whole number from 1 to 500"),
        ("hst", {"epochs": 2.5}, "whole number"),
        ("partial_bce", {"penalty": -1}, "from 0 to 1000, got -1"),
        ("kernel_ridge", {"epochs": 3}, "kernel_ridge has no option 'epochs'; known: ridge"),
        ("own", {"epochs": 3}, "known: none"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_in_a_sentence(
    method: str, chosen: dict[str, Any], says: str
) -> None:
    with pytest.raises(AnnotatorError, match=says):
        job_options(method, chosen)


def test_a_training_with_other_numbers_keeps_the_method_they_are_of(services: Services) -> None:
    change = {"image": 1, "category": 1, "state": "present"}
    services.recording.save("Ann", SaveRequest(op="a", kind="answer", changes=[change]))

    usual = services.training.train("Ann", options={"ridge": 0.0})["job"]
    services.training.cancel()
    other = services.training.train("Ann", options={"ridge": 0.5})["job"]

    with services.store.reading() as tx:
        assert jobs.get(tx, usual).options == {}
        assert jobs.get(tx, other).options == {"method": "kernel_ridge", "options": {"ridge": 0.5}}


def test_numbers_are_typed_as_name_and_value() -> None:
    assert numbers_in(["penalty=0.3", " epochs = 5"]) == {"penalty": 0.3, "epochs": 5.0}


@pytest.mark.parametrize("text", ["penalty", "penalty=", "penalty=much", "=", ""])
def test_what_is_no_name_and_number_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(AnnotatorError, match="a name and a number, like penalty"):
        numbers_in([text])


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    with pytest.raises(AnnotatorError, match="from 0 to 1000"):
        job_options("partial_bce", numbers_in([f"penalty={number}"]))


def test_numbers_are_of_the_method_that_is_named_or_else_of_the_projects() -> None:
    assert training_options("hst", None, {"pooled_penalty": 1.0}) == {
        "method": "hst",
        "options": {"pooled_penalty": 1.0},
    }
    assert training_options(None, None, {"penalty": 1.0}, usual="partial_bce") == {
        "method": "partial_bce",
        "options": {"penalty": 1.0},
    }
    with pytest.raises(AnnotatorError, match="kernel_ridge has no option 'penalty'"):
        training_options(None, None, {"penalty": 1.0})
