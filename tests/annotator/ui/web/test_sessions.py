"""What the server remembers of open tabs is bounded, and tabs go on when it is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.routing import Mount
from starlette.testclient import TestClient

from annotator.ui.web import sessions


def holder(client: TestClient) -> sessions.BoundedSessions:
    host: Any = client.app
    inside: Any = next(r.app for r in host.routes if isinstance(r, Mount) and r.path == "")
    found = inside.state_holder
    assert isinstance(found, sessions.BoundedSessions)
    return found


def ask(client: TestClient, session: str) -> Any:
    config = client.get("/config").json()
    board = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "board")
    body = {"session_hash": session, "component_id": board, "fn_name": "state", "data": {}}
    return client.post("/gradio_api/component_server", json=body).json()


def test_the_server_grew_with_every_fresh_session(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/name", json={"name": "Ann"})
    states = holder(client)
    monkeypatch.setattr(states, "capacity", 5)

    for number in range(12):
        assert ask(client, f"tab {number}")["ok"]

    assert list(states.session_data) == [f"tab {number}" for number in range(7, 12)]
    assert set(states._used) == set(states.session_data)
    assert ask(client, "tab 0")["ok"]  # forgotten, and served all the same


def test_a_session_keeps_no_copy_of_the_settings_of_all_components(client: TestClient) -> None:
    client.post("/name", json={"name": "Ann"})
    ask(client, "light")

    state = holder(client)["light"]

    assert dict(state.config_values) == {}
    assert len(state.blocks_config.blocks) > 100


def test_sessions_that_left_are_ended_and_others_are_not(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/name", json={"name": "Ann"})
    states = holder(client)
    now = [1000.0]
    monkeypatch.setattr(sessions.time, "monotonic", lambda: now[0])
    for name in ("left", "working"):
        ask(client, name)

    now[0] += sessions.IDLE_SECONDS - 1
    states.delete_all_expired_state()
    early = [name for name in ("left", "working") if name in states]
    ask(client, "working")
    now[0] += 2
    states.delete_all_expired_state()

    assert early == ["left", "working"]
    assert [name for name in ("left", "working") if name in states] == ["working"]


def test_messages_for_a_session_that_is_forgotten_go_with_it(client: TestClient) -> None:
    client.post("/name", json={"name": "Ann"})
    states = holder(client)
    queue = states.blocks._queue
    ask(client, "gone")
    ask(client, "busy")
    for name, events in (("gone", set()), ("busy", {"event"})):
        queue.pending_event_ids_session[name] = events
        queue.pending_messages_per_session[name] = object()

    with states.lock:
        states._forget("gone")
        states._forget("busy")

    assert "gone" not in queue.pending_messages_per_session
    assert "gone" not in queue.pending_event_ids_session
    assert "busy" in queue.pending_messages_per_session  # its answer is on the way
    queue.pending_event_ids_session.pop("busy")
    queue.pending_messages_per_session.pop("busy")


def test_a_page_remembers_its_state_between_two_events(
    client: TestClient, services: Any, run_async: Callable[..., Any]
) -> None:
    del services, run_async
    states = holder(client)
    block = next(b for b in states.blocks.blocks.values() if type(b).__name__ == "State")

    states["mine"][block._id] = "kept"

    assert states["mine"][block._id] == "kept"
    assert states["other"][block._id] != "kept"
