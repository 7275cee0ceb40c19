from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from annotator.errors import AnnotatorError, ImageError, ImageFolderMissing
from annotator.services.app import Services
from annotator.store.tables import attention_check, category
from annotator.wire.recording import BackRequest, LastStepRequest, SaveRequest, VisitRequest

CAT, DOG, BIRD = 1, 2, 3


def save(
    services: Services,
    op: str,
    *changes: tuple[int, str],
    image: int = 1,
    who: str = "ann",
    kind: str = "answer",
    **fields: Any,
) -> dict[str, Any]:
    rows = [
        {"category": c, "state": s, "source": "human", "score": None, "seen": None, "after": None}
        | fields
        for c, s in changes
    ]
    data = {"op": op, "kind": kind, "image": image, "at": None, "ms": 900, "version": None}
    return services.recording.save(who, SaveRequest(**(data | {"changes": rows})))


def labels(services: Services, image: int = 1, who: str = "ann") -> dict[str, str | None]:
    (item,) = services.labelling.items(who, [image])
    return {c: label["state"] for c, label in item["labels"].items()}


def test_the_page_starts_with_the_categories_and_where_the_annotator_left_off(
    services: Services,
) -> None:
    services.labelling.start("ann")
    visit = {"op": "v1", "image": 4, "shown": [CAT, DOG], "opened_at": None, "closed_at": None}
    services.labelling.visit("ann", VisitRequest(**visit))

    start = services.labelling.start("ann")

    assert [c["name"] for c in start["categories"]] == ["cat", "dog", "bird"]
    assert start["resume"] == 4
    assert start["total"] == 6
    assert start["version"] is None


def test_a_project_keeps_its_key_for_life(services: Services) -> None:
    first = services.labelling.start("ann")["project"]["key"]

    second = services.labelling.start("bob")["project"]["key"]

    assert first == second
    assert len(first) == 12


def test_an_answer_is_stored_and_comes_back_with_its_author(services: Services) -> None:
    saved = save(services, "a", (CAT, "present"))

    assert saved["images"]["1"]["1"]["state"] == "present"
    assert saved["images"]["1"]["1"]["mine"] is True
    (seen,) = services.labelling.items("bob", [1])
    assert seen["labels"]["1"]["by"] == "ann"
    assert seen["labels"]["1"]["mine"] is False


def test_a_retry_is_recorded_once(services: Services) -> None:
    save(services, "a", (CAT, "present"))

    again = save(services, "a", (CAT, "present"))

    assert again["repeated"] is True
    assert services.progress.overview()["counts"]["answered"] == 1


def test_a_key_pressed_before_the_first_answer_was_acknowledged_is_not_late(
    services: Services,
) -> None:
    save(services, "a", (CAT, "present"))

    second = save(services, "b", (CAT, "absent"), after="a")

    assert second["late"] == []
    assert labels(services) == {"1": "absent"}


def test_an_answer_to_what_somebody_else_has_changed_is_kept_but_not_applied(
    services: Services,
) -> None:
    save(services, "a", (CAT, "present"))

    late = save(services, "b", (CAT, "absent"), who="bob")

    assert late["late"] == [(1, CAT)]
    assert late["images"]["1"]["1"]["state"] == "present"


def test_two_people_who_disagree_knowingly_are_in_conflict(services: Services) -> None:
    seen = save(services, "a", (CAT, "present"))["images"]["1"]["1"]["answer"]

    save(services, "b", (CAT, "absent"), who="bob", seen=seen)

    (item,) = services.labelling.items("ann", [1])
    assert item["labels"]["1"]["conflict"] is True
    assert item["labels"]["1"]["state"] is None
    assert services.progress.overview()["counts"]["conflicts"] == 1


def test_undo_and_redo_go_back_and_forth_over_a_whole_sweep(services: Services) -> None:
    save(services, "a", (CAT, "present"))
    save(services, "s", (DOG, "absent"), (BIRD, "absent"), kind="sweep", source="swept")

    undone = services.recording.undo("ann", BackRequest(op="u"))
    after_undo = labels(services)
    services.recording.redo("ann", BackRequest(op="r"))

    assert undone["image"] == 1
    assert undone["images"] == {"1": {"2": None, "3": None}}
    assert after_undo == {"1": "present"}
    assert labels(services) == {"1": "present", "2": "absent", "3": "absent"}


def test_the_next_undo_and_redo_are_named_before_they_are_done(services: Services) -> None:
    save(services, "a", (CAT, "present"))
    save(services, "b", (DOG, "present"), who="bob")
    save(services, "s", (DOG, "absent"), (BIRD, "absent"), kind="sweep", source="swept")

    def asked(call: str) -> Any:
        request = LastStepRequest.read({"call": call})
        return services.recording.last_step("ann", request)["step"]

    sweep, nothing = asked("undo"), asked("redo")
    services.recording.undo("ann", BackRequest(op="u", target="s"))
    one, again = asked("undo"), asked("redo")

    assert nothing is None
    assert sweep["seconds"] >= 0
    assert (sweep["op"], sweep["answers"], sweep["image"]) == ("s", 2, 1)
    assert (sweep["category"], sweep["state"]) == ("", "absent")
    assert (one["op"], one["category"], one["state"]) == ("a", "cat", "present")
    assert again["op"] == "s"


def test_an_answer_in_parts_is_one_step_on_any_page(services: Services) -> None:
    def part(op: str, image: int, who: str = "ann") -> None:
        change = {"category": DOG, "state": "absent", "source": "swept", "image": image}
        request = SaveRequest(op=op, kind="page", changes=[change], step="bulk")
        services.recording.save(who, request)

    def asked(call: str) -> Any:
        request = LastStepRequest.read({"call": call})
        return services.recording.last_step("ann", request)["step"]

    def said() -> list[dict[str, str | None]]:
        return [labels(services, image) for image in (1, 2, 3)]

    save(services, "before", (CAT, "present"))
    part("p1", 1)
    save(services, "b", (BIRD, "present"), who="bob")
    part("p2", 2)
    part("p3", 3)

    whole = asked("undo")
    for op in whole["parts"]:
        assert not services.recording.undo("ann", BackRequest(op=f"u{op}", target=op))["nothing"]
    undone, left, back = said(), asked("undo"), asked("redo")
    for op in back["parts"]:
        assert not services.recording.redo("ann", BackRequest(op=f"r{op}", target=op))["nothing"]

    assert (whole["op"], whole["parts"]) == ("p3", ["p3", "p2", "p1"])
    assert (whole["answers"], whole["images"], whole["category"]) == (3, 3, "dog")
    assert undone == [{"1": "present", "3": "present"}, {}, {}]
    assert left["parts"] == ["before"]
    assert (back["op"], back["parts"], back["answers"]) == ("p1", ["p1", "p2", "p3"], 3)
    absent = {"2": "absent"}
    assert said() == [{"1": "present", "3": "present"} | absent, absent, absent]
    assert asked("redo") is None


def test_a_step_ends_where_something_else_was_done(services: Services) -> None:
    def part(op: str, image: int) -> None:
        change = {"category": DOG, "state": "absent", "image": image}
        services.recording.save(
            "ann", SaveRequest(op=op, kind="page", changes=[change], step="bulk")
        )

    def parts(call: str) -> list[str]:
        request = LastStepRequest.read({"call": call})
        step = services.recording.last_step("ann", request)["step"]
        return [] if step is None else step["parts"]

    part("p1", 1)
    save(services, "between", (CAT, "present"))
    part("p2", 2)
    part("p3", 3)

    newest = parts("undo")
    for op in ("p3", "p2", "between", "p1"):
        services.recording.undo("ann", BackRequest(op=f"u{op}", target=op))

    assert newest == ["p3", "p2"]
    assert parts("undo") == []
    assert parts("redo") == ["p1"]


def test_a_step_that_is_not_the_newest_is_neither_taken_back_nor_brought_back(
    services: Services,
) -> None:
    save(services, "a", (CAT, "present"))
    save(services, "b", (DOG, "present"))

    older = services.recording.undo("ann", BackRequest(op="u1", target="a"))
    newest = services.recording.undo("ann", BackRequest(op="u2", target="b"))
    other = services.recording.redo("ann", BackRequest(op="r1", target="a"))
    same = services.recording.redo("ann", BackRequest(op="r2", target="b"))

    assert [each["nothing"] for each in (older, newest, other, same)] == [True, False, True, False]
    assert labels(services) == {"1": "present", "2": "present"}


def test_undo_with_nothing_to_undo_says_so(services: Services) -> None:
    assert services.recording.undo("ann", BackRequest(op="u"))["nothing"] is True


def test_unsure_gives_no_label_and_is_not_asked_again(services: Services) -> None:
    save(services, "a", (CAT, "unsure"))

    (item,) = services.labelling.items("ann", [1])

    assert item["labels"] == {}
    assert item["unsure"] == [CAT]
    assert CAT not in item["ask"]
    (other,) = services.labelling.items("bob", [1])
    assert CAT in other["ask"]


def test_known_pairs_are_not_asked_and_the_more_frequent_category_comes_first(
    services: Services,
) -> None:
    save(services, "a", (BIRD, "present"))
    save(services, "b", (CAT, "absent"), image=2)

    (item,) = services.labelling.items("ann", [2])

    assert item["ask"] == [BIRD, DOG]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"image": 99}, "no image"),
        ({"image": "1"}, "image should be a whole number; reload the page"),
        ({"kind": "import"}, "kind should be 'answer'"),
        ({"op": ""}, "op should not be empty"),
        ({"changes": []}, "changes should not be empty"),
        ({"changes": [{"category": 99, "state": "present", "source": "human"}]}, "Category 99"),
        (
            {"changes": [{"category": 1, "state": "maybe", "source": "human"}]},
            "changes.0.state should",
        ),
    ],
    ids=["image", "text as id", "kind", "no id", "empty", "category", "state"],
)
def test_what_the_page_would_never_send_is_refused_and_nothing_is_recorded(
    services: Services, fields: dict[str, Any], says: str
) -> None:
    change = {"category": 1, "state": "present", "source": "human"}
    data = {"op": "a", "kind": "answer", "image": 1, "changes": [change]}

    with pytest.raises(AnnotatorError, match=says):
        services.recording.save("ann", SaveRequest.read(data | fields))

    assert services.progress.overview()["counts"]["answered"] == 0


def test_a_picture_whose_file_is_gone_takes_no_answers(services: Services, pictures: Path) -> None:
    (pictures / "0.png").unlink()

    (item,) = services.labelling.items("ann", [1])

    assert "missing" in item["problem"]
    with pytest.raises(ImageError, match="missing"):
        save(services, "a", (CAT, "present"))


@pytest.mark.parametrize("is_mount_point", [False, True])
def test_answers_wait_while_the_whole_image_folder_is_away(
    services: Services, pictures: Path, is_mount_point: bool
) -> None:
    away = pictures.rename(pictures.with_name("away"))
    if is_mount_point:
        pictures.mkdir()
    data = {
        "op": "a",
        "kind": "answer",
        "changes": [{"image": 1, "category": 1, "state": "absent"}],
    }

    with pytest.raises(ImageFolderMissing, match="is missing or empty; connect its disk"):
        services.recording.save("Ann", SaveRequest(**data))
    if is_mount_point:
        pictures.rmdir()
    away.rename(pictures)

    assert services.recording.save("Ann", SaveRequest(**data))["repeated"] is False


def test_an_undo_of_what_never_came_takes_back_nothing(services: Services) -> None:
    change = {"image": 1, "category": 1, "state": "present"}
    services.recording.save("Ann", SaveRequest(op="kept", kind="answer", changes=[change]))

    said = services.recording.undo("Ann", BackRequest(op="undo", target="never came"))
    again = services.recording.undo("Ann", BackRequest(op="other undo", target="kept"))

    assert (said["nothing"], said["images"]) == (True, {})
    assert again["images"] == {"1": {"1": None}}


def test_a_renamed_root_keeps_every_answer(services: Services, pictures: Path) -> None:
    save(services, "a", (CAT, "present"))
    pictures.rename(pictures.with_name("moved"))
    file = services.project.path / "project.toml"
    file.write_text(file.read_text().replace("../pictures", "../moved"))

    reopened = Services.open(services.project.path)

    (item,) = reopened.labelling.items("ann", [1])
    reopened.close()
    assert item["problem"] is None
    assert item["labels"]["1"]["state"] == "present"


def test_one_operation_may_be_about_many_images_and_its_attention_checks_are_no_labels(
    services: Services, pictures: Path
) -> None:
    (pictures / "2.png").unlink()
    change = {"category": CAT, "state": "present", "source": "accepted_in_bulk"}
    data = {"op": "page", "kind": "page", "version": 1}
    rows = [change | {"image": i} for i in (1, 2, 3)] + [
        change | {"image": 4, "state": "absent", "source": "human", "expected": "absent"}
    ]

    saved = services.recording.save("ann", SaveRequest(**(data | {"changes": rows})))

    assert {i: row["1"] and row["1"]["state"] for i, row in saved["images"].items()} == {
        "1": "present",
        "2": "present",
        "4": None,
    }
    assert saved["left_out"][0][0] == 3
    with services.store.reading() as tx:
        kept = tx.execute(sa.select(attention_check.c.expected)).scalars().all()
    assert kept == [0]


def test_categories_stand_where_somebody_put_them_then_by_age(services: Services) -> None:
    with services.store.writing() as tx:
        tx.execute(category.update().where(category.c.id == BIRD).values(position=0))

    start = services.labelling.start("ann")

    assert [c["name"] for c in start["categories"]] == ["bird", "cat", "dog"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3", [(3, "2.png"), (4, "3.png")]),
        (" 5.P ", [(6, "5.png")]),
        ("%", []),
        ("", []),
        ("7", []),
    ],
)
def test_an_image_is_found_by_number_and_by_part_of_its_name(
    services: Services, text: str, found: list[tuple[int, str]]
) -> None:
    said = services.labelling.find_images("ann", text)["images"]

    assert [(row["number"], row["name"]) for row in said] == found


def test_the_history_of_a_pair_says_who_when_and_on_what_suggestion(services: Services) -> None:
    save(services, "a", (DOG, "present"), who="ann", score=0.75)
    save(services, "b", (DOG, "absent"), who="bob")
    services.recording.undo("ann", BackRequest(op="c"))

    told = services.labelling.history(1, DOG)["answers"]

    assert [(t["by"], t["state"], t["score"], t["late"], t["cancelled"]) for t in told] == [
        ("bob", "absent", None, True, False),
        ("ann", "present", 0.75, False, True),
    ]
    assert services.labelling.history(2, DOG) == {"answers": []}


@pytest.mark.parametrize(
    "shown", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00+00:00"]
)
def test_a_browser_whose_clock_is_wrong_by_ages_leaves_a_history_that_can_be_read(
    services: Services, clock: Any, shown: str
) -> None:
    change = {"image": 1, "category": CAT, "state": "present"}
    services.recording.save("ann", SaveRequest(op="a", kind="answer", at=shown, changes=[change]))

    (row,) = services.labelling.history(1, CAT)["answers"]

    assert row["at"] == clock().isoformat()


def test_a_laptop_that_was_closed_for_an_hour_goes_on(services: Services, clock: Any) -> None:
    mine = services.labelling.next_images("ann", "tab 1", count=2)["images"]
    clock.forward(3700)

    theirs = services.labelling.next_images("bob", "tab 2", count=2)["images"]
    kept = save(services, "late", (CAT, "present"), image=mine[0])
    further = services.labelling.next_images("ann", "tab 1", count=2, exclude=mine)["images"]

    assert theirs == mine
    assert kept["late"] == []
    assert labels(services, mine[0]) == {"1": "present"}
    assert set(further).isdisjoint(mine)
