"""Pages that were drawn before somebody changed the categories: no answer goes nowhere."""

from __future__ import annotations

import itertools
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.errors import AnnotatorError, ImageError
from annotator.services.app import Services
from annotator.store import answers, categories, derivation
from annotator.wire.probe import ProbeAnswerRequest
from annotator.wire.recording import BackRequest, SaveRequest
from annotator.wire.verify import PageRequest, SavePageRequest

CAT, DOG, BIRD = 1, 2, 3
NUMBERS = itertools.count()


def save(services: Services, *changes: dict[str, Any], op: str = "", kind: str = "answer") -> Any:
    op = op or f"op {next(NUMBERS)}"
    rows = [{"state": "present", **change} for change in changes]
    return services.recording.save("ann", SaveRequest(op=op, kind=kind, image=1, changes=rows))


def state(services: Services, category: int, image: int = 1) -> str | None:
    with services.store.reading() as tx:
        label = derivation.current(tx, [(image, category)])[image, category]
    return None if label.state is None else label.state.value


def recorded(services: Services, op: str) -> set[tuple[int, int]]:
    with services.store.reading() as tx:
        return answers.recorded_pairs(tx, op)


def test_an_answer_about_an_archived_category_is_refused_and_says_how_it_comes_back(
    services: Services,
) -> None:
    services.curation.edit(DOG, name="guide dog")
    services.curation.archive(DOG, True)

    with pytest.raises(AnnotatorError) as refusal:
        save(services, {"category": DOG}, op="one")
    services.curation.archive(DOG, False)
    again = save(services, {"category": DOG}, op="one")

    assert str(refusal.value) == (
        "'guide dog' is archived; restore it on the Settings page or with `annotator categories "
        "PROJECT restore 'guide dog'`."
    )
    assert again["images"]["1"][str(DOG)]["state"] == "present"


def test_the_rest_of_an_operation_is_saved_without_the_archived_category(
    services: Services,
) -> None:
    services.curation.archive(DOG, True)
    swept = [{"category": c, "state": "absent", "source": "swept"} for c in (CAT, DOG, BIRD)]

    said = save(services, *swept, op="sweep", kind="sweep")
    services.curation.archive(BIRD, True)
    retried = save(services, *swept, op="sweep", kind="sweep")

    assert [category for category, _ in said["archived"]] == [DOG]
    assert recorded(services, "sweep") == {(1, CAT), (1, BIRD)}
    assert retried["repeated"]
    assert retried["archived"] == said["archived"]  # what was recorded before is not given back
    assert (state(services, CAT), state(services, BIRD)) == ("absent", "absent")


def test_an_answer_about_a_merged_category_counts_where_it_went_and_the_page_is_told(
    services: Services,
) -> None:
    services.curation.merge(DOG, CAT)

    said = save(services, {"category": DOG})

    assert said["merged"] == [
        "'dog' is merged into 'cat', where your answer counts: it is present there."
    ]
    assert said["images"]["1"][str(CAT)]["state"] == "present"
    assert state(services, CAT) == "present"


def test_absent_from_a_merged_category_is_not_absent_from_the_one_that_took_it_over(
    services: Services,
) -> None:
    services.curation.merge(DOG, CAT)

    alone = save(services, {"category": DOG, "state": "absent"})
    both = save(services, {"category": CAT, "state": "absent"})

    assert alone["merged"][0].endswith("it is unknown there.")
    assert both["images"]["1"][str(CAT)]["state"] == "absent"


def test_through_two_merges_it_counts_in_the_last_one_unless_that_is_archived(
    services: Services,
) -> None:
    services.curation.merge(BIRD, DOG)
    with services.store.writing() as tx:
        tx.execute(  # merged in turn, as by an older program
            categories.category.update()
            .where(categories.category.c.id == DOG)
            .values(archived=True, merged_into=CAT, merged_after=0)
        )

    said = save(services, {"category": BIRD})
    services.curation.archive(CAT, True)

    assert state(services, CAT) == "present"
    assert "'bird' is merged into 'cat'" in said["merged"][0]
    with pytest.raises(AnnotatorError, match="into another category: 'cat' is archived; restore"):
        save(services, {"category": BIRD})


def test_what_was_said_before_the_archiving_can_be_undone_after_it(services: Services) -> None:
    save(services, {"category": DOG}, op="one")
    services.curation.archive(DOG, True)

    undone = services.recording.undo("ann", BackRequest(op="back", target="one"))

    assert not undone["nothing"]
    assert state(services, DOG) is None


def test_a_page_of_the_grid_about_an_archived_category_is_refused_as_a_whole(
    services: Services,
) -> None:
    changes = ({"image": 1, "state": "present", "source": "human"},)
    page = {"kind": "page", "mode": "like", "category": DOG, "changes": changes}
    services.curation.archive(DOG, True)

    with pytest.raises(AnnotatorError, match="'dog' is archived; restore it"):
        services.verification.save("ann", SavePageRequest(op="a", **page))
    with pytest.raises(AnnotatorError, match="'dog' is archived; restore it"):
        services.verification.page("ann", PageRequest(category=DOG, mode="like", tab="t"))
    services.curation.archive(DOG, False)
    services.curation.merge(DOG, BIRD)
    merged = services.verification.save("ann", SavePageRequest(op="b", **page))
    with pytest.raises(AnnotatorError, match="'dog' is merged into 'bird'; use that"):
        services.verification.page("ann", PageRequest(category=DOG, mode="like", tab="t"))

    assert "'dog' is merged into 'bird'" in merged["merged"][0]
    assert state(services, BIRD) == "present"


def test_a_blind_question_about_an_archived_category_is_not_asked_and_not_answered(
    services: Services,
) -> None:
    card = services.probing.card("ann", "c")
    question = next(q for q in card["questions"] if q["category"]["name"] == "dog")
    services.curation.archive(DOG, True)

    answer = {"probe": question["probe"], "card": "c", "state": "present"}
    with pytest.raises(AnnotatorError, match="'dog' is archived; restore it"):
        services.probing.answer("ann", ProbeAnswerRequest(**answer))
    again = services.probing.card("ann", "c")["questions"]

    told = {q["category"]["name"]: q["problem"] for q in again}
    assert "'dog' is archived" in str(told.pop("dog"))
    assert set(told.values()) == {None}


# ---- any order of changes and answers

STEPS = ("add", "rename", "archive", "restore", "merge", "split", "move", "hotkey", "describe")


def take_step(services: Services, step: str, chance: random.Random) -> None:
    """Change a category; what is refused changes nothing."""
    curation, ids = services.curation, [row["id"] for row in services.curation.rows()]
    one, other = chance.choice(ids), chance.choice(ids)
    name = f"name {next(NUMBERS)}"
    steps: dict[str, Callable[[], object]] = {
        "add": lambda: curation.add([name]),
        "rename": lambda: curation.edit(one, name=name),
        "archive": lambda: curation.archive(one, True),
        "restore": lambda: curation.archive(one, False),
        "merge": lambda: curation.merge(one, other),
        "split": lambda: curation.split(one),
        "move": lambda: curation.move(one, chance.choice((-1, 1))),
        "hotkey": lambda: services.hotkeys.set("ann", one, chance.choice((",d", ",c", "q", ""))),
        "describe": lambda: curation.edit(one, description=name),
    }
    with suppress(AnnotatorError):
        steps[step]()


def shown(services: Services) -> tuple[object, str]:
    found: dict[str, Any] = {**services.labelling.categories("ann")}
    return found["categories"], found["categories_revision"]


@pytest.fixture
def fresh(made_once: Path) -> Callable[[], AbstractContextManager[Services]]:
    """Return what opens another copy of the project, for each example its own."""

    @contextmanager
    def opened() -> Iterator[Services]:
        with TemporaryDirectory() as folder:
            shutil.copytree(made_once, folder, dirs_exist_ok=True)
            with closing(Services.open(Path(folder) / "project")) as services:
                yield services

    return opened


@pytest.mark.slow
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=8), seed=st.integers(0, 10**6))
def test_every_answer_of_an_old_page_counts_or_is_given_back(
    fresh: Callable[[], AbstractContextManager[Services]], steps: list[str], seed: int
) -> None:
    with fresh() as services:
        chance = random.Random(seed)
        services.labelling.start("ann")
        old = [c["id"] for c in services.labelling.categories("ann")["categories"]]
        for step in steps:
            before, revision = shown(services)
            take_step(services, step, chance)
            after, now = shown(services)
            assert before == after or revision != now
            assert services.progress.state("ann")["categories_revision"] == now

        said = save_or_none(services, [{"category": c} for c in old])
        rows = {row["id"]: row for row in services.curation.rows()}
        back = {category for category, _ in said["archived"]} if said else set(old)
        done = recorded(services, f"op {next(NUMBERS) - 1}")

        assert done == {(1, c) for c in old if c not in back}
        assert all(target(rows, c)["archived"] for c in back)
        for category in set(old) - back:
            counts = target(rows, category)
            assert not counts["archived"]
            assert state(services, counts["id"]) == "present"
            assert counts["id"] == category or str(counts["id"]) in said["images"]["1"]


def save_or_none(services: Services, changes: list[dict[str, Any]]) -> Any:
    """Return the reply; None if all of it is refused."""
    try:
        return save(services, *changes, kind="page")
    except AnnotatorError:
        return None


def target(rows: dict[int, Any], category: int) -> Any:
    """Return the row of what a category is merged into in the end."""
    row = rows[category]
    while row["merged_into"] is not None:
        row = next(other for other in rows.values() if other["name"] == row["merged_into"])
    return row


# ---- a slow disk

Look = Callable[..., Any]


def free_to_write(services: Services, look: Look) -> Look:
    """Return `look`, which fails while anybody holds the database for writing."""

    def watched(*about: Any) -> Any:
        with closing(sqlite3.connect(services.project.path / "labels.db", timeout=0)) as other:
            other.execute("begin immediate")
            other.rollback()
        return look(*about)

    return watched


def test_no_file_is_looked_at_while_others_wait_to_write(
    services: Services, monkeypatch: pytest.MonkeyPatch, pictures: Path
) -> None:
    looked: list[int] = []
    real = free_to_write(services, services.media.first_existing)
    monkeypatch.setattr(
        services.media, "first_existing", lambda i, paths: (looked.append(i.id), real(i, paths))[1]
    )
    (pictures / "2.png").unlink()

    said = save(services, {"category": CAT}, {"category": DOG, "image": 3})
    first = services.probing.card("ann", "c")
    answer = {"probe": first["questions"][0]["probe"], "card": "c", "state": "present"}
    if first["questions"][0]["problem"] is None:
        services.probing.answer("ann", ProbeAnswerRequest(**answer))
    services.labelling.items("ann", [1, 2, 3])

    assert [image for image, _ in said["left_out"]] == [3]
    assert {1, 3} <= set(looked)


def test_a_card_is_made_of_pictures_that_are_there_though_files_are_looked_at_later(
    services: Services, clock: Any, pictures: Path
) -> None:
    first = services.probing.card("ann", "c")["questions"]
    gone = {q["image"] for q in first[:6]}
    for image in gone:
        (pictures / f"{image - 1}.png").unlink()
    clock.forward(601)

    asked = services.probing.card("bob", "d")["questions"]

    waiting = {q["probe"] for q in first if q["image"] not in gone}
    assert waiting <= {q["probe"] for q in asked}
    assert not {q["probe"] for q in first if q["image"] in gone} & {q["probe"] for q in asked}


def test_a_retry_of_what_is_saved_needs_no_file_any_more(
    services: Services, pictures: Path
) -> None:
    save(services, {"category": CAT}, op="one")
    (pictures / "0.png").unlink()

    again = save(services, {"category": CAT}, op="one")
    with pytest.raises(ImageError):
        save(services, {"category": CAT}, op="two")

    assert again["repeated"]
    assert again["left_out"] == []
