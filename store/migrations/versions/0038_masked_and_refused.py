"""Whether sending has masked an outgoing text; a message's gist; and what a listener refused, by the hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0038"
down_revision = "0036"
branch_labels = None
depends_on = None

_SAID = sa.text("gist <> ''")


def upgrade() -> None:
    """Add them. Of what failed after it was sent, only the stars say that its text is the masked one."""
    op.add_column("outbound", sa.Column("masked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE outbound SET masked = true WHERE sent_at IS NOT NULL AND text LIKE '%****%'")
    op.add_column("message", sa.Column("gist", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_message_gist", "message", ["gist", "received_at"], postgresql_where=_SAID, sqlite_where=_SAID)
    op.create_table(
        "refusal",
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("bound", sa.String(), primary_key=True),
        sa.Column("hour", UTCDateTime(), primary_key=True),
        sa.Column("refused", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("refusal")
    op.drop_index("ix_message_gist", "message")
    op.drop_column("message", "gist")
    op.drop_column("outbound", "masked")
