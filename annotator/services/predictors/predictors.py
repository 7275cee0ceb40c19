"""Adding predictors, bringing them up to date, trusting and removing them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from annotator.arrays import predictions as files
from annotator.errors import AnnotatorError, FormatError, NotFound
from annotator.services.clock import Clock, utc_now
from annotator.services.message import counted
from annotator.services.predictors.file_scores import FileOptions, scores_of_file
from annotator.services.predictors.worth import WorthRow, worth
from annotator.settings import Project
from annotator.store import Store, Transaction, predictors
from annotator.store.predictors import FILE, NAMES, Predictor

_NAME = re.compile(r"\w[\w.+-]{0,59}")
_LISTED = 5
"""Names that a message lists at most."""
_ABOUT_NAMES = "What the backbone's own classes say about the names of the categories."


class PredictorRow(TypedDict):
    """One predictor, for people and programs."""

    name: str
    kind: str
    version: str
    trusted: bool
    added_by: str
    added_at: str | None
    refreshed_at: str | None
    options: Mapping[str, Any]
    report: Mapping[str, Any]
    text: str
    """What was found when its scores were made, in sentences."""


class Predictors:
    """The predictors of one project."""

    def __init__(self, project: Project, store: Store, clock: Clock = utc_now) -> None:
        self._project = project
        self._store = store
        self._clock = clock

    def rows(self) -> list[PredictorRow]:
        """Return all predictors, the built-in one first."""
        with self._store.reading() as tx:
            found = predictors.every(tx)
        rows = [_row(each) for each in sorted(found, key=lambda p: p.kind != NAMES)]
        return rows if any(r["name"] == NAMES for r in rows) else [_names_row(), *rows]

    def worth(self) -> WorthRow:
        """Return what the newest version found the predictors to be worth."""
        return worth(self._store)

    def add(self, options: FileOptions, *, name: str = "", by: str = "") -> PredictorRow:
        """Add a predictor from a file of scores; one of that name and kind gets the new scores.

        Raises:
            AnnotatorError: If the name cannot be used.
            FormatError: If the file cannot be read, or is about other images or categories.
            NotFound: If there is no such file.
        """
        wanted = name or re.sub(r"[^\w.+-]+", "-", Path(options.file).stem).strip("-")[:60]
        if wanted.casefold() == NAMES:
            raise AnnotatorError(
                f"A predictor cannot be called {wanted!r}, which is built in; give it another name "
                "with --name."
            )
        if not _NAME.fullmatch(wanted):
            raise AnnotatorError(
                f"A predictor cannot be called {wanted!r:.80}; give it a name with --name, of at "
                "most 60 letters, digits, dots and dashes, a letter or digit first."
            )
        with self._store.reading() as tx:
            alike = [p.name for p in predictors.every(tx) if p.name.casefold() == wanted.casefold()]
        if alike and wanted not in alike:
            raise AnnotatorError(
                f"There is a predictor {alike[0]!r}; use that name to replace its scores, or one "
                "that differs in more than capital letters."
            )
        return self._make(wanted, options, by)

    def refresh(self, name: str | None = None) -> list[PredictorRow]:
        """Read the file of a predictor again, or of all, for new images, categories and scores.

        Raises:
            NotFound: If there is no such predictor, or its file is gone; its scores stay then.
            FormatError: If its file cannot be read any more; its scores stay then.
            AnnotatorError: If that is so of some of all; the others are up to date.
        """
        if name == NAMES:
            raise AnnotatorError(f"{NAMES!r} is built in: it has no file to read again.")
        with self._store.reading() as tx:
            every = predictors.every(tx) if name is None else [_get(tx, name)]
        rows: list[PredictorRow] = []
        failures: list[str] = []
        for each in (each for each in every if each.kind == FILE):
            try:
                rows.append(self._make(each.name, FileOptions(**each.options), each.added_by))
            except (FormatError, NotFound) as error:
                told = f"{each.name!r} keeps its scores: {error}"
                if name is not None:
                    raise type(error)(told) from None
                failures.append(told)
        if failures:
            done = ", ".join(repr(row["name"]) for row in rows) or "none"
            raise AnnotatorError("\n".join((*failures, f"Read again: {done}.")))
        return rows

    def remove(self, name: str) -> None:
        """Remove a predictor and its scores; versions that followed it stay as they are.

        Raises:
            AnnotatorError: If it is built in.
            NotFound: If there is no such predictor.
        """
        if name == NAMES:
            raise AnnotatorError(
                f"{NAMES!r} is built in and stays; what answers speak against weighs nothing."
            )
        with self._store.writing() as tx:
            version = _get(tx, name).version
            predictors.remove(tx, name)
            in_use = {p.version for p in predictors.every(tx)}
        if version not in in_use:
            files.delete(self._project, version)

    def trust(self, name: str, trusted: bool) -> PredictorRow:
        """Say whether a predictor's suggestions are shown where nothing else is known.

        Raises:
            AnnotatorError: If it is built in, and so only orders images.
            NotFound: If there is no such predictor.
        """
        if name == NAMES:
            raise AnnotatorError(f"{NAMES!r} is built in: it orders images and never suggests.")
        with self._store.writing() as tx:
            _get(tx, name)
            predictors.trust(tx, name, trusted)
            return _row(_get(tx, name))

    def _make(self, name: str, options: FileOptions, by: str) -> PredictorRow:
        with self._store.reading() as tx:
            scores, report = scores_of_file(tx, self._project, options)
        version = files.write(self._project, scores)
        with self._store.writing() as tx:
            predictors.put(
                tx,
                name,
                FILE,
                version,
                options=options.row(),
                report=report,
                by=by,
                now=self._clock(),
            )
            row = _row(_get(tx, name))
            in_use = {p.version for p in predictors.every(tx)}
        files.delete_leftovers(self._project, in_use)
        return row


def _get(tx: Transaction, name: str) -> Predictor:
    found = predictors.named(tx, name)
    if found is None:
        names = [repr(p.name) for p in predictors.every(tx)]
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        known = ", ".join(names[:_LISTED]) or "none yet"
        raise NotFound(f"There is no predictor {name!r}; known: {known}{more}.")
    return found


def _row(found: Predictor) -> PredictorRow:
    return {
        "name": found.name,
        "kind": found.kind,
        "version": found.version,
        "trusted": found.trusted,
        "added_by": found.added_by,
        "added_at": found.added_at.isoformat(),
        "refreshed_at": found.refreshed_at.isoformat(),
        "options": found.options,
        "report": found.report,
        "text": _ABOUT_NAMES if found.kind == NAMES else report_text(found.report),
    }


def _names_row() -> PredictorRow:
    return {
        "name": NAMES,
        "kind": NAMES,
        "version": "",
        "trusted": False,
        "added_by": "",
        "added_at": None,
        "refreshed_at": None,
        "options": {},
        "report": {},
        "text": _ABOUT_NAMES,
    }


def report_text(report: Mapping[str, Any]) -> str:
    """Return what was found in a file of scores, as sentences."""
    lines = [
        f"{report['used']:,} of {counted(report['scores'], 'score')} used: "
        f"{report['matched']:,} of {counted(report['images'], 'image')}, "
        f"{counted(report['categories'], 'category', 'categories')}; read as {report['scale']}."
    ]
    for count, what, examples in (
        ("unmatched_count", "image", "unmatched"),
        ("unknown_count", "category", "unknown"),
    ):
        if report[count]:
            named = ", ".join(repr(name) for name in report[examples][:3])
            number = counted(report[count], what, "categories" if what == "category" else "")
            verb = "is" if report[count] == 1 else "are"
            lines.append(f"{number} of the file {verb} not in the project, such as {named}.")
    if report["left_out_count"]:
        told = "; ".join(report["left_out"][:3])
        cure = f"; {report['to_decide']}" if report["to_decide"] else ""
        lines.append(f"{counted(report['left_out_count'], 'image name')} left out: {told}{cure}.")
    return "\n".join((*lines, *report["notes"]))
