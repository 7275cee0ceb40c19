"""What people say on any page, recorded as operations: save, undo, redo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from annotator.domain import Change, Operation, OperationKind, PairLabel, Receipt
from annotator.errors import AnnotatorError, ImageError, TemporaryError
from annotator.services.catalogue.pictures import Media
from annotator.services.clock import Clock, utc_now
from annotator.store import Store, Transaction, annotators, answers, categories, images
from annotator.wire import recording as wire
from annotator.wire.recording import (
    BackRequest,
    Label,
    Saved,
    SaveRequest,
    TakenBack,
    Touched,
)


class _Act(Protocol):
    def __call__(
        self, tx: Transaction, client_id: str, annotator_id: int, now: datetime
    ) -> Receipt | None: ...


class Recording:
    """Answers of all pages, committed and durable before they are acknowledged."""

    def __init__(self, store: Store, media: Media, clock: Clock = utc_now) -> None:
        self._store = store
        self._media = media
        self._clock = clock

    def save(self, annotator: str, request: SaveRequest) -> Saved:
        """Record one operation of a page.

        Changes about images without a usable file are left out and reported.

        Raises:
            AnnotatorError: If a category or an image is not in the project; nothing is recorded.
            ImageError: If none of the images has a usable file.
            ImageFolderMissing: If the file of one is missing with its whole folder.
        """
        now = self._clock()
        changes = [_change(change, request.image) for change in request.changes]
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            _refuse_unknown(tx, changes)
            problems = self._problems(tx, {c.image_id for c in changes})
            usable = tuple(c for c in changes if c.image_id not in problems)
            if not usable:
                raise ImageError(next(iter(problems.values())))
            operation = Operation(
                client_id=request.op,
                annotator_id=person.id,
                kind=OperationKind(request.kind),
                changes=usable,
                happened_at=request.at or now,
                version=request.version,
                decision_ms=request.ms,
            )
            receipt = answers.record(tx, operation, now)
            people = {a.id: a.name for a in annotators.every(tx)}
        return {
            "op": operation.client_id,
            "repeated": receipt.repeated,
            "images": label_rows(receipt.labels, people, person.id),
            "late": list(receipt.late),
            "left_out": sorted(problems.items()),
        }

    def undo(self, annotator: str, request: BackRequest) -> TakenBack:
        """Take back the annotator's newest operation, wherever it was.

        If the operation that the page means never came here, nothing is taken back.
        """
        return self._back_or_forth(annotator, request, answers.undo)

    def redo(self, annotator: str, request: BackRequest) -> TakenBack:
        """Bring back what the annotator's last undo took away, unless something came after it."""
        return self._back_or_forth(annotator, request, answers.redo)

    def _back_or_forth(self, annotator: str, request: BackRequest, act: _Act) -> TakenBack:
        now = self._clock()
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            target = request.target
            never_came = target is not None and not answers.is_recorded(tx, target)
            receipt = None if never_came else act(tx, request.op, person.id, now)
            people = {a.id: a.name for a in annotators.every(tx)}
        touched = label_rows(receipt.labels if receipt else (), people, person.id)
        first = next(iter(touched), None)
        return {
            "op": request.op,
            "nothing": receipt is None,
            "image": None if first is None else int(first),
            "images": touched,
        }

    def _problems(self, tx: Transaction, image_ids: Iterable[int]) -> dict[int, str]:
        """Return why images cannot be looked at, by image id; usable ones are left out.

        Raises:
            ImageFolderMissing: If a whole folder is missing.
        """
        wanted = sorted(image_ids)
        found = images.many(tx, wanted)
        paths = images.paths_of(tx, wanted)
        problems = {}
        for image_id in wanted:
            try:
                self._media.first_existing(found[image_id], paths.get(image_id, []))
            except TemporaryError:
                raise
            except AnnotatorError as error:
                problems[image_id] = str(error)
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


def _refuse_unknown(tx: Transaction, changes: Sequence[Change]) -> None:
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
