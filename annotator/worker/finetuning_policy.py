"""Whether fine-tuning is worth its time in a project, and how long it is likely to take."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from annotator.domain import HELD_OUT_FOLD
from annotator.services.message import span
from annotator.services.training.challengers import MOST_BUDGET
from annotator.settings import Project
from annotator.store import Transaction, answers, images, versions
from annotator.worker.learner import UNLABELLED
from mlrpl import backbone_names

MIN_ANSWERS = 5000
"""Answers from which on the policy `auto` fine-tunes."""
MIN_IMAGES = 500
"""Labelled images that train, likewise."""
MOST_SECONDS = MOST_BUDGET / 2
"""What it may be expected to take where nobody has asked for it; machines do other things, too."""
MIN_CPUS = 2
"""Processors that a machine without CUDA needs, so that the pages have one."""

_TRAINING = 0.17
"""Seconds on one thread for an image that trains, with `efficientnet-lite0`: 0.05 for its maps, 0.1
for five epochs, 0.02 for what known images say about it."""
_EMBEDDING = 0.04
"""Seconds for each image of the project, which the tuned network looks at in the end."""
_FACTORS = dict(zip(backbone_names.PACKAGED, (1.0, 1.6, 2.2), strict=True))
"""How many times longer a network at its own input size takes than `efficientnet-lite0`."""
_ON_CUDA = 0.02
"""The share of that time which a CUDA device needs, reading the pictures included."""


@dataclass(frozen=True)
class Outlook:
    """What is to be expected of a fine-tuning that nobody has asked for."""

    worth: bool
    """Whether it should be tried."""
    seconds: float | None
    """How long it is likely to take; None where that is not known."""
    reason: str
    """A sentence that says why it is tried, or why not."""


def outlook(project: Project, tx: Transaction, device: str) -> Outlook:
    """Say whether fine-tuning should be tried while nobody waits for it.

    How long it takes is that of the last fine-tuned version for each image, or, before there is
    one, what was measured for the networks that come with the program. With another network on a
    CPU nobody knows, so the first time has to be asked for.

    Args:
        project: With the policy and the backbone.
        tx: For answers, images and versions.
        device: Where it would run, `cpu` or `cuda`.
    """
    hindrance = _why_not(project, device)
    if hindrance:
        return Outlook(False, None, hindrance)
    if project.settings.retraining.finetune == "always":
        return Outlook(True, None, "The settings want it always (`retraining.finetune`).")
    given = answers.answer_counts(tx).answers
    if given < MIN_ANSWERS:
        return Outlook(
            False, None, f"Fine-tuning waits for {MIN_ANSWERS:,} answers; there are {given:,}."
        )
    listed = images.every(tx)
    others = [i for i in listed if i.fold != HELD_OUT_FOLD]
    labelled = sum(i.known_count > 0 for i in others)
    if labelled < MIN_IMAGES:
        return Outlook(
            False,
            None,
            f"Fine-tuning waits for {MIN_IMAGES} labelled images outside the held-out tenth; "
            f"{'there is' if labelled == 1 else 'there are'} {labelled}.",
        )
    training = min(len(others), labelled + max(UNLABELLED, labelled))
    seconds = _seconds(project, tx, device, training, len(listed))
    if seconds is None:
        name = project.settings.backbone
        return Outlook(
            False,
            None,
            f"How long fine-tuning {name} takes here is not known; run `annotator train "
            "--finetune` once.",
        )
    if seconds > MOST_SECONDS:
        return Outlook(
            False,
            seconds,
            f"Fine-tuning would take about {span(seconds)}, which is too long to be tried unasked; "
            "run `annotator train --finetune` when the machine is free.",
        )
    return Outlook(True, seconds, f"Fine-tuning takes about {span(seconds)} in the background.")


def _why_not(project: Project, device: str) -> str:
    if project.settings.retraining.finetune == "never":
        return "Fine-tuning is switched off (`retraining.finetune`)."
    if "+" in project.settings.backbone:
        return "The backbone is a sum of networks, and fine-tuning trains a single one."
    if device == "cpu" and (os.cpu_count() or 1) < MIN_CPUS:
        return "Fine-tuning on a CPU needs two processors, so that the pages have one."
    return ""


def _seconds(
    project: Project, tx: Transaction, device: str, training: int, total: int
) -> float | None:
    name = project.settings.backbone
    for version in reversed(versions.every(tx)):
        before = version.metrics.get("trained_images")
        if version.metrics.get("finetuned") and version.backbone == name and before:
            return version.training_seconds * training / int(before)
    factor = _factor(name)
    if factor is None:
        return None
    alone = factor * (training * _TRAINING + total * _EMBEDDING)
    return alone * _ON_CUDA if device == "cuda" else alone / max(1, torch.get_num_threads())


def _factor(backbone: str) -> float | None:
    """Return how many times longer a backbone takes than the default; None where nobody knows."""
    try:
        (part,) = backbone_names.parse(backbone)
    except ValueError:
        return None
    if part.model not in _FACTORS or part.weights is not None:
        return None
    own = backbone_names.OWN_SIDES[part.model]
    return _FACTORS[part.model] * ((part.side or own) / own) ** 2
