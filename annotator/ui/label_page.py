"""The Label page: one component that draws itself in the browser and talks to the services."""

from __future__ import annotations

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.ui.boundary import server_function
from annotator.ui.contracts import Payload, Services
from annotator.ui.evidence_functions import evidence_functions
from annotator.ui.probe_functions import probe_functions
from annotator.ui.work_screen import ServerFunction, screen_functions, work_screen

STYLES = ("shared/work_screen", "label/evidence", "probe/probe")
"""Style sheets of the page, without `.css`."""

MAX_IMAGES = 50
"""Most images one request may ask about."""


def build_label_page(services: Services, *, scripts: str) -> gr.HTML:
    """Put the page into the open Blocks; everything it shows is drawn in `static/label`.

    Args:
        services: Of the open project.
        scripts: Address of the folder with the scripts and styles.
    """
    return work_screen(
        scripts=scripts,
        script="label/label_page",
        component="LabelPage",
        styles=STYLES,
        functions=label_functions(services),
        name="board",
    )


def label_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call as `server.NAME(data)`; see `boundary.server_function`."""
    labelling = services.labelling

    def start(annotator: str, data: Payload) -> Payload:
        del data
        return {"annotator": annotator, **labelling.start(annotator)}

    def next_images(annotator: str, data: Payload) -> Payload:
        count = data.get("count", 10)
        return labelling.next_images(
            annotator,
            str(data.get("tab", ""))[:64],
            after=_number(data["after"]) if data.get("after") is not None else None,
            count=max(1, min(MAX_IMAGES, _number(count))),
            exclude=_numbers(data.get("exclude", [])),
        )

    def items(annotator: str, data: Payload) -> Payload:
        return {"items": labelling.items(annotator, _numbers(data.get("ids", []))[:MAX_IMAGES])}

    actions = {
        "start": start,
        "next_images": next_images,
        "items": items,
    }
    own = [server_function(name, action) for name, action in actions.items()]
    beside = [*evidence_functions(services), *probe_functions(services)]
    return [*own, *screen_functions(services), *_desk_functions(services), *beside]


def _desk_functions(services: Services) -> list[ServerFunction]:
    """Return what the script may call beside the answering: looking up, flags, keys."""
    labelling, hotkeys, flags = services.labelling, services.hotkeys, services.flags

    def find_images(annotator: str, data: Payload) -> Payload:
        del annotator
        return labelling.find_images(str(data.get("text", ""))[:200])

    def history(annotator: str, data: Payload) -> Payload:
        del annotator
        return labelling.history(_number(data.get("image")), _number(data.get("category")))

    def set_hotkey(annotator: str, data: Payload) -> Payload:
        key = str(data.get("key", ""))[:20]
        return {"keys": hotkeys.set(annotator, _number(data.get("category")), key)}

    actions = {
        "find_images": find_images,
        "history": history,
        "set_hotkey": set_hotkey,
        "flag": flags.add,
        "resolve_flag": flags.resolve,
    }
    return [server_function(name, action) for name, action in actions.items()]


def _numbers(values: object) -> list[int]:
    if not isinstance(values, list):
        raise AnnotatorError(
            "The page sent a request that this server does not understand; reload the page."
        )
    return [_number(value) for value in values]


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise AnnotatorError(
            "The page sent a request that this server does not understand; reload the page."
        )
    return value
