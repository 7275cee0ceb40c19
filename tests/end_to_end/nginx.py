"""A real nginx in front of a server: Debian's, see `scripts/ensure-nginx`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest


def find_nginx() -> str | None:
    places = (os.environ.get("PATH", ""), "/usr/sbin", f"{sys.prefix}/nginx/usr/sbin")
    return os.environ.get("NGINX_PATH") or shutil.which("nginx", path=os.pathsep.join(places))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Nginx:
    """nginx with some `server` blocks, in a process and a folder of its own."""

    def __init__(self, folder: Path, servers: str, ports: list[int]) -> None:
        program = find_nginx()
        assert program is not None
        folder.mkdir(exist_ok=True)
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; pid {folder}/pid;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{servers}\n}}\n"
        )
        command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
        self._process = subprocess.Popen(command)
        for port in ports:
            self._wait(port, folder / "error.log")

    def _wait(self, port: int, log: Path) -> None:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
            except ConnectionRefusedError:
                assert self._process.poll() is None, log.read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


def certificate(folder: Path) -> tuple[Path, Path]:
    """Return a certificate of nobody for TLS and its key, or skip."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make a certificate with")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-keyout", str(key), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made, key
