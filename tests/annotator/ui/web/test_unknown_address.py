from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from annotator.ui.app import PAGES

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nonsense", "/deep/er/nonsense", "/verify/nonsense"])
def test_a_browser_at_an_unknown_address_is_led_to_every_page(
    path: str, client: TestClient
) -> None:
    answer = client.get(path, headers=BROWSER)

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert f"There is no page at {path}" in answer.text
    places = [urljoin(path, link) for link in re.findall(r'href="([^"]*)"', answer.text)]
    assert places == ["/", *(f"/{name.lower()}" for name, _ in PAGES)]


def test_what_the_address_says_is_text(client: TestClient) -> None:
    answer = client.get("/<b>" + "x" * 500, headers=BROWSER)

    assert "<b>" not in answer.text
    assert len(re.findall("x+", answer.text)[-1]) < 100


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_who_asks_for_data_gets_a_plain_answer(accept: str, client: TestClient) -> None:
    answer = client.get("/nonsense", headers={"accept": accept})

    assert answer.status_code == 404
    assert "<html" not in answer.text


@pytest.mark.parametrize("path", ["/img/256/999999", "/ui/other/x.js"])
def test_a_missing_picture_or_script_says_so_in_a_sentence(path: str, client: TestClient) -> None:
    answer = client.get(path, headers=BROWSER)

    assert (answer.status_code, "<html" in answer.text) == (404, False)
