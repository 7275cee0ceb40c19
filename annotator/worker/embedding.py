"""The embedding job: pictures without features get a row, once, in an order that helps people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from annotator.arrays.features import FeatureFiles
from annotator.domain import Image
from annotator.errors import ImageError, NotFound, ProjectError, WeightsError
from annotator.images.thumbnails import keep_small
from annotator.services.message import counted
from annotator.settings import PROJECT_FILE, Project
from annotator.store import images, versions
from annotator.worker.device import THREADS, choose_device
from annotator.worker.diversity import diversity_order
from annotator.worker.job_control import Control
from annotator.worker.rescoring import covers, is_outdated, rescore
from annotator.worker.sources import Sources
from mlrpl import embedding
from mlrpl import errors as library
from mlrpl.backbone_names import located
from mlrpl.embedding import EmbeddedBatch, Projection, fit_projection
from mlrpl.models.backbones import Backbone, load_backbone

BATCH = {"cpu": 4, "cuda": 128}
"""Pictures that the network sees at a time, by device; with CUDA fewer where they have more than
224 pixels a side. On a CPU, memory for the maps of more than a few goes back to the system after
every layer, which takes a third of the time."""
GIVE_WAY_SECONDS = 60.0
"""How often a long embedding looks whether a training is due."""
OVERSIZE = 3
"""Pictures are decoded to this many times the network's input, so that long ones keep enough."""

BackboneLoader = Callable[[str], Backbone]


def run(
    project: Project,
    control: Control,
    device: str,
    *,
    load: BackboneLoader = load_backbone,
    scores_again: bool = False,
) -> str:
    """Embed what has no features, let the promoted version score it, and say what came of it.

    Args:
        project: With the backbone's name and the image folders.
        control: Told about every batch, asked before each one.
        device: A torch device.
        load: Returns the backbone with a name.
        scores_again: Whether the version scores all images, though it has scored them before.

    Raises:
        NotReady: If the device is not there.
        NotFound: If an image folder is not there; what lies elsewhere is embedded first.
        WeightsError: If the backbone's weights cannot be had.
    """
    device = choose_device(device)
    message = embed(project, control, device, load=load)
    with control.store.reading() as tx:
        promoted = versions.promoted(tx)
    try:
        if promoted is not None and (scores_again or not covers(project, promoted.number)):
            message = f"{message} {rescore(project, control, promoted.number, device)}"
    except ProjectError as error:  # the version is damaged; the features are there
        message = f"{message} {error}"
    return message


def has_outdated_scores(project: Project, number: int) -> bool:
    """Whether a version has to score all images again once they are embedded; not if damaged."""
    try:
        return is_outdated(project, number)
    except (NotFound, ProjectError):
        return False


def embed(
    project: Project,
    control: Control,
    device: str,
    *,
    load: BackboneLoader = load_backbone,
    sample: int = embedding.SAMPLE,
    give_way_seconds: float = GIVE_WAY_SECONDS,
    into: Path | None = None,
    projection: Projection | None = None,
) -> str:
    """Give every picture that has none a row of features; return one sentence about it.

    Labelled pictures come first. Pictures that cannot be read are recorded and left out; a job
    that a person asked for tries them again, one that the worker thought of does not. A process
    killed on the way leaves the rows that are done.

    Args:
        project: With the backbone's name and the image folders.
        control: Told about every batch, asked before each one.
        device: A torch device.
        load: Returns the backbone with a name.
        sample: Images that the projection is fitted on, the first time.
        give_way_seconds: How often to look whether something more urgent waits.
        into: The feature folder; None means the project's.
        projection: What a new folder begins with; None fits one on a sample.

    Raises:
        NotFound: If an image folder is not there; what lies elsewhere is embedded first.
        WeightsError: If the backbone's weights cannot be had.
    """
    path = into or project.features_path
    features = _open(project, path)
    failed = {} if features is None else features.failed()
    with control.store.reading() as tx:
        every = [image for image in images.every(tx) if not image.missing]
        paths = images.paths_of(tx)
    sources = Sources(project, {i.ordinal: paths.get(i.id, []) for i in every})
    skipped = failed if "images" in control.job.options else {}
    todo = [i for i in every if i.ordinal not in skipped and not _is_done(features, i)]
    unreachable = [i for i in todo if sources.is_unreachable(i.ordinal)]
    todo = [i for i in todo if not sources.is_unreachable(i.ordinal)]
    gone = 0 if features is None else len(np.setdiff1d(features.done_rows, _ordinals(every)))
    total = len(every) + gone  # what is missing keeps its row
    job = _Embedding(
        path, control, device, features, failed, total, give_way_seconds,
        project.settings.images.grey_range,
    )  # fmt: skip
    job.projection = projection
    if todo:
        control.report("loading the network", job.done, job.total)
        opener = _opener(project, sources, todo)
        job.run(load_network(project, load), opener, _in_order(todo), sample)
    if job.features is not None and (todo or job.features.order is None):
        _write_order(job.features, every, control)
    if unreachable:
        raise NotFound(f"{counted(len(unreachable), 'image')} left out: {sources.complaint}")
    bad = len(job.failed)
    return f"Embedded {counted(job.new, 'image')}." + (f" {bad} could not be read." if bad else "")


@dataclass
class _Embedding:
    """One run over the pictures that have no features yet."""

    path: Path
    control: Control
    device: str
    features: FeatureFiles | None
    failed: dict[int, str]
    total: int
    give_way_seconds: float
    grey_range: str
    projection: Projection | None = None
    new: int = 0

    @property
    def done(self) -> int:
        return 0 if self.features is None else len(self.features.done_rows)

    def run(
        self,
        backbone: Backbone,
        opener: Callable[[int, int], Picture.Image],
        ordinals: Sequence[int],
        sample: int,
    ) -> None:
        side = OVERSIZE * backbone.input_size
        batches = embedding.embed(
            backbone,
            lambda ordinal: opener(ordinal, side),
            ordinals,
            batch_size=_batch_size(backbone, self.device),
            device=self.device,
            workers=THREADS if self.device == "cpu" else None,
            errors=(ImageError,),
            should_stop=self.control.should_stop,
        )
        asked = time.monotonic()
        with closing(batches):  # type: ignore[type-var]
            waiting = self._first(batches, sample)
            projection = self._prepare(backbone, waiting, max(ordinals) + 1)
            for batch in waiting:
                self._write(batch, projection)
            asked = self._give_way(asked)
            for batch in batches:
                self._write(batch, projection)
                asked = self._give_way(asked)
        self.control.check()

    def _give_way(self, asked: float) -> float:
        """Let a training go first that waits, and return when that was last looked at."""
        if time.monotonic() - asked <= self.give_way_seconds:
            return asked
        if self.control.give_way():
            self.control.requeue()
        return time.monotonic()

    def _first(self, batches: Iterator[EmbeddedBatch], sample: int) -> list[EmbeddedBatch]:
        """Return batches with enough images to fit a projection, if there is none yet."""
        found: list[EmbeddedBatch] = []
        known = self.features is not None or self.projection is not None
        while not known and sum(len(b.indices) for b in found) < sample:
            batch = next(batches, None)
            if batch is None:
                break
            found.append(batch)
            count = sum(len(b.indices) for b in found)
            self.control.report("embedding", count, self.total)
        self.control.check()
        return found

    def _prepare(
        self, backbone: Backbone, sample: list[EmbeddedBatch], rows: int
    ) -> Projection | None:
        """Return the projection, with room for every row; None if no picture could be read."""
        if self.features is None:
            projection = self.projection or _fitted(sample)
            if projection is None:
                return None
            self.features = FeatureFiles.create(
                self.path,
                backbone=backbone.name,
                pooled_dim=backbone.pooled_dim,
                positions=len(projection.pooling),
                token_dim=projection.token_basis.shape[1],
                rows=rows,
                grey_range=self.grey_range,
                projections=projection.arrays(),
            )
            return projection
        self.features.grow(rows)
        return Projection.from_arrays(self.features.projections())

    def _write(self, batch: EmbeddedBatch, projection: Projection | None) -> None:
        fine = np.isfinite(batch.pooled).all(axis=1) & np.isfinite(batch.tokens).all(axis=(1, 2))
        rows, pooled = batch.indices[fine], batch.pooled[fine]
        before = dict(self.failed)
        self.failed.update(batch.failures)
        for ordinal in batch.indices[~fine]:
            self.failed[int(ordinal)] = "the network gives no finite numbers for it"
        for ordinal in rows:
            self.failed.pop(int(ordinal), None)
        if self.features is not None and projection is not None:
            if len(rows):
                tokens = projection.tokens(batch.tokens[fine])
                self.features.write(rows, pooled, tokens, projection.search(pooled))
                self.new += len(rows)
            if self.failed != before:
                self.features.write_failed(self.failed)
        self.control.report("embedding", self.done, self.total)


def _batch_size(backbone: Backbone, device: str) -> int:
    if device == "cpu":
        return BATCH[device]
    return max(1, int(BATCH[device] * min(1.0, (224 / backbone.input_size) ** 2)))


def _opener(
    project: Project, sources: Sources, todo: Sequence[Image]
) -> Callable[[int, int], Picture.Image]:
    """Return what opens a picture, and keeps a small one for the pages on the way."""
    hashes = {i.ordinal: i.content_hash for i in todo}

    def opened(ordinal: int, max_side: int) -> Picture.Image:
        picture = sources.open(ordinal, max_side)
        keep_small(picture, project.thumbnails_path, hashes[ordinal], project.settings.images)
        return picture

    return opened


def _fitted(sample: list[EmbeddedBatch]) -> Projection | None:
    if not any(len(b.indices) for b in sample):
        return None
    pooled = np.concatenate([b.pooled for b in sample])
    return fit_projection(pooled, np.concatenate([b.tokens for b in sample]))


def _open(project: Project, path: Path) -> FeatureFiles | None:
    features = FeatureFiles.open(path, writable=True)
    if features is not None and features.backbone != project.settings.backbone:
        raise ProjectError(
            f"{features.path} holds features of {features.backbone}, but project.toml says "
            f"{project.settings.backbone}; delete that folder or change the backbone back."
        )
    if features is not None:
        features.start_over(project.settings.images.grey_range)
    return features


def _ordinals(listed: Sequence[Image]) -> list[int]:
    return [image.ordinal for image in listed]


def _is_done(features: FeatureFiles | None, image: Image) -> bool:
    return features is not None and features.is_done(image.ordinal)


def _in_order(todo: Sequence[Image]) -> list[int]:
    """Return ordinals, labelled images first, and otherwise in an order that only chance made."""
    ordered = sorted(todo, key=lambda i: (not i.known_count, i.content_hash))
    return [image.ordinal for image in ordered]


def load_network(project: Project, load: BackboneLoader) -> Backbone:
    """Return the project's backbone under the name that its features are kept under.

    Raises:
        ProjectError: If the name in `project.toml` is no backbone's.
        WeightsError: If its weights cannot be had.
    """
    name = project.settings.backbone
    try:
        return replace(load(located(name, project.path)), name=name)
    except library.WeightsError as error:
        raise WeightsError(str(error)) from error
    except ValueError as error:
        raise ProjectError(f"{project.path / PROJECT_FILE}: backbone: {error}.") from error


def _write_order(features: FeatureFiles, every: Sequence[Image], control: Control) -> None:
    control.report("ordering", len(features.done_rows), len(every))
    hashes = {i.ordinal: i.content_hash for i in every}
    rows = [int(row) for row in features.done_rows if int(row) in hashes]
    search = np.asarray(features.search[rows], np.float32).reshape(len(rows), -1)
    order = diversity_order(search, [hashes[row] for row in rows], check=control.check)
    features.write_order(np.array(rows, np.int32)[order])
