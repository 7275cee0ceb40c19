"""Runs a plan of a certificate in a process of its own, because it takes much memory for long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from annotator.errors import AnnotatorError
from annotator.settings import Project

LONGEST_SECONDS = 600.0
"""After this long a plan is given up."""


def plan_aside(project: Project, wishes: Mapping[str, Any], *, start: bool) -> dict[str, Any]:
    """Return what `annotator certify PROJECT plan` says, and begin with `start`.

    Args:
        project: Whose open pairs.
        wishes: Values of the options by name, with underscores; None leaves one out.
        start: Whether to begin.

    Raises:
        AnnotatorError: If the command refuses or takes too long; with its sentence.
    """
    command = [sys.executable, "-m", "annotator", "certify", str(project.path), "plan", "--json"]
    for name, value in wishes.items():
        if value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    if start:
        command.append("--start")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise AnnotatorError(
            "The plan took too long; make it with `annotator certify PROJECT plan` instead."
        ) from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["The plan failed; see the server's log."]
        raise AnnotatorError(said[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found
