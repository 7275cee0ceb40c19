"""Which features go with a version: those of the project, or of a network that was fine-tuned."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from annotator.arrays import versions
from annotator.arrays.features import FeatureFiles, unreadable
from annotator.errors import ProjectError
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
    """
    made_by = owner(project, number)
    return project.features_path if made_by is None else owned(project, made_by)


def owner(project: Project, number: int | None) -> int | None:
    """Return the version whose fine-tuned network makes a version's features; None: the project's.

    A version whose parameters are damaged suggests nothing, so the project's features will do.
    """
    path = None if number is None else versions.folder(project, number)
    if path is None or not versions.is_ready(path):
        return None
    try:
        return versions.read_parameters(path).features_of
    except ProjectError:
        return None  # whoever needs the version says why it cannot be used


def usable_features(path: Path) -> FeatureFiles | None:
    """Return the features in a folder, None if there are none or they are damaged.

    For whoever can go on without: a page then shows images in the order of their files, and the
    status line says why.
    """
    try:
        return FeatureFiles.open(path)
    except ProjectError:
        return None


def gives_order(path: Path) -> bool:
    """Return whether the features in a folder have an order of the images, which comes last."""
    features = usable_features(path)
    return features is not None and features.order is not None


def damage(path: Path) -> str:
    """Return why the features in a folder cannot be used, as a sentence; empty if they can be."""
    try:
        features = FeatureFiles.open(path)
        wrong = [] if features is None else features.damaged_files()
    except ProjectError as error:
        return str(error)
    return str(unreadable(path)) if wrong else ""


def stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what changes whenever a file of a folder is written; empty without the folder."""
    try:
        entries = [(e.name, e.stat()) for e in os.scandir(path)]
    except OSError:
        return ()
    return tuple(sorted((name, s.st_mtime_ns, s.st_size) for name, s in entries))


def owned(project: Project, number: int) -> Path:
    """Return where the features of a version with a network of its own lie."""
    return versions.folder(project, number) / versions.FEATURES


def delete_features(path: Path) -> bool:
    """Delete a version's own features, which its network makes again; whether there were any."""
    return _delete(path / versions.FEATURES, path.parent / f".{path.name}.{versions.FEATURES}.tmp")


def delete_folder(path: Path) -> bool:
    """Delete a folder of features; whether there was one."""
    return _delete(path, path.parent / f".{path.name}.tmp")


def _delete(path: Path, gone: Path) -> bool:
    shutil.rmtree(gone, ignore_errors=True)
    try:
        path.rename(gone)  # at once, so that nobody opens half of it
    except FileNotFoundError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True
