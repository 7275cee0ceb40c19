"""Probes between two images: they measure how far the model can be trusted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice

from annotator.domain import Category, State
from annotator.errors import AnnotatorError
from annotator.services.catalogue.archived import Archived
from annotator.services.catalogue.pictures import Media
from annotator.services.certificates.blind_questions import BlindQuestions
from annotator.services.clock import Clock, utc_now
from annotator.services.labelling.shown_pictures import NotLookedAt, ShownPictures
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    activity,
    annotators,
    categories,
    images,
    leases,
    probes,
    repeated_questions,
)
from annotator.wire.probe import (
    ProbeAnswered,
    ProbeAnswerRequest,
    ProbeCard,
    ProbeCategory,
    ProbeDue,
    ProbeDueRequest,
    ProbeQuestion,
    ProbeReport,
)

CARD_SIZE = 10
"""Questions on one card."""

AUDIT_SHARE = 1
"""Questions on a card that measure the model while a certificate asks for the others."""

AGAIN_SHARE = 0.1
"""Questions on a card, those of a certificate left out, that another person answered before."""

LEASE_SECONDS = 600.0
"""How long a card belongs to one screen after the last sign of life from it."""

LOOK_BACK = 4
"""Operations that are looked at for each decision that calls for a card."""

_LEASE = "probe"


class Probing:
    """Cards of probes. Nothing that is said to them becomes a label or trains anything."""

    def __init__(
        self,
        project: Project,
        store: Store,
        media: Media,
        clock: Clock = utc_now,
        chance: random.Random | None = None,
    ) -> None:
        """Take the parts; without `chance` the operating system's randomness draws the pairs."""
        self._project = project
        self._store = store
        self._media = media
        self._clock = clock
        self._chance = chance or random.SystemRandom()
        self._bound = BlindQuestions(project)

    def due(self, annotator: str, request: ProbeDueRequest) -> ProbeDue:
        """Return in `due` whether this annotator has made enough decisions for another card.

        With the default share of one question in twenty that is after 190 decisions by hand, since
        the last answer to a probe, and since the last card that was put off.
        """
        needed = self._decisions_a_card()
        with self._store.reading() as tx:
            newest = activity.newest_operation(tx)
            person = annotators.find(tx, annotator)
            if needed is None or person is None:
                return {"due": False, "newest": newest}
            made = probes.decisions_since_probe(
                tx, person.id, LOOK_BACK * needed, request.after or 0
            )
        return {"due": made >= needed, "newest": newest}

    def card(self, annotator: str, card: str) -> ProbeCard:
        """Return the questions of a card; a new id gets a new card, a known one the same again.

        Questions that were drawn for a card that nobody came back to are asked first, so that
        none is dropped because it looked hard. One in ten was answered by somebody else before,
        so that people can be compared who have not seen each other's answers. The rest is drawn
        afresh. While a certificate is open most of them are its questions, mixed with the others.
        """
        now, pictures = self._clock(), ShownPictures(self._store, self._media)
        seed = self._chance.getrandbits(64)
        while (questions := self._try_card(annotator, card, now, pictures, seed)) is None:
            pictures.look()
        problems = pictures.problems({q["image"] for q in questions})
        for question in questions:
            said = problems[question["image"]]
            question["problem"] = question["problem"] or (str(said) if said else None)
        return {"card": card, "questions": questions}

    def _try_card(
        self, annotator: str, card: str, now: datetime, pictures: ShownPictures, seed: int
    ) -> list[ProbeQuestion] | None:
        """Return the questions; None, and nothing is written, if files must be looked at first."""
        try:
            with self._store.writing() as tx:
                person = annotators.named(tx, annotator, now)
                if not probes.of_card(tx, card):
                    self._fill(tx, card, person.id, now, pictures, random.Random(seed))
                    pictures.settle()
                asked = probes.of_card(tx, card)
                self._hold(tx, asked, card, now)
                return self._questions(tx, asked, person.id)
        except NotLookedAt:
            return None

    def answer(self, annotator: str, request: ProbeAnswerRequest) -> ProbeAnswered:
        """Keep what somebody says to a question; the same again changes nothing.

        An own answer can be corrected while its card is on the screen. Where somebody else was
        faster, theirs stands and `late` says so.

        Raises:
            AnnotatorError: If the card has been closed, or the category is archived.
            ImageError: If the picture cannot be shown; then nobody can have seen it.
            ImageFolderMissing: If its whole image folder is missing, which may be back.
        """
        now, state = self._clock(), State(request.state)
        with self._store.reading() as tx:
            image_id = probes.get(tx, request.probe).image_id
        pictures = ShownPictures(self._store, self._media)
        problem = pictures.problems({image_id})[image_id]
        with self._store.writing() as tx:
            person = annotators.named(tx, annotator, now)
            found = probes.get(tx, request.probe)
            if found.state is not None and found.annotator_id != person.id:
                return {"probe": found.id, "late": True}
            if found.state is None or found.state is not state:
                self._may_answer(tx, found, request.card, now)
                if problem is not None:
                    raise problem
                probes.answered(tx, found.id, person.id, state, now, request.ms)
            card = str(found.card)
            self._hold(tx, probes.of_card(tx, card), card, now)
        return {"probe": found.id, "late": False}

    def release(self, card: str) -> None:
        """Let others be asked what is open on a card that is on no screen any more.

        The card can be continued: it has what nobody else was asked meanwhile.
        """
        with self._store.writing() as tx:
            leases.release(tx, card)

    def report(self) -> ProbeReport:
        """Return how much was asked, for the Probe page; no figure that could sway anybody."""
        with self._store.reading() as tx:
            people, left = probes.counts(tx)
        return {
            "answered": sum(number for _, number in people),
            "waiting": left,
            "people": [{"name": name, "answered": number} for name, number in people],
            "every": self._decisions_a_card(),
        }

    def _decisions_a_card(self) -> int | None:
        share = self._project.settings.probes.share
        return round(CARD_SIZE * (1 - share) / share) if share > 0 else None

    def _fill(
        self,
        tx: Transaction,
        card: str,
        me: int,
        now: datetime,
        pictures: ShownPictures,
        chance: random.Random,
    ) -> None:
        elsewhere = leases.held(tx, _LEASE, now)
        supply = partial(
            self._bound.supply, tx, without=elsewhere, can_show=pictures.can_show, now=now
        )
        bound = supply(count=CARD_SIZE - AUDIT_SHARE)
        candidates = self._second(tx, card, me, elsewhere, now, pictures, chance)
        second = list(
            islice(candidates, int(AGAIN_SHARE * (CARD_SIZE - len(bound)) + chance.random()))
        )
        left = probes.waiting(tx, without=elsewhere, limit=5 * CARD_SIZE)
        can_ask = (p.id for p in left if pictures.can_show(p.image_id))
        again = second + list(islice(can_ask, CARD_SIZE - len(bound) - len(second)))
        probes.put_on_card(tx, again, card)
        drawn = probes.draw(
            tx,
            CARD_SIZE - len(again) - len(bound),
            card=card,
            first=len(again),
            now=now,
            chance=self._chance,
        )
        if not bound + again and not drawn:  # nothing else is left to be asked in between
            bound = supply(count=CARD_SIZE, patient=False)
        # What chance has put on the card, too, is asked for the certificate on another one.
        twice = {p.pair for p in probes.of_card(tx, card)}
        bound = [b for b in bound if probes.get(tx, b).pair not in twice]
        probes.put_on_card(tx, bound, card, places=False)

    def _second(
        self,
        tx: Transaction,
        card: str,
        me: int,
        held: set[int],
        now: datetime,
        pictures: ShownPictures,
        chance: random.Random,
    ) -> Iterator[int]:
        """Yield questions that somebody else has answered, so that two people can be compared."""
        waiting = repeated_questions.waiting(tx, me, without=held, limit=CARD_SIZE)
        others = [] if waiting else repeated_questions.may_be_asked(tx, me)
        chance.shuffle(others)
        for probe in waiting or others[:CARD_SIZE]:
            if pictures.can_show(probe.image_id):
                yield probe.id if waiting else repeated_questions.ask_again(tx, probe, card, now)

    def _hold(self, tx: Transaction, asked: list[probes.Probe], card: str, now: datetime) -> None:
        leases.take(tx, _LEASE, [p.id for p in asked], card, now, LEASE_SECONDS)

    def _may_answer(self, tx: Transaction, found: probes.Probe, card: str, now: datetime) -> None:
        if found.state is not None:
            on_screen = found.card == card and found.id in leases.held(tx, _LEASE, now)
            if not on_screen:
                raise AnnotatorError("This probe was already answered; its first answer is kept.")
        archived = Archived(tx)
        if found.category_id in archived:
            raise AnnotatorError(archived.sentence(found.category_id))

    def _questions(
        self, tx: Transaction, asked: list[probes.Probe], me: int
    ) -> list[ProbeQuestion]:
        named = {c.id: c for c in categories.every(tx, archived=True)}
        archived = Archived(tx)
        examples = categories.examples(tx)
        pictures = images.many(tx, {p.image_id for p in asked})
        return [
            {
                "probe": p.id,
                "image": p.image_id,
                "width": pictures[p.image_id].width,
                "height": pictures[p.image_id].height,
                "category": _category(
                    named[p.category_id], examples.get(p.category_id, []), p.image_id
                ),
                "said": p.state.value if p.state and p.annotator_id == me else None,
                "problem": archived.sentence(p.category_id) if p.category_id in archived else None,
            }
            for p in asked
        ]


def _category(category: Category, examples: list[int], asked_about: int) -> ProbeCategory:
    """Return what a card says about a category; the image in question is no example of it."""
    return {
        "name": category.name,
        "description": category.description,
        "supercategory": category.supercategory,
        "examples": [i for i in examples if i != asked_about][:6],
    }
