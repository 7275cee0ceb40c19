from __future__ import annotations

import pytest

from annotator.errors import AnnotatorError, NotFound
from annotator.store import Store, categories
from annotator.store.categories import NewCategory


def add(store: Store, *names: str) -> list[int]:
    with store.writing() as tx:
        return [c.id for c in categories.add(tx, [NewCategory(name) for name in names])]


def names(store: Store, *, archived: bool = False) -> list[str]:
    with store.reading() as tx:
        return [c.name for c in categories.every(tx, archived=archived)]


def test_categories_come_back_in_the_order_in_which_they_were_added(store: Store) -> None:
    add(store, "zebra", "ant")
    add(store, "  mole ")

    with store.reading() as tx:
        found = categories.every(tx)

    assert [(c.ordinal, c.name) for c in found] == [(0, "zebra"), (1, "ant"), (2, "mole")]


def test_ordinals_are_known_of_archived_categories_too(store: Store) -> None:
    zebra, ant = add(store, "zebra", "ant")
    with store.writing() as tx:
        categories.archive(tx, zebra, True)

    with store.reading() as tx:
        assert categories.ordinals(tx) == {zebra: 0, ant: 1}


def test_a_category_keeps_what_its_coco_file_said_about_it(store: Store) -> None:
    new = NewCategory("cat", supercategory="animal", coco_id=17, extra={"color": [1, 2]})
    with store.writing() as tx:
        (added,) = categories.add(tx, [new])

    with store.reading() as tx:
        (found,) = categories.every(tx)
    assert found == added
    assert (added.supercategory, added.coco_id, added.extra) == ("animal", 17, {"color": [1, 2]})


def test_an_id_for_coco_files_is_the_next_free_one_and_stays(store: Store) -> None:
    with store.writing() as tx:
        categories.add(tx, [NewCategory("cat", coco_id=17), NewCategory("dog")])
        categories.give_coco_ids(tx)
        categories.add(tx, [NewCategory("bird")])
        categories.give_coco_ids(tx)

    with store.reading() as tx:
        assert [c.coco_id for c in categories.every(tx)] == [17, 18, 19]


@pytest.mark.parametrize("name", ["", "   ", "\t"])
def test_an_empty_name_is_refused(store: Store, name: str) -> None:
    with pytest.raises(AnnotatorError, match="name is empty; give every category a name"):
        add(store, "cat", name)

    assert names(store) == []


def test_a_name_longer_than_two_hundred_characters_is_refused(store: Store) -> None:
    add(store, "x" * 200)

    with pytest.raises(AnnotatorError, match="is too long; use at most 200 characters"):
        add(store, "y" * 201)


@pytest.mark.parametrize("given", [("cat", "cat"), ("cat", " cat ")])
def test_a_name_given_twice_is_refused(store: Store, given: tuple[str, str]) -> None:
    with pytest.raises(AnnotatorError, match="'cat' is named twice; name it once"):
        add(store, *given)


def test_a_name_that_is_there_already_is_refused(store: Store) -> None:
    add(store, "cat")

    with pytest.raises(AnnotatorError, match="'cat' is named twice"):
        add(store, "dog", "cat")

    assert names(store) == ["cat"]


@pytest.mark.parametrize("other", ["Cat", "CAT", "cAt "])
def test_names_that_differ_in_case_only_are_refused(store: Store, other: str) -> None:
    add(store, "cat")

    with pytest.raises(AnnotatorError, match=r"'cat' and .* differ in upper and lower case only"):
        add(store, other)


def test_one_name_in_two_unicode_spellings_is_one_name(store: Store) -> None:
    add(store, "caf\u00e9")

    with pytest.raises(AnnotatorError):
        add(store, "cafe\u0301")


def test_renaming_keeps_the_old_name_as_an_alias(store: Store) -> None:
    cat, _ = add(store, "cat", "dog")

    with store.writing() as tx:
        renamed = categories.rename(tx, cat, " feline ")

    assert (renamed.id, renamed.ordinal) == (cat, 0)
    assert (renamed.name, renamed.aliases) == ("feline", ("cat",))


def test_a_name_that_is_an_alias_of_another_category_is_refused(store: Store) -> None:
    cat, dog = add(store, "cat", "dog")
    with store.writing() as tx:
        categories.rename(tx, cat, "feline")

    with pytest.raises(AnnotatorError, match="differ in upper and lower case only"):
        add(store, "CAT")
    with pytest.raises(AnnotatorError), store.writing() as tx:
        categories.rename(tx, dog, "cat")

    assert names(store) == ["feline", "dog"]


@pytest.mark.parametrize("name", ["dog", "DOG", ""])
def test_renaming_to_a_taken_or_empty_name_is_refused(store: Store, name: str) -> None:
    cat, _ = add(store, "cat", "dog")

    with pytest.raises(AnnotatorError), store.writing() as tx:
        categories.rename(tx, cat, name)

    assert names(store) == ["cat", "dog"]


def test_a_category_may_be_renamed_back_to_its_own_old_name(store: Store) -> None:
    (cat,) = add(store, "cat")

    with store.writing() as tx:
        categories.rename(tx, cat, "feline")
        back = categories.rename(tx, cat, "cat")

    assert (back.name, back.aliases) == ("cat", ("feline",))


def test_the_case_of_a_name_can_be_corrected_and_leaves_no_alias(store: Store) -> None:
    (cat,) = add(store, "cat")

    with store.writing() as tx:
        renamed = categories.rename(tx, cat, "Cat")

    assert (renamed.name, renamed.aliases) == ("Cat", ())


def test_an_archived_category_is_hidden_until_it_is_shown_again(store: Store) -> None:
    cat, _ = add(store, "cat", "dog")

    with store.writing() as tx:
        hidden = categories.archive(tx, cat, True)

    assert hidden.archived is True
    assert names(store) == ["dog"]
    assert names(store, archived=True) == ["cat", "dog"]
    with store.writing() as tx:
        categories.archive(tx, cat, False)
    assert names(store) == ["cat", "dog"]


def test_the_name_of_an_archived_category_stays_taken(store: Store) -> None:
    (cat,) = add(store, "cat")
    with store.writing() as tx:
        categories.archive(tx, cat, True)

    with pytest.raises(AnnotatorError, match="named twice"):
        add(store, "cat")


def test_an_ordinal_is_never_reused(store: Store) -> None:
    _, dog = add(store, "cat", "dog")
    with store.writing() as tx:
        categories.archive(tx, dog, True)

    add(store, "bird")

    with store.reading() as tx:
        found = {c.name: c.ordinal for c in categories.every(tx, archived=True)}
    assert found == {"cat": 0, "dog": 1, "bird": 2}


def test_a_category_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no category with id 99"), store.writing() as tx:
        categories.rename(tx, 99, "name")
    with pytest.raises(NotFound, match="no category with id 99"), store.writing() as tx:
        categories.archive(tx, 99, True)
