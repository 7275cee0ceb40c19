"""Where people open the pages behind a proxy: the options for it, and the path that they name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from annotator.errors import AnnotatorError
from annotator.ui.web.identity import name_of, nearest_name
from annotator.ui.web.public_address import PublicAddress, RootPath


@pytest.mark.parametrize(
    ("public_url", "root_path", "url", "path"),
    [
        (None, None, "", ""),
        (None, "/labels", "", "/labels"),
        (None, "labels/", "", "/labels"),
        (None, "/", "", ""),
        ("https://label.example.org", None, "https://label.example.org", ""),
        ("https://label.example.org/", None, "https://label.example.org", ""),
        ("HTTPS://Label.Example.org:8443/a/b/", None, "https://label.example.org:8443", "/a/b"),
        ("http://label.example.org", "/labels", "http://label.example.org", "/labels"),
        ("http://label.example.org/labels", "/labels", "http://label.example.org", "/labels"),
        ("http://[::1]:8080/x", None, "http://[::1]:8080", "/x"),
    ],
)
def test_the_options_say_where_the_pages_are_opened(
    public_url: str | None, root_path: str | None, url: str, path: str
) -> None:
    address = PublicAddress.read(public_url, root_path)

    assert (address.url, address.root_path) == (url, path)


@pytest.mark.parametrize(
    ("public_url", "root_path", "said"),
    [
        ("label.example.org", None, "such as https://label.example.org/labels"),
        ("ftp://label.example.org", None, "no address of a page"),
        ("https://", None, "no address of a page"),
        ("https://label.example.org:port", None, "no address of a page"),
        ("https://ann@label.example.org", None, "no address of a page"),
        ("https://label.example.org/?a=b", None, "no address of a page"),
        ("https://[label", None, "no address of a page"),
        ("https://label.example.org/a b", None, "--public-url 'https://label.example.org/a b'"),
        (None, "/a/../b", "--root-path '/a/../b'"),
        (None, "/a?b", "between slashes"),
        ("https://label.example.org/a", "/b", "leave out --root-path"),
    ],
)
def test_what_is_no_address_is_refused_with_the_form_it_needs(
    public_url: str | None, root_path: str | None, said: str
) -> None:
    with pytest.raises(AnnotatorError) as refused:
        PublicAddress.read(public_url, root_path)

    assert said in str(refused.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_an_address_or_refused(public_url: str, root_path: str) -> None:
    try:
        address = PublicAddress.read(public_url, root_path)
    except AnnotatorError:
        return
    assert address.place is not None
    assert not address.root_path.endswith("/")


def client(root_path: str) -> TestClient:
    def answer(request: Request) -> JSONResponse:
        return JSONResponse({"path": request.scope["path"], "name": name_of(request.cookies)})

    app = Starlette(
        routes=[Route("/{rest:path}", answer)],
        middleware=[Middleware(RootPath, root_path=root_path, pages=["verify"])],
    )
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize(
    ("root_path", "asked", "seen"),
    [
        ("", "/verify", "/verify"),
        ("", "//verify", "/verify"),
        ("", "/labels/verify", "/labels/verify"),
        ("/labels", "/labels/verify", "/verify"),
        ("/labels", "/verify", "/verify"),
        ("/labels", "/labels/", "/"),
        ("/labels", "/labelsverify", "/labelsverify"),
        ("/a/b", "/a/b/img/256/1", "/img/256/1"),
    ],
)
def test_a_path_is_taken_with_what_a_proxy_puts_before_it_and_without(
    root_path: str, asked: str, seen: str
) -> None:
    response = client(root_path).get(f"http://testserver{asked}")

    assert response.json()["path"] == seen


@pytest.mark.parametrize(
    ("root_path", "asked", "to"),
    [
        ("/labels", "/labels", "/labels/"),
        ("/labels", "/labels?x=1", "/labels/?x=1"),
        ("/labels", "/labels/verify/", "../verify"),
        ("", "/verify/?category=2", "../verify?category=2"),
    ],
)
def test_a_page_lies_one_step_below_the_root(root_path: str, asked: str, to: str) -> None:
    response = client(root_path).get(asked)

    assert (response.status_code, response.headers["location"]) == (307, to)


def test_of_names_for_two_paths_that_of_the_longer_path_counts() -> None:
    cookies = "annotator_name=Bob; other=1; annotator_name=Ann"

    said = client("").get("/", headers={"Cookie": cookies}).json()

    assert said["name"] == "Bob"


@given(st.lists(st.sampled_from(["annotator_name=Ann", "other=1", "", "=", "annotator_name"])))
def test_other_cookies_stay_as_they_are(parts: list[str]) -> None:
    kept: list[Any] = nearest_name(";".join(parts)).split(";")

    assert [p for p in kept if p in ("other=1", "=")] == [p for p in parts if p in ("other=1", "=")]
    assert sum(p.startswith("annotator_name") for p in kept) <= 1
