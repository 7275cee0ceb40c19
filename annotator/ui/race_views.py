"""How the Train page shows the challengers of the version in use."""

from __future__ import annotations

from html import escape

from annotator.services.message import span
from annotator.services.training.challengers import Outcome
from annotator.services.training.race import CategoryGain, Measured, RaceReport
from annotator.ui.html_table import html_table

ABOUT = (
    "With the method auto, a quick method makes each new version in seconds. Methods that take "
    "minutes, the challengers, then learn the same answers while the trainer has nothing else to "
    "do. One that is better beyond chance, on held-out answers, makes the next version. Any other "
    "method in the settings switches this off."
)

OUTCOMES = {
    Outcome.WON: "better, so it took the place",
    Outcome.LEVEL: "not better beyond chance",
    Outcome.WORSE: "worse",
    Outcome.UNMEASURED: "too few answers to compare",
    Outcome.OUT_OF_TIME: "took too long",
}
"""What came of a challenger, in a few words; otherwise its own sentence says it."""

HEADS = ("challenger", "now", "last result", "gain in mAP (95 %)", "on answers", "took")


def race_html(race: RaceReport) -> str:
    """Return what happens now, and a row for each challenger."""
    said = f'<p class="pg-sum">{escape(race["says"])}</p>'
    if not race["rows"]:
        return said
    body = []
    for row in race["rows"]:
        last = row["last"]
        result = ("", "", "", "") if last is None else _result(last)
        name = f"{row['name']}: {row['does']}" if row["does"] else row["name"]
        body.append((name, row["says"], *result))
    return said + html_table(HEADS, body)


def has_gains(race: RaceReport) -> bool:
    """Whether any challenger was compared."""
    return any(row["last"] is not None and row["last"]["gain"] is not None for row in race["rows"])


def gains_html(race: RaceReport) -> str:
    """Return the gain of each challenger by category, the greatest first."""
    parts = []
    for row in race["rows"]:
        last = row["last"]
        if last is None or not last["categories"]:
            continue
        heading = f"{row['name']} against version {last['against']}"
        body = [_category(c) for c in last["categories"]]
        parts.append(
            f"<div><h3>{escape(heading)}</h3>"
            f"{html_table(('category', 'gain in AP', '95 %'), body)}</div>"
        )
    if not parts:
        return '<p class="pg-note">No challenger has been compared yet.</p>'
    return f'<div class="pg-changes">{"".join(parts)}</div>'


def _result(last: Measured) -> tuple[str, str, str, str]:
    outcome = OUTCOMES.get(Outcome(last["outcome"]), "") if last["outcome"] else ""
    if last["outcome"] in (Outcome.FAILED, Outcome.NOT_TRIED):
        outcome = last["note"]
    if last["against"] is not None and last["gain"] is not None:
        outcome += f" (against version {last['against']})"
    took = f"{last['seconds']:.0f} s" if last["seconds"] < 90 else span(last["seconds"])
    return (
        outcome,
        _gain(last["gain"], last["low"], last["high"]),
        f"{last['pairs']:,}" if last["pairs"] else "",
        "" if last["outcome"] == Outcome.NOT_TRIED else took,
    )


def _gain(gain: float | None, low: float | None, high: float | None) -> str:
    if gain is None or low is None or high is None:
        return ""
    return f"{_points(gain)} ({_points(low)} to {_points(high)})"


def _category(row: CategoryGain) -> tuple[str, str, str]:
    return row["name"], _points(row["gain"]), f"{_points(row['low'])} to {_points(row['high'])}"


def _points(share: float) -> str:
    """Return a difference in points, with a minus sign that is as wide as the plus.

    >>> _points(0.0123), _points(-0.2)
    ('+1.2', '−20.0')
    """
    return f"{share * 100:+.1f}".replace("-", "−")
