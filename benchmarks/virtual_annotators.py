"""Virtual annotators: people who label without a browser, over the calls that the pages make.

Each has a name, a session and a tab of its own, looks at images and pages of the grid, and does
what people do. What they do waits in an ordered queue with a client id for each act, as in
`annotator/ui/static/shared/save_queue.js`: a try that fails is repeated until the server confirms
or refuses it.
"""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import numpy as np
from drill_check import Act

SLOWEST_SECONDS = 5.0
"""Longest pause between two tries."""
MOST_WAITING = 20
"""Acts that may wait for the server before a virtual annotator waits, too."""
STUCK_SECONDS = 300.0
"""So long a full queue may stand still; no server is away that long here."""
GRID = 12
"""Pictures of a page of the grid."""

PRESSES = {"present": 0.45, "absent": 0.4, "unsure": 0.1, "cleared": 0.05}
"""How often a press says what."""

Reply = dict[str, Any]


@dataclass(frozen=True)
class Manner:
    """How virtual annotators work."""

    pace: float = 0.3
    """Seconds between two acts, on average; 0: flat out."""
    patience: float = 20.0
    """Seconds that a call may take before it is repeated; the pages wait 20."""
    grid_share: float = 0.15
    """How often what they look at next is a page of the grid and not one image."""


class Line:
    """The calls of one tab to a server that may be away: never an exception, at worst None."""

    def __init__(self, port: int, name: str, session: str, patience: float) -> None:
        self._port = port
        self._session = session
        self._patience = patience
        self._headers = {
            "Content-Type": "application/json",
            "Cookie": f"annotator_name={quote(name)}",
        }
        self._connection: http.client.HTTPConnection | None = None
        self._given_up: list[http.client.HTTPConnection] = []

    def belong_to(self, project: str) -> None:
        """Name the project with every request, as a page does."""
        self._headers["X-Annotator-Project"] = project

    def call(self, component: int, function: str, data: Mapping[str, Any]) -> Reply | None:
        """Return what a function of a page says; None if nobody answers in time."""
        body = {
            "session_hash": self._session,
            "component_id": component,
            "fn_name": function,
            "data": data,
        }
        said = self._request("POST", "/gradio_api/component_server", json.dumps(body))
        return said if isinstance(said, dict) and isinstance(said.get("ok"), bool) else None

    def components(self) -> dict[str, int] | None:
        """Return the ids of the components that the pages draw themselves in, by name."""
        config = self._request("GET", "/config", None)
        if not isinstance(config, dict) or "components" not in config:
            return None
        return {c["props"].get("elem_id"): c["id"] for c in config["components"] if c["props"]}

    def _request(self, method: str, path: str, body: str | None) -> Any:
        connection = self._connection or http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=self._patience
        )
        self._connection = None
        try:
            connection.request(method, path, body, self._headers)
            response = connection.getresponse()
            said = json.loads(response.read())
        except TimeoutError:
            # A browser does not take a call back either: the server may still do it, late.
            self._given_up.append(connection)
            return None
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
            return None
        self._connection = connection
        return said

    def close(self) -> None:
        """Close every connection."""
        for connection in (self._connection, *self._given_up):
            if connection is not None:
                connection.close()


class VirtualAnnotator:
    """One person in one tab: `work` does things, `send` delivers them; a thread each."""

    def __init__(self, port: int, name: str, manner: Manner, seed: int) -> None:
        self.name = name
        self.acts: list[Act] = []
        """Everything that was done, in order."""
        self.late = 0
        """Answers that were kept beside, because others had answered the pair meanwhile."""
        self._manner = manner
        self._rng = np.random.default_rng(seed)
        self._tab = uuid.uuid4().hex
        lines = [Line(port, name, self._tab, manner.patience) for _ in range(2)]
        self._asking, self._sending = lines
        self._waiting: queue.Queue[tuple[Act, int, Reply]] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._answers: dict[tuple[int, int], int] = {}
        """The answer that is the label of a pair, as far as the server has told."""
        self._pending: dict[tuple[int, int], str] = {}
        """The newest own act about a pair that is not confirmed yet."""
        self._blind: str | None = None
        """An undo or redo on its way of which only the server knows what it touches."""
        self._log: list[list[tuple[int, int]]] = []
        self._undone: list[list[tuple[int, int]]] = []
        self._working = threading.Event()

    # ---- doing

    def work(self, until: Callable[[], bool]) -> None:
        """Label until it is time to stop."""
        try:
            self._begin(until)
            while not until():
                if self._rng.random() < self._manner.grid_share:
                    self._look_at_grid(until)
                else:
                    self._look_at_image(until)
        finally:
            self._working.set()

    def _begin(self, until: Callable[[], bool]) -> None:
        components = None
        while components is None and not until():
            components = self._asking.components()
        self._components = components or {}
        start = self._ask("board", "start", {}, until)
        if start:
            for line in (self._asking, self._sending):
                line.belong_to(start["project"]["key"])
            self._categories = [category["id"] for category in start["categories"]]
            self._total = start["total"]

    def _pause(self) -> None:
        if self._manner.pace:
            time.sleep(self._manner.pace * self._rng.uniform(0.5, 1.5))

    def _ask(
        self, page: str, function: str, data: Reply, until: Callable[[], bool]
    ) -> Reply | None:
        """Return what the server says to a question, asked until it answers."""
        while not until():
            said = self._asking.call(self._components[page], function, self._signed(data))
            if said is not None and said["ok"]:
                return said
            if said is not None and not said.get("again"):
                raise RuntimeError(f"{function} was refused: {said}")
            time.sleep(0.3)
        return None

    def _signed(self, data: Reply) -> Reply:
        return {"as": self.name, **data}

    def _look_at_image(self, until: Callable[[], bool]) -> None:
        asked = {"tab": self._tab, "after": None, "count": 1, "exclude": []}
        given = self._ask("board", "next_images", asked, until)
        if given is None:
            return
        image = given["images"][0] if given["images"] else int(self._rng.integers(self._total)) + 1
        got = self._ask("board", "items", {"ids": [image]}, until)
        if got is None or not got["items"]:
            return
        opened, item = datetime.now(UTC), got["items"][0]
        with self._lock:
            for category in self._categories:
                label = item["labels"].get(str(category))
                self._know((image, category), label)
        for _ in range(int(self._rng.integers(2, 7))):
            if until():
                break
            self._pause()
            self._act_on(image, item["version"])
        self._pause()
        self._push("visit", "board", {
            "image": image, "shown": self._categories,
            "opened_at": opened.isoformat(), "closed_at": datetime.now(UTC).isoformat(),
        })  # fmt: skip

    def _act_on(self, image: int, version: int | None) -> None:
        draw = self._rng.random()
        if draw < 0.16:
            self._back_or_forth("undo", self._log, self._undone)
        elif draw < 0.26:
            self._back_or_forth("redo", self._undone, self._log)
        elif draw < 0.32:
            with self._lock:
                known = {*self._answers, *self._pending}
            rest = [c for c in self._categories if (image, c) not in known]
            said = [(image, c, "absent", "swept") for c in rest]
            self._save("sweep", said, "board", {"image": image, "version": version})
        else:
            category = int(self._rng.choice(self._categories))
            state = str(self._rng.choice(list(PRESSES), p=list(PRESSES.values())))
            said = [(image, category, state, "human")]
            self._save("answer", said, "board", {"image": image, "version": version})

    def _look_at_grid(self, until: Callable[[], bool]) -> None:
        about = {"category": int(self._rng.choice(self._categories)), "mode": "confirm"}
        asked = {**about, "like": None, "tab": self._tab, "count": GRID, "hold": True}
        page = self._ask("verify", "next_page", {**asked, "shown": [], "exclude": []}, until)
        if page is None or not page["items"]:
            return
        time.sleep(3 * self._manner.pace)
        said = []
        again = {(i["id"], about["category"]): i["answer"] for i in page["items"] if i["answer"]}
        with self._lock:
            self._answers |= again  # attention checks name the answer that they are compared with
        for item in page["items"]:
            by_hand = self._rng.random() < 0.2
            usual = (item["guess"], "accepted_in_bulk") if item["guess"] else ("absent", "swept")
            state, source = ("present", "human") if by_hand else usual
            if by_hand or item["guess"] or not page["bulk"]:
                said.append((item["id"], about["category"], state, source))
        self._save("page", said, "verify", {**about, "version": page["version"]})

    def _save(self, kind: str, said: list[Any], page: str, about: Reply) -> None:
        if not said:
            return
        op = uuid.uuid4().hex
        with self._lock:
            changes = [
                {
                    "image": image, "category": category, "state": state, "source": source,
                    "score": None, "seen": self._answers.get((image, category)),
                    "after": self._pending.get((image, category), self._blind),
                }
                for image, category, state, source in said
            ]  # fmt: skip
            pairs = [(image, category) for image, category, *_ in said]
            self._pending.update(dict.fromkeys(pairs, op))
            self._log.append(pairs)
            self._undone.clear()
        now = datetime.now(UTC).isoformat()
        data = {"op": op, "kind": kind, "at": now, "ms": 500, "changes": changes, **about}
        self._push("save", page, data, tuple(said))

    def _back_or_forth(self, call: str, from_: list[Any], to: list[Any]) -> None:
        op = uuid.uuid4().hex
        with self._lock:
            if from_:
                to.append(from_.pop())
                self._pending.update(dict.fromkeys(to[-1], op))
            else:
                self._blind = op
        self._push(call, "board", {"op": op})

    def _push(self, call: str, page: str, data: Reply, said: tuple[Any, ...] = ()) -> None:
        op = data.setdefault("op", uuid.uuid4().hex)
        act = Act(op, self.name, call, said, done=time.perf_counter())
        self.acts.append(act)
        self._waiting.put((act, self._components[page], self._signed(data)), timeout=STUCK_SECONDS)

    # ---- delivering

    def send(self, until: Callable[[], bool]) -> None:
        """Deliver what was done, in order, until all is confirmed or it is time to give up."""
        while not (self._working.is_set() and self._waiting.empty()):
            try:
                act, component, data = self._waiting.get(timeout=0.1)
            except queue.Empty:
                continue
            fails = 0
            while act.acknowledged is None and not until():
                if not self._try(act, component, data):
                    fails += 1
                    time.sleep(min(SLOWEST_SECONDS, 0.25 * 2**fails))
        for line in (self._asking, self._sending):
            line.close()

    def _try(self, act: Act, component: int, data: Reply) -> bool:
        act.tries += 1
        begun = time.perf_counter()
        said = self._sending.call(component, act.call, data)
        now = time.perf_counter()
        if said is None or said.get("again"):
            return False
        act.acknowledged, act.call_seconds = now, now - begun
        act.nothing = bool(said.get("nothing"))
        act.repeated = bool(said.get("repeated"))
        if not said["ok"]:
            act.refused = str(said.get("message") or said)
        self.late += len(said.get("late") or ())
        with self._lock:
            for image, labels in (said.get("images") or {}).items():
                for category, label in labels.items():
                    self._know((int(image), int(category)), label)
            if self._blind == act.op:
                self._blind = None
            for pair in [pair for pair, op in self._pending.items() if op == act.op]:
                del self._pending[pair]
        return True

    def _know(self, pair: tuple[int, int], label: Reply | None) -> None:
        if label is None:
            self._answers.pop(pair, None)
        else:
            self._answers[pair] = label["answer"]
