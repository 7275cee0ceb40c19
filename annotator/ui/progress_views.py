"""How the Progress page says what the services count: bars, sentences, tables."""

from __future__ import annotations

from html import escape

import pandas as pd

from annotator.services.knowledge.calibration import CalibrationReport, Sureness
from annotator.services.message import counted, span
from annotator.services.progress.growth import GrowthRow
from annotator.services.progress.overview import Counts
from annotator.services.progress.trends import OverallPace, PersonPace
from annotator.services.training.control import VersionRow

NO_ANSWERS = "Nothing is answered yet. Answers on the Label page appear here within seconds."

NO_FIGURE = (
    "No held-out figure yet. One image in ten is held out from training; once enough of their "
    "pairs are answered, every version is evaluated on them and appears here."
)

NOBODY = "Nobody has answered yet; imported labels are not counted as work."


COUNTING = (
    '<p class="pg-note" data-counting>This part is being computed and appears in a moment.</p>'
)
"""Stands where figures of a large project are going to be."""


PROBES = "probes (pairs drawn at random and asked without the model's opinion)"
"""Said where the word first stands."""


def counts_html(row: Counts, *, about: bool = False) -> str:
    """Return the three counts with a stacked bar; only numbers go in.

    Args:
        row: The counts.
        about: Whether suggestions and conflicts are still being counted.
    """
    suggestions = f"{row['suggestions']:,}"
    if about:
        suggestions = f"about {suggestions}" if row["suggestions"] else "…"
    conflicts = "…" if row["conflicts"] is None else f"{row['conflicts']:,}"
    pairs = max(1, row["pairs"])
    parts = [("present", row["present"]), ("absent", row["absent"]), ("filled", row["filled"])]
    bar = "".join(
        f'<i class="pg-{name}" style="width:{100 * count / pairs:.3f}%" '
        f'title="{count:,} {name}"></i>'
        for name, count in parts
    )
    known = row["answered"] + row["filled"]
    filled = f" and {row['filled']:,} filled" if row["filled"] else ""
    spoken = f"{row['answered']:,} answered, {row['filled']:,} filled, {row['open']:,} open"
    return (
        '<div class="pg"><div class="pg-big">'
        f"<div><b>{row['answered']:,}</b><span>answered</span></div>"
        f'<div><b>{row["filled"]:,}</b><span><i class="pg-filled"></i>filled</span></div>'
        f'<div><b>{row["open"]:,}</b><span><i class="pg-open"></i>open</span></div>'
        f"<div><b>{suggestions}</b><span>suggestions waiting</span></div>"
        f"<div><b>{row['visited']:,}</b><span>of {row['images']:,} images visited</span></div>"
        f"<div><b>{conflicts}</b><span>conflict{'' if conflicts == '1' else 's'}</span></div></div>"
        f'<div class="pg-bar" role="img" aria-label="{spoken}">{bar}</div>'
        f'<div class="pg-small">{known / pairs:.1%} of '
        f"{counted(row['pairs'], 'pair is', 'pairs are')} known: "
        f"{row['present']:,} present, {row['absent']:,} absent{filled}. Filled pairs are "
        "filled in under a certificate, without anybody looking at each.</div></div>"
    )


def note_html(*sentences: str) -> str:
    """Return sentences as one paragraph of small text; nothing in them is markup."""
    said = " ".join(filter(None, sentences))
    return f'<p class="pg-note">{escape(said)}</p>' if said else ""


def growth_note(growth: GrowthRow) -> str:
    """Return the sentence under the chart of answers."""
    if not growth["points"]:
        return note_html(NO_ANSWERS)
    last = growth["points"][-1]
    line = "The dashed line shows how many open pairs each version suggested when it was made."
    filled = ""
    if any(point["filled"] for point in growth["points"]):
        filled = (
            f"{last['filled']:,} more are filled in under a certificate, from the moment it was "
            "applied until it is rolled back or people answer them."
        )
    return note_html(
        f"{counted(last['present'] + last['absent'], 'pair is', 'pairs are')} answered, plotted by "
        f"the {growth['step']}; each pair counts from its latest answer on.",
        filled,
        line if growth["suggested"] else "",
    )


def version_note(versions: list[VersionRow]) -> str:
    """Return the sentence under the learning curve."""
    figures = [v for v in versions if v["map"] is not None]
    if not figures:
        return note_html(
            NO_FIGURE if versions else "There is no version yet, so there is nothing to measure."
        )
    return note_html(
        "Held-out mAP is the mean average precision on the answers about one image in ten, from "
        "which no version learns; higher is better: at 100 % a version ranks every image that "
        "shows a category before all others. The thin bars are 95 % confidence intervals.",
        "With a second version this becomes a line." if len(figures) == 1 else "",
    )


def calibration_note(calibration: CalibrationReport) -> str:
    """Return the sentence under the calibration, or why there is no chart."""
    bins, error = calibration["bins"], calibration["error"]
    if not bins or error is None:
        return note_html(
            f"Calibration is shown here once {calibration['needed']} present answers, to {PROBES} "
            f"or on held-out images, can be compared; there are {calibration['present']} so far."
        )
    told = max(bins, key=lambda b: (b["low"] >= 0.5, b["answers"]))
    hits = round(told["observed"] * told["answers"])
    by_probe = calibration["on"] == "probes"
    asked = f"answers to {PROBES}" if by_probe else "answers on held-out images"
    return note_html(
        f"From {calibration['answers']:,} {asked}: on average the percentages are off by "
        f"{points(error)} (expected calibration error).",
        "On the dashed line the model's percentages are right; below it the model is "
        "overconfident, above it underconfident.",
        f"Of the {counted(told['answers'], 'pair')} that it gave {told['low']:.0%} to "
        f"{told['high']:.0%}, people answered present for {hits:,}.",
        "The small numbers are the answers per point.",
        _flattered(calibration),
        sureness(calibration),
    )


def _flattered(calibration: CalibrationReport) -> str:
    if not calibration["seen"]:
        return ""
    if calibration["on"] == "probes":
        return (
            "Some of these answers calibrated this version, so it looks a little better here "
            "than it is."
        )
    return "This version was calibrated on these very answers, so it looks better here than it is."


def sureness(version: Sureness) -> str:
    """Return in a sentence how far the percentages were off when the version was made."""
    error = version["ece"]
    if error is None:
        return ""
    asked = "probe answers" if version["ece_on"] == "probes" else "held-out answers"
    return (
        f"When this version was made they were off by {points(error)}, on answers not used for "
        f"its calibration: {version['ece_pairs']:,} {asked}."
    )


def points(error: float) -> str:
    """Return a distance between percentages.

    >>> points(0.012), points(0.173)
    ('1.2 points', '17 points')
    """
    return f"{100 * error:.1f} points" if error < 0.0995 else f"{100 * error:.0f} points"


def _time_worked(seconds: int) -> str:
    """Return a time so exactly that a pace fits to it."""
    if seconds < 90:
        return counted(seconds, "second")
    return f"{seconds / 60:.1f} minutes" if seconds < 20 * 60 else span(seconds)


def people_note(people: list[PersonPace], pace: OverallPace) -> str:
    """Return the sentence under the table of annotators."""
    if not people:
        return note_html(NOBODY)
    rate, seconds = pace["per_minute"], round(pace["active_seconds"])
    worked = _time_worked(seconds)
    return note_html(
        f"Together {counted(pace['decisions'], 'decision')} in {worked} of work, "
        f"{rate:.0f} a minute."
        if rate is not None
        else "",
        "A decision is one action on a page: an answer, a “rest absent”, a whole grid. Gaps of a "
        "minute or longer do not count as work. Checks are images on the Verify page that people "
        "have answered and that are asked again, unmarked; they are compared with the labels.",
    )


def people_table(people: list[PersonPace]) -> pd.DataFrame:
    """Return what each annotator did."""
    columns = [
        *("name", "decisions", "answers", "present, %"),
        *("decisions a minute", "median seconds", "checks answered as before"),
    ]
    rows = [
        [
            p["name"],
            p["decisions"],
            p["answers"],
            _rounded(p["present_share"], 100, 0),
            _rounded(p["per_minute"], 1, 1),
            _rounded(p["median_seconds"], 1, 1),
            "" if p["agreement"] is None else f"{p['agreement']:.0%} of {p['checks']:,}",
        ]
        for p in people
    ]
    return pd.DataFrame(rows, columns=columns)


def _rounded(value: float | None, times: float, digits: int) -> float | int | str:
    if value is None:
        return ""
    return round(value * times, digits) if digits else round(value * times)
