"""What of each method can be set for one training, in plain words, with what is usual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotator.errors import AnnotatorError

EPOCHS = "epochs"
"""The option that is the training's and not the method's."""


@dataclass(frozen=True, kw_only=True)
class MethodOption:
    """One number of a method."""

    name: str
    """As the method knows it."""
    label: str
    says: str
    usual: float
    least: float = 0.0
    most: float = 1000.0
    whole: bool = False

    def checked(self, value: float) -> float | int:
        """Return a number that somebody typed in.

        Raises:
            AnnotatorError: If it is out of range, or no whole number where one is needed.
        """
        if not self.least <= value <= self.most or (self.whole and value != int(value)):
            kind = "a whole number" if self.whole else "a number"
            raise AnnotatorError(
                f"{self.label} must be {kind} from {self.least:g} to {self.most:g}, got {value:g}."
            )
        return int(value) if self.whole else float(value)


def _passes(usual: int) -> MethodOption:
    return MethodOption(
        name=EPOCHS,
        label="Epochs",
        says=f"Default {usual}. More take longer. Also used for fine-tuning.",
        usual=usual,
        least=1,
        most=500,
        whole=True,
    )


_BOUNDS = "Larger values regularise more, which helps with few answers."

_HELD_BACK = MethodOption(
    name="penalty",
    label="Penalty of each classifier",
    says=f"Default 0.1. {_BOUNDS}",
    usual=0.1,
)
_NETWORK = (
    _passes(10),
    MethodOption(
        name="classifier_penalty",
        label="Penalty of the region classifiers",
        says=f"Default 3. {_BOUNDS}",
        usual=3.0,
    ),
    MethodOption(
        name="pooled_penalty",
        label="Penalty of the whole-image classifiers",
        says=f"Default 0.3. {_BOUNDS}",
        usual=0.3,
    ),
)

METHOD_OPTIONS: Mapping[str, tuple[MethodOption, ...]] = {
    "kernel_ridge": (
        MethodOption(
            name="ridge",
            label="Penalty of the fit",
            says=f"Default 0: the best one is found by leave-one-out error. {_BOUNDS}",
            usual=0.0,
        ),
    ),
    "partial_bce": (_passes(40), _HELD_BACK),
    "curriculum": (_passes(40), _HELD_BACK),
    "hst": _NETWORK,
    "sarb": _NETWORK,
}
"""By method; `mlrpl methods` lists all that there are."""


def numbers_in(texts: Iterable[str]) -> dict[str, float]:
    """Return numbers by name of the option, as somebody types them: `penalty=0.3`.

    Raises:
        AnnotatorError: If a text is not like that.
    """
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise AnnotatorError(
                f"An option is a name and a number, like penalty=0.3; got {text!r}."
            ) from None
    return found


def job_options(method: str, chosen: Mapping[str, float]) -> dict[str, Any]:
    """Return what a training job is told of them, `epochs` and `options`, without usual numbers.

    Args:
        method: What learns.
        chosen: Numbers by name of the option.

    Raises:
        AnnotatorError: If the method has no such option, or a number is out of range.
    """
    known = {option.name: option for option in METHOD_OPTIONS.get(method, ())}
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise AnnotatorError(
            f"{method} has no option {unknown[0]!r}; known: {', '.join(known) or 'none'}."
        )
    told = {n: known[n].checked(v) for n, v in chosen.items() if v != known[n].usual}
    found: dict[str, Any] = {EPOCHS: told.pop(EPOCHS)} if EPOCHS in told else {}
    return found | ({"options": told} if told else {})
