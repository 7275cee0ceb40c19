from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient


def test_a_picture_comes_by_id_and_width_and_may_be_kept_for_good(
    client: TestClient, services: Any
) -> None:
    response = client.get("/img/256/7?of=k")

    assert response.content == services.media.picture.read_bytes()
    assert response.headers["content-type"] == "image/webp"
    assert "immutable" in response.headers["cache-control"]
    assert services.media.asked == [(7, 256)]


@pytest.mark.parametrize(
    "path",
    [
        "/img/255/7",
        "/img/99999/7",
        "/img/-256/7",
        "/img/256.0/7",
        "/img/٢٥٦/7",
        "/img/256/seven",
        "/img/256/7.webp",
        "/img/256/-7",
        "/img/256/%37%00",
        "/img/256/..%2f..%2fetc%2fpasswd",
        "/img/256/../../etc/passwd",
        "/img/256/7/..",
        "/img/256/",
        "/img/256",
        "/img/",
        "/img/256/" + "9" * 40,
    ],
)
def test_anything_but_a_listed_width_and_a_plain_id_is_not_found(
    path: str, client: TestClient, services: Any
) -> None:
    assert client.get(path).status_code == 404
    assert services.media.asked == []


@pytest.mark.parametrize(("image", "status"), [(5, 404), (8, 404), (9, 503)])
def test_a_picture_that_cannot_be_had_says_why_and_is_not_kept(
    image: int, status: int, client: TestClient
) -> None:
    response = client.get(f"/img/1280/{image}")

    assert response.status_code == status
    assert response.text.endswith(".")
    assert response.headers["cache-control"] == "no-store"
