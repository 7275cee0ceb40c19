"""Keys of categories: what may be one, whose it is, and what the page keeps for itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import annotator.ui
from annotator.errors import AnnotatorError, NotFound
from annotator.services.app import Services
from annotator.services.catalogue.hotkeys import PAGE_KEYS, checked_key
from annotator.store.tables import category

CAT, DOG, BIRD = 1, 2, 3


def give(services: Services, category_id: int, key: str) -> None:
    """Say what a category's key is for everybody."""
    with services.store.writing() as tx:
        tx.execute(category.update().where(category.c.id == category_id).values(hotkey=key))


def test_a_key_belongs_to_the_person_who_chose_it(services: Services) -> None:
    kept = services.hotkeys.set("ann", DOG, "D")

    assert kept == {"2": "d"}
    assert services.hotkeys.of("ann") == {"2": "d"}
    assert services.hotkeys.of("bob") == {}


def test_what_everybody_gets_holds_until_somebody_chooses_otherwise(services: Services) -> None:
    give(services, CAT, "c")
    give(services, DOG, "d")

    services.hotkeys.set("ann", CAT, "")
    services.hotkeys.set("ann", BIRD, "c")

    assert services.hotkeys.of("ann") == {"2": "d", "3": "c"}
    assert services.hotkeys.of("bob") == {"1": "c", "2": "d"}


def test_a_default_that_clashes_with_a_choice_gives_way(services: Services) -> None:
    services.hotkeys.set("ann", DOG, ",b")

    give(services, BIRD, ",bi")
    give(services, CAT, "a")

    assert services.hotkeys.of("ann") == {"2": ",b"}
    assert services.hotkeys.of("bob") == {"3": ",bi"}


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("d", "'dog' already has the shortcut 'd'; choose another"),
        (",bi", "conflicts with ',b' of 'bird' while you type"),
        ("a", "The page itself uses 'a'"),
        ("7", "The page itself uses '7'"),
        (",", "The page itself uses ','"),
        ("dd", "cannot be a shortcut"),
        (",abc", "cannot be a shortcut"),
        ("ж", "cannot be a shortcut"),
        ("½", "cannot be a shortcut"),
    ],
)
def test_a_key_that_cannot_be_told_is_refused_in_a_sentence(
    services: Services, key: str, sentence: str
) -> None:
    services.hotkeys.set("ann", DOG, "d")
    services.hotkeys.set("ann", BIRD, ",b")

    with pytest.raises(AnnotatorError, match=re.escape(sentence)):
        services.hotkeys.set("ann", CAT, key)

    assert services.hotkeys.of("ann") == {"2": "d", "3": ",b"}


def test_a_category_may_keep_its_own_key_or_make_it_longer(services: Services) -> None:
    services.hotkeys.set("ann", DOG, ",d")

    services.hotkeys.set("ann", DOG, ",d")

    assert services.hotkeys.set("ann", DOG, ",do") == {"2": ",do"}


def test_a_category_that_is_gone_gets_no_key(services: Services) -> None:
    with pytest.raises(NotFound, match="reload the page"):
        services.hotkeys.set("ann", 99, "d")


@pytest.mark.parametrize("key", ["ö", "é", ".", "ß", ""])
def test_letters_of_latin_keyboards_and_signs_may_be_keys(key: str) -> None:
    assert checked_key(f" {key.upper() if key != 'ß' else key} ") == key


def test_the_page_start_carries_the_keys(services: Services) -> None:
    services.hotkeys.set("ann", DOG, "d")

    start = services.labelling.start("ann")

    assert [c["key"] for c in start["categories"]] == ["", "d", ""]


def test_the_page_keys_are_those_of_the_pages_table() -> None:
    script = (Path(annotator.ui.__file__).parent / "static" / "label" / "keys.js").read_text()
    table = script[script.index("export const KEYS") : script.index("];")]
    table = re.sub(r".*givesWay: true.*\n", "", table)  # a category may have these

    combos = [c for on in re.findall(r"on: \[(.*?)\]", table) for c in re.findall(r"'(.*?)'", on)]

    plain = {c for c in combos if len(c) == 1}
    shifted = {c.removeprefix("Shift+") for c in combos if re.fullmatch(r"Shift\+[a-z]", c)}
    going = {"g"}  # to another page, as `shared/page_keys.js` has it
    assert plain | shifted | going == PAGE_KEYS
    assert not (plain | shifted) & going
