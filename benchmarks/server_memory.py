"""Whether the server grows: its memory over thousands of page loads and calls of fresh tabs.

    python benchmarks/server_memory.py [--loads 2000] [--calls 20000] [--seed 0]

Serves a small project without a trainer. A page load is what a browser asks for: the page, the
events it begins with over the queue, and the first calls of a work screen, all under a session of
its own. A call is `state` under a fresh session. Memory is the resident size of the
server's process, after the first hundred of each kind and at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from store import commit, machine

PAGES = ("", "verify", "probe", "review", "progress", "train", "certify", "export", "settings")
FIRST = 100


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{machine()}; commit {commit()}; seed {args.seed}")
    with tempfile.TemporaryDirectory() as folder:
        server, url = serve(project_in(Path(folder)))
        try:
            with httpx.Client(base_url=url, cookies={"annotator_name": "Ann"}) as client:
                measure(client, server.pid, args.loads, args.calls, random.Random(args.seed))
        finally:
            server.terminate()
            server.wait()


def project_in(folder: Path) -> Path:
    """Make a project of twelve drawn pictures."""
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(12):
        Image.new("RGB", (320, 240), (20 * number, 120, 200)).save(pictures / f"{number}.png")
    command = [sys.executable, "-m", "annotator", "init", str(folder / "project")]
    subprocess.run(
        [
            *command,
            "--images",
            str(pictures),
            "--categories",
            "cat,dog,bird",
            "--backbone",
            "efficientnet-lite0",
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / "project"


def serve(project: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a server and return it with its address."""
    command = [sys.executable, "-m", "annotator", "serve", str(project), "--no-worker"]
    server = subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    found = re.search(r"http://\S+", server.stdout.readline())
    assert found
    return server, found[0]


def measure(
    client: httpx.Client, process: int, loads: int, calls: int, draw: random.Random
) -> None:
    """Load pages and call functions, and print the memory in between."""
    config = client.get("/config").json()
    started = time.perf_counter()
    for done in range(1, loads + 1):
        load(client, config, draw.choice(PAGES), f"{draw.getrandbits(40):x}")
        tell("page loads", done, loads, process)
    board = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "board")
    for done in range(1, calls + 1):
        call(client, board, "state", f"{draw.getrandbits(40):x}")
        tell("calls", done, calls, process)
    print(f"in {time.perf_counter() - started:.0f} s")


def tell(kind: str, done: int, total: int, process: int) -> None:
    """Print the memory after the first hundred, at every quarter and at the end."""
    if done == FIRST or done % max(1, total // 4) == 0:
        print(f"{kind:10} {done:6}  {resident_megabytes(process):6.0f} MB", flush=True)


def load(client: httpx.Client, config: dict[str, Any], page: str, session: str) -> None:
    """Ask for what a browser asks for when it opens a page."""
    client.get(f"/{page}").raise_for_status()
    here = {component["id"] for component in config["components"]}
    shown = config["page"][page]
    begin = [
        event
        for event in config["dependencies"]
        if event["id"] in shown["dependencies"] and any(t[1] == "load" for t in event["targets"])
    ]
    for event in begin:
        run(client, config, event, session)
    for component in config["components"]:
        functions = component["props"].get("server_fns") or ()
        if component["id"] in set(shown["components"]) & here and "start" in functions:
            call(client, component["id"], "start", session)


def run(client: httpx.Client, config: dict[str, Any], event: dict[str, Any], session: str) -> None:
    """Run an event as the page does: over the queue, or at once where it is not queued."""
    props = {c["id"]: c["props"].get("value") for c in config["components"]}
    body = {
        "fn_index": event["id"],
        "data": [props.get(place) for place in event["inputs"]],
        "session_hash": session,
    }
    if event["queue"] is False:
        client.post("/gradio_api/run/predict", json=body)
        return
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    address = "/gradio_api/queue/data"
    with client.stream("GET", address, params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and json.loads(line[5:])["msg"] == "close_stream":
                break


def call(client: httpx.Client, component: int, name: str, session: str) -> None:
    """Call a function of a work screen."""
    body = {"session_hash": session, "component_id": component, "fn_name": name, "data": {}}
    said = client.post("/gradio_api/component_server", json=body).json()
    assert said["ok"], said


def resident_megabytes(process: int) -> float:
    """Return the memory that a process holds."""
    said = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=True
    )
    return int(said.stdout) / 1024


if __name__ == "__main__":
    main()
