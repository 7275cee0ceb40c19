from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from annotator.errors import AnnotatorError, NotFound
from annotator.services.certificates.rows import ListedCertificate, Status
from annotator.ui import certify_views as views
from annotator.ui.certify_page import PARTS, CertifyPage
from annotator.wire.probe import ProbeReport

PROMISE = {
    "promise": "recall", "recall": 0.9, "precision": None, "f1": None, "confidence": 0.975,
    "over": "dataset", "known_present": 90,
    "sentence": "At least 90 % of what is <present> is in the finished set.",
}  # fmt: skip
LISTED: dict[str, Any] = {
    "certificate": 1,
    "state": "open",
    "version": 3,
    "created_at": "2026-01-01T00:00:00+00:00",
    "pairs": 1000,
    "filled": 0,
    "promised": "recall 90 %",
    "promise": "",
}


def status(state: str = "open", absent: int = 900, **others: Any) -> dict[str, Any]:
    own = {"risk": 0.1, "promised": [], "no_promise_of_its_own": []}
    return {
        "certificate": 1,
        "earlier": False,
        "version": 3,
        "created_at": "2026-01-01T00:00:00+00:00",
        "pilot": None,
        "promise": PROMISE,
        "project_confidence": 0.95,
        "state": state,
        "standing": None,
        "fill": {"present": 0, "absent": absent},
        "answers": 15,
        "pool": 1000,
        "steps": 12,
        "certified_steps": 2,
        "line": 4.0,
        "evidence": [
            {"answers": 5, "evidence": -8.0, "certified": 0},
            {"answers": 15, "evidence": 3.0, "certified": 2},
        ],
        "present_side": None,
        "questions_expected": 7,
        "seconds_expected": 720.0,
        "next_fill": {"present": 1, "absent": 949},
        "waiting": 3,
        "second_looks": 1,
        "cannot_tell": 2,
        "advice": ["Answer the <middle>."],
        "statement": {},
        "suggest_only": [],
        "sha256": "",
        "seed": 1,
        "sentences": ["900 pairs can be filled in."],
        "super_categories": {**own, "sentence": "1 of 2 super-categories: <animal>."},
        "categories": {**own, "sentence": "No category has a promise of its own."},
        "changed_categories": ["cat"],
        "certificates": [{**LISTED, "state": state}],
        **others,
    }


PILOT_ONLY = (
    "certificate", "state", "earlier", "standing", "version", "created_at", "pool", "fill",
    "answers", "sentences", "super_categories", "categories", "certificates", "changed_categories",
)  # fmt: skip


def pilot_status(answered: int) -> dict[str, Any]:
    pilot = {
        "asked": 400, "answered": answered, "present": 30, "open": True, "done": answered == 400,
    }  # fmt: skip
    wishes = {
        "promise": "f1", "recall": 0.9, "precision": 0.95, "f1": 0.8, "confidence": 0.8,
        "over": "pool", "question_seconds": 2.5, "pair_seconds": 1.0,
    }  # fmt: skip
    row = {name: value for name, value in status(absent=0).items() if name in PILOT_ONLY}
    nothing = {"super_categories": None, "categories": None, "changed_categories": []}
    return {**row, **nothing, "pilot": pilot, "wishes": wishes}


NOTHING: dict[str, Any] = {"certificate": None, "certificates": []}
PageOf = Callable[[dict[str, Any]], tuple[CertifyPage, Any]]


@pytest.fixture
def page_of(fakes: ModuleType) -> PageOf:
    def page_of(row: dict[str, Any]) -> tuple[CertifyPage, Any]:
        made = fakes.FakeCertification(row)
        report = {"answered": 15, "waiting": 3, "people": [], "every": None}
        probing = SimpleNamespace(report=lambda: fakes.checked(ProbeReport, report))
        services: Any = SimpleNamespace(
            certification=made, probing=probing, progress=fakes.FakeProgress()
        )
        return CertifyPage(services), made

    return page_of


@pytest.fixture
def request_() -> Any:
    return SimpleNamespace(cookies={"annotator_name": "Ann"})


def shown(page: CertifyPage, number: int | None = None) -> dict[str, Any]:
    names = ("which", "state", "chart", "probe", "fill", "cancel", "back", "choice", "list")
    return dict(zip(names, page.show(number), strict=True))


def test_the_status_says_how_far_the_proof_is_and_nothing_in_it_is_markup(
    fakes: ModuleType,
) -> None:
    html = views.status_html(fakes.checked(Status, status()))

    assert "At least 90 % of what is &lt;present&gt; is in the finished set." in html
    assert "<b>75 %</b><span>of the proof of the next step</span>" in html
    assert "<b>2 of 12</b><span>steps proven</span>" in html
    assert 'aria-valuenow="75"' in html
    assert "<b>7</b><span>more probes until then, about 12 minutes</span>" in html
    assert "<b>900</b><span>can be filled in now</span>" in html
    assert "<b>950</b><span>can be filled in then</span>" in html
    assert "<li>Answer the &lt;middle&gt;.</li>" in html
    assert "1 answer is asked again and 2 could not be told: they count against the fill." in html
    assert "super-categories: &lt;animal&gt;." in html
    assert "no longer filled in: cat." in html


def test_a_promise_of_precision_has_steps_of_its_own(fakes: ModuleType) -> None:
    side = {
        "certified_steps": 1, "steps": 5, "pairs": 90, "asked": 20, "wrong": 1, "wrong_allowed": 2,
        "worth_asking": True,
    }  # fmt: skip
    row = status(fill={"present": 40, "absent": 900}, present_side=side)
    html = views.status_html(fakes.checked(Status, row))

    assert "1 of 5 steps proven; 20 asked, 1 of them absent where the next step allows 2." in html
    assert "<b>40</b><span>can be filled in now, as present</span>" in html


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"evidence": []}, 'aria-valuenow="0"'),
        ({"certified_steps": 12}, 'aria-valuenow="100"'),
        ({"evidence": [{"answers": 1, "evidence": -1.0, "certified": 2}]}, 'aria-valuenow="0"'),
    ],
)
def test_the_share_of_the_proof_lies_between_nothing_and_all(
    fakes: ModuleType, changes: dict[str, Any], says: str
) -> None:
    assert says in views.status_html(fakes.checked(Status, status(**changes)))


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
    assert "<b>900</b><span>filled in</span>" in told(holds=False)
    assert "of the proof" not in told(holds=False)
    assert "What would help" not in told(holds=False)
    assert "<td>no longer</td>" in listed
    assert "its promise holds" in told(holds=True)


def test_the_main_button_is_what_is_to_be_done_next(page_of: PageOf) -> None:
    early, asked, enough = (
        shown(page_of(row)[0])
        for row in (status(absent=0), status(), status(questions_expected=None))
    )

    assert [one["probe"]["variant"] for one in (early, asked, enough)] == [
        "primary", "primary", "secondary",
    ]  # fmt: skip
    assert [one["fill"]["interactive"] for one in (early, asked, enough)] == [False, True, True]
    assert enough["fill"]["variant"] == "primary"
    assert "of the proof" not in enough["state"]
    assert [one["choice"]["visible"] for one in (early, asked, enough)] == [False] * 3
    assert all(one["cancel"]["visible"] and not one["back"]["visible"] for one in (early, asked))


def test_a_certificate_of_the_earlier_procedure_asks_nothing_and_is_applied_or_cancelled(
    page_of: PageOf,
) -> None:
    page = shown(page_of(status(earlier=True, evidence=[], questions_expected=None))[0])

    assert page["probe"]["visible"] is False
    assert page["fill"]["visible"] is True
    assert page["fill"]["variant"] == "primary"
    assert page["cancel"]["visible"] is True
    assert page["chart"]["visible"] is False
    assert "of the proof" not in page["state"]


def test_before_the_first_certificate_there_is_only_the_choice(page_of: PageOf) -> None:
    page = shown(page_of(NOTHING)[0])

    assert page["choice"]["visible"] is True
    assert not any(page[name]["visible"] for name in ("which", "probe", "fill", "cancel", "back"))
    assert "asked without the model&#x27;s opinion" in page["state"]
    assert page["list"] == ""


@pytest.mark.parametrize(("answered", "is_done"), [(120, False), (400, True)])
def test_a_promise_is_chosen_once_the_pilot_is_answered(
    page_of: PageOf, answered: int, is_done: bool
) -> None:
    page = shown(page_of(pilot_status(answered))[0])

    assert page["choice"]["visible"] is is_done
    assert page["probe"]["visible"] is True
    assert page["fill"]["visible"] is False
    assert f"<b>{answered}</b><span>of 400 pilot probes answered</span>" in page["state"]
    assert "Certificate 1: open, pilot probes" in page["state"]


def test_any_certificate_can_be_read_and_an_applied_one_rolled_back(
    page_of: PageOf, request_: Any
) -> None:
    earlier = {**LISTED, "certificate": 2, "state": "cancelled"}
    row = status("applied", certificates=[{**LISTED, "state": "applied"}, earlier])
    page, made = page_of(row)

    one, said = shown(page, 1), page.roll_back(1, request_)

    assert one["which"]["choices"] == [
        ("2: recall 90 %, cancelled", 2), ("1: recall 90 %, applied", 1),
    ]  # fmt: skip
    assert one["which"]["visible"] is True
    assert one["back"]["visible"] is True
    assert one["choice"]["visible"] is True
    assert one["list"].count("<tr>") == 3
    assert made.asked == [1, 1]
    assert said[0] == "Certificate 1 is rolled back; 900 pairs are open again."
    with pytest.raises(AnnotatorError, match="Choose a certificate"):
        page.roll_back(None, request_)


def test_filling_in_says_what_it_has_done(page_of: PageOf, request_: Any) -> None:
    page, made = page_of(status())

    done = page.apply(1, request_)

    assert done[0].startswith("Filled in 0 pairs as present and 900 as absent.")
    assert "stay open" in done[0]
    assert made.asked[0] == "apply"
    assert len(done) == 1 + PARTS


@pytest.mark.parametrize(("state", "button"), [("open", "cancel"), ("applied", "back")])
def test_a_certificate_whose_files_are_damaged_can_be_given_up(
    page_of: PageOf, state: str, button: str
) -> None:
    page, made = page_of(status(state))
    made.failure = NotFound("The file bets.npz of <certificate 1> is missing.")

    page_shown = shown(page)

    assert "of &lt;certificate 1&gt; is missing" in page_shown["state"]
    assert page_shown["which"]["value"] == 1
    visible = {n for n in ("probe", "fill", "cancel", "back") if page_shown[n]["visible"]}
    assert visible == {button}
    assert not page_shown["choice"]["visible"]


def test_the_page_is_drawn_again_when_a_probe_was_answered_or_a_certificate_moved(
    page_of: PageOf,
) -> None:
    page, made = page_of(status())
    fresh = page.tick(None, 1)
    same = page.tick(fresh[0], 1)
    moved = page.tick([*fresh[0][:-1], "applied"], 1)

    assert len(same) == len(fresh) == len(moved) == 1 + PARTS
    assert same[0] == gr.skip()
    assert fresh[0] == moved[0] == [15, *made.states().values()]
    assert made.asked == [1, 1]
    page.tick(fresh[0][:-1], 1)  # somebody else has begun another one: that is shown
    assert made.asked == [1, 1]


def test_a_chart_of_few_answers_has_a_tick_for_each(fakes: ModuleType) -> None:
    one = [{"answers": 1, "evidence": 0.1, "certified": 0}]

    chart = views.proof_chart(fakes.checked(Status, status(evidence=one)))

    assert chart is not None
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["axis"]["values"] == [0, 1]


def test_the_chart_has_the_share_of_the_proof_from_nothing_on(fakes: ModuleType) -> None:
    chart = views.proof_chart(fakes.checked(Status, status()))

    assert chart is not None
    data = [row for rows in chart.to_dict()["datasets"].values() for row in rows]
    assert [(r["answers"], r["share"], r["proven"]) for r in data if "answers" in r] == [
        (0, 0, 0), (5, views.LOWEST, 0), (15, 75, 2),
    ]  # fmt: skip
    assert [r["share"] for r in data if "text" in r] == [100]
    assert chart.to_dict()["layer"][0]["encoding"]["x"]["axis"]["tickCount"] == 6
    assert views.proof_chart(fakes.checked(Status, status(evidence=[]))) is None
    assert views.proof_chart({"certificate": None, "certificates": []}) is None
