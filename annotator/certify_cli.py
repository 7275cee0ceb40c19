"""The commands about certificates: what may be filled in, how far the proof is, doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from annotator.cli_options import LARGEST_NUMBER, AsJson, ProjectDir
from annotator.services.message import counted
from annotator.terminal import opened, progress_bar, show

if TYPE_CHECKING:
    from annotator.services.certificates.rows import (
        FillRow,
        Offer,
        OfferedForecast,
        PlanRow,
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

certify_app = typer.Typer(no_args_is_help=True)


@certify_app.callback()
def certify(context: typer.Context, project: ProjectDir) -> None:
    """Fill in open pairs under a guarantee from probes.

    Probes are random questions that are asked without the model's opinion.
    """
    context.obj = project


@certify_app.command("plan")
def certify_plan(
    context: typer.Context,
    max_error: Annotated[
        float | None,
        typer.Option(
            help="Maximum share of wrong pairs among those filled in as present; default 0.05."
        ),
    ] = None,
    max_lost: Annotated[
        float | None,
        typer.Option(
            help="Maximum share of present pairs that are filled in as absent; default 0.1."
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            help="Confidence that all certificates of the project hold jointly; default 0.95."
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            help=(
                "What the lost share is taken of: pool (present pairs that are open) or dataset "
                "(known ones included); default: whichever is cheaper."
            )
        ),
    ] = None,
    pilot: Annotated[
        int,
        typer.Option(
            help=(
                "Pilot: probes before the plan, such as 400. They prove nothing, but "
                "improve the plan if the model is overconfident."
            )
        ),
    ] = 0,
    offers: Annotated[
        bool,
        typer.Option("--offers", help="Also the price of a strict, usual and lenient promise."),
    ] = False,
    start: Annotated[
        bool, typer.Option("--start", help="Start: freeze the plan and ask its probes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Forecast what could be filled in and how many probes that takes."""
    with opened(context.obj) as services, progress_bar("Planning"):
        row = services.certification.plan(
            max_error=max_error,
            max_lost=max_lost,
            confidence=confidence,
            over=over,
            pilot=pilot,
            start=start,
            offers=offers,
        )
    show(row, _plan_text(row), as_json)


@certify_app.command("status")
def certify_status(
    context: typer.Context, certificate: Number = None, as_json: AsJson = False
) -> None:
    """Show the bounds so far and what could be filled in now."""
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
            f"Certificate {row['certificate']} is open. Answer its probes on the Probe page; "
            "`annotator certify PROJECT status` says how far it is."
        )
    lines = [
        f"{counted(row['pool'], 'open pair')} of "
        f"{counted(len(row['categories']), 'category', 'categories')}, by version "
        f"{row['version']}.",
    ]
    if row["suggest_only"]:
        lines.append(f"Suggested only, too few answers: {', '.join(row['suggest_only'])}.")
    lines += _table(row["forecasts"])
    lines += map(_offer_line, row["offers"])
    if row["known_present"]:
        lines.append(
            f"Lost pairs are cheaper to bound over the {row['over']}; "
            f"{counted(row['known_present'], 'present pair is', 'present pairs are')} known."
        )
    if pilot is not None:
        lines.append(
            f"{pilot['answered']:,} of {pilot['asked']:,} pilot questions are answered, "
            f"{pilot['present']:,} of them present."
        )
    lines.append(row["refused"] or "Add --start to freeze the plan.")
    return "\n".join(lines)


def _offer_line(offer: Offer) -> str:
    promise = (
        f"{offer['aim']} (--max-lost {offer['max_lost']:g} --max-error {offer['max_error']:g})"
    )
    if offer["refused"]:
        return f"{promise}: {offer['refused']}"
    filled = offer["fill_absent"] + offer["fill_present"]
    return f"{promise}: {counted(offer['probes'], 'probe')}, {counted(filled, 'pair')} filled in."


def _table(forecasts: list[OfferedForecast]) -> list[str]:
    heads = ("over", "filled absent", "filled present", "probes", "total answers")
    lines = ["  ".join(f"{head:>15}" for head in heads)]
    for one in forecasts:
        counts = (one["fill_absent"], one["fill_present"], one["probes"], one["people"])
        cells = (one["over"], *(f"{count:,}" for count in counts))
        lines.append("  ".join(f"{cell:>15}" for cell in cells))
    return lines


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
    for zone in row["zones"]:
        lines.append(
            f"{zone['zone']:>8}: {zone['pairs']:>12,} pairs, {zone['answered']:,} asked, "
            f"{zone['present']:,} present"
        )
    for side in row["bounds"]:
        bound = "not known yet" if side["at_most"] is None else f"{side['at_most']:.1%}"
        what = "wrong ones" if side["side"] == "present" else "lost ones"
        lines.append(
            f"{what}: {side['certified_steps']} of {side['steps']} steps certified; bound of the "
            f"current step {bound}, promised {side['promised']:.1%}"
        )
    lines += row["sentences"]
    own = (row["super_categories"], row["categories"])
    lines += [part["sentence"] for part in own if part is not None and part["sentence"]]
    if row["changed_categories"]:
        lines.append(
            f"Changed since then, no longer filled in: {', '.join(row['changed_categories'])}."
        )
    return "\n".join(lines)


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
