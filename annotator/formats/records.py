"""What label files say, in the words of the project and independent of any format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from annotator.domain import State, name_key
from annotator.errors import FormatError

MODEL = "model"
"""Source of a pair that no person decided: a suggestion, never a label."""

CERTIFIED = "certified"
"""Source of a pair that no person decided and that a certificate covers: no label either."""

NOT_BY_PEOPLE = frozenset({MODEL, CERTIFIED})

Content = Literal["answered", "certified", "completed"]
"""`answered`: labels only. `certified`: with pairs that were filled in under a certificate.
`completed`: open pairs were decided by a model, uncertified."""


@dataclass(frozen=True, slots=True)
class PairRecord:
    """What a file says about one pair."""

    category: str
    state: State
    """PRESENT or ABSENT; unknown is the absence of a record."""
    source: str | None = None
    """How it came about, as the file spells it; None where the file does not say."""
    score: float | None = None
    """Probability that was shown or decided, 0 to 1."""
    annotator: str | None = None
    at: str | None = None
    """ISO 8601 time of the answer."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys this program does not know, kept for export."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotationRecord:
    """One annotation of an imported file, such as a box; kept for export."""

    category: str
    coco_id: int | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    """Everything but its ids: bbox, area, iscrowd, segmentation and unknown keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRecord:
    """One listed image with everything a file says about it."""

    file_name: str
    pairs: tuple[PairRecord, ...] = ()
    """Labels, at most one a category."""
    suggestions: tuple[PairRecord, ...] = ()
    """Pairs with source `model` or `certified`, of other categories than `pairs`."""
    annotations: tuple[AnnotationRecord, ...] = ()
    not_exhaustive: tuple[str, ...] | None = None
    """Categories not all of whose instances are boxed; None: all that are present."""
    width: int | None = None
    height: int | None = None
    coco_id: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys this program does not know, kept for export."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CategoryRecord:
    """One category of a file."""

    name: str
    supercategory: str = ""
    coco_id: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Keys this program does not know, kept for export."""


@dataclass(frozen=True, kw_only=True)
class LabelRows:
    """Everything that goes into one label file, with images that need not be there all at once."""

    categories: tuple[CategoryRecord, ...] = ()
    images: Iterable[ImageRecord] = ()
    """Gone through once by each format that is written. Each image and annotation has an id of its
    own; a `LabelFile` may lack some."""
    content: Content = "answered"
    info: Mapping[str, Any] = field(default_factory=dict)
    """COCO `info` without the keys that say which profile a file follows."""
    licenses: tuple[Any, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Top-level keys this program does not know, kept for export."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """Sentences about what is unusual in the file and was read all the same."""
    high_ids: frozenset[int] = frozenset()
    """Ids of annotations from `coco_ids.FIRST` on."""

    def checked(self) -> Iterator[ImageRecord]:
        """Yield the images, each once it has been checked.

        Raises:
            FormatError: If names clash, a pair is named twice or names an unlisted category.
        """
        names = {category.name for category in self.categories}
        for first, second in clashes(category.name for category in self.categories):
            raise FormatError(f"categories {first!r} and {second!r} clash; rename one of them.")
        files: set[str] = set()
        for image in self.images:
            if image.file_name in files:
                raise FormatError(f"image {image.file_name!r} is listed twice; list it once.")
            files.add(image.file_name)
            _check(image, names)
            if self.content == "answered" and image.suggestions:
                raise FormatError("suggestions belong in a file with content 'completed'.")
            yield image


@dataclass(frozen=True, kw_only=True)
class LabelFile(LabelRows):
    """Everything in one label file.

    Raises:
        FormatError: See `LabelRows.checked`.
    """

    images: tuple[ImageRecord, ...] = ()

    def __post_init__(self) -> None:
        for _ in self.checked():
            pass

    @property
    def suggestions(self) -> Iterator[tuple[str, PairRecord]]:
        """File name and pair of everything that a model decided."""
        return ((image.file_name, pair) for image in self.images for pair in image.suggestions)


def clashes(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of names that are equal or differ in case only, earlier one first."""
    seen: dict[str, str] = {}
    for name in names:
        key = name_key(name)
        if key in seen:
            yield seen[key], name
        else:
            seen[key] = name


def implied(categories: Iterable[CategoryRecord], unlisted: State | None) -> dict[str, PairRecord]:
    """Return, by category, what a file means that does not list the category for an image.

    The records are shared by all images, so that a large file read with `unlisted` absent stays
    small in memory.

    Raises:
        ValueError: If `unlisted` is neither None nor ABSENT.
    """
    if unlisted is None:
        return {}
    if unlisted is not State.ABSENT:
        raise ValueError(f"unlisted must be None (unknown) or State.ABSENT, got {unlisted!r}")
    return {category.name: PairRecord(category.name, State.ABSENT) for category in categories}


def _check(image: ImageRecord, names: set[str]) -> None:
    pairs = (*image.pairs, *image.suggestions)
    mentioned = [pair.category for pair in pairs]
    used = (*mentioned, *(a.category for a in image.annotations), *(image.not_exhaustive or ()))
    for name in used:
        if name not in names:
            _refuse(image, name, "the category is not listed; add it to the categories")
    if len(set(mentioned)) < len(mentioned):
        twice = next(name for name in mentioned if mentioned.count(name) > 1)
        _refuse(image, twice, "the pair is named twice; keep one state")
    _check_states(image)


def _check_states(image: ImageRecord) -> None:
    for pair in (*image.pairs, *image.suggestions):
        if pair.state not in (State.PRESENT, State.ABSENT):
            _refuse(image, pair.category, f"the state is {pair.state}; leave unknown pairs out")
    for pair in image.pairs:
        if pair.source in NOT_BY_PEOPLE:
            problem = f"source '{pair.source}' makes it a suggestion; list it there"
            _refuse(image, pair.category, problem)
    for pair in image.suggestions:
        if pair.source not in NOT_BY_PEOPLE:
            _refuse(image, pair.category, f"a suggestion has source 'model', not {pair.source!r}")


def _refuse(image: ImageRecord, category: str, problem: str) -> NoReturn:
    raise FormatError(f"image {image.file_name!r}, category {category!r}: {problem}.")
