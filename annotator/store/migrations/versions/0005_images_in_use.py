"""Images that were removed, or are others saved again; labels of images in use only."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "image", sa.Column("removed", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("image", sa.Column("same_as", sa.Integer()))
    op.add_column("image", sa.Column("last_path_id", sa.Integer()))
    op.add_column("image", sa.Column("missing_since", sa.Integer()))
    op.add_column("image_path", sa.Column("own_image_id", sa.Integer()))
    op.create_index("ix_image_same_as", "image", ["same_as"])
    op.create_index("ix_image_missing_removed", "image", ["missing", "removed"])
    _forget_labels_of_missing_images()


def _forget_labels_of_missing_images() -> None:
    """Their answers stay, and make the labels again when a file comes back."""
    image = sa.table("image", sa.column("id"), sa.column("missing"), sa.column("known_count"))
    label = sa.table("label", sa.column("image_id"), sa.column("category_id"), sa.column("state"))
    category = sa.table(
        "category", sa.column("id"), sa.column("present_count"), sa.column("absent_count")
    )
    gone = sa.select(image.c.id).where(image.c.missing.is_(True))
    if op.get_bind().execute(gone.limit(1)).first() is None:
        return
    op.execute(sa.delete(label).where(label.c.image_id.in_(gone)))
    op.execute(sa.update(image).where(image.c.missing.is_(True)).values(known_count=0))
    of_category = sa.select(sa.func.count()).where(label.c.category_id == category.c.id)
    op.execute(
        sa.update(category).values(
            present_count=of_category.where(label.c.state == 1).scalar_subquery(),
            absent_count=of_category.where(label.c.state == 0).scalar_subquery(),
        )
    )
