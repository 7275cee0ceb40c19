"""The map of the Images page: the worker's places, with what is known of the images as colours."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import numpy.typing as npt

from annotator.arrays import likeness
from annotator.errors import NotReady
from annotator.services.labelling.image_answers import ABSENT, CONFLICT, PRESENT, UNKNOWN, UNSURE
from annotator.services.labelling.image_facts import SUGGESTED
from annotator.services.labelling.image_list import ImageList
from annotator.services.labelling.image_matching import Question
from annotator.store import Store
from annotator.wire.image_map import MapColours, MapColoursRequest, MapPlaces
from annotator.wire.request import Request

NO_MAP = (
    "There is no map yet; the trainer draws it once it has read the images, "
    f"{likeness.FEWEST} at least, and has nothing else to do."
)
UNTOUCHED, PARTLY, DONE = 0, 1, 2
CODES = {UNKNOWN: 0, PRESENT: 1, ABSENT: 2, UNSURE: 3, CONFLICT: 4}
SUGGESTED_CODE = 5

Codes = npt.NDArray[np.uint8]
Ordinals = npt.NDArray[np.int64]


class ImageMap:
    """The map of one project, for any number of annotators."""

    def __init__(self, store: Store, image_list: ImageList) -> None:
        self._store = store
        self._image_list = image_list

    def places(self, annotator: str, request: Request) -> MapPlaces:
        """Return where the images in use lie.

        Raises:
            NotReady: If there is no map yet.
        """
        del request
        with self._store.reading() as tx:
            question = self._image_list.question(tx, annotator)
        ordinals, places = _placed(question)
        rows = question.facts.files.rows
        ids = np.zeros(question.facts.size, "<u4")
        ids[rows.ordinal] = rows.id
        steps = np.rint((places + 1) / 2 * 65535).astype("<u2")
        return {
            "ids": _packed(ids[ordinals]),
            "places": _packed(steps),
            "of": _key(ordinals, places),
            "without": len(rows.id) - len(ordinals),
        }

    def colours(self, annotator: str, request: MapColoursRequest) -> MapColours:
        """Return the colours of the same images in the same order.

        Raises:
            NotReady: If there is no map yet.
        """
        with self._store.reading() as tx:
            question = self._image_list.question(tx, annotator)
        ordinals, places = _placed(question)
        if request.by == "answered":
            codes = _answered(question)
        elif request.by == "doubt":
            codes = np.minimum(question.facts.doubt, 255).astype(np.uint8)
        else:
            codes = _of_category(question, request.category)
        return {"codes": _packed(codes[ordinals]), "of": _key(ordinals, places)}


def _placed(question: Question) -> tuple[Ordinals, npt.NDArray[np.float32]]:
    """Return the ordinals of the images in use that have a place, ascending, and the places."""
    kept = likeness.read(question.similar.path, likeness.MAP)
    if kept is None:
        raise NotReady(NO_MAP)
    in_use = question.facts.in_use
    places = kept.values[: len(in_use)]
    ordinals = np.flatnonzero(in_use[: len(places)] & np.isfinite(places).all(axis=1))
    return ordinals, places[ordinals]


def _answered(question: Question) -> Codes:
    facts, me = question.facts, question.me
    codes = np.where(facts.touched_for(me), PARTLY, UNTOUCHED)
    return np.where(facts.done_for(me), DONE, codes).astype(np.uint8)


def _of_category(question: Question, category_id: int | None) -> Codes:
    facts = question.facts
    ordinal = next((c.ordinal for c in question.categories if c.id == category_id), None)
    codes = np.zeros(facts.size, np.uint8)
    if ordinal is None:
        return codes
    for state, code in CODES.items():
        codes[facts.answers.states[:, ordinal] == state] = code
    is_suggested = (facts.opinions[:, ordinal] & SUGGESTED).astype(bool) & facts.open[:, ordinal]
    codes[is_suggested & (codes == CODES[UNKNOWN])] = SUGGESTED_CODE
    return codes


def _packed(values: npt.NDArray[np.generic]) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _key(ordinals: Ordinals, places: npt.NDArray[np.float32]) -> int:
    return zlib.crc32(places.tobytes(), zlib.crc32(ordinals.tobytes()))
