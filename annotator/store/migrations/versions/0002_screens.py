"""What the labelling screens keep: descriptions, keys, order, merges, examples, checks, cards."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "category", sa.Column("description", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("category", sa.Column("hotkey", sa.String(8), nullable=True))
    op.add_column("category", sa.Column("position", sa.Integer(), nullable=True))
    op.add_column("category", sa.Column("merged_into", sa.Integer(), nullable=True))
    op.add_column("category", sa.Column("merged_after", sa.Integer(), nullable=True))
    op.create_table(
        "category_example",
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_category_example_category_id_category")
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_category_example_image_id_image")
        ),
        sa.PrimaryKeyConstraint("category_id", "image_id", name=op.f("pk_category_example")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hotkey",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(8), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotator_id"], ["annotator.id"], name=op.f("fk_hotkey_annotator_id_annotator")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_hotkey_category_id_category")
        ),
        sa.PrimaryKeyConstraint("annotator_id", "category_id", name=op.f("pk_hotkey")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attention_check",
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("expected", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answer.id"], name=op.f("fk_attention_check_answer_id_answer")
        ),
        sa.PrimaryKeyConstraint("answer_id", name=op.f("pk_attention_check")),
    )
    with op.batch_alter_table("probe") as probe:
        probe.add_column(sa.Column("card", sa.String(64), nullable=True))
        probe.add_column(sa.Column("decision_ms", sa.Integer(), nullable=True))
        probe.create_index(op.f("ix_probe_card"), ["card"])
