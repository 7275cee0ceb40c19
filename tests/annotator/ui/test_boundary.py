from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
import sqlalchemy as sa

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
from annotator.services.app import Services
from annotator.store.tables import lease
from annotator.ui.boundary import FAILED, annotator_of, server_function, shows_errors
from annotator.ui.label_page import label_functions
from annotator.wire.request import Id, Request


class Ask(Request):
    """What the calls of these tests are asked."""

    image: Id = 0


def asking(name: str | None = "Ann") -> Any:
    cookies = {} if name is None else {"annotator_name": name}
    return SimpleNamespace(cookies=cookies)


def failing(error: Exception) -> Any:
    def action(*_: Any) -> dict[str, Any]:
        raise error

    return server_function("act", Ask.read, action)


@pytest.fixture
def asked() -> list[tuple[str, Ask]]:
    """What `call` was asked."""
    return []


@pytest.fixture
def call(asked: list[tuple[str, Ask]]) -> Any:
    def action(annotator: str, request: Ask) -> dict[str, object]:
        asked.append((annotator, request))
        return {"image": request.image}

    return server_function("act", Ask.read, action)


def functions(services: Any) -> dict[str, Any]:
    return {f.__name__: f for f in label_functions(services)}


def test_an_answer_carries_the_name_of_the_cookie(call: Any, asked: list[Any]) -> None:
    said = call({"image": 3, "as": "Ann"}, asking("Ann"))

    assert said == {"ok": True, "image": 3}
    assert asked == [("Ann", Ask(image=3))]


def test_without_a_name_nothing_happens_and_the_page_is_told_to_ask(services: Any) -> None:
    for name, function in functions(services).items():
        said = function({}, asking(None))

        assert said["need_name"] is True, name
        assert said["refused"] is True, name
    assert services.labelling.calls == []


def test_work_of_one_person_is_never_recorded_under_another_name(
    call: Any, asked: list[Any]
) -> None:
    said = call({"image": 3, "as": "Ann"}, asking("Bob"))

    assert said["other_name"] is True
    assert "refused" not in said
    assert asked == []


def test_what_does_not_fit_is_refused_with_the_name_of_the_field(
    call: Any, asked: list[Any]
) -> None:
    said = call({"image": "3"}, asking())

    assert said["refused"] is True
    assert said["message"] == (
        "The page sent a request that this server does not understand: "
        "image should be a whole number; reload the page."
    )
    assert asked == []


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
def test_data_that_is_no_object_is_refused(data: object, call: Any, asked: list[Any]) -> None:
    assert call(data, asking())["refused"] is True
    assert asked == []


def test_no_request_can_ask_for_more_images_than_fit(real: Services) -> None:
    ask = functions(real)

    images = ask["next_images"]({"tab": "t" * 99, "count": 10**9}, asking())["images"]
    items = ask["items"]({"ids": list(range(1, 1000))}, asking())["items"]

    assert len(images) == 6
    assert len(items) == 6
    with real.store.reading() as tx:
        assert set(tx.execute(sa.select(lease.c.holder)).scalars()) == {"t" * 64}


def test_the_start_says_who_one_is(real: Services) -> None:
    assert functions(real)["start"]({}, asking("Zo%C3%AB"))["annotator"] == "Zoë"


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
    with pytest.raises(AnnotatorError, match="top of the page first"):
        annotator_of(asking(None))

    assert annotator_of(asking("Ann")) == "Ann"
