"""Reads COCO files: plain ones, those with LVIS keys, and this program's own profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from annotator.domain import State
from annotator.errors import FormatError
from annotator.formats.coco_boxes import body
from annotator.formats.coco_lists import Draft, kept_id, read_categories, read_images
from annotator.formats.coco_profile import (
    ANNOTATION_TYPE,
    INFO_KEYS,
    NEGATIVE,
    NOT_EXHAUSTIVE,
    OWN_INFO_KEYS,
    POSITIVE,
    SEMANTICS,
    TABLE,
    TABLE_KEYS,
    TOP_KEYS,
    WITHHELD,
)
from annotator.formats.json_documents import load
from annotator.formats.json_shapes import Identifier, Row, refuse_deep, rows
from annotator.formats.notes import Notes
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.formats.records import (
    CERTIFIED,
    MODEL,
    AnnotationRecord,
    CategoryRecord,
    Content,
    ImageRecord,
    LabelFile,
    PairRecord,
    implied,
)


def read(path: Path, options: ReadOptions = DEFAULTS) -> LabelFile:
    """Return what a COCO file says.

    A pair with an annotation or in `pos_category_ids` is present, one in `neg_category_ids` absent.
    Where the file has the table `image_labels`, the table decides the pairs in it. Pairs with
    source `model` or `certified`, and those of a completed or certified file whose source is lost,
    come back as suggestions.

    Args:
        path: A JSON file.
        options: What decides where the file could be read in two ways.

    Raises:
        FormatError: If the file cannot be used; names the file, the place and the cure.
        NotFound: If there is no such file.
    """
    notes = Notes()
    return read_document(path, load(path, notes), options, notes)


def read_document(
    path: Path, document: dict[str, Any], options: ReadOptions, notes: Notes
) -> LabelFile:
    """Return what parsed COCO says; `path` is for messages. See `read`."""
    if "images" not in document:
        raise FormatError(f"{path}: 'images' is missing; name a COCO file that lists its images.")
    extra = {key: value for key, value in document.items() if key not in TOP_KEYS}
    refuse_deep(path, extra | {key: document.get(key) for key in ("info", "licenses")})
    info, content = _info(path, document)
    categories = read_categories(path, document, notes)
    reading = _Reading(path, document, categories, content=content, notes=notes)
    reading.table()
    reading.annotations()
    reading.image_keys()
    listed = tuple({category.name: category for category in categories.values()}.values())
    meant = implied(listed, options.unlisted_state)
    images = tuple(draft.record(meant) for draft in reading.images())
    return LabelFile(
        categories=listed,
        images=images,
        content=_content_of(images, content),
        info=info,
        licenses=_licenses(path, document),
        extra=extra,
        notes=notes.sentences(),
    )


class _Reading:
    """The sections of one file that speak about pairs, in the order in which they count."""

    def __init__(
        self,
        path: Path,
        document: dict[str, Any],
        categories: Mapping[Identifier, CategoryRecord],
        *,
        content: Content,
        notes: Notes,
    ) -> None:
        self._path = path
        self._document = document
        self._notes = notes
        self._names = {number: category.name for number, category in categories.items()}
        self._source = {"completed": MODEL, "certified": CERTIFIED}.get(content)
        self._shared: dict[tuple[str, State], PairRecord] = {}
        self._annotations: dict[Identifier, Row] = {}
        self._drafts = read_images(path, document, notes)

    def images(self) -> Iterable[Draft]:
        """Return every image once, in the order of the file."""
        return {draft.file_name: draft for draft in self._drafts.values()}.values()

    def table(self) -> None:
        for row in rows(self._path, self._document, TABLE, self._notes):
            draft, name = self._draft(row), self._name(row, "category_id")
            if name in draft.labels:
                row.refuse("", f"names {name!r} for {draft.file_name!r} again; keep one row")
            state = row.values.get("state")
            if state not in (State.PRESENT.value, State.ABSENT.value):
                row.wrong("state", "present or absent (leave unknown pairs out)")
            draft.labels[name] = PairRecord(
                name,
                State(state),
                source=row.optional_text("source"),
                score=row.optional_number("score"),
                annotator=row.optional_text("annotator"),
                at=row.optional_text("ts"),
                extra=row.without(TABLE_KEYS),
            )
        for draft in self.images():
            draft.settled = frozenset(draft.labels)

    def annotations(self) -> None:
        for section in ("annotations", WITHHELD):
            for row in rows(self._path, self._document, section, self._notes):
                draft, name = self._draft(row), self._name(row, "category_id")
                number = row.optional_identifier("id")
                if self._is_repeated(row, number):
                    continue
                of_image = _image_level(row)
                if of_image is None:
                    draft.annotations.append(self._annotation(row, number, name))
                if section != WITHHELD:
                    pair = None if of_image is None else _provenance(name, row, of_image)
                    self._say(draft, name, State.PRESENT, row, "category_id", pair)

    def image_keys(self) -> None:
        for draft in self.images():
            for row in draft.rows:
                self._keys_of(draft, row)

    def _keys_of(self, draft: Draft, row: Row) -> None:
        for key, state in ((POSITIVE, State.PRESENT), (NEGATIVE, State.ABSENT)):
            for number in row.identifiers(key):
                self._say(draft, self._listed(row, key, number), state, row, key)
        if row.values.get(NOT_EXHAUSTIVE) is not None:
            numbers = row.identifiers(NOT_EXHAUSTIVE)
            partly = [self._listed(row, NOT_EXHAUSTIVE, number) for number in numbers]
            draft.not_exhaustive = [*(draft.not_exhaustive or ()), *partly]

    def _say(
        self,
        draft: Draft,
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

    def _draft(self, row: Row) -> Draft:
        number = row.identifier("image_id")
        draft = self._drafts.get(number)
        if draft is None:
            row.refuse("image_id", f"is {number!r}, which 'images' does not list; add that image")
        return draft

    def _name(self, row: Row, key: str) -> str:
        return self._listed(row, key, row.identifier(key))

    def _listed(self, row: Row, key: str, number: Identifier) -> str:
        name = self._names.get(number)
        if name is None:
            row.refuse(key, f"names category {number!r}, which 'categories' does not list; add it")
        return name

    def _is_repeated(self, row: Row, number: Identifier | None) -> bool:
        """Whether the file has this annotation already, word for word."""
        if number is None:
            return False
        first = self._annotations.setdefault(number, row)
        if first is row or first.values != row.values:
            return False
        row.note("", "Annotations listed again, read once")
        return True

    def _annotation(self, row: Row, number: Identifier | None, name: str) -> AnnotationRecord:
        coco_id, original = kept_id(row, number)
        if coco_id is not None and self._annotations[coco_id] is not row:
            row.note("id", "Annotations with the id of another, which get new ones")
            coco_id = None
        return AnnotationRecord(category=name, coco_id=coco_id, body=body(row) | original)


def _info(path: Path, document: dict[str, Any]) -> tuple[dict[str, Any], Content]:
    info = document.get("info") or {}
    if not isinstance(info, dict):
        raise FormatError(f"{path}: 'info' must be an object with keys, or be left out.")
    said: dict[Any, Content] = {"completed": "completed", "certified": "certified"}
    content = said.get(str(info.get("content")), "answered")
    ours = info.get("annotation_type") == ANNOTATION_TYPE
    if ours and info.get("label_semantics") in SEMANTICS.values():
        info = {k: v for k, v in info.items() if k not in INFO_KEYS | OWN_INFO_KEYS}
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
