"""How the Train page shows what predictors are worth."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from annotator.services.predictors.predictors import PredictorRow
from annotator.services.predictors.worth import PredictorWorth, WorthRow, verdict
from annotator.ui.html_table import html_table

ABOUT = (
    "Predictors score pairs besides people and the trained version: a file of another program's "
    "scores, for example. Each is followed as far as held-out answers speak for it. Add one with "
    "<code>annotator predictors PROJECT add FILE</code>."
)

HEADS = (
    "predictor",
    "kind",
    "trusted",
    "weight",
    "mAP with it",
    "without it",
    "on answers",
    "says",
)

MOST_CATEGORIES = 40


def predictors_html(rows: Sequence[PredictorRow], found: WorthRow) -> str:
    """Return a row for each predictor, with what it was worth to the newest version."""
    worth = {each["name"]: each for each in found["predictors"]}
    body = [_predictor(row, worth.get(row["name"])) for row in rows]
    note = "No version has measured them yet."
    if found["version"] is not None:
        note = f"Measured by version {found['version']}, on answers that it did not learn from."
    return html_table(HEADS, body) + f'<p class="pg-note">{escape(note)}</p>'


def has_categories(found: WorthRow) -> bool:
    """Whether any predictor was measured by category."""
    return any(each["categories"] for each in found["predictors"])


def categories_html(found: WorthRow) -> str:
    """Return what each predictor is worth by category, the most changed first."""
    parts = []
    for each in found["predictors"]:
        shown = each["categories"][:MOST_CATEGORIES]
        if not shown:
            continue
        body = [(c["category"], _percent(c["with"]), _percent(c["without"])) for c in shown]
        table = html_table(("category", "AP with it", "without it"), body)
        parts.append(f"<div><h3>{escape(each['name'])}</h3>{table}</div>")
    if not parts:
        return '<p class="pg-note">No predictor has been measured yet.</p>'
    return f'<div class="pg-changes">{"".join(parts)}</div>'


def _predictor(row: PredictorRow, worth: PredictorWorth | None) -> tuple[str, ...]:
    start = row["name"], row["kind"], "yes" if row["trusted"] else ""
    if worth is None:
        return *start, "", "", "", "", "not measured yet"
    weight = "" if worth["weight"] is None else f"{worth['weight']:.2f}"
    return (
        *start,
        weight,
        _percent(worth["with"]),
        _percent(worth["without"]),
        f"{worth['pairs']:,}",
        verdict(worth),
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
