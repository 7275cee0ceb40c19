"""Several projects at one address: each below its own path, a broken one in nobody's way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from annotator.errors import ProjectError, StoreUnavailable
from annotator.ui.projects import Projects
from annotator.ui.projects_page import ProjectsPage


class Opener:
    """Opens applications that say what they are asked, and notes what happens to them."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.trouble: dict[str, Exception] = {}

    def __call__(self, path: Path) -> tuple[FastAPI, Callable[[], None]]:
        if path.name in self.trouble:
            raise self.trouble[path.name]
        self.told.append(f"open {path.name}")

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            self.told.append(f"begin {path.name}")
            yield
            self.told.append(f"end {path.name}")

        app = FastAPI(lifespan=lifespan)

        @app.get("/{rest:path}")
        async def say(request: Request) -> PlainTextResponse:
            return PlainTextResponse(f"{path.name} {request.url.path} {request.url.query}")

        return app, lambda: self.told.append(f"close {path.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cats", "Größe & co"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "project.toml").write_text("name = [")
    (tmp_path / "plain").mkdir()
    return tmp_path


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def client(folder: Path, opener: Opener) -> Iterator[TestClient]:
    projects = Projects(folder, opener, ProjectsPage(folder), root_path="/labels")
    with TestClient(projects, base_url="http://127.0.0.1") as client:
        yield client
    projects.close()


@pytest.mark.parametrize("before", ["", "/labels"])
def test_a_request_goes_to_the_project_that_its_path_begins_with(
    client: TestClient, before: str
) -> None:
    assert client.get(f"{before}/cats/verify?a=1").text == "cats /verify a=1"
    assert client.get(f"{before}/cats/").text == "cats / "
    assert client.get(f"{before}/Gr%C3%B6%C3%9Fe%20%26%20co/img/1").text == "Größe & co /img/1 "


def test_the_list_brings_its_typeface_and_nothing_else(client: TestClient) -> None:
    page = client.get("/labels/")
    asked = re.findall(r'url\("\./(.*?)"\)', page.text)

    fonts = [client.get(f"/labels/{address}") for address in asked]

    assert [font.headers["content-type"] for font in fonts] == ["font/woff2"] * 2
    assert {font.content[:4] for font in fonts} == {b"wOF2"}
    assert client.get("/.fonts/SourceSansPro-Light.woff2").status_code == 404


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/cats", "./cats/"),
        ("/labels/cats", "./cats/"),
        ("/labels", "./labels/"),
        ("/Gr%C3%B6%C3%9Fe%20%26%20co", "./Gr%C3%B6%C3%9Fe%20%26%20co/"),
    ],
)
def test_a_project_lies_one_step_below_its_list(client: TestClient, asked: str, to: str) -> None:
    moved = client.get(asked, follow_redirects=False)

    assert (moved.status_code, moved.headers["location"]) == (307, to)


def test_a_project_is_opened_once_and_when_it_is_asked_for(folder: Path, opener: Opener) -> None:
    projects = Projects(folder, opener, ProjectsPage(folder))
    with TestClient(projects, base_url="http://127.0.0.1") as client:
        client.get("/")
        before = list(opener.told)
        client.get("/cats/")
        client.get("/cats/verify")
    projects.close()

    assert before == []
    assert opener.told == ["open cats", "begin cats", "end cats", "close cats"]


@pytest.mark.parametrize(
    ("trouble", "status", "said"),
    [
        (ProjectError("project.toml is broken; correct it."), 500, "is broken; correct it."),
        (StoreUnavailable("The database is locked; wait."), 503, "is locked; wait."),
        (RuntimeError("<b>bug</b>"), 500, "The server log has the details."),
    ],
)
def test_a_project_that_cannot_be_opened_harms_no_other_and_is_tried_again(
    client: TestClient, opener: Opener, trouble: Exception, status: int, said: str
) -> None:
    opener.trouble["cats"] = trouble
    refused = client.get("/cats/verify")
    other = client.get("/Größe & co/")
    opener.trouble.clear()

    assert refused.status_code == status
    assert said in refused.text
    assert 'href="../"' in refused.text
    assert other.text == "Größe & co / "
    assert client.get("/cats/").text == "cats / "


@pytest.mark.parametrize("path", ["/plain/", "/nothing", "/%2e%2e/", "/..%2f..%2fetc/", "/%00/x"])
def test_what_is_no_project_is_a_page_that_leads_back(
    client: TestClient, opener: Opener, path: str
) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert ">All projects</a>" in answer.text
    assert opener.told == []


def test_the_list_shows_each_project_and_what_is_wrong_with_it(client: TestClient) -> None:
    page = client.get("/labels/")

    assert page.headers["cache-control"] == "no-store"
    assert '<a href="./cats/" dir="auto">cats</a>' in page.text
    assert '<a href="./Gr%C3%B6%C3%9Fe%20%26%20co/" dir="auto">Größe &amp; co</a>' in page.text
    assert page.text.count("is not valid TOML") == 2
    assert "plain" not in page.text


def test_a_list_of_a_folder_that_is_gone_is_a_sentence(client: TestClient, folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")

    answer = client.get("/")

    assert answer.status_code == 500
    assert "name a folder of projects" in answer.text
    (folder.parent / "elsewhere").rename(folder)
