"""What comes back with an answer that was kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from annotator.ui.work_screen import screen_functions

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})


def save(services: Any, **data: Any) -> dict[str, Any]:
    functions = {f.__name__: f for f in screen_functions(services)}
    said = functions["save"]({"as": "Ann", "op": "x", "kind": "answer", "changes": [], **data}, ANN)
    assert isinstance(said, dict)
    return said


def test_an_answer_about_one_image_brings_the_opinion_on_the_rest(services: Any) -> None:
    said = save(services, image=4)

    assert said["ok"] is True
    assert said["opinion"]["scores"] == {"1": 0.5}


def test_an_answer_that_was_kept_is_never_refused_for_want_of_an_opinion(services: Any) -> None:
    said = save(services, image=101)

    assert said["ok"] is True
    assert "opinion" not in said


@pytest.mark.parametrize("fields", [{}, {"mode": "confirm", "image": 4}])
def test_pages_of_many_images_get_none(services: Any, fields: dict[str, Any]) -> None:
    assert "opinion" not in save(services, **fields)
