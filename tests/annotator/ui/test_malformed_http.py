"""Whatever comes to an address of the app: an answer or a sentence with 4xx, and no traceback."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from annotator.services.app import Services

API = "/gradio_api/"
EVENT = {"data": [None], "fn_index": 1, "session_hash": "s", "event_data": None, "trigger_id": None}
CALL = {"data": {}, "component_id": 2, "fn_name": "state", "session_hash": "s"}
BODIES: dict[str, dict[str, Any]] = {
    f"{API}component_server": CALL,
    f"{API}component_server/": CALL,
    f"{API}queue/join": EVENT,
    f"{API}run/predict": EVENT,
    f"{API}run/predict/": EVENT,
    f"{API}run/look": {"data": [], "session_hash": "s"},
    f"{API}cancel": {"session_hash": "s", "fn_index": 0, "event_id": "e"},
    f"{API}reset": {"event_id": "e"},
    "/name": {"name": "Ann"},
}

TEXTS = st.text(st.characters(exclude_categories=()), max_size=6)  # halves of characters, too
NUMBERS = st.integers() | st.integers(-3, 3) | st.floats() | st.sampled_from([2**40, 2**70])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["path", "index", "value"]), inner, max_size=3)
    ),
    max_leaves=6,
)

BROKEN = [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * 5_000, b'{"data": NaN}']
KINDS = [
    "application/json",
    "text/plain",
    "multipart/form-data",
    "application/x-www-form-urlencoded",
]


@pytest.fixture
def services(real: Services, stage: Any) -> Services:
    """Real ones, in place of those that are made for pages with charts."""
    stage.show(real)
    return real


@pytest.fixture
def ann(client: TestClient) -> TestClient:
    client.cookies.clear()
    client.cookies.set("annotator_name", "Ann")
    return client


@pytest.fixture
def unharmed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert "Traceback" not in "".join(capfd.readouterr())
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


def is_told(response: Any) -> bool:
    """Whether a refusal is one sentence, as text or as `detail`."""
    is_json = response.headers["content-type"].startswith("application/json")
    said = response.json()["detail"] if is_json else response.text
    return isinstance(said, str) and said.endswith((".", ")")) and " " in said


def post(client: TestClient, address: str, body: Any, kind: str = "application/json") -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = client.post(address, content=content, headers={"Content-Type": kind})

    assert response.status_code == 200 or 400 <= response.status_code < 500, (body, response.text)
    assert response.is_success or is_told(response), (body, response.text)


@pytest.mark.parametrize("address", BODIES)
@pytest.mark.usefixtures("unharmed")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_request_with_broken_parts_is_answered_or_refused(
    ann: TestClient, address: str, data: st.DataObject
) -> None:
    body = dict(BODIES[address])
    for key in data.draw(st.lists(st.sampled_from(sorted(body)), min_size=1, unique=True)):
        body[key] = data.draw(VALUES)
    for key in data.draw(st.lists(st.sampled_from(sorted(body)), max_size=1)):
        del body[key]
    if address.endswith("join") and is_sound(body):
        return  # nobody takes it out of the queue in this test

    post(ann, address, body)


def is_sound(body: dict[str, Any]) -> bool:
    return body.get("data") == EVENT["data"] and body.get("fn_index") == EVENT["fn_index"]


@pytest.mark.parametrize("address", BODIES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("unharmed")
def test_what_is_no_json_is_refused(ann: TestClient, address: str, kind: str) -> None:
    for body in BROKEN:
        post(ann, address, body, kind)


@pytest.mark.parametrize(
    "address",
    [
        *("/?page=nowhere", "/?page=%00", "/verify?page=x", "/config?page=x", "/?deep_link=x"),
        *(f"{API}queue/data", f"{API}queue/data?session_hash=", f"{API}info?page=x"),
        *(f"{API}upload", f"{API}upload_progress", f"{API}upload_progress?upload_id=%00"),
        *(f"{API}file=%00", f"{API}file=", f"{API}run/%00", f"{API}nothing", "/assets/%00"),
        *("/static/%00", "/static/..%2fx", "/ui/%00/x", "/img/256/%00", "/theme.css?v=%ff"),
        *("/%ff", "/verify/%00", "/manifest.json?x=%00", "/name?x=%00", "/" + "x" * 9_000),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.usefixtures("unharmed")
def test_no_address_and_no_method_is_a_fault_of_the_server(
    ann: TestClient, address: str, method: str
) -> None:
    assert ann.request(method, address).status_code < 500


@pytest.mark.usefixtures("unharmed")
def test_a_tab_that_is_not_known_is_told_so(ann: TestClient) -> None:
    response = ann.get(f"{API}queue/data?session_hash=nobody")

    assert json.loads(response.text.removeprefix("data: "))["session_not_found"] is True


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**EVENT, "fn_index": 9_999}, "fn_index: there is no such event"),
        ({**EVENT, "data": []}, "data: 1 values are needed, 0 came"),
        ({**EVENT, "fn_index": None}, "fn_index"),
        ({**EVENT, "session_hash": "\ud800"}, "half of a character"),
        ({**EVENT, "data": [{"path": "/etc/passwd"}]}, "was not uploaded"),
    ],
)
def test_a_refusal_names_the_field(ann: TestClient, body: Any, said: str) -> None:
    response = ann.post(
        f"{API}queue/join", content=json.dumps(body), headers={"Content-Type": KINDS[0]}
    )

    assert response.status_code == 400
    assert said in response.json()["detail"]


BAD: list[Any] = [None, True, -1, "x", [], {"a": 1}]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Gradio counts with pandas
@pytest.mark.usefixtures("unharmed")
def test_no_event_ends_in_a_traceback_whatever_values_come(
    make_client: Callable[..., TestClient],
) -> None:
    with make_client() as client:  # with the queue running
        client.cookies.set("annotator_name", "Ann")
        for event in client.get("/config").json()["dependencies"]:
            for value in BAD:
                send(client, event, [value] * len(event["inputs"]))


def send(client: TestClient, event: dict[str, Any], values: list[Any]) -> None:
    body = {**EVENT, "fn_index": event["id"], "session_hash": str(event["id"]), "data": values}
    if event["queue"] is False:
        post(client, f"{API}run/predict", body)
        return
    joined = client.post(f"{API}queue/join", json=body)
    if joined.is_success:
        stream = client.get(f"{API}queue/data?session_hash={event['id']}").text
        assert '"process_completed"' in stream
        assert "Something went wrong" not in stream, (event["api_name"], values)
    else:
        assert is_told(joined), joined.text
