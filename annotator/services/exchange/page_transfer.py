"""Label files in and out for a page: small ones at once, large ones in a process of their own.

Reading or writing a large file keeps a processor busy for a minute or more. In the web process
every key press of everybody would wait for its turn between.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotator.errors import AnnotatorError
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.services.background.subprocesses import Progress, nobody, run_in_subprocess
from annotator.services.exchange import export_targets
from annotator.services.exchange.import_summary import ImportSummary
from annotator.services.exchange.transfer import ExportCounts, Transfer, content_named
from annotator.settings import Project
from annotator.store import Store, categories, images

SMALL_BYTES = 500_000
"""A label file up to this size is taken in at once; starting a process takes longer."""
SMALL_EXPORT = 20_000
"""Likewise an export of so many images and labels together."""

FAILED = "The command failed. The server log has the details."


@dataclass(frozen=True)
class Exported:
    """What an export has written."""

    files: list[Path]
    problem: str
    """Why a file is missing, as a sentence without folders of this machine; else an empty text."""


class Exchange:
    """What the Export page does."""

    def __init__(self, project: Project, store: Store, transfer: Transfer) -> None:
        self._project = project
        self._store = store
        self._transfer = transfer

    def export_counts(self, content: str) -> ExportCounts:
        """Return what an export would hold; see `Transfer.export_counts`."""
        return self._transfer.export_counts(content)

    def export(
        self,
        out: Path,
        *,
        formats: Sequence[str],
        content: str,
        on_progress: Progress = nobody,
    ) -> Exported:
        """Write the labels to files in an empty folder, as far as that is possible.

        See `Transfer.export`.
        """
        wanted = export_targets.of(out, formats, content_named(content), "all", None)
        try:
            return Exported(self._export(out, formats, content, on_progress), "")
        except AnnotatorError as error:
            problem = str(error).replace(f"{out}{os.sep}", "")
            return Exported([target for _, target in wanted if target.exists()], problem)

    def _export(
        self, out: Path, formats: Sequence[str], content: str, on_progress: Progress
    ) -> list[Path]:
        if self._size(content) <= SMALL_EXPORT:
            return self._transfer.export(out, formats=formats, content=content)
        arguments = ["export", str(self._project.path), "--out", str(out), "--content", content]
        for name in formats:
            arguments += ["--format", name]
        return [Path(name) for name in self._in_subprocess(arguments, on_progress)]

    def roots(self) -> list[str]:
        """Return the names of the project's image folders."""
        return list(self._project.settings.roots)

    def preview(
        self,
        path: Path,
        *,
        format: str | None = None,
        options: ReadOptions = DEFAULTS,
        root: str | None = None,
    ) -> ImportSummary:
        """Return what importing a file would do; see `Transfer.preview`."""
        if _is_small(path):
            return self._transfer.preview(path, format=format, options=options, root=root)
        arguments = [*self._import(path, format, options, root), "--dry-run"]
        return ImportSummary.of(self._in_subprocess(arguments, nobody))

    def import_file(
        self,
        path: Path,
        *,
        format: str | None = None,
        options: ReadOptions = DEFAULTS,
        root: str | None = None,
        annotator: str,
        on_progress: Progress = nobody,
    ) -> ImportSummary:
        """Import a label file and return what was done; see `Transfer.import_file`."""
        if _is_small(path):
            return self._transfer.import_file(
                path, format=format, options=options, root=root, annotator=annotator
            )
        arguments = [*self._import(path, format, options, root), f"--by={annotator}"]
        return ImportSummary.of(self._in_subprocess(arguments, on_progress))

    def _import(
        self, path: Path, format: str | None, options: ReadOptions, root: str | None
    ) -> list[str]:
        chosen = [] if format is None else ["--format", format]
        chosen += [f"--root={root}"] if root else []
        return ["import", str(self._project.path), str(path), *options.arguments(), *chosen]

    def _in_subprocess(self, arguments: list[str], on_progress: Progress) -> Any:
        options = ["--json", "--progress-lines"]
        return run_in_subprocess([*arguments, *options], failed=FAILED, on_progress=on_progress)

    def _size(self, content: str) -> int:
        with self._store.reading() as tx:
            shown, count = categories.every(tx), images.count(tx)
        if content != "answered":  # any open pair may be filled in
            return count * (1 + len(shown))
        return count + sum(c.present_count + c.absent_count for c in shown)


def _is_small(path: Path) -> bool:
    return not path.is_file() or path.stat().st_size <= SMALL_BYTES
