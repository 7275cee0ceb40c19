"""What a person says about a label file that the file does not say itself."""

from __future__ import annotations

from dataclasses import dataclass

from annotator.domain import State
from annotator.errors import NotFound

SEPARATORS = {
    "blank": " ",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "hash": "#",
    "tab": "\t",
    "none": "",
}
"""What may stand between the tags of one cell, by the word for it; `none`: a cell is one tag."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """What decides where a file could be read in two ways.

    Raises:
        NotFound: If there is no such choice.
    """

    unlisted: str = "unknown"
    """What a category means that the file does not mention: unknown or absent."""
    minus_one: str | None = None
    """What a cell of -1 means: absent or unknown; None: such cells are refused."""
    separator: str | None = None
    """What stands between the tags of one cell, a word of `SEPARATORS`; None: the file shows it."""

    def __post_init__(self) -> None:
        if self.unlisted not in ("unknown", "absent"):
            raise NotFound(f"--unlisted must be unknown or absent, not {self.unlisted!r}.")
        if self.minus_one not in (None, "unknown", "absent"):
            raise NotFound(f"--minus-one must be absent or unknown, not {self.minus_one!r}.")
        if self.separator is not None and self.separator not in SEPARATORS:
            words = ", ".join(SEPARATORS)
            raise NotFound(f"--separator must be one of {words}, not {self.separator!r}.")

    @property
    def unlisted_state(self) -> State | None:
        """The state of a pair that the file does not mention; None for unknown."""
        return State.ABSENT if self.unlisted == "absent" else None

    def arguments(self) -> list[str]:
        """Return the options of the command line that say the same."""
        chosen = {
            "--unlisted": self.unlisted,
            "--minus-one": self.minus_one,
            "--separator": self.separator,
        }
        return [f"{option}={value}" for option, value in chosen.items() if value is not None]


DEFAULTS = ReadOptions()
"""Nothing is said: what a file does not mention is unknown."""
