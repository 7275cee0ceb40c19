"""What is unusual in a label file and was read all the same."""

from __future__ import annotations


class Notes:
    """Sentences about a file: one for each kind of thing, with its count and the first of it.

    >>> notes = Notes()
    >>> notes.count("Empty rows, left out", "line 3")
    >>> notes.count("Empty rows, left out", "line 9")
    >>> notes.sentences()
    ('Empty rows, left out: 2 (for example line 3).',)
    """

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}

    def say(self, sentence: str) -> None:
        """Add a sentence, once."""
        self._said[sentence] = None

    def count(self, kind: str, example: str, times: int = 1) -> None:
        """Count one more of a kind, which is named in the plural, with what was made of it."""
        self._counts[kind] = self._counts.get(kind, 0) + times
        self._first.setdefault(kind, example)

    def sentences(self) -> tuple[str, ...]:
        """Return everything as sentences."""
        counted = (
            f"{kind}: {count:,} (for example {self._first[kind]})."
            for kind, count in self._counts.items()
        )
        return (*self._said, *counted)
