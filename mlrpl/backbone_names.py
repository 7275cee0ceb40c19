"""Names of backbones: what they may look like, without loading any network."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

LITE0 = "efficientnet-lite0"
PACKAGED = (LITE0, "efficientnet-lite1", "efficientnet-lite2")
"""Networks whose weights are Python packages, so that they need no network."""
HUBS = ("timm", "torchvision")
"""Libraries whose models are named `HUB:NAME`, with weights from their hub."""
KNOWN = (
    f"{', '.join(PACKAGED)}, timm:NAME, torchvision:NAME, NAME@FILE, NAME@448px, NAME@FILE@448px, "
    "NAME+NAME"
)
"""Everything that a name may be, for messages."""

_NEXT = re.compile(r"\+(?=efficientnet-lite|timm:|torchvision:)")
"""Where the next network of a sum begins: a file's path may hold a plus sign, too."""
SMALLEST_SIDE, LARGEST_SIDE = 32, 2048
"""Bounds of the side of a network's square input, in pixels."""
OWN_SIDES = dict(zip(PACKAGED, (224, 240, 260), strict=True))
"""The side that each packaged network was trained at."""
STRIDE = 32
"""Pixels of the input, along one side, that become one position of a packaged network's map."""

_SIDE = re.compile(r"@([1-9]\d*)px$")
_LIKE_A_SIDE = re.compile(r"[\d.,x \-]*\d(?: ?px(?:@.*)?)?", re.IGNORECASE)
"""What somebody wrote who meant a side; a weights file has an ending."""


@dataclass(frozen=True)
class PartName:
    """The name of one network of a backbone, taken apart."""

    model: str
    """What it is called in its library, or one of `PACKAGED`."""
    hub: str = ""
    """One of `HUBS`; empty for a packaged network."""
    weights: Path | None = None
    """A file to be used in place of the weights that go with the name."""
    side: int | None = None
    """Side of the square input in pixels; None means the network's own."""

    def __str__(self) -> str:
        model = f"{self.hub}:{self.model}" if self.hub else self.model
        file = "" if self.weights is None else f"@{self.weights}"
        return f"{model}{file}" if self.side is None else f"{model}{file}@{self.side}px"


def parse(name: str) -> tuple[PartName, ...]:
    """Return the networks that a backbone's name lists, in its order.

    >>> [str(part) for part in parse("efficientnet-lite2+timm:resnet50@weights/mine.pth")]
    ['efficientnet-lite2', 'timm:resnet50@weights/mine.pth']
    >>> parse("timm:resnet50@mine.pth@448px")[0].side
    448

    Raises:
        ValueError: If a part is no backbone's name, names an input side that cannot be used, or is
            named twice. Whether timm or torchvision has such a model, and whether that takes
            pictures of such a side, shows when it is loaded.
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
        found.append(str(replace(part, weights=weights)))
    return "+".join(found)


def refuse_side(name: str, side: int, own: int, stride: int) -> None:
    """Refuse an input side that a network's map does not divide evenly.

    Args:
        name: Of the network, for the message.
        side: Of the square input, in pixels.
        own: The side that the network was trained at, which is always right.
        stride: Pixels of the input, along one side, that become one position of the map.

    Raises:
        ValueError: If the side is neither `own` nor a multiple of `stride`.
    """
    if side == own or side % stride == 0:
        return
    below = max(side // stride * stride, stride)
    raise ValueError(
        f"{name} takes pictures whose side is a multiple of {stride} pixels, not {side}; "
        f"write @{below}px or @{below + stride}px"
    )


def _part(text: str) -> PartName:
    named, side = _without_side(text)
    network, at, file = named.partition("@")
    hub, colon, model = network.partition(":")
    if at and not file:
        raise ValueError(f"backbone {text!r} names no file behind @; write NAME@FILE")
    if at and _LIKE_A_SIDE.fullmatch(file):
        raise ValueError(
            f"backbone {text!r} names no input side; write it in whole pixels at the end, "
            "NAME@448px or NAME@FILE@448px"
        )
    weights = Path(file).expanduser() if at else None
    if network in PACKAGED:
        if side is not None:
            refuse_side(network, side, OWN_SIDES[network], STRIDE)
        return PartName(network, weights=weights, side=side)
    if colon and hub in HUBS and model:
        return PartName(model, hub, weights, side)
    raise ValueError(f"unknown backbone {text!r}; known: {KNOWN}")


def _without_side(text: str) -> tuple[str, int | None]:
    """Return a part of a name without the input side at its end, and that side."""
    found = _SIDE.search(text)
    if found is None:
        return text, None
    digits = found[1]
    if len(digits) > 6 or not SMALLEST_SIDE <= int(digits) <= LARGEST_SIDE:
        raise ValueError(
            f"backbone {text!r}: an input side of {digits} pixels cannot be used; choose one from "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE}"
        )
    return text[: found.start()], int(digits)
