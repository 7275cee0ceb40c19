"""The command `mlrpl`."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from mlrpl.cli import app
from mlrpl.methods import names


def test_methods_lists_every_method_with_its_paper() -> None:
    result = CliRunner().invoke(app, ["methods"])

    assert result.exit_code == 0
    for name in names():
        assert f"{name}: " in result.output
    assert "CVPR 2019" in result.output


def test_methods_can_be_read_by_a_program() -> None:
    result = CliRunner().invoke(app, ["methods", "--json"])

    found = {each["name"]: each for each in json.loads(result.output)}
    assert sorted(found) == names()
    assert found["partial_bce"]["options"]["power"] == 0.5
    assert found["partial_bce"]["training"]["batch_size"] >= 1
