"""What agents write with: ready texts, signatures, files; and what a mail of theirs has besides its text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.tables.messages import Json

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "ready_text",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("texts", Json, nullable=False),
        sa.Column("actions", Json, nullable=True),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
    )
    op.create_table(
        "signature",
        sa.Column("team", sa.String(), primary_key=True),
        sa.Column("language", sa.String(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_table(
        "display_name",
        sa.Column("agent_id", sa.Uuid(), sa.ForeignKey("agent.id"), primary_key=True),
        sa.Column("language", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
    )
    op.create_table(
        "answer_file",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("agent_id", sa.Uuid(), sa.ForeignKey("agent.id"), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("outbound_id", sa.Uuid(), sa.ForeignKey("outbound.id"), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_answer_file_conversation_id", "answer_file", ["conversation_id"])
    op.create_index("ix_answer_file_outbound_id", "answer_file", ["outbound_id"])
    op.add_column("outbound", sa.Column("blind_copies", Json, nullable=True))
    op.add_column("outbound", sa.Column("sender_name", sa.String(), nullable=False, server_default=""))
    op.add_column("outbound", sa.Column("below", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbound", sa.Column("rich", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take it back."""
    for name in ("answer_file", "display_name", "signature", "ready_text"):
        op.drop_table(name)
    for name in ("rich", "below", "sender_name", "blind_copies"):
        op.drop_column("outbound", name)
