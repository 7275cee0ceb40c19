"""The tables, and how the words of the project are written as numbers in them."""

from __future__ import annotations

import sqlalchemy as sa

from annotator.domain import JobKind, JobState, OperationKind, Source, State
from annotator.store.moment import Moment

STATES: dict[State, int] = {State.ABSENT: 0, State.PRESENT: 1, State.UNSURE: 2, State.CLEARED: 3}
SOURCES: dict[Source, int] = {
    Source.HUMAN: 0,
    Source.ACCEPTED: 1,
    Source.ACCEPTED_IN_BULK: 2,
    Source.REJECTED: 3,
    Source.SWEPT: 4,
    Source.IMPORTED: 5,
    Source.REVIEW: 6,
}
STATE_OF = {code: state for state, code in STATES.items()}
SOURCE_OF = {code: source for source, code in SOURCES.items()}
SCORE_STEPS = 10_000
"""A shown probability is kept as a whole number of ten-thousandths."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _link(name: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(target), nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False, default=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, default=0)


def _words(name: str, kinds: type[JobKind | JobState | OperationKind]) -> sa.Column[str]:
    del kinds  # the column holds the value of one of these
    return sa.Column(name, sa.String(20), nullable=False)


category = sa.Table(
    "category",
    metadata,
    _id(),
    sa.Column("ordinal", sa.Integer, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("folded", sa.Text, nullable=False, unique=True),
    sa.Column("supercategory", sa.Text, nullable=False, default=""),
    _flag("archived"),
    sa.Column("coco_id", sa.BigInteger),
    sa.Column("extra", sa.JSON, nullable=False, default=dict),
    _number("present_count"),
    _number("absent_count"),
    sa.Column("description", sa.Text, nullable=False, default="", server_default=""),
    sa.Column("hotkey", sa.String(8)),
    sa.Column("position", sa.Integer),
    sa.Column("merged_into", sa.Integer),
    sa.Column("merged_after", sa.Integer),
)

category_alias = sa.Table(
    "category_alias",
    metadata,
    _id(),
    _link("category_id", "category.id"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("folded", sa.Text, nullable=False, unique=True),
)

category_example = sa.Table(
    "category_example",
    metadata,
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id"), primary_key=True),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), primary_key=True),
    sqlite_with_rowid=False,
)

hotkey = sa.Table(
    "hotkey",
    metadata,
    sa.Column("annotator_id", sa.Integer, sa.ForeignKey("annotator.id"), primary_key=True),
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id"), primary_key=True),
    # Empty where this person wants none for the category.
    sa.Column("key", sa.String(8), nullable=False),
    sqlite_with_rowid=False,
)

image = sa.Table(
    "image",
    metadata,
    _id(),
    sa.Column("ordinal", sa.Integer, nullable=False, unique=True),
    sa.Column("content_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("fold", sa.Integer, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("format", sa.String(20), nullable=False),
    _flag("missing"),
    _number("known_count"),
    sa.Column("removed", sa.Boolean(create_constraint=False), nullable=False, default=False,
              server_default=sa.false()),
    # The image that this one was found to be, saved again.
    sa.Column("same_as", sa.Integer, index=True),
    # The file that held it last and holds another content now.
    sa.Column("last_path_id", sa.Integer),
    sa.Column("missing_since", sa.Integer),  # images there were when its file was last seen
    sa.Index("ix_image_missing_removed", "missing", "removed"),
)  # fmt: skip

IN_USE = sa.and_(image.c.missing.is_(False), image.c.removed.is_(False))
"""Of an image: it has a file and nobody removed it. All counts are about these."""

UNUSED = sa.or_(
    image.c.missing.is_(True), sa.and_(image.c.missing.is_(False), image.c.removed.is_(True))
)
"""The opposite, put so that an index serves it."""

image_path = sa.Table(
    "image_path",
    metadata,
    _id(),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), index=True),
    sa.Column("root", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("coco_id", sa.BigInteger, index=True),
    sa.Column("extra", sa.JSON, nullable=False, default=dict),
    sa.Column("problem", sa.Text),
    sa.Column("size", sa.BigInteger, nullable=False, default=0),
    sa.Column("modified_ns", sa.BigInteger, nullable=False, default=0),
    # The image of the file's own content, where `image_id` is the one that it is, saved again.
    sa.Column("own_image_id", sa.Integer),
    sa.UniqueConstraint("root", "path"),
)

annotator = sa.Table(
    "annotator",
    metadata,
    _id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("folded", sa.Text, nullable=False, unique=True),
    _flag("reviewer"),
    sa.Column("created_at", Moment, nullable=False),
)

operation = sa.Table(
    "operation",
    metadata,
    _id(),
    sa.Column("client_id", sa.String(64), nullable=False, unique=True),
    _link("annotator_id", "annotator.id"),
    _words("kind", OperationKind),
    sa.Column("happened_at", Moment, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("decision_ms", sa.Integer),
    sa.Column("version", sa.Integer),
    sa.Column("cancels", sa.Integer, sa.ForeignKey("operation.id")),
    # The operation with answers that an undo or redo is about in the end.
    sa.Column("target", sa.Integer, sa.ForeignKey("operation.id"), index=True),
    _flag("cancelled"),
    sa.Column("step", sa.String(64)),  # shared by those that undo takes back together
    sa.Index("ix_operation_annotator_id_id", "annotator_id", "id"),
    sqlite_autoincrement=True,
)

answer = sa.Table(
    "answer",
    metadata,
    _id(),
    sa.Column("operation_id", sa.Integer, sa.ForeignKey("operation.id"), nullable=False),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), nullable=False),
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id"), nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("source", sa.SmallInteger, nullable=False),
    sa.Column("score", sa.SmallInteger),
    _flag("late"),
    sa.Index("ix_answer_operation_id", "operation_id"),
    sa.Index("ix_answer_image_id_category_id", "image_id", "category_id"),
    sqlite_autoincrement=True,
)

attention_check = sa.Table(
    "attention_check",
    metadata,
    sa.Column("answer_id", sa.Integer, sa.ForeignKey("answer.id"), primary_key=True),
    sa.Column("expected", sa.SmallInteger, nullable=False),
)

label = sa.Table(
    "label",
    metadata,
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), primary_key=True),
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id"), primary_key=True),
    # Null while people disagree.
    sa.Column("state", sa.SmallInteger),
    sa.Column("source", sa.SmallInteger, nullable=False),
    sa.Column("answer_id", sa.Integer, sa.ForeignKey("answer.id"), nullable=False),
    _flag("conflict"),
    # A rare category is found without reading through all labels.
    sa.Index("ix_label_category_id_state", "category_id", "state"),
    sqlite_with_rowid=False,
)

visit = sa.Table(
    "visit",
    metadata,
    _id(),
    sa.Column("client_id", sa.String(64), nullable=False, unique=True),
    _link("annotator_id", "annotator.id"),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), nullable=False, index=True),
    sa.Column("shown", sa.LargeBinary, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("closed_at", Moment, nullable=False),
    sa.Index("ix_visit_annotator_id_id", "annotator_id", "id"),
)

certificate = sa.Table(
    "certificate",
    metadata,
    _id(),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("plan", sa.JSON, nullable=False, default=dict),
    sa.Column("bitmap_path", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("applied_at", Moment),
    sa.Column("rolled_back_at", Moment),
)

probe = sa.Table(
    "probe",
    metadata,
    _id(),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), nullable=False),
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id"), nullable=False),
    sa.Column("purpose", sa.String(10), nullable=False),
    sa.Column("certificate_id", sa.Integer, sa.ForeignKey("certificate.id"), index=True),
    sa.Column("zone", sa.String(10)),
    sa.Column("position", sa.Integer),
    sa.Column("inclusion_probability", sa.Float),
    sa.Column("drawn_at", Moment, nullable=False),
    sa.Column("annotator_id", sa.Integer, sa.ForeignKey("annotator.id")),
    sa.Column("state", sa.SmallInteger),
    sa.Column("answered_at", Moment),
    # Questions of one card have its client id, so that a retry of a card is the same card.
    sa.Column("card", sa.String(64), index=True),
    sa.Column("decision_ms", sa.Integer),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("kind", sa.String(20), primary_key=True),
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("ix_lease_holder", "holder"),
    sqlite_with_rowid=False,
)

job = sa.Table(
    "job",
    metadata,
    _id(),
    _words("kind", JobKind),
    _words("state", JobState),
    sa.Column("options", sa.JSON, nullable=False, default=dict),
    sa.Column("progress", sa.JSON, nullable=False, default=dict),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("token", sa.String(36)),
    sa.Column("worker", sa.Text),
    _flag("cancel_requested"),
    # How often its worker fell silent: killed, out of memory, or switched off with the machine.
    sa.Column("lost_workers", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("heartbeat_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Index("ix_job_kind_state", "kind", "state"),
    sqlite_autoincrement=True,
)

worker = sa.Table(
    "worker",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("info", sa.JSON, nullable=False, default=dict),
    sa.Column("at", Moment, nullable=False),
)

version = sa.Table(
    "version",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("job_id", sa.Integer, sa.ForeignKey("job.id")),
    sa.Column("method", sa.String(80), nullable=False),
    sa.Column("backbone", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    _flag("ready"),
    _flag("promoted"),
    _number("trained_answers"),
    _number("trained_present"),
    _number("last_operation"),
    sa.Column("training_seconds", sa.Float, nullable=False, default=0.0),
    sa.Column("metrics", sa.JSON, nullable=False, default=dict),
    sa.Column("note", sa.Text, nullable=False, default=""),
)

flag = sa.Table(
    "flag",
    metadata,
    _id(),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), nullable=False, index=True),
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id")),
    _link("annotator_id", "annotator.id"),
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("resolved_at", Moment),
)

bookmark = sa.Table(
    "bookmark",
    metadata,
    sa.Column("annotator_id", sa.Integer, sa.ForeignKey("annotator.id"), primary_key=True),
    sa.Column("image_id", sa.Integer, sa.ForeignKey("image.id"), primary_key=True),
    sa.Column("created_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

setting = sa.Table(
    "setting",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("value", sa.JSON),
)

imported_annotation = sa.Table(
    "imported_annotation",
    metadata,
    _id(),
    sa.Column("path_id", sa.Integer, sa.ForeignKey("image_path.id"), nullable=False),
    sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id"), nullable=False),
    sa.Column("coco_id", sa.BigInteger),
    sa.Column("body", sa.JSON, nullable=False, default=dict),
    sa.Index("ix_imported_annotation_path_id_category_id", "path_id", "category_id"),
)

# What an import is about to bring. `category` and `person` are places in the lists of names of the
# import that is running, whose categories and people may not exist yet; see `staged_imports`.
staged_answer = sa.Table(
    "staged_answer",
    metadata,
    _id(),
    sa.Column("person", sa.Integer, nullable=False),
    sa.Column("image_id", sa.Integer, nullable=False),
    sa.Column("category", sa.Integer, nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("source", sa.SmallInteger, nullable=False),
    sa.Column("score", sa.SmallInteger),
)

# Filled when the import begins to be applied, and its categories have ids.
staged_category = sa.Table(
    "staged_category",
    metadata,
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("category_id", sa.Integer, nullable=False),
)

staged_path = sa.Table(
    "staged_path",
    metadata,
    sa.Column("path_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("coco_id", sa.BigInteger),
    sa.Column("extra", sa.JSON, nullable=False, default=dict),
)

staged_annotation = sa.Table(
    "staged_annotation",
    metadata,
    _id(),
    sa.Column("path_id", sa.Integer, nullable=False, index=True),
    sa.Column("category", sa.Integer, nullable=False),
    sa.Column("coco_id", sa.BigInteger),
    sa.Column("body", sa.JSON, nullable=False, default=dict),
)
