"""Reads COCO files: plain ones, those with LVIS keys, and this program's own profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from annotator.domain import State, name_key
from annotator.errors import FormatError
from annotator.formats.coco_profile import (
    ANNOTATION_KEYS,
    ANNOTATION_TYPE,
    BOX_KEYS,
    CATEGORY_KEYS,
    FILLED_IN,
    IMAGE_KEYS,
    INFO_KEYS,
    NEGATIVE,
    NOT_EXHAUSTIVE,
    POSITIVE,
    SEMANTICS,
    TABLE,
    TABLE_KEYS,
    TOP_KEYS,
    WITHHELD,
)
from annotator.formats.json_shapes import Row, is_finite, load, rows
from annotator.formats.records import (
    CERTIFIED,
    MODEL,
    NOT_BY_PEOPLE,
    AnnotationRecord,
    CategoryRecord,
    Content,
    ImageRecord,
    LabelFile,
    PairRecord,
    implied,
)


def read(path: Path, unlisted: State | None = None) -> LabelFile:
    """Return what a COCO file says.

    A pair with an annotation or in `pos_category_ids` is present, one in `neg_category_ids` absent.
    Where the file has the table `image_labels`, the table decides the pairs in it. Pairs with
    source `model` or `certified`, and those of a completed or certified file whose source is lost,
    come back as suggestions.

    Args:
        path: A JSON file.
        unlisted: What it means that a file does not name a category for an image: None (unknown)
            or ABSENT.

    Raises:
        FormatError: If the file cannot be used; names the file, the place and the cure.
        NotFound: If there is no such file.
    """
    return read_document(path, load(path), unlisted)


def read_document(path: Path, document: dict[str, Any], unlisted: State | None) -> LabelFile:
    """Return what parsed COCO says; `path` is for messages. See `read`."""
    if "images" not in document:
        raise FormatError(f"{path}: 'images' is missing; name a COCO file that lists its images.")
    info, content = _info(path, document)
    categories = _categories(path, document)
    reading = _Reading(path, document, categories, content=content)
    reading.table()
    reading.annotations()
    reading.image_keys()
    meant = implied(categories.values(), unlisted)
    images = tuple(draft.record(meant) for draft in reading.drafts.values())
    return LabelFile(
        categories=tuple(categories.values()),
        images=images,
        content=_content_of(images, content),
        info=info,
        licenses=_licenses(path, document),
        extra={key: value for key, value in document.items() if key not in TOP_KEYS},
    )


class _Draft:
    """One image while the sections of the file add to it."""

    __slots__ = ("annotations", "file_name", "labels", "not_exhaustive", "row", "settled")

    def __init__(self, row: Row, file_name: str) -> None:
        self.row = row
        self.file_name = file_name
        self.labels: dict[str, PairRecord] = {}
        self.settled: frozenset[str] = frozenset()
        self.annotations: list[AnnotationRecord] = []
        self.not_exhaustive: list[str] | None = None

    def record(self, meant: Mapping[str, PairRecord]) -> ImageRecord:
        pairs = [pair for pair in self.labels.values() if pair.source not in NOT_BY_PEOPLE]
        pairs.extend(pair for name, pair in meant.items() if name not in self.labels)
        present = {name for name, pair in self.labels.items() if pair.state is State.PRESENT}
        partly = self.not_exhaustive
        if partly is not None and set(partly) == present:
            partly = None
        return ImageRecord(
            file_name=self.file_name,
            pairs=tuple(pairs),
            suggestions=tuple(p for p in self.labels.values() if p.source in NOT_BY_PEOPLE),
            annotations=tuple(self.annotations),
            not_exhaustive=None if partly is None else tuple(dict.fromkeys(partly)),
            width=self.row.pixels("width"),
            height=self.row.pixels("height"),
            coco_id=self.row.whole("id"),
            extra=self.row.without(IMAGE_KEYS),
        )


class _Reading:
    """The sections of one file that speak about pairs, in the order in which they count."""

    def __init__(
        self,
        path: Path,
        document: dict[str, Any],
        categories: Mapping[int, CategoryRecord],
        *,
        content: Content,
    ) -> None:
        self._path = path
        self._document = document
        self._names = {number: category.name for number, category in categories.items()}
        self._source = {"completed": MODEL, "certified": CERTIFIED}.get(content)
        self._shared: dict[tuple[str, State], PairRecord] = {}
        self._annotation_ids: dict[int, Row] = {}
        self.drafts = _drafts(path, document)

    def table(self) -> None:
        for row in rows(self._path, self._document, TABLE):
            draft, name = self._draft(row), self._name(row, "category_id")
            if name in draft.labels:
                row.refuse("", f"names {name!r} for {draft.file_name!r} again; keep one row")
            state = row.values.get("state")
            if state not in (State.PRESENT.value, State.ABSENT.value):
                row.refuse("state", f"must be present or absent, got {state!r}; drop unknown pairs")
            draft.labels[name] = PairRecord(
                name,
                State(state),
                source=row.optional_text("source"),
                score=row.optional_number("score"),
                annotator=row.optional_text("annotator"),
                at=row.optional_text("ts"),
                extra=row.without(TABLE_KEYS),
            )
        for draft in self.drafts.values():
            draft.settled = frozenset(draft.labels)

    def annotations(self) -> None:
        for section in ("annotations", WITHHELD):
            for row in rows(self._path, self._document, section):
                draft, name = self._draft(row), self._name(row, "category_id")
                number = self._annotation_id(row)
                of_image = _image_level(row)
                if of_image is None:
                    draft.annotations.append(
                        AnnotationRecord(category=name, coco_id=number, body=_body(row))
                    )
                if section != WITHHELD:
                    pair = None if of_image is None else _provenance(name, row, of_image)
                    self._say(draft, name, State.PRESENT, row, "category_id", pair)

    def image_keys(self) -> None:
        for draft in self.drafts.values():
            row = draft.row
            for key, state in ((POSITIVE, State.PRESENT), (NEGATIVE, State.ABSENT)):
                for number in row.whole_numbers(key):
                    self._say(draft, self._listed(row, key, number), state, row, key)
            if row.values.get(NOT_EXHAUSTIVE) is not None:
                numbers = row.whole_numbers(NOT_EXHAUSTIVE)
                draft.not_exhaustive = [self._listed(row, NOT_EXHAUSTIVE, n) for n in numbers]

    def _say(
        self,
        draft: _Draft,
        name: str,
        state: State,
        row: Row,
        key: str,
        pair: PairRecord | None = None,
    ) -> None:
        """Take in what one place outside the table says about a pair."""
        if name in draft.settled:
            return
        known = draft.labels.get(name)
        if known is None:
            draft.labels[name] = pair or self._plain(name, state)
        elif known.state is not state:
            row.refuse(
                key,
                f"says that {name!r} is {state} in {draft.file_name!r}, but elsewhere the file "
                f"says {known.state}; keep one of the two",
            )

    def _plain(self, name: str, state: State) -> PairRecord:
        pair = self._shared.get((name, state))
        if pair is None:
            pair = self._shared[name, state] = PairRecord(name, state, source=self._source)
        return pair

    def _draft(self, row: Row) -> _Draft:
        number = row.whole("image_id")
        draft = self.drafts.get(number)
        if draft is None:
            row.refuse("image_id", f"is {number}, which 'images' does not list; add that image")
        return draft

    def _name(self, row: Row, key: str) -> str:
        return self._listed(row, key, row.whole(key))

    def _listed(self, row: Row, key: str, number: int) -> str:
        name = self._names.get(number)
        if name is None:
            row.refuse(key, f"names category {number}, which 'categories' does not list; add it")
        return name

    def _annotation_id(self, row: Row) -> int | None:
        number = row.optional_whole("id")
        if number is not None:
            _unique(self._annotation_ids, number, row, "id")
        return number


def _unique(seen: dict[Any, Row], value: Any, row: Row, key: str, name: str | None = None) -> None:
    first = seen.setdefault(value, row)
    if first is not row:
        shown = repr(value if name is None else name)
        cure = "list it once" if key == "file_name" else "give each its own"
        row.refuse(key, f"is {shown}, as in {first.section}[{first.index}]; {cure}")


def _drafts(path: Path, document: dict[str, Any]) -> dict[int, _Draft]:
    drafts: dict[int, _Draft] = {}
    numbers: dict[int, Row] = {}
    names: dict[str, Row] = {}
    for row in rows(path, document, "images"):
        _unique(numbers, row.whole("id"), row, "id")
        name = _file_name(row)
        _unique(names, name, row, "file_name")
        drafts[row.whole("id")] = _Draft(row, name)
    return drafts


def _file_name(row: Row) -> str:
    # LVIS 1.0 names its images by address only.
    address = row.values.get("coco_url")
    if "file_name" not in row.values and isinstance(address, str):
        name = address.rpartition("/")[2]
        if name:
            return name
    return row.text("file_name")


def _categories(path: Path, document: dict[str, Any]) -> dict[int, CategoryRecord]:
    categories: dict[int, CategoryRecord] = {}
    numbers: dict[int, Row] = {}
    names: dict[str, Row] = {}
    for row in rows(path, document, "categories"):
        _unique(numbers, row.whole("id"), row, "id")
        name = row.text("name").strip()
        _unique(names, name_key(name), row, "name", name)
        categories[row.whole("id")] = CategoryRecord(
            name=name,
            supercategory=row.optional_text("supercategory") or "",
            coco_id=row.whole("id"),
            extra=row.without(CATEGORY_KEYS),
        )
    return categories


def _info(path: Path, document: dict[str, Any]) -> tuple[dict[str, Any], Content]:
    info = document.get("info") or {}
    if not isinstance(info, dict):
        raise FormatError(f"{path}: 'info' must be an object with keys, or be left out.")
    said: dict[Any, Content] = {"completed": "completed", "certified": "certified"}
    content = said.get(str(info.get("content")), "answered")
    ours = info.get("annotation_type") == ANNOTATION_TYPE
    if ours and info.get("label_semantics") in SEMANTICS.values():
        info = {key: value for key, value in info.items() if key not in INFO_KEYS}
    return info, content


def _content_of(images: Iterable[ImageRecord], content: Content) -> Content:
    """Return the content of a file, by the pairs in it where `info` does not say."""
    sources = {pair.source for image in images for pair in image.suggestions}
    if MODEL in sources:
        return "completed"
    return "certified" if CERTIFIED in sources else content


def _licenses(path: Path, document: dict[str, Any]) -> tuple[Any, ...]:
    licenses = document.get("licenses") or []
    if not isinstance(licenses, list):
        raise FormatError(f"{path}: 'licenses' must be a list, or be left out.")
    return tuple(licenses)


def _image_level(row: Row) -> dict[str, Any] | None:
    """Return the attributes of an annotation that stands for a label of the whole image."""
    attributes = row.values.get("attributes")
    if isinstance(attributes, dict) and attributes.get("image_level") is True:
        return attributes
    return None


def _provenance(name: str, row: Row, attributes: dict[str, Any]) -> PairRecord | None:
    texts = {key: attributes.get(key) for key in ("source", "annotator", "ts")}
    source, annotator, at = (text if isinstance(text, str) else None for text in texts.values())
    if source is None:
        return None
    score = row.optional_number("score")
    return PairRecord(name, State.PRESENT, source, score, annotator, at)


def _body(row: Row) -> dict[str, Any]:
    body = row.without(ANNOTATION_KEYS)
    added = body.get(FILLED_IN)
    if isinstance(added, list):
        del body[FILLED_IN]
        for key in BOX_KEYS:
            if key in added:
                body.pop(key, None)
    if not body.get("bbox", True):
        del body["bbox"]
    box = body.get("bbox", [0, 0, 0, 0])
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_finite, box)):
        row.refuse("bbox", "must be four numbers [x, y, width, height]; correct it or leave it out")
    return body
