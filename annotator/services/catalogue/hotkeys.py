"""Keys of categories: chosen by each annotator, over what the project says for everybody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from annotator.domain import Category
from annotator.errors import AnnotatorError, NotFound
from annotator.services.clock import Clock, utc_now
from annotator.store import Store, Transaction, annotators, categories, hotkeys

LEADER = ","
"""First key of a code such as `,d` or `,do`, so that many categories can have keys."""

PAGE_KEYS = frozenset("aefghklmnoprsuxz") | frozenset("0123456789") | frozenset(" /?+-=,")
"""What the Label page uses itself, as `ui/static/label/keys.js` has it, and G, which goes to other
pages; letters in lower case."""

_CODE = re.compile(rf"{LEADER}[a-z]{{1,2}}")


class Hotkeys:
    """The keys of one project's categories, for any number of annotators."""

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

    def of(self, annotator: str) -> dict[str, str]:
        """Return this person's key of each category that has one, by category id as a text."""
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, self._clock())
            return keys_for(tx, person.id, categories.every(tx))

    def set(self, annotator: str, category_id: int, key: str) -> dict[str, str]:
        """Give a category a key for this person, or none if `key` is empty.

        Returns:
            What `of` returns afterwards.

        Raises:
            AnnotatorError: If the page uses the key itself, another category has it, or nobody
                could tell a code from another while it is typed.
            NotFound: If there is no such category.
        """
        wanted = checked_key(key)
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, self._clock())
            shown = categories.every(tx)
            if category_id not in {c.id for c in shown}:
                raise NotFound(f"There is no category with id {category_id}; reload the page.")
            now = keys_for(tx, person.id, shown)
            others = {c.name: now[str(c.id)] for c in shown if str(c.id) in now}
            others.pop(next(c.name for c in shown if c.id == category_id), None)
            refuse_ambiguous(wanted, others)
            hotkeys.put(tx, person.id, category_id, wanted)
            return keys_for(tx, person.id, shown)


def checked_key(key: str) -> str:
    """Return a key as it is kept: a letter or sign, a code such as `,do`, or empty for none.

    Raises:
        AnnotatorError: If it is none of these, or the page uses it itself.
    """
    tidy = unicodedata.normalize("NFC", key).strip().lower()
    if not tidy or _CODE.fullmatch(tidy):
        return tidy
    if tidy in PAGE_KEYS:
        raise AnnotatorError(
            f"The page itself uses {tidy!r}; choose another key, or a multi-key shortcut such as "
            f"'{LEADER}d'."
        )
    if len(tidy) != 1 or not _can_be_pressed(tidy):
        raise AnnotatorError(
            f"{key!r} cannot be a shortcut; choose one Latin letter or symbol, or a multi-key "
            f"shortcut: {LEADER} and one or two letters."
        )
    return tidy


def refuse_ambiguous(key: str, others: Mapping[str, str]) -> None:
    """Refuse a key that another category has, or that another's code begins with or continues.

    Args:
        key: From `checked_key`; empty is never refused.
        others: Keys of the other categories by category name.

    Raises:
        AnnotatorError: The message names the category in the way.
    """
    for name, taken in others.items():
        if not key or not taken:
            continue
        if taken == key:
            raise AnnotatorError(
                f"{name!r} already has the shortcut {key!r}; choose another, or remove it there "
                "first."
            )
        if key.startswith(taken) or taken.startswith(key):
            raise AnnotatorError(
                f"The shortcut {key!r} conflicts with {taken!r} of {name!r} while you type; "
                "choose another."
            )


def keys_for(tx: Transaction, annotator_id: int, shown: Iterable[Category]) -> dict[str, str]:
    """Return a person's keys by category id as a text.

    Their own choice comes first; what the project says for everybody holds where it does not
    clash with that.
    """
    chosen = hotkeys.of(tx, annotator_id)
    listed = list(shown)
    keys = {c.id: chosen[c.id] for c in listed if chosen.get(c.id)}
    for category in listed:
        key = category.hotkey or ""
        if category.id in chosen or not key or key in PAGE_KEYS:
            continue
        if not any(key.startswith(k) or k.startswith(key) for k in keys.values()):
            keys[category.id] = key
    return {str(i): key for i, key in keys.items()}


def _can_be_pressed(key: str) -> bool:
    # Letters of other scripts are taken by their place on the keyboard, so they are Latin here.
    if key.isalpha():
        return unicodedata.name(key, "").startswith("LATIN ")
    return key.isprintable() and not key.isnumeric()
