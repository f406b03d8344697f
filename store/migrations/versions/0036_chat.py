"""The tables of the online chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0036"
down_revision = "0034"
branch_labels = None
depends_on = None

_WAITING = sa.text("waiting_since IS NOT NULL")
_ANSWERED = sa.text("answered_at IS NOT NULL")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, UTCDateTime(), nullable=nullable)


def _text(name: str, *, type_: type[sa.String] = sa.String, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, type_(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "chat_session",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _text("channel"),
        sa.Column("secret_hash", sa.String(), nullable=False, unique=True),
        sa.Column("previous_hash", sa.String(), nullable=True, unique=True),
        _moment("previous_until"),
        _moment("rotated_at", nullable=False),
        *(_text(name) for name in ("party", "handle", "name", "email")),
        sa.Column("proved", sa.Boolean(), nullable=False, server_default=sa.false()),
        *(_text(name) for name in ("language", "origin", "address")),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        *(_number(name) for name in ("last_seq", "seen_seq", "read_seq", "agent_seq", "mailed_seq")),
        _moment("mailed_at"),
        _moment("opened_at", nullable=False),
        _moment("heard_at", nullable=False),
        *(_moment(name) for name in ("waiting_since", "asked_at", "answered_at", "here_until", "typing_until")),
        *(_moment(name) for name in ("warned_at", "ended_at")),
        _text("ended_by"),
        _moment("blocked_until"),
        _number("version"),
        _moment("changed_at", nullable=False),
    )
    op.create_index("ix_chat_session_changed", "chat_session", ["changed_at"])
    op.create_index("ix_chat_session_case", "chat_session", ["conversation_id"])
    op.create_index("ix_chat_session_handle", "chat_session", ["channel", "handle"])
    op.create_index(
        "ix_chat_session_answered",
        "chat_session",
        ["channel", "answered_at"],
        postgresql_where=_ANSWERED,
        sqlite_where=_ANSWERED,
    )
    op.create_index(
        "ix_chat_session_waiting",
        "chat_session",
        ["channel", "waiting_since", "id"],
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )
    _create_lines()


def _create_lines() -> None:
    op.create_table(
        "chat_line",
        sa.Column("session_id", sa.Uuid(), sa.ForeignKey("chat_session.id"), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        _text("kind"),
        _text("client_id", nullable=True),
        sa.Column("inbound_id", sa.Uuid(), nullable=True),
        sa.Column("outbound_id", sa.Uuid(), nullable=True),
        _text("author"),
        _text("text", type_=sa.Text),
        sa.Column("files", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False, server_default=sa.false()),
        _moment("at", nullable=False),
        sa.UniqueConstraint("session_id", "client_id"),
    )
    op.create_index("ix_chat_line_inbound", "chat_line", ["inbound_id"])
    op.create_index("ix_chat_line_outbound", "chat_line", ["outbound_id"], unique=True)


def downgrade() -> None:
    """Drop them."""
    op.drop_table("chat_line")
    op.drop_table("chat_session")
