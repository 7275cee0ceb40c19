from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

OTHER = {"X-Annotator-Project": "other"}
OWN = {"X-Annotator-Project": "k"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/run/predict"),
        ("POST", "/gradio_api/upload"),
        ("GET", "/gradio_api/queue/data?session_hash=x"),
        ("GET", "/gradio_api/app_id"),
        ("POST", "/name"),
    ],
)
def test_a_page_of_another_project_neither_changes_nor_reads_anything(
    client: TestClient, method: str, path: str
) -> None:
    response = client.request(method, path, headers=OTHER)

    assert response.status_code == 409
    assert "Another project, Annotator, is served here now" in response.json()["detail"]


def test_a_work_screen_of_another_project_is_told_whose_server_this_is(
    client: TestClient, services: Any
) -> None:
    said = client.post("/gradio_api/component_server/", json={}, headers=OTHER)

    assert said.status_code == 200
    assert said.json()["ok"] is False
    assert said.json()["other_project"] == "Annotator"
    assert services.labelling.calls == []


def test_a_picture_of_another_project_is_not_shown_under_this_ones_address(
    client: TestClient, services: Any
) -> None:
    own, other = client.get("/img/256/7?of=k"), client.get("/img/256/7?of=other")

    assert own.status_code == 200
    assert other.status_code == 409
    assert other.headers["cache-control"] == "no-store"
    assert services.media.asked == [(7, 256)]


def test_pages_of_this_project_and_programs_are_let_through(client: TestClient) -> None:
    assert client.get("/gradio_api/app_id", headers=OWN).status_code == 200
    assert client.get("/gradio_api/app_id").status_code == 200


def test_every_page_names_its_project_to_the_browser(client: TestClient) -> None:
    for path in ("/", "/settings"):
        page = client.get(path).text

        assert "annotator-project" in page
        assert "project.js" in page
