"""The commands about certificates: what can be promised, how far the proof is, filling in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli_options import LARGEST_NUMBER, AsJson, ProjectDir
from annotator.services.certificates import price_texts as texts
from annotator.services.message import counted
from annotator.terminal import opened, progress_bar, show

if TYPE_CHECKING:
    from annotator.services.certificates.rows import (
        FillRow,
        PartPrice,
        PlanRow,
        Price,
        ProofStatus,
        Status,
    )

Number = Annotated[
    int | None,
    typer.Option(
        "--certificate",
        help="Certificate number; default: the open one.",
        min=1,
        max=LARGEST_NUMBER,
    ),
]

PromiseName = Annotated[
    str | None,
    typer.Option(
        help=(
            "recall: the finished set holds at least --recall of what is present; "
            "precision-recall: also, at least --precision of the pairs filled in as present "
            "are right; f1: the finished set has an F1 of at least --f1. Default: recall."
        )
    ),
]
Recall = Annotated[
    float | None,
    typer.Option(help="Minimum share of what is present in the finished set; default 0.9."),
]
Precision = Annotated[
    float | None,
    typer.Option(
        help="Minimum share of right ones among pairs filled in as present; default 0.95."
    ),
]
F1 = Annotated[
    float | None, typer.Option("--f1", help="Minimum F1 of the finished set; default 0.9.")
]
Confidence = Annotated[
    float | None,
    typer.Option(
        help="Confidence that all certificates of the project hold jointly; default 0.95."
    ),
]
RecallOver = Annotated[
    str | None,
    typer.Option(
        help=(
            "What recall is a share of: dataset (all that is present, known or open) or pool "
            "(only what is open); default: dataset."
        )
    ),
]
QuestionSeconds = Annotated[
    float | None,
    typer.Option(help="Seconds that a probe costs a person; default: as people took so far."),
]
PairSeconds = Annotated[
    float | None,
    typer.Option(
        help="Seconds that a pair answered by hand costs; default: as people took so far."
    ),
]
Pilot = Annotated[
    int,
    typer.Option(
        help=(
            "Pilot: probes before the plan, such as 400. They prove nothing, but "
            "improve the plan if the model is overconfident."
        )
    ),
]
Offers = Annotated[
    bool,
    typer.Option(
        "--offers",
        help="Also the price of every promise, strict, usual and lenient, and which "
        "categories can have it on their own.",
    ),
]

MOST_PARTS = 20
"""Categories that are listed at the terminal."""

certify_app = typer.Typer(no_args_is_help=True)


@certify_app.callback()
def certify(context: typer.Context, project: ProjectDir) -> None:
    """Fill in open pairs under a promise about the finished set, proven by probes.

    Probes are random questions that are asked without the model's opinion.
    """
    context.obj = project


@certify_app.command("plan")
def certify_plan(
    context: typer.Context,
    promise: PromiseName = None,
    recall: Recall = None,
    precision: Precision = None,
    f1: F1 = None,
    confidence: Confidence = None,
    over: RecallOver = None,
    question_seconds: QuestionSeconds = None,
    pair_seconds: PairSeconds = None,
    pilot: Pilot = 0,
    offers: Offers = False,
    start: Annotated[
        bool, typer.Option("--start", help="Start: freeze the plan and ask its probes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Forecast what a promise takes, and what would be filled in."""
    with opened(context.obj) as services, progress_bar("Planning"):
        row = services.certification.plan(
            promise=None if promise is None else promise.replace("-", "_"),
            recall=recall,
            precision=precision,
            f1=f1,
            confidence=confidence,
            over=over,
            question_seconds=question_seconds,
            pair_seconds=pair_seconds,
            pilot=pilot,
            start=start,
            offers=offers,
        )
    show(row, _plan_text(row), as_json)


@certify_app.command("status")
def certify_status(
    context: typer.Context, certificate: Number = None, as_json: AsJson = False
) -> None:
    """Show how far the proof is and what could be filled in now."""
    with opened(context.obj) as services:
        row = services.certification.status(certificate)
    show(row, _status_text(row), as_json)


@certify_app.command("apply")
def certify_apply(
    context: typer.Context,
    certificate: Number = None,
    dry_run: Annotated[bool, typer.Option(help="Only preview the fill.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fill in what is certified and still open; a person's answer always wins."""
    with opened(context.obj) as services:
        row = services.certification.apply(certificate, dry_run=dry_run)
    show(row, _apply_text(row), as_json)


@certify_app.command("cancel")
def certify_cancel(
    context: typer.Context, certificate: Number = None, as_json: AsJson = False
) -> None:
    """Cancel the open certificate without filling in anything."""
    with opened(context.obj) as services:
        row = services.certification.cancel(certificate)
    show(row, f"Certificate {row['certificate']} is cancelled.", as_json)


def rollback(
    project: ProjectDir,
    certificate: Annotated[
        int, typer.Option(help="Number of the certificate.", min=1, max=LARGEST_NUMBER)
    ],
    as_json: AsJson = False,
) -> None:
    """Undo what a certificate filled in; those pairs are open again."""
    with opened(project) as services:
        row = services.certification.roll_back(certificate)
    reopened = counted(row["pairs"], "pair is", "pairs are")
    text = f"Certificate {row['certificate']} is rolled back; {reopened} open again."
    show(row, text, as_json)


def _plan_text(row: PlanRow) -> str:
    pilot = row["pilot"]
    if row["certificate"] is not None and pilot is not None and pilot["answered"] < pilot["asked"]:
        return (
            f"Certificate {row['certificate']} asks its pilot of {pilot['asked']:,} questions on "
            "the Probe page; run `plan --start` again once they are answered."
        )
    if row["certificate"] is not None:
        return (
            f"Certificate {row['certificate']} is open: {row['chosen']['promise']['sentence']} "
            "Answer its probes on the Probe page; `annotator certify PROJECT status` says how far "
            "it is."
        )
    lines = [
        f"{counted(row['pool'], 'open pair')} of "
        f"{counted(len(row['categories']), 'category', 'categories')}, by version "
        f"{row['version']}; {row['question_seconds']:.1f} seconds a probe, "
        f"{row['pair_seconds']:.1f} a pair answered by hand.",
    ]
    if row["suggest_only"]:
        lines.append(f"Suggested only, too few answers: {', '.join(row['suggest_only'])}.")
    lines += _price_lines(row["chosen"], row["pool"])
    if row["offers"]:
        lines += ["", "Promises to choose from:", *map(_offer_line, row["offers"])]
    if row["parts"]:
        lines += ["", *_part_lines(row["parts"])]
    if pilot is not None:
        lines.append(
            f"{pilot['answered']:,} of {pilot['asked']:,} pilot questions are answered, "
            f"{pilot['present']:,} of them present."
        )
    lines.append(row["refused"] or "Add --start to freeze the plan.")
    return "\n".join(lines)


def _price_lines(price: Price, pool: int) -> list[str]:
    said = [price["promise"]["sentence"]]
    if not price["refused"]:
        filled, later = texts.fills(price, pool), texts.later(price, pool)
        parts = (texts.asked(price), filled, texts.saves(price), later)
        said += [f"  {texts.capital(part)}." for part in parts if part]
    return said


def _offer_line(price: Price) -> str:
    promise = price["promise"]
    numbers = {"recall": promise["recall"], "precision": promise["precision"], "f1": promise["f1"]}
    said = "".join(f" --{name} {share:g}" for name, share in numbers.items() if share is not None)
    option = f"{price['aim']}: --promise {promise['promise'].replace('_', '-')}{said}"
    if price["refused"]:
        return f"  {option}\n    {price['refused']}"
    filled = counted(price["fill_absent"] + price["fill_present"], "pair")
    saved = texts.saves(price)
    return (
        f"  {option}\n    {texts.asked(price)}; {filled} filled in{f'; {saved}' if saved else ''}"
    )


def _part_lines(parts: list[PartPrice]) -> list[str]:
    known = [(part["questions"], part["name"]) for part in parts if part["questions"] is not None]
    if not known:
        return ["No category can be expected to have the promise on its own."]
    lines = ["On their own, with the probes of the whole certificate:"]
    lines += [f"  {name}: after about {counted(n, 'probe')}" for n, name in sorted(known)]
    more = len(lines) - 1 - MOST_PARTS
    if more > 0:
        lines[MOST_PARTS + 1 :] = [f"  and {more:,} more; --json lists all"]
    left = len(parts) - len(known)
    return [*lines, f"  not to be expected of {counted(left, 'other')}"] if left else lines


def _status_text(row: Status) -> str:
    if "state" not in row:
        return "There is no certificate; see `annotator certify PROJECT plan`."
    state = row["state"].replace("_", " ")
    if row["standing"] is not None:
        state += ", its promise holds" if row["standing"]["holds"] else ", its promise is stale"
    lines = [
        f"Certificate {row['certificate']} ({state}), "
        f"version {row['version']}, {counted(row['pool'], 'pair')}"
    ]
    lines += _proof_lines(row) if "promise" in row else []
    lines += row["sentences"]
    own = (row["super_categories"], row["categories"])
    lines += [part["sentence"] for part in own if part is not None and part["sentence"]]
    if row["changed_categories"]:
        lines.append(
            f"Changed since then, no longer filled in: {', '.join(row['changed_categories'])}."
        )
    return "\n".join(lines)


def _proof_lines(row: ProofStatus) -> list[str]:
    lines = [row["promise"]["sentence"]]
    if row["state"] == "open" and not row["earlier"]:
        share = texts.percent(round(texts.proof_share(row), 2))
        lines.append(
            f"{counted(row['answers'], 'probe')} answered; {row['certified_steps']} of "
            f"{counted(row['steps'], 'step')} certified, {share} of the proof of the next one"
        )
    side = row["present_side"]
    if side is not None:
        lines.append(
            f"filled in as present: {side['certified_steps']} of {counted(side['steps'], 'step')} "
            f"certified; {side['asked']:,} asked, {side['wrong']:,} wrong, "
            f"{side['wrong_allowed']:,} allowed at the next step"
        )
    if row["next_fill"] is not None:
        fill = row["next_fill"]
        lines.append(f"then filled in: {fill['absent']:,} absent, {fill['present']:,} present")
    return [*lines, *(f"would help: {one}" for one in row["advice"])]


def _apply_text(row: FillRow) -> str:
    done = "Filled in" if row["applied"] else "Would fill in"
    present = counted(row["present"], "pair")
    text = f"{done} {present} as present and {row['absent']:,} as absent."
    if row["present_left_out"]:
        text += (
            " Some likely present pairs stay open: so many others were answered that the promise "
            "does not cover all of them."
        )
    if row["applied"]:
        text += f" Undo it with `annotator rollback PROJECT --certificate {row['certificate']}`."
    return text
