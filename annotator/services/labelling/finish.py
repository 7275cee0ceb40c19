"""What the Label page says once every image has been visited: what there is, what is left to do."""

from __future__ import annotations

from annotator.errors import AnnotatorError
from annotator.services.certificates.certification import Certification
from annotator.services.certificates.rows import PlanRow
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.open_pairs import PairCounts
from annotator.services.labelling.review import Review
from annotator.services.message import Message, counted, span
from annotator.store import Store, Transaction, categories, certificates, images
from annotator.store.certificates import CertificateState
from annotator.wire.label import Finished
from annotator.wire.review import Filters, SearchRequest

MOST_PAIRS = 500_000
"""Open pairs for which a certificate is planned on the way; of more, the Certify page does it."""


class Finish:
    """The last page of labelling, for any number of annotators."""

    def __init__(
        self, store: Store, fills: Fills, review: Review, certification: Certification
    ) -> None:
        self._store = store
        self._fills = fills
        self._review = review
        self._certification = certification

    def summary(self, annotator: str) -> Finished:
        """Return the counts of now, and how many labels are worth a second look."""
        errors = SearchRequest(filters=Filters(show="errors"), count=1)
        found = self._review.search(annotator, errors)
        with self._store.reading() as tx:
            total, pairs = images.count(tx), self._pairs(tx)
        return {
            "images": total,
            "answered": pairs.answered,
            "filled": pairs.filled,
            "open": pairs.open,
            "doubtful": found["total"],
            "conflicts": found["conflicts"],
            "flagged": found["flagged"],
        }

    def certificate_price(self) -> Message:
        """Return what a certificate would ask and promise; empty where that is not known."""
        with self._store.reading() as tx:
            is_begun = bool(certificates.in_state(tx, CertificateState.OPEN))
            left = self._pairs(tx).open
        if is_begun:
            return {"message": "A certificate is open; its probes are on the Probe page."}
        if not 0 < left <= MOST_PAIRS:
            return {"message": ""}
        try:
            return {"message": price_of(self._certification.plan())}
        except AnnotatorError:  # no version yet, for one
            return {"message": ""}

    def _pairs(self, tx: Transaction) -> PairCounts:
        return PairCounts.of(images.count(tx), categories.every(tx), self._fills.counts(tx))


def price_of(plan: PlanRow) -> str:
    """Return what a certificate would ask and promise; empty if it would not pay."""
    price = plan["chosen"]
    filled = price["fill_present"] + price["fill_absent"]
    if plan["refused"] or price["refused"] or not filled:
        return ""
    return (
        f"A certificate would fill in {filled:,} of {counted(plan['pool'], 'open pair')} after "
        f"{counted(price['questions'], 'probe')} (random questions, asked without the model's "
        f"opinion), about {span(price['seconds'])}. Its promise: {price['promise']['sentence']}"
    )
