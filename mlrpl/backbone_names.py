"""Names of backbones: what they may look like, without loading any network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LITE0 = "efficientnet-lite0"
PACKAGED = (LITE0, "efficientnet-lite1", "efficientnet-lite2")
"""Networks whose weights are Python packages, so that they need no network."""
HUBS = ("timm", "torchvision")
"""Libraries whose models are named `HUB:NAME`, with weights from their hub."""
KNOWN = f"{', '.join(PACKAGED)}, timm:NAME, torchvision:NAME, NAME@FILE, NAME+NAME"
"""Everything that a name may be, for messages."""

_NEXT = re.compile(r"\+(?=efficientnet-lite|timm:|torchvision:)")
"""Where the next network of a sum begins: a file's path may hold a plus sign, too."""


@dataclass(frozen=True)
class PartName:
    """The name of one network of a backbone, taken apart."""

    model: str
    """What it is called in its library, or one of `PACKAGED`."""
    hub: str = ""
    """One of `HUBS`; empty for a packaged network."""
    weights: Path | None = None
    """A file to be used in place of the weights that go with the name."""

    def __str__(self) -> str:
        model = f"{self.hub}:{self.model}" if self.hub else self.model
        return model if self.weights is None else f"{model}@{self.weights}"


def parse(name: str) -> tuple[PartName, ...]:
    """Return the networks that a backbone's name lists, in its order.

    >>> [str(part) for part in parse("efficientnet-lite2+timm:resnet50@weights/mine.pth")]
    ['efficientnet-lite2', 'timm:resnet50@weights/mine.pth']

    Raises:
        ValueError: If a part is no backbone's name, or is named twice. Whether timm or torchvision
            has such a model shows when it is loaded.
    """
    texts = _NEXT.split(name) if "@" in name else name.split("+")
    parts = tuple(_part(text) for text in texts)
    twice = [str(part) for part in parts if parts.count(part) > 1]
    if twice:
        raise ValueError(f"backbone {name!r} names {twice[0]} twice; name each network once")
    return parts


def located(name: str, folder: Path) -> str:
    """Return a name whose weights files are absolute, relative ones taken from a folder.

    Raises:
        ValueError: As `parse` does.
    """
    parts = parse(name)
    if all(part.weights is None for part in parts):
        return name
    found = []
    for part in parts:
        weights = None if part.weights is None else (folder / part.weights).absolute()
        found.append(str(PartName(part.model, part.hub, weights)))
    return "+".join(found)


def _part(text: str) -> PartName:
    network, at, file = text.partition("@")
    hub, colon, model = network.partition(":")
    if at and not file:
        raise ValueError(f"backbone {text!r} names no file behind @; write NAME@FILE")
    weights = Path(file).expanduser() if at else None
    if network in PACKAGED:
        return PartName(network, weights=weights)
    if colon and hub in HUBS and model:
        return PartName(model, hub, weights)
    raise ValueError(f"unknown backbone {text!r}; known: {KNOWN}")
