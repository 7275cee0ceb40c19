"""The pairs that were drawn for a certificate, with all that was said about each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from annotator.domain import State
from annotator.store.certificates import BOUND, Drawn

MOST_LOOKS = 3
"""Times that a surprising pair is asked, until two answers agree."""


@dataclass(frozen=True)
class Look:
    """One pair that was drawn, with all that was said about it."""

    stream: str
    place: int
    """In the frozen order of its stream."""
    pair: tuple[int, int]
    """Image and category id."""
    states: tuple[State, ...]
    """The first answer and further looks; empty until somebody answers."""
    surprise: State | None
    """The first answer that speaks against the predictions; None: neither does."""
    waits: bool
    """A question about it has been drawn and not answered."""
    last: datetime | None
    """When it was answered last."""

    @property
    def needs_look(self) -> bool:
        """Whether it surprises and no two answers agree yet."""
        if not self.states or self.states[0] is not self.surprise:
            return False
        agree = max(self.states.count(state) for state in self.states)
        return agree < 2 and len(self.states) < MOST_LOOKS

    @property
    def said(self) -> State | None:
        """What people say in the end: present, absent, or None where that is not settled."""
        if not self.states or self.needs_look:
            return None
        for state in (State.PRESENT, State.ABSENT):
            if 2 * self.states.count(state) > len(self.states):
                return state
        return None


def looks(drawn: Sequence[Drawn], surprise: Callable[[str, int], State | None]) -> list[Look]:
    """Return the pairs that were drawn, in the order of drawing.

    Args:
        drawn: The questions.
        surprise: Returns the answer that would be a surprise, by stream and place.
    """
    grouped: dict[tuple[str, int], list[Drawn]] = defaultdict(list)
    for one in drawn:
        grouped[one.zone, one.position].append(one)
    found = []
    for (stream, place), rows in grouped.items():
        rows.sort(key=lambda row: (row.purpose != BOUND, row.id))
        answered = [r for r in rows if r.state is not None]
        times = [r.answered_at for r in answered if r.answered_at is not None]
        found.append(
            Look(
                stream=stream,
                place=place,
                pair=(rows[0].image_id, rows[0].category_id),
                states=tuple(r.state for r in answered if r.state is not None),
                surprise=surprise(stream, place),
                waits=len(answered) < len(rows),
                last=max(times, default=None),
            )
        )
    return found


def counted(found: Sequence[Look], stream: str) -> list[Look]:
    """Return the answered pairs of a stream up to its first unanswered one, in the frozen order.

    Which of the drawn pairs are answered first is up to people, and may have to do with the
    answer. The beginning of a frozen random order has not.
    """
    ordered = sorted((x for x in found if x.stream == stream), key=lambda x: x.place)
    kept = []
    for place, look in enumerate(ordered):
        if not look.states or look.place != place:
            break
        kept.append(look)
    return kept
