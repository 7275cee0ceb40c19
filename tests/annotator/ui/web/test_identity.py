from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from annotator.errors import AnnotatorError
from annotator.ui.web.identity import COOKIE, checked_name, name_of


@pytest.mark.parametrize("name", ["Zoë", "李雷", "J. R. O'Neil", "a" * 80])
def test_a_name_in_any_script_comes_back_from_the_cookie(name: str, client: TestClient) -> None:
    response = client.post("/name", json={"name": f"  {name} "})

    assert response.json() == {"ok": True, "name": name}
    assert name_of(client.cookies) == name


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(client: TestClient) -> None:
    header = client.post("/name", json={"name": "Ann"}).headers["set-cookie"].lower()

    assert header.startswith(f"{COOKIE}=ann;")
    assert "httponly" in header
    assert "samesite=lax" in header
    assert "max-age=" in header


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "enter your name"),
        ("   ", "enter your name"),
        (None, "enter your name"),
        (7, "enter your name"),
        ("a" * 81, "1 to 80"),
        ("a\x00b", "ordinary letters"),
        ("a\u202eb", "ordinary letters"),
    ],
)
def test_a_name_that_cannot_be_kept_is_refused_in_a_sentence(
    name: object, says: str, client: TestClient
) -> None:
    response = client.post("/name", json={"name": name})

    assert response.json()["refused"] is True
    assert says in response.json()["message"]
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b'"Ann"', b"\xff"])
def test_a_broken_body_is_a_missing_name(body: bytes, client: TestClient) -> None:
    assert "enter your name" in client.post("/name", content=body).json()["message"]


@pytest.mark.parametrize("value", ["", "%FF", "%20%20", "a%0Ab%00"])
def test_a_cookie_that_nobody_could_have_been_given_is_no_name(value: str) -> None:
    assert name_of({COOKIE: value}) is None


def test_blanks_inside_a_name_are_one() -> None:
    assert checked_name(" Ann \t Lee\n") == "Ann Lee"


def test_nobody_has_no_name() -> None:
    with pytest.raises(AnnotatorError, match="enter your name"):
        checked_name(None)
