"""What a list of images shows of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

import numpy as np
from typing_extensions import TypedDict

from annotator.arrays.likeness import NO_GROUP
from annotator.domain import Category
from annotator.services.labelling.image_answers import ABSENT, CONFLICT, PRESENT, UNKNOWN, UNSURE
from annotator.services.labelling.image_facts import SUGGESTED
from annotator.services.labelling.image_matching import Question
from annotator.services.labelling.similar_images import Groups
from annotator.wire.image_list import ListRow, Standing
from annotator.wire.recording import StateName

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_NAMES = {
    UNKNOWN: "unknown",
    PRESENT: "present",
    ABSENT: "absent",
    UNSURE: "unsure",
    CONFLICT: "conflict",
}
"""States as the pages know them."""


class _AboutCategory(TypedDict):
    state: StateName | Literal["unknown", "conflict"] | None
    suggested: bool
    score: float | None
    ranked: bool


class Rows:
    """Describes images as they stand at one moment."""

    def __init__(self, question: Question, about: Category | None) -> None:
        """Prepare to describe.

        Args:
            question: Who asks, and the facts.
            about: The category that the list is about, if any.
        """
        self._facts = question.facts
        self._me = question.me
        self._about = about
        self._ids = {c.ordinal: c.id for c in question.categories}
        self._people = {person.id: person.name for person in question.people}
        self._similar = question.similar

    def in_use(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Return id and ordinal of those of some images that are in use, in their order."""
        ordinals = self._facts.answers.ordinals
        wanted = np.array(ids, np.int64)
        wanted = wanted[wanted < len(ordinals)]
        found = ordinals[wanted]
        there = (found >= 0) & self._facts.in_use[found]
        return list(zip(wanted[there].tolist(), found[there].tolist(), strict=True))

    def row(self, image_id: int, ordinal: int, notes: list[str]) -> ListRow:
        """Return one image.

        Args:
            image_id: Its id.
            ordinal: Its ordinal.
            notes: Of its flags.
        """
        facts = self._facts
        shown = list(facts.shown)
        states, people = facts.answers.states[ordinal], facts.answers.people[ordinal]
        place = int(np.searchsorted(facts.files.rows.ordinal, ordinal))
        own = (people == self._me) & (states != UNKNOWN)
        is_open = facts.open[ordinal]
        doubts = facts.own_doubts_about(ordinal, self._me)
        left = is_open & ~doubts
        is_mine = bool((own | doubts)[shown].any())
        is_touched = is_mine or bool(facts.labelled[ordinal])
        newest = int(facts.answers.newest[ordinal])
        return {
            "id": image_id,
            "name": facts.files.names[ordinal],
            "width": int(facts.files.rows.width[place]),
            "height": int(facts.files.rows.height[place]),
            "labels": int(facts.known[ordinal]),
            "present": [self._ids[o] for o in shown if states[o] == PRESENT],
            "open": int(is_open.sum()),
            "standing": _standing(not left.any(), is_touched),
            "mine": is_mine,
            "doubt": int(facts.doubt[ordinal]),
            "by": [self._people.get(person, "") for person in facts.authors(ordinal)],
            "answered": (_EPOCH + timedelta(microseconds=newest)).isoformat() if newest else None,
            "flags": notes,
            "group": self._group(ordinal),
            **self._about_category(ordinal),
        }

    @cached_property
    def _groups(self) -> Groups | None:
        return self._similar.groups_if_known(self._facts.in_use)

    def _group(self, ordinal: int) -> int | None:
        group = NO_GROUP if self._groups is None else int(self._groups[ordinal])
        return None if group == NO_GROUP else group

    def _about_category(self, ordinal: int) -> _AboutCategory:
        facts, about = self._facts, self._about
        if about is None:
            return {"state": None, "suggested": False, "score": None, "ranked": False}
        at = about.ordinal
        score = None
        column = None if facts.arrays is None else facts.arrays.columns.get(at)
        if facts.arrays is not None and column is not None:
            bar = facts.arrays.bars(facts.arrays.image_scores(ordinal))[column]
            score = None if np.isnan(bar) else round(float(bar), 4)
        return {
            "state": _NAMES[int(facts.answers.states[ordinal, at])],
            "suggested": bool(facts.opinions[ordinal, at] & SUGGESTED and facts.open[ordinal, at]),
            "score": score,
            "ranked": facts.arrays is not None and at in facts.arrays.parameters.ranked_only,
        }


def _standing(is_done: bool, is_touched: bool) -> Standing:
    if is_done:
        return "done"
    return "partly" if is_touched else "untouched"
