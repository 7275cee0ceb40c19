"""What people say on any page, recorded as operations: save, undo, redo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from annotator.domain import Change, Operation, OperationKind, PairLabel, Receipt, Source, State
from annotator.errors import AnnotatorError, ImageError, TemporaryError
from annotator.services.catalogue.pictures import Media
from annotator.services.clock import Clock, utc_now
from annotator.store import Store, Transaction, annotators, answers, categories, images

PAGE_KINDS = {
    kind.value: kind
    for kind in OperationKind
    if kind not in (OperationKind.IMPORT, OperationKind.UNDO, OperationKind.REDO)
}


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

    def save(self, annotator: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Record one operation of a page.

        `data` has `op` (client id), `kind`, `changes`, and may have `at`, `ms`, `version` and
        `image`. A change has `category`, `state`, may have `source`, `score`, `seen` (answer id),
        `after` (client id of an own operation on its way), `expected` (state that an attention
        check expects), and `image` where it differs from that of the operation. Changes about
        images without a usable file are left out and reported.

        Returns:
            `op`, `repeated`, `images` (image id -> category id -> label), `late` and `left_out`.

        Raises:
            AnnotatorError: If a field is not as a page sends it; nothing is recorded.
            ImageError: If none of the images has a usable file.
            ImageFolderMissing: If the file of one is missing with its whole folder.
        """
        now = self._clock()
        kind = PAGE_KINDS.get(str(data.get("kind")))
        if kind is None:
            raise AnnotatorError(f"The page sent an unknown kind of change {data.get('kind')!r}.")
        changes = [_change(data.get("image"), change) for change in data.get("changes", ())]
        if not changes:
            raise AnnotatorError("The page sent a change without a category; reload the page.")
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            _refuse_unknown(tx, changes)
            problems = self._problems(tx, {c.image_id for c in changes})
            usable = tuple(c for c in changes if c.image_id not in problems)
            if not usable:
                raise ImageError(next(iter(problems.values())))
            operation = Operation(
                client_id=client_id(data),
                annotator_id=person.id,
                kind=kind,
                changes=usable,
                happened_at=moment(data.get("at"), now),
                version=None if data.get("version") is None else int(data["version"]),
                decision_ms=None if data.get("ms") is None else max(0, int(data["ms"])),
            )
            receipt = answers.record(tx, operation, now)
            people = {a.id: a.name for a in annotators.every(tx)}
        return {
            "op": operation.client_id,
            "repeated": receipt.repeated,
            "images": label_rows(receipt.labels, people, person.id),
            "late": [list(pair) for pair in receipt.late],
            "left_out": [[image_id, reason] for image_id, reason in sorted(problems.items())],
        }

    def undo(self, annotator: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Take back the annotator's newest operation, wherever it was.

        `data` has `op` (client id) and may have `target`, the client id of the operation that the
        page means. If that never came here, nothing is taken back.
        """
        return self._back_or_forth(annotator, data, answers.undo)

    def redo(self, annotator: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Bring back what the annotator's last undo took away, unless something came after it.

        `data` is as for `undo`.
        """
        return self._back_or_forth(annotator, data, answers.redo)

    def _back_or_forth(self, annotator: str, data: Mapping[str, Any], act: _Act) -> dict[str, Any]:
        now = self._clock()
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            target = data.get("target")
            never_came = isinstance(target, str) and not answers.is_recorded(tx, target)
            receipt = None if never_came else act(tx, client_id(data), person.id, now)
            people = {a.id: a.name for a in annotators.every(tx)}
        touched = label_rows(receipt.labels if receipt else (), people, person.id)
        first = next(iter(touched), None)
        return {
            "op": client_id(data),
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


def label_rows(
    labels: Iterable[PairLabel], people: Mapping[int, str], me: int
) -> dict[str, dict[str, Any]]:
    """Return labels as the pages know them, by image id and category id."""
    rows: dict[str, dict[str, Any]] = defaultdict(dict)
    for label in labels:
        rows[str(label.image_id)][str(label.category_id)] = label_row(label, people, me)
    return dict(rows)


def label_row(label: PairLabel, people: Mapping[int, str], me: int) -> dict[str, Any] | None:
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


def client_id(data: Mapping[str, Any]) -> str:
    """Return the id that the page gave its operation.

    Raises:
        AnnotatorError: If it has none.
    """
    name = data.get("op")
    if not isinstance(name, str) or not 1 <= len(name) <= 64:
        raise AnnotatorError("The page sent a change without an id; reload the page.")
    return name


def whole(value: Any, name: str) -> int:
    """Return a whole number that the page sent.

    Raises:
        AnnotatorError: If it is none; the message says in which field.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise AnnotatorError(f"The page sent {value!r} as {name}; reload the page.")
    return value


def moment(value: Any, now: datetime) -> datetime:
    """Return a moment the browser sent, or now: a wrong clock must not lose an answer."""
    try:
        said = datetime.fromisoformat(str(value))
    except ValueError:
        return now
    return said if said.tzinfo else now


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


def _change(image_id: Any, data: Mapping[str, Any]) -> Change:
    try:
        state, source = State(data["state"]), Source(data.get("source", "human"))
        expected = State(data["expected"]) if data.get("expected") else None
    except (KeyError, ValueError):
        raise AnnotatorError(
            f"The page sent an unknown answer {data.get('state')!r} ({data.get('source')!r})."
        ) from None
    score, seen, after = data.get("score"), data.get("seen"), data.get("after")
    return Change(
        image_id=whole(data.get("image", image_id), "image"),
        category_id=whole(data.get("category"), "category"),
        state=state,
        source=source,
        score=None if score is None else min(1.0, max(0.0, float(score))),
        seen_answer_id=None if seen is None else whole(seen, "seen answer"),
        seen_operation=None if after is None else str(after),
        expected=expected,
    )
