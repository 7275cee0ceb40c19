from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from annotator.errors import StoreUnavailable
from annotator.ui.app import PAGES
from annotator.ui.web.frame import MANAGE, WORK


def header(page: str) -> str:
    found = re.search(r"<header.*?</header>", page, re.DOTALL)
    assert found
    return found[0]


def test_every_page_is_in_the_menu_once_and_only_what_there_is(client: TestClient) -> None:
    links = re.findall(r'<a href="\./([a-z]*)"[^>]*>(\w+)</a>', header(client.get("/").text))

    assert links[0] == ("", "Label")
    assert sorted(links[1:]) == sorted((name.lower(), name) for name, _ in PAGES)
    order = [*WORK, *MANAGE]
    assert [name for _, name in links] == sorted((n for _, n in links), key=order.index)


def test_no_two_pages_have_one_letter_or_digit(client: TestClient) -> None:
    row = header(client.get("/").text)
    letters, digits = (re.findall(rf'data-{kind}="(.)"', row) for kind in ("letter", "digit"))

    assert len(set(letters)) == len(set(digits)) == 1 + len(PAGES)
    assert digits == [str(place % 10) for place in range(1, 2 + len(PAGES))]


@pytest.mark.parametrize(
    ("path", "name"), [("/", "Label"), ("/verify", "Verify"), ("/train", "Train")]
)
def test_a_page_says_which_it_is_before_any_script_has_run(
    path: str, name: str, make_client: Callable[..., TestClient]
) -> None:
    text = make_client(title="Herbarium <1>").get(path).text

    assert f"<title>{name} · Herbarium &lt;1&gt;</title>" in text
    assert re.findall(r'aria-current="page"[^>]*>(\w+)<', text) == [name]
    assert 'title="Herbarium &lt;1&gt;">Herbarium &lt;1&gt;</span>' in header(text)
    assert text.index("<header") < text.index("<gradio-app")
    assert '"true"' not in re.findall(r"control_page_title=(\S+)", text)


def test_the_person_is_named_as_text_and_nobody_is_asked(client: TestClient) -> None:
    assert ">Your name?</button>" in header(client.get("/train").text)

    client.post("/name", json={"name": "<b>Zoë"})

    assert ">&lt;b&gt;Zoë</button>" in header(client.get("/train").text)


def test_the_status_is_that_of_the_work_screens(client: TestClient, services: Any) -> None:
    said = client.get("/status")

    assert said.json() == {"ok": True, **services.progress.state()}
    assert said.headers["cache-control"] == "no-store"


def test_a_status_that_cannot_be_had_is_a_sentence(
    client: TestClient, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(annotator: str = "") -> None:
        del annotator
        raise StoreUnavailable("The database is locked by another program.")

    monkeypatch.setattr(services.progress, "state", locked)

    assert client.get("/status").json() == {
        "ok": False,
        "again": True,
        "message": "The database is locked by another program.",
    }
