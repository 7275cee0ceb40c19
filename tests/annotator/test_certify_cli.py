from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annotator.cli import app
from annotator.errors import AnnotatorError, NotReady
from annotator.services.app import Services
from annotator.services.certificates import certification
from annotator.services.certificates.rows import PlanOptions

WISHES = ["--recall", "0.7", "--confidence", "0.8"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, oracle: Any) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("template")
    return folder, oracle.make_project(folder)


@pytest.fixture
def project(
    tmp_path: Path, template: tuple[Path, Any], oracle: Any, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setattr(certification, "_random_seed", lambda: 11)
    copied: Path = oracle.copy_project(template[0], tmp_path)
    return copied


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_way_from_the_plan_to_the_fill_and_back(
    project: Path, oracle: Any, template: tuple[Path, Any]
) -> None:
    plan = json.loads(run("certify", project, "plan", *WISHES, "--json"))
    text = run("certify", project, "plan", *WISHES, "--offers")
    begun = run("certify", project, "plan", *WISHES, "--start")
    services = Services.open(project)
    clock = oracle.Ticking()
    services.probing._clock = clock
    oracle.Oracle(services, template[1], clock).answer(oracle.PLENTY)
    services.close()
    status = json.loads(run("certify", project, "status", "--json"))
    told = run("certify", project, "status")
    preview = run("certify", project, "apply", "--dry-run")
    done = json.loads(run("certify", project, "apply", "--json"))
    applied = run("certify", project, "status")
    counts = json.loads(run("status", project, "--json"))["counts"]
    out = run("export", project, "--out", project / "exports", "--content", "certified")
    back = run("rollback", project, "--certificate", 1)

    assert plan["chosen"]["fill_absent"] > 10_000
    assert plan["chosen"]["promise"]["recall"] == 0.7
    assert "At least 70 % of what is present is in the finished set." in text
    assert "of 20,000 open pairs, all as absent" in text
    assert "  usual: --promise precision-recall --recall 0.9 --precision 0.95\n" in text
    assert "Add --start to freeze the plan." in text
    assert begun.startswith("Certificate 1 is open: At least 70 %")
    assert status["fill"]["absent"] > 10_000
    assert "steps certified, " in told
    assert "of the proof of the next one" in told
    assert "At least 70 % of what is present is in the finished set." in told
    assert preview.startswith("Would fill in ")
    assert done["applied"] is True
    assert applied.startswith("Certificate 1 (applied, its promise holds)")
    assert counts["filled"] == done["present"] + done["absent"]
    assert counts["open"] == 20_000 - counts["filled"]
    assert "certified_all.json" in out
    assert "is rolled back" in back
    assert json.loads(run("status", project, "--json"))["counts"]["filled"] == 0


def test_a_pilot_is_asked_first_and_the_plan_is_frozen_after_it(
    project: Path, oracle: Any, template: tuple[Path, Any]
) -> None:
    begun = run("certify", project, "plan", *WISHES, "--pilot", 100, "--start")
    asked = run("certify", project, "status")
    services = Services.open(project)
    clock = oracle.Ticking()
    services.probing._clock = clock
    oracle.Oracle(services, template[1], clock).answer(13)
    services.close()
    plan = run("certify", project, "plan")
    frozen = json.loads(run("certify", project, "plan", "--start", "--json"))

    assert "asks its pilot of 100 questions" in begun
    assert "0 of 100 pilot questions are answered" in asked
    assert "100 of 100 pilot questions are answered" in plan
    assert frozen["certificate"] == 1
    assert frozen["chosen"]["promise"]["recall"] == 0.7
    assert "A pilot of 100 questions" in run("certify", project, "status")


def test_cancelling_ends_the_open_certificate(project: Path) -> None:
    run("certify", project, "plan", *WISHES, "--start")

    said = run("certify", project, "cancel")

    assert said == "Certificate 1 is cancelled.\n"
    assert "(cancelled)" in run("certify", project, "status")
    assert json.loads(run("certify", project, "status", "--json"))["state"] == "cancelled"


def test_before_the_first_certificate_the_status_says_so(project: Path) -> None:
    assert "There is no certificate" in run("certify", project, "status")
    assert json.loads(run("certify", project, "status", "--json"))["certificates"] == []


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (["certify", "P", "apply"], AnnotatorError, "No certificate is open"),
        (["certify", "P", "cancel"], AnnotatorError, "No certificate is open"),
        (["rollback", "P", "--certificate", "3"], AnnotatorError, "no certificate 3"),
        (["certify", "P", "plan", "--recall", "90"], AnnotatorError, "--recall must be between"),
        (["certify", "P", "plan", "--promise", "best"], AnnotatorError, "precision-recall or f1"),
        (["certify", "P", "plan", "--recall", "0.999", "--start"], NotReady, "promise less"),
    ],
)
def test_a_refusal_is_one_sentence_that_says_what_to_do(
    project: Path, words: list[str], error: type[AnnotatorError], says: str
) -> None:
    given = [str(project) if word == "P" else word for word in words]

    with pytest.raises(error, match=says) as raised:
        CliRunner().invoke(app, given, catch_exceptions=False)

    assert "\n" not in str(raised.value)


def test_a_page_gets_the_plan_from_a_process_of_its_own(project: Path) -> None:
    services = Services.open(project)
    wishes: PlanOptions = {
        "promise": "precision_recall", "recall": 0.7, "precision": 0.9, "f1": None,
        "confidence": 0.8, "over": "dataset", "question_seconds": None, "pair_seconds": 1.5,
    }  # fmt: skip

    plan = services.certification.plan_in_subprocess(wishes)

    assert plan == json.loads(json.dumps(services.certification.plan(**wishes, offers=True)))
    assert [(offer["promise"]["promise"], offer["aim"]) for offer in plan["offers"]] == [
        (kind, aim)
        for kind in ("recall", "precision_recall", "f1")
        for aim in ("strict", "usual", "lenient")
    ]
    assert plan["pair_seconds"] == 1.5
    with pytest.raises(AnnotatorError, match="--confidence must be between 0 and 1"):
        services.certification.plan_in_subprocess({**wishes, "confidence": 2})
    with pytest.raises(AnnotatorError, match="100 to 2,000 questions, not 50"):
        services.certification.plan_in_subprocess(wishes, pilot=50)
    services.close()
