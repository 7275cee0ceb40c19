"""What comes back with an answer that was kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from annotator.errors import NotFound
from annotator.services.app import Services
from annotator.ui.work_screen import screen_functions
from annotator.wire.recording import Opinion

ANN = SimpleNamespace(cookies={"annotator_name": "Ann"})


def save(services: Services, **data: Any) -> dict[str, Any]:
    functions = {f.__name__: f for f in screen_functions(services)}
    said = functions["save"]({"as": "Ann", "op": "x", "kind": "answer", **data}, ANN)
    assert isinstance(said, dict)
    return said


def test_an_answer_about_one_image_brings_the_opinion_on_the_rest(real: Services) -> None:
    said = save(real, image=4, changes=[{"category": 1, "state": "present"}])

    assert said["ok"] is True
    assert said["opinion"]["version"] is None
    assert said["opinion"]["scores"] == {}


def test_an_answer_that_was_kept_is_never_refused_for_want_of_an_opinion(
    real: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(image_id: int) -> Opinion:
        raise NotFound(f"There is no image {image_id}.")

    monkeypatch.setattr(real.labelling, "opinion", away)

    said = save(real, image=4, changes=[{"category": 1, "state": "present"}])

    assert said["ok"] is True
    assert "opinion" not in said


@pytest.mark.parametrize("fields", [{}, {"mode": "confirm", "category": 1, "image": 4}])
def test_pages_of_many_images_get_none(real: Services, fields: dict[str, Any]) -> None:
    change = {"image": 4, "category": 1, "state": "present"}

    said = save(real, changes=[change], **fields)

    assert said["ok"] is True
    assert "opinion" not in said
