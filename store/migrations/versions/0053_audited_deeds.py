"""Indexes of the audit trail without what was only looked at, of all and of each agent: there are many looks a deed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.migrations.large_tables import add_index

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    deeds = sa.text("action NOT IN ('request.read', 'request.listed')")
    add_index("ix_audit_deeds", "audit", ["number"], postgresql_where=deeds, sqlite_where=deeds)
    add_index("ix_audit_actor_deeds", "audit", ["actor", "number"], postgresql_where=deeds, sqlite_where=deeds)


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_audit_actor_deeds", "audit")
    op.drop_index("ix_audit_deeds", "audit")
