"""The projects in a folder, each in a few figures, whether or not it is being served."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from annotator.errors import AnnotatorError, ProjectError
from annotator.services.catalogue.pictures import Media
from annotator.services.knowledge.open_pairs import PairCounts
from annotator.setting_sections import Server
from annotator.settings import PROJECT_FILE, Project, load_project
from annotator.store import Store, activity, categories, images, versions

THUMBNAIL_WIDTH = 256
"""Longest side of the image on a project's card, in pixels."""


@dataclass(frozen=True, kw_only=True)
class ProjectSummary:
    """What a list of projects says of one."""

    folder: str
    """Name of its folder."""
    name: str
    images: int = 0
    pairs: int = 0
    answered: int = 0
    """Of the pairs."""
    version: int | None = None
    """That is in use."""
    last_answer_at: datetime | None = None
    thumbnail: bytes = b""
    """Its first image as a WebP file; empty where there is none."""
    problem: str = ""
    """Why nothing more is known; empty if all is well."""


def is_project(path: Path) -> bool:
    """Return whether a folder is a project, sound or broken."""
    return (path / PROJECT_FILE).is_file()


def project_folders(folder: Path) -> list[Path]:
    """Return the projects that lie directly in a folder, by name; hidden ones are left out.

    Raises:
        ProjectError: If the folder cannot be read.
    """
    try:
        found = [p for p in folder.iterdir() if not p.name.startswith(".") and is_project(p)]
    except OSError as error:
        raise ProjectError(
            f"{folder} cannot be read ({error.strerror}); name a folder of projects."
        ) from None
    return sorted(found, key=lambda path: path.name.casefold())


def largest_upload(projects: Iterable[Path]) -> int:
    """Return the most bytes that any of some projects lets in with one file."""
    most = 0.0
    for path in projects:
        with suppress(ProjectError):  # a broken one lets in nothing
            most = max(most, load_project(path).settings.server.max_upload_mb)
    return round((most or Server().max_upload_mb) * 1e6)


def summary_of(path: Path) -> ProjectSummary:
    """Return what a list says of a project; of one that cannot be opened, why."""
    name = path.name
    try:
        project = load_project(path)
        name = project.settings.name or name
        store = Store.open(project.database_url)
    except AnnotatorError as error:
        return ProjectSummary(folder=path.name, name=name, problem=str(error))
    try:
        return _counted(path.name, project, store)
    except AnnotatorError as error:
        return ProjectSummary(folder=path.name, name=name, problem=str(error))
    finally:
        store.close()


def _counted(folder: str, project: Project, store: Store) -> ProjectSummary:
    with store.reading() as tx:
        total = images.count(tx)
        pairs = PairCounts.of(total, categories.every(tx), {})
        promoted = versions.promoted(tx)
        last = activity.last_answer_at(tx)
        first = next(images.in_parts(tx, 1), [])
    return ProjectSummary(
        folder=folder,
        name=project.settings.name or folder,
        images=total,
        pairs=pairs.pairs,
        answered=pairs.answered,
        version=promoted.number if promoted else None,
        last_answer_at=last,
        thumbnail=_thumbnail(project, store, first[0].id) if first else b"",
    )


def _thumbnail(project: Project, store: Store, image_id: int) -> bytes:
    media = Media(project, store)
    try:
        return media.content(image_id, THUMBNAIL_WIDTH)
    except AnnotatorError:  # the card goes without
        return b""
    finally:
        media.close()
