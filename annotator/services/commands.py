"""What the command line asks for by names: suggestions, a single answer, the state of things."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Change, Image, Operation, OperationKind, Source, State
from annotator.errors import AnnotatorError, ImageError
from annotator.images.thumbnails import problem_of_keeping
from annotator.services.app import Services
from annotator.services.catalogue import hierarchy
from annotator.services.catalogue.archived import Archived
from annotator.services.catalogue.lookup import CategoryNames
from annotator.services.catalogue.picture_names import PictureNames
from annotator.services.catalogue.pictures import names_of, written_names
from annotator.services.clock import utc_now
from annotator.services.knowledge.open_pairs import settled_matrix
from annotator.services.message import counted
from annotator.services.progress.overview import Counts
from annotator.services.progress.quality import QualityRow
from annotator.services.progress.stopping import StoppingRow
from annotator.services.training.control import VersionRow, version_row
from annotator.services.training.race import RaceReport
from annotator.store import (
    Transaction,
    annotators,
    answers,
    categories,
    derivation,
    image_use,
    images,
    versions,
)
from annotator.wire.status import Trainer


class SuggestionRow(TypedDict):
    """An open pair and what the promoted version says about it."""

    image: str
    category: str
    probability: float | None
    """None where the version can only rank the category."""
    rank: float | None
    """None where there is a probability."""
    suggested: bool
    version: int | None


class AnswerRow(TypedDict):
    """A pair as it stands after an answer."""

    image: str
    category: str
    merged: str | None
    """Name of the category that was answered, where `category` has taken that over."""
    state: str
    conflict: bool


class RefusedFile(TypedDict):
    """A file that cannot be used."""

    path: str
    reason: str


class StatusRow(TypedDict):
    """The state of a project."""

    project: str
    counts: Counts
    version: VersionRow | None
    problem: str
    """Why that version suggests nothing; empty if nothing is wrong."""
    trainer: Trainer
    next_training: str
    challengers: RaceReport
    quality: QualityRow
    goal: StoppingRow
    refused_files: list[RefusedFile]
    copies: str
    """Why small copies of images cannot be kept; empty if they can."""
    images_without_file: int
    """Those with answers, which are in no count."""
    removed_images: int


@dataclass(frozen=True)
class _OpenPair:
    image_id: int
    ordinal: int
    """Of the image."""
    category: str
    score: float
    ranked: bool
    """The score is a rank, no probability."""
    suggested: bool


def list_suggestions(
    services: Services, *, image: str | None, category: str | None, limit: int
) -> list[SuggestionRow]:
    """Return open pairs with the promoted version's opinion, strongest first.

    Without an image, only pairs that are suggested as present are listed; with one, every
    category the version has an opinion about.

    Args:
        services: The open project.
        image: File name of one image.
        category: Name of one category.
        limit: At most so many; 0 for all.

    Raises:
        NotFound: If there is no such image or category.
        AnnotatorError: If the category is archived or merged into another.
        NotReady: If there is no version yet.
    """
    with services.store.reading() as tx:
        number, arrays = services.suggestions.required(
            tx,
            f"There are no suggestions yet: run `annotator train {services.project.path}` first.",
        )
        shown = categories.every(tx)
        if category is not None:
            found = CategoryNames(categories.every(tx, archived=True)).get(category)
            archived = Archived(tx)
            if found.id in archived:
                raise AnnotatorError(archived.sentence(found.id))
            shown = [found]
        wanted = None
        if image is not None:
            wanted = _image_named(services, tx, image)
        settings, every = services.project.settings, categories.every(tx, archived=True)
        parents = hierarchy.resolve(settings.hierarchy, every)
        settled = settled_matrix(tx, parents, services.fills.active(tx))
        rows = list(_open_pairs(tx, arrays, shown, wanted, settled))
        rows.sort(key=lambda row: (-row.score, row.ordinal, row.category))
        rows = rows[:limit] if limit else rows
        names = names_of(tx, sorted({row.image_id for row in rows}))
    return [
        {
            "image": names.get(row.image_id, ""),
            "category": row.category,
            "probability": None if row.ranked else row.score,
            "rank": row.score if row.ranked else None,
            "suggested": row.suggested,
            "version": number,
        }
        for row in rows
    ]


def _open_pairs(
    tx: Transaction,
    arrays: VersionArrays,
    shown: list[Category],
    wanted: int | None,
    settled: npt.NDArray[np.bool_],
) -> Iterator[_OpenPair]:
    columns = {o: c for c, o in enumerate(arrays.parameters.category_ordinals)}
    ranked = set(arrays.parameters.ranked_only)
    for picture in images.every(tx):
        if picture.ordinal >= len(arrays.scores) or (wanted and picture.id != wanted):
            continue
        if not picture.in_use:
            continue
        scores = np.asarray(arrays.scores[picture.ordinal], dtype=np.float32)
        bars, suggested = arrays.bars(scores), arrays.suggested(scores)
        for category in shown:
            column = columns.get(category.ordinal)
            if column is None or not np.isfinite(scores[column]):
                continue
            if settled[picture.ordinal, category.ordinal]:
                continue
            if wanted or suggested[column]:
                yield _OpenPair(
                    image_id=picture.id,
                    ordinal=picture.ordinal,
                    category=category.name,
                    score=round(float(bars[column]), 4),
                    ranked=category.ordinal in ranked,
                    suggested=bool(suggested[column]),
                )


def answer_by_name(
    services: Services, *, image: str, category: str, state: State, annotator: str
) -> AnswerRow:
    """Record one answer about a pair named by file and category.

    About a merged category the answer counts in the one that took it over, whose label is returned.

    Raises:
        NotFound: If there is no such image or category.
        AnnotatorError: If the category is archived.
        ImageError: If the image has no file any more, or was removed.
    """
    now = utc_now()
    with services.store.reading() as tx:
        image_id = _image_named(services, tx, image)
        name = names_of(tx, [image_id])[image_id]
    with services.store.writing() as tx:
        _refuse_unused(images.get(tx, image_id), name)
        chosen = CategoryNames(categories.every(tx, archived=True)).get(category)
        archived = Archived(tx)
        archived.refuse(chosen.id)
        person = annotators.named(tx, annotator, now)
        labels = answers.labels_of(tx, [image_id]).get(image_id, [])
        seen = next((x.answer_id for x in labels if x.category_id == chosen.id), None)
        change = Change(
            image_id=image_id,
            category_id=chosen.id,
            state=state,
            source=Source.HUMAN,
            seen_answer_id=seen,
        )
        operation = Operation(
            client_id=str(uuid.uuid4()),
            annotator_id=person.id,
            kind=OperationKind.ANSWER,
            changes=(change,),
            happened_at=now,
        )
        receipt = answers.record(tx, operation, now)
        label, counted = receipt.labels[0], chosen
        target = archived.target(chosen.id)
        if target is not None:
            pair = image_id, target
            label, counted = derivation.current(tx, [pair])[pair], categories.get(tx, target)
    return {
        "image": name,
        "category": counted.name,
        "merged": None if counted is chosen else chosen.name,
        "state": label.state.value if label.state else "unknown",
        "conflict": label.conflict,
    }


def _image_named(services: Services, tx: Transaction, name: str) -> int:
    folders = services.project.root_paths
    path = PictureNames(images.every_path(tx), folders).get(name)
    assert path.image_id is not None  # `get` returns only paths that hold an image
    return path.image_id


def _refuse_unused(image: Image, name: str) -> None:
    if image.removed:
        raise ImageError(
            f"{name!r} was removed from the project; bring it back with `annotator images PROJECT "
            "restore`, then answer."
        )
    if image.missing:
        raise ImageError(
            f"{name!r} has no file any more; bring it back and scan with `annotator images PROJECT "
            "add`, then answer."
        )


def status(services: Services) -> StatusRow:
    """Return the counts, the trainer's state and the promoted version, for `annotator status`."""
    with services.store.reading() as tx:
        promoted = versions.promoted(tx)
        refused = images.broken(tx)
        called = written_names(tx, refused)
        lost, removed = image_use.answered_without_file(tx), image_use.removed(tx)
    state = services.progress.state()
    overview = services.progress.overview()
    return {
        "project": services.project.settings.name,
        "counts": overview["counts"],
        "version": version_row(promoted) if promoted else None,
        "problem": state["problem"],
        "trainer": state["trainer"],
        "next_training": overview["policy"],
        "challengers": services.training.race(),
        "quality": services.quality.report(),
        "goal": services.stopping.report(),
        "refused_files": [{"path": called[p.id], "reason": p.problem or ""} for p in refused],
        "copies": problem_of_keeping(services.project.thumbnails_path),
        "images_without_file": len(lost),
        "removed_images": len(removed),
    }


def status_text(row: StatusRow) -> str:
    """Return what `status` prints for people."""
    counts, version, trainer = row["counts"], row["version"], row["trainer"]
    pairs = max(counts["pairs"], 1)
    lines = [
        f"{row['project']}: {counted(counts['images'], 'image')}, "
        f"{counted(counts['pairs'], 'pair')}",
        f"answered {counts['answered']} ({counts['answered'] / pairs:.1%}; {counts['present']} "
        f"present, {counts['absent']} absent), filled {counts['filled']}, open {counts['open']}",
        f"suggestions waiting {counts['suggestions']}, conflicts {counts['conflicts']}",
        version_line(version) if version else "no version yet",
        *([f"no suggestions: {row['problem']}"] if row["problem"] else []),
        f"trainer: {'not running' if trainer['state'] == 'off' else trainer['state']}"
        + (f"; {trainer['message']}" if trainer["message"] else ""),
        row["next_training"],
        *_challenger_lines(row["challengers"]),
        *_quality_lines(row["quality"], row["goal"]),
    ]
    if row["copies"]:
        lines.append(row["copies"])
    if row["images_without_file"]:
        lines.append(
            f"{counted(row['images_without_file'], 'image')} with answers but no file; see "
            "`annotator images PROJECT missing`"
        )
    if row["removed_images"]:
        lines.append(
            f"{counted(row['removed_images'], 'image')} removed; see `annotator images PROJECT "
            "restore`"
        )
    if row["refused_files"]:
        lines.append(
            f"{counted(len(row['refused_files']), 'file')} cannot be used; "
            "see `annotator images PROJECT missing`"
        )
    return "\n".join(lines)


def _challenger_lines(race: RaceReport) -> list[str]:
    if not race["rows"]:
        return [f"challengers: {race['says']}"] if race["on"] else []
    each = (row["last"]["note"] if row["last"] else row["says"] for row in race["rows"])
    names = (row["name"] for row in race["rows"])
    lines = (f"  {name}: {said}" for name, said in zip(names, each, strict=True))
    return [f"challengers: {race['says']}", *lines]


def _quality_lines(quality: QualityRow, goal: StoppingRow) -> list[str]:
    both, now = quality["overall"], goal["now"]
    agreement = quality["note"]
    if both is not None:
        shared = counted(both["pairs"], "pair")
        agreement = f"people agree on {both['agreed']:,} of {shared} they have in common"
    if goal["reached"]:
        return [agreement, "the goal is reached"]
    if now is None:
        return [agreement, goal["note"]]
    return [
        agreement,
        f"if the model decided the open pairs, {now['wrong_share']:.1%} of those called present "
        f"would be wrong and {now['lost_share']:.1%} of those present lost; "
        f"goal {goal['goal']['error']:.1%}",
    ]


def version_line(row: VersionRow) -> str:
    """Return one line about a version for people."""
    if row["map"] is None:
        quality = "no held-out figure yet"
    else:
        quality = f"mAP {row['map']:.1%} ({row['map_low']:.1%} to {row['map_high']:.1%})"
    mark = " *" if row["promoted"] else ""
    return (
        f"version {row['number']}{mark}  {row['method']}  {quality}  "
        f"{row['trained_answers']} answers  {row['seconds']:.0f} s  {row['note']}"
    ).rstrip()
