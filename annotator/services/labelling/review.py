"""What people do on the Review page: find answered pairs and look at what was said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Judgement, PairLabel, Source
from annotator.services.catalogue.pictures import names_of
from annotator.services.knowledge.suggestions import Suggestions
from annotator.services.labelling import pair_history
from annotator.services.labelling.flags import flag_rows
from annotator.services.labelling.recording import label_row
from annotator.services.labelling.review_filter import (
    Contradictions,
    PairTable,
    Wanted,
    contradiction,
    pair_tables,
)
from annotator.store import (
    Store,
    Transaction,
    annotators,
    attention_checks,
    categories,
    derivation,
    flags,
    images,
    pair_search,
    versions,
)
from annotator.store.pair_search import CONFLICT, Keys, Pair
from annotator.wire.recording import Label
from annotator.wire.review import (
    Filters,
    HistoryInSentences,
    ReviewChoices,
    ReviewFound,
    ReviewOpinion,
    ReviewRow,
    SearchRequest,
    VersionView,
)

PAGE = 60
"""Most pairs of one answer."""


UNKNOWN: Label = {
    "state": None,
    "answer": None,
    "source": "",
    "by": "",
    "mine": False,
    "conflict": False,
}


class Review:
    """The Review page of one project, for any number of annotators."""

    def __init__(self, store: Store, suggestions: Suggestions) -> None:
        self._store = store
        self._suggestions = suggestions
        self._tables = pair_tables()
        self._contradictions = Contradictions()

    def start(self, annotator: str) -> ReviewChoices:
        """Return what the filters offer, and whether this is a reviewer."""
        with self._store.reading() as tx:
            people, me = annotators.every(tx), annotators.find(tx, annotator)
            numbers = [v.number for v in versions.every(tx)]
            flagged = len({f.image_id for f in flags.unresolved(tx)})
        return {
            "reviewer": me is not None and me.reviewer,
            "annotators": [{"id": p.id, "name": p.name} for p in people],
            "sources": [source.value for source in Source],
            "versions": numbers[::-1],
            "flagged": flagged,
        }

    def search(self, annotator: str, request: SearchRequest) -> ReviewFound:
        """Return the next pairs that fit, at most PAGE."""
        filters = request.filters or Filters()
        with self._store.reading() as tx:
            number, arrays = self._suggestions.current(tx)
            shown = categories.every(tx)
            table = self._tables.current(tx)
            disputed = pair_search.keys_of(attention_checks.disputed(tx))
            flagged = sorted({f.image_id for f in flags.unresolved(tx)})
            wanted = _wanted(tx, filters, flagged, disputed)
            if filters.show == "flags" and not _about_pairs(wanted):
                order = np.asarray(wanted.images) << pair_search.IMAGE
                worth = np.zeros(len(order), np.float32)
            else:
                order, worth = self._order(tx, table, wanted, filters.show, shown, arrays)
            start = _place(order, worth, request.after)
            part = slice(start, start + max(1, min(request.count, PAGE)))
            pairs = [pair_search.pair_of(key) for key in order[part]]
            found = self._rows(tx, annotator, pairs, shown, arrays)
        more = part.stop < len(order)
        return {
            "pairs": found,
            "next": (float(worth[part][-1]), *pairs[-1]) if more else None,
            "total": len(order),
            "conflicts": int((table.rows.state == CONFLICT).sum()),
            "checks": len(disputed),
            "flagged": len(flagged),
            "version": number,
        }

    def rows(self, annotator: str, pairs: Sequence[Pair]) -> list[ReviewRow]:
        """Return pairs as they stand now; unknown ones are included."""
        with self._store.reading() as tx:
            _, arrays = self._suggestions.current(tx)
            return self._rows(tx, annotator, pairs[:PAGE], categories.every(tx), arrays)

    def history(self, image_id: int, category_id: int) -> HistoryInSentences:
        """Return every answer about a pair, newest first; see `pair_history.history`."""
        with self._store.reading() as tx:
            return {"answers": pair_history.history(tx, image_id, category_id)}

    def _order(
        self,
        tx: Transaction,
        table: PairTable,
        wanted: Wanted,
        show: str,
        shown: Sequence[Category],
        arrays: VersionArrays | None,
    ) -> tuple[Keys, Any]:
        """Return the keys of all that fit, in the order of the page, and what orders them."""
        mask = table.fits(wanted, {c.id for c in shown})
        if show != "errors":
            return table.rows.key[mask], np.zeros(int(mask.sum()), np.float32)
        if arrays is None:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        columns = {c.id: arrays.columns[c.ordinal] for c in shown if c.ordinal in arrays.columns}
        against = self._contradictions.of(tx, table.rows, arrays, columns)
        if wanted.source is None:  # what was decided in review was decided knowing this
            mask &= table.rows.source != pair_search.CODE_OF_SOURCE[Source.REVIEW]
        places = np.flatnonzero(mask & (against > 0))
        keys, worth = table.rows.key[places], against[places]
        order = np.lexsort((keys, -worth))
        return keys[order], worth[order]

    def _rows(
        self,
        tx: Transaction,
        annotator: str,
        pairs: Sequence[Pair],
        shown: Sequence[Category],
        arrays: VersionArrays | None,
    ) -> list[ReviewRow]:
        people = {a.id: a.name for a in annotators.every(tx)}
        me = annotators.id_of(tx, annotator)
        ids = sorted({i for i, _ in pairs})
        found, names = images.many(tx, ids), names_of(tx, ids)
        pinned = flags.of_images(tx, ids)
        labels = derivation.current(tx, pairs)
        said = pair_search.opinions(tx, pairs)
        ordinals = {c.id: c.ordinal for c in shown}
        rows: list[ReviewRow] = []
        for image_id, category_id in pairs:
            if image_id not in found or (category_id and category_id not in ordinals):
                continue
            label = labels[image_id, category_id]
            opinions = said.get((image_id, category_id), [])
            rows.append(
                {
                    "image": image_id,
                    "category": category_id or None,
                    "name": names.get(image_id, f"image {image_id}"),
                    **(label_row(label, people, me) or UNKNOWN),
                    **_opinion(arrays, found[image_id].ordinal, ordinals.get(category_id), label),
                    "opinions": [_opinion_row(j, people, me) for j in opinions],
                    "flags": flag_rows(pinned.get(image_id, ()), people),
                }
            )
        return rows


def _wanted(tx: Transaction, filters: Filters, flagged: Sequence[int], disputed: Keys) -> Wanted:
    found: Keys | None = None
    if filters.name:
        found = pair_search.images_named(tx, filters.name)
    if filters.show == "flags":
        pinned = np.array(flagged, np.int64)
        found = pinned if found is None else np.intersect1d(found, pinned)
    return Wanted(
        category=filters.category,
        annotator=filters.annotator,
        version=filters.version,
        state="conflict" if filters.show == "conflicts" else filters.state,
        source=filters.source,
        images=found,
        pairs=disputed if filters.show == "checks" else None,
    )


def _about_pairs(wanted: Wanted) -> bool:
    asked = (wanted.category, wanted.state, wanted.annotator, wanted.source, wanted.version)
    return any(value is not None for value in asked)


def _place(keys: Keys, worth: Any, after: tuple[float, int, int] | None) -> int:
    """Return where the list goes on after a cursor, also if its own pair has left the list."""
    if after is None:
        return 0
    value, key = np.float32(after[0]), (after[1] << pair_search.IMAGE) | after[2]
    first = int(np.searchsorted(-worth, -value, "left"))
    last = int(np.searchsorted(-worth, -value, "right"))
    return first + int(np.searchsorted(keys[first:last], key, "right"))


def _opinion(
    arrays: VersionArrays | None, image: int, category: int | None, label: PairLabel
) -> VersionView:
    """Return what a version says about a pair (by ordinals) and how far that is from its label."""
    column = None if arrays is None or category is None else arrays.columns.get(category)
    if arrays is None or column is None:
        return {"score": None, "ranked": False, "disagreement": 0.0}
    bar = arrays.bars(arrays.image_scores(image))[column]
    ranked = category in arrays.parameters.ranked_only
    against = 0.0
    if label.state is not None:
        present = np.array([label.state.value == "present"])
        against = float(contradiction(np.array([bar], np.float32), present, np.array([ranked]))[0])
    score = None if np.isnan(bar) else round(float(bar), 4)
    return {"score": score, "ranked": ranked, "disagreement": round(against, 4)}


def _opinion_row(judgement: Judgement, people: Mapping[int, str], me: int) -> ReviewOpinion:
    """Return what one person says, and its rank as in `domain.winning_label`."""
    imported = judgement.source is Source.IMPORTED
    decides = judgement.reviewer or judgement.source is Source.REVIEW
    return {
        "by": people.get(judgement.annotator_id, ""),
        "mine": judgement.annotator_id == me and not imported,
        "state": judgement.state.value,
        "source": judgement.source.value,
        "rank": 2 if decides else 0 if imported else 1,
    }
