"""An index on ratings by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_GIVEN = sa.text("rated_at IS NOT NULL")


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_rating_given", "rating", ["rated_at", "closing"], postgresql_where=_GIVEN, sqlite_where=_GIVEN)


def downgrade() -> None:
    """Remove the index."""
    op.drop_index("ix_rating_given", "rating")
