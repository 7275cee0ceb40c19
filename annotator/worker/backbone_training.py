"""The steps of a fine-tuning: on pictures, or on kept maps, where it can be taken up again."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from pathlib import Path

from annotator.settings import Project
from annotator.worker.device import THREADS
from annotator.worker.embedding import OVERSIZE
from annotator.worker.job_control import Control
from annotator.worker.kept_maps import Halves
from annotator.worker.learner import Learner, Rows
from annotator.worker.sources import Sources
from mlrpl import checkpoint
from mlrpl.finetuning.image_loader import ImageLoader
from mlrpl.finetuning.map_loader import MapLoader
from mlrpl.finetuning.model import FineTuned, recipe
from mlrpl.finetuning.recipes import maps_recipe
from mlrpl.train_config import TrainConfig
from mlrpl.training import EpochReport, TrainingData, TrainingState, fit

_LOG = logging.getLogger(__name__)


def learn_on_pictures(
    control: Control,
    learner: Learner,
    network: FineTuned,
    rows: Rows,
    epochs: int,
    sources: Sources,
) -> list[EpochReport]:
    """Train on varied pictures, as the papers do."""
    expects = network.made_of
    side = OVERSIZE * expects.input_size
    with ImageLoader(
        lambda ordinal: sources.open(ordinal, side),
        size=expects.input_size,
        mean=expects.mean,
        std=expects.std,
        seed=learner.seed,
        workers=THREADS if learner.device == "cpu" else None,
    ) as pictures:
        config = recipe(network, epochs=epochs)
        return _fit(control, learner, network, config, _data(learner, rows, pictures))


def learn_on_maps(
    project: Project,
    control: Control,
    learner: Learner,
    network: FineTuned,
    kept: Halves,
    epochs: int,
) -> list[EpochReport]:
    """Train on kept maps; a training that is interrupted goes on after its last whole epoch.

    It does so if what is known, and how it is learned, is the same as before.
    """
    config = maps_recipe(network, epochs=epochs)
    path = _state_path(project, learner, network, kept.rows, config)
    for other in project.kept_maps_path.glob("training-*"):
        if other != path:
            other.unlink(missing_ok=True)
    data = _data(learner, kept.rows, MapLoader(kept.read, seed=learner.seed))
    reports = _fit(control, learner, network, config, data, path)
    path.unlink(missing_ok=True)
    return reports


def _data(learner: Learner, rows: Rows, pictures: ImageLoader | MapLoader) -> TrainingData:
    known = learner.snapshot
    return TrainingData(
        known.labels, weights=known.weights, shown=known.shown, pictures=pictures, rows=rows
    )


def _fit(
    control: Control,
    learner: Learner,
    network: FineTuned,
    config: TrainConfig,
    data: TrainingData,
    path: Path | None = None,
) -> list[EpochReport]:
    """Train, and report every epoch; with a path, keep there what is needed to go on."""

    def tell(report: EpochReport) -> None:
        control.report(
            "fine-tuning",
            report.epoch + 1,
            report.epochs,
            epoch=report.epoch + 1,
            epochs=report.epochs,
            loss=sum(report.terms.values()),
        )

    state = None if path is None else _kept_state(path)
    control.report("fine-tuning", 0 if state is None else state.epoch, config.epochs)
    reports = fit(
        network,
        data,
        replace(config, seed=learner.seed),
        device=learner.device,
        state=state,
        on_epoch_end=tell,
        on_state=None if path is None else lambda state: checkpoint.save_state(path, state),
        should_stop=control.should_stop,
    )
    control.check()
    return reports


def _state_path(
    project: Project, learner: Learner, network: FineTuned, rows: Rows, config: TrainConfig
) -> Path:
    """Return a name that only the same training has."""
    known = learner.snapshot
    about = [
        network.made_of.name,
        learner.method,
        learner.seed,
        known.last_operation,
        [category.id for category in known.categories],
        repr(network.head.config),
        repr(network.config),
        repr(config),
    ]
    found = hashlib.sha256(json.dumps(about).encode())
    for array in (rows, known.labels, known.weights, known.shown):
        found.update(array.tobytes())
    return project.kept_maps_path / f"training-{found.hexdigest()[:16]}.safetensors"


def _kept_state(path: Path) -> TrainingState | None:
    try:
        return checkpoint.load_state(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        _LOG.warning("fine-tuning starts from the beginning: %s", error)
        return None
