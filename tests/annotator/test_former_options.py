from __future__ import annotations

import pytest
from typer.testing import CliRunner

from annotator.cli import app
from annotator.former_options import FORMER


@pytest.mark.parametrize(("command", "option"), FORMER)
def test_a_former_option_is_answered_with_what_says_the_same_now(
    command: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # one line
    name, *rest = command.split()

    result = CliRunner().invoke(app, [name, "project", *rest, option, "0.1"])

    assert result.exit_code == 2
    assert FORMER[command, option] in result.output
    assert "No such option" not in result.output


def test_no_former_option_is_one_of_today() -> None:
    for command, option in FORMER:
        shown = CliRunner().invoke(
            app, [command.split()[0], "project", *command.split()[1:], "--help"]
        )
        assert f"{option} " not in shown.output


def test_an_option_that_never_was_is_unknown() -> None:
    result = CliRunner().invoke(app, ["certify", "project", "plan", "--max-loss", "0.1"])

    assert result.exit_code == 2
    assert "No such option" in result.output
