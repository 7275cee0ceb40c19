"""The table of the suite's seconds adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

REPORT = """<testsuites><testsuite time="61.5">
<testcase classname="tests.annotator.services.labelling.test_probe" name="a" time="20"/>
<testcase classname="tests.annotator.services.progress.test_trends.TestIt" name="b" time="4"/>
<testcase classname="tests.annotator.test_settings" name="c" time="30"/>
<testcase classname="tests.mlrpl.test_labels" name="d" time="2"/>
<testcase classname="tests.test_docs" name="e" time="25"/>
</testsuite></testsuites>"""


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import suite

    return suite


def printed(suite: Any, report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["suite.py", "--report", str(report)])
    suite.main()


def test_folders_come_by_seconds_and_all_tests_are_in_a_row(
    suite: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)

    printed(suite, report, monkeypatch)

    said = capsys.readouterr().out
    assert "5 tests in 62 s" in said
    assert said.splitlines()[-3:] == [
        "| `annotator` | 1 | 30 |",
        "| `annotator/services` | 2 | 24 |",
        "| all other | 2 | 27 |",
    ]


@pytest.mark.parametrize("text", ["<testsuites/>", "no report", None])
def test_what_is_no_report_is_refused_in_a_sentence(
    suite: Any, tmp_path: Path, monkeypatch: Any, text: str | None
) -> None:
    report = tmp_path / "report.xml"
    if text is not None:
        report.write_text(text)

    with pytest.raises(SystemExit, match=r"report\.xml (is no|cannot be read as a) JUnit report"):
        printed(suite, report, monkeypatch)
