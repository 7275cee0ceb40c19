"""The Export page: label files out and in, with the counts before anything happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.formats.options import SEPARATORS, ReadOptions
from annotator.services.app import Services
from annotator.services.exchange.import_summary import ImportSummary
from annotator.services.exchange.transfer import ExportCounts
from annotator.services.message import counted
from annotator.ui.boundary import annotator_of, shows_errors
from annotator.ui.settings_views import plain
from annotator.ui.web.files import download_folder

UNLISTED = [
    ("unknown: the file says nothing about it", "unknown"),
    ("absent: the file lists everything that is present", "absent"),
]
MINUS_ONE = [
    ("not said", ""),
    ("absent, as in CelebA", "absent"),
    ("unknown, as in CheXpert", "unknown"),
]
SEPARATED_BY = [("what the file shows", ""), *((word, word) for word in SEPARATORS)]
FORMATS = {"coco": "COCO JSON", "csv": "CSV"}
CONTENTS = [
    ("answered: labels given by people", "answered"),
    ("certified: also pairs filled in under a certificate", "certified"),
    ("completed: also open pairs decided by the model, uncertified", "completed"),
]
BAR = gr.Progress()
"""Drawn while labels go out or come in."""

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def no_files() -> tuple[dict[str, Any], str]:
    """Return what takes an older export off the page; Gradio changes the update that it gets."""
    return gr.update(value=None, visible=False), ""


class ExportPage:
    """Handlers of the Export page; each translates between widgets and one service call."""

    def __init__(self, services: Services, *, styles: str = "") -> None:
        """Tie the page to an open project.

        Args:
            services: Of the open project.
            styles: Address of `pages.css`.
        """
        self._exchange = services.exchange
        self._styles = styles

    def look(self, content: str, wanted: list[str]) -> tuple[Any, ...]:
        """Return what an export would hold, which formats can hold it, and no file yet.

        Args:
            content: What is to be exported.
            wanted: Formats that were ticked, also while they could not be chosen.
        """
        row = self._exchange.export_counts(content)
        boxes = [
            gr.update(
                value=name in wanted and name not in row["refused"],
                interactive=name not in row["refused"],
                info=row["refused"].get(name, ""),
            )
            for name in FORMATS
        ]
        usable = gr.update(interactive=not row["problem"])
        return export_counts_html(row, content), *boxes, usable, *no_files()

    def tick(self, name: str) -> Callable[[bool, list[str]], tuple[Any, ...]]:
        """Return what a tick of a format does: files of before are not offered any more."""

        def ticked(is_ticked: bool, wanted: list[str]) -> tuple[Any, ...]:
            others = [one for one in wanted if one != name]
            return [*others, name] if is_ticked else others, *no_files()

        return ticked

    def export(
        self, content: str, coco: bool, csv: bool, progress: gr.Progress = BAR
    ) -> tuple[dict[str, Any], str]:
        """Write the files and return those to download, with a sentence."""
        formats = [n for n, chosen in zip(FORMATS, (coco, csv), strict=True) if chosen]
        if not formats:
            return gr.update(), "**Choose at least one format.**"
        made = self._exchange.export(
            download_folder(), formats=formats, content=content, on_progress=_drawn(progress)
        )
        said = [f"**{plain(made.problem)}**"] if made.problem else []
        if not made.files:
            return gr.update(), said[0]
        names = ", ".join(f"`{f.name}` ({_size(f)})" for f in made.files)
        shown: dict[str, Any] = gr.update(value=[str(f) for f in made.files], visible=True)
        return shown, "\n\n".join([*said, f"Ready to download: {names}."])

    def folders(self) -> dict[str, Any]:
        """Return the image folders to choose from; hidden where there is only one."""
        roots = self._exchange.roots()
        choices = [("any: the names in the file decide", ""), *((root, root) for root in roots)]
        shown: dict[str, Any] = gr.update(choices=choices, visible=len(roots) > 1)
        return shown

    def preview(
        self,
        file: str | None,
        unlisted: str,
        root: str = "",
        minus_one: str = "",
        separator: str = "",
    ) -> tuple[str, dict[str, Any]]:
        """Return what importing a file would do, and whether the button may be pressed."""
        if not file:
            return "", gr.update(interactive=False)
        try:
            with _own_name(Path(file)):
                row = self._exchange.preview(
                    Path(file),
                    format=None,
                    options=_options(unlisted, minus_one, separator),
                    root=root or None,
                )
        except AnnotatorError as error:
            said = str(error).replace("\n", " ")
            return f"**{plain(said)}**", gr.update(interactive=False)
        return preview_text(row), gr.update(interactive=True)

    def import_file(
        self,
        file: str | None,
        unlisted: str,
        request: gr.Request,
        root: str = "",
        minus_one: str = "",
        separator: str = "",
        progress: gr.Progress = BAR,
    ) -> tuple[str, dict[str, Any]]:
        """Import the file in the annotator's name; the button rests until another file comes."""
        if not file:
            raise AnnotatorError("Choose a label file first.")
        annotator = annotator_of(request)
        with _own_name(Path(file)):
            row = self._exchange.import_file(
                Path(file),
                format=None,
                options=_options(unlisted, minus_one, separator),
                root=root or None,
                annotator=annotator,
                on_progress=_drawn(progress),
            )
        said = f"**Imported: {counted(row.applied, 'pair')} set.**\n\n{preview_text(row)}"
        return said, gr.update(interactive=False)

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open Blocks and wire them."""
        with gr.Row():
            with gr.Column():
                self._build_export(demo)
            with gr.Column():
                self._build_import(demo)

    def _build_export(self, demo: gr.Blocks) -> None:
        head = f'<link rel="stylesheet" href="{self._styles}">' if self._styles else None
        gr.Markdown("## Export")
        content = gr.Radio(CONTENTS, value="answered", label="Content")
        wanted = gr.State(["coco"])
        with gr.Row():
            boxes = {
                name: gr.Checkbox(name == "coco", label=title, elem_id=f"export-{name}")
                for name, title in FORMATS.items()
            }
        counts = gr.HTML(
            elem_id="export-counts", apply_default_css=False, js_on_load=None, head=head
        )
        write = gr.Button("Write files", variant="primary", elem_id="export-write")
        said = gr.Markdown(elem_id="export-said")
        files = gr.File(label="Files", file_count="multiple", interactive=False, visible=False)
        look, drawn = shows_errors(self.look), [counts, *boxes.values(), write, files, said]
        demo.load(look, [content, wanted], drawn, **QUIET)
        content.change(look, [content, wanted], drawn, **QUIET)
        for name, box in boxes.items():
            ticked = shows_errors(self.tick(name))
            box.input(ticked, [box, wanted], [wanted, files, said], **QUIET)
        write.click(no_files, None, [files, said], **QUIET).then(
            shows_errors(self.export),
            [content, *boxes.values()],
            [files, said],
            api_visibility="private",
        )

    def _build_import(self, demo: gr.Blocks) -> None:
        gr.Markdown("## Import")
        file = gr.File(
            label="Drop a label file here: COCO .json, .csv or .tsv",
            file_types=[".json", ".csv", ".tsv", ".txt"],
            height=150,
            elem_id="import-file",
        )
        unlisted = gr.Radio(
            UNLISTED,
            value="unknown",
            label="How to treat categories that the file does not mention",
        )
        root = gr.Dropdown(
            [("any: the names in the file decide", "")],
            value="",
            label="Image folder that the names in the file are relative to",
            elem_id="import-root",
            visible=False,
        )
        demo.load(shows_errors(self.folders), None, root, **QUIET)
        with gr.Accordion("CSV: what -1 means, and what joins tags", open=False):
            minus_one = gr.Dropdown(
                MINUS_ONE,
                value="",
                label="A cell of -1 means (--minus-one)",
                elem_id="import-minus-one",
            )
            separator = gr.Dropdown(
                SEPARATED_BY,
                value="",
                label="The tags in a cell are joined by (--separator)",
                elem_id="import-separator",
            )
        preview = gr.Markdown(elem_id="import-preview")
        take = gr.Button("Import", variant="primary", interactive=False, elem_id="import-take")
        look = shows_errors(self.preview)
        about = [file, unlisted, root, minus_one, separator]
        for widget in (file, unlisted):
            widget.change(look, about, [preview, take], **QUIET)
        for choice in (root, minus_one, separator):
            choice.input(look, about, [preview, take], **QUIET)
        take.click(
            shows_errors(self.import_file),
            about,
            [preview, take],
            api_visibility="private",
        )


def _options(unlisted: str, minus_one: str, separator: str) -> ReadOptions:
    return ReadOptions(unlisted=unlisted, minus_one=minus_one or None, separator=separator or None)


def _drawn(progress: gr.Progress) -> Callable[[int, int, str], None]:
    def draw(done: int, total: int, stage: str) -> None:
        progress((done, total), desc=stage)

    return draw


def export_counts_html(row: ExportCounts, content: str) -> str:
    """Return what an export would hold; no text of a person goes in."""
    counts = {
        "images": row["images"],
        "present": row["present"] + row["filled_present"] + row["model_present"],
        "absent": row["absent"] + row["filled_absent"] + row["model_absent"],
        "unknown": row["unknown"],
    }
    cells = "".join(
        f"<div><b>{count:,}</b><span>{name}</span></div>" for name, count in counts.items()
    )
    sentences = {"completed": _model_sentence, "certified": _filled_sentence}
    said = sentences[content](row) if content in sentences else row["note"]
    more = f'<div class="pg-small">{said}</div>' if said else ""
    return f'<div class="pg"><div class="pg-big">{cells}</div>{more}</div>'


def preview_text(row: ImportSummary) -> str:
    """Return an import's summary as Markdown; names from the file are shown as they are."""
    lines = [
        f"**{row.matched:,} of {counted(row.images, 'listed image')}** found in this project. "
        f"Sets {counted(row.present, 'pair')} present and {row.absent:,} absent; already known: "
        f"{row.already_known:,}."
    ]
    if row.new_categories:
        names = ", ".join(_code(n) for n in row.new_categories[:12])
        lines.append(f"New categories: {names}")
    lines += map(plain, row.archived)
    if row.unmatched_count:
        names = ", ".join(_code(n) for n in row.unmatched[:5])
        lines.append(
            f"Not in this project: {counted(row.unmatched_count, 'image')}, such as {names}"
        )
    lines += [f"{plain(line[0].upper() + line[1:])}." for line in row.about_names()]
    if row.disagreements:
        lines.append(
            f"Answered differently by people here, whose answers stay: "
            f"{counted(row.disagreements, 'pair')}."
        )
    if row.suggestions:
        lines.append(
            f"Filled in by a model and not imported as labels: {counted(row.suggestions, 'pair')}."
        )
    if row.annotations:
        lines.append(f"{counted(row.annotations, 'box', 'boxes')} kept for export.")
    lines += map(plain, row.notes)
    return "\n\n".join(lines)


def _model_sentence(row: ExportCounts) -> str:
    if row["problem"]:
        return f"<b>{escape(row['problem'])}</b>"
    if not row["model_present"] + row["model_absent"]:
        return (
            f"Version {row['version']} decides no open pair, so this is what people answered. "
            f"{row['note']}"
        )
    return (
        f"{row['present']:,} of the present and {row['absent']:,} of the absent pairs were "
        f"answered by people; version {row['version']} decides the other "
        f"{row['model_present']:,} and {row['model_absent']:,}. Nobody has checked those: the file "
        f"says <i>uncertified</i>, and importing this file never makes labels of them. "
        f"{row['note']}"
    )


def _filled_sentence(row: ExportCounts) -> str:
    if not row["filled_present"] + row["filled_absent"]:
        return f"No certificate fills in anything yet; see the Certify page. {row['note']}"
    return (
        f"{row['present']:,} of the present and {row['absent']:,} of the absent pairs were "
        f"answered by people; certificates fill in the other {row['filled_present']:,} and "
        f"{row['filled_absent']:,}. Each of those names its certificate, and importing this file "
        f"never makes labels of them. {row['note']}"
    )


def _size(file: Path) -> str:
    size, unit = float(file.stat().st_size), "B"
    for larger in ("KB", "MB", "GB"):  # as Gradio's list of the files below has it
        if size <= 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.1f} {unit}"


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("\n", " ") + "`"


@contextmanager
def _own_name(file: Path) -> Iterator[None]:
    """Let a refusal name a file as the person does, not by the place where it was uploaded to."""
    try:
        yield
    except AnnotatorError as error:
        error.args = (str(error).replace(f"{file.parent}{os.sep}", ""),)
        raise
