"""What a simulated person can do: the acts of the Label and Verify pages, each with its price."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from annotator.domain import Source, State
from annotator.services.app import Services
from annotator.simulate.clock import Clock, Seconds
from annotator.simulate.error_probability import Chances, chances_of
from annotator.simulate.oracle import Oracle
from annotator.simulate.wishes import Wish
from annotator.store import answers, categories, images
from annotator.wire.label import ItemData
from annotator.wire.recording import Change, SaveRequest
from annotator.wire.verify import Mode, PageChange, PageRequest, SavePageRequest
from mlrpl.labels import ABSENT, PRESENT, UNKNOWN

WHO = "oracle"
TAB = "simulation"
LOOKED_AT = 20
"""Images that are named before the chances are worked out again for the same version."""

Kind = Literal["answer", "named", "sweep"]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Page:
    """What one page of the grid was."""

    pictures: int
    present: int
    corrected: int
    """Pictures whose guess was wrong; where nothing is guessed, the present ones."""


class SimulatedAnnotator:
    """One person at one project: every act goes through the services and costs seconds."""

    def __init__(
        self,
        services: Services,
        oracle: Oracle,
        clock: Clock,
        seed: int,
        wish: Wish | None = None,
    ) -> None:
        """Begin with no answer given.

        Args:
            services: Of the project, which holds no truth.
            oracle: Who answers.
            clock: Who pays.
            seed: Of whatever a strategy draws.
            wish: What a certificate is to promise; None takes the default.
        """
        self.services = services
        self.oracle = oracle
        self.clock = clock
        self.rng = np.random.default_rng(seed)
        with services.store.reading() as tx:
            self._ids = images.order(tx)
            every = categories.every(tx)
        self._categories = [c.id for c in every]
        self._named = {c.name: column for column, c in enumerate(every)}
        self._rows = {image: row for row, image in self._ids.items()}
        self._columns = {category: column for column, category in enumerate(self._categories)}
        self.labels: Labels = np.full((len(self._ids), len(self._categories)), UNKNOWN, np.int8)
        """`(N, C)`, what this person has said."""
        self.visited = np.zeros(len(self._ids), dtype=bool)
        """`(N,)`, images that were named from one end to the other."""
        self.wish = wish or Wish()
        services.likely_here.costs.known = clock.costs
        self.begun: float | None = None
        """Seconds at which the newest certificate was begun."""
        self.forecast: float | None = None
        """Seconds at which the set would be finished if a certificate were begun now."""
        self.probes = 0
        """Probes that were answered."""
        self._chances: tuple[tuple[int | None, int], Chances] | None = None

    @property
    def costs(self) -> Any:
        """Seconds of each act."""
        return self.clock.costs

    def place(self, image: int, category: str) -> tuple[int, int]:
        """Return row and column of a pair by the id of the image and the name of the category."""
        return self._rows[image], self._named[category]

    def next_rows(self, count: int = 1) -> list[int]:
        """Return the images that the Label page would show next and that are not done."""
        done = [self._ids[int(row)] for row in np.flatnonzero(self.visited)]
        found = self.services.labelling.next_images(WHO, TAB, count=count, exclude=done)
        return [self._rows[image] for image in found["images"]]

    def chances(self) -> Chances:
        """Return how likely each pair is present by the version in use and the labels so far."""
        with self.services.store.reading() as tx:
            number, arrays = self.services.suggestions.current(tx)
        state = number, int(self.visited.sum()) // LOOKED_AT
        if self._chances is None or self._chances[0] != state:
            self._chances = state, chances_of(self.labels, self.visited, arrays)
        return self._chances[1]

    def name_unaided(self, row: int) -> None:
        """Look at an image on a page without a model: type everything; the rest is absent."""
        typed = [c for c in self.oracle.names(row) if self.labels[row, c] == UNKNOWN]
        left = {int(c): Source.SWEPT for c in np.flatnonzero(self.labels[row] == UNKNOWN)}
        left |= dict.fromkeys(typed, Source.HUMAN)
        self.say_rest(row, left, typed, None)
        self.visited[row] = True
        names = self.costs.name * len(typed)
        self.clock.spend(Seconds(taking_in=self.costs.switch, names=names), len(typed) + 1)

    def item(self, row: int) -> ItemData:
        """Return what the Label page shows of an image."""
        return self.services.labelling.items(WHO, [self._ids[row]])[0]

    def likely(self, row: int) -> list[int]:
        """Return the categories, by id, that are worth a row by now."""
        return self.services.labelling.opinion(self._ids[row])["likely"]

    def columns(self, ids: Iterable[int]) -> list[int]:
        """Return the columns of some categories."""
        return [self._columns[category] for category in ids]

    def say(
        self,
        row: int,
        present: Collection[int],
        source: Source,
        version: int | None,
        *,
        kind: Kind = "answer",
    ) -> None:
        """Say of some categories that they are present."""
        if present:
            changes = [self._said(row, column, True, source) for column in sorted(present)]
            self._save(row, changes, version, kind)

    def say_rest(
        self, row: int, sources: Mapping[int, Source], present: Collection[int], version: int | None
    ) -> None:
        """Say the rest about an image, by column: absent, but for what is present."""
        changes = [self._said(row, c, c in present, sources[c]) for c in sorted(sources)]
        if changes:
            self._save(row, changes, version, "sweep")

    def ask(self, row: int, columns: Sequence[int]) -> None:
        """Answer yes or no to some questions about one image."""
        version = self.version()
        changes = [self._said(row, c, self.oracle.answer(row, c), Source.HUMAN) for c in columns]
        self._save(row, changes, version, "answer")
        keys = self.costs.verify * len(columns)
        self.clock.spend(Seconds(taking_in=self.costs.switch, keys=keys), len(columns))

    def grid(self, column: int, mode: Mode, count: int) -> Page:
        """Go through one page of the grid.

        A picture with a guess costs a glance, and a correction if the guess is wrong. Where nothing
        is guessed, what is there is marked and the rest is absent by one key. What the page asks
        again, as an attention check, costs the same and brings nothing new.
        """
        category = self._categories[column]
        asked = PageRequest(category=category, mode=mode, count=count, tab=TAB)
        page = self.services.verification.page(WHO, asked)
        if not page["items"]:
            return Page(0, 0, 0)
        changes, flips, present, corrected = [], 0, 0, 0
        for item in page["items"]:
            row = self._rows[item["id"]]
            said = self.oracle.answer(row, column)
            untouched = (item["guess"] or State.ABSENT.value) == _state(said).value
            source = Source.ACCEPTED_IN_BULK if item["guess"] else Source.SWEPT
            source = source if untouched else Source.HUMAN
            changes.append(
                PageChange(image=item["id"], state=_state(said), source=source, seen=item["answer"])
            )
            flips += not untouched
            if item["answer"] is None:
                self._remember(row, column, said)
                present, corrected = present + said, corrected + (not untouched)
        request = SavePageRequest(
            op=uuid.uuid4().hex,
            category=category,
            mode=mode,
            version=page["version"],
            changes=tuple(changes),
        )
        self.services.verification.save(WHO, request)
        costs = self.costs
        spent = Seconds(
            taking_in=costs.page,
            glances=costs.glance * len(changes),
            corrections=costs.correct * flips,
        )
        self.clock.spend(spent, len(changes))
        return Page(len(changes), present, corrected)

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

    def _said(self, row: int, column: int, present: bool, source: Source) -> Change:
        return Change(
            image=self._ids[row],
            category=self._categories[column],
            state=_state(present),
            source=source,
        )

    def _save(self, row: int, changes: list[Change], version: int | None, kind: Kind) -> None:
        request = SaveRequest(
            op=uuid.uuid4().hex,
            kind=kind,
            changes=tuple(changes),
            version=version,
            image=self._ids[row],
        )
        self.services.recording.save(WHO, request)
        for change in changes:
            self._remember(row, self._columns[change.category], change.state is State.PRESENT)

    def _remember(self, row: int, column: int, present: bool) -> None:
        self.labels[row, column] = PRESENT if present else ABSENT


def _state(present: bool) -> State:
    return State.PRESENT if present else State.ABSENT
