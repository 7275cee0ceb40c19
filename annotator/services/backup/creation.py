"""Making a backup: one file with everything that cannot be had again, while people go on."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from annotator.errors import AnnotatorError, FormatError, ProjectError
from annotator.services.backup import contents
from annotator.services.backup.archive import Archive, ArchiveWriter
from annotator.services.backup.partial import partial_folder, sync
from annotator.services.clock import Clock, utc_now
from annotator.services.project import identity
from annotator.settings import PROJECT_FILE, Project, changed, save_project
from annotator.store import Store, certificates, snapshot, versions

DATABASE = "labels.db"
"""Name of the database in every backup, wherever it lies in the project."""

ENDING = ".zip"

FORMAT = 1
"""Of the archive; a program refuses one that is newer than it knows."""

ARCHIVE = "archive"
"""Name of the file while it is being written."""

Progress = Callable[[int, int, str], None]
"""Called with megabytes done, megabytes in all, and what is being done."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A backup that was made and checked."""

    file: Path
    bytes: int
    created_at: str
    features: bool
    """Whether it holds the features of the images; else they are computed again."""
    damaged: tuple[str, ...]
    """Files that are not what the project wrote; they are in the backup as they are."""
    deleted: tuple[Path, ...]
    """Older backups that made room."""

    def row(self) -> dict[str, object]:
        """Return it as JSON."""
        return asdict(self) | {"file": str(self.file), "deleted": [str(f) for f in self.deleted]}

    def text(self) -> str:
        """Return it as sentences."""
        lines = [
            f"{self.file}: {self.bytes / 1e6:,.1f} MB, checked; restore it with `annotator "
            f"restore {self.file} NEW_PROJECT`"
        ]
        lines += [f"deleted the older backup {file}" for file in self.deleted]
        if self.damaged:
            lines.append(
                f"{', '.join(self.damaged)}: damaged in the project, and so in the backup; "
                "`annotator doctor PROJECT --repair` has such files made again"
            )
        return "\n".join(lines)


def back_up(
    project: Project,
    store: Store,
    target: Path,
    *,
    features: bool = True,
    keep: int | None = None,
    on_progress: Progress = lambda *_: None,
    clock: Clock = utc_now,
) -> Backup:
    """Write a backup, read it again, and give it its name only then.

    Args:
        project: Whose settings, database, versions, certificates and features are backed up; the
            images are not.
        store: Its database, at the moment at which this is called.
        target: A file that ends in `.zip` and does not exist, or a folder for dated files.
        features: Whether the features go in, too.
        keep: Delete all but so many backups of this project from the folder.
        on_progress: Called as it goes on.
        clock: The time of day.

    Raises:
        ProjectError: If the target cannot be used, or a file of the project cannot be read.
        StoreError: If the database is on a server or damaged; nothing is written then.
        StoreUnavailable: If it cannot be copied now.
    """
    if store.file_identity() is None:
        raise ProjectError(
            "The database of this project is on a server: back it up with the tools of the server "
            f"(pg_dump for PostgreSQL), and copy the folder {project.path}."
        )
    now = clock()
    about = {
        "format": FORMAT,
        "project": project.settings.name,
        "key": identity.Lineage(store).key(),
        "path": str(project.path),
        "created_at": now.isoformat(),
        "features": features,
    }
    with _writable(target):
        file = _file(project, target, keep, now)
        wrong = _published(project, store, file, about, on_progress)
        size = file.stat().st_size
    deleted = [] if keep is None else _older(file, str(about["key"]), keep - 1)
    for older in deleted:
        _delete(older)
    return Backup(
        file=file,
        bytes=size,
        created_at=now.isoformat(),
        features=features,
        damaged=tuple(wrong),
        deleted=tuple(deleted),
    )


def _published(
    project: Project, store: Store, file: Path, about: Mapping[str, Any], report: Progress
) -> list[str]:
    """Write and check the archive out of sight, then give it its name."""
    with partial_folder(file) as building:
        wrong = _written(project, store, building, about, report)
        if file.exists():  # made by somebody else meanwhile
            raise _taken(file)
        (building / ARCHIVE).rename(file)
        sync(file.parent)
    return wrong


def _written(
    project: Project, store: Store, building: Path, about: Mapping[str, Any], report: Progress
) -> list[str]:
    """Write and check the archive, and return the files that are damaged in the project."""
    copy = building / DATABASE
    with store.reading() as tx:
        published = [v.number for v in versions.every(tx)]
        planned = [c.id for c in certificates.every(tx)]
        snapshot.copy(
            tx,
            copy,
            forget=[identity.PROJECT_FILE],  # so it is another project, wherever it lies
            on_progress=lambda done, total: report(done, total, "Copying the database"),
        )
    folders = contents.folders(project, published, planned, features=about["features"])
    total = copy.stat().st_size + sum(map(contents.size, folders))
    path, wrong = building / ARCHIVE, []
    with ZipFile(path, "x") as zip_file:
        out = ArchiveWriter(zip_file, counted(report, total, "Writing the backup"))
        _add_settings(out, project, building)
        for file, name in [(copy, DATABASE), *contents.weights(project)]:
            with contents.opened_file(file, name) as part:
                out.add(part)
        for folder in folders:
            with contents.opened(folder) as parts:
                wrong += [p.name for p in parts if out.add(p) != (p.expected or out.sums[p.name])]
        out.finish(about)
    sync(path)
    try:
        with Archive.opened(path) as archive:
            archive.verify(counted(report, archive.size(archive.names), "Checking the backup"))
    except FormatError:
        raise ProjectError(
            f"What was written to {building.parent} is not what is read from there, so there is no "
            "backup; check that disk, or choose another place."
        ) from None
    return wrong


def _add_settings(out: ArchiveWriter, project: Project, building: Path) -> None:
    """Put `project.toml` in, as it is, but for the place of the database."""
    file = project.path / PROJECT_FILE
    if project.settings.database != DATABASE:
        (building / PROJECT_FILE).write_bytes(file.read_bytes())
        elsewhere = Project(building, changed(project.settings, {"database": DATABASE}))
        save_project(elsewhere)
        file = building / PROJECT_FILE
    with contents.opened_file(file, PROJECT_FILE) as part:
        out.add(part)


def counted(report: Progress, total: int, stage: str) -> Callable[[int], None]:
    """Return what adds up bytes and reports megabytes of so many bytes in all."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        report(round(done / 1e6), round(max(done, total) / 1e6), stage)

    return count


def _file(project: Project, target: Path, keep: int | None, now: datetime) -> Path:
    """Return the file to write, its folder made."""
    target = target.absolute()
    if target.suffix == ENDING and not target.is_dir():
        if keep is not None:
            raise ProjectError(
                f"--keep is about a folder of backups, and {target} is a file; name a folder."
            )
        if target.exists():
            raise _taken(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target
    if target.exists() and not target.is_dir():
        raise ProjectError(f"{target} is a file; name a folder, or a new file that ends in .zip.")
    target.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", project.path.name) or "project"
    dated = f"{name}-{now:%Y-%m-%dT%H-%M-%SZ}"
    numbered = (target / f"{dated}{end}{ENDING}" for end in ("", *(f"-{n}" for n in range(2, 99))))
    return next(file for file in numbered if not file.exists())


def _taken(file: Path) -> ProjectError:
    return ProjectError(f"{file} exists already; name another file, or a folder for dated ones.")


def _older(made: Path, key: str, keep: int) -> list[Path]:
    """Return the backups of a project beside a new one, all but the newest `keep`.

    What the folder holds besides, backups of other projects and damaged ones too, is left alone.
    """
    found = []
    for file in made.parent.glob(f"*{ENDING}"):
        with contextlib.suppress(AnnotatorError, OSError), Archive.opened(file) as archive:
            if archive.about.get("key") == key and file != made:
                found.append((str(archive.about.get("created_at")), file))
    return [file for _, file in sorted(found)[: max(0, len(found) - keep)]]


def _delete(older: Path) -> None:
    try:
        older.unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            f"The backup was made, but the older one {older} cannot be deleted ({error.strerror}); "
            "check the permissions of its folder."
        ) from None


@contextlib.contextmanager
def _writable(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ProjectError(
            f"The backup {target} cannot be written ({error.strerror or error}); free some space, "
            "check the permissions of its folder, or choose another place."
        ) from error
