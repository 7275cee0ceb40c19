"""Making a project from a backup: checked first, whole or not at all, and never over another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annotator.arrays.versions import FEATURES
from annotator.errors import FormatError, ProjectError
from annotator.services.backup.archive import Archive
from annotator.services.backup.creation import DATABASE, FORMAT, Progress, counted
from annotator.services.backup.partial import partial_folder, sync
from annotator.services.project import identity
from annotator.settings import PROJECT_FILE, Project, changed, load_project, save_project
from annotator.store import Store, images, snapshot


@dataclass(frozen=True, kw_only=True)
class Restored:
    """A project that was made from a backup."""

    project: Path
    backup: Path
    created_at: str
    """When the backup was made."""
    images: int
    features: bool
    """Whether it has the features of the images; else the trainer computes them again."""
    missing: tuple[str, ...]
    """Image folders that are not here."""

    def row(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self) | {"project": str(self.project), "backup": str(self.backup)}

    def text(self) -> str:
        """Return it as sentences."""
        lines = [f"{self.project}: {self.images:,} images, as backed up at {self.created_at[:16]}"]
        if not self.features:
            lines.append("The features of the images are not in it; the trainer makes them again.")
        lines += [
            f"The image folder {folder} is not here; change its path under [roots] in "
            f"{self.project / PROJECT_FILE}."
            for folder in self.missing
        ]
        lines.append(f"Next: annotator serve {self.project}")
        return "\n".join(lines)


def restore(
    file: Path,
    target: Path,
    *,
    features: bool = True,
    on_progress: Progress = lambda *_: None,
) -> Restored:
    """Make a project from a backup; it is another project than the one that was backed up.

    Args:
        file: The backup.
        target: The project directory; must not exist, or be empty.
        features: Whether to take the features, if the backup has them.
        on_progress: Called as it goes on.

    Raises:
        ProjectError: If the place is taken or cannot be written, or the settings are broken.
        FormatError: If the file is no backup, or is damaged.
        StoreError: If its database is damaged or made by a newer program.
    """
    target = target.absolute()
    _refuse_taken(target)
    with _explained(file, target), Archive.opened(file) as archive:
        if archive.about.get("format") != FORMAT:
            raise FormatError(f"The backup {file} was made by a newer program; upgrade this one.")
        names = [n for n in archive.names if features or not _is_feature(n)]
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_too_large(archive.size(names), target.parent)
        with partial_folder(target) as building:
            count = counted(on_progress, archive.size(names), "Restoring the backup")
            for name in names:
                archive.unpack(name, building, count)
                sync(building / name)
            found, missing = _opened(building, target, archive.about)
            for folder in (building, *(f for f in building.rglob("*") if f.is_dir())):
                sync(folder)
            if target.exists():
                target.rmdir()
            building.rename(target)
        sync(target.parent)
        return Restored(
            project=target,
            backup=file,
            created_at=str(archive.about.get("created_at", "")),
            images=found,
            features=any(map(_is_feature, names)),
            missing=missing,
        )


def _is_feature(name: str) -> bool:
    return FEATURES in Path(name).parts[:-1]


def _opened(building: Path, target: Path, about: Mapping[str, Any]) -> tuple[int, tuple[str, ...]]:
    """Make what was unpacked a project that works at its place; return images, missing folders."""
    for name in (PROJECT_FILE, DATABASE):
        if not (building / name).is_file():
            raise FormatError(f"The backup has no {name}; use another backup.")
    snapshot.check(building / DATABASE)
    project = load_project(building)
    roots = _roots(project.settings.roots, target, str(about.get("path", "")))
    save_project(
        Project(building, changed(project.settings, {"roots": roots, "database": DATABASE}))
    )
    building.chmod(0o755)
    with closing(Store.open(load_project(building).database_url)) as store:
        identity.Lineage(store).key()
        with store.reading() as tx:
            count = images.count(tx)
    places = [os.path.normpath(target / place) for place in roots.values()]
    return count, tuple(place for place in places if not Path(place).is_dir())


def _roots(roots: Mapping[str, str], target: Path, before: str) -> dict[str, str]:
    """Return where the image folders are, seen from the new place of the project.

    A relative path means what it meant before, as long as there is such a folder on this machine;
    where the project comes from another one, it is taken from the new place.
    """
    found = {}
    for name, place in roots.items():
        was = Path(os.path.normpath(Path(before) / place))
        moved = Path(before) != target and before and not Path(place).is_absolute()
        found[name] = str(was) if moved and was.is_dir() else place
    return found


def _refuse_taken(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ProjectError(
            f"{target} exists already, and nothing is restored over it; name a new folder, or "
            "move the old one out of the way."
        )


def _refuse_too_large(size: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise ProjectError(
            f"The backup needs {size / 1e9:,.1f} GB, and {folder} has {free / 1e9:,.1f} GB free; "
            "free some space or choose another place."
        )


@contextmanager
def _explained(file: Path, target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is not None and Path(str(error.filename)) == file:
            raise ProjectError(
                f"The backup {file} cannot be read ({error.strerror}); check its name and its "
                "permissions."
            ) from None
        raise ProjectError(
            f"The backup {file} cannot be restored to {target} ({error.strerror or error}); free "
            "some space, check the permissions of the folder, or choose another place."
        ) from error
