"""The types of what the Certify page and `certify --json` get about plans and certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

from typing_extensions import TypedDict

PromiseKind = Literal["recall", "precision_recall", "f1"]
"""What a certificate can promise about the finished set."""

Over = Literal["pool", "dataset"]
"""What recall is taken of: the present pairs that were open, or all, known ones included."""

Aim = Literal["strict", "usual", "lenient"]
"""How much is promised."""


class PlanOptions(TypedDict):
    """What a plan is asked for; None leaves it to the open pilot, else to the defaults."""

    promise: PromiseKind | None
    recall: float | None
    """Share of the present pairs that the finished set holds, at least, 0 to 1."""
    precision: float | None
    """Right ones among the pairs filled in as present, at least, as a share."""
    f1: float | None
    """F1 of the finished set, at least."""
    confidence: float | None
    over: Over | None
    question_seconds: float | None
    """What a probe costs a person; None takes what people took so far."""
    pair_seconds: float | None
    """What answering an open pair by hand costs."""


class ChosenOptions(TypedDict):
    """What a plan is made with, nothing left open."""

    promise: PromiseKind
    recall: float
    precision: float
    f1: float
    confidence: float
    over: Over
    question_seconds: float
    pair_seconds: float


class PilotRow(TypedDict):
    """How far the pilot of a plan is."""

    asked: int
    answered: int
    present: int
    """Answered present."""


class PilotState(PilotRow):
    """How far the pilot of a certificate is."""

    open: bool
    done: bool


class PromiseRow(TypedDict):
    """What is promised; the numbers that the promise does not use are None."""

    promise: PromiseKind
    recall: float | None
    precision: float | None
    f1: float | None
    confidence: float
    """Of this certificate alone."""
    over: Over
    known_present: int
    sentence: str
    """The promise in one plain sentence."""


class Price(TypedDict):
    """One promise, and what it would take."""

    promise: PromiseRow
    aim: Aim | None
    """None: numbers of one's own."""
    questions: int
    """Probes until it is likely proven: as many again as not take more."""
    questions_high: int | None
    """One run in ten takes more than these; None where that is not known."""
    seconds: float
    """For `questions`."""
    seconds_high: float | None
    fill_absent: int
    fill_present: int
    left: int
    """Pairs that people answer by hand afterwards."""
    saved_seconds: float
    """Against answering every pair of the pool by hand."""
    refused: str
    """Why it would not pay, or an empty text."""


class PartPrice(TypedDict):
    """Whether a category or super-category can have the promise on its own, and for what."""

    name: str
    kind: Literal["category", "super_category"]
    pairs: int
    questions: int | None
    """Probes of the whole certificate until then; None: not to be expected."""


class PlanRow(TypedDict):
    """What could be filled in, and what that would cost."""

    certificate: int | None
    """Its number once it is begun."""
    version: int
    pool: int
    """Open pairs that could be filled in."""
    categories: list[str]
    suggest_only: list[str]
    """Categories with too few answers, which are not filled in."""
    known_present: int
    plan_of_the_project: int
    question_seconds: float
    pair_seconds: float
    chosen: Price
    """The promise that was asked for."""
    offers: list[Price]
    """The promises to choose from, where they were asked for: every kind, every aim."""
    parts: list[PartPrice]
    """Super-categories and categories for the chosen promise, where offers were asked for."""
    pilot: PilotRow | None
    """None without one."""
    refused: str
    """Why it cannot begin, or an empty text."""


class EvidencePoint(TypedDict):
    """How far the proof was after so many answers."""

    answers: int
    evidence: float
    """Natural logarithm of the evidence of the step that is tested now."""
    certified: int
    """Steps certified by then."""


class PresentSide(TypedDict):
    """How far the promise about the precision of the present fill is; only with that promise."""

    certified_steps: int
    steps: int
    pairs: int
    """In the step that is tested."""
    asked: int
    wrong: int
    wrong_allowed: int
    worth_asking: bool


class Fill(TypedDict):
    """Pairs to be filled in, or that were."""

    present: int
    absent: int


class StandingFill(TypedDict):
    """What became of the pairs that were filled in as present."""

    answered: int
    corrected: int
    in_changed_categories: int
    on_unused_images: int
    left: int
    at_most_wrong: int
    promised: float
    holds: bool


class Standing(TypedDict):
    """Whether the promise of a fill still holds."""

    holds: bool
    present: StandingFill | None
    """None where nothing is promised about the present ones alone."""
    sentence: str


class OwnPromise(TypedDict):
    """Which groups of categories keep the promise on their own."""

    risk: float
    promised: list[str]
    no_promise_of_its_own: list[str]
    sentence: str


class ListedCertificate(TypedDict):
    """A certificate in the list of all."""

    certificate: int
    state: str
    version: int
    created_at: str
    pairs: int
    filled: int
    promised: str
    """What it promises, in a few words, such as `recall 90 %`."""
    promise: str
    """`holds` or `stale`, or an empty text where nothing is filled in."""


class StatusHead(TypedDict):
    """What is said with every status of a certificate."""

    certificates: list[ListedCertificate]
    """All of the project."""
    changed_categories: list[str]
    """Those that were changed since the plan."""


class _Status(StatusHead):
    certificate: int
    state: str
    earlier: bool
    """It was begun under the earlier procedure: it asks nothing more, and has no evidence here."""
    standing: Standing | None
    """None where nothing is filled in."""
    version: int
    created_at: str
    pool: int
    fill: Fill
    answers: int
    """Blind ones that count."""
    sentences: list[str]
    super_categories: OwnPromise | None
    categories: OwnPromise | None


@final
class NoStatus(TypedDict):
    """There is no certificate."""

    certificate: None
    certificates: list[ListedCertificate]
    """None at all."""


@final
class PilotStatus(_Status):
    """Where a certificate stands while its pilot is asked and nothing is frozen yet."""

    pilot: PilotState
    wishes: ChosenOptions


@final
class ProofStatus(_Status):
    """Where a certificate stands once its plan is frozen."""

    pilot: Mapping[str, Any] | None
    """What the plan keeps of it."""
    promise: PromiseRow
    project_confidence: float
    steps: int
    certified_steps: int
    line: float
    """Natural logarithm that the evidence of a step has to reach."""
    evidence: list[EvidencePoint]
    """Empty without answers."""
    present_side: PresentSide | None
    questions_expected: int | None
    """Until the next step; None where more questions are not likely to help."""
    seconds_expected: float | None
    next_fill: Fill | None
    """What is filled in once that step is certified."""
    waiting: int
    """Questions that are drawn and not answered."""
    second_looks: int
    """Answers that are asked again; until then they count against the fill."""
    cannot_tell: int
    advice: list[str]
    """What would help, the most useful first."""
    statement: Mapping[str, Any]
    """What an export keeps; see `annotator.services.certificates.report`."""
    suggest_only: list[str]
    sha256: str
    seed: int


Status = NoStatus | PilotStatus | ProofStatus


class Kept(TypedDict):
    """What never goes away again once it is proven."""

    certified: Mapping[str, float]
    p_values: Mapping[str, float]
    """By name of the group of categories and rung."""


class FillRow(TypedDict):
    """What applying a certificate fills in."""

    certificate: int
    applied: bool
    """It has been done."""
    present: int
    absent: int
    present_left_out: bool
    """Some likely present pairs stay open, because people answered many others."""


class EndedRow(TypedDict):
    """A certificate that was ended."""

    certificate: int
    state: str


class RolledBackRow(EndedRow):
    """A certificate that was rolled back."""

    pairs: int
    """That are open again."""
