"""A backup for whoever is at a page, made in a process of its own: it keeps a processor busy."""

from __future__ import annotations

from pathlib import Path

from annotator.services.background.subprocesses import Progress, nobody, run_in_subprocess
from annotator.settings import Project

FAILED = "The backup failed. The server log has the details."


class Backups:
    """What the Settings page does under Backup."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def make(self, folder: Path, *, features: bool, on_progress: Progress = nobody) -> Path:
        """Make a dated backup in a folder and return its file; see `creation.back_up`.

        Raises:
            AnnotatorError: If it is refused; with its sentence.
        """
        arguments = ["backup", str(self._project.path), str(folder), "--json", "--progress-lines"]
        if not features:
            arguments.append("--without-features")
        made = run_in_subprocess(arguments, failed=FAILED, on_progress=on_progress)
        return Path(made["file"])
