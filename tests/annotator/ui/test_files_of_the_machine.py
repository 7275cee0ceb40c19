"""No file of the machine can be had through the pages: every event, address and kind of path.

Gradio copies a file that an event names into a folder from which it then serves it. These tests
name a secret file wherever something can be named, and look for its text everywhere afterwards.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Mount
from starlette.testclient import TestClient

from annotator.ui.web.files import WebFiles

SECRET = "root:x:0:0:nobody may read this"
FORMS = ["absolute path", "relative path", "dots", "file URL", "web URL", "into the folder and out"]


@pytest.fixture
def files(web_files: WebFiles) -> WebFiles:
    return web_files


@pytest.fixture
def door(client: TestClient) -> TestClient:
    client.cookies.clear()
    return client


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "labels.db"
    file.write_text(SECRET)
    return file


def named(form: str, secret: Path, files: WebFiles) -> str:
    return {
        "absolute path": str(secret),
        "relative path": os.path.relpath(secret),
        "dots": f"{secret.parent}/x/../{secret.name}",
        "file URL": f"file://{secret}",
        "web URL": "http://127.0.0.1:7860/theme.css",
        "into the folder and out": f"{files.folder}/../{secret.name}",
    }[form]


def file_data(place: str) -> dict[str, Any]:
    return {"path": place, "meta": {"_type": "gradio.FileData"}}


def events(client: TestClient) -> list[dict[str, Any]]:
    """Return every event of every page, as the app lists them."""
    found: list[dict[str, Any]] = client.get("/config").json()["dependencies"]
    assert len(found) > 50
    return found


def leaked(files: WebFiles) -> list[Path]:
    return [f for f in files.folder.rglob("*") if f.is_file() and SECRET in f.read_text()]


@pytest.mark.parametrize("form", ["absolute path", "relative path", "web URL"])
@pytest.mark.parametrize("name", [None, "Ann"])
def test_any_file_could_be_read_through_any_event(
    door: TestClient, files: WebFiles, secret: Path, form: str, name: str | None
) -> None:
    if name:
        door.post("/name", json={"name": name})
    data = file_data(named(form, secret, files))

    for event in events(door):
        inputs = [data] * max(1, len(event["inputs"]))
        body = {"fn_index": event["id"], "data": inputs, "session_hash": "s"}
        assert door.post("/gradio_api/queue/join", json=body).status_code == 400, event

    assert leaked(files) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("address", ["queue/join", "run/predict", "call/predict", "api/predict"])
def test_a_file_could_be_named_in_any_place_of_a_request(
    door: TestClient, files: WebFiles, secret: Path, form: str, address: str
) -> None:
    data = file_data(named(form, secret, files))
    bare = {"path": data["path"]}
    shapes: list[Any] = [[data], [bare], [[data]], [{"value": bare}], [{"a": [[{"b": data}]]}]]

    for values in shapes:
        body = {"fn_index": 0, "data": values, "session_hash": "s"}
        answer = door.post(f"/gradio_api/{address}", json=body)
        assert answer.status_code == (400 if address in ("queue/join", "run/predict") else 404)

    assert leaked(files) == []


@pytest.mark.parametrize("form", FORMS)
def test_any_file_could_be_read_through_any_address(
    door: TestClient, files: WebFiles, secret: Path, form: str
) -> None:
    place = named(form, secret, files)
    door.post("/name", json={"name": "Ann"})

    for address in (
        *(f"/gradio_api/file={place}", f"/gradio_api/file/{place}", f"/file={place}"),
        *(f"/gradio_api/proxy={place}", f"/gradio_api/stream/{place}", f"/static/{place}"),
        *(
            f"/assets/{place}",
            f"/gradio_api/custom_component/a/client/b/{place}",
            f"/svelte/{place}",
        ),
        *(f"/gradio_api/deep_link?session_hash={place}", f"/config?deep_link={place}"),
        *(f"/?deep_link={place}", f"/img/256/{place}", f"/gradio_api/run-history/{place}"),
    ):
        for method in ("GET", "HEAD", "POST"):
            answer = door.request(method, address)
            assert answer.status_code in (400, 403, 404, 405), (method, address)
            assert SECRET not in answer.text

    assert leaked(files) == []


@pytest.mark.parametrize("form", FORMS)
def test_functions_of_the_work_screens_take_no_file(
    door: TestClient, files: WebFiles, secret: Path, form: str
) -> None:
    data = file_data(named(form, secret, files))
    config = door.get("/config").json()
    door.post("/name", json={"name": "Ann"})

    for component in config["components"]:
        for name in component["props"].get("server_fns") or ():
            body = {"session_hash": "s", "component_id": component["id"], "fn_name": name}
            as_json = door.post("/gradio_api/component_server", json={**body, "data": data})
            as_form = door.post(
                "/gradio_api/component_server",
                data={key: str(value) for key, value in body.items()},
                files={"file": ("x.txt", b"text")},
            )
            assert (as_json.status_code, as_form.status_code) == (400, 400), name

    assert leaked(files) == []


def test_gradio_itself_refuses_a_path_even_where_the_limits_were_passed(
    door: TestClient, files: WebFiles, secret: Path
) -> None:
    host: Any = door.app
    inside = next(r.app for r in host.routes if isinstance(r, Mount) and r.path == "")
    client = TestClient(inside, base_url=str(door.base_url))

    refused = 0
    for event in events(door):
        inputs = [file_data(str(secret))] * len(event["inputs"])
        body = {"fn_index": event["id"], "data": inputs, "session_hash": "s"}
        if inputs and not event["queue"]:
            refused += client.post("/gradio_api/run/predict", json=body).status_code == 500

    assert refused > 0  # an event with nothing but a state as its input looks at no path
    assert leaked(files) == []
    assert client.get(f"/gradio_api/file={secret}").status_code == 403


def test_a_drawing_that_was_uploaded_is_never_shown_as_a_page(door: TestClient) -> None:
    door.post("/name", json={"name": "Ann"})
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    place = door.post("/gradio_api/upload", files={"files": ("a.svg", drawing)}).json()[0]
    for event in events(door):
        if event["inputs"] and not event["queue"]:
            values = [file_data(place)] * len(event["inputs"])
            body = {"fn_index": event["id"], "data": values, "session_hash": "s"}
            door.post("/gradio_api/run/predict", json=body)

    answer = door.get(f"/gradio_api/file={place}")

    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"


def test_what_was_uploaded_or_exported_can_be_fetched_and_nothing_beside_it(
    door: TestClient, files: WebFiles, secret: Path
) -> None:
    door.post("/name", json={"name": "Ann"})
    place = door.post("/gradio_api/upload", files={"files": ("a.csv", b"file,cat\n")}).json()[0]
    link = files.folder / "link.txt"
    link.symlink_to(secret)

    assert door.get(f"/gradio_api/file={place}").content == b"file,cat\n"
    assert door.get(f"/gradio_api/file={link}").status_code == 404
    assert door.get(f"/gradio_api/file={files.folder}").status_code in (403, 404)


def test_a_body_that_hides_a_path_is_seen_through(door: TestClient, secret: Path) -> None:
    place = json.dumps(str(secret)).replace("/", "\\u002f")
    body = '{"fn_index": 0, "session_hash": "s", "data": [{"p\\u0061th": PLACE}]}'.replace(
        "PLACE", place
    )

    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        answer = door.post(
            "/gradio_api/queue/join", content=body, headers={"Content-Type": content_type}
        )
        assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"[" * 100_000, b"{", b"\xff\xfe", b'{"a": }'])
def test_what_is_no_json_is_refused_with_a_sentence(door: TestClient, body: bytes) -> None:
    answer = door.post("/gradio_api/queue/join", content=body)

    assert answer.status_code == 400
    assert "reload" in answer.text
