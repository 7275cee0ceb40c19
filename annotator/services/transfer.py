"""Label files in and out of a project."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from annotator.arrays.versions import VersionArrays
from annotator.domain import Category, Operation, OperationKind, State
from annotator.errors import FormatError, NotFound, NotReady
from annotator.formats import FORMATS, format_for
from annotator.formats.records import Content, LabelFile
from annotator.services import hierarchy
from annotator.services.catalog import CategoryNames
from annotator.services.certificate_standing import standings
from annotator.services.clock import Clock, utc_now
from annotator.services.exporting import (
    COCO_VALUES,
    NOT_EXHAUSTIVE,
    give_ids,
    label_file,
)
from annotator.services.fills import Fill, Fills
from annotator.services.importing import (
    ImportPlan,
    ImportSummary,
    changes_by_annotator,
    plan_import,
)
from annotator.services.suggestions import (
    Suggestions,
    decided_matrix,
    ranked_matrix,
    suggested_matrix,
)
from annotator.settings import Project
from annotator.store import (
    Store,
    Transaction,
    annotators,
    answers,
    categories,
    images,
    imported,
    values,
)

SUBSETS = ("all", "labelled")
CONTENTS: tuple[Content, ...] = ("answered", "certified", "completed")
FILE_STEMS = {"answered": "labels", "certified": "certified", "completed": "completed"}


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
        self, path: Path, *, format: str | None = None, unlisted: str = "unknown"
    ) -> dict[str, Any]:
        """Return what importing a file would do, as `ImportSummary.row`.

        Raises:
            FormatError: If the file cannot be read as that format or is about other images.
        """
        name, content = _read(path, format, unlisted)
        with self._store.reading() as tx:
            return self._plan(tx, path, name, content).summary.row()

    def import_file(
        self,
        path: Path,
        *,
        format: str | None = None,
        unlisted: str = "unknown",
        annotator: str,
    ) -> dict[str, Any]:
        """Import a label file and return what was done, as `ImportSummary.row`."""
        return self.import_labels(path, format=format, unlisted=unlisted, annotator=annotator).row()

    def import_labels(
        self,
        path: Path,
        *,
        format: str | None = None,
        unlisted: str = "unknown",
        annotator: str,
        allow_new_categories: bool = True,
    ) -> ImportSummary:
        """Import a label file, all of it or nothing.

        Answers that people of this project gave stay as they are; pairs that a model filled in are
        never imported as labels.

        Args:
            path: The file.
            format: Name of its format; None decides by the suffix.
            unlisted: What a category means that the file does not list: unknown or absent.
            annotator: In whose name labels without an annotator of their own are recorded.
            allow_new_categories: Whether the file may bring categories the project does not have.

        Raises:
            FormatError: If the file cannot be read as that format or is about other images.
            NotFound: If it names categories that the project does not have and may not get.
        """
        name, content = _read(path, format, unlisted)
        now = self._clock()
        with self._store.writing() as tx:
            plan = self._plan(tx, path, name, content)
            if plan.new_categories and not allow_new_categories:
                raise NotFound(
                    f"{path} names categories that are not in --categories: "
                    f"{', '.join(repr(c.name) for c in plan.new_categories[:8])}; add them there "
                    "or leave --categories out."
                )
            self._keep_coco(tx, plan, content)
            applied = 0
            listed = categories.every(tx, archived=True)
            for person, changes in changes_by_annotator(plan, listed, annotator):
                operation = Operation(
                    client_id=f"import-{uuid.uuid4()}",
                    annotator_id=annotators.named(tx, person, now).id,
                    kind=OperationKind.IMPORT,
                    changes=changes,
                    happened_at=now,
                )
                answers.record(tx, operation, now)
                applied += len(changes)
            values.put(tx, f"import.{now.isoformat()}", {"file": path.name, "unlisted": unlisted})
        return replace(plan.summary, applied=applied)

    def _plan(self, tx: Transaction, path: Path, name: str, content: LabelFile) -> ImportPlan:
        every = images.every(tx)
        return plan_import(
            path,
            name,
            content,
            images.every_path(tx),
            categories.every(tx, archived=True),
            answers.labels_of(tx, [i.id for i in every if i.known_count]),
        )

    def _keep_coco(self, tx: Transaction, plan: ImportPlan, content: LabelFile) -> None:
        """Keep ids, boxes and unknown keys, so that an export has them again."""
        taken = {c.coco_id for c in categories.every(tx, archived=True)}
        new = [
            categories.NewCategory(
                name=c.name,
                supercategory=c.supercategory,
                coco_id=None if c.coco_id in taken else c.coco_id,
                extra=c.extra,
            )
            for c in plan.new_categories
        ]
        if new:
            categories.add(tx, new)
        by_name = CategoryNames(categories.every(tx, archived=True))
        used = {p.coco_id for p in images.every_path(tx)}
        boxes = []
        for record, path in plan.matched:
            extra = {**path.extra, **record.extra}
            present = [p.category for p in record.pairs if p.state is State.PRESENT]
            if record.not_exhaustive is not None and set(record.not_exhaustive) != set(present):
                extra[NOT_EXHAUSTIVE] = list(record.not_exhaustive)
            coco_id = path.coco_id
            if coco_id is None and record.coco_id not in used:
                coco_id = record.coco_id
                used.add(coco_id)
            if coco_id != path.coco_id or extra != path.extra:
                images.set_coco(tx, path.id, coco_id, extra)
            boxes += [
                imported.ImportedAnnotation(
                    path_id=path.id,
                    category_id=by_name.get(a.category).id,
                    coco_id=a.coco_id,
                    body=a.body,
                )
                for a in record.annotations
            ]
        imported.add(tx, boxes)
        for key, value in zip(
            COCO_VALUES, (content.info, list(content.licenses), content.extra), strict=True
        ):
            if value and values.get(tx, key) is None:
                values.put(tx, key, value)

    def export_counts(self, content: str) -> dict[str, Any]:
        """Return what an export would hold: images, and pairs by state and by who decided.

        With `completed`, `note` says how many pairs stay unknown because the model can only rank
        them; it is empty where there are none. With `certified` it says whether the promises of
        the certificates still hold.

        Raises:
            NotFound: If there is no such content.
        """
        kind = _content(content)
        with self._store.reading() as tx:
            shown = categories.every(tx)
            total = images.count(tx)
            number, arrays = self._suggestions.current(tx)
            table = answers.label_table(tx)
            filled = self._fills.counts_by_state(tx) if kind == "certified" else {}
            fills = self._fills.active(tx) if kind == "certified" else []
            promises = standings(tx, self._project, fills).values()
        present = sum(c.present_count for c in shown)
        absent = sum(c.absent_count for c in shown)
        model = {"model_present": 0, "model_absent": 0}
        note = " ".join(promise["sentence"] for promise in promises)
        if kind == "completed" and arrays is not None and shown:
            model, note = _decided_by(arrays, shown, total, table)
        filled_in = {f"filled_{state}": filled.get(state, 0) for state in ("present", "absent")}
        taken = sum(model.values()) + sum(filled_in.values())
        unknown = total * len(shown) - present - absent - taken
        return {
            "images": total,
            "present": present,
            "absent": absent,
            "unknown": unknown,
            **model,
            **filled_in,
            "note": note,
            "version": number,
        }

    def export(
        self,
        out: Path,
        *,
        formats: Sequence[str] = ("coco",),
        content: str = "answered",
        subset: str | None = None,
    ) -> list[Path]:
        """Write the labels to files and return their paths.

        Args:
            out: Directory to write to; made if it is not there.
            formats: Names of formats.
            content: `answered`, `certified` with pairs that were filled in under a certificate, or
                `completed` with open pairs decided by the promoted version, where it is more than
                a ranking.
            subset: `all` images, or `labelled`: those with any known pair.

        Raises:
            NotFound: If a format, content or subset does not exist.
            NotReady: If `completed` is asked for before there is a version.
        """
        kind, chosen = _content(content), subset or "all"
        if chosen not in SUBSETS:
            raise NotFound(f"There is no subset {chosen!r}; known: {', '.join(SUBSETS)}.")
        writers = [_writer(name) for name in formats]
        number, arrays = self._suggestions.current()
        if kind == "completed" and arrays is None:
            raise NotReady(
                "A completed export needs a trained version; train one or export `answered`."
            )
        with self._store.writing() as tx:
            give_ids(tx)
        with self._store.reading() as tx:
            settings = self._project.settings
            info: dict[str, Any] = {"project": settings.name}
            if settings.description:
                info["description"] = settings.description
            if kind == "completed":
                info["version"] = number
            fills = self._fills.active(tx) if kind == "certified" else []
            if fills:
                info |= _certificates_info(fills, standings(tx, self._project, fills))
            parents = hierarchy.resolve(settings.hierarchy, categories.every(tx, archived=True))
            file = label_file(
                tx,
                content=kind,
                subset=chosen,
                arrays=arrays,
                info=info,
                fills=fills,
                parents=parents,
            )
        out.mkdir(parents=True, exist_ok=True)
        written: list[Path] = []
        for writer in writers:
            target = out / f"{FILE_STEMS[kind]}_{chosen}{writer.suffixes[0]}"
            writer.write(file, target)
            written.append(target)
        return written


def _decided_by(
    arrays: VersionArrays, shown: Sequence[Category], total: int, table: answers.LabelTable
) -> tuple[dict[str, int], str]:
    """Return how many open pairs a version decides, and a sentence on those it can only rank."""
    listed = [c.ordinal for c in shown]
    columns = 1 + max(listed)
    open_ = np.ones((total, columns), dtype=bool)
    inside = table.category < columns
    open_[table.image[inside], table.category[inside]] = False
    decided = (decided_matrix(arrays, total, columns) & open_)[:, listed]
    present = int(np.sum(suggested_matrix(arrays, total, columns)[:, listed] & decided))
    ranked = np.sum((ranked_matrix(arrays, total, columns) & open_)[:, listed], axis=0)
    model = {"model_present": present, "model_absent": int(np.sum(decided)) - present}
    return model, _ranked_note(int(ranked.sum()), int(np.count_nonzero(ranked)))


def _ranked_note(pairs: int, categories: int) -> str:
    if not pairs:
        return ""
    if pairs == 1:
        return "1 pair stays unknown, because the model can only rank it yet."
    word = "category" if categories == 1 else "categories"
    return (
        f"{pairs:,} pairs of {categories:,} {word} stay unknown, because the model can only rank "
        "them yet."
    )


def _certificates_info(
    fills: Sequence[Fill], promises: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return what an export says about certificates, and whether all their promises hold."""
    rows = [{**_certificate_row(fill), "promise": promises[fill.row.id]} for fill in fills]
    return {"certificates": rows, "promises_hold": all(p["holds"] for p in promises.values())}


def _certificate_row(fill: Fill) -> dict[str, Any]:
    return {
        "certificate": fill.row.id,
        "version": fill.row.version,
        "sha256": fill.row.plan["sha256"],
        "statement": fill.row.plan["statement"],
    }


def _read(path: Path, format: str | None, unlisted: str) -> tuple[str, LabelFile]:
    if not path.is_file():
        raise FormatError(f"The label file {path} does not exist; check its name.")
    if unlisted not in ("unknown", "absent"):
        raise NotFound(f"--unlisted is unknown or absent, not {unlisted!r}.")
    chosen = format_for(path, format)
    return chosen.name, chosen.read(path, State.ABSENT if unlisted == "absent" else None)


def _content(name: str) -> Content:
    for known in CONTENTS:
        if name == known:
            return known
    raise NotFound(f"There is no content {name!r}; known: {', '.join(CONTENTS)}.")


def _writer(name: str) -> Any:
    if name not in FORMATS:
        raise NotFound(f"There is no format {name!r}; known: {', '.join(sorted(FORMATS))}.")
    return FORMATS[name]
