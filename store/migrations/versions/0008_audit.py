"""The audit trail."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")
_UNSEALED: Final = sa.text("number IS NULL")


def upgrade() -> None:
    """Add the table and, on PostgreSQL, the sequence for the order of writing."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("detail", _JSON, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("number"),
    )
    op.create_index("ix_audit_unsealed", "audit", ["seq"], postgresql_where=_UNSEALED, sqlite_where=_UNSEALED)
    op.create_index("ix_audit_actor", "audit", ["actor", "number"])
    op.create_index("ix_audit_object", "audit", ["object", "number"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE audit_seq OWNED BY audit.seq")
        op.execute("ALTER TABLE audit ALTER COLUMN seq SET DEFAULT nextval('audit_seq')")


def downgrade() -> None:
    """Forget it."""
    op.drop_table("audit")
