"""How the Progress page says what an hour would bring and how far people agree."""

from __future__ import annotations

from html import escape

import pandas as pd

from annotator.services.message import counted, span
from annotator.services.progress.quality import Agreement, Compared, QualityRow
from annotator.services.progress.stopping import ErrorRow, LaterRow, StoppingRow
from annotator.ui.progress_views import PROBES, note_html

AGREED: dict[Compared, str] = {
    "others": "agrees with others",
    "blind": "of these, in probes",
    "checks": "checks answered as before",
    "own": "agrees with oneself",
}
"""Columns of the table of people."""


def goal_html(stop: StoppingRow) -> str:
    """Return how much work is left and what an hour would bring, or that the goal is reached."""
    if stop["reached"]:
        return (
            f'<div class="pg pg-left"><b>The goal is reached:</b> <span>{escape(_reached(stop))}'
            "</span></div>"
        )
    now, later = stop["now"], stop["later"]
    if stop["note"] or now is None or later is None:
        return note_html(stop["note"])
    return (
        f'<div class="pg pg-left">{_left(stop)}{_goal_table(stop, now, later)}'
        f"<span>{escape(' '.join(filter(None, _remarks(stop, now))))}</span></div>"
    )


def agreement_note(quality: QualityRow) -> str:
    """Return how far people agree on all categories together, or why nothing can be said."""
    row = quality["overall"]
    if quality["note"] or row is None:
        return note_html(quality["note"])
    alone = row["independent"]
    return note_html(
        f"{row['people']} people answered {counted(row['pairs'], 'pair')} in common and agreed on "
        f"{row['agreed']:,} ({_whole(row['agreed'], row['pairs'])}).",
        f"{alone:,} of these pairs {'was' if alone == 1 else 'were'} answered independently, "
        "without seeing other answers; agreement on the rest may look better than it is."
        if alone < row["pairs"]
        else "Nobody could see the other answers.",
        "Cohen's kappa (two people) and Krippendorff's alpha (any number) are 1 for full "
        "agreement and 0 for agreement by chance; the brackets hold 95 % confidence intervals, "
        f"shown from {quality['needed']} pairs on.",
    )


def agreement_table(quality: QualityRow) -> pd.DataFrame:
    """Return agreement by category, those with enough pairs first, those that agree least first."""
    needed = quality["needed"]
    rows = sorted(
        quality["categories"], key=lambda r: (r["pairs"] < needed, r["agreed"] / r["pairs"])
    )
    return pd.DataFrame(
        [
            {
                "category": r["name"],
                "pairs in common": r["pairs"],
                "independent": r["independent"],
                "full agreement": _of(r["agreed"], r["pairs"]),
                "kappa": _kappa(r, needed),
                "alpha": _alpha(r, needed),
            }
            for r in rows
        ],
        columns=[
            *("category", "pairs in common", "independent"),
            *("full agreement", "kappa", "alpha"),
        ],
    )


def person_table(quality: QualityRow) -> pd.DataFrame:
    """Return how often each person agreed, and with what."""
    rows = [
        {"name": r["name"]}
        | {title: _of(r[key]["agreed"], r[key]["compared"]) for key, title in AGREED.items()}
        for r in quality["annotators"]
    ]
    return pd.DataFrame(rows, columns=["name", *AGREED.values()])


def anchoring_note(quality: QualityRow) -> str:
    """Return whether people follow the model when they see it."""
    row = quality["anchoring"]
    if not row["shown"] and not row["blind"]:
        return note_html(
            "Whether seeing the model sways people (automation bias) can be measured once there "
            f"are answers to {PROBES} and answers with its percentage shown."
        )
    difference, low, high = row["difference"], row["low"], row["high"]
    if difference is None or low is None or high is None:
        what, count = "probe answers", row["blind"]
        if row["blind"] >= row["needed"]:
            what, count = "answers with the percentage shown", row["shown"]
        return note_html(
            "Whether seeing the model sways people (automation bias) cannot be measured yet: too "
            f"few {what} at the same percentages, {count:,}; about {row['needed']:,} are needed."
        )
    return note_html(
        _followed(difference, low, high),
        f"At the same percentages, {row['agreed_shown']:.0%} of "
        f"{counted(row['shown'], 'answer')} with the percentage shown agree with the model, "
        f"{row['agreed_blind']:.0%} of {counted(row['blind'], 'answer')} to {PROBES}.",
        "A hint, not proof: pairs answered with the percentage shown are not a random sample.",
    )


def _followed(difference: float, low: float, high: float) -> str:
    points = round(100 * abs(difference))
    ends = f"range {100 * low:.0f} to {100 * high:.0f} points"
    if low > 0:
        return f"People follow the model {points} points more often when they see it ({ends})."
    if high < 0:
        return f"People contradict the model {points} points more often when they see it ({ends})."
    return f"People do not agree with the model noticeably more often when they see it ({ends})."


def _reached(stop: StoppingRow) -> str:
    goal, now = stop["goal"], stop["now"]
    known = (
        f"{stop['coverage']:.1%} of {counted(stop['pairs'], 'pair is', 'pairs are')} answered or "
        f"filled in (goal {goal['coverage']:.0%})"
    )
    if now is None or not stop["open"]:
        return f"{known}, and none is open."
    return (
        f"{known}, and if the model decides the other {stop['open']:,}, at most {now['error']:.1%} "
        f"of the present pairs are likely to be wrong or lost (goal {goal['error']:.0%}). "
        + " ".join(filter(None, _caveats(stop)))
    ).strip()


def _left(stop: StoppingRow) -> str:
    """Return the forecast and what it assumes, or why there is none."""
    left, goal = stop["forecast"], stop["goal"]
    if left is not None:
        answers = counted(_rough(left["answers"]), "answer")
        return (
            f"<b>About {span(left['seconds'])} of work left</b> <span>for {answers} until the "
            f"model can decide the rest with at most {goal['error']:.0%} errors, if the most "
            "uncertain pairs come first, at the pace so far.</span>"
        )
    if not stop["open"]:
        return "<b>No pair is open,</b> <span>but the goal is not reached.</span>"
    if stop["answers_needed"] is None:
        return "<b>More answers alone do not reach the goal.</b>"
    return (
        "<b>No more answers are needed for the expected error;</b> <span>the "
        f"{counted(stop['open'], 'pair')} still open can be filled in on the "
        '<a href="certify">Certify page</a>.</span>'
    )


def _goal_table(stop: StoppingRow, now: ErrorRow, later: LaterRow) -> str:
    goal = stop["goal"]
    at_most = f"at most {goal['error']:.0%}"
    rows = [
        (
            "answered or filled in",
            f"{stop['coverage']:.1%}",
            f"{later['coverage']:.1%}",
            f"{goal['coverage']:.0%}",
        ),
        (
            "wrong, of pairs called present",
            *_both(now["wrong_share"], later["wrong_share"]),
            at_most,
        ),
        ("lost, of present pairs", *_both(now["lost_share"], later["lost_share"]), at_most),
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        for name, *cells in rows
    )
    hour = f"after an hour, {counted(_rough(later['pairs']), 'pair')}"
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("now", hour, "goal"))
    return (
        '<div class="pg-scroll" tabindex="0" role="group" aria-label="now, after an hour, goal">'
        '<table class="pg-table"><thead><tr>'
        f"<td></td>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _both(now: float, later: float) -> tuple[str, str]:
    return f"{now:.1%}", f"{later:.1%}"


def _remarks(stop: StoppingRow, now: ErrorRow) -> list[str]:
    wrong, decided = now["wrong_present"] + now["lost"], stop["open"] - stop["left_out"]
    far = ""
    if stop["answers_needed"] is None:
        far = (
            "No number of answers about open pairs brings both down to the goal, because the "
            "certificates allow more; set a wider goal, or roll one back and plan it with a "
            "stricter promise."
        )
    return [
        f"Expected if the model decided the open pairs: {wrong:,} of {decided:,} wrong now, "
        f"{now['open_error']:.1%}.",
        far,
        "What the model learns meanwhile is not counted, so it may go faster.",
        *_caveats(stop),
    ]


def _caveats(stop: StoppingRow) -> list[str]:
    probes, left = stop["probes"], stop["left_out"]
    if probes is None:
        return []
    if probes["used"]:
        measured = (
            f"Corrected by {counted(probes['answers'], 'answer')} to {PROBES}, of which the model "
            f"got {probes['wrong']:,} wrong."
        )
    else:
        measured = (
            f"It is based on the model's own percentages; {probes['needed']} answers to "
            f"{PROBES} would correct them, there are {probes['answers']}."
        )
    return [
        measured,
        f"{counted(left, 'pair')} without a percentage {'is' if left == 1 else 'are'} not counted."
        if left
        else "",
        _promised(stop),
    ]


def _promised(stop: StoppingRow) -> str:
    """Return what of the filled-in pairs is counted as an error."""
    said = stop["promised"]
    if not stop["filled"] or not said:
        return ""
    return (
        f"Of the {counted(stop['filled'], 'pair')} filled in, {said['wrong']:,} wrong and "
        f"{said['lost']:,} lost ones are counted, the most that the certificates allow."
    )


def _kappa(row: Agreement, needed: int) -> str:
    few = row["pairs"] if row["pairs"] < needed else None
    return _figure(row["kappa"], row["kappa_low"], row["kappa_high"], few)


def _alpha(row: Agreement, needed: int) -> str:
    few = row["pairs"] if row["pairs"] < needed else None
    return _figure(row["alpha"], row["alpha_low"], row["alpha_high"], few)


def _figure(value: float | None, low: float | None, high: float | None, few: int | None) -> str:
    """Return a figure with its range, or where it is from too few pairs, how many these are."""
    if value is None:
        return ""
    if few is not None:
        return f"{value:.2f} (too few pairs: {few})"
    if low is None or high is None:
        return f"{value:.2f}"
    return f"{value:.2f} ({round(low, 2) + 0.0:.2f} to {high:.2f})"


def _rough(count: int) -> int:
    """Return a number with two digits that count: it is a guess.

    >>> _rough(22065), _rough(96)
    (22000, 96)
    """
    return round(count, 2 - len(str(count)))


def _of(agreed: int, compared: int) -> str:
    return f"{_whole(agreed, compared)} of {compared:,}" if compared else ""


def _whole(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"
