"""Compares what virtual annotators did with what the database of their project holds.

Reads the tables with plain SQL and works everything out anew, so that it shares no code with what
it checks.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

STATES = ("absent", "present", "unsure", "cleared")
SOURCES = ("human", "accepted", "accepted_in_bulk", "rejected", "swept", "imported", "review")

Said = tuple[int, int, str, str]
"""Image id, category id, state, source."""


@dataclass(eq=False)
class Act:
    """One thing that a virtual annotator did, and what became of it."""

    op: str
    """Client id."""
    annotator: str
    call: str
    """`save`, `undo`, `redo` or `visit`."""
    said: tuple[Said, ...] = ()
    done: float = 0.0
    """When it was done, in seconds of a clock that starts anywhere."""
    tries: int = 0
    acknowledged: float | None = None
    """When the server confirmed it."""
    nothing: bool = False
    """It was an undo or redo, and the server said that there is nothing to take back."""
    repeated: bool = False
    """The server said that it had it already, from a try whose answer never arrived."""
    refused: str = ""
    call_seconds: float = 0.0
    """How long the try took that was confirmed."""


@dataclass
class Verdict:
    """What is wrong, a sentence each."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, and not in the database as it was sent."""
    doubled: list[str] = field(default_factory=list)
    """In the database more than once, or without anybody having sent it."""
    wrong: list[str] = field(default_factory=list)
    """Out of order, taken back by the wrong undo, or a label that its answers do not give."""

    @property
    def sentences(self) -> list[str]:
        """All of them."""
        return [*self.lost, *self.doubled, *self.wrong]


@dataclass(frozen=True)
class _Row:
    """An operation or a visit of the database."""

    op: str
    id: int
    annotator: str
    kind: str
    cancels: int | None
    cancelled: bool
    said: Counter[Said]


def check(database: Path, acts: Iterable[Act]) -> Verdict:
    """Compare a project's SQLite database with what was done, each annotator's acts in order."""
    verdict = Verdict()
    connection = sqlite3.connect(database)
    try:
        operations, visits = _operations(connection), _visits(connection)
        verdict.wrong += _wrong_labels(connection)
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    verdict.wrong += [f"integrity_check: {line}" for line in found if line != "ok"]
    verdict.wrong += [f"foreign_key_check: {row}" for row in broken]
    place = {}
    for number, act in enumerate(acts):
        place[act.op] = number
        _compare(verdict, act, (visits if act.call == "visit" else operations).get(act.op, []))
    stored = [row for rows in operations.values() for row in rows]
    for row in [*stored, *(row for rows in visits.values() for row in rows)]:
        if row.op not in place:
            verdict.doubled.append(f"the {row.kind} {row.op} is there and nobody sent it")
    for person in sorted({row.annotator for row in stored}):
        own = sorted((row for row in stored if row.annotator == person), key=lambda row: row.id)
        places = [place[row.op] for row in own if row.op in place]
        if places != sorted(places):
            verdict.wrong.append(f"the operations of {person} are not in the order of their doing")
        verdict.wrong += _wrongly_taken_back(person, own)
    return verdict


def _operations(connection: sqlite3.Connection) -> dict[str, list[_Row]]:
    said: dict[int, Counter[Said]] = defaultdict(Counter)
    for operation, image, category, state, source in connection.execute(
        "SELECT operation_id, image_id, category_id, state, source FROM answer"
    ):
        said[operation][image, category, STATES[state], SOURCES[source]] += 1
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in connection.execute(
        "SELECT client_id, operation.id, name, kind, cancels, cancelled FROM operation "
        "JOIN annotator ON annotator.id = annotator_id"
    ):
        found[row[0]].append(_Row(*row, said[row[1]]))
    return found


def _visits(connection: sqlite3.Connection) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in connection.execute(
        "SELECT client_id, visit.id, name FROM visit JOIN annotator ON annotator.id = annotator_id"
    ):
        found[row[0]].append(_Row(*row, "visit", None, False, Counter()))
    return found


def _compare(verdict: Verdict, act: Act, stored: Sequence[_Row]) -> None:
    kept = act.acknowledged is not None and not act.nothing and not act.refused
    may_be_there = kept or act.acknowledged is None
    what = f"the {act.call} {act.op} of {act.annotator}"
    if kept and not stored:
        verdict.lost.append(f"{what} was acknowledged and is not there")
    if len(stored) > 1:
        verdict.doubled.append(f"{what} is there {len(stored)} times")
    if stored and not may_be_there:
        verdict.doubled.append(f"{what} is there although the server said that it did nothing")
    sent = Counter(act.said)
    for row in stored:
        if missing := sent - row.said:
            verdict.lost.append(
                f"{what} lacks {sum(missing.values())} of its {len(act.said)} answers"
            )
        if surplus := row.said - sent:
            verdict.doubled.append(f"{what} has {sum(surplus.values())} answers too many")
        if row.annotator != act.annotator:
            verdict.wrong.append(f"{what} is recorded in the name of {row.annotator}")


def _wrongly_taken_back(person: str, rows: Sequence[_Row]) -> list[str]:
    """Do one annotator's operations again on plain lists; the same ones must be cancelled."""
    wrong = []
    done: list[int] = []
    undone: list[tuple[int, int]] = []
    cancelled: set[int] = set()
    for row in rows:
        expected = None
        if row.kind == "undo" and done:
            expected = done.pop()
            undone.append((row.id, expected))
        elif row.kind == "redo" and undone:
            expected, back = undone.pop()
            done.append(back)
            cancelled.discard(back)
        elif row.kind not in ("undo", "redo"):
            done.append(row.id)
            undone.clear()
        if expected is not None:
            cancelled.add(expected)
        if row.cancels != expected:
            wrong.append(
                f"the {row.kind} {row.op} of {person} took back {row.cancels}, not {expected}"
            )
    flagged = {row.id for row in rows if row.cancelled}
    if flagged != cancelled:
        wrong.append(f"{len(flagged ^ cancelled)} operations of {person} are wrongly taken back")
    return wrong


def _wrong_labels(connection: sqlite3.Connection) -> list[str]:
    """Return pairs whose label is not what the newest answer of each annotator gives."""
    newest: dict[tuple[int, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    for image, category, person, answer, state in connection.execute(
        "SELECT image_id, category_id, annotator_id, answer.id, state FROM answer "
        "JOIN operation ON operation.id = operation_id "
        "WHERE NOT late AND NOT cancelled ORDER BY answer.id"
    ):
        newest[image, category][person] = (answer, state)
    expected = {}
    for pair, opinions in newest.items():
        decided = sorted(o for o in opinions.values() if STATES[o[1]] in ("present", "absent"))
        if decided:
            answer, state = decided[-1]
            is_conflict = len({state for _, state in decided}) > 1
            expected[pair] = (answer, None if is_conflict else state, int(is_conflict))
    found = {
        (image, category): tuple(label)
        for image, category, *label in connection.execute(
            "SELECT image_id, category_id, answer_id, state, conflict FROM label"
        )
    }
    return [
        f"the label of image {image}, category {category} is {found.get((image, category))}, "
        f"its answers give {expected.get((image, category))}"
        for image, category in sorted(expected.keys() | found.keys())
        if expected.get((image, category)) != found.get((image, category))
    ]
