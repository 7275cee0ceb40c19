"""What a simulated person can do: the acts of the Label and Verify pages, each with its price."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import Source, State
from annotator.services.app import Services
from annotator.simulate.clock import Clock
from annotator.simulate.oracle import Oracle
from annotator.store import answers, categories, images
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

WHO = "oracle"
TAB = "simulation"

Change = dict[str, Any]
Labels = npt.NDArray[np.int8]


class Desk:
    """One person at one project: every act goes through the services and costs seconds."""

    def __init__(self, services: Services, oracle: Oracle, clock: Clock, seed: int) -> None:
        """Sit down.

        Args:
            services: Of the project, which holds no truth.
            oracle: Who answers.
            clock: Who pays.
            seed: Of whatever a strategy draws.
        """
        self.services = services
        self.oracle = oracle
        self.clock = clock
        self.rng = np.random.default_rng(seed)
        with services.store.reading() as tx:
            self._ids = images.ids_at(tx, range(images.count(tx)))
            self._categories = [c.id for c in categories.every(tx)]
        self._rows = {image: row for row, image in self._ids.items()}
        self._columns = {category: column for column, category in enumerate(self._categories)}
        self.labels: Labels = np.full((len(self._ids), len(self._categories)), UNKNOWN, np.int8)
        """`(N, C)`, what this person has said."""
        self.visited = np.zeros(len(self._ids), dtype=bool)
        """`(N,)`, images that were named from one end to the other."""

    @property
    def costs(self) -> Any:
        """Seconds of each act."""
        return self.clock.costs

    def next_rows(self, count: int = 1) -> list[int]:
        """Return the images that the Label page would show next and that are not done."""
        done = [self._ids[int(row)] for row in np.flatnonzero(self.visited)]
        found = self.services.labelling.next_images(WHO, TAB, count=count, exclude=done)
        return [self._rows[image] for image in found["images"]]

    def name(self, row: int) -> None:
        """Look at an image, type what is there that is open, and say that the rest is absent.

        A suggestion is a key press, yes or no; what nobody suggests is typed.
        """
        shown = self.services.labelling.items(WHO, [self._ids[row]])[0]
        suggested = {self._columns[category] for category in shown["suggested"]}
        self._finish(row, suggested, shown["version"])

    def name_unaided(self, row: int) -> None:
        """Do the same on a page without suggestions."""
        self._finish(row, set(), None)

    def ask(self, row: int, columns: Sequence[int]) -> None:
        """Answer yes or no to some questions about one image."""
        version = self.version()
        changes = [self._said(row, c, self.oracle.answer(row, c), Source.HUMAN) for c in columns]
        self._save(row, changes, version, "answer")
        self.clock.spend(self.costs.switch + self.costs.verify * len(columns), len(columns))

    def grid(self, column: int, mode: str, count: int) -> int:
        """Go through one page of the grid; return how many pictures it had.

        A picture with a guess costs a glance, and a correction if the guess is wrong; one without
        costs a yes or no.
        """
        asked = {"category": self._categories[column], "mode": mode, "count": count}
        page = self.services.verification.page(WHO, TAB, asked)
        if not page["items"]:
            return 0
        changes, seconds = [], self.costs.page
        for item in page["items"]:
            said = self.oracle.answer(self._rows[item["id"]], column)
            guess = item["guess"]
            untouched = guess is not None and guess == _state(said).value
            source = Source.ACCEPTED_IN_BULK if untouched else Source.HUMAN
            changes.append(self._said(self._rows[item["id"]], column, said, source))
            seconds += self._price(guess, untouched=untouched)
        data = {"op": uuid.uuid4().hex, **asked, "version": page["version"], "changes": changes}
        self.services.verification.save(WHO, data)
        self._remember(changes)
        self.clock.spend(seconds, len(changes))
        return len(changes)

    def version(self) -> int | None:
        """Return the number of the version in use."""
        with self.services.store.reading() as tx:
            return self.services.suggestions.current(tx)[0]

    def recorded(self) -> Labels:
        """Return the labels `(N, C)` as the store has them; conflicts are unknown."""
        with self.services.store.reading() as tx:
            table = answers.label_table(tx)
        labels = np.full(self.labels.shape, UNKNOWN, np.int8)
        sure = ~table.conflict
        place = table.image[sure], table.category[sure]
        labels[place] = np.where(table.present[sure], PRESENT, ABSENT)
        return labels

    def _price(self, guess: str | None, *, untouched: bool) -> float:
        if guess is None:
            return float(self.costs.verify)
        return float(self.costs.glance + (0.0 if untouched else self.costs.correct))

    def _finish(self, row: int, suggested: Collection[int], version: int | None) -> None:
        is_open = self.labels[row] == UNKNOWN
        suggested = {c for c in suggested if is_open[c]}
        yes = {c for c in suggested if self.oracle.answer(row, c)}
        typed = {c for c in self.oracle.names(row) if is_open[c] and c not in suggested}
        changes = []
        for column in np.flatnonzero(is_open).tolist():
            source = Source.HUMAN if column in typed else Source.SWEPT
            if column in suggested:
                source = Source.ACCEPTED if column in yes else Source.REJECTED
            changes.append(self._said(row, column, column in yes | typed, source))
        self.visited[row] = True
        if changes:
            self._save(row, changes, version, "sweep")
        seconds = self.costs.switch + self.costs.verify * len(suggested)
        self.clock.spend(seconds + self.costs.name * len(typed), len(suggested) + len(typed) + 1)

    def _said(self, row: int, column: int, present: bool, source: Source) -> Change:
        return {
            "image": self._ids[row],
            "category": self._categories[column],
            "state": _state(present).value,
            "source": source.value,
        }

    def _save(self, row: int, changes: list[Change], version: int | None, kind: str) -> None:
        data = {"op": uuid.uuid4().hex, "kind": kind, "changes": changes, "version": version}
        self.services.recording.save(WHO, {**data, "image": self._ids[row]})
        self._remember(changes)

    def _remember(self, changes: Sequence[Change]) -> None:
        for change in changes:
            place = self._rows[change["image"]], self._columns[change["category"]]
            self.labels[place] = PRESENT if change["state"] == State.PRESENT.value else ABSENT


def _state(present: bool) -> State:
    return State.PRESENT if present else State.ABSENT
