"""The full loop: after a first share of images, whatever mends most wrong decisions per second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.simulate.actions import Page, SimulatedAnnotator
from annotator.simulate.error_probability import Chances, open_wrong
from annotator.simulate.naming import name_image
from annotator.wire.verify import Mode
from mlrpl.labels import UNKNOWN

SIZES = (12, 24, 40)
"""Pictures of a page that the loop chooses from."""
TRUST = 8.0
"""Mended decisions that weigh as much as the model's word for how many there are to mend."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Choice:
    """A page of the grid that could come next."""

    rate: float
    """Decisions corrected per second."""
    column: int
    size: int
    expected: float
    """Decisions that it mends by the model's word."""


class Pages:
    """What pages of the grid are expected to mend, corrected by what they did mend."""

    def __init__(self, columns: int) -> None:
        """Expect what the model says, for now."""
        self._mended, self._expected = np.zeros(columns), np.zeros(columns)
        self._spent: set[int] = set()

    def renew(self) -> None:
        """Take note of a new version: older experience counts half."""
        self._mended, self._expected = self._mended / 2, self._expected / 2
        self._spent = set()

    def best(self, person: SimulatedAnnotator, guessed: Bools, wrong: Floats) -> Choice:
        """Return the page that mends most per second, among the categories with a guess."""
        largest = min(SIZES[-1], len(wrong))
        top = -np.sort(np.partition(-wrong, largest - 1, axis=0)[:largest], axis=0)  # (K, C)
        top = np.where(guessed, top, 0.0)
        best, costs = Choice(0.0, 0, SIZES[0], 0.0), person.costs
        for size in SIZES:
            expected = top[:size].sum(axis=0)
            corrected = expected * self._trust()
            pictures = (top[:size] > 0).sum(axis=0)
            rate = corrected / (costs.page + costs.glance * pictures + costs.correct * corrected)
            rate[list(self._spent)] = 0.0
            column = int(rate.argmax())
            if rate[column] > best.rate:
                best = Choice(float(rate[column]), column, size, float(expected[column]))
        return best

    def learn(self, choice: Choice, page: Page) -> None:
        """Take note of what a page corrected."""
        if not page.pictures:
            self._spent.add(choice.column)
            return
        self._mended[choice.column] += page.corrected
        self._expected[choice.column] += choice.expected

    def _trust(self) -> Floats:
        return np.asarray((self._mended + TRUST) / (self._expected + TRUST))


def correct_most(person: SimulatedAnnotator) -> Iterator[None]:
    """Take the page or the image that mends most per second, until everything is known."""
    pages, version = Pages(person.labels.shape[1]), person.version()
    while (person.labels == UNKNOWN).any():
        if person.version() != version:
            version = person.version()
            pages.renew()
        chances = person.chances()
        wrong = open_wrong(person.labels, chances)
        choice = pages.best(person, chances.guessed, wrong)
        rate, row = _best_image(person, wrong, chances)
        if choice.rate >= rate and choice.rate > 0:
            pages.learn(choice, person.grid(choice.column, Mode.UNCERTAIN, choice.size))
        else:
            name_image(person, row)
        yield


def _best_image(person: SimulatedAnnotator, wrong: Floats, chances: Chances) -> tuple[float, int]:
    """Return decisions corrected per second and row of the image most worth naming."""
    costs, is_open = person.costs, person.labels == UNKNOWN
    worth = costs.glance / (costs.name - costs.verify)
    read = is_open & (chances.suggested | (chances.present >= worth))
    doubt = np.where(read, wrong, 0.0).sum(axis=1)
    found = np.where(read, chances.present, 0.0).sum(axis=1)
    missed = np.where(read, 0.0, wrong).sum(axis=1)
    keys = np.minimum(found, 1 + doubt)
    seconds = costs.switch + costs.glance * read.sum(axis=1) + costs.verify * keys
    rate = wrong.sum(axis=1) / (seconds + costs.name * missed)
    row = int(rate.argmax())
    return float(rate[row]), row
