"""The words of the project as frozen dataclasses, and the pure rules between them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from annotator.errors import AnnotatorError

FOLDS = 10
"""Number of folds; an image belongs to one of them for life."""
HELD_OUT_FOLD = 0
"""The fold whose labels never train anything."""

MAX_PERSON_NAME = 80
"""Longest name of a person, in characters."""

_JOINERS = "\u200c\u200d"
"""Invisible, and yet a part of how words are spelled, as in Persian and Hindi."""


class State(StrEnum):
    """What an answer says about one pair. Unknown is the absence of an answer."""

    PRESENT = "present"
    ABSENT = "absent"
    UNSURE = "unsure"
    CLEARED = "cleared"


class Source(StrEnum):
    """How an answer came about."""

    HUMAN = "human"
    ACCEPTED = "accepted"
    ACCEPTED_IN_BULK = "accepted_in_bulk"
    REJECTED = "rejected"
    SWEPT = "swept"
    IMPORTED = "imported"
    REVIEW = "review"


class OperationKind(StrEnum):
    """One thing that a person did."""

    ANSWER = "answer"
    ACCEPT_ALL = "accept_all"
    SWEEP = "sweep"
    PAGE = "page"
    IMPORT = "import"
    UNDO = "undo"
    REDO = "redo"


UNDOABLE = frozenset(
    {OperationKind.ANSWER, OperationKind.ACCEPT_ALL, OperationKind.SWEEP, OperationKind.PAGE}
)
"""What the undo key takes back; an import is too large for a key press."""


class JobKind(StrEnum):
    """What a worker can be asked to do; a challenge is decision 0303's, a map 0411's."""

    EMBED = "embed"
    TRAIN = "train"
    CHALLENGE = "challenge"
    MAP = "map"


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Category:
    """A name that pictures are labelled with."""

    id: int
    ordinal: int
    """Column of this category in every array; never reused."""
    name: str
    supercategory: str = ""
    aliases: tuple[str, ...] = ()
    archived: bool = False
    coco_id: int | None = None
    """Id in the COCO file it was imported from."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the imported COCO category that this program does not know, kept for export."""
    present_count: int = 0
    absent_count: int = 0
    description: str = ""
    """What counts as this category, in a sentence for the annotators."""
    hotkey: str | None = None
    """Key of this category for everybody who has not chosen another."""
    position: int | None = None
    """Place in the lists of the pages; None sorts after all others, by ordinal."""
    merged_into: int | None = None
    """Id of the category that this one was merged into; such a category is archived."""
    merged_after: int | None = None
    """Newest operation when it was merged; what people say afterwards comes before the merge."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One picture by content. The same bytes at two paths are one image."""

    id: int
    ordinal: int
    """Row of this image in every array; never reused."""
    content_hash: str
    """SHA-256 of the file, hexadecimal."""
    fold: int
    width: int
    """Pixels, after the EXIF orientation is applied."""
    height: int
    format: str
    """Decoder name, such as `JPEG`."""
    missing: bool = False
    """No path leads to this content any more; answers are kept."""
    known_count: int = 0
    removed: bool = False
    """Somebody took it out of the project; answers are kept."""
    same_as: int | None = None
    """Id of the image that this one was found to be, saved again; it has the answers of both."""
    last_path_id: int | None = None
    """The path that led here last and leads to another content now."""
    missing_since: int | None = None
    """How many images there were when its file was last seen; later ones may be it, saved again."""

    @property
    def in_use(self) -> bool:
        """Whether it has a file and nobody removed it: these are counted, asked and exported."""
        return not (self.missing or self.removed)


@dataclass(frozen=True, kw_only=True)
class ImagePath:
    """One file under a named root that holds an image, or the reason why it does not."""

    id: int
    image_id: int | None
    root: str
    path: str
    """Relative to the root, with forward slashes."""
    coco_id: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the imported COCO image that this program does not know, kept for export."""
    problem: str | None = None
    size: int = 0
    """Bytes; with `modified_ns` tells whether the file has to be read again."""
    modified_ns: int = 0
    own_image_id: int | None = None
    """The image of this very content, where it was found to be `image_id`, saved again."""


@dataclass(frozen=True, kw_only=True)
class Annotator:
    """A person who answers."""

    id: int
    name: str
    reviewer: bool = False


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one operation says about one pair."""

    image_id: int
    category_id: int
    state: State
    source: Source
    score: float | None = None
    """Probability that was shown beside the pair, if one was."""
    seen_answer_id: int | None = None
    """The winning answer the client saw for this pair; None: it saw an unknown pair."""
    seen_operation: str | None = None
    """Client id of the client's own earlier operation on the pair, not acknowledged yet."""
    expected: State | None = None
    """What the label says of a pair that is asked again as an attention check; such an answer never
    becomes the label. None for other pairs."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One key press, accept-all, sweep, page or import."""

    client_id: str
    """Chosen by the client; a retry with the same id does nothing twice."""
    annotator_id: int
    kind: OperationKind
    changes: tuple[Change, ...]
    happened_at: datetime
    """When the person did it, by the client's clock, UTC."""
    version: int | None = None
    """Version whose suggestions were on the screen."""
    decision_ms: int | None = None
    step: str | None = None  # shared by those that undo takes back together


@dataclass(frozen=True, kw_only=True)
class PairLabel:
    """The label of one pair as it stands now."""

    image_id: int
    category_id: int
    state: State | None
    """PRESENT or ABSENT, None for unknown (also while in conflict)."""
    answer_id: int | None = None
    source: Source | None = None
    annotator_id: int | None = None
    conflict: bool = False
    score: float | None = None
    """Probability that was shown beside the pair when it was answered, if one was."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the store did with an operation."""

    operation_id: int
    repeated: bool
    """This client id had been recorded before; nothing was done again."""
    labels: tuple[PairLabel, ...]
    """The touched pairs as they stand now, unknown ones included."""
    late: tuple[tuple[int, int], ...] = ()
    """`(image id, category id)` of answers kept but not applied, because the pair had moved on."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A piece of work for the background worker."""

    id: int
    kind: JobKind
    state: JobState
    options: Mapping[str, Any]
    progress: Mapping[str, Any]
    """`done`, `total`, `stage`, and for training `loss`, `epoch`, `epochs`."""
    message: str
    token: str | None
    """Proof of the current claim; None unless running."""
    worker: str | None
    cancel_requested: bool
    lost_workers: int
    """How many workers have fallen silent while they did it."""
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Version:
    """One trained model, immutable, numbered."""

    number: int
    method: str
    backbone: str
    created_at: datetime
    ready: bool
    promoted: bool
    trained_answers: int
    """Answers counted by the retraining policy when its snapshot was taken."""
    trained_present: int
    training_seconds: float
    metrics: Mapping[str, Any]
    """See `docs/data-model.md`; `map`, `map_low`, `map_high` are None without a verdict."""
    note: str = ""
    """Why it was promoted or not, in a sentence for the person."""


@dataclass(frozen=True)
class Judgement:
    """One uncancelled answer about a pair, as the label rule sees it."""

    answer_id: int
    annotator_id: int
    state: State
    source: Source
    reviewer: bool = False
    operation_id: int = 0
    """The operation that said it; ids grow with time."""


@dataclass(frozen=True)
class Merge:
    """One category taken together with another."""

    category_id: int
    into: int
    """Id of the category that both are from now on."""
    after: int
    """Newest operation when it was done; 0 before there was one."""


def name_key(name: str) -> str:
    r"""Return what all spellings of one name, of a person or of a category, have in common.

    They may differ in case, in the encoding of accents, and in blanks around the name.

    >>> name_key(" Jose\u0301") == name_key("JOS\u00c9")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


def person_name(name: str) -> str:
    """Return a person's name fit for keeping, without surrounding and repeated blanks.

    >>> person_name(" Ann   Lee ")
    'Ann Lee'

    Raises:
        AnnotatorError: If nothing is left of it, it is too long, or it holds control characters.
    """
    tidy = " ".join(name.split())
    if not 1 <= len(tidy) <= MAX_PERSON_NAME:
        raise AnnotatorError(
            f"A person's name has 1 to {MAX_PERSON_NAME} characters, got {tidy!r}; use another."
        )
    if any(unicodedata.category(c).startswith("C") and c not in _JOINERS for c in tidy):
        raise AnnotatorError(
            f"A person's name has ordinary letters, digits and punctuation only, got {tidy!r}; "
            "use another."
        )
    return tidy


def fold_of(content_hash: str) -> int:
    """Return the fold of an image, which depends on its content alone.

    >>> fold_of("0" * 63 + "a")
    0
    """
    return int(content_hash[:16], 16) % FOLDS


def _tier(judgement: Judgement) -> int:
    if judgement.reviewer or judgement.source is Source.REVIEW:
        return 2
    return 0 if judgement.source is Source.IMPORTED else 1


def winning_label(image_id: int, category_id: int, judgements: Iterable[Judgement]) -> PairLabel:
    """Return the label that a pair's uncancelled, timely answers add up to.

    The newest answer of each annotator counts. Reviewers come before other
    people, people before imported files. If the best tier does not agree, the
    pair is in conflict and unknown until reviewed. Unsure and cleared answers
    withdraw the annotator's earlier answer and give no label.
    """
    newest: dict[tuple[int, bool], Judgement] = {}
    for judgement in sorted(judgements, key=lambda j: j.answer_id):
        imported = judgement.source is Source.IMPORTED
        newest[judgement.annotator_id, imported] = judgement
    opinions = [j for j in newest.values() if j.state in (State.PRESENT, State.ABSENT)]
    if not opinions:
        return PairLabel(image_id=image_id, category_id=category_id, state=None)
    best = max(map(_tier, opinions))
    opinions = [j for j in opinions if _tier(j) == best]
    winner = max(opinions, key=lambda j: j.answer_id)
    conflict = len({j.state for j in opinions}) > 1
    return PairLabel(
        image_id=image_id,
        category_id=category_id,
        state=None if conflict else winner.state,
        answer_id=winner.answer_id,
        source=winner.source,
        annotator_id=winner.annotator_id,
        conflict=conflict,
    )


def merged_label(own: PairLabel, merged: Iterable[PairLabel]) -> PairLabel:
    """Return the label of a pair together with those of the categories merged into its category.

    It is the three-valued OR: present if any is present, absent only if all are absent, else
    unknown. A conflict may turn out to be present, so it makes a conflict of all but present.
    Absent, unknown, conflict and present are steps of a ladder and the highest counts, so the
    order of merges does not matter. Of several labels on that step the newest answer decides.
    """
    best = max((own, *merged), key=lambda x: (_step(x), x.answer_id or 0))
    return replace(best, category_id=own.category_id)


def _step(label: PairLabel) -> int:
    if label.state is not None:
        return 3 if label.state is State.PRESENT else 0
    return 2 if label.conflict else 1
