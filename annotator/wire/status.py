"""The status line that every page shows."""

from __future__ import annotations

from typing_extensions import TypedDict


class Trainer(TypedDict):
    """What the trainer is doing."""

    state: str
    """`off`, `starting`, `idle`, `embedding`, `training`, `waiting` for what the message says, or
    `failed`."""
    stage: str
    done: int
    total: int
    loss: float | None
    epoch: int | None
    epochs: int | None
    message: str
    """Why it does nothing; empty where it works or waits for answers."""
    worker_alive: bool


class Today(TypedDict):
    """What somebody has done today."""

    answers: int
    """Pairs."""
    per_minute: float | None
    """Answers a minute of work; None after too little of it."""


class ProjectState(TypedDict):
    """Version, counts and what the trainer is doing now."""

    project: str
    """What people call it."""
    version: int | None
    problem: str
    """Why the version in use suggests nothing; empty if nothing is wrong."""
    ordered: bool
    """Images that nobody has looked at come in an order of their own, not in that of the files."""
    images: int
    images_done: int | None
    """Images without an open pair; None while they are being counted."""
    today: Today
    """Of the person who asks."""
    time_left: str
    """How long the rest takes, as in `about 2 hours`; empty where nothing can be said."""
    answered: int
    filled: int
    open: int
    suggestions: int
    suggestions_about: bool
    """The suggestions of a new version are being counted; this is the figure from its making."""
    until_suggestions: str
    """What the first suggestions wait for, as a sentence; empty once there is a version."""
    trainer: Trainer
    categories_revision: str
    """That of `CategoryList`, for whoever asks."""
