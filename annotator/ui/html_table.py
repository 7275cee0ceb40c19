"""A table that is only read: plain markup in the type of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(heads: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table of texts; none of them is read as markup."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in body
    )
    return (
        f'<div class="pg-scroll" tabindex="0" role="group" aria-label="{escape(heads[0])}">'
        f'<table class="pg-table"><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
