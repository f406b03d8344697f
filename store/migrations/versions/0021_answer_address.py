"""Where an answer to each message goes, and which other address it names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.db.views import create_views, drop_views

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_NAMES = ("answer_to", "other_address")


def upgrade() -> None:
    """Add the columns; older messages are answered to their sender, as before."""
    for name in _NAMES:
        op.add_column("message", sa.Column(name, sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    """Take them back."""
    drop_views(op.get_bind())
    for name in _NAMES:
        op.drop_column("message", name)
    create_views(op.get_bind())
