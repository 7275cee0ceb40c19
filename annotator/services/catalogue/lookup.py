"""Finding a project's images and categories by the names that people and files use for them."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from annotator.domain import Category, ImagePath, name_key
from annotator.errors import NotFound


def in_order(categories: Iterable[Category]) -> list[Category]:
    """Return categories in the order in which every page lists them.

    Those of one group (supercategory) stand together, by position and then by ordinal; a group
    stands where its first category would stand alone.
    """
    groups: dict[str, list[Category]] = defaultdict(list)
    for category in sorted(categories, key=_place):
        groups[category.supercategory].append(category)
    return [category for group in groups.values() for category in group]


def _place(category: Category) -> tuple[bool, int, int]:
    return category.position is None, category.position or 0, category.ordinal


class CategoryNames:
    """Categories by name and alias, in any case."""

    def __init__(self, categories: Iterable[Category]) -> None:
        self._by_name: dict[str, Category] = {}
        listed = list(categories)
        for category in listed:
            for alias in category.aliases:
                self._by_name.setdefault(name_key(alias), category)
        for category in listed:
            self._by_name[name_key(category.name)] = category

    def find(self, name: str) -> Category | None:
        """Return the category of that name or alias, or None."""
        return self._by_name.get(name_key(name))

    def get(self, name: str) -> Category:
        """Return the category of that name or alias.

        Raises:
            NotFound: If there is none; the message suggests the nearest names.
        """
        category = self.find(name)
        if category is None:
            raise NotFound(f"No category named {name!r}; {_nearest(name, list(self._by_name))}.")
        return category


class PathNames:
    """Image paths by the file names that label files and people use."""

    def __init__(self, paths: Iterable[ImagePath]) -> None:
        self._by_path: dict[str, list[ImagePath]] = defaultdict(list)
        self._by_base: dict[str, list[ImagePath]] = defaultdict(list)
        for path in paths:
            if path.image_id is None:
                continue
            name = _plain(path.path)
            self._by_path[name].append(path)
            self._by_base[PurePosixPath(name).name].append(path)

    def find(self, name: str) -> ImagePath | None:
        """Return the path meant by a file name, or None.

        The path below the root decides; where it is not found, the bare file name does, if only
        one picture of the project has it. A path that leads through folders the project does not
        know (`/data/coco/train/1.jpg`) is found by its ending.
        """
        plain = _plain(name)
        if plain in self._by_path:
            return self._by_path[plain][0]
        same_base = self._by_base.get(PurePosixPath(plain).name, [])
        endings = [p for p in same_base if _ends_alike(plain, _plain(p.path))]
        if len({p.image_id for p in endings}) == 1:
            return endings[0]
        return None

    def get(self, name: str) -> ImagePath:
        """Return the path meant by a file name.

        Raises:
            NotFound: If no picture or more than one is meant; the message suggests near names.
        """
        path = self.find(name)
        if path is None:
            known = list(self._by_path)[:20000]
            raise NotFound(f"No image {name!r} in this project; {_nearest(name, known)}.")
        return path


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).removeprefix("./")


def _ends_alike(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.endswith("/" + shorter)


def _nearest(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name_key(name), known, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near)
    if not known:
        return "there are none yet"
    return f"known are {', '.join(repr(n) for n in known[:8])}{' ...' if len(known) > 8 else ''}"
