"""How the Settings page draws what the services say; texts of people are never markup."""

from __future__ import annotations

from html import escape

import pandas as pd

from annotator.services.catalogue.categories import CategoryRow
from annotator.services.catalogue.people import PersonRow
from annotator.services.project.image_folders import FolderRow, UnusableFile
from annotator.services.project.resaved_images import ResavedRow
from annotator.ui.html_table import html_table


def category_name(row: CategoryRow) -> str:
    """Return a category as a list offers it."""
    if row["merged_into"] is not None:
        return f"{row['name']} (merged into {row['merged_into']})"
    return f"{row['name']} (archived)" if row["archived"] else row["name"]


def category_table(rows: list[CategoryRow]) -> pd.DataFrame:
    """Return the categories in the order of the pages."""
    columns = ["group", "category", "shortcut", "present", "absent", "aliases"]
    return pd.DataFrame(
        [
            (
                r["supercategory"],
                category_name(r),
                r["hotkey"],
                r["present"],
                r["absent"],
                ", ".join(r["aliases"]),
            )
            for r in rows
        ],
        columns=columns,
    )


def examples_html(image_ids: list[int]) -> str:
    """Return the example images; only numbers go in."""
    if not image_ids:
        return '<p class="st-none">No example yet.</p>'
    pictures = "".join(
        f'<img src="./img/256/{int(i)}" alt="example {place}" loading="lazy">'
        for place, i in enumerate(image_ids, start=1)
    )
    return f'<div class="st-images">{pictures}</div>'


def archive_text(row: CategoryRow) -> str:
    """Return what archiving, or bringing back, comes to."""
    if row["merged_into"] is not None:
        return ""
    labels = f"{row['present']:,} present and {row['absent']:,} absent labels"
    if row["archived"]:
        return f"Restoring it brings back its {labels}."
    return (
        f"Archiving hides it on every page, in training and in exports. Its {labels} are kept and "
        "come back when you restore it."
    )


def merged_text(row: CategoryRow) -> str:
    """Return what a category was merged into, empty if it was not."""
    if row["merged_into"] is None:
        return "You see a preview first. No answer is deleted, and a merge can be undone."
    return (
        f"Merged into {plain(row['merged_into'])}. Undoing the merge restores both, with all "
        "later answers."
    )


def plain_lines(text: str) -> str:
    """Return lines of text as a Markdown list."""
    return "\n".join(f"- {plain(line)}" for line in text.splitlines())


def plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"&#{ord(sign)};" if sign in _SIGNS else sign for sign in text)


_SIGNS = frozenset("\\`*_{}[]<>()#+-!|&~$:@")


def root_table(rows: list[FolderRow]) -> str:
    """Return the image folders as a table."""
    body = "".join(
        f"<tr><th scope=row>{escape(r['name'])}</th><td>{escape(r['folder'])}"
        f"{'' if r['there'] else ' <b>is missing</b>'}</td>"
        f"<td>{r['usable']:,}</td><td>{r['gone']:,}</td><td>{r['refused']:,}</td></tr>"
        for r in rows
    )
    head = "".join(
        f"<th scope=col>{name}</th>"
        for name in ("name", "folder", "files", "missing", "cannot be used")
    )
    return (
        '<div class="pg-scroll" tabindex="0" role="group" aria-label="Image folders">'
        f'<table class="pg-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def unusable_table(rows: list[UnusableFile], most: int = 500) -> pd.DataFrame:
    """Return files that are missing or cannot be used, at most so many."""
    columns = ["folder", "file", "reason"]
    return pd.DataFrame([(r["root"], r["path"], r["reason"]) for r in rows[:most]], columns=columns)


def unusable_text(rows: list[UnusableFile]) -> str:
    """Return all these files as a text, one a line."""
    return "".join(f"{r['root']}\t{r['path']}\t{r['reason']}\n" for r in rows)


def resaved_html(rows: list[ResavedRow]) -> str:
    """Return pairs of pictures side by side, the lost one first, each with what is known."""
    if not rows:
        return ""
    body = "".join(
        f"<tr><td>{_small(r['original'], 'as it was')}</td><td>{_small(r['copy'], 'as it is now')}"
        f"</td><td>{escape(r['old'])} → {escape(r['new'])}</td><td>{_alike(r)}</td>"
        f"<td>{r['answers']:,}</td></tr>"
        for r in rows
    )
    names = ("as it was", "as it is now", "file", "similarity", "answers")
    head = "".join(f"<th scope=col>{name}</th>" for name in names)
    return (
        '<div class="pg-scroll" tabindex="0" role="group" aria-label="Images saved again">'
        f'<table class="pg-table st-pairs"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _small(image_id: int, what: str) -> str:
    return f'<img src="./img/256/{int(image_id)}" alt="{what}; no copy was kept" loading="lazy">'


def _alike(row: ResavedRow) -> str:
    parts = [] if row["similarity"] is None else [f"{row['similarity']:.1%}"]
    return escape("; ".join([*parts, *([row["note"]] if row["note"] else [])]))


def people_html(rows: list[PersonRow]) -> str:
    """Return the people."""
    shown = [(r["name"], "yes" if r["reviewer"] else "") for r in rows]
    return html_table(["name", "reviewer"], shown)
