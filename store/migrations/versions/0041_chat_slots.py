"""How many chats an agent is given at once, and whose mail address was signed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the number; without one, what the chat's channel says applies."""
    op.add_column("agent", sa.Column("chat_slots", sa.Integer(), nullable=True))
    op.add_column("chat_session", sa.Column("email_proved", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("chat_session", "email_proved")
    op.drop_column("agent", "chat_slots")
