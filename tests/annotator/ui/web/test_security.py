from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from annotator.ui.web.public_address import PublicAddress
from annotator.ui.web.security import RequestGuard

PORT = 7860


def guarded(**options: Any) -> TestClient:
    def answer(request: Request) -> PlainTextResponse:
        is_stream = request.url.path == "/events"
        media_type = "text/event-stream" if is_stream else "text/plain"
        return PlainTextResponse(request.method, media_type=media_type)

    methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    app = Starlette(
        routes=[Route("/{rest:path}", answer, methods=methods)],
        middleware=[Middleware(RequestGuard, port=PORT, **options)],
    )
    return TestClient(app, base_url=f"http://127.0.0.1:{PORT}")


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860"])
def test_this_machine_is_let_in_under_its_own_names(host: str) -> None:
    assert guarded().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7860",
        "127.0.0.1",
        "127.0.0.1:7861",
        "localhost.evil.example:7860",
        "127.0.0.1.evil.example:7860",
        "user@127.0.0.1:7860",
        "127.0.0.1:7860/path",
        "127.0.0.1:port",
        "",
        "192.168.1.5:7860",
    ],
)
def test_another_host_name_is_refused_with_the_cure(host: str) -> None:
    response = guarded().get("/", headers={"Host": host})

    assert response.status_code == 403
    assert "--open" in response.text


def test_open_to_the_network_any_host_name_is_let_in() -> None:
    client = guarded(open_to_network=True)

    assert client.get("/", headers={"Host": "lab.example:7860"}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:7861", "http://127.0.0.1:7860.evil.example"],
)
def test_a_change_from_another_page_is_refused(method: str, origin: str) -> None:
    assert guarded().request(method, "/", headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("open_to_network", [False, True])
def test_a_change_from_its_own_page_is_let_through(open_to_network: bool) -> None:
    client = guarded(open_to_network=open_to_network)

    response = client.post("/", headers={"Origin": "http://127.0.0.1:7860"})

    assert response.text == "POST"


def test_open_to_the_network_a_foreign_origin_is_refused_all_the_same() -> None:
    client = guarded(open_to_network=True)
    headers = {"Host": "lab.example:7860", "Origin": "http://evil.example:7860"}

    assert client.post("/", headers=headers).status_code == 403
    assert client.post("/", headers={**headers, "Origin": "http://lab.example:7860"}).is_success


def test_behind_a_proxy_that_ends_tls_the_host_name_alone_decides() -> None:
    client = guarded(open_to_network=True)
    headers = {"Host": "lab.example:8443", "Origin": "https://lab.example:8443"}

    assert client.post("/", headers=headers).is_success


def test_a_program_that_is_no_browser_may_change_things() -> None:
    assert guarded().post("/").text == "POST"


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200)]
)
def test_a_browser_that_sends_no_origin_is_judged_by_where_it_comes_from(
    site: str, status: int
) -> None:
    assert guarded().post("/", headers={"Sec-Fetch-Site": site}).status_code == status


PUBLIC = PublicAddress(url="https://label.example.org", root_path="/labels")


@pytest.mark.parametrize(
    "host",
    [
        *("label.example.org", "label.example.org:443", "label.example.org:8443"),
        *("LABEL.example.org", "127.0.0.1:7860", "localhost:7860"),
    ],
)
def test_the_public_name_and_this_machine_are_let_in(host: str) -> None:
    assert guarded(public=PUBLIC).get("/", headers={"Host": host}).is_success


@pytest.mark.parametrize("host", ["evil.example", "backend", "127.0.0.1:80", "example.org"])
def test_another_name_than_the_public_one_is_refused_with_what_a_proxy_has_to_pass(
    host: str,
) -> None:
    response = guarded(public=PUBLIC).get("/", headers={"Host": host})

    assert response.status_code == 403
    assert f"not to {host}" in response.text
    assert "https://label.example.org" in response.text
    assert "proxy_set_header Host $http_host" in response.text


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:7860", "https://label.example.org", 200),
        ("label.example.org", "https://label.example.org", 200),
        ("label.example.org", "http://label.example.org", 200),
        ("127.0.0.1:7860", "http://127.0.0.1:7860", 200),
        ("127.0.0.1:7860", "http://label.example.org", 403),
        ("127.0.0.1:7860", "https://label.example.org:8443", 403),
        ("127.0.0.1:7860", "https://evil.example", 403),
        ("label.example.org", "https://evil.example", 403),
        ("label.example.org", "https://label.example.org.evil.example", 403),
    ],
)
def test_a_proxy_that_passes_no_name_is_made_up_for_by_the_public_address(
    host: str, origin: str, status: int
) -> None:
    client = guarded(public=PUBLIC)

    response = client.post("/", headers={"Host": host, "Origin": origin})

    assert response.status_code == status


def test_a_refused_page_is_told_the_option_that_lets_it_in() -> None:
    response = guarded().post("/", headers={"Origin": "http://label.lan:8191"})

    assert response.status_code == 403
    assert "--public-url http://label.lan:8191" in response.text


@pytest.mark.parametrize(
    ("site", "status"),
    [("same-origin", 200), ("same-site", 403), ("cross-site", 403), ("none", 403)],
)
def test_the_browser_itself_says_whether_a_page_sends_to_its_own_address(
    site: str, status: int
) -> None:
    headers = {"Origin": "https://label.example.org", "Sec-Fetch-Site": site}

    assert guarded().post("/", headers=headers).status_code == status


def test_what_the_browser_says_does_not_make_up_for_a_foreign_host() -> None:
    headers = {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}

    assert guarded().post("/", headers=headers).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Gradio-Server"])
def test_what_a_proxy_says_about_the_address_is_not_believed(header: str) -> None:
    headers = {header: "evil.example", "Origin": "http://evil.example"}

    assert guarded().post("/", headers=headers).status_code == 403


def test_events_are_not_held_back_by_a_proxy() -> None:
    headers = guarded().get("/events").headers

    assert headers["x-accel-buffering"] == "no"


def test_looking_is_free_for_links_from_elsewhere() -> None:
    assert guarded().get("/", headers={"Sec-Fetch-Site": "cross-site"}).is_success


def test_answers_carry_headers_against_framing_and_guessing() -> None:
    headers = guarded().get("/").headers

    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"


def test_two_host_headers_are_refused(run_async: Callable[..., Any]) -> None:
    sent: list[dict[str, Any]] = []

    async def never(*_: object) -> None:
        pytest.fail("the request went through")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1:7860"), (b"host", b"evil.example")],
    }
    run_async(lambda: RequestGuard(never, port=PORT)(scope, never, send))

    assert sent[0]["status"] == 403


def test_websockets_are_closed(run_async: Callable[..., Any]) -> None:
    sent: list[dict[str, Any]] = []

    async def never(*_: object) -> None:
        pytest.fail("the socket went through")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "headers": []}
    run_async(lambda: RequestGuard(never, port=PORT)(scope, never, send))

    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "path",
    ["/name", "/gradio_api/component_server", "/gradio_api/queue/join", "/gradio_api/upload"],
)
def test_every_door_of_the_real_app_checks_host_and_origin(
    path: str, client: TestClient, services: Any
) -> None:
    foreign_page = client.post(path, json={}, headers={"Origin": "http://evil.example"})
    foreign_name = client.post(path, json={}, headers={"Host": "evil.example:7860"})

    assert (foreign_page.status_code, foreign_name.status_code) == (403, 403)
    assert services.labelling.calls == []


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Gradio-Server"])
@pytest.mark.parametrize("path", ["/config", "/", "/verify"])
def test_the_config_trusted_a_forwarded_host(client: TestClient, header: str, path: str) -> None:
    answer = client.get(path, headers={header: "http://evil.example"})

    assert answer.status_code == 200
    assert "evil.example" not in answer.text


def test_every_answer_carries_a_content_security_policy(client: TestClient) -> None:
    for path in ("/", "/config", "/theme.css", "/img/1/1", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "'unsafe-inline'" not in policy.split("style-src")[0]
        assert "http" not in policy


def test_scripts_of_a_page_run_by_a_mark_that_is_new_each_time(client: TestClient) -> None:
    marks = []
    for _ in range(2):
        page = client.get("/")
        (mark,) = set(re.findall(r'<script nonce="([\w-]{20,})"', page.text))
        assert f"'nonce-{mark}'" in page.headers["content-security-policy"]
        assert page.text.count("<script") == page.text.count(f'<script nonce="{mark}"')
        marks.append(mark)

    assert marks[0] != marks[1]


def test_a_title_cannot_bring_a_script_with_the_mark(
    make_client: Callable[..., TestClient],
) -> None:
    page = make_client(title="</title><script>alert(1)</script>").get("/")

    assert "alert(1)</script>" not in page.text
