"""Watched promises, assignment, labels of contacts, and the tally of the hours gate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.db.views import drop_views
from store.migrations.first_views import create_first_views

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENTS = ("clock_started_at", "waiting_since", "replied_at", "watch_at", "held_until", "alarmed_at")
# Name, columns, and condition.
_INDEXES = (
    ("ix_conversation_watch", ["watch_at"], "watch_at IS NOT NULL"),
    ("ix_conversation_unassigned", ["team", "emergency", "opened_at"], "assignee IS NULL AND status = 'open'"),
    ("ix_conversation_assignee", ["assignee"], "assignee IS NOT NULL AND status = 'open'"),
)


def upgrade() -> None:
    """Add the columns, the tables and their indexes."""
    # SQLite cannot alter a table under a view.
    drop_views(op.get_bind())
    for name in _MOMENTS:
        op.add_column("conversation", sa.Column(name, UTCDateTime(), nullable=True))
    for name, columns, where in _INDEXES:
        op.create_index(name, "conversation", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
    op.add_column("agent", sa.Column("available", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("agent", sa.Column("capacity", sa.Integer(), nullable=False, server_default="20"))
    op.add_column("agent", sa.Column("assigned_at", UTCDateTime(), nullable=True))
    _start_clocks()
    _create_tables()
    create_first_views(op.get_bind())


def _start_clocks() -> None:
    # Until now a conversation with a promise only had a due time; its clock started when it was opened.
    op.execute(
        "UPDATE conversation SET clock_started_at = opened_at, waiting_since = opened_at, watch_at = opened_at"
        " WHERE status <> 'resolved'"
        " AND (first_reply_due_at IS NOT NULL OR next_reply_due_at IS NOT NULL OR resolve_due_at IS NOT NULL)"
    )


def _create_tables() -> None:
    op.create_table(
        "contact_label",
        sa.Column("contact_id", sa.Uuid(), sa.ForeignKey("contact.id"), primary_key=True),
        sa.Column("label", sa.String(), primary_key=True),
    )
    op.create_table(
        "agent_skill",
        sa.Column("agent_id", sa.Uuid(), sa.ForeignKey("agent.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), primary_key=True),
    )
    op.create_table(
        "pause",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=True),
    )
    op.create_index("ix_pause_conversation_id", "pause", ["conversation_id"])
    unended = sa.text("until IS NULL")
    op.create_index(
        "ix_pause_unended", "pause", ["conversation_id"], unique=True, postgresql_where=unended, sqlite_where=unended
    )
    op.create_table(
        "sla_notice",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("promise", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("conversation_id", "promise", "kind", "due_at"),
    )
    op.create_index("ix_sla_notice_at", "sla_notice", ["at"])
    op.create_table(
        "gate_tally",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("released", sa.Integer(), nullable=False),
    )
    op.create_index("ix_gate_tally_at", "gate_tally", ["at"])
    op.create_table(
        "desk_state",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Remove what `upgrade` added."""
    drop_views(op.get_bind())
    for table in ("desk_state", "gate_tally", "sla_notice", "pause", "agent_skill", "contact_label"):
        op.drop_table(table)
    for name, _, _ in _INDEXES:
        op.drop_index(name, "conversation")
    for name in _MOMENTS:
        op.drop_column("conversation", name)
    for name in ("available", "capacity", "assigned_at"):
        op.drop_column("agent", name)
    create_first_views(op.get_bind())
