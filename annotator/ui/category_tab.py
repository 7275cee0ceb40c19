"""Settings, Categories: add, rename, describe, order, give a key, archive, merge and split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from annotator.errors import AnnotatorError
from annotator.services.app import Services
from annotator.services.catalogue.categories import CategoryRow
from annotator.ui import settings_views as views
from annotator.ui.boundary import annotator_of, shows_errors

BAR = gr.Progress()
"""Drawn over what changes while labels are worked out."""

CHANGE: dict[str, Any] = {"api_visibility": "private"}
WIDTHS = [110, 180, 90, 85, 85, 190]
"""Pixels for each column of the table."""
CHOOSE = "Choose a category first."

Pair = list[int] | None


class CategoryTab:
    """Handlers of the tab; each translates between widgets and one service call."""

    def __init__(self, services: Services) -> None:
        self._curation = services.curation
        self._widgets: dict[str, Any] = {}

    def show(self, choice: int | None) -> list[Any]:
        """Return the table, the choices and the form of the chosen category."""
        rows = self._curation.rows()
        row = next((r for r in rows if r["id"] == choice), None)
        choices = [(views.category_name(r), r["id"]) for r in rows]
        return [
            views.category_table(rows),
            gr.update(choices=choices, value=None if row is None else row["id"]),
            *self._form(row, rows),
        ]

    def _form(self, row: CategoryRow | None, rows: list[CategoryRow]) -> list[Any]:
        groups = sorted({r["supercategory"] for r in rows} - {""})
        if row is None:
            return [gr.update(visible=False), *(gr.skip() for _ in range(14))]
        offered = [(c["name"], c["id"]) for c in self._curation.candidates(row["id"])]
        merged = row["merged_into"] is not None
        others = [(r["name"], r["id"]) for r in rows if not r["archived"] and r is not row]
        return [
            gr.update(visible=True),
            row["name"],
            gr.update(choices=groups, value=row["supercategory"]),
            row["hotkey"],
            "\n".join(row["aliases"]),
            row["description"],
            row["place"],
            gr.update(choices=offered, value=row["examples"]),
            views.examples_html(row["examples"]),
            views.archive_text(row),
            gr.update(
                value="Restore" if row["archived"] else f"Archive {row['name']}",
                visible=not merged,
            ),
            gr.update(choices=others, value=None, visible=not merged),
            gr.update(visible=not merged),
            gr.update(visible=merged),
            views.merged_text(row),
        ]

    def pick(self, choice: int | None) -> list[Any]:
        """Show the form of another category; what was said about a merge is stale then."""
        return [*self.show(choice), *_no_preview()]

    def click(self, event: gr.SelectData) -> list[Any]:
        """Choose the category of a row of the table."""
        rows = self._curation.rows()
        place = int(event.index[0])
        return self.pick(rows[place]["id"] if place < len(rows) else None)

    def add(self, lines: str, group: str | None, request: gr.Request) -> list[Any]:
        """Add one category a line, and choose the first of them."""
        annotator_of(request)
        row = self._curation.add((lines or "").splitlines(), supercategory=group or "")
        return ["", row["message"], *self.pick(row["ids"][0])]

    def save(
        self,
        choice: int | None,
        name: str,
        group: str | None,
        key: str,
        aliases: str,
        description: str,
        request: gr.Request,
    ) -> list[Any]:
        """Save what is written in the form."""
        annotator_of(request)
        row = self._curation.edit(
            _chosen(choice),
            name=name,
            supercategory=group or "",
            hotkey=key,
            description=description,
            aliases=[line.strip() for line in aliases.splitlines() if line.strip()],
        )
        return [row["message"], *self.show(choice)]

    def examples(
        self, choice: int | None, chosen: list[int] | None, request: gr.Request
    ) -> list[Any]:
        """Keep the chosen examples."""
        annotator_of(request)
        row = self._curation.set_examples(_chosen(choice), [int(i) for i in chosen or []])
        return [row["message"], *self.show(choice)]

    def move(self, step: int) -> Callable[[int | None, gr.Request], list[Any]]:
        """Return a handler that moves the chosen category up or down."""

        def handler(choice: int | None, request: gr.Request) -> list[Any]:
            annotator_of(request)
            row = self._curation.move(_chosen(choice), step)
            return [row["message"], *self.show(choice)]

        return handler

    def place(self, choice: int | None, number: float | None, request: gr.Request) -> list[Any]:
        """Put the chosen category at a place of its group."""
        annotator_of(request)
        if number is None:
            raise AnnotatorError("Enter the position as a number, starting at 1.")
        row = self._curation.place(_chosen(choice), int(number))
        return [row["message"], *self.show(choice)]

    def archive(self, choice: int | None, request: gr.Request) -> list[Any]:
        """Hide the chosen category, or bring it back."""
        annotator_of(request)
        wanted = _chosen(choice)
        now = next((r["archived"] for r in self._curation.rows() if r["id"] == wanted), False)
        row = self._curation.archive(wanted, not now)
        return [row["message"], *self.pick(choice)]

    def preview(self, choice: int | None, target: int | None) -> list[Any]:
        """Say what a merge would change, and free the button for exactly this merge."""
        if target is None:
            raise AnnotatorError("Choose the category to merge into.")
        row = self._curation.merge_preview(_chosen(choice), int(target))
        label = f"Merge {row['source']} into {row['target']}"
        return [
            views.plain_lines(row["text"]),
            gr.update(value=label, visible=True),
            [choice, int(target)],
        ]

    def merge(
        self,
        choice: int | None,
        target: int | None,
        seen: Pair,
        request: gr.Request,
        progress: gr.Progress = BAR,
    ) -> list[Any]:
        """Merge what was previewed, and show the category that stays."""
        annotator_of(request)
        if target is None or seen != [choice, target]:
            raise AnnotatorError("Preview this merge first.")
        row = self._curation.merge(_chosen(choice), int(target), _drawn(progress))
        return [row["message"], *self.pick(int(target))]

    def split(
        self, choice: int | None, request: gr.Request, progress: gr.Progress = BAR
    ) -> list[Any]:
        """Take the merge of the chosen category back."""
        annotator_of(request)
        row = self._curation.split(_chosen(choice), _drawn(progress))
        return [row["message"], *self.pick(choice)]

    def build(self, demo: gr.Blocks) -> None:
        """Put the widgets into the open tab and wire them."""
        w = self._widgets
        w["said"] = gr.Markdown(elem_id="category-said", elem_classes="st-said")
        with gr.Row(elem_classes="st-columns"):
            with gr.Column(scale=5, min_width=340):
                w["table"] = gr.Dataframe(
                    interactive=False,
                    show_label=False,
                    max_height=560,
                    column_widths=WIDTHS,
                    buttons=[],
                    elem_id="category-table",
                )
                self._build_add()
            with gr.Column(scale=4, min_width=320):
                w["choice"] = gr.Dropdown([], label="Category to change", elem_id="category-choice")
                with gr.Column(visible=False) as w["form"]:
                    self._build_form()
                    self._build_examples()
                    self._build_merge()
        self._wire(demo)

    def _build_add(self) -> None:
        w = self._widgets
        gr.Markdown("### Add categories")
        w["lines"] = gr.Textbox(
            label="Names, one per line", lines=3, max_lines=12, elem_id="category-lines"
        )
        with gr.Row(elem_classes="pg-actions"):
            w["new_group"] = gr.Textbox(label="Group for all of them (optional)", scale=3)
            w["add"] = gr.Button("Add", variant="primary", elem_id="category-add")

    def _build_form(self) -> None:
        w = self._widgets
        with gr.Row():
            w["name"] = gr.Textbox(
                label="Name", info="The old name stays as an alias.", elem_id="category-name"
            )
            w["group"] = gr.Dropdown(
                [], label="Group", info="Supercategory.", allow_custom_value=True
            )
            w["key"] = gr.Textbox(
                label="Shortcut",
                info="One letter or symbol, or a multi-key shortcut such as ,d",
                max_lines=1,
                elem_id="category-key",
            )
        w["description"] = gr.Textbox(
            label="Description: what counts as this category, in one sentence",
            lines=2,
            elem_id="category-description",
        )
        w["aliases"] = gr.Textbox(
            label="Aliases, one per line",
            info="Search and import recognise these names too.",
            lines=2,
            elem_id="category-aliases",
        )
        w["save"] = gr.Button("Save", variant="primary", elem_id="category-save")
        with gr.Row(elem_classes="pg-actions"):
            w["up"] = gr.Button("Move up", elem_id="category-up", min_width=90)
            w["down"] = gr.Button("Move down", elem_id="category-down", min_width=90)
            w["number"] = gr.Number(label="Position in its group", precision=0, min_width=120)
            w["place"] = gr.Button("Move there", elem_id="category-place", min_width=90)

    def _build_examples(self) -> None:
        w = self._widgets
        with gr.Accordion("Example images", open=False):
            w["examples"] = gr.Dropdown(
                [],
                label="Images labelled present",
                multiselect=True,
                elem_id="category-examples",
            )
            w["gallery"] = gr.HTML(
                elem_id="category-gallery", apply_default_css=False, js_on_load=None
            )
            w["keep"] = gr.Button("Save examples", elem_id="category-keep")

    def _build_merge(self) -> None:
        w = self._widgets
        with gr.Accordion("Archive or merge", open=False, elem_id="category-merge-part"):
            w["archive_text"] = gr.Markdown(elem_classes="st-note")
            w["archive"] = gr.Button("Archive", elem_id="category-archive")
            w["target"] = gr.Dropdown([], label="Merge into", elem_id="category-target")
            w["look"] = gr.Button("Preview merge", elem_id="category-preview")
            w["split"] = gr.Button("Undo merge", visible=False, elem_id="category-split")
            w["merged_text"] = gr.Markdown(elem_classes="st-note")
            w["foreseen"] = gr.Markdown(elem_id="category-foreseen", elem_classes="st-note")
            w["merge"] = gr.Button(
                "Merge", variant="primary", visible=False, elem_id="category-merge"
            )
            w["seen"] = gr.State(None)

    def _wire(self, demo: gr.Blocks) -> None:
        w = self._widgets
        names = ("table", "choice", "form", "name", "group", "key", "aliases", "description")
        more = (
            "number",
            "examples",
            "gallery",
            "archive_text",
            "archive",
            "target",
            "look",
            "split",
        )
        shown = [w[n] for n in (*names, *more, "merged_text")]
        merge = [w["foreseen"], w["merge"], w["seen"]]
        everything = [w["said"], *shown]
        quiet: dict[str, Any] = {**CHANGE, "show_progress": "hidden", "queue": False}
        demo.load(shows_errors(self.show), w["choice"], shown, **quiet)
        w["choice"].input(shows_errors(self.pick), w["choice"], [*shown, *merge], **quiet)
        w["table"].select(shows_errors(self.click), None, [*shown, *merge], **quiet)
        adding = [w["lines"], w["said"], *shown, *merge]
        w["add"].click(shows_errors(self.add), [w["lines"], w["new_group"]], adding, **CHANGE)
        form = [w[n] for n in ("choice", "name", "group", "key", "aliases", "description")]
        w["save"].click(shows_errors(self.save), form, everything, **CHANGE)
        chosen = [w["choice"], w["examples"]]
        w["keep"].click(shows_errors(self.examples), chosen, everything, **CHANGE)
        w["up"].click(shows_errors(self.move(-1)), w["choice"], everything, **CHANGE)
        w["down"].click(shows_errors(self.move(1)), w["choice"], everything, **CHANGE)
        numbered = [w["choice"], w["number"]]
        w["place"].click(shows_errors(self.place), numbered, everything, **CHANGE)
        changed = [*everything, *merge]
        w["archive"].click(shows_errors(self.archive), w["choice"], changed, **CHANGE)
        pair = [w["choice"], w["target"]]
        w["look"].click(shows_errors(self.preview), pair, merge, **CHANGE)
        w["target"].input(_no_preview, None, merge, **quiet)
        w["merge"].click(shows_errors(self.merge), [*pair, w["seen"]], changed, **CHANGE)
        w["split"].click(shows_errors(self.split), w["choice"], changed, **CHANGE)


def _no_preview() -> list[Any]:
    return ["", gr.update(visible=False), None]


def _chosen(choice: int | None) -> int:
    if choice is None:
        raise AnnotatorError(CHOOSE)
    return int(choice)


def _drawn(progress: gr.Progress) -> Callable[[int, int], None]:
    def draw(done: int, total: int) -> None:
        progress((done, total), desc="Updating labels")

    return draw
