"""The command `annotator simulate` with its options."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annotator.cli_options import MinusOne, Separator, Unlisted
from annotator.terminal import progress_bar, show

if TYPE_CHECKING:
    from annotator.simulate.oracle import Truth
    from annotator.simulate.run import Plan

Promise = Annotated[str, typer.Option(help="Of certified: recall, precision-recall or f1.")]
LeastRecall = Annotated[float, typer.Option(help="Recall that certified promises, at least.")]
LeastF1 = Annotated[float, typer.Option("--f1", help="F1 that certified promises, at least.")]


def simulate(
    images: Annotated[Path, typer.Option(help="Image folder.")],
    truth: Annotated[Path, typer.Option(help="Label file (COCO, CSV) with every pair.")],
    strategy: Annotated[
        str,
        typer.Option(
            help="plain, plain_filled, binary, fixed_prelabels, random_suggestions, images, "
            "images_one_key, pairs, loop or certified."
        ),
    ] = "loop",
    budget: Annotated[float, typer.Option(help="Seconds of labelling.", min=0)] = 3600.0,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 0,
    error: Annotated[
        float, typer.Option(help="Share of answers that are wrong.", min=0, max=1)
    ] = 0.0,
    notice: Annotated[
        float,
        typer.Option(help="Chance that a person names a present category unasked.", min=0, max=1),
    ] = 1.0,
    method: Annotated[
        str, typer.Option(help="Training: kernel_ridge, partial_bce, curriculum, hst or sarb.")
    ] = "kernel_ridge",
    promise: Promise = "recall",
    recall: LeastRecall = 0.9,
    f1: LeastF1 = 0.9,
    unlisted: Unlisted = "unknown",
    minus_one: MinusOne = None,
    separator: Separator = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for runs.jsonl and curves.png; finished runs are kept."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for cached features; default: your cache folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Simulate annotation with an oracle and report the time that people would have spent."""
    from annotator.formats.options import ReadOptions
    from annotator.simulate.oracle import read_truth
    from annotator.simulate.run import Plan
    from annotator.simulate.wishes import Wish, kind_named

    plan = Plan(
        strategy=strategy,
        budget=budget,
        seed=seed,
        error=error,
        notice=notice,
        method=method,
        wish=Wish(promise=kind_named(promise), recall=recall, f1=f1),
    )
    plan.check()
    options = ReadOptions(unlisted=unlisted, minus_one=minus_one, separator=separator)
    known = read_truth(truth, options)
    row = {"images": str(images.resolve()), "truth": str(truth.resolve()), **asdict(plan)}
    done = _done(row, out, lambda: _run(plan, images, known, cache or _cache()))
    show(dict(done), _text(done["records"]), as_json)


def _done(row: dict[str, Any], out: Path | None, do: Callable[[], list[Any]]) -> Mapping[str, Any]:
    """Return the finished run of a plan: the one that was kept, or one done now and kept."""
    from annotator.simulate import report

    if out is None:
        return row | {"records": do()}
    runs = report.read_runs(out / "runs.jsonl")
    done = report.finished(runs, row)
    if done is None:
        done = row | {"records": do()}
        runs = [*runs, dict(done)]
        report.add_run(out / "runs.jsonl", done)
    same = [r for r in runs if r["images"] == row["images"]]
    report.draw(same, out / "curves.png", Path(row["images"]).name)
    return done


def _run(plan: Plan, images: Path, truth: Truth, cache: Path) -> list[dict[str, Any]]:
    from annotator.simulate.run import prepared, simulate

    project, budget = prepared(images, truth, cache), int(plan.budget)
    with progress_bar("Labelling") as on_progress:

        def tell(record: dict[str, Any]) -> None:
            on_progress(min(int(record["seconds"]), budget), budget, "")

        return simulate(plan, project, truth, tell=tell)


def _text(records: list[dict[str, Any]]) -> str:
    lines = ["  seconds  decisions    known  precision  recall     F1"]
    every = max(1, len(records) // 20)
    rows = [*records[:-1][::every], records[-1]]
    lines += [
        f"{r['seconds']:9.0f} {r['decisions']:10d} {r['known']:8d} {r['precision']:10.3f} "
        f"{r['recall']:7.3f} {r['f1']:6.3f}"
        for r in rows
    ]
    spent = {kind.replace("_", " "): s for kind, s in records[-1].get("by_kind", {}).items()}
    if spent:
        lines.append("seconds: " + ", ".join(f"{kind} {s:.0f}" for kind, s in spent.items()))
    return "\n".join(lines)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "partial-label-annotator" / "simulate"
