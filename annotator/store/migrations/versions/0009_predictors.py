"""Predictors: what scores pairs besides people and the trained version."""

import sqlalchemy as sa
from alembic import op

from annotator.store.moment import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "predictor",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("trusted", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("added_by", sa.String(200), nullable=False),
        sa.Column("added_at", Moment, nullable=False),
        sa.Column("refreshed_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_predictor"),
        sa.UniqueConstraint("name", name="uq_predictor_name"),
    )
