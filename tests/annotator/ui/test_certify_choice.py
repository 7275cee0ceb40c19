from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any, get_args

import gradio as gr
import pytest

from annotator.errors import AnnotatorError, NotReady
from annotator.services.certificates.price_texts import AIMS, NUMBERS
from annotator.services.certificates.rows import PlanRow, PromiseKind
from annotator.ui import certify_prices as prices
from annotator.ui.certify_choice import AS_SO_FAR, ASK, SMALL, SOON, PromiseChoice
from annotator.ui.certify_page import PARTS, CertifyPage
from annotator.ui.certify_wishes import PILOT, Wishes

DRAWN = (
    *("cards", "aims", "recall", "precision", "f1", "confidence", "over", "question_seconds"),
    *("pair_seconds", "ask", "begin", "note", "parts"),
)


def price(kind: PromiseKind, aim: str | None, refused: str = "", **numbers: float) -> Any:
    return {
        "promise": {
            "promise": kind, "recall": None, "precision": None, "f1": None, "confidence": 0.975,
            "over": "dataset", "known_present": 90, "sentence": f"It promises {kind}.",
            **{name: numbers[name] for name in NUMBERS[kind]},
        },
        "aim": aim, "questions": 286, "questions_high": 457, "seconds": 720.0,
        "seconds_high": 1200.0, "fill_absent": 900, "fill_present": 0 if kind == "recall" else 20,
        "left": 30, "saved_seconds": 7200.0, "refused": refused,
    }  # fmt: skip


def plan(**changes: Any) -> dict[str, Any]:
    offers = [
        price(kind, aim, "The model is <b>too bad</b>." if aim == "strict" else "", **AIMS[aim])
        for kind in get_args(PromiseKind)
        for aim in AIMS
    ]
    return {
        "certificate": None, "version": 3, "pool": 1000, "categories": ["cat", "dog"],
        "suggest_only": ["<b>bird</b>"], "known_present": 90, "plan_of_the_project": 2,
        "question_seconds": 2.5, "pair_seconds": 0.9, "chosen": offers[1], "offers": offers,
        "parts": [
            {"name": "animal", "kind": "super_category", "pairs": 700, "questions": 640},
            {"name": "<i>cat</i>", "kind": "category", "pairs": 300, "questions": 900},
            {"name": "dog", "kind": "category", "pairs": 300, "questions": None},
        ],
        "pilot": None, "refused": "", **changes,
    }  # fmt: skip


@pytest.fixture
def made(fakes: ModuleType) -> Any:
    return fakes.FakeCertification({"certificate": None, "certificates": []}, plan())


@pytest.fixture
def services(fakes: ModuleType, made: Any) -> Any:
    state = {**fakes.FakeProgress().state(), "version": 3}
    progress = SimpleNamespace(state=lambda: state, values=state)
    return SimpleNamespace(certification=made, progress=progress, probing=None)


@pytest.fixture
def choice(services: Any) -> PromiseChoice:
    return PromiseChoice(services)


def drawn(choice: PromiseChoice, row: Any, waiting: str, wished: Wishes) -> dict[str, Any]:
    found = dict(zip(DRAWN, choice.draw(row, waiting, *wished), strict=True))
    choices = found["cards"].get("choices", [])
    return {**found, "cards": {value: text for text, value in choices}}


def test_each_promise_is_a_sentence_with_its_price(choice: PromiseChoice) -> None:
    shown = drawn(choice, plan(), "", Wishes())

    assert shown["cards"]["recall"] == (
        "Recall\nIt promises recall.\n\n"
        "286 probes, about 12 minutes; one time in ten more than 457 (20 minutes).\n"
        "Fills in 900 of 1,000 open pairs, all as absent; 30 stay for people.\n"
        "Saves about 2 hours of answering by hand."
    )
    assert "900 as absent, 20 as present; 30 stay" in shown["cards"]["f1"]
    assert list(shown["cards"]) == ["recall", "precision_recall", "f1"]
    assert shown["begin"]["interactive"] is True
    assert shown["ask"]["visible"] is False


def test_a_plan_that_leaves_much_to_people_is_told_to_be_cheaper_later(
    choice: PromiseChoice,
) -> None:
    kept, much = (plan(pool=pool) for pool in (600, 599))

    assert "Cheaper later" not in drawn(choice, kept, "", Wishes())["cards"]["recall"]
    assert drawn(choice, much, "", Wishes())["cards"]["recall"].endswith(
        "Cheaper later: answer what stays for people first, as it teaches the model."
    )


def test_a_promise_that_does_not_pay_says_why_and_cannot_begin(choice: PromiseChoice) -> None:
    shown = drawn(choice, plan(), "", Wishes(kind="f1", aim="strict"))

    assert shown["cards"]["f1"].endswith("Not now: The model is <b>too bad</b>.")
    assert shown["begin"]["interactive"] is False
    assert "The model is &lt;b&gt;too bad&lt;/b&gt;." in shown["note"]


def test_names_are_never_markup(choice: PromiseChoice) -> None:
    shown = drawn(choice, plan(), "", Wishes())

    assert "&lt;b&gt;bird&lt;/b&gt;" in shown["note"]
    assert "<td>&lt;i&gt;cat&lt;/i&gt;</td><td>300</td><td>900</td>" in shown["parts"]
    assert "<td>animal (all of it)</td><td>700</td><td>640</td>" in shown["parts"]
    assert "Not to be expected of 1 other." in shown["parts"]
    assert "No category can be expected" in prices.parts_html(plan(parts=[]))


def test_own_numbers_have_fields_and_begin_once_their_price_is_known(
    choice: PromiseChoice,
) -> None:
    wished = Wishes(kind="precision_recall", aim=prices.OWN, recall=85, precision=97)

    unknown = drawn(choice, plan(), SOON, wished)
    priced = plan(chosen=price("precision_recall", None, recall=0.85, precision=0.97))
    known = drawn(choice, priced, SOON, wished)

    assert [unknown[name]["visible"] for name in ("recall", "precision", "f1")] == [
        True, True, False,
    ]  # fmt: skip
    assert unknown["begin"]["interactive"] is False
    assert unknown["cards"]["precision_recall"].endswith(SOON)
    assert "At least 85 % of what is present" in unknown["cards"]["precision_recall"]
    pool = drawn(choice, None, SOON, wished._replace(over="pool"))["cards"]
    assert "At least 85 % of the present pairs that were still open are in" in pool["recall"]
    assert "Of the pairs that were still open, the finished set has an F1 of" in pool["f1"]
    assert known["begin"]["interactive"] is True
    assert known["cards"]["recall"].endswith(SOON)


def test_usual_numbers_typed_by_hand_have_the_price_of_the_usual_promise(
    choice: PromiseChoice,
) -> None:
    assert drawn(choice, plan(), SOON, Wishes(aim=prices.OWN))["begin"]["interactive"] is True


def test_during_a_pilot_nothing_begins(choice: PromiseChoice) -> None:
    asked = {"asked": 400, "answered": 399, "present": 30}

    shown = drawn(choice, plan(pilot=asked), "", Wishes())
    done = drawn(choice, plan(pilot={**asked, "answered": 400}), "", Wishes())

    assert "1 pilot probe is not answered yet." in shown["note"]
    assert shown["begin"]["interactive"] is False
    assert "According to the pilot: 30 of its 400 pairs are present." in done["note"]
    assert done["begin"]["interactive"] is True


def test_prices_come_by_themselves_where_that_is_quick(
    choice: PromiseChoice, services: Any, made: Any
) -> None:
    waiting, *_ = choice.look(None, *Wishes())
    row, later = choice.price(None, waiting, *Wishes())
    again, *_ = choice.look(row, *Wishes(kind="f1"))
    services.progress.values["open"] = SMALL + 1
    large, *_ = choice.look(None, *Wishes())

    assert waiting == prices.WORKING
    assert row["offers"]
    assert later == again == SOON
    assert len(made.asked) == 1
    assert large.startswith(ASK)
    assert "500,001 open pairs" in large
    assert choice.price(None, large, *Wishes()) == (None, large)
    assert drawn(choice, None, large, Wishes())["ask"]["visible"] is True


def test_without_a_version_the_page_says_what_is_missing(
    choice: PromiseChoice, services: Any
) -> None:
    services.progress.values.update(version=None, until_suggestions="10 answers are missing.")

    waiting, *rest = choice.look(None, *Wishes())
    shown = dict(zip(DRAWN, rest, strict=True))

    assert waiting == "10 answers are missing."
    assert "10 answers are missing." in shown["note"]
    assert shown["begin"]["interactive"] is False


def test_a_plan_that_fails_is_a_sentence_on_the_page(choice: PromiseChoice, made: Any) -> None:
    made.failure = NotReady("The images are being imported.")

    row, said = choice.price(plan(), prices.WORKING, *Wishes())

    assert (row, said) == (None, "The images are being imported.")
    assert drawn(choice, None, said, Wishes())["ask"]["visible"] is True


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recall": None}, "Recall must be between 0 and 100 %"),
        ({"recall": 100}, "Recall must be between 0 and 100 %"),
        ({"kind": "f1", "f1": 90}, "F1 must be between 0 and 1"),
        ({"confidence": None}, "The confidence must be between"),
        ({"pair_seconds": -1}, "Seconds cannot be negative"),
    ],
)
def test_numbers_that_mean_nothing_are_not_asked_for(
    choice: PromiseChoice, made: Any, changes: dict[str, Any], says: str
) -> None:
    _, said = choice.price(None, prices.WORKING, *Wishes(aim=prices.OWN)._replace(**changes))

    assert said.startswith(says)
    assert made.asked == []


def test_only_numbers_of_the_promise_are_asked_for_as_shares(
    choice: PromiseChoice, made: Any
) -> None:
    choice.price(None, prices.WORKING, *Wishes(kind="f1", pilot=True, over="pool", confidence=80))
    choice.price(None, prices.WORKING, *Wishes(aim=prices.OWN, recall=92.5, pair_seconds=1.5))

    nothing = {"recall": None, "precision": None, "f1": None, "question_seconds": None}
    assert made.asked == [
        (
            {**nothing, "promise": "f1", "f1": 0.9, "confidence": 0.8, "over": "pool",
             "pair_seconds": None},
            PILOT, False,
        ),
        (
            {**nothing, "promise": "recall", "recall": 0.925, "confidence": 0.95,
             "over": "dataset", "pair_seconds": 1.5},
            None, False,
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("recall", {"recall": 100}),
        ("recall", {"recall": None}),
        ("precision", {"kind": "precision_recall", "precision": 120}),
        ("f1", {"kind": "f1", "f1": 90}),
        ("confidence", {"confidence": 100}),
        ("pair_seconds", {"pair_seconds": -1}),
    ],
)
def test_a_number_that_means_nothing_is_told_in_its_field_and_the_prices_stay(
    choice: PromiseChoice, field: str, changes: dict[str, Any]
) -> None:
    good = Wishes(aim=prices.OWN)
    bad = good._replace(**changes)

    row, waiting, *rest = choice.forget(plan(), SOON, *bad)
    shown = dict(zip(DRAWN, rest, strict=True))
    mended = drawn(choice, row, waiting, good)

    assert shown[field]["info"] == bad.problem()
    assert bad.problem() in shown["note"]
    assert shown["begin"]["interactive"] is False
    assert shown["cards"] == gr.skip()
    assert mended[field]["info"] in ("", AS_SO_FAR)
    assert "286 probes" in mended["cards"]["recall"]
    assert mended["begin"]["interactive"] is True


def test_a_number_of_another_promise_that_means_nothing_is_not_repeated(
    choice: PromiseChoice,
) -> None:
    shown = drawn(choice, plan(), SOON, Wishes(kind="f1", aim=prices.OWN, recall=100))

    assert shown["cards"]["recall"] == "Recall\nRecall must be between 0 and 100 %, such as 90."
    assert "100 %," in shown["cards"]["precision_recall"]
    assert shown["begin"]["interactive"] is True


@pytest.mark.parametrize(
    ("refused", "chosen", "proposed"),
    [
        (["recall"], "recall", "precision_recall"),
        (["recall", "precision_recall"], "recall", "f1"),
        (["recall", "precision_recall", "f1"], "recall", None),
        (["precision_recall"], "recall", None),
        (["f1"], "f1", None),
    ],
)
def test_the_first_promise_that_can_be_had_is_chosen_unless_somebody_has_chosen(
    choice: PromiseChoice, refused: list[str], chosen: PromiseKind, proposed: str | None
) -> None:
    row: Any = plan()
    for offer in row["offers"]:
        offer["refused"] = "Not good enough." if offer["promise"]["promise"] in refused else ""

    cards, *rest = choice.propose(row, SOON, *Wishes(kind=chosen))
    begin = dict(zip(DRAWN[1:], rest, strict=True))["begin"]

    assert cards.get("value") == proposed
    assert begin["interactive"] is ((proposed or chosen) not in refused)


def test_other_options_make_prices_unknown(choice: PromiseChoice) -> None:
    row, waiting, *rest = choice.forget(plan(), "", *Wishes(confidence=80))

    assert (row, waiting) == (None, SOON)
    assert dict(zip(DRAWN, rest, strict=True))["begin"]["interactive"] is False


def test_a_certificate_never_begins_with_a_number_that_means_nothing(
    services: Any, made: Any
) -> None:
    services.probing = SimpleNamespace(report=dict)
    request: Any = SimpleNamespace(cookies={"annotator_name": "Ann"})

    with pytest.raises(AnnotatorError, match="Recall must be between"):
        CertifyPage(services).begin(request, *Wishes(aim=prices.OWN, recall=100))

    assert made.asked == []


def test_a_certificate_begins_with_what_is_chosen(services: Any, made: Any) -> None:
    services.probing = SimpleNamespace(report=dict)
    request: Any = SimpleNamespace(cookies={"annotator_name": "Ann"})

    said = CertifyPage(services).begin(request, *Wishes(kind="f1"))

    assert made.asked[0][0]["promise"] == "f1"
    assert made.asked[0][1:] == (None, True)
    assert said[0].startswith("Certificate 1 is open")
    assert said[1] is None
    assert len(said) == 3 + PARTS


def test_the_plan_after_a_pilot_is_the_one_that_it_was_begun_with(
    choice: PromiseChoice, made: Any
) -> None:
    nothing = choice.wishes()
    wishes = {
        "promise": "f1", "recall": 0.9, "precision": 0.95, "f1": 0.8, "confidence": 0.8,
        "over": "pool", "question_seconds": 2.5, "pair_seconds": 1.0,
    }  # fmt: skip
    made.row = {
        "certificate": 1, "earlier": False, "version": 3, "created_at": "2026-01-01T00:00:00+00:00",
        "state": "open", "standing": None, "pool": 1000, "fill": {"present": 0, "absent": 0},
        "answers": 0, "sentences": [], "super_categories": None, "categories": None,
        "certificates": [], "changed_categories": [], "wishes": wishes,
        "pilot": {"asked": 400, "answered": 400, "present": 30, "open": True, "done": True},
    }  # fmt: skip

    *kept, pilot = choice.wishes()

    assert nothing == tuple(gr.skip() for _ in Wishes._fields)
    assert kept == ["f1", prices.OWN, 90.0, 95.0, 0.8, 80.0, "pool", 2.5, 1.0]
    assert pilot["value"] is True
    assert pilot["interactive"] is False


def test_a_plan_is_of_the_type_that_the_service_promises(fakes: ModuleType) -> None:
    assert fakes.checked(PlanRow, plan())
