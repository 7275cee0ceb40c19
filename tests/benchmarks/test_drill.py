"""The drill, a short one; and the check of it, which must find what is lost or doubled."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from annotator.services.app import Services
from annotator.wire.recording import BackRequest, SaveRequest, VisitRequest
from annotator.wire.request import Request

SEEN = {"shown": [1], "opened_at": "", "closed_at": ""}


@pytest.fixture
def drill(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import drill

    return drill


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_while_server_and_trainer_are_killed(
    drill: ModuleType, tmp_path: Path
) -> None:
    options = drill.arguments(
        [
            *("--annotators", "2", "--seconds", "8", "--pace", "0.05"),
            *("--server-kills", "1", "--worker-kills", "1"),
            *("--images", "30", "--categories", "5"),
        ]
    )

    outcome = drill.run(tmp_path, options)

    assert not outcome.failed, drill.told(outcome)
    assert sorted(outcome.strikes) == ["server", "worker"]
    assert outcome.tracebacks == 0
    assert {act.call for act in outcome.acts} >= {"save", "undo", "visit"}
    assert sum(act.tries - 1 for act in outcome.acts) > 0


REQUESTS: dict[str, type[Request]] = {
    "save": SaveRequest,
    "undo": BackRequest,
    "redo": BackRequest,
    "visit": VisitRequest,
}


@pytest.fixture
def done(drill: ModuleType, tmp_path: Path) -> tuple[Path, list[Any]]:
    """Two people's acts, all recorded, by the services and without a server."""
    project = drill.make_project(tmp_path, images=4, categories=3, seed=0)
    services = Services.open(project)
    acts: list[Any] = []
    clock = itertools.count()

    def do(name: str, call: str, action: Callable[..., Any], *said: Any, **data: Any) -> None:
        act = drill.Act(f"{name} {next(clock)}", name, call, said, acknowledged=1.0)
        changes = [
            dict(zip(("image", "category", "state", "source"), s, strict=True)) for s in said
        ]
        sent = {"op": act.op, "kind": "answer", "changes": changes, **data}
        result = action(name, REQUESTS[call].read(sent))
        act.nothing = bool(result.get("nothing"))
        acts.append(act)

    recording = services.recording
    do("Ann", "save", recording.save, (1, 1, "present", "human"), (1, 2, "absent", "swept"))
    do("Bob", "save", recording.save, (2, 1, "absent", "human"))
    do("Ann", "visit", services.labelling.visit, image=1, **SEEN)
    do("Ann", "save", recording.save, (2, 1, "present", "human"))
    do("Bob", "save", recording.save, (3, 3, "unsure", "human"))
    do("Ann", "undo", recording.undo)
    do("Bob", "redo", recording.redo)
    do("Ann", "redo", recording.redo)
    do("Bob", "undo", recording.undo)
    services.close()
    return project / "labels.db", acts


def change(database: Path, *statements: str) -> None:
    connection = sqlite3.connect(database)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_what_was_done_and_recorded_is_found_to_be_right(
    drill: ModuleType, done: tuple[Path, list[Any]]
) -> None:
    database, acts = done

    assert drill.check(database, acts).sentences == []
    assert [act.op for act in acts if act.nothing] == ["Bob 6"]


ANSWER = "image_id, category_id, state, source, score, late"
OPERATION = "annotator_id, kind, happened_at, recorded_at, cancelled"
VISIT = "annotator_id, image_id, shown, opened_at, closed_at"


@pytest.mark.parametrize(
    ("kind", "statements"),
    [
        ("lost", ["DELETE FROM answer WHERE id = 2", "DELETE FROM label WHERE answer_id = 2"]),
        ("lost", ["UPDATE answer SET state = 1 WHERE id = 2", "UPDATE label SET state = 1"]),
        ("lost", ["DELETE FROM visit"]),
        (
            "lost",
            ["DELETE FROM answer WHERE operation_id = 4", "DELETE FROM operation WHERE id = 4"],
        ),
        (
            "doubled",
            [
                f"INSERT INTO answer (operation_id, {ANSWER}) "
                f"SELECT 4, {ANSWER} FROM answer WHERE id = 5"
            ],
        ),
        (
            "doubled",
            [
                f"INSERT INTO operation (client_id, {OPERATION}) "
                f"SELECT 'again', {OPERATION} FROM operation WHERE id = 1"
            ],
        ),
        (
            "doubled",
            [f"INSERT INTO visit (client_id, {VISIT}) SELECT 'again', {VISIT} FROM visit"],
        ),
        ("wrong", ["DELETE FROM label WHERE image_id = 1 AND category_id = 1"]),
        ("wrong", ["UPDATE label SET state = 1 - state WHERE image_id = 1"]),
        ("wrong", ["UPDATE operation SET cancelled = 1 - cancelled WHERE id = 4"]),
        ("wrong", ["UPDATE operation SET annotator_id = 3 - annotator_id WHERE id = 4"]),
        ("wrong", ["UPDATE operation SET id = 99 WHERE id = 1"]),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0][:60],
)
def test_a_row_that_is_missing_changed_or_doubled_is_found(
    drill: ModuleType, done: tuple[Path, list[Any]], kind: str, statements: list[str]
) -> None:
    database, acts = done
    change(database, *statements)

    assert getattr(drill.check(database, acts), kind)


def test_what_was_never_acknowledged_may_be_there_or_not_but_not_against_a_refusal(
    drill: ModuleType, done: tuple[Path, list[Any]]
) -> None:
    database, acts = done
    acts[0].acknowledged = None
    acts.append(drill.Act("never", "Bob", "save", ((1, 1, "present", "human"),)))

    unsure = drill.check(database, acts)
    acts[0].acknowledged, acts[0].refused = 1.0, "no such image"
    refused = drill.check(database, acts)

    assert unsure.sentences == []
    assert len(refused.doubled) == 1
    assert "although the server said" in refused.doubled[0]


def test_an_outcome_says_what_is_wrong_and_fails(
    drill: ModuleType, done: tuple[Path, list[Any]]
) -> None:
    database, acts = done
    fine = drill.Outcome(acts, drill.check(database, acts))
    change(database, "DELETE FROM answer WHERE operation_id = 1")
    bad = drill.Outcome(acts, drill.check(database, acts))
    left = drill.Outcome([*acts, drill.Act("never", "Ann", "save")])

    assert not fine.failed
    assert "lost: 0" in drill.told(fine)
    assert bad.failed
    assert "!! the save Ann 0 of Ann lacks 2 of its 2 answers" in drill.told(bad)
    assert left.failed
    assert "!! never confirmed: save never" in drill.told(left)
