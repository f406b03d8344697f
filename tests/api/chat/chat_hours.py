"""A chat that is closed for days, and time that has passed in its sessions. A plain module."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.chat import ChatSessionRow
from tests.api.chat.conftest import CHAT
from workers.chores.chat_keeper import ChatKeeper
from workers.routing.brain import build_brain

MAIL = '[channels.support-mail.send]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n'


def closed_for_days() -> str:
    """Return a chat that is closed today in every zone, and opens in two days."""
    today = datetime.now(UTC).date()
    days = ", ".join(
        f'{{ on = {today + timedelta(days=step)}, open = [], why = "closed by a test" }}' for step in (-1, 0, 1)
    )
    return MAIL + CHAT.replace("dates = []", f"dates = [{days}]").replace("files = 2", 'mail = "support-mail"')


def ago(database: Database, **columns: timedelta) -> None:
    """Move moments of every session into the past."""
    table = table_of(ChatSessionRow)
    with database.write() as connection:
        row = connection.execute(sa.select(table)).mappings().first()
        assert row
        values = {name: row[name] - step for name, step in columns.items() if row[name]}
        connection.execute(sa.update(table).values(**values))


def keeper(database: Database, settings: Settings) -> ChatKeeper:
    return ChatKeeper(database, build_brain(settings))
