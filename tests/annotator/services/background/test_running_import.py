"""Imports that stop nobody: all or nothing, whatever ends them and whoever answers meanwhile."""

from __future__ import annotations

import multiprocessing
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from filelock import FileLock

from annotator.domain import State
from annotator.errors import AnnotatorError, ProjectBusy, StoreUnavailable
from annotator.formats import FORMATS
from annotator.formats.records import (
    AnnotationRecord,
    CategoryRecord,
    ImageRecord,
    LabelFile,
    PairRecord,
)
from annotator.services.app import Services
from annotator.services.background import running_import, short_transactions
from annotator.services.doctor import examine
from annotator.services.project.creation import create_project
from annotator.store import (
    Store,
    Transaction,
    activity,
    answers,
    categories,
    changes,
    images,
    import_rollback,
    imported_annotations,
    key_values,
    staged_imports,
)
from annotator.store.tables import metadata
from annotator.wire.recording import BackRequest, SaveRequest

STAGED, SET = "Reading labels", "Applying labels"
pytestmark = pytest.mark.slow

NAMES = ("cat", "dog", "bird", "fish")
Killed = Callable[[str, int], None]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_transactions, "FIRST", 2)
    monkeypatch.setattr(short_transactions, "LARGEST", 2)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a COCO file about every pair, with boxes, ids, unknown keys and a new category."""
    records = []
    for number in range(6):
        states = [State.PRESENT if (number + c) % 3 == 0 else State.ABSENT for c in range(4)]
        pairs = [PairRecord(name, state) for name, state in zip(NAMES, states, strict=True)]
        pairs[1] = PairRecord("dog", states[1], source="human", annotator="eve")
        boxed = [
            AnnotationRecord(
                category=p.category,
                coco_id=100 * number + c,
                body={
                    "bbox": [1, 2, 3, 4],
                    "area": 12,
                    "iscrowd": 0,
                    "mood": number,
                },
            )
            for c, p in enumerate(pairs)
            if p.state is State.PRESENT
        ]
        records.append(ImageRecord(
            file_name=f"{number}.png", width=40 + number, height=30, pairs=tuple(pairs),
            annotations=tuple(boxed), coco_id=700 + number, extra={"flickr_url": str(number)},
        ))  # fmt: skip
    listed = tuple(CategoryRecord(name=n, coco_id=40 + c) for c, n in enumerate(NAMES))
    path = tmp_path / "labels.json"
    FORMATS["coco"].write(
        LabelFile(categories=listed, images=tuple(records), extra={"key": [1]}), path
    )
    return path


def say(services: Services, op: str, image: int, category: int, state: str) -> None:
    change = {"category": category, "state": state, "source": "human"}
    data = {"op": op, "kind": "answer", "image": image, "changes": [change]}
    services.recording.save("ann", SaveRequest(**data))


def dump(store: Store) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with store.reading() as tx:
        return {
            name: sorted(map(tuple, tx.execute(sa.select(table)).all()), key=repr)
            for name, table in metadata.tables.items()
        }


def content(store: Store) -> dict[str, Any]:
    """Return what an import is about: labels, boxes, ids, keys, categories."""
    with store.reading() as tx:
        rows = tx.execute(sa.text("SELECT id, coco_id, extra FROM image_path ORDER BY id"))
        labels = tx.execute(
            sa.text(
                "SELECT image_id, category_id, state, source, conflict FROM label "
                "ORDER BY image_id, category_id"
            )
        )
        return {
            "labels": [tuple(row) for row in labels],
            "paths": [tuple(row) for row in rows],
            "boxes": imported_annotations.of_paths(tx),
            "categories": [(c.name, c.coco_id, c.archived) for c in categories.every(tx)],
            "running": staged_imports.running(tx),
            "staged": staged_imports.left(tx),
            "key": key_values.get(tx, "coco.extra"),
        }


def agrees(store: Store) -> bool:
    """Whether labels and counters are what the answers add up to."""
    with store.writing() as tx:
        return answers.recompute(tx) + answers.recount(tx) == []


def prepare(services: Services) -> None:
    """Give a project an answer, two old boxes and an old key."""
    say(services, "before", 1, 1, "absent")
    old = [imported_annotations.ImportedAnnotation(1, 1, 9, {"bbox": [0, 0, 1, 1]})]
    other = [imported_annotations.ImportedAnnotation(1, 3, 8, {"bbox": [0, 0, 2, 2]})]
    with services.store.writing() as tx:
        imported_annotations.add(tx, old + other)
        images.set_coco(tx, [(2, 33, {"old": True})])


@pytest.fixture
def undisturbed(tmp_path: Path, pictures: Path, file: Path) -> dict[str, Any]:
    """Return the content of such a project after an import that nothing disturbed."""
    made = create_project(tmp_path / "twin", pictures, names=NAMES[:3])
    with closing(Services.open(made.project.path)) as services:
        prepare(services)
        services.transfer.import_file(file, annotator="bob")
        return content(services.store)


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Return what makes processes that begin with the app imported and no database open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["annotator.services.app"])
        yield context


@pytest.fixture
def killed(processes: Any, services: Services, file: Path) -> Killed:
    """Import in another process, which is killed after so many steps of a stage."""
    from import_until_killed import import_until_killed

    def run(stage: str, count: int) -> None:
        arguments = (services.project.path, file, stage, count)
        process = processes.Process(target=import_until_killed, args=arguments)
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    return run


class AtStep:
    """Does something after so many steps of a stage."""

    def __init__(self, stage: str, count: int, act: Callable[[], object]) -> None:
        self.left, self.stage, self.act = count, stage, act

    def __call__(self, done: int, total: int, stage: str) -> None:
        assert 0 < done <= total
        self.left -= stage == self.stage
        if self.left == 0 and stage == self.stage:
            self.act()


def test_an_import_sets_labels_boxes_ids_keys_and_categories(
    undisturbed: dict[str, Any],
) -> None:
    assert len(undisturbed["labels"]) == 24
    assert undisturbed["categories"][3] == ("fish", 43, False)
    assert undisturbed["paths"][:2] == [
        (1, 700, '{"flickr_url": "0"}'),
        (2, 33, '{"old": true, "flickr_url": "1"}'),
    ]
    boxes = {(b.path_id, b.category_id): b.coco_id for b in undisturbed["boxes"]}
    assert len(boxes) == len(undisturbed["boxes"]) == 9
    assert (boxes[1, 1], boxes[1, 3]) == (0, 8)
    assert (undisturbed["running"], undisturbed["staged"]) == (None, 0)
    assert undisturbed["key"] == {"key": [1]}


@pytest.mark.parametrize("count", [1, 17])
def test_an_import_that_was_killed_before_it_was_applied_leaves_no_trace(
    services: Services, count: int, killed: Killed
) -> None:
    prepare(services)
    before = dump(services.store)

    killed(STAGED, count)

    assert content(services.store)["staged"] > 0
    assert running_import.settle(services.project, services.store) is False
    assert dump(services.store) == before


@pytest.mark.parametrize("count", [1, 5, 11])
def test_an_import_that_was_killed_while_it_was_applied_is_taken_back_by_whoever_comes_next(
    services: Services, file: Path, undisturbed: dict[str, Any], count: int, killed: Killed
) -> None:
    prepare(services)
    before = content(services.store)

    killed(SET, count)

    assert content(services.store)["labels"] != before["labels"]
    Services.open(services.project.path).close()
    assert content(services.store) == before
    assert agrees(services.store)
    services.transfer.import_file(file, annotator="bob")
    assert content(services.store) == undisturbed
    assert agrees(services.store)


def test_a_process_that_is_killed_while_it_takes_an_import_back_is_followed_by_another(
    services: Services, monkeypatch: pytest.MonkeyPatch, killed: Killed
) -> None:
    prepare(services)
    before = content(services.store)
    killed(SET, 9)
    whole = import_rollback.TakingBack.part

    def part(self: import_rollback.TakingBack, tx: Transaction, size: int) -> int:
        if self._done > 6:
            raise KeyboardInterrupt
        return whole(self, tx, size)

    with monkeypatch.context() as patched:
        patched.setattr(import_rollback.TakingBack, "part", part)
        with pytest.raises(KeyboardInterrupt):
            running_import.settle(services.project, services.store)
    assert content(services.store)["running"].taking_back

    running_import.settle(services.project, services.store)

    assert content(services.store) == before
    assert agrees(services.store)


def test_what_people_said_while_an_import_was_applied_stays_when_it_is_taken_back(
    services: Services, killed: Killed
) -> None:
    killed(SET, 9)
    say(services, "over an imported one", 1, 1, "absent")
    say(services, "beside", 6, 1, "present")
    say(services, "of a new category", 2, 4, "present")

    running_import.settle(services.project, services.store)

    found = content(services.store)
    assert [row[:3] for row in found["labels"]] == [(1, 1, 0), (2, 4, 1), (6, 1, 1)]
    assert "fish" in [name for name, _, _ in found["categories"]]  # somebody has used it
    assert agrees(services.store)


def test_a_category_that_an_import_brought_can_be_added_after_it_was_taken_back(
    services: Services, killed: Killed
) -> None:
    killed(SET, 5)
    running_import.settle(services.project, services.store)
    before = [name for name, _, _ in content(services.store)["categories"]]

    said = services.curation.add(["FISH", "frog"])

    assert before == list(NAMES[:3])
    assert [name for name, _, _ in content(services.store)["categories"]] == [*NAMES, "frog"]
    assert said["message"].startswith("Added fish, frog.")


def test_a_redo_brings_back_no_import_that_was_taken_back(
    services: Services, killed: Killed
) -> None:
    before = content(services.store)
    killed(SET, 5)
    running_import.settle(services.project, services.store)

    said = services.recording.redo("bob", BackRequest(op="redo"))

    assert said["nothing"]
    assert content(services.store) == before


def test_who_looks_for_changes_sees_that_an_import_was_taken_back(
    services: Services, killed: Killed
) -> None:
    killed(SET, 5)
    with services.store.reading() as tx:
        before = changes.moment(tx)

    running_import.settle(services.project, services.store)

    with services.store.reading() as tx:
        moved = changes.moved_since(tx, before.operation, 1000)
        after = changes.moment(tx)
    assert moved is not None
    assert after.recomputed > before.recomputed  # labels follow after the operations that undo it
    assert len(moved.image) == 10
    assert not moved.labelled.any()


@pytest.mark.parametrize("count", [12, 16])
def test_an_import_that_was_killed_with_all_its_answers_in_is_finished_by_whoever_comes_next(
    services: Services, undisturbed: dict[str, Any], count: int, killed: Killed
) -> None:
    prepare(services)

    killed(SET, count)

    assert content(services.store) != undisturbed
    assert agrees(services.store)
    Services.open(services.project.path).close()
    assert content(services.store) == undisturbed
    assert agrees(services.store)


def test_doctor_finds_nothing_wrong_after_a_killed_import(
    services: Services, killed: Killed
) -> None:
    killed(SET, 4)

    found = {finding.subject: finding.bad for finding in examine(services.project.path)}

    assert found["database"] is False
    assert "import" not in found


def test_an_interrupted_import_leaves_no_trace_and_says_so(services: Services, file: Path) -> None:
    prepare(services)
    before = dump(services.store)

    with pytest.raises(AnnotatorError, match="the project is as it was before"):
        services.transfer.import_file(
            file, annotator="bob", on_progress=AtStep(STAGED, 3, _interrupt)
        )

    assert dump(services.store) == before


def test_an_import_that_is_interrupted_while_it_is_applied_is_taken_back_and_says_so(
    services: Services, file: Path
) -> None:
    prepare(services)
    before = content(services.store)

    with pytest.raises(AnnotatorError, match="the project is as it was before"):
        services.transfer.import_file(file, annotator="bob", on_progress=AtStep(SET, 3, _interrupt))

    assert content(services.store) == before
    assert agrees(services.store)


def test_an_import_that_is_interrupted_late_is_finished_and_says_so(
    services: Services, file: Path, undisturbed: dict[str, Any]
) -> None:
    prepare(services)

    with pytest.raises(AnnotatorError, match="too late to interrupt"):
        services.transfer.import_file(
            file, annotator="bob", on_progress=AtStep(SET, 14, _interrupt)
        )

    assert content(services.store) == undisturbed


def test_an_import_that_is_interrupted_twice_is_taken_back_when_the_project_is_opened(
    services: Services, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(services)
    before = content(services.store)

    def interrupt_twice() -> None:
        monkeypatch.setattr(import_rollback.TakingBack, "part", lambda *_: _interrupt())
        _interrupt()

    with pytest.raises(AnnotatorError, match="open the project again, for example with"):
        services.transfer.import_file(
            file, annotator="bob", on_progress=AtStep(SET, 3, interrupt_twice)
        )

    monkeypatch.undo()
    Services.open(services.project.path).close()
    assert content(services.store) == before


def test_a_failure_in_the_middle_leaves_no_trace(services: Services, file: Path) -> None:
    before = dump(services.store)

    def fail() -> None:
        raise RuntimeError("of the program")

    with pytest.raises(RuntimeError):
        services.transfer.import_file(file, annotator="bob", on_progress=AtStep(STAGED, 3, fail))

    assert dump(services.store) == before


@pytest.mark.parametrize("stage", [STAGED, SET])
def test_while_a_file_is_imported_another_import_and_an_export_are_refused(
    services: Services, file: Path, tmp_path: Path, stage: str
) -> None:
    refused = []

    def try_both() -> None:
        with closing(Services.open(services.project.path)) as other:
            for act in (
                lambda: other.transfer.import_file(file, annotator="eve"),
                lambda: other.transfer.export(tmp_path / "out"),
                lambda: other.certification.plan(),
            ):
                with pytest.raises(
                    ProjectBusy, match=r"labels\.json are being imported; wait"
                ) as said:
                    act()
                refused.append(said)

    services.transfer.import_file(file, annotator="bob", on_progress=AtStep(stage, 2, try_both))

    assert len(refused) == 3
    assert not (tmp_path / "out").exists()
    assert services.transfer.export(tmp_path / "out")


@pytest.mark.parametrize("seed", range(4))
def test_what_people_answer_meanwhile_is_recorded_and_wins(
    services: Services, file: Path, undisturbed: dict[str, Any], seed: int
) -> None:
    chance = random.Random(seed)
    with services.store.writing() as tx:
        categories.add(tx, [categories.NewCategory("fish", coco_id=43)])
    pairs = [(i, c) for i in range(1, 7) for c in (1, 3, 4)]
    chance.shuffle(pairs)
    said: dict[tuple[int, int], str] = {}

    def answer(*_: object) -> None:
        if pairs and chance.random() < 0.7:
            pair = pairs.pop()
            said[pair] = chance.choice(["present", "absent"])
            say(services, f"op {len(said)}", *pair, said[pair])

    services.transfer.import_file(file, annotator="bob", on_progress=answer)

    assert len(said) > 8
    with services.store.reading() as tx:
        labels = {
            (x.image_id, x.category_id): x
            for rows in answers.labels_of(tx, range(1, 7)).values()
            for x in rows
        }
        late = [a for i, c in said for a in answers.history(tx, i, c) if a.late]
    assert late == []
    assert len(labels) == 24
    for pair, state in said.items():
        assert (labels[pair].state, labels[pair].conflict) == (State(state), False)
    others = {(i, c): state for i, c, state, _, _ in undisturbed["labels"] if (i, c) != (1, 1)}
    for pair in others.keys() - said.keys():
        assert labels[pair].state is (State.PRESENT if others[pair] else State.ABSENT)
    assert agrees(services.store)


@pytest.mark.parametrize(("stage", "winner"), [(STAGED, "ann"), (SET, "eve")])
def test_what_a_person_said_in_a_file_counts_from_the_moment_it_is_applied(
    services: Services, file: Path, stage: str, winner: str
) -> None:
    def answer() -> None:
        say(services, "op", 1, 2, "present")

    services.transfer.import_file(file, annotator="bob", on_progress=AtStep(stage, 2, answer))

    (item,) = services.labelling.items("ann", [1])
    assert (item["labels"]["2"]["by"], item["labels"]["2"]["conflict"]) == (winner, False)
    with services.store.reading() as tx:
        assert "ann" in [a.annotator for a in answers.history(tx, 1, 2)]


def test_merged_categories_get_their_labels_from_an_import(services: Services, file: Path) -> None:
    services.curation.merge(1, 3)

    services.transfer.import_file(file, annotator="bob")

    with services.store.reading() as tx:
        labels = answers.labels_of(tx, range(1, 7))
    birds = {i: x.state for i, rows in labels.items() for x in rows if x.category_id == 3}
    either = {i + 1: i % 3 == 0 or (i + 2) % 3 == 0 for i in range(6)}
    assert birds == {i: State.PRESENT if yes else State.ABSENT for i, yes in either.items()}
    assert agrees(services.store)


def test_who_looks_for_changes_sees_every_part_of_an_import(services: Services, file: Path) -> None:
    newest, seen = 0, set[tuple[int, int]]()

    def look(*_: object) -> None:
        nonlocal newest
        with services.store.reading() as tx:
            moved = changes.moved_since(tx, newest, 1000)
            newest = activity.newest_operation(tx)
        assert moved is not None
        seen.update(zip(moved.image.tolist(), moved.category.tolist(), strict=True))

    services.transfer.import_file(file, annotator="bob", on_progress=look)

    assert len(seen) == 24


def test_an_import_of_a_living_program_is_left_alone(services: Services) -> None:
    with services.store.writing() as tx:
        staged_imports.note(tx, staged_imports.Running(file="other.json"))
    with FileLock(services.project.path / running_import.LOCK_FILE):
        assert running_import.settle(services.project, services.store) is True
        with closing(Services.open(services.project.path)) as opened:
            assert content(opened.store)["running"].file == "other.json"

    assert running_import.settle(services.project, services.store) is False
    assert content(services.store)["running"] is None


def test_a_project_can_be_opened_although_its_import_cannot_be_finished(
    services: Services, monkeypatch: pytest.MonkeyPatch, killed: Killed
) -> None:
    killed(SET, 13)
    monkeypatch.setattr(staged_imports.Applier, "part", _full_disk)

    with closing(Services.open(services.project.path)) as opened:
        say(opened, "meanwhile", 1, 1, "present")
        assert agrees(opened.store)

    monkeypatch.undo()
    running_import.settle(services.project, services.store)
    assert len(content(services.store)["labels"]) == 24


def test_doctor_says_that_an_import_is_running(services: Services) -> None:
    with services.store.writing() as tx:
        staged_imports.note(tx, staged_imports.Running(file="other.json"))

    with FileLock(services.project.path / running_import.LOCK_FILE):
        found = {finding.subject: finding for finding in examine(services.project.path)}

    assert found["import"].sentence == "the labels of other.json are being imported"
    assert (found["import"].bad, found["database"].bad) == (False, False)


def test_a_new_category_with_an_impossible_name_is_refused_and_leaves_no_trace(
    services: Services, tmp_path: Path
) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"image,{'x' * 300}\n0.png,1\n")
    before = dump(services.store)

    with pytest.raises(AnnotatorError, match="too long"):
        services.transfer.import_file(path, annotator="bob")

    assert dump(services.store) == before


def _interrupt() -> None:
    raise KeyboardInterrupt


def _full_disk(*_: object) -> int:
    raise StoreUnavailable("The disk of the database is full; free some space and try again.")
