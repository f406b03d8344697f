"""How many chats an agent is given at once, the chats that have not ended, and whose mail address was signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

_LIVE = sa.text("ended_at IS NULL")

revision = "0041"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the number; without one, what the chat's channel says applies."""
    op.add_column("agent", sa.Column("chat_slots", sa.Integer(), nullable=True))
    op.add_column("chat_session", sa.Column("email_proved", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_chat_session_live", "chat_session", ["conversation_id"], postgresql_where=_LIVE, sqlite_where=_LIVE
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_chat_session_live", "chat_session")
    op.drop_column("chat_session", "email_proved")
    op.drop_column("agent", "chat_slots")
