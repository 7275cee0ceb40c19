"""What the server says when it starts: an address that works, and who can do what."""

from __future__ import annotations

import socket

import pytest

from annotator.ui.web import addresses


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860"),
        ("192.168.7.5", "http://192.168.7.5:7860"),
        ("::1", "http://[::1]:7860"),
        ("lab", "http://lab:7860"),
        ("0.0.0.0", "http://127.0.0.1:7860"),
        ("::", "http://[::1]:7860"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, url: str) -> None:
    assert addresses.address(host, 7860, open_to_network=False) == url


def test_open_to_the_network_the_address_is_the_one_for_other_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "network_address", lambda _: "192.168.7.5")

    assert addresses.address("0.0.0.0", 80, open_to_network=True) == "http://192.168.7.5:80"


def test_without_a_network_the_address_is_the_one_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "network_address", lambda _: None)

    assert addresses.address("0.0.0.0", 80, open_to_network=True) == "http://127.0.0.1:80"


def test_the_address_in_the_network_is_one_of_this_machine() -> None:
    own = addresses.network_address(socket.AF_INET)

    if own is None:
        pytest.skip("this machine has no network")
    with socket.socket() as listener:
        listener.bind((own, 0))


@pytest.mark.parametrize(
    ("host", "is_open", "said"),
    [
        ("127.0.0.1", False, ()),
        ("127.0.0.1", True, ("only this machine can connect", "--host 0.0.0.0")),
        ("0.0.0.0", False, ("only requests to http://127.0.0.1", "refused", "--open")),
        ("192.168.7.5", False, ("nobody is answered", "--open")),
        ("0.0.0.0", True, ("everybody", "change and export everything", "no accounts")),
    ],
)
def test_one_line_says_who_can_do_what(host: str, is_open: bool, said: tuple[str, ...]) -> None:
    line = addresses.who_may(host, open_to_network=is_open)

    assert bool(line) == bool(said)
    assert "\n" not in line
    assert all(words in line for words in said)
