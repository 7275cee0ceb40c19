from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from annotator.domain import Category, Change, Operation, OperationKind, Source, State
from annotator.errors import AnnotatorError, NotFound, ProjectError
from annotator.services.app import Services
from annotator.services.background import short_transactions
from annotator.services.catalogue import recomputing
from annotator.services.catalogue.lookup import in_order
from annotator.store import annotators, answers, categories, merges

CAT, DOG, BIRD = 1, 2, 3
PRESENT, ABSENT = State.PRESENT, State.ABSENT
NOW = datetime(2026, 1, 1, tzinfo=UTC)
NUMBERS = itertools.count()


def say(services: Services, *said: tuple[int, int, State]) -> None:
    """Let Ann answer `(image, category)` pairs."""
    with services.store.writing() as tx:
        labels = {
            (i, x.category_id): x.answer_id
            for i, rows in answers.labels_of(tx, [i for i, _, _ in said]).items()
            for x in rows
        }
        changes = tuple(
            Change(
                image_id=i,
                category_id=c,
                state=state,
                source=Source.HUMAN,
                seen_answer_id=labels.get((i, c)),
            )
            for i, c, state in said
        )
        operation = Operation(
            client_id=f"op {next(NUMBERS)}",
            annotator_id=annotators.named(tx, "Ann", NOW).id,
            kind=OperationKind.ANSWER,
            changes=changes,
            happened_at=NOW,
        )
        assert answers.record(tx, operation, NOW).late == ()


def states(services: Services, category_id: int) -> dict[int, State | None]:
    with services.store.reading() as tx:
        rows = answers.labels_of(tx, range(1, 7)).values()
    return {x.image_id: x.state for row in rows for x in row if x.category_id == category_id}


def is_sound(services: Services) -> bool:
    with services.store.writing() as tx:
        return answers.recompute(tx) + answers.recount(tx) == []


def names(services: Services) -> list[str]:
    return [row["name"] for row in services.curation.rows() if not row["archived"]]


def test_many_categories_are_added_at_once_in_one_group(services: Services) -> None:
    made = services.curation.add(["fish", "", " cow "], supercategory=" animal ")

    rows = {r["name"]: r for r in services.curation.rows()}
    assert made["message"].startswith("Added fish, cow.")
    assert (rows["fish"]["supercategory"], rows["cow"]["supercategory"]) == ("animal", "animal")
    assert [rows["fish"]["id"], rows["cow"]["id"]] == made["ids"]


def test_one_taken_name_adds_none_of_the_names(services: Services) -> None:
    with pytest.raises(AnnotatorError, match="differ in upper and lower case"):
        services.curation.add(["fish", "CAT"])
    with pytest.raises(AnnotatorError, match="at least one name"):
        services.curation.add([" ", ""])

    assert names(services) == ["cat", "dog", "bird"]


def test_a_new_category_is_listed_on_the_label_page_before_a_version_knows_it(
    services: Services,
) -> None:
    made = services.curation.add(["fish"])

    started = services.labelling.start("Ann")
    (item,) = services.labelling.items("Ann", [1])

    assert "fish" in [c["name"] for c in started["categories"]]
    assert str(made["ids"][0]) not in item["scores"]
    assert made["ids"][0] in item["ask"]


def test_everything_about_a_category_is_edited_and_the_old_name_finds_it(
    services: Services,
) -> None:
    services.curation.edit(
        CAT,
        name="feline",
        supercategory="animal",
        hotkey="c",
        description="Any small one.",
        aliases=["kitty", " ", "puss"],
    )

    (row,) = [r for r in services.curation.rows() if r["id"] == CAT]
    assert (row["name"], row["supercategory"], row["hotkey"]) == ("feline", "animal", "c")
    assert row["description"] == "Any small one."
    assert row["aliases"] == ["kitty", "puss", "cat"]
    assert services.curation.find("CAT") == CAT


def test_what_is_not_given_stays_and_an_empty_key_takes_the_key_away(services: Services) -> None:
    services.curation.edit(CAT, hotkey="c", description="A cat.", aliases=["kitty"])

    services.curation.edit(CAT, hotkey="")

    (row,) = [r for r in services.curation.rows() if r["id"] == CAT]
    assert (row["hotkey"], row["description"], row["aliases"]) == ("", "A cat.", ["kitty"])


def test_a_key_of_the_page_or_of_another_category_is_refused(services: Services) -> None:
    services.curation.edit(CAT, hotkey="c")

    with pytest.raises(AnnotatorError, match="'cat' already has the shortcut 'c'"):
        services.curation.edit(DOG, hotkey="C", name="hound")
    with pytest.raises(AnnotatorError, match="page itself uses 'a'"):
        services.curation.edit(DOG, hotkey="a")

    assert names(services) == ["cat", "dog", "bird"]


def test_a_name_that_is_archived_merged_or_an_alias_is_refused_with_the_way_to_it(
    services: Services,
) -> None:
    services.curation.edit(CAT, name="feline")
    services.curation.edit(CAT, name="lion")
    services.curation.archive(DOG, True)

    refusals = {}
    for name in ("Dog", "dog", "FELINE", "cat"):
        for act in (lambda n: services.curation.add([n, "cow"]), rename_bird(services)):
            with pytest.raises(AnnotatorError) as refusal:
                act(name)
            refusals[name] = str(refusal.value)
    services.curation.merge(BIRD, CAT)
    with pytest.raises(AnnotatorError, match=r"'bird' is merged into 'lion'.*PROJECT split bird"):
        services.curation.add(["bird"])

    assert names(services) == ["lion"]
    assert refusals["Dog"] == refusals["dog"]
    assert "'dog' is archived; restore it" in refusals["dog"]
    assert "categories PROJECT restore dog`" in refusals["dog"]
    assert refusals["FELINE"].startswith("'FELINE' is an alias of 'lion'; use 'lion'")
    assert refusals["cat"].startswith("'cat' is an alias of 'lion'; use 'lion'")


def rename_bird(services: Services) -> Callable[[str], object]:
    return lambda name: services.curation.edit(BIRD, name=name)


def test_an_alias_of_an_archived_category_says_whose_it_is(services: Services) -> None:
    services.curation.edit(CAT, name="feline")
    services.curation.archive(CAT, True)

    with pytest.raises(AnnotatorError, match="'cat' is an alias of 'feline'; 'feline' is archived"):
        services.curation.add(["cat"])


def test_a_category_keeps_its_own_former_names(services: Services) -> None:
    services.curation.edit(CAT, name="feline")

    services.curation.edit(CAT, name="cat")

    assert names(services) == ["cat", "dog", "bird"]


def test_signs_that_nobody_can_see_are_in_no_name_and_no_description(services: Services) -> None:
    with pytest.raises(AnnotatorError, match="a character that cannot be seen"):
        services.curation.add(["fi\0sh"])
    services.curation.edit(CAT, description="Has\0 whiskers.\nMeows.\x1b")

    (row,) = [r for r in services.curation.rows() if r["id"] == CAT]
    assert row["description"] == "Has whiskers.\nMeows."
    assert names(services) == ["cat", "dog", "bird"]


def test_an_alias_of_another_category_is_refused(services: Services) -> None:
    services.curation.edit(CAT, aliases=["pet"])

    with pytest.raises(AnnotatorError, match="'pet' is named twice"):
        services.curation.edit(DOG, aliases=["pet"])
    with pytest.raises(AnnotatorError, match="'dog' is named twice"):
        services.curation.edit(DOG, aliases=["dog"])


def test_an_alias_that_the_hierarchy_names_cannot_be_taken_away(services: Services) -> None:
    services.curation.edit(CAT, aliases=["kitty"])
    services.project.settings.hierarchy["kitty"] = ["bird"]

    with pytest.raises(ProjectError, match="'kitty', which is not a category"):
        services.curation.edit(CAT, aliases=[])

    assert services.curation.find("kitty") == CAT


def test_categories_stand_by_group_then_position_then_ordinal() -> None:
    def made(ordinal: int, group: str, position: int | None = None) -> Category:
        return Category(
            id=ordinal, ordinal=ordinal, name=str(ordinal), supercategory=group, position=position
        )

    listed = [made(0, "a"), made(1, "b", 5), made(2, "a", 7), made(3, "b"), made(4, "", 6)]

    assert [c.ordinal for c in in_order(listed)] == [1, 3, 4, 2, 0]


def test_a_category_moves_in_its_group_and_at_its_end_with_its_group(services: Services) -> None:
    services.curation.edit(CAT, supercategory="animal")
    services.curation.edit(BIRD, supercategory="animal")
    assert names(services) == ["cat", "bird", "dog"]

    services.curation.move(BIRD, -1)
    within = names(services)
    services.curation.move(CAT, 1)
    with_group = names(services)
    said = services.curation.move(CAT, 1)

    assert within == ["bird", "cat", "dog"]
    assert with_group == ["dog", "bird", "cat"]
    assert said["message"] == "It is already last."
    assert [c["name"] for c in services.labelling.start("Ann")["categories"]] == with_group


def test_a_category_is_put_at_a_place_and_a_hidden_one_has_none(services: Services) -> None:
    said = services.curation.place(CAT, 99)
    assert names(services) == ["dog", "bird", "cat"]
    assert said["message"] == "'cat' is at position 3."
    services.curation.place(BIRD, 1)
    assert [r["place"] for r in services.curation.rows()] == [1, 2, 3]
    assert names(services) == ["bird", "dog", "cat"]

    services.curation.archive(CAT, True)
    with pytest.raises(NotFound, match="archived or deleted"):
        services.curation.place(CAT, 1)


def test_archiving_keeps_the_answers_and_bringing_back_shows_them(services: Services) -> None:
    say(services, (1, CAT, PRESENT))

    services.curation.archive(CAT, True)
    hidden = [r for r in services.curation.rows() if r["archived"]]
    services.curation.archive(CAT, False)

    assert [(r["name"], r["present"]) for r in hidden] == [("cat", 1)]
    assert names(services) == ["cat", "dog", "bird"]
    assert states(services, CAT) == {1: PRESENT}


def test_examples_are_images_labelled_present(services: Services) -> None:
    say(services, (1, CAT, PRESENT), (2, CAT, PRESENT), (3, CAT, ABSENT))

    offered = [row["id"] for row in services.curation.candidates(CAT)]
    services.curation.set_examples(CAT, [2, 1])
    with pytest.raises(AnnotatorError, match="must be labelled present"):
        services.curation.set_examples(CAT, [3])
    with pytest.raises(AnnotatorError, match="at most 8"):
        services.curation.set_examples(CAT, range(9))

    assert offered == [1, 2]
    (row,) = [r for r in services.curation.rows() if r["id"] == CAT]
    assert row["examples"] == [1, 2]
    services.curation.set_examples(CAT, [])
    assert not any(r["examples"] for r in services.curation.rows())


def test_a_merge_is_the_three_valued_or_and_the_preview_said_so(services: Services) -> None:
    say(services, (1, CAT, PRESENT), (1, DOG, ABSENT))
    say(services, (2, CAT, ABSENT), (2, DOG, ABSENT))
    say(services, (3, DOG, ABSENT))
    say(services, (4, CAT, PRESENT))
    before = states(services, DOG)

    row = services.curation.merge_preview(CAT, DOG)
    untouched = states(services, DOG)
    services.curation.merge(CAT, DOG)

    assert untouched == before
    assert row["after"] == {"present": 2, "conflict": 0, "unknown": 3, "absent": 1}
    assert [(c["from"], c["to"], c["count"], c["examples"]) for c in row["changes"]] == [
        ("absent", "unknown", 1, ["2.png"]),
        ("absent", "present", 1, ["0.png"]),
        ("unknown", "present", 1, ["3.png"]),
    ]
    assert states(services, DOG) == {1: PRESENT, 2: ABSENT, 4: PRESENT}
    assert names(services) == ["dog", "bird"]
    assert is_sound(services)


def test_a_split_gives_back_what_was_and_keeps_what_was_said_since(services: Services) -> None:
    say(services, (1, CAT, PRESENT), (2, DOG, ABSENT))
    services.curation.merge(CAT, DOG)
    say(services, (3, DOG, PRESENT))

    services.curation.split(CAT)

    assert states(services, DOG) == {2: ABSENT, 3: PRESENT}
    assert states(services, CAT) == {1: PRESENT}
    assert names(services) == ["cat", "dog", "bird"]
    assert is_sound(services)


def test_what_people_say_after_a_merge_comes_before_it_until_they_undo_it(
    services: Services,
) -> None:
    say(services, (1, CAT, PRESENT))
    services.curation.merge(CAT, DOG)

    say(services, (1, DOG, ABSENT))
    said = states(services, DOG)
    with services.store.writing() as tx:
        answers.undo(tx, "undo", annotators.named(tx, "Ann", NOW).id, NOW)

    assert said == {1: ABSENT}
    assert states(services, DOG) == {1: PRESENT}


def test_an_answer_about_a_merged_category_counts_for_what_it_was_merged_into(
    services: Services,
) -> None:
    services.curation.merge(CAT, DOG)
    services.curation.merge(DOG, BIRD)

    say(services, (5, CAT, PRESENT))

    assert states(services, DOG) == states(services, BIRD) == {5: PRESENT}
    assert is_sound(services)


@pytest.mark.parametrize(
    ("done", "pair", "message"),
    [
        ([], (CAT, CAT), "into itself"),
        ([(CAT, DOG)], (DOG, CAT), "is already merged into 'dog'"),
        ([(CAT, DOG)], (CAT, BIRD), "undo that merge first, or use 'dog'"),
        ([(CAT, DOG)], (BIRD, CAT), "undo that merge first, or use 'dog'"),
        ([(CAT, DOG), (DOG, BIRD)], (BIRD, CAT), "is already merged into 'bird'"),
    ],
)
def test_a_merge_that_goes_in_a_circle_or_twice_is_refused(
    services: Services, done: list[tuple[int, int]], pair: tuple[int, int], message: str
) -> None:
    for earlier in done:
        services.curation.merge(*earlier)

    for act in (services.curation.merge_preview, services.curation.merge):
        with pytest.raises(AnnotatorError, match=message):
            act(*pair)


def test_a_category_is_not_merged_into_a_hidden_one(services: Services) -> None:
    services.curation.archive(DOG, True)

    with pytest.raises(AnnotatorError, match="'dog' is archived; restore it first"):
        services.curation.merge(CAT, DOG)
    with pytest.raises(AnnotatorError, match="not merged into another"):
        services.curation.split(DOG)


def test_a_merged_category_is_shown_again_by_splitting_only(services: Services) -> None:
    services.curation.merge(CAT, DOG)

    with pytest.raises(AnnotatorError, match="undo the merge to restore it"):
        services.curation.archive(CAT, False)


def test_a_merge_that_was_broken_off_is_finished_when_the_project_is_opened(
    services: Services,
) -> None:
    say(services, (1, CAT, PRESENT))
    with services.store.writing() as tx:
        merges.merge(tx, CAT, DOG)
        recomputing.begin(tx, [DOG])
    assert states(services, DOG) == {}

    Services.open(services.project.path).close()

    assert states(services, DOG) == {1: PRESENT}
    assert recomputing.finish(services.store) == 0


def test_a_merge_works_in_parts_and_says_how_far_it_is(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_transactions, "FIRST", 2)
    monkeypatch.setattr(short_transactions, "LARGEST", 2)
    say(services, *((i, CAT, PRESENT) for i in range(1, 6)))
    seen: list[tuple[int, int]] = []

    services.curation.merge(CAT, DOG, lambda done, total: seen.append((done, total)))

    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert len(states(services, DOG)) == 5


def test_an_imported_file_after_a_merge_does_not_outrank_it(services: Services) -> None:
    say(services, (1, CAT, PRESENT))
    services.curation.merge(CAT, DOG)
    with services.store.writing() as tx:
        change = Change(image_id=1, category_id=DOG, state=ABSENT, source=Source.IMPORTED)
        operation = Operation(
            client_id="file",
            annotator_id=annotators.named(tx, "file", NOW).id,
            kind=OperationKind.IMPORT,
            changes=(change,),
            happened_at=NOW,
        )
        answers.record(tx, operation, NOW)

    assert states(services, DOG) == {1: PRESENT}


def test_a_hidden_category_is_known_to_the_store_by_its_id(services: Services) -> None:
    services.curation.archive(CAT, True)

    with services.store.reading() as tx:
        assert categories.get(tx, CAT).archived
        with pytest.raises(NotFound, match="no category with id 99"):
            categories.get(tx, 99)
