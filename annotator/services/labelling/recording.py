"""What people say on any page, recorded as operations: save, undo, redo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NoReturn, Protocol

from annotator.domain import (
    Change,
    Image,
    ImagePath,
    Operation,
    OperationKind,
    PairLabel,
    Receipt,
)
from annotator.errors import AnnotatorError, ImageError, TemporaryError
from annotator.services.catalogue.archived import Archived
from annotator.services.catalogue.pictures import REMOVED, Media, names_of
from annotator.services.clock import Clock, utc_now
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    categories,
    derivation,
    images,
    steps,
)
from annotator.wire import recording as wire
from annotator.wire.recording import (
    BackRequest,
    Label,
    LastStep,
    LastStepRequest,
    Saved,
    SaveRequest,
    TakenBack,
    Touched,
)

MOST_REASONS = 3
"""Reasons that one refusal gives."""


class _Act(Protocol):
    def __call__(
        self,
        tx: Transaction,
        client_id: str,
        annotator_id: int,
        now: datetime,
        *,
        target: str | None,
    ) -> Receipt | None: ...


class Recording:
    """Answers of all pages, committed and durable before they are acknowledged."""

    def __init__(self, store: Store, media: Media, clock: Clock = utc_now) -> None:
        self._store = store
        self._media = media
        self._clock = clock

    def save(self, annotator: str, request: SaveRequest) -> Saved:
        """Record one operation of a page.

        Changes about images without a usable file, or to categories that have been archived since
        the page was drawn, are left out and reported. What is said about a category that has been
        merged counts in the one that took it over; `merged` says so.

        Raises:
            AnnotatorError: If a category or an image is not in the project, or all the categories
                are archived; nothing is recorded.
            ImageError: If none of the images has a usable file.
            ImageFolderMissing: If the file of one is missing with its whole folder.
        """
        now = self._clock()
        changes = [_change(change, request.image) for change in request.changes]
        with self._store.reading() as tx:
            found = _known_images(tx, changes)
            recorded = answers.recorded_pairs(tx, request.op)  # of a retry; that part is settled
            new = [c for c in changes if (c.image_id, c.category_id) not in recorded]
            wanted = sorted({c.image_id for c in new})
            paths = images.paths_of(tx, wanted)
        # In no transaction: a disk may take its time.
        problems = self._problems([found[image_id] for image_id in wanted], paths)
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            archived = Archived(tx)
            refused = _refused(archived, new)
            out = {c for c in new if c.image_id in problems or c.category_id in refused}
            usable = tuple(c for c in changes if c not in out)
            if not usable:
                _refuse_all(problems, refused)
            operation = Operation(
                client_id=request.op,
                annotator_id=person.id,
                kind=OperationKind(request.kind),
                changes=usable,
                happened_at=request.at or now,
                version=request.version,
                decision_ms=request.ms,
                step=request.step,
            )
            receipt = answers.record(tx, operation, now)
            taken_over = _taken_over(tx, archived, usable)
            merged = _merged_sentences(tx, archived, taken_over)
            people = {a.id: a.name for a in annotators.every(tx)}
        labels = [*receipt.labels, *(label for _, label in taken_over)]
        return {
            "op": operation.client_id,
            "repeated": receipt.repeated,
            "images": label_rows(labels, people, person.id),
            "late": list(receipt.late),
            "left_out": sorted(problems.items()),
            "archived": sorted(refused.items()),
            "merged": merged,
        }

    def undo(self, annotator: str, request: BackRequest) -> TakenBack:
        """Take back the annotator's newest operation, wherever it was.

        If the page means another one, nothing is taken back.
        """
        return self._back_or_forth(annotator, request, answers.undo)

    def redo(self, annotator: str, request: BackRequest) -> TakenBack:
        """Bring back what the annotator's last undo took away, unless something came after it."""
        return self._back_or_forth(annotator, request, answers.redo)

    def last_step(self, annotator: str, request: LastStepRequest) -> LastStep:
        """Return what the next undo or redo would be about, so that a page can ask first."""
        now = self._clock()
        find = steps.parts_done if request.call == "undo" else steps.parts_undone
        with self._store.reading() as tx:
            parts = find(tx, annotators.id_of(tx, annotator))
            if not parts:
                return {"step": None}
            said = steps.said(tx, parts)
            images_of = sorted({image for image, _ in said})
            categories_of = {category for _, category in said}
            one_image = images_of[0] if len(images_of) == 1 else None
            names = {} if one_image is None else names_of(tx, [one_image])
            category = categories.get(tx, categories_of.pop()) if len(categories_of) == 1 else None
        states = set(said.values())
        return {
            "step": {
                "op": parts[0].client_id,
                "parts": [part.client_id for part in parts],
                "seconds": max(0, int((now - parts[0].at).total_seconds())),
                "answers": len(said),
                "images": len(images_of),
                "image": one_image,
                "name": "" if one_image is None else names.get(one_image, f"image {one_image}"),
                "category": "" if category is None else category.name,
                "state": states.pop().value if len(states) == 1 else "",
            }
        }

    def _back_or_forth(self, annotator: str, request: BackRequest, act: _Act) -> TakenBack:
        now = self._clock()
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            receipt = act(tx, request.op, person.id, now, target=request.target)
            people = {a.id: a.name for a in annotators.every(tx)}
        touched = label_rows(receipt.labels if receipt else (), people, person.id)
        first = next(iter(touched), None)
        return {
            "op": request.op,
            "nothing": receipt is None,
            "image": None if first is None else int(first),
            "images": touched,
        }

    def _problems(
        self, wanted: Iterable[Image], paths: Mapping[int, list[ImagePath]]
    ) -> dict[int, str]:
        """Return why images cannot be looked at, by image id; usable ones are left out.

        Raises:
            ImageFolderMissing: If a whole folder is missing.
        """
        problems = {}
        for image in wanted:
            if image.removed:
                problems[image.id] = REMOVED
                continue
            try:
                self._media.first_existing(image, paths.get(image.id, []))
            except TemporaryError:
                raise
            except AnnotatorError as error:
                problems[image.id] = str(error)
        return problems


def label_rows(labels: Iterable[PairLabel], people: Mapping[int, str], me: int) -> Touched:
    """Return labels as the pages know them, by image id and category id."""
    rows: Touched = defaultdict(dict)
    for label in labels:
        rows[str(label.image_id)][str(label.category_id)] = label_row(label, people, me)
    return dict(rows)


def label_row(label: PairLabel, people: Mapping[int, str], me: int) -> Label | None:
    """Return a label as the pages know it; None for an unknown pair."""
    if label.answer_id is None:
        return None
    return {
        "state": label.state.value if label.state else None,
        "answer": label.answer_id,
        "source": label.source.value if label.source else "",
        "by": people.get(label.annotator_id or 0, ""),
        "mine": label.annotator_id == me,
        "conflict": label.conflict,
    }


def _known_images(tx: Transaction, changes: Sequence[Change]) -> dict[int, Image]:
    """Return the images that changes are about, by id.

    Raises:
        AnnotatorError: If one, or a category, is not in the project.
    """
    known = categories.ordinals(tx)
    for change in changes:
        if change.category_id not in known:
            raise AnnotatorError(
                f"Category {change.category_id} is not in this project any more; reload the page."
            )
    there = images.many(tx, {c.image_id for c in changes})
    for change in changes:
        if change.image_id not in there:
            images.get(tx, change.image_id)  # says that it is not there
    return there


def _refused(archived: Archived, changes: Sequence[Change]) -> dict[int, str]:
    """Return why categories take no answers, by category id; those in use are left out."""
    reasons = {c.category_id: archived.refusal(c.category_id) for c in changes}
    return {category_id: reason for category_id, reason in reasons.items() if reason is not None}


def _refuse_all(problems: Mapping[int, str], refused: Mapping[int, str]) -> NoReturn:
    if problems:
        raise ImageError(next(iter(problems.values())))
    raise AnnotatorError(" ".join(list(refused.values())[:MOST_REASONS]))


def _taken_over(
    tx: Transaction, archived: Archived, changes: Sequence[Change]
) -> list[tuple[int, PairLabel]]:
    """Return each merged category that was answered, and its target's label on that image."""
    targets = [
        (c.category_id, (c.image_id, target))
        for c in changes
        if (target := archived.target(c.category_id)) is not None
    ]
    labels = derivation.current(tx, {pair for _, pair in targets}) if targets else {}
    return [(category_id, labels[pair]) for category_id, pair in targets]


def _merged_sentences(
    tx: Transaction, archived: Archived, taken_over: Sequence[tuple[int, PairLabel]]
) -> list[str]:
    by_category = {category_id: label for category_id, label in taken_over}
    sentences = []
    for category_id, label in by_category.items():
        target = categories.get(tx, label.category_id).name
        said = f"{archived.name(category_id)!r} is merged into {target!r}, where your answer counts"
        alone = sum(i == category_id for i, _ in taken_over) == 1
        sentences.append(f"{said}: it is {_state(label)} there." if alone else f"{said}.")
    return sentences


def _state(label: PairLabel) -> str:
    if label.conflict:
        return "in conflict"
    return label.state.value if label.state else "unknown"


def _change(said: wire.Change, image: int | None) -> Change:
    image = image if said.image is None else said.image
    assert image is not None  # a request that names none is refused
    return Change(
        image_id=image,
        category_id=said.category,
        state=said.state,
        source=said.source,
        score=said.score,
        seen_answer_id=said.seen,
        seen_operation=said.after,
        expected=said.expected,
    )
