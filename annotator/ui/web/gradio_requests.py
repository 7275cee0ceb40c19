"""What is wrong with a request to Gradio, which itself would answer 500 and log a traceback."""

from __future__ import annotations

import inspect
import re
import typing
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.data_classes import (
    CancelBody,
    ComponentServerJSONBody,
    PredictBody,
    ResetBody,
)
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from gradio.block_function import BlockFunction

_MODELS: dict[str, type[BaseModel]] = {
    "cancel": CancelBody,
    "component_server": ComponentServerJSONBody,
    "queue/join": PredictBody,
    "reset": ResetBody,
    "run": PredictBody,
}
"""What Gradio wants, by the address below `/gradio_api/`."""

_HALF = re.compile("[\ud800-\udfff]")

# What components raise on a value that is none of theirs.
_REFUSALS = (
    *(gr.Error, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError),
)


class GradioRequests:
    """Says what is wrong with the JSON of a request, so that Gradio only gets what it can answer.

    Args:
        pages: All pages, with their events and components.
    """

    def __init__(self, pages: gr.Blocks) -> None:
        self._pages = pages

    def fault(self, address: str, body: Any) -> str:
        """Return what is wrong, naming the field; empty if nothing is.

        Args:
            address: Below `/gradio_api/`, such as `queue/join`.
            body: The JSON of the request, read.
        """
        name, _, event = address.strip("/").partition("/")
        model = _MODELS.get(address.strip("/")) or _MODELS.get(name)
        if model is None:
            return ""
        try:
            said = model.model_validate(body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "it"
            return f"{place}: {first['msg'].lower()}"
        # Half a character in what a work screen says is refused by the call itself.
        texts = {**body, "data": None} if model is ComponentServerJSONBody else body
        if _has_half_character(texts):
            return "half of a character in a text"
        if isinstance(said, ComponentServerJSONBody):
            return self._fault_of_call(said)
        if isinstance(said, PredictBody):
            return self._fault_of_event(said, event if name == "run" else None)
        return ""

    def is_open(self, session: str) -> bool:
        """Return whether events of a tab wait or have something to tell."""
        return session in self._pages._queue.pending_messages_per_session

    def _fault_of_call(self, said: ComponentServerJSONBody) -> str:
        block = self._pages.blocks.get(said.component_id)
        if block is None:
            return f"component_id: there is no component {said.component_id}"
        call = getattr(block, said.fn_name, None)
        return "" if getattr(call, "_is_server_fn", False) else "fn_name: there is no such function"

    def _fault_of_event(self, said: PredictBody, name: str | None) -> str:
        if name is None and not said.session_hash:
            return "session_hash: it is missing"
        if said.fn_index is None:
            found = [f for f in self._pages.fns.values() if name and f.api_name == name]
        else:
            found = [f for f in (self._pages.fns.get(said.fn_index),) if f is not None]
        if not found:
            return "fn_index: there is no such event"
        event = found[0]
        if len(said.data) != len(event.inputs):
            return f"data: {len(event.inputs)} values are needed, {len(said.data)} came"
        if not _fits_event(event, said.event_data):
            return "event_data: it is none of such an event"
        return self._fault_of_values(event, said)

    def _fault_of_values(self, event: BlockFunction, said: PredictBody) -> str:
        # Choices that a tab was offered since it was opened are in its own memory.
        holder = self._pages.state_holder
        session = holder.session_data.get(said.session_hash) if said.session_hash else None
        for place, (block, value) in enumerate(zip(event.inputs, said.data, strict=True)):
            if isinstance(block, gr.State):
                continue
            own = session[block._id] if session is not None and block._id in session else block
            if not _takes(own, value):
                kind = block.get_block_name()
                return f"data[{place}]: this is nothing that the {kind} there offers"
        return ""


def _takes(block: Any, value: Any) -> bool:
    """Whether a component can read a value, found as Gradio does it later."""
    if isinstance(block, gr.Radio) and value is None:
        return block.value is None  # one that was chosen cannot be taken back
    if isinstance(block, gr.Dropdown) and not block.multiselect and isinstance(value, list):
        return False
    if isinstance(block, gr.Textbox) and not isinstance(value, str | None):
        return False
    if isinstance(block, gr.Checkbox) and not isinstance(value, bool | None):
        return False
    if isinstance(block, gr.Number) and isinstance(value, bool | str):
        return False
    try:
        if block.data_model is not None and value is not None:
            value = block.data_model.model_validate(value, context={"validate_meta": True})
        block.preprocess(value)
    except _REFUSALS:
        return False
    return True


def _fits_event(event: BlockFunction, data: Any) -> bool:
    """Whether the details of an event are there that its function asks for."""
    if data is not None and not isinstance(data, dict):
        return False
    hints = typing.get_type_hints(inspect.unwrap(event.fn)) if event.fn else {}
    if not any(isinstance(h, type) and issubclass(h, gr.SelectData) for h in hints.values()):
        return True
    index = (data or {}).get("index")
    numbers = index if isinstance(index, list) else [index]
    return "value" in (data or {}) and all(type(n) is int and n >= 0 for n in numbers)


def _has_half_character(value: Any) -> bool:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str) and _HALF.search(part):
            return True
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.keys()
            waiting += part.values()
    return False
