"""What the Certify page shows of a certificate: how far it is, what it fills in, all of them."""

from __future__ import annotations

from html import escape

import altair as alt
import pandas as pd

from annotator.services.certificates.price_texts import percent, proof_share
from annotator.services.certificates.rows import (
    FillRow,
    ListedCertificate,
    PilotStatus,
    ProofStatus,
    Status,
)
from annotator.services.message import counted, span
from annotator.ui.certify_prices import notes
from annotator.ui.charts import AMBER, INDIGO, Chart, finished, whole_numbers
from annotator.ui.html_table import html_table

NOTHING = (
    "A pair is one category of one image, and open until somebody answers. A certificate fills in "
    "open pairs without anybody looking at each, and promises how good the finished set is: its "
    "recall (the share of what is present that is in it), or its F1 (the harmonic mean of recall "
    "and precision). What proves it are probes: random questions, asked without the model's "
    "opinion. The promise holds for any model, even a bad one, which only takes longer."
)
LOWEST = -50.0
"""The chart shows no less, in per cent of the proof: what lies below is as far from a proof."""


def is_pilot(row: Status) -> bool:
    """Return whether nothing is frozen yet."""
    return "wishes" in row


def pilot_is_done(row: Status) -> bool:
    """Return whether a plan can be made with the answers of the pilot."""
    return "wishes" in row and row["state"] == "open" and row["pilot"]["done"]


def asks(row: Status) -> bool:
    """Return whether a certificate asks probes."""
    return "state" in row and row["state"] == "open" and not row["earlier"]


def has_fill(row: Status) -> bool:
    """Return whether something is certified."""
    return "state" in row and bool(row["fill"]["present"] or row["fill"]["absent"])


def is_enough(row: Status) -> bool:
    """Return whether filling in is the thing to do: more probes are not likely to help."""
    return has_fill(row) and "line" in row and row["questions_expected"] is None


def status_html(row: Status) -> str:
    """Return how far a certificate is."""
    if "state" not in row:
        return notes(NOTHING)
    title = f"Certificate {row['certificate']}: {_state(row)}"
    parts = _pilot_parts(row) if "wishes" in row else _proof_parts(row)
    sentences = list(row["sentences"])
    own = (row["super_categories"], row["categories"])
    sentences += [part["sentence"] for part in own if part is not None]
    if row["changed_categories"]:
        names = ", ".join(row["changed_categories"])
        sentences.append(f"Changed since then, no longer filled in: {names}.")
    return f'<div class="pg"><p class="pg-sum">{escape(title)}</p>{parts}{notes(*sentences)}</div>'


def _state(row: PilotStatus | ProofStatus) -> str:
    """Return the state of a certificate in a few words."""
    said = row["state"].replace("_", " ")
    if "wishes" in row and row["state"] == "open":
        said += ", pilot probes"
    if row["standing"] is not None:
        said += ", its promise holds" if row["standing"]["holds"] else ", its promise is stale"
    return f"{said}, version {row['version']}, begun {row['created_at'][:10]}"


def _pilot_parts(row: PilotStatus) -> str:
    """Return how far a pilot is."""
    pilot = row["pilot"]
    share = pilot["answered"] / pilot["asked"] if pilot["asked"] else 1.0
    numbers = [
        (f"{pilot['answered']:,}", f"of {counted(pilot['asked'], 'pilot probe')} answered"),
        (f"{row['pool']:,}", "open pairs could be filled in"),
    ]
    done = "" if not pilot["done"] else notes("The pilot is answered; choose the promise below.")
    return f"{_bar(share, 'Pilot')}{_large(numbers)}{done}"


def _proof_parts(row: ProofStatus) -> str:
    promise = f'<p class="cy-promise">{escape(row["promise"]["sentence"])}</p>'
    steps = (f"{row['certified_steps']} of {row['steps']}", "steps proven")
    answers = (
        f"{row['answers']:,}",
        "probe answered" if row["answers"] == 1 else "probes answered",
    )
    if not asks(row):
        return f"{promise}{_large([*_filled(row), answers])}"
    said = notes(_present_side(row), _pending(row))
    if is_enough(row):
        return f"{promise}{_large([*_filled(row), steps, answers])}{said}{_helps(row)}"
    share = proof_share(row)
    numbers = [(percent(round(share, 2)), "of the proof of the next step")]
    expected, seconds = row["questions_expected"], row["seconds_expected"]
    if expected is not None:
        time = "" if seconds is None else f", about {span(seconds)}"
        numbers.append((f"{expected:,}", f"more probes until then{time}"))
    numbers += _filled(row)
    if row["next_fill"] is not None:
        more = row["next_fill"]["absent"] + row["next_fill"]["present"]
        numbers.append((f"{more:,}", "can be filled in then"))
    large = _large([*numbers, steps, answers])
    return f"{promise}{_bar(share, 'Proof of the next step')}{large}{said}{_helps(row)}"


def _filled(row: ProofStatus) -> list[tuple[str, str]]:
    states = {
        "applied": "filled in",
        "rolled_back": "were filled in",
        **dict.fromkeys(("cancelled", "void"), "could have been filled in"),
    }
    what = states.get(row["state"], "can be filled in now")
    fill = row["fill"]
    numbers = [(f"{fill['absent'] + fill['present']:,}", what)]
    if fill["present"]:
        numbers = [
            (f"{fill['absent']:,}", f"{what}, as absent"),
            (f"{fill['present']:,}", f"{what}, as present"),
        ]
    return numbers


def _present_side(row: ProofStatus) -> str:
    side = row["present_side"]
    if side is None:
        return ""
    return (
        f"Pairs filled in as present: {side['certified_steps']} of "
        f"{counted(side['steps'], 'step')} proven; {side['asked']:,} asked, {side['wrong']:,} of "
        f"them absent where the next step allows {side['wrong_allowed']:,}."
    )


def _pending(row: ProofStatus) -> str:
    said = []
    if row["second_looks"]:
        said.append(f"{counted(row['second_looks'], 'answer is', 'answers are')} asked again")
    if row["cannot_tell"]:
        said.append(f"{row['cannot_tell']:,} could not be told")
    return f"{' and '.join(said).capitalize()}: they count against the fill." if said else ""


def _helps(row: ProofStatus) -> str:
    if not row["advice"]:
        return ""
    lines = "".join(f"<li>{escape(one)}</li>" for one in row["advice"])
    return f'<p class="pg-sum"><b>What would help</b></p><ul class="cy-advice">{lines}</ul>'


def _bar(share: float, name: str) -> str:
    done = f"{100 * share:.0f}"
    return (
        f'<div class="pg-bar" role="progressbar" aria-label="{name}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{done}">'
        f'<i class="pg-filled" style="width:{done}%"></i></div>'
    )


def _large(numbers: list[tuple[str, str]]) -> str:
    cells = "".join(f"<div><b>{number}</b><span>{name}</span></div>" for number, name in numbers)
    return f'<div class="pg-big">{cells}</div>'


def proof_chart(row: Status) -> Chart | None:
    """Return the share of the proof of the next step over the answers; None without any."""
    if "line" not in row or not row["evidence"] or row["line"] <= 0:
        return None
    frame = pd.DataFrame(
        {
            "answers": [0, *(point["answers"] for point in row["evidence"])],
            "share": [
                0.0,
                *(max(LOWEST, 100 * p["evidence"] / row["line"]) for p in row["evidence"]),
            ],
            "proven": [0, *(point["certified"] for point in row["evidence"])],
        }
    )
    few = whole_numbers(0, frame["answers"].max(), 6)
    low = min(0.0, float(frame["share"].min()))
    scale = alt.Scale(domain=[low, max(110.0, float(frame["share"].max()))], nice=False)
    height = alt.Y("share:Q", title="proof of the next step, %", scale=scale)
    line = (
        alt.Chart(frame)
        .mark_line(strokeWidth=2, color=INDIGO)
        .encode(
            x=alt.X("answers:Q", title="probes answered", axis=few),
            y=height,
            tooltip=[
                alt.Tooltip("answers:Q", title="probes answered"),
                alt.Tooltip("share:Q", title="proof of the next step, %", format=".0f"),
                alt.Tooltip("proven:Q", title="steps proven by then"),
            ],
        )
    )
    target = pd.DataFrame({"share": [100.0], "text": ["proven"]})
    rule = (
        alt.Chart(target)
        .mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color=AMBER)
        .encode(y=alt.Y("share:Q", scale=scale))
    )
    word = (
        alt.Chart(target)
        .mark_text(align="left", dx=4, dy=-8, color=AMBER, fontSize=12)
        .encode(x=alt.value(0), y=alt.Y("share:Q", scale=scale), text="text:N")
    )
    return finished(alt.layer(line, rule, word), height=220)


def fill_text(row: FillRow) -> str:
    """Return what applying has filled in, as a sentence."""
    present = counted(row["present"], "pair")
    text = f"Filled in {present} as present and {row['absent']:,} as absent."
    if row["present_left_out"]:
        text += " Some likely present pairs stay open, because people answered many others."
    return text


def certificate_choices(rows: list[ListedCertificate]) -> list[tuple[str, int]]:
    """Return the certificates to choose from, the newest first, and their numbers."""
    return [
        (f"{row['certificate']}: {row['promised']}, {row['state'].replace('_', ' ')}",
         row["certificate"])
        for row in reversed(rows)
    ]  # fmt: skip


def list_html(rows: list[ListedCertificate]) -> str:
    """Return all certificates of the project as a table; an empty text without any."""
    if not rows:
        return ""
    heads = ("certificate", "promise", "state", "holds", "filled in", "pool", "version", "begun")
    body = [
        [
            str(row["certificate"]),
            row["promised"],
            row["state"].replace("_", " "),
            {"holds": "yes", "stale": "no longer"}.get(row["promise"], ""),
            f"{row['filled']:,}",
            f"{row['pairs']:,}",
            str(row["version"]),
            row["created_at"][:10],
        ]
        for row in reversed(rows)
    ]
    return f"<h2>All certificates</h2>{html_table(heads, body)}"
