"""What the pages need from the services, so that they can be built on the real ones or on fakes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

Payload = dict[str, Any]
"""A JSON object whose keys are strings."""


class Labelling(Protocol):
    """Showing images and recording what people say about them."""

    def start(self, annotator: str) -> Payload:
        """Return the project, its categories and where this annotator left off."""

    def next_images(
        self, annotator: str, tab: str, *, after: int | None, count: int, exclude: Sequence[int]
    ) -> Payload:
        """Return the ids of the images most worth labelling next, leased to this tab."""

    def items(self, annotator: str, ids: Sequence[int]) -> list[Payload]:
        """Return labels, scores and questions of some images; unknown ids are left out."""

    def visit(self, annotator: str, visit: Payload) -> Payload:
        """Record that an image was on the screen, with the categories that were drawn."""


class Recording(Protocol):
    """Recording what people say, on any page."""

    def save(self, annotator: str, operation: Payload) -> Payload:
        """Record one operation and return the touched pairs as they stand now."""

    def undo(self, annotator: str, operation: Payload) -> Payload:
        """Take back the annotator's newest own operation."""

    def redo(self, annotator: str, operation: Payload) -> Payload:
        """Do again what the last undo took back."""


class Progress(Protocol):
    """How far the project is, and what the trainer does."""

    def state(self) -> Payload:
        """Return counts, version and trainer state; cheap enough for every second."""

    def overview(self) -> Payload:
        """Return everything the Progress page shows."""

    def train(self, annotator: str, *, method: str | None = None) -> Payload:
        """Ask for a new version."""

    def cancel(self) -> Payload:
        """Ask the running training to stop."""

    def promote(self, annotator: str, number: int) -> Payload:
        """Let a version make the suggestions."""

    def methods(self) -> list[str]:
        """Return the names of the learning methods."""


class Transfer(Protocol):
    """Label files in and out."""

    def export_counts(self, content: str) -> Payload:
        """Return what an export would hold."""

    def export(self, out: Path, *, formats: Sequence[str], content: str) -> list[Path]:
        """Write the files and return their paths."""

    def preview(self, path: Path, *, format: str | None, unlisted: str) -> Payload:
        """Return what importing a file would do, without doing it."""

    def import_file(
        self, path: Path, *, format: str | None, unlisted: str, annotator: str
    ) -> Payload:
        """Import a label file and return what was done."""


class Media(Protocol):
    """Pictures as small files."""

    def file(self, image_id: int, width: int) -> Path:
        """Return the path of a cached picture of at most this width."""


class Services(Protocol):
    """All services of one open project."""

    @property
    def labelling(self) -> Labelling:
        """Labelling of this project."""

    @property
    def recording(self) -> Recording:
        """Recording of this project."""

    @property
    def progress(self) -> Progress:
        """Progress of this project."""

    @property
    def transfer(self) -> Transfer:
        """Transfer of this project."""

    @property
    def media(self) -> Media:
        """Pictures of this project."""
