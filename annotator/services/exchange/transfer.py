"""Label files in and out of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from typing_extensions import TypedDict

from annotator.arrays.versions import VersionArrays
from annotator.errors import AnnotatorError, FormatError, NotFound, NotReady, ProjectBusy
from annotator.formats import format_for
from annotator.formats.options import DEFAULTS, ReadOptions
from annotator.formats.records import Content, LabelFile, LabelRows
from annotator.services.background import running_import
from annotator.services.background.short_transactions import SHARED, Pace
from annotator.services.background.subprocesses import Progress, nobody
from annotator.services.catalogue import hierarchy, recomputing
from annotator.services.catalogue.picture_names import PictureNames
from annotator.services.certificates.validity import standings
from annotator.services.clock import Clock, utc_now
from annotator.services.exchange import export_notes, export_targets, import_applying
from annotator.services.exchange.archived_categories import archived_in
from annotator.services.exchange.exporting import (
    COCO_VALUES,
    give_ids,
    label_rows,
    lacks_ids,
)
from annotator.services.exchange.import_plan import ImportPlan, plan_import
from annotator.services.exchange.import_summary import ImportSummary
from annotator.services.exchange.name_matching import folder_of, match_names, root_named
from annotator.services.exchange.picture_sizes import compare_sizes
from annotator.services.exchange.unused_images import unused_in
from annotator.services.knowledge.fills import Fills
from annotator.services.knowledge.open_pairs import settled_matrix
from annotator.services.knowledge.suggestions import (
    Suggestions,
)
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    answers,
    categories,
    images,
    key_values,
    staged_imports,
)

SUBSETS = ("all", "labelled")
CONTENTS: tuple[Content, ...] = ("answered", "certified", "completed")
ATTEMPTS = 5
"""So often ids are given to what came in while they were given."""


class ExportCounts(TypedDict):
    """What an export would hold: images, and pairs by state and by who decided."""

    images: int
    present: int
    """By people, as `absent`."""
    absent: int
    unknown: int
    model_present: int
    """Decided by the model; only with `completed`, as `model_absent`."""
    model_absent: int
    filled_present: int
    """Filled in under a certificate; only with `certified`, as `filled_absent`."""
    filled_absent: int
    note: str
    """With `completed`, how many pairs stay unknown because the model can only rank them; with
    `certified`, whether the promises still hold; then what is left out or set aside."""
    version: int | None
    """That in use."""
    problem: str
    """Why this content cannot be exported at all, or an empty text."""
    refused: dict[str, str]
    """Why a format cannot hold it, by name; formats that can are not in it."""


class Transfer:
    """Import and export for one project."""

    def __init__(
        self,
        project: Project,
        store: Store,
        suggestions: Suggestions | None = None,
        clock: Clock = utc_now,
        fills: Fills | None = None,
    ) -> None:
        self._fills = fills or Fills(project)
        self._project = project
        self._store = store
        self._suggestions = suggestions or Suggestions(project, store)
        self._clock = clock

    def preview(
        self,
        path: Path,
        *,
        format: str | None = None,
        options: ReadOptions = DEFAULTS,
        root: str | None = None,
    ) -> ImportSummary:
        """Return what importing a file would do.

        Raises:
            FormatError: If the file cannot be read as that format or is about other images.
            NotFound: If there is no such root.
        """
        within = root_named(root, self._project.root_paths)
        name, content = _read(path, format, options)
        return self._plan(path, name, content, importer="", root=within).summary

    def import_file(
        self,
        path: Path,
        *,
        format: str | None = None,
        options: ReadOptions = DEFAULTS,
        root: str | None = None,
        annotator: str,
        allow_new_categories: bool = True,
        pace: Pace = SHARED,
        on_progress: Progress = nobody,
    ) -> ImportSummary:
        """Import a label file, all of it or nothing, while others go on answering.

        Answers that people of this project gave, or give in the meantime, stay as they are; pairs
        that a model filled in are never imported as labels.

        Args:
            path: The file.
            format: Name of its format; None decides by the suffix.
            options: What decides where the file could be read in two ways.
            root: The image folder that the file's names are relative to; None if they decide.
            annotator: In whose name labels without an annotator of their own are recorded.
            allow_new_categories: Whether the file may bring categories the project does not have.
            pace: How much of the time others have the database.
            on_progress: Called as it goes on.

        Raises:
            FormatError: If the file cannot be read as that format or is about other images.
            NotFound: If it names categories that the project does not have and may not get, or
                there is no such root.
            ProjectBusy: If another import is running.
            AnnotatorError: If it was interrupted.
        """
        ending = running_import.Ending()
        within = root_named(root, self._project.root_paths)
        try:
            with running_import.importing(self._project, self._store, path.name) as ending:
                name, content = _read(path, format, options)
                plan = self._plan(path, name, content, importer=annotator, root=within)
                if not allow_new_categories:
                    _refuse_new(path, plan.summary.new_categories)
                import_applying.stage(self._store, plan, pace, on_progress)
                with self._store.writing() as tx:
                    kept = self._keep(tx, content, path.name, options)
                    import_applying.start(tx, plan, path.name, self._clock(), kept)
                applied = running_import.finish(self._store, pace, on_progress)
        except KeyboardInterrupt:
            raise AnnotatorError(self._interrupted(ending)) from None
        return replace(plan.summary, applied=applied)

    def _interrupted(self, ending: running_import.Ending) -> str:
        if ending.finished:
            return "It was too late to interrupt the import; all of it is in the project now."
        with self._store.reading() as tx:
            if staged_imports.running(tx) is None:
                return "The import was interrupted; the project is as it was before."
        return (
            "Rolling back the import was interrupted too; open the project again, for example "
            f"with `annotator status {self._project.path}`, to finish the rollback."
        )

    def _plan(
        self, path: Path, name: str, content: LabelFile, *, importer: str, root: str | None
    ) -> ImportPlan:
        with self._store.reading() as tx:
            paths = images.every_path(tx)
            listed = categories.every(tx, archived=True)
            labels = answers.LabelsByImage.read(tx)
            archived = archived_in(tx, [c.name for c in content.categories], listed)
            sizes = images.sizes(tx) if any(image.width for image in content.images) else {}
            folders = self._project.root_paths
            own, known = folder_of(path, folders), PictureNames(paths, folders)
            names = match_names(content.images, known, root, own)
            unused = unused_in(tx, names)
        names, said = compare_sizes(names, sizes)
        plan = plan_import(path, name, content, names, paths, listed, labels, importer=importer)
        notes = (*content.notes, *said, *unused)
        return replace(plan, summary=replace(plan.summary, archived=archived, notes=notes))

    def _keep(
        self, tx: Transaction, content: LabelFile, file: str, options: ReadOptions
    ) -> list[str]:
        """Keep that there was this import, and the file's own keys; return names of the values."""
        about = {"file": file, **asdict(options)}
        wanted: dict[str, object] = {f"import.{self._clock().isoformat()}": about}
        kept = (content.info, list(content.licenses), content.extra)
        for key, value in zip(COCO_VALUES, kept, strict=True):
            if value and key_values.get(tx, key) is None:
                wanted[key] = value
        for key, kept_value in wanted.items():
            key_values.put(tx, key, kept_value)
        return list(wanted)

    def export_counts(self, content: str) -> ExportCounts:
        """Return what an export would hold: images, and pairs by state and by who decided.

        Raises:
            NotFound: If there is no such content.
        """
        kind = content_named(content)
        with self._store.reading() as tx:
            shown = categories.every(tx)
            total = images.count(tx)
            number, arrays = self._suggestions.current(tx)
            needs_version = kind == "completed" and arrays is not None and bool(shown)
            settled = settled_matrix(tx, self._parents(tx)) if needs_version else None
            filled = self._fills.counts_by_state(tx) if kind == "certified" else {}
            fills = self._fills.active(tx) if kind == "certified" else []
            promises = standings(tx, self._project, fills).values()
            aside = export_notes.left_out(tx, kind)
        present = sum(c.present_count for c in shown)
        absent = sum(c.absent_count for c in shown)
        model = 0, 0
        note = " ".join(promise["sentence"] for promise in promises)
        if settled is not None and arrays is not None:
            model, note = export_notes.decided_by(arrays, shown, settled)
        note = " ".join(filter(None, (note, aside)))
        filled_in = filled.get("present", 0), filled.get("absent", 0)
        unknown = total * len(shown) - present - absent - sum(model) - sum(filled_in)
        return {
            "images": total,
            "present": present,
            "absent": absent,
            "unknown": unknown,
            "model_present": model[0],
            "model_absent": model[1],
            "filled_present": filled_in[0],
            "filled_absent": filled_in[1],
            "note": note,
            "version": number,
            "problem": self._problem(kind, arrays),
            "refused": export_targets.refused(kind, [c.name for c in shown]),
        }

    def _problem(self, content: Content, arrays: VersionArrays | None) -> str:
        """Return why a content cannot be exported, or an empty text."""
        if content != "completed" or arrays is not None:
            return ""
        return (
            self._suggestions.problem
            or "A completed export needs a trained version; train one first, or export what people "
            "have answered."
        )

    def export(
        self,
        out: Path,
        *,
        formats: Sequence[str] = ("coco",),
        content: str = "answered",
        subset: str | None = None,
        consumer: str | None = None,
        on_progress: Progress = nobody,
    ) -> list[Path]:
        """Write the labels to files and return their paths.

        Labels are written as they are read, so a file may be larger than the memory. A file that
        is there stays as it was until the new one is complete. A format that cannot be written
        keeps no other from being written.

        Args:
            out: Directory to write to; made if it is not there.
            formats: Names of formats.
            content: `answered`, `certified` with pairs that were filled in under a certificate, or
                `completed` with open pairs decided by the promoted version, where it is more than
                a ranking.
            subset: `all` images, or `labelled`: those with any known pair.
            consumer: One of `export_targets.CONSUMERS`, if the files are for it.
            on_progress: Called as it goes on.

        Raises:
            NotFound: If a format, content, subset or consumer does not exist.
            FormatError: If a file cannot be written, once all others are.
            NotReady: If `completed` is asked for before there is a version.
            ProjectBusy: If labels are being imported, half of which would be in the file, or
                images are being added.
        """
        kind, chosen = content_named(content), subset or "all"
        if chosen not in SUBSETS:
            raise NotFound(f"There is no subset {chosen!r}; known: {', '.join(SUBSETS)}.")
        targets = export_targets.of(out, formats, kind, chosen, consumer)
        number, arrays = self._suggestions.current()
        if problem := self._problem(kind, arrays):
            raise NotReady(problem)
        running_import.settle(self._project, self._store)
        for _ in range(ATTEMPTS):
            give_ids(self._store, on_progress)
            with self._store.reading() as tx:
                running_import.refuse_running(tx)
                recomputing.refuse_unfinished(tx)
                if not lacks_ids(tx):
                    # One transaction for all files: they hold the same labels, whatever people
                    # answer meanwhile.
                    rows = self._rows(tx, kind, chosen, number, arrays, on_progress)
                    return export_targets.write(rows, targets)
        raise ProjectBusy("Images are being added; wait until that is done and export again.")

    def _rows(
        self,
        tx: Transaction,
        kind: Content,
        subset: str,
        number: int | None,
        arrays: VersionArrays | None,
        on_progress: Progress,
    ) -> LabelRows:
        settings = self._project.settings
        info: dict[str, object] = {"project": settings.name}
        if settings.description:
            info["description"] = settings.description
        if kind == "completed":
            info["version"] = number
        fills = self._fills.active(tx) if kind == "certified" else []
        if fills:
            info |= export_notes.certificates_info(fills, standings(tx, self._project, fills))
        return label_rows(
            tx,
            content=kind,
            subset=subset,
            arrays=arrays,
            info=info,
            fills=fills,
            parents=self._parents(tx),
            on_progress=on_progress,
        )

    def _parents(self, tx: Transaction) -> hierarchy.Parents:
        every = categories.every(tx, archived=True)
        return hierarchy.resolve(self._project.settings.hierarchy, every)


def _read(path: Path, format: str | None, options: ReadOptions) -> tuple[str, LabelFile]:
    if path.is_dir():
        raise FormatError(f"{path} is a folder; name the label file.")
    if not path.is_file():
        raise FormatError(f"The label file {path} does not exist; check its name.")
    chosen = format_for(path, format)
    return chosen.name, chosen.read(path, options)


def _refuse_new(path: Path, names: Sequence[str]) -> None:
    if names:
        raise NotFound(
            f"{path} names categories that are not in --categories: "
            f"{', '.join(map(repr, names[:8]))}; add them there or leave --categories out."
        )


def content_named(name: str) -> Content:
    """Return the content of that name.

    Raises:
        NotFound: If there is none.
    """
    for known in CONTENTS:
        if name == known:
            return known
    raise NotFound(f"There is no content {name!r}; known: {', '.join(CONTENTS)}.")
