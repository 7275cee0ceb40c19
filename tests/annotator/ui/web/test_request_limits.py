"""How much a request may bring, who may upload, and which of Gradio's addresses there are."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from annotator.ui.web.files import FRESH_SECONDS, KEPT_SECONDS, WebFiles
from annotator.ui.web.request_limits import MAX_BODY, RequestLimits

UPLOAD = "/gradio_api/upload"


@pytest.fixture
def door(client: TestClient) -> TestClient:
    client.cookies.clear()
    return client


def upload(client: TestClient, content: bytes, name: str = "a.csv") -> Any:
    return client.post(UPLOAD, files={"files": (name, content)})


def content(files: WebFiles) -> list[Path]:
    return [file for file in files.folder.rglob("*") if file.is_file()]


def test_uploads_came_from_anybody_without_a_name(door: TestClient, web_files: WebFiles) -> None:
    before = content(web_files)

    nobody = upload(door, b"file,cat\n")
    door.post("/name", json={"name": "Ann"})
    somebody = upload(door, b"file,cat,dog\n")

    assert nobody.status_code == 403
    assert "name" in nobody.text
    assert somebody.status_code == 200
    assert len(content(web_files)) == len(before) + 1


def test_uploads_were_of_any_size(door: TestClient, web_files: WebFiles) -> None:
    door.post("/name", json={"name": "Ann"})
    before = content(web_files)

    said = upload(door, b"x" * (web_files.max_upload + 1))
    door.cookies.clear()

    assert said.status_code == 413
    assert "max_upload_mb" in said.text
    assert content(web_files) == before


def test_an_upload_that_hides_its_size_is_broken_off(door: TestClient, web_files: WebFiles) -> None:
    door.post("/name", json={"name": "Ann"})
    before = content(web_files)

    def parts() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'
        for _ in range(40):
            yield b"y" * (web_files.max_upload // 20)
        yield b"\r\n--x--\r\n"

    with pytest.raises(ClientDisconnect):  # a client in the same process sees what broke off
        door.post(
            UPLOAD, content=parts(), headers={"Content-Type": "multipart/form-data; boundary=x"}
        )

    assert content(web_files) == before


def test_an_upload_that_hides_its_size_counts_as_the_largest(
    door: TestClient, web_files: WebFiles
) -> None:
    door.post("/name", json={"name": "Ann"})
    full = web_files.folder / "full"
    full.write_bytes(b"x" * (3 * web_files.max_upload + 1))
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\nfile\r\n'
        b"--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}

    told = door.post(UPLOAD, content=body, headers=headers)
    hidden = door.post(UPLOAD, content=iter([body]), headers=headers)
    full.unlink()

    assert (told.status_code, hidden.status_code) == (200, 503)


def test_uploads_are_bounded_together_and_older_ones_make_room(tmp_path: Path) -> None:
    files = WebFiles(1000, tmp_path)
    old, young = files.folder / "old", files.folder / "young"
    old.write_bytes(b"x" * 2000)
    young.write_bytes(b"x" * 1500)
    past = time.time() - 2 * FRESH_SECONDS
    os.utime(old, (past, past))

    assert files.make_room(400)
    assert old.exists()
    assert files.make_room(1000)
    assert not old.exists()
    with files.receiving(1000), files.receiving(1000):
        assert not files.make_room(1000)
    assert young.exists()
    files.close()


def test_uploads_and_exports_are_deleted_after_an_hour_but_not_earlier(tmp_path: Path) -> None:
    files = WebFiles(1000, tmp_path)
    old, recent = files.folder / "old", files.folder / "recent"
    for folder in (old, recent):
        folder.mkdir()
        (folder / "labels.json").write_text("{}")
    past = time.time() - KEPT_SECONDS - 1
    os.utime(old, (past, past))

    files.clear()

    assert [entry.name for entry in files.folder.iterdir()] == ["recent"]
    files.close()


def test_files_of_a_server_that_was_killed_are_deleted_and_those_of_a_living_one_are_not(
    tmp_path: Path,
) -> None:
    alive, killed = WebFiles(1000, tmp_path), WebFiles(1000, tmp_path)
    killed._lock.release()  # as the system does when a process ends
    past = time.time() - 2 * FRESH_SECONDS
    for files in (alive, killed):
        (files.folder / "a.csv").write_text("file,cat\n")
        os.utime(files.folder, (past, past))

    another = WebFiles(1000, tmp_path)

    assert alive.folder.exists()
    assert not killed.folder.exists()
    alive.close()
    another.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_the_system_cleared_away_is_made_again(tmp_path: Path) -> None:
    files = WebFiles(1000, tmp_path)
    files.folder.rmdir()

    assert files.make_room(1000)
    files.clear()

    assert files.folder.is_dir()
    files.close()


@pytest.mark.parametrize("address", ["/name", "/gradio_api/queue/join", "/gradio_api/cancel"])
def test_a_body_is_bounded_whether_its_length_is_told_or_not(
    door: TestClient, address: str
) -> None:
    told = door.post(address, content=b'"' + b"x" * MAX_BODY + b'"')
    parts = (b"x" * 100_000 for _ in range(30))
    untold = door.post(address, content=parts)

    assert (told.status_code, untold.status_code) == (413, 413)
    assert "2 MB" in told.text


@pytest.mark.parametrize(
    ("method", "address"),
    [
        *(("GET", "/gradio_api/proxy=http://127.0.0.1/"), ("HEAD", "/gradio_api/proxy=x")),
        *(("GET", "/gradio_api/file=http://127.0.0.1/"), ("GET", "/gradio_api/file=//etc/passwd")),
        *(("GET", "/gradio_api/deep_link?session_hash=s"), ("GET", "/gradio_api/openapi.json")),
        *(("POST", "/gradio_api/call/predict"), ("POST", "/gradio_api/call/v2/predict")),
        *(("POST", "/gradio_api/api/predict"), ("POST", "/gradio_api/stream/x")),
        *(("GET", "/gradio_api/custom_component/a/client/b/c"), ("GET", "/gradio_api/login_check")),
        *(("GET", "/gradio_api/dev/reload"), ("GET", "/monitoring"), ("GET", "/pwa_icon")),
        *(("POST", "/gradio_api/run-history/connect"), ("POST", "/login"), ("GET", "/logout")),
        *(
            ("GET", "/config?deep_link=x"),
            ("GET", "/?deep%5Flink=x"),
            ("GET", "/?deep_link=x"),
            ("GET", "/gradio_api/heartbeat/x"),
            ("GET", "/svelte/x.js"),
        ),
        *(("PUT", "/gradio_api/queue/join"), ("GET", "/openapi.json"), ("GET", "/docs")),
        *(("GET", "/gradio_api/user"), ("GET", "/gradio_api/token"), ("GET", "/gradio_api/runs")),
        *(("GET", "/verify/config"), ("GET", "/verify/gradio_api/info")),
    ],
)
def test_doors_that_no_page_uses_are_closed(door: TestClient, method: str, address: str) -> None:
    assert door.request(method, address).status_code in (404, 405)


@pytest.mark.parametrize("address", ["/", "/verify", "/config", "/theme.css", "/gradio_api/info"])
def test_doors_that_the_pages_use_are_open(door: TestClient, address: str) -> None:
    assert door.get(address).status_code == 200


def limits(app: Any) -> RequestLimits:
    return RequestLimits(app, files=None, events=None)  # type: ignore[arg-type]


def test_a_body_arrives_as_it_was_sent(run_async: Callable[..., Any]) -> None:
    got: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, send
        message = await receive()
        got.append(message["body"])
        got.append((await receive())["type"].encode())

    parts = [
        {"type": "http.request", "body": b'{"a":', "more_body": True},
        {"type": "http.request", "body": b" 1}"},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        pytest.fail(f"refused: {message}")

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/name",
        "headers": [],
        "query_string": b"",
    }
    run_async(lambda: limits(app)(scope, receive, send))

    assert got == [b'{"a": 1}', b"http.disconnect"]


def test_somebody_who_leaves_in_the_middle_of_a_body_is_let_go(
    run_async: Callable[..., Any],
) -> None:
    async def never(*_: object) -> None:
        pytest.fail("half a request went through")

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/name", "headers": [], "query_string": b""}

    async def ask() -> None:
        await asyncio.wait_for(limits(never)(scope, receive, never), 5)

    run_async(ask)
