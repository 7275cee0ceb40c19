"""What Gradio remembers of each open tab: little, of few, and not for long."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gradio.state_holder import SessionState, StateHolder

if TYPE_CHECKING:
    import gradio as gr

MOST = 400
"""Tabs that are remembered; of more, those that were used longest ago are forgotten. Such a tab
goes on working: it gets a new memory with its next event."""

IDLE_SECONDS = 3600.0
"""How long a tab is remembered that does nothing; whether it was closed nobody tells."""


class BoundedSessions(StateHolder):
    """Takes the place of Gradio's memory, which holds 10,000 tabs of half a megabyte each.

    Nearly all of it is a copy of every component's settings, kept for links to a page's state,
    which these pages do not have.
    """

    def __init__(self, blocks: gr.Blocks, most: int = MOST) -> None:
        super().__init__()
        self.set_blocks(blocks)
        self.capacity = most
        self._used: dict[str, float] = {}

    def __getitem__(self, session_id: str) -> SessionState:
        """Return what is remembered of a tab, a new memory if nothing is."""
        with self.lock:
            state = self.session_data.get(session_id)
            if state is None:
                state = self.session_data[session_id] = _LightState(self.blocks)
            self.session_data.move_to_end(session_id)
            self._used[session_id] = time.monotonic()
            while len(self.session_data) > self.capacity:
                self._forget(next(iter(self.session_data)))
        return state

    def delete_all_expired_state(self) -> None:
        """Forget tabs that were left; Gradio calls this every second."""
        now = time.monotonic()
        with self.lock:
            for session_id in list(self.session_data):
                if now - self._used.get(session_id, now) > IDLE_SECONDS:
                    self._forget(session_id)
        super().delete_all_expired_state()

    def _forget(self, session_id: str) -> None:
        self.session_data.pop(session_id, None)
        self._used.pop(session_id, None)
        queue = self.blocks._queue
        if not queue.pending_event_ids_session.get(session_id):
            queue.pending_event_ids_session.pop(session_id, None)
            queue.pending_messages_per_session.pop(session_id, None)


class _LightState(SessionState):
    """A tab's memory without the copy of every component's settings."""

    def __init__(self, blocks: gr.Blocks) -> None:
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))

    def _update_config(self, key: int) -> None:
        """Keep nothing."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Keep nothing."""
