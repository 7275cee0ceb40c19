"""What one cell of a CSV table says about a pair."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from enum import Enum

from annotator.domain import State
from annotator.formats.notes import Notes
from annotator.formats.options import ReadOptions


class Said(Enum):
    """What a cell says."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Nobody can tell."""
    NOTHING = "nothing"
    """As an empty cell: what that means is another question."""
    MINUS_ONE = "-1"
    """Absent to some programs, uncertain to others."""


STATES = {Said.PRESENT: State.PRESENT, Said.ABSENT: State.ABSENT}

PLAIN = frozenset({"", "1", "0", "1.0", "0.0"})
"""Cells that need no mention; programs that keep empty cells as numbers write 1.0."""
_WORDS = {
    Said.PRESENT: [
        *("1", "true", "t", "yes", "y", "x", "present", "positive", "pos", "✓", "✔"),
        *("wahr", "ja", "vrai", "oui", "verdadero", "sí", "si", "vero", "sì"),
    ],
    Said.ABSENT: [
        *("0", "false", "f", "no", "n", "absent", "negative", "neg"),
        *("falsch", "nein", "faux", "non", "falso"),
    ],
    Said.UNKNOWN: ["?", "unknown", "unsure", "uncertain"],
    Said.NOTHING: ["", "nan", "na", "n/a", "<na>", "none", "null"],
    Said.MINUS_ONE: ["-1"],
}
"""Spreadsheets write TRUE and FALSE in the language of the person."""
_SAID = {word: said for said, words in _WORDS.items() for word in words}
_NUMBERS = {1.0: Said.PRESENT, 0.0: Said.ABSENT, -1.0: Said.MINUS_ONE}

EXPECTED = "expected 1, 0 or empty, or present, absent, true, false, yes, no, y, n, x, NaN or ?"


def said_by(cell: str) -> Said | None:
    """Return what a cell says, in whatever way it is written; None: not known.

    >>> [said_by(cell).name for cell in ("Yes", "1,0", "-1.0", " nan")]
    ['PRESENT', 'PRESENT', 'MINUS_ONE', 'NOTHING']
    """
    word = cell.strip().casefold()
    if word in _SAID:
        return _SAID[word]
    try:
        return _NUMBERS.get(float(word.replace(",", ".")))
    except ValueError:
        return None


def are_states(cells: list[str]) -> bool:
    """Whether every cell can be read as a state, and at least one is not empty."""
    found = set(map(said_by, set(cells)))
    return None not in found and not found <= {Said.NOTHING}


def problem_with(cell: str) -> str:
    """Return why a cell cannot be read, with the word that is nearest to it."""
    if said_by(cell) is Said.MINUS_ONE:
        return (
            "-1 means absent in some files (such as CelebA) and uncertain in others (such as "
            "CheXpert); say which with --minus-one absent or --minus-one unknown"
        )
    near = get_close_matches(cell.strip().casefold(), list(_SAID), n=1, cutoff=0.75)
    return f"{EXPECTED}, got {cell!r}" + (f"; did you mean {near[0]!r}" if near else "")


class Cells:
    """The cells of one file: what each says there, and how often in unusual words."""

    def __init__(self, options: ReadOptions) -> None:
        self._minus_one = options.minus_one
        self._counts: Counter[str] = Counter()
        self._zeros = self._minus_ones = False

    def said(self, cell: str) -> Said | None:
        """Return what a cell says; None where it has to be refused."""
        found = said_by(cell)
        if found is Said.MINUS_ONE:
            self._minus_ones = True
            return {None: None, "absent": Said.ABSENT, "unknown": Said.UNKNOWN}[self._minus_one]
        if found is Said.ABSENT and _is_number(cell):
            self._zeros = True
        return found

    def is_unknown_zero(self, cell: str) -> bool:
        """Whether a cell is a 0 that means unknown, since -1 means absent."""
        return self.zero_is_unknown and said_by(cell) is Said.ABSENT and _is_number(cell)

    def count(self, cell: str) -> None:
        """Count a cell that is written in an unusual way."""
        self._counts[cell] += 1

    @property
    def zero_is_unknown(self) -> bool:
        """Whether 0 stands beside a -1 that means absent, so that it must mean something else."""
        return self._zeros and self._minus_ones and self._minus_one == "absent"

    def note(self, notes: Notes) -> None:
        """Say what was written in unusual ways."""
        if self.zero_is_unknown:
            notes.say("Cells of -1 are absent as you said, so those of 0 are read as unknown.")
        for cell, times in self._counts.items():
            said = said_by(cell)
            if said is Said.MINUS_ONE:
                notes.count(
                    f"Cells of -1, read as {self._minus_one} as you said", repr(cell), times
                )
            elif said is not None and cell.strip() not in PLAIN:
                meaning = "empty" if said is Said.NOTHING else said.value
                notes.count(f"Cells in other words, read as {meaning}", repr(cell), times)


def _is_number(cell: str) -> bool:
    return cell.strip()[-1:].isdecimal()
