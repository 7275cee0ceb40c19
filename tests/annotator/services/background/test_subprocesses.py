"""A command in a process of its own refuses as it would here."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotator.errors import AnnotatorError, TemporaryError
from annotator.services.app import Services
from annotator.services.background.running_import import importing
from annotator.services.background.subprocesses import run_in_subprocess


def test_what_a_command_refuses_is_refused_here(tmp_path: Path) -> None:
    with pytest.raises(AnnotatorError, match="is not a project") as caught:
        run_in_subprocess(["status", str(tmp_path), "--json"], failed="It failed.")

    assert not isinstance(caught.value, TemporaryError)


def test_what_can_succeed_later_as_a_command_can_succeed_later_here(
    services: Services, tmp_path: Path
) -> None:
    export = ["export", str(services.project.path), "--out", str(tmp_path / "out"), "--json"]

    with (
        importing(services.project, services.store, "labels.json"),
        pytest.raises(TemporaryError, match=r"labels\.json are being imported; wait"),
    ):
        run_in_subprocess(export, failed="It failed.")
