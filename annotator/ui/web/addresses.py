"""Where a server can be reached and who can then do what, told in two lines when it starts."""

from __future__ import annotations

import socket

from annotator.ui.web.security import LOOPBACK_NAMES

EVERYWHERE = frozenset({"", "0.0.0.0", "::"})
"""Hosts that stand for every address of this machine."""

_ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses that are for documentation only; nothing is sent to them."""


def address(host: str, port: int, *, open_to_network: bool) -> str:
    """Return the URL under which a browser reaches the server.

    A host that stands for every address of this machine is no address that a browser can open; it
    is told by the one that other machines use if they are let in, else by that of this machine.
    """
    if host in EVERYWHERE:
        family = socket.AF_INET6 if host == "::" else socket.AF_INET
        own = network_address(family) if open_to_network else None
        host = own or ("::1" if host == "::" else "127.0.0.1")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def who_may(host: str, *, open_to_network: bool, public_url: str = "") -> str:
    """Return who can now do what, in one line; empty where that is this machine alone."""
    is_local = host in LOOPBACK_NAMES
    if public_url and not open_to_network:
        return (
            f"--public-url: everybody who reaches {public_url} can see, change and export "
            "everything under any name unless the proxy asks who they are; there are no accounts."
        )
    if is_local and not open_to_network:
        return ""
    if is_local:
        return (
            "--open: any host name is accepted, but only this machine can connect; a proxy or "
            "tunnel on it lets everybody in: there are no accounts, so they can see, change and "
            "export everything. Add --host 0.0.0.0 to listen on the network."
        )
    if not open_to_network:
        answered = "only requests to http://127.0.0.1 are" if host in EVERYWHERE else "nobody is"
        return (
            f"--host {host}: {answered} answered, so other machines are refused. Add --open to let "
            "them in; without accounts they can do everything."
        )
    return (
        "--open: everybody who reaches this machine can see, change and export everything in this "
        "project under any name; there are no accounts."
    )


def network_address(family: socket.AddressFamily) -> str | None:
    """Return this machine's address in its network, None if it has none."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((_ELSEWHERE[family], 9))  # chooses a way; nothing is sent
            return str(probe.getsockname()[0])
    except OSError:
        return None
