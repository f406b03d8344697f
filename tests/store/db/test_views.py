"""The SQL views have the columns of `docs/sql-views.md`, on both databases."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.db.engine import Database
from store.db.views import VIEWS, create_views
from tests.inbox_builder import NOON, Builder, fill

PAGE = Path(__file__).parents[3] / "docs" / "sql-views.md"
MINUTE = timedelta(minutes=1)


def promised(view: str) -> list[str]:
    section = PAGE.read_text(encoding="utf-8").split(f"## {view}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_the_promised_columns_in_their_order(database: Database, view: str) -> None:
    with database.read() as connection:
        assert list(connection.execute(sa.text(f"SELECT * FROM {view}")).keys()) == promised(view)


def test_a_conversation_is_one_row_with_its_earliest_promise(database: Database) -> None:
    promises = {"next_reply_due_at": NOON + MINUTE, "resolve_due_at": NOON + 2 * MINUTE}
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(subject="waits", **promises)
        build.conversation(subject="resolved", **promises, status="resolved")
        build.conversation(subject="promises nothing")
        rows = connection.execute(
            sa.text("SELECT subject, due_at, next_reply_due_at, contact_name, contact_handle FROM inbox_conversations")
        ).all()
    found = {row.subject: row for row in rows}
    assert len(rows) == 3
    assert found["waits"].due_at == found["waits"].next_reply_due_at is not None
    assert found["resolved"].due_at is found["promises nothing"].due_at is None
    assert (found["waits"].contact_name, found["waits"].contact_handle) == ("Li Wei", "li@example.com")


def test_a_message_is_one_row_that_counts_its_files(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        message_id = build.message(build.conversation(reference="K7QF2MXD4"))
        build.attachment(message_id)
        build.attachment(message_id)
        [row] = connection.execute(sa.text("SELECT reference, text, attachments FROM inbox_messages")).all()
    assert tuple(row) == ("K7QF2MXD4", "My payment failed but the money was taken.", 2)


def test_the_views_can_be_made_again(database: Database) -> None:
    with database.write() as connection:
        create_views(connection)
        assert connection.execute(sa.text("SELECT count(*) FROM inbox_conversations")).scalar() == 0


def test_the_examples_of_the_page_run(database: Database) -> None:
    fill(database, 50)
    queries = re.findall(r"```sql\n(SELECT.*?);\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) == 2
    with database.read() as connection:
        for query in queries:
            portable = query
            if database.is_sqlite:
                portable = query.replace("now() - interval '7 days'", "'2026-11-01'").replace("now()", "'2026-11-20'")
            connection.execute(sa.text(portable)).all()
