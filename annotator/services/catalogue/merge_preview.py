"""A merge of two categories told before it happens."""

from __future__ import annotations

from collections.abc import Mapping

from typing_extensions import TypedDict

from annotator.store.merges import STEPS, MergePreview

_WHY = {
    ("absent", "unknown"): "because nobody has looked for {source!r} there",
    ("absent", "conflict"): "because people disagree about {source!r} there",
    ("unknown", "conflict"): "because people disagree about {source!r} there",
}


MergeChange = TypedDict(
    "MergeChange", {"from": str, "to": str, "count": int, "examples": list[str]}
)
"""Images that go from one state to another, and file names of some."""


class MergeRow(TypedDict):
    """What a merge would change."""

    source: str
    target: str
    """The category that stays."""
    before: dict[str, int]
    """Images of the target by state."""
    after: dict[str, int]
    changes: list[MergeChange]
    text: str
    """The same in sentences, one a line."""


def preview_row(
    names: tuple[str, str], foreseen: MergePreview, images: int, image_names: Mapping[int, str]
) -> MergeRow:
    """Return a preview as JSON.

    Args:
        names: Of the category that is merged, and of the one that stays.
        foreseen: What would happen.
        images: How many there are, to say how many pairs stay unknown.
        image_names: File names of the examples by image id.
    """
    rows: list[MergeChange] = [
        {
            "from": old,
            "to": new,
            "count": count,
            "examples": [image_names.get(i, f"image {i}") for i in foreseen.examples[old, new]],
        }
        for (old, new), count in foreseen.changes.items()
    ]
    row: MergeRow = {
        "source": names[0],
        "target": names[1],
        "before": _with_unknown(foreseen.before, images),
        "after": _with_unknown(foreseen.after, images),
        "changes": rows,
        "text": "",
    }
    return {**row, "text": preview_text(row)}


def preview_text(row: MergeRow) -> str:
    """Return a preview as sentences, one a line."""
    source, target = row["source"], row["target"]
    after = ", ".join(f"{row['after'][name]:,} {_shown(name)}" for name in STEPS[::-1])
    lines = [f"{target!r} would be: {after}."]
    for change in row["changes"]:
        why = _WHY.get((change["from"], change["to"]), "").format(source=source)
        shown = ", ".join(change["examples"][:3])
        lines.append(
            f"{change['count']:,} from {_shown(change['from'])} to {_shown(change['to'])}"
            f"{' ' + why if why else ''}, such as {shown}."
        )
    if not row["changes"]:
        lines.append(f"No label of {target!r} changes.")
    lines.append(
        f"{source!r} is hidden; files that use its name still import, and count for {target!r}. "
        "No answer is deleted, and the merge can be undone at any time."
    )
    return "\n".join(lines)


def _with_unknown(counts: Mapping[str, int], images: int) -> dict[str, int]:
    labelled = sum(counts[name] for name in STEPS if name != "unknown")
    return {name: images - labelled if name == "unknown" else counts[name] for name in STEPS[::-1]}


def _shown(name: str) -> str:
    return "in conflict" if name == "conflict" else name
