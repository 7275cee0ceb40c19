"""What the Settings page needs from the services; see `contracts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

Row = dict[str, Any]
"""A JSON object whose keys are strings; most have a `message` for the person."""

OnProgress = Callable[[int, int], None]
"""Called with how much is done, and how much there is."""


class Curation(Protocol):
    """What people do with categories."""

    def rows(self) -> list[Row]:
        """Return every category as the pages list them, hidden ones last."""

    def add(self, names: Sequence[str], *, supercategory: str) -> Row:
        """Add categories."""

    def edit(
        self,
        category_id: int,
        *,
        name: str,
        supercategory: str,
        hotkey: str,
        description: str,
        aliases: Sequence[str],
    ) -> Row:
        """Change what is said about a category."""

    def move(self, category_id: int, step: int) -> Row:
        """Move a category up (-1) or down (1)."""

    def place(self, category_id: int, number: int) -> Row:
        """Put a category at a place of its group, counted from 1."""

    def archive(self, category_id: int, archived: bool) -> Row:
        """Hide a category, or bring it back."""

    def merge_preview(self, category_id: int, into: int) -> Row:
        """Return what a merge would change."""

    def merge(self, category_id: int, into: int, on_progress: OnProgress) -> Row:
        """Merge a category into another."""

    def split(self, category_id: int, on_progress: OnProgress) -> Row:
        """Take a merge back."""

    def candidates(self, category_id: int) -> list[Row]:
        """Return images that can be examples."""

    def set_examples(self, category_id: int, image_ids: Sequence[int]) -> Row:
        """Choose the images that show what a category is."""


class Preferences(Protocol):
    """The settings in `project.toml`."""

    def rows(self) -> Row:
        """Return the settings with what they mean."""

    def save(self, values: Mapping[str, Any]) -> Row:
        """Change settings."""


class ImageRoots(Protocol):
    """The folders that the pictures come from."""

    def rows(self) -> list[Row]:
        """Return the folders."""

    def add(self, folder: Path, *, name: str, on_progress: OnProgress) -> Row:
        """Take a further folder in."""

    def look(self, *, on_progress: OnProgress) -> Row:
        """Look for new, changed and missing files."""

    def move_preview(self, root: str, folder: Path) -> Row:
        """Return how many files lie in another folder."""

    def move(self, root: str, folder: Path, *, on_progress: OnProgress) -> Row:
        """Point a root to another folder."""

    def unusable(self) -> list[Row]:
        """Return the files that are missing or cannot be used."""


class People(Protocol):
    """The annotators."""

    def rows(self) -> list[Row]:
        """Return everybody."""

    def rename(self, annotator_id: int, name: str) -> Row:
        """Give a person another name."""

    def set_reviewer(self, annotator_id: int, reviewer: bool, on_progress: OnProgress) -> Row:
        """Say whether a person's answers come before those of others."""
