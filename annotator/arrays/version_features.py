"""Which features go with a version: those of the project, or of a network that was fine-tuned."""

from __future__ import annotations

import shutil
from pathlib import Path

from annotator.arrays import versions
from annotator.settings import Project

BACKBONE = "backbone.safetensors"
"""The fine-tuned network in the folder of a version that has one, and the head it learned with."""


def features_path(project: Project, number: int | None) -> Path:
    """Return the folder of the features that go with a version, the only place to learn it from.

    Whatever compares images while a version is promoted (its scores, similar images, the order in
    which images are shown) reads these, so that all of it changes at once with the promotion.

    Args:
        project: Whose frozen network's features go with all versions that were not fine-tuned.
        number: Of the promoted version; None before there is one.

    Raises:
        ProjectError: If the version's `config.toml` is damaged.
    """
    made_by = owner(project, number)
    return project.features_path if made_by is None else owned(project, made_by)


def owner(project: Project, number: int | None) -> int | None:
    """Return the version whose fine-tuned network makes a version's features; None: the project's.

    Raises:
        ProjectError: If the version's `config.toml` is damaged.
    """
    path = None if number is None else versions.folder(project, number)
    if path is None or not versions.is_ready(path):
        return None
    return versions.read_parameters(path).features_of


def owned(project: Project, number: int) -> Path:
    """Return where the features of a version with a network of its own lie."""
    return versions.folder(project, number) / versions.FEATURES


def delete_features(path: Path) -> bool:
    """Delete a version's own features, which its network makes again; whether there were any."""
    gone = path.parent / f".{path.name}.{versions.FEATURES}.tmp"
    shutil.rmtree(gone, ignore_errors=True)
    try:
        (path / versions.FEATURES).rename(gone)  # at once, so that nobody opens half of them
    except FileNotFoundError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True
