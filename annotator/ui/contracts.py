"""What the pages need from the services, so that they can be built on the real ones or on fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from annotator.ui.settings_contracts import Curation, ImageRoots, People, Preferences

Payload = dict[str, Any]
"""A JSON object whose keys are strings."""

Told = Callable[[int, int, str], None]
"""Told how much is done, how much there is, and what is being done."""


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

    def opinion(self, image_id: int) -> Payload:
        """Return scores of an image's open categories, given what is known of it by now."""

    def visit(self, annotator: str, visit: Payload) -> Payload:
        """Record that an image was on the screen, with the categories that were drawn."""

    def find_images(self, text: str) -> Payload:
        """Return the image of that number and some with the text in their name."""

    def history(self, image_id: int, category_id: int) -> Payload:
        """Return every answer about a pair."""


class Lineage(Protocol):
    """Which project this is."""

    def key(self) -> str:
        """Return what tells it from every other project, also from its copies."""

    def refuse_set_back(self, last: object) -> None:
        """Refuse where the newest operation that a browser had acknowledged is not here."""


class Hotkeys(Protocol):
    """Keys of categories, chosen by each annotator."""

    def set(self, annotator: str, category_id: int, key: str) -> dict[str, str]:
        """Give a category a key and return all keys by category id."""


class Probing(Protocol):
    """Blind questions, which measure the model and teach it nothing."""

    def due(self, annotator: str) -> Payload:
        """Return whether this annotator should be asked a card of them now."""

    def card(self, annotator: str, card: str) -> Payload:
        """Return the questions of a card, a new one for a new id."""

    def answer(self, annotator: str, data: Payload) -> Payload:
        """Keep what somebody says to a question."""

    def report(self) -> Payload:
        """Return how much was asked, and by whom it was answered."""


class Flags(Protocol):
    """Notes that people pin to an image."""

    def add(self, annotator: str, flag: Payload) -> Payload:
        """Pin a note to an image and return all that are on it."""

    def resolve(self, annotator: str, flag: Payload) -> Payload:
        """Take a flag off its image and return those that stay."""


class Review(Protocol):
    """Finding answered pairs, and what was said about them."""

    def start(self, annotator: str) -> Payload:
        """Return what the filters offer."""

    def search(
        self, annotator: str, filters: Payload, after: Sequence[Any] | None, count: int
    ) -> Payload:
        """Return the next pairs that fit."""

    def rows(self, annotator: str, pairs: Sequence[tuple[int, int]]) -> list[Payload]:
        """Return pairs as they stand now."""

    def history(self, image_id: int, category_id: int) -> Payload:
        """Return every answer about a pair, in sentences."""


class Recording(Protocol):
    """Recording what people say, on any page."""

    def save(self, annotator: str, operation: Payload) -> Payload:
        """Record one operation and return the touched pairs as they stand now."""

    def undo(self, annotator: str, operation: Payload) -> Payload:
        """Take back the annotator's newest own operation."""

    def redo(self, annotator: str, operation: Payload) -> Payload:
        """Do again what the last undo took back."""


class Verification(Protocol):
    """Pages with many images of one category."""

    def start(self, annotator: str) -> Payload:
        """Return the project, its categories and what is open in each."""

    def counts(self) -> Payload:
        """Return what is open in each category."""

    def page(self, annotator: str, tab: str, request: Payload) -> Payload:
        """Return the next images of a category, leased to this tab."""

    def save(self, annotator: str, operation: Payload) -> Payload:
        """Record one page and return the touched pairs as they stand now."""


class Progress(Protocol):
    """How far the project is, and what the trainer does."""

    def state(self) -> Payload:
        """Return counts, version and trainer state; cheap enough for every second."""

    def overview(self, *, soon: bool = False) -> Payload:
        """Return counts, categories and versions; with `soon` without the slow ones at first."""

    def trends_soon(self) -> Payload:
        """Return what the charts of the Progress page show, as far as it is counted."""

    def losses(self) -> list[dict[str, float]]:
        """Return the loss of the running training so far."""


class Report(Protocol):
    """Figures that the Progress page shows."""

    def soon(self) -> Payload:
        """Return `figures` as last counted or None, their `number`, and if they are `behind`."""


class Training(Protocol):
    """Starting and stopping the trainer, and choosing among its versions."""

    def report(self) -> Payload:
        """Return versions and what the next training waits for."""

    def choices(self) -> Payload:
        """Return the methods, and what the settings say."""

    def train(
        self,
        annotator: str,
        *,
        method: str | None = None,
        finetune: bool | None = None,
        options: Mapping[str, float] | None = None,
    ) -> Payload:
        """Ask for a new version."""

    def cancel(self) -> Payload:
        """Ask the running training to stop."""

    def promote(self, annotator: str, number: int) -> Payload:
        """Let a version make the suggestions."""


class Comparison(Protocol):
    """Versions side by side."""

    def changes(self, older: int, newer: int) -> Payload:
        """Return which suggestions one version makes and another does not."""

    def calibration(self, number: int) -> Payload:
        """Return what a version says against what people said."""

    def methods(self) -> Payload:
        """Return the newest version of each method, measured on the same answers."""


class Exchange(Protocol):
    """Label files in and out."""

    def export_counts(self, content: str) -> Payload:
        """Return what an export would hold."""

    def export(
        self, out: Path, *, formats: Sequence[str], content: str, on_progress: Told
    ) -> list[Path]:
        """Write the files and return their paths."""

    def preview(self, path: Path, *, format: str | None, unlisted: str) -> Payload:
        """Return what importing a file would do, without doing it."""

    def import_file(
        self,
        path: Path,
        *,
        format: str | None,
        unlisted: str,
        annotator: str,
        on_progress: Told,
    ) -> Payload:
        """Import a label file and return what was done."""


class Evidence(Protocol):
    """Why a category is suggested for an image."""

    def of(self, image_id: int, category_id: int) -> Payload:
        """Return where in the image, because of which labels, and what it looks like."""


class Certification(Protocol):
    """Filling in open pairs under a guarantee that blind questions give."""

    def plan_in_subprocess(self, wishes: Mapping[str, Any], *, start: bool = False) -> Payload:
        """Return what could be filled in and what that costs; with `start`, begin."""

    def status(self, number: int | None = None) -> Payload:
        """Return how far the open certificate is, or the newest."""

    def apply(self, number: int | None = None, *, dry_run: bool = False) -> Payload:
        """Fill in what is certified."""

    def cancel(self, number: int | None = None) -> Payload:
        """End the open certificate without filling in anything."""

    def roll_back(self, number: int) -> Payload:
        """Take back what a certificate filled in."""


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
    def lineage(self) -> Lineage:
        """Which project this is."""

    @property
    def recording(self) -> Recording:
        """Recording of this project."""

    @property
    def review(self) -> Review:
        """Review of this project."""

    @property
    def verification(self) -> Verification:
        """Verification of this project."""

    @property
    def progress(self) -> Progress:
        """Progress of this project."""

    @property
    def quality(self) -> Report:
        """How far people agree."""

    @property
    def stopping(self) -> Report:
        """How far the goal is, and what an hour would bring."""

    @property
    def training(self) -> Training:
        """Training of this project."""

    @property
    def comparison(self) -> Comparison:
        """Comparison of versions of this project."""

    @property
    def exchange(self) -> Exchange:
        """Exchange of this project."""

    @property
    def evidence(self) -> Evidence:
        """Evidence of this project's suggestions."""

    @property
    def hotkeys(self) -> Hotkeys:
        """Keys of this project's categories."""

    @property
    def probing(self) -> Probing:
        """Blind questions of this project."""

    @property
    def flags(self) -> Flags:
        """Notes on images of this project."""

    @property
    def curation(self) -> Curation:
        """Categories of this project."""

    @property
    def preferences(self) -> Preferences:
        """Settings of this project."""

    @property
    def image_roots(self) -> ImageRoots:
        """Image folders of this project."""

    @property
    def people(self) -> People:
        """Annotators of this project."""

    @property
    def certification(self) -> Certification:
        """Certificates of this project."""

    @property
    def media(self) -> Media:
        """Pictures of this project."""
