"""What an import is about to bring, kept apart until all of it is there."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staged_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staged_answer")),
    )
    op.create_table(
        "staged_category",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_staged_category")),
    )
    op.create_table(
        "staged_path",
        sa.Column("path_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("coco_id", sa.BigInteger(), nullable=True),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("path_id", name=op.f("pk_staged_path")),
    )
    op.create_table(
        "staged_annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.Integer(), nullable=False),
        sa.Column("coco_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staged_annotation")),
    )
    op.create_index(op.f("ix_staged_annotation_path_id"), "staged_annotation", ["path_id"])
    op.create_index(op.f("ix_image_path_coco_id"), "image_path", ["coco_id"])
