"""Fine-tuning: the network learns, too, and its version owns the features that it makes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from annotator.arrays import versions as files
from annotator.arrays.features import FeatureFiles
from annotator.arrays.kept_maps import used_by_nobody_else
from annotator.arrays.version_features import BACKBONE, owned, owner
from annotator.errors import NotReady, WeightsError
from annotator.settings import Project, changed
from annotator.store import images, versions
from annotator.worker import embedding
from annotator.worker.backbone_training import learn_on_maps, learn_on_pictures
from annotator.worker.device import choose_device
from annotator.worker.embedding import BackboneLoader, load_network
from annotator.worker.finetuning_policy import MIN_ANSWERS
from annotator.worker.job_control import Control
from annotator.worker.kept_maps import halves
from annotator.worker.learner import Learner, Rows
from annotator.worker.sources import Sources
from mlrpl import backbone_names
from mlrpl import errors as library
from mlrpl.finetuning.checkpoint import load_finetuned, save_finetuned
from mlrpl.finetuning.model import EPOCHS, FineTuned
from mlrpl.finetuning.recipes import EPOCHS as MAP_EPOCHS
from mlrpl.finetuning.recipes import recipe_on_maps
from mlrpl.methods.base import Method
from mlrpl.models.backbones import Backbone, load_backbone
from mlrpl.projection import Projection
from mlrpl.training import EpochReport

HEAD = "partial_bce"
"""What the network learns with where the project's method is solved in closed form."""
PROJECTION = "projection.npz"
"""What reduces the network's output, in its version's folder."""


def wanted(asked: bool | None, project: Project, device: str, answers: int) -> bool:
    """Whether a training fine-tunes; without CUDA only if somebody says so, as people wait for it.

    Args:
        asked: What the person said who asked for it; None leaves it to `retraining.finetune`.
        project: With that setting and the backbone.
        device: Where it would run.
        answers: Of people, so far.

    Raises:
        NotReady: If it is to be, but the project's backbone is a sum of networks.
    """
    policy = project.settings.retraining.finetune
    is_single = len(_parts(project.settings.backbone)) == 1
    if asked is None and policy == "auto":
        return is_single and device == "cuda" and answers >= MIN_ANSWERS
    wants = policy == "always" if asked is None else asked
    if wants and not is_single:
        raise NotReady(
            f"The backbone {project.settings.backbone} is a sum of networks, and fine-tuning "
            "trains a single one; set one of them as backbone, or train without `--finetune`."
        )
    return wants


@dataclass(frozen=True)
class Tuned:
    """A network that has learned, and what it makes of the pictures."""

    network: FineTuned
    head: str
    """Method of its head."""
    features: FeatureFiles
    """Of every picture that can be read; they lie in a folder that is not a version's yet."""
    projection: Projection
    reports: list[EpochReport]

    def fitted(self, method: str) -> Method | None:
        """Return the head, if it is of this method: it knows these features already."""
        return self.network.head if method == self.head else None

    def save(self, weights: Path) -> None:
        """Write the network beside a version's weights."""
        save_finetuned(weights.with_name(BACKBONE), self.network, self.head)
        self.projection.save(weights.with_name(PROJECTION))


@contextmanager
def tuned(
    project: Project,
    control: Control,
    learner: Learner,
    rows: Rows,
    *,
    load: BackboneLoader = load_backbone,
    epochs: int | None = None,
) -> Iterator[Tuned]:
    """Fine-tune the project's network, and let it embed every picture.

    The head first learns on the frozen features, then the network's last stage learns with it on
    varied pictures. Token maps go through the projection of the frozen features all the while,
    so the head knows what is stored. Labels of fold 0 take no part. What is on disk is deleted
    when the context is left, unless it was moved into a version's folder.

    Args:
        project: With the backbone's name and the image folders.
        control: Told about every epoch and batch, asked before each step.
        learner: Of the project's method on the frozen features.
        rows: Ordinals of the images that train.
        load: Returns the backbone with a name.
        epochs: Passes over the images; None means the papers' number.

    Raises:
        NotReady: If the network or the method cannot be fine-tuned.
        ImageError: If a picture cannot be read.
        NotFound: If an image folder is not there.
        WeightsError: If the backbone's weights cannot be had.
    """
    if learner.closed_form:
        learner = learner.like(method=HEAD)
    projection = Projection.from_arrays(learner.features.projections())
    head = learner.fit(rows, control, of=1)
    network, reports = _learned(project, control, learner, (head, rows, projection), load, epochs)
    project.versions_path.mkdir(exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=project.versions_path, prefix=".tuned.", suffix=".tmp"))
    try:
        into, made, device = staging / files.FEATURES, network.tuned(), learner.device
        embedding.embed(
            project, control, device, load=lambda _: made, into=into, projection=projection
        )
        features = FeatureFiles.open(into)
        if features is None or not features.done.any():
            raise NotReady("No image could be embedded, so there is nothing to score.")
        yield Tuned(network.to("cpu"), learner.method, features, projection, reports)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _learned(
    project: Project,
    control: Control,
    learner: Learner,
    begun: tuple[Method, Rows, Projection],
    load: BackboneLoader,
    epochs: int | None,
) -> tuple[FineTuned, list[EpochReport]]:
    """Train the last stage with a head, on kept maps where that is possible without CUDA."""
    head, rows, projection = begun
    control.report("loading the network")
    sources = _sources(project, control)
    with used_by_nobody_else(project.kept_maps_path) as ours:
        with _refusing_networks():
            backbone = load_network(project, load)
            kept = None
            if learner.device == "cpu" and ours:
                kept = halves(project, control, backbone, rows, sources.open)
            if kept is None:
                network = FineTuned(head, backbone, projection=projection)
            else:
                config = recipe_on_maps(head, kept.stages)
                network = FineTuned(head, kept.cut.above, config, projection=projection)
        if kept is None:
            most = epochs or EPOCHS
            return network, learn_on_pictures(control, learner, network, rows, most, sources)
        reports = learn_on_maps(project, control, learner, network, kept, epochs or MAP_EPOCHS)
        return network.onto(backbone, projection), reports


@contextmanager
def _refusing_networks() -> Iterator[None]:
    try:
        yield
    except library.WeightsError as error:
        raise WeightsError(str(error)) from error
    except ValueError as error:
        raise NotReady(f"This project cannot be fine-tuned: {error}.") from error


def _sources(project: Project, control: Control) -> Sources:
    with control.store.reading() as tx:
        paths = images.paths_of(tx)
        return Sources(project, {i.ordinal: paths.get(i.id, []) for i in images.every(tx)})


def embed_owned(
    project: Project,
    control: Control,
    number: int,
    device: str,
    *,
    load: BackboneLoader = load_backbone,
) -> str:
    """Let a version's own network embed what it has no features of; "" if it has no network.

    Raises:
        NotFound: If an image folder is not there; what lies elsewhere is embedded first.
        WeightsError: If the network's weights cannot be had.
    """
    made_by = owner(project, number)
    if made_by is None:
        return ""
    path = files.folder(project, made_by)
    backbone = files.read_parameters(path).backbone
    begun_with = replace(project, settings=changed(project.settings, {"backbone": backbone}))

    def network(name: str) -> Backbone:
        return load_finetuned(path / BACKBONE, backbone=load(name)).tuned()

    return embedding.embed(
        begun_with,
        control,
        device,
        load=network,
        into=owned(project, made_by),
        projection=Projection.load(path / PROJECTION),
    )


def run_embedding(
    project: Project, control: Control, device: str, *, load: BackboneLoader = load_backbone
) -> str:
    """Embed with the promoted version's own network, if it has one, and with the project's.

    The first is what is served, so it comes first. The second lets an older version, which
    reads the project's features, be promoted again at any time.

    Raises:
        AnnotatorError: As `annotator.worker.embedding.run` does.
    """
    with control.store.reading() as tx:
        promoted = versions.promoted(tx)
    is_outdated = promoted is not None and embedding.has_outdated_scores(project, promoted.number)
    if promoted is not None:
        embed_owned(project, control, promoted.number, choose_device(device), load=load)
    return embedding.run(project, control, device, load=load, scores_again=is_outdated)


def features_to_learn_on(project: Project, control: Control) -> int | None:
    """Return the version on whose own features a training without fine-tuning learns; None: plain.

    It is the promoted version's, as long as its network began as the one that the project names.
    """
    with control.store.reading() as tx:
        promoted = versions.promoted(tx)
    made_by = None if promoted is None else owner(project, promoted.number)
    if made_by is None:
        return None
    begun_with = files.read_parameters(files.folder(project, made_by)).backbone
    return made_by if begun_with == project.settings.backbone else None


def _parts(backbone: str) -> tuple[backbone_names.PartName, ...]:
    try:
        return backbone_names.parse(backbone)
    except ValueError:  # whoever loads it tells
        return (backbone_names.PartName(backbone),)
