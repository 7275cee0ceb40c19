from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from annotator.errors import (
    AnnotatorError,
    ImageFolderMissing,
    NotFound,
    ProjectBusy,
    SetBack,
    StoreError,
    StoreMoved,
    StoreUnavailable,
)
from annotator.ui.boundary import FAILED, annotator_of, server_function, shows_errors
from annotator.ui.label_page import label_functions


def asking(name: str | None = "Ann") -> Any:
    cookies = {} if name is None else {"annotator_name": name}
    return SimpleNamespace(cookies=cookies)


def failing(error: Exception) -> Any:
    def action(*_: Any) -> dict[str, Any]:
        raise error

    return server_function("act", action)


def functions(services: Any) -> dict[str, Any]:
    return {f.__name__: f for f in label_functions(services)}


def test_an_answer_carries_the_name_of_the_cookie(services: Any) -> None:
    said = functions(services)["save"]({"op": "x", "as": "Ann"}, asking("Ann"))

    assert said["ok"] is True
    assert services.labelling.calls == [("save", "Ann", {"op": "x", "as": "Ann"})]


def test_without_a_name_nothing_happens_and_the_page_is_told_to_ask(services: Any) -> None:
    for name, function in functions(services).items():
        said = function({}, asking(None))

        assert said["need_name"] is True, name
        assert said["refused"] is True, name
    assert services.labelling.calls == []


def test_work_of_one_person_is_never_recorded_under_another_name(services: Any) -> None:
    said = functions(services)["save"]({"op": "x", "as": "Ann"}, asking("Bob"))

    assert said["other_name"] is True
    assert "refused" not in said
    assert services.labelling.calls == []


def test_a_refusal_is_final_and_has_a_sentence() -> None:
    said = failing(NotFound("There is no image 5."))({}, asking())

    assert said == {"ok": False, "refused": True, "message": "There is no image 5."}


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreMoved, ImageFolderMissing, ProjectBusy])
def test_what_passes_is_no_refusal_so_the_page_keeps_its_work(kind: type[AnnotatorError]) -> None:
    said = failing(kind("The database is locked."))({}, asking())

    assert said == {"ok": False, "again": True, "message": "The database is locked."}


def test_a_database_that_will_never_do_is_a_refusal() -> None:
    said = failing(StoreError("The database is damaged."))({}, asking())

    assert said == {"ok": False, "refused": True, "message": "The database is damaged."}


@pytest.mark.parametrize(
    ("error", "title"),
    [(StoreUnavailable("It is locked."), "Try again later"), (NotFound("It is gone."), "Refused")],
)
def test_an_event_tells_by_its_title_whether_to_try_again(
    error: AnnotatorError, title: str
) -> None:
    def handler() -> None:
        raise error

    with pytest.raises(gr.Error) as caught:
        shows_errors(handler)()

    assert (caught.value.title, caught.value.message) == (title, str(error))


def test_a_database_that_was_set_back_is_said_so_that_the_page_puts_its_work_aside() -> None:
    said = failing(SetBack("It is older."))({}, asking())

    assert said == {"ok": False, "set_back": True, "message": "It is older."}


def test_a_bug_is_logged_with_its_traceback_and_not_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "annotator.ui"):
        said = failing(RuntimeError("secret path"))({}, asking())

    assert said == {"ok": False, "again": True, "failed": True, "message": FAILED}
    assert "secret path" in caplog.text


@pytest.mark.parametrize("data", [None, [], "text", 7])
def test_data_that_is_no_object_is_refused(data: object, services: Any) -> None:
    assert functions(services)["save"](data, asking())["refused"] is True


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("items", {"ids": ["1"]}),
        ("items", {"ids": "12"}),
        ("items", {"ids": [True]}),
        ("next_images", {"count": "many"}),
        ("next_images", {"exclude": {"1": 2}}),
        ("next_images", {"after": 1.5}),
    ],
)
def test_ids_that_are_no_whole_numbers_are_refused(
    name: str, data: dict[str, Any], services: Any
) -> None:
    said = functions(services)[name](data, asking())

    assert said["refused"] is True
    assert services.labelling.calls == []


def test_no_request_can_ask_for_more_images_than_fit(services: Any) -> None:
    ask = functions(services)

    images = ask["next_images"]({"tab": "t" * 99, "count": 10**9}, asking())["images"]
    items = ask["items"]({"ids": list(range(1, 1000))}, asking())["items"]

    assert len(images) == 40
    assert len(items) == 50
    assert services.labelling.calls[0][2][0] == "t" * 64


def test_the_start_says_who_one_is(services: Any) -> None:
    assert functions(services)["start"]({}, asking("Zo%C3%AB"))["annotator"] == "Zoë"


def test_the_status_comes_with_trainer_and_version(services: Any) -> None:
    said = functions(services)["state"]({}, asking())

    assert said["ok"] is True
    assert said["trainer"]["worker_alive"] is True


def test_an_event_of_a_page_shows_a_refusal_as_it_is() -> None:
    def handler() -> None:
        raise AnnotatorError("Choose a file first.")

    with pytest.raises(gr.Error, match="Choose a file first"):
        shows_errors(handler)()


def test_an_event_of_a_page_hides_a_bug_behind_a_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def handler() -> None:
        raise KeyError("secret")

    with pytest.raises(gr.Error) as caught, caplog.at_level(logging.ERROR, "annotator.ui"):
        shows_errors(handler)()

    assert "secret" not in str(caught.value)
    assert "secret" in caplog.text


def test_a_change_on_a_page_needs_a_name() -> None:
    with pytest.raises(AnnotatorError, match="Label page first"):
        annotator_of(asking(None))

    assert annotator_of(asking("Ann")) == "Ann"
