"""Making a project: all of it, or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from annotator.errors import NotReady, ProjectError
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.images.kinds import FORMATS
from annotator.images.left_out import sentence
from annotator.images.sources import BrokenFile as ScannedBroken
from annotator.images.sources import FoundFile, Scan, scan
from annotator.services.background.short_transactions import ALONE, for_all
from annotator.services.background.subprocesses import Progress as ImportProgress
from annotator.services.background.subprocesses import nobody
from annotator.services.clock import Clock, utc_now
from annotator.services.exchange.import_summary import ImportSummary
from annotator.services.exchange.transfer import Transfer
from annotator.services.message import counted
from annotator.services.project.scan_report import FoundFiles, details, found_files, together
from annotator.settings import PROJECT_FILE, Project, Settings, changed, load_project, save_project
from annotator.store import Store, Transaction, categories, image_use, images
from annotator.store.categories import NewCategory
from annotator.store.images import Added, BrokenFile, FoundImage
from mlrpl import backbone_names

ROOT = "images"
"""Name of the image root that `init` makes."""

Progress = Callable[[int, int], None]
"""Called with how many files are read, and how many there are."""


@dataclass(frozen=True, kw_only=True)
class Created:
    """What `init` made."""

    project: Project
    images: int
    paths: int
    categories: int
    found: FoundFiles
    imported: ImportSummary | None

    def row(self) -> dict[str, object]:
        """Return what was made as JSON."""
        return {
            "project": str(self.project.path),
            "images": self.images,
            "paths": self.paths,
            "categories": self.categories,
            "refused": self.found["refused_files"],
            "first_frame_only": self.found["first_frame_only"],
            "left_out": self.found["left_out"],
            "imported": None if self.imported is None else self.imported.row(),
        }

    def use_backbone(self, name: str) -> None:
        """Make another network the one that computes the features."""
        self.project.settings = changed(self.project.settings, {"backbone": name})
        save_project(self.project)

    def text(self) -> str:
        """Return what was made as sentences."""
        lines = [
            f"{self.project.path}: {counted(self.images, 'image')} in "
            f"{counted(self.paths, 'file')}, "
            f"{counted(self.categories, 'category', 'categories')}"
        ]
        if self.imported is not None:
            lines.append(self.imported.text())
        lines += details(self.found)
        lines.append(f"Next: annotator serve {self.project.path}")
        return "\n".join(lines)


def create_project(
    path: Path,
    folder: Path,
    *,
    names: Sequence[str] = (),
    labels: Path | None = None,
    format: str | None = None,
    options: ReadOptions = DEFAULTS,
    annotator: str = "import",
    settings: Settings | None = None,
    on_progress: Progress = lambda *_: None,
    on_import: ImportProgress = nobody,
    clock: Clock = utc_now,
) -> Created:
    """Make a project directory from a folder of images.

    The project is built under a temporary name beside its place and renamed when it is complete.

    Args:
        path: The project directory; must not exist, or be empty.
        folder: Any tree of folders with pictures.
        names: Category names; may be empty if `labels` brings some.
        labels: A label file to import, in a format of `annotator.formats`.
        format: Name of its format; None decides by the suffix.
        options: What decides where the label file could be read in two ways.
        annotator: In whose name the labels are imported.
        settings: Settings to start from; name and roots are filled in.
        on_progress: Called while the pictures are read.
        on_import: Called while the labels are imported.
        clock: The time of day.

    Raises:
        ProjectError: If the place is taken, the folder cannot be used, or the settings name no
            backbone.
        NotReady: If the folder holds no picture.
        FormatError: If the label file does not follow its format or is about other images.
    """
    path = path.absolute()
    _refuse_taken(path)
    _refuse_sources(folder, names, labels)
    start = settings or Settings(name=path.name)
    _refuse_backbone(start.backbone)
    found = scan(folder, {}, settings=start.images, on_progress=on_progress)
    if not found.found:
        raise NotReady(_nothing_found(folder, found))
    start = changed(start, {"roots": {ROOT: _root_for(folder, path)}})
    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial"))
    try:
        building.chmod(0o755)
        project = Project(building, start)
        summary = _fill(project, found, names, labels, format, options, annotator, clock, on_import)
        save_project(project)
        if path.exists():
            path.rmdir()
        building.rename(path)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return _report(load_project(path), found, summary)


def _refuse_sources(folder: Path, names: Sequence[str], labels: Path | None) -> None:
    if not folder.is_dir():
        raise ProjectError(f"{folder} is not a folder of images; name an existing folder.")
    if labels is not None and not labels.is_file():
        raise ProjectError(f"The label file {labels} does not exist; check its name.")
    if not names and labels is None:
        raise ProjectError(
            "A project needs categories: name them with --categories cat,dog or a file with one "
            "name per line, or give a label file with --labels."
        )


def _fill(
    project: Project,
    found: Scan,
    names: Sequence[str],
    labels: Path | None,
    format: str | None,
    options: ReadOptions,
    annotator: str,
    clock: Clock,
    on_import: ImportProgress,
) -> ImportSummary | None:
    store = Store.create(project.database_url)
    try:
        with store.writing() as tx:
            categories.add(tx, [NewCategory(name) for name in names])
            add_scan(tx, ROOT, found)
        if labels is None:
            return None
        transfer = Transfer(project, store, clock=clock)
        return transfer.import_file(
            labels,
            format=format,
            options=options,
            annotator=annotator,
            allow_new_categories=not names,
            pace=ALONE,
            on_progress=on_import,
        )
    finally:
        store.close()


def add_images(
    project: Project,
    store: Store,
    root: str,
    *,
    had: int | None = None,
    on_progress: Progress = lambda *_: None,
) -> tuple[Added, Scan, int]:
    """Read a root again and take in what is new or changed.

    Args:
        project: The project.
        store: Of the project.
        root: Name of the root.
        had: How many images there were before the look that this is a part of; None: now.
        on_progress: Called while the pictures are read.

    Returns:
        What was added, what the folder holds, and how many files are gone since the last look.
    """
    folder = project.root_path(root)
    if not folder.is_dir():
        raise ProjectError(
            f"The image folder {folder} (root {root!r}) does not exist; restore it or change "
            f"[roots] in {project.path / PROJECT_FILE}."
        )
    with store.reading() as tx:
        known = images.known_files(tx, root)
        had = images.count_all(tx) if had is None else had
    found = scan(folder, known, settings=project.settings.images, on_progress=on_progress)
    return _take_in(store, root, found, had), found, len(found.gone)


def _take_in(store: Store, root: str, found: Scan, had: int) -> Added:
    """Put what a scan found into the store a part at a time; doing it twice changes nothing."""
    sums: Counter[str] = Counter()

    def add(tx: Transaction, part: Sequence[FoundFile]) -> None:
        sums.update(asdict(images.take_in(tx, root, [FoundImage(**asdict(f)) for f in part], [])))

    def refuse(tx: Transaction, part: Sequence[ScannedBroken]) -> None:
        sums.update(asdict(images.take_in(tx, root, [], [BrokenFile(**asdict(f)) for f in part])))

    def strike_off(tx: Transaction, part: Sequence[str]) -> None:
        images.strike_off(tx, root, part)

    for_all(store, found.found, add)
    for_all(store, found.broken, refuse)
    for_all(store, found.gone, strike_off)
    with store.reading() as tx:
        moved = image_use.unsettled(tx)
    for_all(store, moved, lambda tx, part: image_use.settle(tx, part, had))
    return Added(**sums) if sums else Added(0, 0, 0, 0, 0)


def refresh_images(
    project: Project,
    store: Store,
    folder: Path | None,
    *,
    name: str = "",
    on_progress: Progress = lambda *_: None,
) -> FoundFiles:
    """Look at the known roots again, or take a further folder in as a new root.

    Args:
        project: Gets the new root once its pictures are in the store.
        store: Of the project.
        folder: The further folder; None looks at the known ones.
        name: Of the new root; empty: that of the folder.
        on_progress: Called while the pictures are read.

    Raises:
        ProjectError: If a folder does not exist or is a root already, or the name is taken.
    """
    new = project
    if folder is not None:
        new = _with_root(load_project(project.path), folder, name.strip())
        roots = [list(new.settings.roots)[-1]]
    else:
        roots = list(project.settings.roots)
    with store.reading() as tx:
        had = images.count_all(tx)
    rows = []
    for root in roots:
        added, found, _ = add_images(new, store, root, had=had, on_progress=on_progress)
        rows.append(found_files(added, found))
    if folder is not None:
        save_project(new)
        project.settings = new.settings
    return together(rows)


def root_for(folder: Path, project: Project) -> str:
    """Return how `project.toml` names a folder of pictures.

    Raises:
        ProjectError: If there is no such folder or it is a root already.
    """
    if not folder.is_dir():
        raise ProjectError(f"{folder} is not a folder of images; name an existing folder.")
    if any(project.root_path(name) == folder.resolve() for name in project.settings.roots):
        raise ProjectError(
            f"{folder} is already part of the project; scan for new files instead, or run "
            "`annotator images PROJECT add` without a folder."
        )
    return _root_for(folder, project.path)


def _with_root(project: Project, folder: Path, name: str) -> Project:
    place = root_for(folder, project)
    roots = dict(project.settings.roots)
    if name in roots:
        raise ProjectError(f"A folder named {name!r} already exists; choose another name.")
    if "/" in name:
        raise ProjectError(f"The name {name!r} of a folder has a slash; choose another name.")
    own = folder.resolve().name.encode(errors="replace").decode() or ROOT
    made_up = (n for k in range(1, 10_000) if (n := f"{own}{k}" if k > 1 else own) not in roots)
    roots[name or next(made_up)] = place
    return Project(project.path, changed(project.settings, {"roots": roots}))


def add_scan(tx: Transaction, root: str, found: Scan) -> Added:
    """Put what a scan found into the store."""
    return images.add(
        tx,
        root,
        [FoundImage(**asdict(file)) for file in found.found],
        [BrokenFile(**asdict(file)) for file in found.broken],
    )


def read_category_names(text: str) -> list[str]:
    """Return category names from a file with one name a line, or from a comma list.

    Raises:
        ProjectError: If the text looks like a file that does not exist, or names nothing.
    """
    file = Path(text)
    if file.is_file():
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(f"The category file {file} cannot be read: {error}.") from None
        names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not names:
            raise ProjectError(f"The category file {file} is empty; write one name per line.")
        return names
    if os.sep in text or file.suffix in {".txt", ".csv", ".json", ".toml"}:
        raise ProjectError(f"The category file {file} does not exist; check its name.")
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ProjectError(
            f"--categories {text!r} has an empty name; separate names with single commas."
        )
    return names


def _refuse_taken(path: Path) -> None:
    if (path / PROJECT_FILE).exists():
        raise ProjectError(
            f"{path} is already a project; add images with `annotator images {path} add` or "
            f"labels with `annotator import {path} FILE`."
        )
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ProjectError(f"{path} exists and is not an empty directory; choose another name.")


def _refuse_backbone(name: str) -> None:
    try:
        backbone_names.parse(name)
    except ValueError as error:
        raise ProjectError(f"The backbone cannot be used: {error}.") from None


def _nothing_found(folder: Path, found: Scan) -> str:
    if found.broken:
        first = found.broken[0]
        return (
            f"{folder} contains no usable image; {len(found.broken)} were refused, the first, "
            f"{first.path!r}, because it {first.problem}."
        )
    passed_over = sentence(found.left_out.rows())
    return f"{folder} and its subfolders contain no images ({FORMATS}). {passed_over}".rstrip()


def _root_for(folder: Path, project_path: Path) -> str:
    """Return how `project.toml` names the folder: relative if it lies beside the project."""
    folder = folder.resolve()
    around = project_path.parent.resolve()
    if folder.is_relative_to(around) and around != Path(around.anchor):
        return os.path.relpath(folder, project_path.parent.resolve() / project_path.name)
    return str(folder)


def _report(project: Project, found: Scan, summary: ImportSummary | None) -> Created:
    store = Store.open(project.database_url)
    try:
        with store.reading() as tx:
            return Created(
                project=project,
                images=images.count(tx),
                paths=len(images.every_path(tx)) - len(images.broken(tx)),
                categories=len(categories.every(tx)),
                found=found_files(Added(0, 0, 0, 0, len(found.broken)), found),
                imported=summary,
            )
    finally:
        store.close()
