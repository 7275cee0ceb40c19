"""How often a job has lost its worker, and the labels of a category by state."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "job", sa.Column("lost_workers", sa.Integer(), nullable=False, server_default="0")
    )
    op.create_index("ix_label_category_id_state", "label", ["category_id", "state"])
