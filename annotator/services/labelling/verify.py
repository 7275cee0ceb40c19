"""The Verify page: one category, many images, with the model's guess to be confirmed or flipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotator.arrays import versions as version_files
from annotator.arrays.version_features import features_path, usable_features
from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Source
from annotator.errors import AnnotatorError, NotFound, ProjectError
from annotator.services.catalogue.archived import Archived
from annotator.services.catalogue.lookup import in_order
from annotator.services.catalogue.pictures import Media, names_of
from annotator.services.clock import Clock, utc_now
from annotator.services.knowledge.calibration import is_calibrated, is_taught
from annotator.services.knowledge.conditional_update import Reranking
from annotator.services.knowledge.open_pairs import PairCounts
from annotator.services.knowledge.open_suggestions import OpenSuggestions
from annotator.services.knowledge.predictions import PredictorOpinions
from annotator.services.knowledge.prototypes import direction_of, examples_of
from annotator.services.knowledge.suggestions import Suggestions, as_wished
from annotator.services.labelling.attention_checks import draw_checks, mixed_in
from annotator.services.labelling.image_answers import Mask
from annotator.services.labelling.image_list import ImageList
from annotator.services.labelling.label import Labelling
from annotator.services.labelling.rare_categories import answered_pairs, is_rare
from annotator.services.labelling.recording import Recording
from annotator.services.labelling.similar_images import numbers_of
from annotator.services.labelling.verify_candidates import Opinion, Order, Search, guesses_of, shown
from annotator.services.labelling.verify_order import (
    keys_by_diversity,
    keys_by_likeness,
    keys_by_score,
    only_within,
)
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    annotators,
    attention_checks,
    categories,
    grid,
    images,
    versions,
)
from annotator.store.attention_checks import Known
from annotator.wire.recording import Agreement, Change, Saved, SaveRequest
from annotator.wire.verify import (
    CountsById,
    GridItem,
    GridPage,
    Mode,
    PageRequest,
    SavePageRequest,
    VerifyStart,
)

SMALLEST, LARGEST = 12, 60
"""Items of a page."""

LEASE_SECONDS = 600
"""How long images stay with the tab that has them on its screen."""

RECENT_CHECKS = 50
"""The agreement with the checks is that of the last so many."""

MOST_LEFT_OUT = 5000
"""Images that a tab may ask to leave out."""

THUMBNAIL = 256
"""Width of the pictures in the grid."""


@dataclass(frozen=True)
class _Asked:
    category: Category
    mode: Mode
    count: int
    like: Sequence[int]
    by_selection: bool
    shown: list[int]
    unheld: list[int]
    left_out: set[int]
    hold: bool
    within: str


class Verification:
    """The Verify page of one project, for any number of annotators."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions,
        media: Media,
        labelling: Labelling,
        recording: Recording,
        open_suggestions: OpenSuggestions,
        reranking: Reranking,
        image_list: ImageList,
        clock: Clock = utc_now,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._project = project
        self._store = store
        self._suggestions = suggestions
        self._predictions = PredictorOpinions(project)
        self._media = media
        self._labelling = labelling
        self._recording = recording
        self._open_suggestions = open_suggestions
        self._reranking = reranking
        self._image_list = image_list
        self._clock = clock
        self._rng = rng or np.random.default_rng()

    def start(self, annotator: str) -> VerifyStart:
        """Return what the page needs once: that of the Label page, counts, and the agreement."""
        return {
            **self._labelling.start(annotator),
            "counts": self.counts(),
            "agreement": self.agreement(annotator),
        }

    def counts(self) -> CountsById:
        """Return what is open in each category."""
        with self._store.reading() as tx:
            every = in_order(categories.every(tx))
            total = images.count(tx)
            _, arrays = self._suggestions.current(tx)
            counts = self._open_suggestions.latest(tx)
            filled = self._open_suggestions.fills.counts(tx)
        parameters = None if arrays is None else arrays.parameters
        rows: CountsById = {}
        for each in every:
            still_open = PairCounts.of(total, [each], filled).open
            rows[str(each.id)] = {
                "open": still_open,
                "present": each.present_count,
                "answered": answered_pairs(each),
                "rare": is_rare(each, still_open),
                "suggested": None if counts is None else int(counts.suggested[each.ordinal]),
                "uncertain": None if counts is None else int(counts.unsure[each.ordinal]),
                "taught": is_taught(arrays, each.ordinal),
                "calibrated": is_calibrated(parameters, each.ordinal),
            }
        return rows

    def agreement(self, annotator: str) -> Agreement:
        """Return how many of the annotator's newest checks agree with the labels."""
        with self._store.reading() as tx:
            person = annotators.id_of(tx, annotator)
            told = attention_checks.agreed(tx, person, RECENT_CHECKS)
        checks, agreed = told.get(person, (0, 0))
        return {"checks": checks, "agreed": agreed, "most": RECENT_CHECKS}

    def page(self, annotator: str, request: PageRequest) -> GridPage:
        """Return the next images of one category, leased to the tab.

        Raises:
            AnnotatorError: If the category is not in use.
        """
        now, tab = self._clock(), request.tab
        with self._store.reading() as tx:
            asked = _asked(tx, request)
            order, person = self._order(tx, asked), annotators.id_of(tx, annotator)
            search = Search(
                tx,
                asked.category.id,
                person,
                elsewhere=grid.held_elsewhere(tx, asked.category.id, tab, now),
                left_out=asked.left_out,
                fills=self._open_suggestions.fills.active(tx),
            )
            within = self._image_list.mask(tx, annotator, asked.within) if asked.within else None
            main = search.first(only_within(order.keys, within), asked.count)
            checks = self._checks(tx, search, order, asked, person, within, len(main))
            gone = search.answered(asked.unheld)
        if len(main) == asked.count:
            main = main[: asked.count - len(checks)]
        again = {known.image_id: known.answer_id for _, known in checks}
        by_ordinal = dict(main) | {ordinal: known.image_id for ordinal, known in checks}
        mixed = mixed_in([o for o, _ in main], [o for o, _ in checks], self._rng)
        chosen = [(o, by_ordinal[o]) for o in mixed]
        if asked.hold:
            everything = [*asked.shown, *(image for _, image in chosen)]
            with self._store.writing() as tx:
                free = set(grid.hold(tx, asked.category.id, everything, tab, now, LEASE_SECONDS))
            chosen = [(o, i) for o, i in chosen if i in free]  # another tab may have been quicker
            gone.update(i for i in asked.unheld if i not in free)
        self._media.prepare([i for _, i in chosen], THUMBNAIL)
        with self._store.reading() as tx:
            items = self._items(tx, order, asked.mode, chosen, again)
        return {
            "category": asked.category.id,
            "mode": asked.mode.value,
            "version": None if order.opinion is None else order.opinion.version,
            "basis": order.basis,
            "bulk": any(item["guess"] for item in items),
            "elsewhere": search.elsewhere_count,
            "gone": sorted(gone),
            "items": items,
        }

    def save(self, annotator: str, request: SavePageRequest) -> Saved:
        """Record one page as one operation; see `Recording.save`.

        An item that came with an answer is a check: what is said to it is kept and compared with
        that, and the label stays as it is. Where nothing is guessed, the rest of a page that was
        looked through comes with source `swept`.

        Raises:
            AnnotatorError: If the category is archived, untouched items come from one in which
                the model's guess is no probability, or swept ones had a guess; nothing is
                recorded.
        """
        with self._store.reading() as tx:
            category = _category(tx, request.category, merged=True)
            found = images.many(tx, [change.image for change in request.changes])
            ordinals = {i: image.ordinal for i, image in found.items()}
            known = attention_checks.states_of(tx, [c.seen for c in request.changes if c.seen])
        arrays = self._arrays_of(request.version)
        self._refuse_sources(request, arrays, category.ordinal, ordinals)
        operation = SaveRequest(
            op=request.op,
            kind="page",
            changes=tuple(
                Change(category=category.id, expected=known.get(change.seen or 0), **vars(change))
                for change in request.changes
            ),
            at=request.at,
            ms=request.ms,
            version=request.version,
        )
        return {
            **self._recording.save(annotator, operation),
            "agreement": self.agreement(annotator),
        }

    def _refuse_sources(
        self,
        request: SavePageRequest,
        arrays: VersionArrays | None,
        ordinal: int,
        ordinals: Mapping[int, int],
    ) -> None:
        """Refuse what was not marked by hand, unless the page was one on which that may be so."""
        sources = {change.source for change in request.changes}
        try:
            calibrated = self._may_accept(request.version, ordinal)
        except ProjectError:
            return  # what the page went by is damaged by now; what people said still counts
        if Source.ACCEPTED_IN_BULK in sources and not calibrated:
            raise AnnotatorError(
                "The model cannot say how sure it is here, so only images that you marked yourself "
                "can be saved; reload the page."
            )
        if Source.SWEPT not in sources or not calibrated:
            return
        guessed = ordinals if arrays is None else guesses_of(arrays, ordinal, ordinals)
        if any(c.image in guessed for c in request.changes if c.source is Source.SWEPT):
            raise AnnotatorError(
                "The model has a guess for each of these images, so the rest cannot be marked "
                "absent at once; reload the page."
            )

    def _arrays_of(self, number: int | None) -> VersionArrays | None:
        """Return the scores that a page went by; None without a version, or when they are gone."""
        if number is None:
            return None
        current, arrays = self._suggestions.current()
        if number == current:
            return arrays
        folder = version_files.folder(self._project, number)
        try:
            arrays = version_files.read(folder)
        except (NotFound, ProjectError):
            return None
        return as_wished(arrays, self._project.settings.suggestions)

    def _may_accept(self, number: int | None, ordinal: int) -> bool:
        if number is None:
            return False
        parameters = version_files.read_parameters(version_files.folder(self._project, number))
        return is_calibrated(parameters, ordinal)

    def _order(self, tx: Transaction, asked: _Asked) -> Order:
        ordinal, number = asked.category.ordinal, images.count_all(tx)
        version, arrays = self._suggestions.current(tx)
        opinion = None
        if version is not None and arrays is not None and is_taught(arrays, ordinal):
            calibrated = is_calibrated(arrays.parameters, ordinal)
            opinion = Opinion(version, arrays, ordinal, calibrated)
            if asked.mode is not Mode.LIKE:
                moves = self._reranking.moves(arrays, ordinal)
                return Order(keys_by_score(arrays, ordinal, asked.mode, moves), "scores", opinion)
        used, keys = versions.promoted(tx), None
        features = usable_features(features_path(self._project, used.number if used else None))
        if features is not None:
            examples = examples_of(tx, asked.category.id, asked.like)
            keys = keys_by_likeness(features, direction_of(features, examples), number)
        if keys is not None:
            return Order(keys, "selection" if asked.by_selection else "likeness", opinion)
        keys = self._predictions.current(tx).keys(ordinal, number)
        if keys is not None:
            return Order(keys, "predictors", opinion)
        basis = "diversity" if features is not None and features.order is not None else "files"
        return Order(keys_by_diversity(features, number), basis, opinion)

    def _checks(
        self,
        tx: Transaction,
        search: Search,
        order: Order,
        asked: _Asked,
        person: int,
        within: Mask | None,
        items: int,
    ) -> list[tuple[int, Known]]:
        """Return what a page asks again, where it presets what is saved if nobody looks."""
        opinion = order.opinion
        if opinion is None or not opinion.calibrated or order.basis != "scores":
            return []
        return draw_checks(
            tx,
            asked.category.id,
            asked.mode,
            person,
            items=items,
            without={*asked.left_out, *search.elsewhere},
            within=within,
            now=self._clock(),
            rng=self._rng,
        )

    def _items(
        self,
        tx: Transaction,
        order: Order,
        mode: Mode,
        chosen: Sequence[tuple[int, int]],
        again: Mapping[int, int],
    ) -> list[GridItem]:
        ids = [image for _, image in chosen]
        found, names = images.many(tx, ids), names_of(tx, ids)
        guesses, scores = shown(order, mode, [ordinal for ordinal, _ in chosen])
        return [
            {
                "id": i,
                "name": names.get(i, f"image {i}"),
                "width": found[i].width,
                "height": found[i].height,
                "guess": guess,
                "score": score,
                "answer": again.get(i),
            }
            for i, guess, score in zip(ids, guesses, scores, strict=True)
        ]


def _asked(tx: Transaction, request: PageRequest) -> _Asked:
    shown_ids = request.shown[: 4 * LARGEST]
    like = numbers_of(request.sort) if request.like is None else [request.like]
    return _Asked(
        category=_category(tx, request.category),
        mode=request.mode,
        count=min(LARGEST, max(SMALLEST, request.count)),
        like=like,
        by_selection=request.like is None and bool(like),
        shown=list(shown_ids),
        unheld=[image for image in request.unheld if image in set(shown_ids)],
        hold=request.hold,
        within=request.within,
        left_out={*shown_ids, *request.exclude[-MOST_LEFT_OUT:]},
    )


def _category(tx: Transaction, wanted: int, *, merged: bool = False) -> Category:
    """Return a category in use, or with `merged` one that another has taken over.

    Raises:
        AnnotatorError: If it is archived.
        NotFound: If there is none of that id.
    """
    category, archived = categories.get(tx, wanted), Archived(tx)
    said = archived.refusal(wanted) if merged else None
    if category.archived and not merged:
        said = archived.sentence(wanted)
    if said is not None:
        raise AnnotatorError(said)
    return category
