"""Where errors of the program become sentences for the person at the screen."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import gradio as gr
from starlette.requests import Request

from annotator.errors import AnnotatorError, SetBack, TemporaryError
from annotator.ui.web.identity import name_of

log = logging.getLogger("annotator.ui")

P = ParamSpec("P")
R = TypeVar("R")
Read = TypeVar("Read")

Payload = dict[str, object]
"""What a page's script gets: `ok`, and what the call answers with or why it does not."""

ServerFunction = Callable[[object, gr.Request], Payload]

FAILED = "Something went wrong. The server log has the details."
"""Shown instead of a traceback."""

NEED_NAME = "Enter your name at the top of the page first, so that the change is recorded under it."
"""Shown where a change is asked for without a name."""


def server_function(
    name: str,
    read: Callable[[object], Read],
    action: Callable[[str, Read], Mapping[str, object]],
) -> ServerFunction:
    """Return a function that the page's script can call as `server.NAME(data)`.

    It answers `{"ok": true, ...}` with what `action(annotator, read(data))` returns, or
    `{"ok": false, "message": ...}` with one of `refused` (nothing was changed, asking again would
    not help), `need_name`, `other_name` (the cookie holds another name than the page), `set_back`
    (the database is older than what the page has had acknowledged) or `again` (the page keeps its
    work and tries later); with `failed` beside it where the program failed on this request, which
    it may do every time.

    Args:
        name: Of the call.
        read: Turns what came into the request of the action, or refuses it; see `Request.read`.
        action: What is called, with the annotator's name; the types of the page's script are
            made from its annotations.
    """

    def call(data: object, request: gr.Request) -> Payload:
        annotator = name_of(request.cookies)
        if annotator is None:
            return {"ok": False, "refused": True, "need_name": True, "message": NEED_NAME}
        if isinstance(data, dict) and data.get("as") not in (None, annotator):
            return {
                "ok": False,
                "other_name": True,
                "message": "This browser now uses another name; reload the page.",
            }
        return answer(lambda: action(annotator, read(data)))

    call.__name__ = name
    call.action = action  # type: ignore[attr-defined]
    return call


def answer(act: Callable[[], Mapping[str, object]]) -> Payload:
    """Return what a call answers with, or why it does not; see `server_function`."""
    try:
        return {"ok": True, **act()}
    except TemporaryError as error:
        return {"ok": False, "again": True, "message": str(error)}
    except SetBack as error:
        return {"ok": False, "set_back": True, "message": str(error)}
    except AnnotatorError as error:
        return _refused(str(error))
    except Exception:
        log.exception("a request from a page failed")
        return {"ok": False, "again": True, "failed": True, "message": FAILED}


def _refused(message: str) -> Payload:
    return {"ok": False, "refused": True, "message": message}


def shows_errors(handler: Callable[P, R]) -> Callable[P, R]:
    """Turn an AnnotatorError of a Gradio event into a message on the page.

    Anything else is a bug: it is logged with its traceback, and the page says where to look.
    """

    @functools.wraps(handler)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except AnnotatorError as error:
            title = "Try again later" if isinstance(error, TemporaryError) else "Refused"
            raise gr.Error(str(error), title=title, print_exception=False) from error
        except Exception as error:
            log.exception("an event handler of a page failed")
            raise gr.Error(FAILED, title="Failed", print_exception=False) from error

    return wrapped


def annotator_of(request: gr.Request) -> str:
    """Return the name of the person behind a Gradio event.

    Raises:
        AnnotatorError: If no name has been said yet.
    """
    inner = getattr(request, "request", None)
    cookies = inner.cookies if isinstance(inner, Request) else request.cookies
    name = name_of(cookies)
    if name is None:
        raise AnnotatorError(NEED_NAME)
    return name
