"""What is deleted by itself: leftovers of trainings, and score arrays that nobody looks at."""

from __future__ import annotations

import logging

from annotator.arrays import predictions, version_leftovers
from annotator.arrays import versions as files
from annotator.arrays.held_out import delete_out_of_fold
from annotator.arrays.kept_maps import delete_outdated
from annotator.arrays.version_features import delete_features, owner
from annotator.domain import Version
from annotator.settings import Project
from annotator.store import Store, predictors, versions

_LOG = logging.getLogger(__name__)


def delete_leftovers(project: Project, store: Store) -> None:
    """Delete what trainings that did not finish have left behind, and maps of no more use."""
    with store.reading() as tx:
        existing = {v.number for v in versions.every(tx)}
        predicted = {p.version for p in predictors.every(tx)}
    for path in version_leftovers.delete_leftovers(project.versions_path, existing):
        _LOG.info("deleted the unfinished version in %s", path)
    predictions.delete_leftovers(project, predicted)
    settings = project.settings
    made_by = {"backbone": settings.backbone, "grey_range": settings.images.grey_range}
    if delete_outdated(project.kept_maps_path, made_by):
        _LOG.info("deleted the maps of another backbone, or of other grey values")


def prune(project: Project, store: Store, *, previous: int | None) -> list[int]:
    """Delete the arrays of versions that nobody looks at, and return their numbers.

    They stay for the promoted version, the one before it, the one promoted last, the newest, and
    the best by mean average precision. Features of networks that were fine-tuned, which are many
    times larger, stay for the first three; the network makes the others again when it is promoted.
    """
    with store.reading() as tx:
        every = versions.every(tx)
        promoted = versions.promoted(tx)
    best = sorted(every, key=_goodness, reverse=True)[: project.settings.retraining.keep_versions]
    close = {previous}
    if promoted:
        close.add(promoted.number)
        close.add(max((v.number for v in every if v.number < promoted.number), default=None))
    keep = {v.number for v in best} | {every[-1].number} | close
    in_use = {owner(project, number) for number in close}
    pruned = []
    for version in every:
        path = files.folder(project, version.number)
        if version.number not in keep and files.has_arrays(path):
            files.delete_arrays(path)
            delete_out_of_fold(path)
            pruned.append(version.number)
        if version.number not in in_use and delete_features(path):
            _LOG.info("deleted the features of version %d", version.number)
    return pruned


def _goodness(version: Version) -> tuple[float, int]:
    found = version.metrics.get("map")
    return (-1.0 if found is None else float(found), version.number)
