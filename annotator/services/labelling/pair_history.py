"""What was said about one pair, by whom, when and on what suggestion, as sentences."""

from __future__ import annotations

from annotator.domain import Source, State
from annotator.store import Transaction, answers, categories, derivation, merges, pair_search
from annotator.store.answers import AnswerRecord
from annotator.wire.review import HistorySentence

WORDS = {State.PRESENT: "present", State.ABSENT: "absent"}

CHECK = "The pair was asked again as an attention check; such an answer never becomes the label."

LATE = "It came too late: somebody else had already answered, so it does not count."


def history(tx: Transaction, image_id: int, category_id: int) -> list[HistorySentence]:
    """Return every answer about a pair, newest first.

    Answers about categories that were merged into this one are among them.
    """
    names = {c.id: c.name for c in categories.every(tx, archived=True)}
    told = [
        (part, record)
        for part in merges.read(tx).with_parts([category_id])
        for record in answers.history(tx, image_id, part)
    ]
    told.sort(key=lambda item: item[1].answer_id, reverse=True)
    undone = pair_search.undone_at(tx, [record.answer_id for _, record in told])
    label = derivation.current(tx, [(image_id, category_id)])[image_id, category_id]
    rows: list[HistorySentence] = []
    for part, record in told:
        about = "" if part == category_id else f" That was about {names.get(part)}, merged since."
        at = undone.get(record.answer_id) if record.cancelled else None
        rows.append(
            {
                "by": record.annotator,
                "at": record.at.isoformat(),
                "state": record.state.value,
                "source": record.source.value,
                "text": sentence(record) + about,
                "remark": _remark(record),
                "undone": None if at is None else at.isoformat(),
                "late": record.late,
                "stands": record.answer_id == label.answer_id and not label.conflict,
            }
        )
    return rows


def sentence(record: AnswerRecord) -> str:
    """Return in one sentence what somebody said.

    It never says that a person was right or wrong.
    """
    who = record.annotator
    if record.state is State.UNSURE:
        return f"{who} could not tell.{_shown(record)}"
    if record.state is State.CLEARED:
        return f"{who} cleared the answer."
    word = WORDS[record.state]
    if record.check:
        return f"{who} answered {word} when asked again."
    if record.source in (Source.ACCEPTED, Source.REJECTED):
        verb = "accepted" if record.source is Source.ACCEPTED else "rejected"
        return f"{who} {verb} the suggestion{_percent(record)}{_version(record)}."
    if record.source is Source.ACCEPTED_IN_BULK and record.state is State.PRESENT:
        return f"{who} accepted the suggestion{_percent(record)}{_version(record)} in bulk."
    said = {
        Source.HUMAN: f"{who} answered {word}.",
        Source.ACCEPTED_IN_BULK: f"{who} confirmed “{word}” in bulk.",
        Source.SWEPT: f"{who} marked the rest {word}.",
        Source.IMPORTED: f"{who} imported it as {word}.",
        Source.REVIEW: f"{who} decided in review: {word}.",
    }
    return said[record.source] + _shown(record)


def _remark(record: AnswerRecord) -> str:
    if record.cancelled:
        return f"{record.annotator} undid this."
    if record.check:
        return CHECK
    return LATE if record.late else ""


def _percent(record: AnswerRecord) -> str:
    return "" if record.score is None else f" ({round(100 * record.score)} %)"


def _version(record: AnswerRecord) -> str:
    return "" if record.version is None else f" of version {record.version}"


def _shown(record: AnswerRecord) -> str:
    if record.score is None:
        return ""
    model = "The model" if record.version is None else f"Version {record.version}"
    return f" {model} said {round(100 * record.score)} %."
