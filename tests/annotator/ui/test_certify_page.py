from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from annotator.errors import AnnotatorError
from annotator.services.certificates.rows import ListedCertificate, PlanRow, Status
from annotator.ui import certify_views as views
from annotator.ui.certify_page import PARTS, CertifyPage
from annotator.wire.probe import ProbeReport

FORECAST = {"fill_absent": 900, "fill_present": 0, "probes": 50, "people": 150, "lost_share": 0.1}
PLAN: dict[str, Any] = {
    "certificate": None,
    "version": 3,
    "pool": 1000,
    "categories": ["cat", "dog"],
    "suggest_only": ["<b>bird</b>"],
    "known_present": 0,
    "over": "pool",
    "promise": {
        "max_error": 0.05, "max_lost": 0.1, "confidence": 0.95, "over": "pool", "known_present": 0,
    },
    "plan_of_the_project": 1,
    "forecasts": [{"over": "pool", **FORECAST}],
    "best": FORECAST,
    "offers": [
        {"aim": "usual", "max_error": 0.05, "max_lost": 0.1, "refused": "", **FORECAST},
        {"aim": "lenient", "max_error": 0.1, "max_lost": 0.2, "refused": "Too few.", **FORECAST},
    ],
    "pilot": None,
    "refused": "",
}  # fmt: skip
LISTED = {
    "certificate": 1,
    "state": "open",
    "version": 3,
    "created_at": "2026-01-01T00:00:00+00:00",
    "pairs": 1000,
    "filled": 0,
    "promise": "",
}


def status(state: str = "open", fill: int = 900) -> dict[str, Any]:
    zone = {
        "pairs": 10, "at_most_asked": 9, "answered": 5, "waiting": 0, "present": 1, "against": 0,
        "second_looks": 2,
    }  # fmt: skip
    side = {
        "promised": 0.1, "at_most": 0.123, "certified_steps": 1, "steps": 8, "pairs": 900,
        "asked": 15, "against": 0, "against_allowed": 1.5, "risk": 0.02, "worth_asking": True,
    }  # fmt: skip
    own = {"risk": 0.1, "promised": [], "no_promise_of_its_own": []}
    return {
        "certificate": 1,
        "version": 3,
        "created_at": "2026-01-01T00:00:00+00:00",
        "pilot": None,
        "promise": PLAN["promise"],
        "project_confidence": 0.95,
        "questions_expected": 7,
        "statement": {},
        "suggest_only": [],
        "sha256": "",
        "seed": 1,
        "state": state,
        "standing": None,
        "fill": {"present": 0, "absent": fill},
        "answers": 15,
        "pool": 1000,
        "sentences": ["900 pairs can be marked <absent>."],
        "super_categories": {**own, "sentence": "1 of 2 super-categories: <animal>."},
        "categories": {**own, "sentence": "No category has a promise of its own."},
        "changed_categories": ["cat"],
        "zones": [{"zone": name, **zone} for name in ("present", "middle", "absent")],
        "bounds": [{"side": "absent", **side}],
        "closing": [{"answers": 15, "present": None, "absent": 0.123}],
        "certificates": [{**LISTED, "state": state}],
    }


PROOF_ONLY = ("promise", "project_confidence", "questions_expected", "statement", "sha256", "seed")


def pilot_status(**pilot: Any) -> dict[str, Any]:
    row = {name: value for name, value in status(fill=0).items() if name not in PROOF_ONLY}
    nothing = {"zones": [], "bounds": [], "closing": [], "categories": None}
    wished = {"max_error": 0.05, "max_lost": 0.3, "confidence": 0.8, "over": None}
    return {**row, **nothing, "super_categories": None, "pilot": pilot, "wishes": wished}


PageOf = Callable[[dict[str, Any]], tuple[CertifyPage, Any]]


@pytest.fixture
def page_of(fakes: ModuleType) -> PageOf:
    def page_of(row: dict[str, Any]) -> tuple[CertifyPage, Any]:
        made = fakes.FakeCertification(row, PLAN)
        report = {"answered": 15, "waiting": 3, "people": [], "every": None}
        probing = SimpleNamespace(report=lambda: fakes.checked(ProbeReport, report))
        forecasts = SimpleNamespace(single_seconds=lambda: 72.0)
        services: Any = SimpleNamespace(certification=made, probing=probing, forecasts=forecasts)
        return CertifyPage(services), made

    return page_of


@pytest.fixture
def request_() -> Any:
    return SimpleNamespace(cookies={"annotator_name": "Ann"})


def test_a_plan_is_a_table_and_names_are_never_markup(fakes: ModuleType) -> None:
    html = views.plan_html(fakes.checked(PlanRow, PLAN))

    assert "<td>900</td>" in html
    assert "<b>bird</b>" not in html
    assert "&lt;b&gt;bird&lt;/b&gt;" in html


@pytest.mark.parametrize(
    ("answered", "says", "can_begin"),
    [(120, "280 of its questions are not", False), (400, "30 of its 400 pairs", True)],
)
def test_a_plan_during_a_pilot_waits_for_its_answers(
    page_of: PageOf, answered: int, says: str, can_begin: bool
) -> None:
    page, made = page_of(status())
    made.pilot = {"asked": 400, "answered": answered, "present": 30}

    html, button, _, refusals = page.plan(5, 10, 95, "", True)

    assert says in html
    assert button["interactive"] is can_begin
    assert bool(refusals) is can_begin


def test_a_refused_plan_says_why_and_cannot_begin(page_of: PageOf) -> None:
    page, made = page_of(status())
    made.refused = "The pool is too small."

    html, button, *_ = page.plan(5, 10, 95, "", False)

    assert "The pool is too small." in html
    assert button["interactive"] is False


def test_each_promise_has_its_price_in_questions_and_time(page_of: PageOf) -> None:
    page, _ = page_of(status())

    html, _, aims, refusals = page.plan(5, 10, 95, "", False)
    labels = {value: label for label, value in aims["choices"]}

    assert labels["usual"].endswith("— 50 probes, about 60 minutes; fills in 900 of 1,000 pairs")
    assert labels["lenient"].endswith("does not pay: people would still answer 150 of 1,000 pairs")
    assert "—" not in labels["strict"]
    assert "<td>60 minutes</td>" in html
    assert "at 72.0 seconds an answer" in html
    assert refusals == {"usual": "", "lenient": "Too few."}


def test_a_promise_brings_its_numbers_and_may_begin_once_it_is_known_to_pay(
    page_of: PageOf,
) -> None:
    page, _ = page_of(status())
    refusals = {"usual": "", "lenient": "It is <small>."}

    pays, small, unknown = (
        page.choose(aim, given)
        for aim, given in (("usual", refusals), ("lenient", refusals), ("strict", None))
    )
    own = page.choose(views.OWN, refusals)

    assert [x[:3] for x in (pays, small, unknown)] == [(5, 10, ""), (10, 20, ""), (2, 5, "")]
    assert [x[3]["interactive"] for x in (pays, small, unknown, own)] == [True, False, False, False]
    assert "It is &lt;small&gt;." in small[4]
    assert own[:3] == (gr.skip(), gr.skip(), gr.skip())


def test_a_time_that_is_not_known_is_not_told(fakes: ModuleType) -> None:
    plan = fakes.checked(PlanRow, PLAN)

    assert "seconds an answer" not in views.plan_html(plan)
    assert "minutes" not in views.aim_choices(plan["offers"], 1000, None)[1][0]


def test_wishes_are_percentages_on_the_page_and_shares_in_the_service(
    page_of: PageOf, request_: Any
) -> None:
    page, made = page_of(status())

    page.plan(5, 12.5, 95, "dataset", True)
    said = page.begin(5, 10, 95, "", False, request_)

    shares = {"max_error": 0.05, "max_lost": 0.125, "confidence": 0.95, "over": "dataset"}
    assert made.asked[0] == (shares, 400, False)
    assert made.asked[1][0]["over"] is None
    assert made.asked[1][1:] == (None, True)
    assert said[0].startswith("Certificate 1 is open")
    assert len(said) == 3 + PARTS


def test_the_status_shows_zones_bounds_and_sentences_as_text(fakes: ModuleType) -> None:
    html = views.status_html(fakes.checked(Status, status()))

    assert "12.3%" in html
    assert "1 of 8" in html
    assert "can be marked &lt;absent&gt;." in html
    assert "super-categories: &lt;animal&gt;." in html
    assert "no longer filled in: cat." in html


def test_a_stale_promise_is_told_above_and_in_the_list(fakes: ModuleType) -> None:
    def told(*, holds: bool) -> str:
        present = {
            "answered": 1, "corrected": 0, "in_changed_categories": 0, "on_unused_images": 0,
            "left": 3, "at_most_wrong": 1, "promised": 0.05, "holds": holds,
        }  # fmt: skip
        standing = {"holds": holds, "present": present, "sentence": "It says so."}
        row = {**status("applied"), "standing": standing}
        return views.status_html(fakes.checked(Status, row))

    stale = {**LISTED, "state": "applied", "promise": "stale"}
    listed = views.list_html([fakes.checked(ListedCertificate, stale)])

    assert "Certificate 1: applied, its promise is stale" in told(holds=False)
    assert "<td>applied</td>" in listed
    assert "<td>stale</td>" in listed
    assert "its promise holds" in told(holds=True)


def test_filling_in_waits_until_something_is_certified(page_of: PageOf) -> None:
    ready, _ = page_of(status())
    early, _ = page_of(status(fill=0))
    nothing, _ = page_of({"certificate": None, "certificates": []})

    assert [update["interactive"] for update in ready.show()[4:6]] == [True, True]
    assert [update["interactive"] for update in early.show()[4:6]] == [False, False]
    assert nothing.show()[2]["visible"] is True  # the plan
    assert "No certificate is open" in nothing.show()[0]


def test_while_a_pilot_is_asked_its_options_stay_and_the_plan_can_be_made(page_of: PageOf) -> None:
    page, _ = page_of(pilot_status(asked=400, answered=120, present=30, open=True, done=False))
    proving, _ = page_of(status())

    shown, kept = page.show(), page.options()

    assert [update["visible"] for update in shown[2:4]] == [True, True]
    assert "<b>120</b><span>pilot answers</span>" in shown[0]
    assert "Certificate 1: open, pilot questions open" in shown[0]
    assert "steps certified" not in shown[0]
    assert kept[:4] == (5.0, 30.0, 80.0, "")
    assert kept[4]["value"] is True
    assert proving.options() == tuple(gr.skip() for _ in range(5))


def test_an_applied_certificate_can_be_chosen_and_rolled_back(
    page_of: PageOf, request_: Any
) -> None:
    page, _ = page_of(status("applied"))

    shown = page.show()
    said = page.roll_back(1, request_)

    assert shown[7]["choices"] == [(1, 1)] or shown[7]["choices"] == [1]
    assert shown[8]["visible"] is True
    assert said[0] == "Certificate 1 is rolled back; 900 pairs are open again."
    with pytest.raises(AnnotatorError, match="Choose a certificate"):
        page.roll_back(None, request_)


def test_a_look_and_the_fill_say_what_they_do(page_of: PageOf, request_: Any) -> None:
    page, made = page_of(status())

    look, done = page.preview(), page.apply(request_)

    assert look.startswith("This would fill in 0 pairs as present and 900 as absent.")
    assert done[0].startswith("Filled in 0 pairs")
    assert "stay open" in done[0]
    assert made.asked == ["look", "apply"]


def test_the_page_is_drawn_again_only_when_a_question_was_answered(page_of: PageOf) -> None:
    page, _ = page_of(status())

    same, fresh = page.tick(15), page.tick(None)

    assert len(same) == len(fresh) == 1 + PARTS
    assert same[0] == gr.skip()
    assert fresh[0] == 15


def test_the_chart_has_both_bounds_and_what_is_promised(fakes: ModuleType) -> None:
    chart = views.closing_chart(fakes.checked(Status, status()))

    assert chart is not None
    spec = chart.to_dict()
    data = [row for rows in spec["datasets"].values() for row in rows]
    assert {round(row["share"], 1) for row in data} == {12.3, 10.0}
    unanswered = fakes.checked(Status, {**status(), "closing": []})
    assert views.closing_chart(unanswered) is None
    assert views.closing_chart({"certificate": None, "certificates": []}) is None
