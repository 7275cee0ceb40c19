from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gradio.routes import App
from starlette.testclient import TestClient

import annotator.ui
from annotator.ui.web.static_files import STATIC, static_files, static_version

SOURCES = (".py", ".js", ".css")


@pytest.mark.parametrize("path", ["/", "/progress", "/train", "/export"])
def test_every_page_answers(path: str, client: TestClient) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert "<gradio-app" in response.text or "gradio" in response.text


@pytest.mark.parametrize("file", [p.relative_to(STATIC).as_posix() for p in static_files()])
def test_scripts_and_styles_are_served_under_their_hash_and_may_be_kept(
    file: str, client: TestClient
) -> None:
    response = client.get(f"/ui/{static_version()}/{file}")

    assert response.content == (STATIC / file).read_bytes()
    assert "immutable" in response.headers["cache-control"]


@pytest.mark.parametrize("path", ["/ui/../app.py", "/ui/%2e%2e/app.py", "/ui/x/..%2fapp.py"])
def test_nothing_beside_the_scripts_is_served(path: str, client: TestClient) -> None:
    response = client.get(path)

    assert "build_app" not in response.text


def test_every_module_that_a_script_imports_is_there() -> None:
    found = 0
    for script in STATIC.rglob("*.js"):
        for name in re.findall(r"(?:from|import) '([^']+)'", script.read_text()):
            found += 1
            assert (script.parent / name).is_file(), f"{script.name} imports {name}"
    assert found


def test_scripts_never_write_markup() -> None:
    sinks = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\balert\(|\beval\(")
    found = {p.name: sinks.findall(p.read_text()) for p in STATIC.rglob("*.js")}

    assert {name: hits for name, hits in found.items() if hits} == {}


def test_no_address_of_a_page_begins_at_the_host_where_a_proxy_may_serve_others() -> None:
    absolute = re.compile(r"""(?:src|href)\s*=\s*\\?[\"'`{]+/|(?:fetch|url)\(\s*[\"'`]?/""")
    files = [p for p in Path(annotator.ui.__file__).parent.rglob("*") if p.suffix in SOURCES]
    found = {p.name: absolute.findall(p.read_text()) for p in files}
    assert found.pop("security.py") == ['href="/']  # Gradio's own, which is made relative there

    assert len(found) > 50
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_the_board_talks_to_exactly_the_functions_the_page_offers(client: TestClient) -> None:
    config = client.get("/config").json()
    boards = [c for c in config["components"] if c["props"].get("elem_id") == "board"]

    assert len(boards) == 1
    assert set(boards[0]["props"]["server_fns"]) == {
        *("start", "next_images", "items", "categories", "state", "save", "undo", "redo", "visit"),
        *(
            "find_images",
            "rare_categories",
            "history",
            "set_hotkey",
            "flag",
            "resolve_flag",
            "evidence",
        ),
        *("image_marks", "finished", "certificate_price"),
        *("bookmark", "image_information", "last_step", "list_images"),
        *("probe_due", "probe_card", "probe_answer", "probe_release", "probe_report", "release"),
    }


def test_no_page_offers_an_endpoint_to_programs(client: TestClient) -> None:
    info = client.get("/gradio_api/info").json()

    assert info["named_endpoints"] == {}
    assert info["unnamed_endpoints"] == {}


def test_building_the_app_writes_nothing_beside_the_code(
    make_client: Callable[..., TestClient],
) -> None:
    room = Path(annotator.ui.__file__).parent
    before = sorted(p.name for p in room.iterdir())

    make_client()

    assert sorted(p.name for p in room.iterdir()) == before
    assert not list(room.glob("*.pyi"))


def test_gradio_makes_one_web_app_for_all_pages(
    make_client: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    create = App.create_app

    def counted(*args: Any, **options: Any) -> App:
        made.append(create(*args, **options))
        return made[-1]

    monkeypatch.setattr(App, "create_app", staticmethod(counted))

    make_client()

    assert len(made) == 1


def test_the_title_is_the_projects(make_client: Callable[..., TestClient]) -> None:
    client = make_client(title="Herbarium <1>")

    assert client.get("/config").json()["title"] == "Herbarium <1>"


def test_saving_through_gradios_own_door_reaches_the_service(
    client: TestClient, services: Any
) -> None:
    config = client.get("/config").json()
    board = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "board")
    client.post("/name", json={"name": "Ann"})

    change = {"category": 1, "state": "present"}

    said = client.post(
        "/gradio_api/component_server",
        json={
            "session_hash": "s",
            "component_id": board,
            "fn_name": "save",
            "data": {"op": "x", "as": "Ann", "kind": "answer", "image": 1, "changes": [change]},
        },
    ).json()

    assert said["ok"] is True
    assert services.labelling.calls[0][:2] == ("save", "Ann")
