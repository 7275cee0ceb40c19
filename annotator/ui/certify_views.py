"""What the Certify page shows: tables, sentences and a chart, made of a plan or a status."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import altair as alt
import pandas as pd

from annotator.services.certificates import planning
from annotator.services.certificates.rows import (
    Aim,
    FillRow,
    ListedCertificate,
    Offer,
    PilotRow,
    PilotStatus,
    PlanRow,
    ProofStatus,
    Side,
    Status,
)
from annotator.services.message import counted, span
from annotator.ui.charts import AMBER, GREEN, Chart, finished
from annotator.ui.html_table import html_table

NOTHING = (
    "No certificate is open. Look at what could be filled in, and start one if it is worth it: "
    "the Probe page then asks its probes until the promise is proven or the certificate is "
    "cancelled."
)

SIDES: dict[Side, str] = {
    "present": "wrong among filled present",
    "absent": "lost among all present",
}


AIMS: dict[Aim, str] = {"strict": "Strict", "usual": "Usual", "lenient": "Lenient"}
OWN = "own"
"""The choice of numbers that are none of the promises."""

OVER = {"pool": "open ones (pool)", "dataset": "all (dataset)", "filled": "filled-in ones"}
"""Of which present pairs the lost share is taken."""


def aim_choices(offers: Sequence[Offer], pool: int, seconds: float | None) -> list[tuple[str, str]]:
    """Return the promises to choose from, with their price where that is known, and their values.

    Args:
        offers: With their prices; empty before these are known.
        pool: Open pairs that could be filled in.
        seconds: That one answer takes; None while that is not known.
    """
    priced = {offer["aim"]: offer for offer in offers}
    choices: list[tuple[str, str]] = []
    for aim, title in AIMS.items():
        error, lost = planning.AIMS[aim]
        text = f"{title}: at most {lost:.0%} of the present pairs lost, {error:.0%} of those filled"
        text += " in as present wrong"
        if aim in priced:
            text += f" — {_price(priced[aim], pool, seconds)}"
        choices.append((text, aim))
    return [*choices, ("Own numbers: those below", OWN)]


def _price(offer: Offer, pool: int, seconds: float | None) -> str:
    if offer["refused"]:
        return f"does not pay: people would still answer {offer['people']:,} of {pool:,} pairs"
    filled = offer["fill_absent"] + offer["fill_present"]
    asked = counted(offer["probes"], "probe")
    time = "" if seconds is None else f", about {span(offer['probes'] * seconds)}"
    return f"{asked}{time}; fills in {filled:,} of {pool:,} pairs"


def plan_html(row: PlanRow, seconds: float | None = None) -> str:
    """Return what a plan says: a table of ways to fill in the pool, and sentences below it.

    Args:
        row: The plan.
        seconds: That one answer takes; None while that is not known.
    """
    heads = (
        "lost, of the present pairs", "filled absent", "filled present", "probes", "time",
        "answers in all",
    )  # fmt: skip
    body = [
        [
            OVER[one["over"]],
            f"{one['fill_absent']:,}",
            f"{one['fill_present']:,}",
            f"{one['probes']:,}",
            "" if seconds is None or not one["probes"] else span(one["probes"] * seconds),
            f"{one['people']:,}",
        ]
        for one in row["forecasts"]
    ]
    said = [
        f"{row['pool']:,} open pairs of {counted(len(row['categories']), 'category', 'categories')}"
        f" could be filled in, by version {row['version']}: the pool. The lost share is taken of "
        "the present pairs in the pool, or of those in the whole dataset, known ones included. "
        "“Answers in all” are those that are still needed, the probes included.",
        "A forecast: one run in ten needs more than 1.6 times as many questions."
        + ("" if seconds is None else f" Times are at {seconds:.1f} seconds an answer, as so far."),
    ]
    if row["suggest_only"]:
        names = ", ".join(row["suggest_only"][:12])
        more = len(row["suggest_only"]) - 12
        said.append(
            f"Suggested only, not filled in: {names}{f' and {more} more' if more > 0 else ''}."
        )
    if row["pilot"] is not None:
        said.append(_pilot_sentence(row["pilot"]))
    if row["refused"]:
        said.append(row["refused"])
    return f'<div class="pg">{html_table(heads, body)}{"".join(map(_sentence, said))}</div>'


def _pilot_sentence(pilot: PilotRow) -> str:
    if pilot["answered"] < pilot["asked"]:
        left = pilot["asked"] - pilot["answered"]
        return f"Without the pilot: {left:,} of its questions are not answered yet."
    return (
        f"According to the pilot: {pilot['present']:,} of its {counted(pilot['asked'], 'pair')} "
        f"{'is' if pilot['present'] == 1 else 'are'} present."
    )


def status_html(row: Status) -> str:
    """Return how far a certificate is."""
    if "state" not in row:
        return f'<div class="pg">{_sentence(NOTHING)}</div>'
    title = f"Certificate {row['certificate']}: {row['state'].replace('_', ' ')}"
    if not row["zones"] and row["state"] == "open":
        title += ", pilot questions open"
    if row["standing"] is not None:
        title += ", its promise holds" if row["standing"]["holds"] else ", its promise is stale"
    sentences = list(row["sentences"])
    own = (row["super_categories"], row["categories"])
    sentences += [part["sentence"] for part in own if part is not None and part["sentence"]]
    if row["changed_categories"]:
        names = ", ".join(row["changed_categories"])
        sentences.append(f"Changed since then, no longer filled in: {names}.")
    tables = f"{_zones(row)}{_bounds(row)}" if row["zones"] else ""
    return (
        f'<div class="pg"><p class="pg-sum"><b>{title}</b></p>'
        f'<div class="pg-big">{_numbers(row)}</div>{tables}{"".join(map(_sentence, sentences))}'
        "</div>"
    )


def _numbers(row: PilotStatus | ProofStatus) -> str:
    """Return the large numbers at the top."""
    if "wishes" in row:
        pilot = row["pilot"]
        numbers = [(pilot["answered"], "pilot answers"), (pilot["asked"], "pilot questions")]
    else:
        numbers = [
            (row["fill"]["absent"], "absent, certified"),
            (row["fill"]["present"], "present, certified"),
            (row["answers"], "probe answers"),
        ]
    numbers.append((row["pool"], "pairs in the pool"))
    return "".join(f"<div><b>{number:,}</b><span>{name}</span></div>" for number, name in numbers)


def _zones(row: PilotStatus | ProofStatus) -> str:
    heads = ("zone", "pairs", "answered", "present", "to be asked again")
    body = [
        [
            {"present": "likely present", "absent": "likely absent"}.get(z["zone"], "middle"),
            f"{z['pairs']:,}",
            f"{z['answered']:,}",
            f"{z['present']:,}",
            f"{z['second_looks']:,}",
        ]
        for z in row["zones"]
    ]
    return html_table(heads, body)


def _bounds(row: PilotStatus | ProofStatus) -> str:
    heads = ("promise", "at most", "bound of the current step", "steps certified")
    body = [
        [
            SIDES[side["side"]],
            f"{side['promised']:.1%}",
            "not known yet" if side["at_most"] is None else f"{side['at_most']:.1%}",
            f"{side['certified_steps']} of {side['steps']}",
        ]
        for side in row["bounds"]
    ]
    return html_table(heads, body)


def closing_chart(row: Status) -> Chart | None:
    """Return both bounds over the probe answers, with what is promised; None without answers."""
    if "state" not in row:
        return None
    rows = [
        {"answers": point["answers"], "bound": name, "share": 100 * share}
        for point in row["closing"]
        for side, name in SIDES.items()
        if (share := point[side]) is not None
    ]
    if not rows:
        return None
    promised = {side["side"]: 100 * side["promised"] for side in row["bounds"]}
    names = [SIDES[side] for side in promised]
    colours = {SIDES["present"]: GREEN, SIDES["absent"]: AMBER}
    scale = alt.Scale(domain=names, range=[colours[name] for name in names])
    colour = alt.Color(
        "bound:N", scale=scale, sort=None, legend=alt.Legend(title=None, orient="top", labelLimit=0)
    )
    few = alt.Axis(tickCount=6, tickMinStep=1, format=",d", labelOverlap=True)
    lines = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(strokeWidth=2, interpolate="step-after")
        .encode(
            x=alt.X("answers:Q", title="probe answers", axis=few),
            y=alt.Y("share:Q", title="at most, %", scale=alt.Scale(domainMin=0)),
            color=colour,
            tooltip=["bound:N", alt.Tooltip("share:Q", format=".1f"), "answers:Q"],
        )
    )
    frame = pd.DataFrame({"bound": names, "share": list(promised.values())})
    rules = (
        alt.Chart(frame)
        .mark_rule(strokeDash=[6, 4], strokeWidth=1.5)
        .encode(y="share:Q", color=colour)
    )
    return finished(alt.layer(lines, rules))


def fill_text(row: FillRow) -> str:
    """Return what applying fills in, or has filled in, as a sentence."""
    done = "Filled in" if row["applied"] else "This would fill in"
    present = counted(row["present"], "pair")
    text = f"{done} {present} as present and {row['absent']:,} as absent."
    if row["present_left_out"]:
        text += " Some likely present pairs stay open, because people answered many others."
    return text


def list_html(rows: list[ListedCertificate]) -> str:
    """Return all certificates of the project as a table; an empty text without any."""
    if not rows:
        return ""
    heads = ("certificate", "state", "version", "begun", "pool", "filled in", "promise")
    body = [
        [
            str(row["certificate"]),
            row["state"].replace("_", " "),
            str(row["version"]),
            row["created_at"][:10],
            f"{row['pairs']:,}",
            f"{row['filled']:,}",
            row["promise"],
        ]
        for row in reversed(rows)
    ]
    return html_table(heads, body)


def _sentence(text: str) -> str:
    return f'<p class="pg-note">{escape(text)}</p>'
