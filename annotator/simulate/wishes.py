"""What the certificate of a simulation is to promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from annotator.errors import NotFound, NotReady
from annotator.services.certificates.rows import PromiseKind


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A promise about the finished set; of the numbers only those of its kind count."""

    promise: PromiseKind = "recall"
    recall: float = 0.9
    f1: float = 0.9

    def check(self) -> None:
        """Refuse what nobody can promise.

        Raises:
            NotReady: If a number is out of range.
        """
        for name in ("recall", "f1"):
            if not 0 < getattr(self, name) < 1:
                raise NotReady(f"--{name} must lie between 0 and 1, such as 0.9.")


def kind_named(name: str) -> PromiseKind:
    """Return a promise by its name on the command line.

    Raises:
        NotFound: If there is none of that name; the message lists those there are.
    """
    kinds = {kind.replace("_", "-"): kind for kind in get_args(PromiseKind)}
    if name not in kinds:
        raise NotFound(f"There is no promise {name!r}; known: {', '.join(kinds)}.")
    found: PromiseKind = kinds[name]
    return found
