"""A simulated person at the Label page: the rows that are read, the keys, and what is typed."""

from __future__ import annotations

from dataclasses import dataclass, field

from annotator.domain import Source
from annotator.services.labelling.likely_here import SLASH
from annotator.simulate.actions import SimulatedAnnotator
from annotator.simulate.clock import Seconds
from annotator.wire.label import ItemData
from mlrpl.labels import UNKNOWN

COUNTED = 5
"""Images after which it is counted anew what goes together; the pages do so every minute."""
BEHIND_SLASH = 9
"""Rows whose digit follows a slash, on one image."""


@dataclass
class _Work:
    """What one image took so far."""

    read: set[int] = field(default_factory=set)
    keys: int = 0
    corrections: int = 0
    slashes: int = 0
    names: int = 0


def name_image(person: SimulatedAnnotator, row: int, *, one_key: bool = False) -> None:
    """Look at an image, go through the rows worth reading, type what they lack; the rest is absent.

    First the ten rows with digits: what is there takes a key each, or one key takes all
    suggestions, and those that are wrong take a key. Then the rows behind the slash, which follow
    what has been marked: a slash and a digit each. What no row has is typed, name by name.

    Args:
        person: Who does it.
        row: Of the image.
        one_key: The key that goes on takes the suggestions, too; what is only ranked is not among
            them.
    """
    if person.visited.sum() % COUNTED == 0:
        person.services.likely_here.labels.renew()
    shown = person.item(row)
    is_open = {c for c in range(person.labels.shape[1]) if person.labels[row, c] == UNKNOWN}
    ten, worth, suggested, ranked = (
        set(person.columns(shown[name])) & is_open
        for name in ("ask", "worth", "suggested", "ranked")
    )
    work = _Work(read=ten & (worth | suggested))
    marked = suggested & work.read
    found = {c for c in work.read if person.oracle.answer(row, c)}
    taken = marked - ranked if one_key else set()
    work.keys, work.corrections = _digit_keys(found, marked, taken, one_key=one_key)
    source = Source.HUMAN if one_key else Source.ACCEPTED
    person.say(row, found - taken, source, shown["version"])
    later = _behind_slash(person, row, ten, work, shown)
    rest = {c: Source.REJECTED if c in marked and not one_key else Source.SWEPT for c in is_open}
    rest |= dict.fromkeys(taken, Source.ACCEPTED_IN_BULK)
    rest |= dict.fromkeys(taken - found, Source.HUMAN)
    left = is_open - (found - taken) - later
    person.say_rest(row, {c: rest[c] for c in left}, found & taken, shown["version"])
    person.visited[row] = True
    _spend(person, work)


def _spend(person: SimulatedAnnotator, work: _Work) -> None:
    costs = person.costs
    spent = Seconds(
        taking_in=costs.switch,
        glances=costs.glance * len(work.read),
        keys=costs.verify * work.keys + SLASH * work.slashes,
        names=costs.name * work.names,
        corrections=costs.verify * work.corrections,
    )
    person.clock.spend(spent, len(work.read) + work.names + 1)


def _digit_keys(
    found: set[int], marked: set[int], taken: set[int], *, one_key: bool
) -> tuple[int, int]:
    """Return the keys for what is there, and those that correct what was marked wrongly."""
    if one_key:
        wrong = taken - found
        anew = len(found) + 2  # the rest absent twice, which takes back the marks
        return (anew, 0) if anew < len(found ^ taken) else (len(found - taken), len(wrong))
    if marked and 1 + len(marked ^ found) < len(found):
        return 1 + len(found - marked), len(marked - found)
    return len(found), 0


def _behind_slash(
    person: SimulatedAnnotator, row: int, ten: set[int], work: _Work, shown: ItemData
) -> set[int]:
    """Go through the rows behind the slash and type the rest; return all that was found."""
    named = [c for c in person.oracle.names(row) if c not in work.read]
    likely, rows, later = shown["likely"], set[int](), set[int]()
    while True:
        fresh = [c for c in person.columns(likely) if c not in ten | rows][
            : BEHIND_SLASH - len(rows)
        ]
        is_open = [c for c in fresh if person.labels[row, c] == UNKNOWN]
        rows |= set(fresh)
        work.read |= set(is_open)
        found = {c for c in is_open if person.oracle.answer(row, c)}
        work.keys += len(found)
        work.slashes += len(found)
        named = [c for c in named if c not in work.read and person.labels[row, c] == UNKNOWN]
        if found:
            person.say(row, found, Source.HUMAN, shown["version"])
        elif named:
            found = {named.pop(0)}
            work.names += 1
            person.say(row, found, Source.HUMAN, shown["version"], kind="named")
        else:
            return later
        later |= found
        likely = person.likely(row)
