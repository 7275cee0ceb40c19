"""What an annotator does on the Label page: look, answer, undo, go on."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from annotator.domain import Annotator, Category, Image, PairLabel
from annotator.errors import AnnotatorError
from annotator.services.clock import Clock, utc_now
from annotator.services.media import Media, names_of
from annotator.services.queue import Queue
from annotator.services.recording import client_id, label_row, moment, whole
from annotator.services.suggestions import Suggestions, most_worth_asking
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    categories,
    images,
    values,
    visits,
)

PROJECT_KEY = "project.key"
"""Name of a value drawn once a project, so that browsers never mix two projects up."""


class Labelling:
    """The Label page of one project, for any number of annotators."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        media: Media,
        clock: Clock = utc_now,
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._media = media
        self._queue = Queue(project, store, suggestions, clock)
        self._clock = clock

    def start(self, annotator: str) -> dict[str, Any]:
        """Return what the page needs once: project, categories, where this annotator left off."""
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, self._clock())
            key = values.get(tx, PROJECT_KEY) or uuid.uuid4().hex[:12]
            values.put(tx, PROJECT_KEY, key)
        with self._store.reading() as tx:
            last = visits.last_images(tx, person.id, 1)
            shown = [category_row(c) for c in categories.every(tx)]
            total = images.count(tx)
            version, _ = self._suggestions.current(tx)
        settings = self._project.settings
        return {
            "project": {"name": settings.name, "description": settings.description, "key": key},
            "categories": shown,
            "version": version,
            "total": total,
            "resume": last[-1] if last else None,
            "features": self._queue.has_features(),
        }

    def next_images(
        self,
        annotator: str,
        tab: str,
        *,
        after: int | None = None,
        count: int = 10,
        exclude: Sequence[int] = (),
    ) -> dict[str, Any]:
        """Return the next images worth labelling, leased to the tab; see `Queue.next_images`."""
        del annotator, after  # the order does not depend on who asks, or from where
        chosen, done = self._queue.next_images(tab, count=min(count, 50), exclude=exclude)
        return {"images": chosen, "done": done}

    def release(self, tab: str) -> None:
        """Give back the images leased to a tab."""
        self._queue.release(tab)

    def items(self, annotator: str, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Return what the page shows of up to 20 images; unknown ids are left out."""
        wanted = [int(i) for i in ids[:20]]
        with self._store.reading() as tx:
            person = self._person(tx, annotator)
            found = images.many(tx, wanted)
            labels = answers.labels_of(tx, list(found))
            unsure = answers.unsure_of(tx, person.id, list(found))
            names = names_of(tx, list(found))
            people = {a.id: a.name for a in annotators.every(tx)}
            shown = categories.every(tx)
            version, arrays = self._suggestions.current(tx)
            problems = {i: self._problem(tx, image) for i, image in found.items()}
        rows = []
        for image_id in wanted:
            if image_id not in found:
                continue
            image = found[image_id]
            opinion = self._suggestions.of_image(arrays, image.ordinal)
            own = {label.category_id: label for label in labels.get(image_id, [])}
            rows.append(
                {
                    "id": image_id,
                    "name": names.get(image_id, f"image {image_id}"),
                    "width": image.width,
                    "height": image.height,
                    "problem": problems[image_id],
                    "version": version,
                    "labels": {str(c): label_row(x, people, person.id) for c, x in own.items()},
                    "unsure": unsure.get(image_id, []),
                    **opinion_rows(shown, own, unsure.get(image_id, []), opinion),
                }
            )
        return rows

    def _problem(self, tx: Transaction, image: Image) -> str | None:
        try:
            self._media.first_existing(image, images.paths_of(tx, [image.id]).get(image.id, []))
        except AnnotatorError as error:
            return str(error)
        return None

    def visit(self, annotator: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Record that an image was on the screen, and which categories were drawn beside it."""
        now = self._clock()
        image_id = whole(data.get("image"), "image")
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            images.get(tx, image_id)
            ordinals = {c.id: c.ordinal for c in categories.every(tx, archived=True)}
            shown = [ordinals[int(c)] for c in data.get("shown", ()) if int(c) in ordinals]
            opened = moment(data.get("opened_at"), now)
            closed = moment(data.get("closed_at"), now)
            visits.record(tx, client_id(data), person.id, image_id, shown, opened, closed)
        return {"ok": True}

    def _person(self, tx: Transaction, annotator: str) -> Annotator:
        wanted = annotator.strip().casefold()
        for person in annotators.every(tx):
            if person.name.casefold() == wanted:
                return person
        return Annotator(id=0, name=annotator)


def category_row(category: Category) -> dict[str, Any]:
    """Return a category as the page knows it."""
    return {
        "id": category.id,
        "name": category.name,
        "supercategory": category.supercategory,
        "ordinal": category.ordinal,
        "aliases": list(category.aliases),
    }


def opinion_rows(
    shown: Sequence[Category],
    labels: Mapping[int, PairLabel],
    unsure: Sequence[int],
    opinion: Any,
) -> dict[str, Any]:
    """Return the scores, marks and digit order of one image as the page knows them."""
    ids = {c.ordinal: c.id for c in shown}
    open_ones = [c for c in shown if c.id not in labels]
    askable = [c for c in open_ones if c.id not in set(unsure)]
    open_ordinals = {c.ordinal for c in open_ones}
    return {
        "scores": {str(ids[o]): round(bar, 4) for o, bar in opinion.bars.items() if o in ids},
        "ranked": [ids[o] for o in sorted(opinion.ranked) if o in ids],
        "suggested": [ids[o] for o in sorted(opinion.suggested & open_ordinals)],
        "ask": [c.id for c in most_worth_asking(askable, opinion)],
    }
