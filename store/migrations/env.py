"""Run by Alembic: migrate with the connection that `store.db.migrate` opened."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import store.tables.agents
import store.tables.case_records
import store.tables.chat
import store.tables.composer
import store.tables.desk
import store.tables.emergencies
import store.tables.gates
import store.tables.generated
import store.tables.messages
import store.tables.operations
import store.tables.readers
import store.tables.self_service  # noqa: F401  (fill the metadata)
from store.db.releases import leave_mark

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
    # The search index has no model (`store.conversations.search_index.indexed_words`).
    include_name=lambda name, kind, _: kind != "table" or not (name or "").startswith("search_"),
    transactional_ddl=True,
)
mark = context.config.attributes.get("mark")
with context.begin_transaction():
    context.run_migrations()
    if mark:
        leave_mark(connection, mark)
