"""The ways of labelling that are compared: each is a generator that does one act a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from annotator.errors import NotFound
from annotator.simulate.actions import SimulatedAnnotator
from annotator.simulate.certifying import begun, finish, prove
from annotator.simulate.loop import correct_most
from annotator.simulate.naming import name_image
from annotator.wire.verify import Mode
from mlrpl.decision.acquisition import View, image_worth, strategy_named
from mlrpl.labels import PRESENT, UNKNOWN

FIRST_BLOCK = 0.1
"""Share of the images that teach the one model of `fixed_prelabels`."""
PAGE = 40
"""Pictures of a page of pre-labels."""
TAUGHT_SHARE = 0.15
"""Share of the images that the loop names before it turns to grids; named images teach most."""
AT_ONCE = 12
"""Images that `pairs` chooses at a time."""
OFTEN = 0.05
"""Share of the seconds so far after which `certified` asks again whether a certificate pays."""

Steps = Iterator[None]


@dataclass(frozen=True)
class Way:
    """One way of labelling."""

    work: Callable[[SimulatedAnnotator], Steps]
    trains: int
    """Trainings at most."""
    about: str


WAYS: dict[str, Way] = {}


def way(
    name: str, about: str, *, trains: int = 12
) -> Callable[[Callable[[SimulatedAnnotator], Steps]], Callable[[SimulatedAnnotator], Steps]]:
    """Enter a way of labelling under its name."""

    def enter(work: Callable[[SimulatedAnnotator], Steps]) -> Callable[[SimulatedAnnotator], Steps]:
        WAYS[name] = Way(work, trains, about)
        return work

    return enter


def way_named(name: str) -> Way:
    """Return a way of labelling.

    Raises:
        NotFound: If there is none of that name; the message lists those there are.
    """
    if name not in WAYS:
        raise NotFound(f"There is no strategy {name!r}; known: {', '.join(WAYS)}.")
    return WAYS[name]


@way("plain", "type what is present on every image, rest absent; no model", trains=0)
def plain(person: SimulatedAnnotator) -> Steps:
    """Name image after image in random order."""
    for row in person.rng.permutation(len(person.labels)).tolist():
        person.name_unaided(row)
        yield


@way("plain_filled", "plain, and a model decides what is open")
def plain_filled(person: SimulatedAnnotator) -> Steps:
    """Do what `plain` does while a model learns."""
    return _each(person, person.name_unaided)


@way("binary", "yes or no to every pair; no model", trains=0)
def binary(person: SimulatedAnnotator) -> Steps:
    """Ask everything about image after image in random order."""
    columns = list(range(person.labels.shape[1]))
    return _each(person, lambda row: person.ask(row, columns))


@way("fixed_prelabels", "grids of the pre-labels of one early model, then the rest", trains=1)
def fixed_prelabels(person: SimulatedAnnotator) -> Steps:
    """Name a first block, verify what one model suggests, then complete the other images."""
    order = person.rng.permutation(len(person.labels)).tolist()
    block = max(10, round(FIRST_BLOCK * len(order)))
    for row in order[:block]:
        person.name_unaided(row)
        yield
    while person.version() is None and block < len(order):  # the person goes on meanwhile
        person.name_unaided(order[block])
        block += 1
        yield
    for column in range(person.labels.shape[1]):
        while person.grid(column, Mode.CONFIRM, PAGE).pictures:
            yield
    for row in order[block:]:
        person.name_unaided(row)
        yield


@way("random_suggestions", "images in random order with suggestions, the rest is absent")
def random_suggestions(person: SimulatedAnnotator) -> Steps:
    """Accept, reject and type on image after image in random order."""
    return _each(person, lambda row: name_image(person, row))


@way("images", "images in the order of the worker's queue with suggestions, the rest is absent")
def active_images(person: SimulatedAnnotator) -> Steps:
    """Take what the queue gives."""
    return _in_order(person, lambda row: name_image(person, row))


@way("images_one_key", "images, where the key that goes on accepts the suggestions, too")
def active_images_one_key(person: SimulatedAnnotator) -> Steps:
    """Take what the queue gives, with the main key of the Label page."""
    return _in_order(person, lambda row: name_image(person, row, one_key=True))


def _in_order(person: SimulatedAnnotator, work: Callable[[int], None]) -> Steps:
    while rows := person.next_rows():
        if person.visited[rows[0]]:
            return
        work(rows[0])
        yield


@way("pairs", "yes or no to the pairs most worth it, grouped by image")
def active_pairs(person: SimulatedAnnotator) -> Steps:
    """Name images until there is a model; then ask the best pairs of the best images."""
    yield from _until_taught(person)
    worth_of = strategy_named("present_and_uncertain")
    while (person.labels == UNKNOWN).any():
        chances = person.chances()
        view = View(
            probabilities=chances.present,
            open=person.labels == UNKNOWN,
            present_counts=(person.labels == PRESENT).sum(axis=0),
            rng=person.rng,
        )
        worth = worth_of(view)
        gain = image_worth(worth, person.costs)
        for row in np.argsort(-gain, kind="stable")[:AT_ONCE].tolist():
            columns = _asked(worth[row], person)
            if columns:
                person.ask(row, columns)
                yield


@way("loop", "grids and images, whichever corrects most per second; the model decides what is sure")
def loop(person: SimulatedAnnotator) -> Steps:
    """Name images until they have taught enough; then mend most wrong decisions per second."""
    yield from _until_taught(person, share=TAUGHT_SHARE)
    yield from correct_most(person)


@way("certified", "the loop until a certificate pays, then its probes and what it leaves open")
def certified(person: SimulatedAnnotator) -> Steps:
    """Do what `loop` does until a certificate pays, prove it, fill in, and answer the rest."""
    due = 0.0
    for _ in loop(person):
        yield
        if person.version() is None or person.clock.seconds < due:
            continue
        due = (1 + OFTEN) * person.clock.seconds
        plan = begun(person)
        if plan is not None and (yield from prove(person, plan)):
            yield from finish(person)
            return


def _each(person: SimulatedAnnotator, act: Callable[[int], None]) -> Steps:
    for row in person.rng.permutation(len(person.labels)).tolist():
        act(row)
        yield


def _until_taught(person: SimulatedAnnotator, *, share: float = 0.0) -> Steps:
    """Name images in the queue's order, until a version has a guess and a share was named."""
    while not person.chances().guessed.any() or person.visited.mean() < share:
        rows = person.next_rows()
        if not rows or person.visited[rows[0]]:
            return
        name_image(person, rows[0])
        yield


def _asked(worth: np.ndarray, person: SimulatedAnnotator) -> list[int]:
    """Return the pairs of one image that make the most of the seconds."""
    best = np.argsort(-worth, kind="stable")[:10]
    best = best[worth[best] > 0]
    if not len(best):
        return []
    seconds = person.costs.switch + person.costs.verify * np.arange(1, len(best) + 1)
    chosen = best[: int(np.argmax(np.cumsum(worth[best]) / seconds)) + 1]
    return [int(column) for column in chosen]
