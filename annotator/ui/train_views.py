"""How the Train page says what the trainer does, and how versions differ."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from annotator.services.knowledge.calibration import Sureness
from annotator.services.message import counted
from annotator.services.training.comparison import ChangesRow, MethodsRow
from annotator.services.training.control import VersionFigure, VersionRow
from annotator.ui.html_table import html_table
from annotator.ui.progress_views import points
from annotator.wire.status import Trainer

LOSS_NOTE = (
    "The loss measures how far the model is from its training answers and should fall. It "
    "restarts for each part of a training."
)

OPTIONS_NOTE = "For this training only. The values shown are the defaults of every training."

NO_VERSION = "No version yet. The first one is trained automatically once there are enough answers."

NOT_TWO = "There is no version yet; with two, what changed between them is shown here."

ONE_VERSION = "There is one version; with a second one the two can be compared here."


def trainer_html(trainer: Trainer, problem: str = "") -> str:
    """Return what the trainer does now, and why the version in use suggests nothing, escaped."""
    alive, state = trainer["worker_alive"], trainer["state"]
    said = f"<span>{escape(trainer['message'])}</span>"
    if alive and state != "waiting":
        said = _doing(trainer)
    shown = (
        f'<div class="pg-trainer" role="status" data-state="{escape(state)}"><i></i>{said}</div>'
    )
    if problem:
        shown += _note(f"The version in use gives no suggestions: {problem}")
    return shown


def _doing(trainer: Trainer) -> str:
    if trainer["state"] == "failed":
        return f"<b>The last job failed:</b> <span>{escape(str(trainer['message']))}</span>"
    if trainer["state"] not in ("training", "embedding"):
        return "<span>The trainer waits for answers.</span>"
    done, total = trainer["done"], trainer["total"]
    share = done / total if total else 0.0
    loss = "" if trainer["loss"] is None else f" · loss {trainer['loss']:.3f}"
    epoch = ""
    if trainer["epoch"] is not None and trainer["epochs"]:
        epoch = f" · epoch {trainer['epoch']} of {trainer['epochs']}"
    steps = f" · {done:,} of {total:,}" if total else ""
    return (
        f"<b>{escape(trainer['state'])}</b> <span>{escape(str(trainer['stage']))}</span>"
        f'<progress max="1" value="{share:.4f}" aria-label="progress"></progress>'
        f"<span>{share:.0%}{loss}{epoch}{steps}</span>"
    )


HELD_OUT = (
    "Held-out mAP is the mean average precision on the answers about one image in ten, from which "
    "no version learns; higher is better."
)


def versions_html(versions: Sequence[VersionRow]) -> str:
    """Return the table of versions, the newest first."""
    heads = (
        *("version", "in use", "method", "held-out mAP", "held-out pairs"),
        *("calibration error", "answers", "seconds", "made", "note"),
    )
    return html_table(
        heads,
        [
            (
                str(v["number"]),
                "yes" if v["promoted"] else "",
                v["method"],
                figure(v),
                f"{v['held_out_pairs']:,}",
                sureness(v),
                f"{v['trained_answers']:,}",
                f"{v['seconds']:,.1f}",
                str(v["created_at"])[:16].replace("T", " "),
                v["note"],
            )
            for v in reversed(versions)
        ],
    )


def sureness(version: Sureness) -> str:
    """Return how far a version's percentages were off when it was made, and on what."""
    if version["ece"] is None:
        return ""
    asked = "probes" if version["ece_on"] == "probes" else "held-out"
    return f"{points(version['ece'])} ({version['ece_pairs']:,} {asked})"


def version_name(version: VersionFigure) -> str:
    """Return a version as the lists offer it."""
    figure_ = "" if version["map"] is None else f" · {version['map']:.1%}"
    used = " · in use" if version["promoted"] else ""
    return f"{version['number']} · {version['method']}{figure_}{used}"


def methods_html(compared: MethodsRow) -> str:
    """Return the table and the sentence of the comparison of methods."""
    methods = compared["methods"]
    if not methods:
        return _note("There is no version yet, so there is nothing to compare.")
    rows = "".join(
        f"<tr><td>{escape(m['method'])}</td><td>{m['number']}{' (in use)' if m['promoted'] else ''}"
        f"</td><td>{figure(m)}</td><td>{m['answers']:,}</td><td>{m['seconds']:,.1f}</td>"
        f"<td>{'now' if m['measured_now'] else 'when it was made'}</td></tr>"
        for m in methods
    )
    return (
        '<div class="pg-scroll" tabindex="0" role="group" aria-label="Methods">'
        '<table class="pg-table"><thead><tr>'
        "<th>method</th><th>version</th><th>held-out mAP</th><th>answers</th><th>seconds</th>"
        f"<th>measured</th></tr></thead><tbody>{rows}</tbody></table></div>{_methods_note(compared)}"
    )


def _methods_note(compared: MethodsRow) -> str:
    if not compared["pairs"]:
        return _note(
            "There are too few held-out answers for an evaluation: a category needs 3 present "
            "and 3 absent ones on held-out images."
        )
    alone = len(compared["methods"]) == 1
    part = ""
    if compared["images"] < compared["held_out_images"]:
        part = f", on {compared['images']:,} of {compared['held_out_images']:,} held-out images"
    return _note(
        f"All evaluated on the same {counted(compared['pairs'], 'answer')} in "
        f"{counted(compared['categories'], 'category', 'categories')}, which none of them "
        f"learned from{part}. Higher is better; where the ranges overlap the difference may be "
        "chance." + (" Train another method to compare them." if alone else "")
    )


def changes_html(changes: ChangesRow) -> str:
    """Return what changed between two versions; names are escaped."""
    older, newer = changes["older"], changes["newer"]
    appeared, disappeared = changes["appeared"], changes["disappeared"]
    said = (
        f'<p class="pg-sum">From version {older} to version {newer}: <b>{appeared:,}</b> '
        f"{'suggestion' if appeared == 1 else 'suggestions'} appeared, <b>{disappeared:,}</b> "
        "disappeared.</p>"
    )
    if not appeared + disappeared:
        return said + _note("Both versions suggest exactly the same open pairs.")
    return (
        f'{said}<div class="pg-changes"><div>{_changed_categories(changes)}</div>'
        f"<div>{_changed_images(changes)}</div></div>"
    )


def _changed_categories(changes: ChangesRow) -> str:
    shown = changes["categories"]
    rows = "".join(
        f"<tr><td>{escape(c['name'])}</td><td>+{c['appeared']:,}</td>"
        f"<td>−{c['disappeared']:,}</td></tr>"
        for c in shown
    )
    total = changes["categories_changed"]
    heading = f"The {len(shown)} most changed of {total:,} categories"
    if len(shown) == total:
        heading = "Categories that changed" if total > 1 else "The category that changed"
    return (
        f'<h3>{heading}</h3><div class="pg-scroll" tabindex="0" role="group" '
        f'aria-label="{heading}"><table class="pg-table"><thead><tr>'
        "<th>category</th><th>appeared</th><th>disappeared</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _changed_images(changes: ChangesRow) -> str:
    cards = []
    for row in changes["images"]:
        name, number = escape(row["category"]), int(row["id"])
        sign, word = ("+", "now suggested") if row["appeared"] else ("−", "no longer suggested")
        cards.append(
            f'<li><a href="./#{number}"><img src="./img/256/{number}" loading="lazy" '
            f'alt="image {number}: {name} {word}"><span data-way="{sign}">{sign} {name}</span>'
            "</a></li>"
        )
    return (
        "<h3>Images that changed most</h3>"
        + _note(
            "Click an image to open it on the Label page. + is suggested now, − is no longer "
            "suggested."
        )
        + f'<ul class="pg-grid">{"".join(cards)}</ul>'
    )


def figure(version: VersionFigure) -> str:
    """Return a version's held-out figure with its interval."""
    if version["map"] is None:
        return "no figure yet"
    if version["map_low"] is None or version["map_high"] is None:
        return f"{version['map']:.1%}"
    return f"{version['map']:.1%} ({version['map_low']:.1%} to {version['map_high']:.1%})"


def _note(sentence: str) -> str:
    return f'<p class="pg-note">{escape(sentence)}</p>'
