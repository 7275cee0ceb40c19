"""What is known of an image beside its labels: its files, and what the camera wrote into them."""

from __future__ import annotations

from typing_extensions import TypedDict

from annotator.wire.request import Id, Request


class ImageInformationRequest(Request):
    """What is known of an image; where it was taken only if that is asked for."""

    image: Id
    position: bool = False


class ImageFile(TypedDict):
    """A file that holds an image."""

    name: str
    """As exports and the command line have it."""
    folder: str
    """On the machine of the server."""
    bytes: int
    modified: str
    """Time of its last change."""
    problem: str
    """Why it cannot be read; empty if it can."""


class CameraData(TypedDict):
    """What the file says about how it was taken; empty where it says nothing."""

    camera: str
    lens: str
    taken: str
    """By the camera's clock."""
    exposure: str
    orientation: str
    """How the pixels lie in the file, empty if upright."""
    has_position: bool
    position: tuple[float, float] | None
    """Degrees north and east, if asked for."""


class ImageInformation(TypedDict):
    """What is known of an image beside its labels."""

    image: int
    number: int
    """From 1, in the order of the project."""
    name: str
    width: int
    height: int
    format: str
    files: list[ImageFile]
    problem: str
    """Why nothing is known of how it was taken; empty if the file was read."""
    camera: CameraData
