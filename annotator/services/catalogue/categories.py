"""What people do with categories: add, rename, describe, order, hide, merge and split them."""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from typing_extensions import TypedDict

from annotator.domain import Category, name_key
from annotator.errors import AnnotatorError, NotFound
from annotator.services.background.short_transactions import Progress, nobody
from annotator.services.catalogue import hierarchy, recomputing
from annotator.services.catalogue.archived import sentence
from annotator.services.catalogue.hotkeys import checked_key, refuse_ambiguous
from annotator.services.catalogue.lookup import CategoryNames, in_order
from annotator.services.catalogue.merge_preview import MergeRow, preview_row
from annotator.services.catalogue.pictures import names_of
from annotator.services.message import Message
from annotator.settings import Project
from annotator.store import Store, Transaction, categories, images, import_rollback, merges

MOST_EXAMPLES = 8
"""Example images of a category; more would not be looked at."""

MOST_CANDIDATES = 200
"""Images that a page offers as examples."""


T = TypeVar("T")


class CategoryRow(TypedDict):
    """A category as the pages list it."""

    id: int
    name: str
    supercategory: str
    aliases: list[str]
    description: str
    hotkey: str
    archived: bool
    merged_into: str | None
    """Name of the category that it is merged into."""
    present: int
    absent: int
    examples: list[int]
    """Ids of images."""
    place: int
    """In its group, from 1."""


class Added(Message):
    """Categories that were added."""

    ids: list[int]


class Edited(Message):
    """A category that was changed."""

    id: int


class Candidate(TypedDict):
    """An image that can be an example."""

    id: int
    name: str


class Curation:
    """The categories of one project, archived and merged ones included."""

    def __init__(self, project: Project, store: Store) -> None:
        self._project = project
        self._store = store
        self._merging = threading.Lock()

    def rows(self) -> list[CategoryRow]:
        """Return every category as the pages list them, hidden ones last."""
        with self._store.reading() as tx:
            every = categories.every(tx, archived=True)
            examples = categories.examples(tx)
        names = {c.id: c.name for c in every}
        listed = sorted(in_order(every), key=lambda c: c.archived)
        places: Counter[str] = Counter()
        rows: list[CategoryRow] = []
        for category in listed:
            places[category.supercategory] += 1
            place = places[category.supercategory]
            rows.append(_row(category, names, examples.get(category.id, []), place))
        return rows

    def find(self, name: str) -> int:
        """Return the id of the category of that name or alias, archived ones included.

        Raises:
            NotFound: If there is none; the message suggests near names.
        """
        with self._store.reading() as tx:
            return CategoryNames(categories.every(tx, archived=True)).get(name).id

    def add(self, names: Sequence[str], *, supercategory: str = "") -> Added:
        """Add categories; every pair of theirs starts out unknown.

        Raises:
            AnnotatorError: If there is no name, or one is empty or taken; the message says how to
                restore an archived category that has it, or whose alias it is.
        """
        wanted = [name.strip() for name in names if name.strip()]
        if not wanted:
            raise AnnotatorError("Enter at least one name, one per line.")
        group = (_visible(supercategory) or "").strip()
        with self._store.writing() as tx:
            again = import_rollback.hidden(tx, wanted)  # with an import that was taken back
            import_rollback.show_again(tx, again)
            shown_again = [categories.get(tx, category_id) for category_id in again]
            known = {name_key(category.name) for category in shown_again}
            new = [n for n in wanted if name_key(n) not in known]
            _refuse_taken(tx, new)
            added = categories.add(tx, [categories.NewCategory(n, group) for n in new])
            added = [*shown_again, *added]
        shown = ", ".join(c.name for c in added[:8]) + (" ..." if len(added) > 8 else "")
        return {
            "ids": [c.id for c in added],
            "message": f"Added {shown}. Suggestions come after the first present answers.",
        }

    def edit(
        self,
        category_id: int,
        *,
        name: str | None = None,
        supercategory: str | None = None,
        hotkey: str | None = None,
        description: str | None = None,
        aliases: Sequence[str] | None = None,
    ) -> Edited:
        """Change what is said about a category; None leaves a value as it is.

        A former name stays as an alias, also where `aliases` leaves it out.

        Raises:
            NotFound: If there is no such category.
            AnnotatorError: If a name is empty or taken, or the key cannot be used.
            ProjectError: If an alias is taken away that the settings' hierarchy names.
        """
        supercategory, description = _visible(supercategory), _visible(description)
        with self._store.writing() as tx:
            old = categories.get(tx, category_id)
            if aliases is not None:
                categories.set_aliases(tx, category_id, [a for a in aliases if a.strip()])
            if name is not None and name.strip() != old.name:
                _refuse_taken(tx, [name], own=category_id)
                categories.rename(tx, category_id, name)
            same = hotkey is None or hotkey == (old.hotkey or "")
            key = None if same else checked_key(hotkey or "")
            every = categories.every(tx, archived=True)
            if key:
                shown = [c for c in every if c.id != category_id and not c.archived]
                others = {c.name: c.hotkey or "" for c in shown}
                refuse_ambiguous(key, others)
            changed = categories.edit(
                tx,
                category_id,
                supercategory=supercategory,
                description=description,
                hotkey=key,
            )
            hierarchy.resolve(self._project.settings.hierarchy, every)
        return {"id": changed.id, "message": f"{changed.name!r} is saved."}

    def move(self, category_id: int, step: int) -> Message:
        """Move a category up (-1) or down (1) in its group, and from its end the whole group."""
        with self._store.writing() as tx:
            groups, group, place = self._groups(tx, category_id)
            if 0 <= place + step < len(groups[group]):
                _swap(groups[group], place, place + step)
            elif 0 <= group + step < len(groups):
                _swap(groups, group, group + step)
            else:
                return {"message": f"It is already {'first' if step < 0 else 'last'}."}
            categories.set_order(tx, [c.id for part in groups for c in part])
        return {"message": "Moved."}

    def place(self, category_id: int, number: int) -> Message:
        """Put a category at a place of its group, counted from 1."""
        with self._store.writing() as tx:
            groups, group, place = self._groups(tx, category_id)
            moved = groups[group].pop(place)
            groups[group].insert(max(0, number - 1), moved)
            categories.set_order(tx, [c.id for part in groups for c in part])
        return {"message": f"{moved.name!r} is at position {groups[group].index(moved) + 1}."}

    def archive(self, category_id: int, archived: bool) -> Message:
        """Hide a category everywhere, or bring it back; its answers stay.

        Raises:
            NotFound: If there is no such category.
            AnnotatorError: If it is merged into another and should be brought back.
        """
        with self._store.writing() as tx:
            found = categories.archive(tx, category_id, archived)
        said = "archived; its answers stay" if archived else "restored"
        return {"message": f"{found.name!r} is {said}."}

    def merge_preview(self, category_id: int, into: int) -> MergeRow:
        """Return what a merge would change, without doing it; see `preview_row`.

        Raises:
            NotFound: If there is no such category.
            AnnotatorError: If the two cannot be merged.
        """
        with self._store.reading() as tx:
            foreseen = merges.preview(tx, category_id, into)
            names = categories.get(tx, category_id).name, categories.get(tx, into).name
            shown = {i for ids in foreseen.examples.values() for i in ids}
            return preview_row(names, foreseen, images.count(tx), names_of(tx, sorted(shown)))

    def merge(self, category_id: int, into: int, on_progress: Progress = nobody) -> Message:
        """Merge a category into another, which keeps its name; no answer is touched.

        The labels follow in short transactions, so that everybody can go on answering.

        Raises:
            NotFound: If there is no such category.
            AnnotatorError: If the two cannot be merged.
        """
        with self._merging:
            with self._store.writing() as tx:
                merges.merge(tx, category_id, into)
                recomputing.begin(tx, [into])
                names = categories.get(tx, category_id).name, categories.get(tx, into).name
            recomputing.finish(self._store, on_progress)
        return {"message": f"{names[0]!r} is merged into {names[1]!r}; this can be undone."}

    def split(self, category_id: int, on_progress: Progress = nobody) -> Message:
        """Take a merge back: both categories are as they were, with what was said since.

        Raises:
            NotFound: If there is no such category.
            AnnotatorError: If it is not merged.
        """
        with self._merging:
            with self._store.writing() as tx:
                into = merges.split(tx, category_id)
                recomputing.begin(tx, [into])
                names = categories.get(tx, category_id).name, categories.get(tx, into).name
            recomputing.finish(self._store, on_progress)
        return {"message": f"{names[0]!r} is separate from {names[1]!r} again."}

    def candidates(self, category_id: int) -> list[Candidate]:
        """Return images labelled present that can be examples."""
        with self._store.reading() as tx:
            ids = categories.present_images(tx, category_id, MOST_CANDIDATES)
            ids = sorted({*ids, *categories.examples(tx).get(category_id, [])})
            names = names_of(tx, ids)
        return [{"id": i, "name": names.get(i, f"image {i}")} for i in ids]

    def set_examples(self, category_id: int, image_ids: Sequence[int]) -> Message:
        """Choose the images that show what a category is.

        Raises:
            NotFound: If there is no such category.
            AnnotatorError: If there are too many, or one is not labelled present.
        """
        if len(set(image_ids)) > MOST_EXAMPLES:
            raise AnnotatorError(f"Choose at most {MOST_EXAMPLES} examples.")
        with self._store.writing() as tx:
            categories.set_examples(tx, category_id, image_ids)
        return {"message": "The examples are saved."}

    def _groups(self, tx: Transaction, category_id: int) -> tuple[list[list[Category]], int, int]:
        """Return the shown categories by group, and where one of them is."""
        groups: dict[str, list[Category]] = {}
        for category in in_order(categories.every(tx)):
            groups.setdefault(category.supercategory, []).append(category)
        for number, group in enumerate(groups.values()):
            for place, category in enumerate(group):
                if category.id == category_id:
                    return list(groups.values()), number, place
        raise NotFound("This category is archived or deleted; choose another.")


def _visible(text: str | None) -> str | None:
    """Return a text without control characters, which no database has to keep."""
    return text and "".join(s for s in text if s == "\n" or unicodedata.category(s) != "Cc")


def _refuse_taken(tx: Transaction, names: Sequence[str], own: int | None = None) -> None:
    """Refuse a name of an archived category, or an alias, and say whose it is.

    Two categories in use with one name are refused by the store.
    """
    others = [c for c in categories.every(tx, archived=True) if c.id != own]
    by_name = CategoryNames(others)
    titles = {c.id: c.name for c in others}
    for name in names:
        found = by_name.find(name)
        if found is None:
            continue
        if found.archived:
            target = "" if found.merged_into is None else titles.get(found.merged_into, "")
            raise AnnotatorError(_as_alias(name, found) + sentence(found.name, target))
        if name_key(found.name) != name_key(name):
            raise AnnotatorError(
                f"{_as_alias(name, found)}use {found.name!r}, or take the alias away on the "
                "Settings page."
            )


def _as_alias(name: str, category: Category) -> str:
    if name_key(category.name) == name_key(name):
        return ""
    return f"{name.strip()!r} is an alias of {category.name!r}; "


def _swap(items: list[T], one: int, other: int) -> None:
    items[one], items[other] = items[other], items[one]


def _row(category: Category, names: dict[int, str], examples: list[int], place: int) -> CategoryRow:
    merged = category.merged_into
    return {
        "id": category.id,
        "name": category.name,
        "supercategory": category.supercategory,
        "aliases": list(category.aliases),
        "description": category.description,
        "hotkey": category.hotkey or "",
        "archived": category.archived,
        "merged_into": None if merged is None else names.get(merged, ""),
        "present": category.present_count,
        "absent": category.absent_count,
        "examples": examples,
        "place": place,
    }
