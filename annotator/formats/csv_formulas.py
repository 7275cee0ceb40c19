"""Cells of CSV files that no spreadsheet takes for formulas, and that read back unchanged.

A program that opens a table may run a cell that begins like a formula. Such a text gets an
apostrophe in front, by which spreadsheets know plain text. So does a text that begins like a
formula behind apostrophes of its own: exactly one is taken off again.
"""

from __future__ import annotations

_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""How formulas begin: also after a line break, and with the wide signs of East Asian keyboards."""


def harmless(text: str) -> str:
    """Return the text as it is written.

    >>> [harmless(text) for text in ("=1+1", "'=1+1", "cat", "'cat")]
    ["'=1+1", "''=1+1", 'cat', "'cat"]
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def plain(cell: str) -> str:
    """Return the text of a cell; the opposite of `harmless`.

    >>> [plain(cell) for cell in ("'=1+1", "''=1+1", "cat", "'cat")]
    ['=1+1', "'=1+1", 'cat', "'cat"]
    """
    if cell[:1] == "'" and cell.lstrip("'").startswith(_FORMULA):
        return cell[1:]
    return cell
