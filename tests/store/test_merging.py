"""Conversations that are put together and taken apart, while mail goes on arriving for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.correlation import make_token
from router.errors import Conflict, PermanentError
from store import merging
from store.bulk import table_of
from store.clock import read_clock
from store.database import Database
from store.keys import desk_key
from store.listing import Filter, list_conversations
from store.models import Conversation, Message, ThreadKey
from tests.desk import BOB, Desk, envelope


def rows_of(database: Database, model: Any, *names: str) -> list[tuple[Any, ...]]:
    table = table_of(model)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*(table.c[name] for name in names)))]


def home_of(database: Database, rfc_message_id: str) -> Any:
    table = table_of(Message)
    with database.read() as connection:
        statement = sa.select(table.c.conversation_id).where(table.c.rfc_message_id == rfc_message_id)
        return connection.execute(statement).scalar_one()


def state_of(database: Database, *ids: Any) -> list[dict[str, Any]]:
    table = table_of(Conversation)
    with database.read() as connection:
        rows = connection.execute(sa.select(table).where(table.c.id.in_(ids)).order_by(table.c.id)).mappings().all()
    # What every write moves is no part of what a conversation is.
    return [{k: v for k, v in row.items() if k not in {"version", "watch_at"}} for row in rows]


def test_a_merged_conversation_sends_on_what_comes_for_it_and_comes_back_as_it_was(
    database: Database, tmp_path: Path
) -> None:
    # Given two conversations of one customer
    desk = Desk(database, tmp_path)
    one = envelope("one", subject="Refund please", text="Please refund order 11.")
    two = envelope("two", subject="My address", text="I have moved to Harbour Road 5.")
    desk.route(one)
    desk.route(two)
    source, target = home_of(database, one.rfc_message_id or ""), home_of(database, two.rfc_message_id or "")
    assert source != target
    before, keys = state_of(database, source, target), sorted(rows_of(database, ThreadKey, "digest", "conversation_id"))
    [(reference, contact)] = [
        (row[1], row[2]) for row in rows_of(database, Conversation, "id", "reference", "contact_id") if row[0] == source
    ]

    # When they are merged, and mail comes that answers the first, by Message-ID and by our token
    with database.write() as connection:
        now = read_clock(connection)
        kept = merging.merge(connection, database, source_id=source, target_id=target, by="Ann", now=now)
    with database.read() as connection:
        assert [row.id for row, _ in list_conversations(connection, Filter(), limit=9)] == [target]
    token = make_token(desk_key(desk.settings, purpose="thread tokens"), reference=reference, contact_id=contact)
    by_header = envelope("three", subject="Re: Refund please", in_reply_to=(one.rfc_message_id or "",))
    by_token = envelope("four", subject=f"Re: Refund please [{token}]", text="Any news of it?")
    desk.route(by_header)
    desk.route(by_token)

    # Then it is in the other one, and the first takes no orders
    assert {home_of(database, f"{key}@customer.example") for key in ("one", "two", "three", "four")} == {target}
    with pytest.raises(Conflict), database.write() as connection:
        merging.merge(connection, database, source_id=source, target_id=target, by="Ann", now=now)

    # When it is undone, then both are as they were, and what came meanwhile stays where it came to
    with database.write() as connection:
        merging.undo(connection, database, kept, by="Ann", now=now)
    after = state_of(database, source, target)
    assert [row for row in after if row["id"] == source] == [row for row in before if row["id"] == source]
    assert home_of(database, "one@customer.example") == source
    assert home_of(database, "three@customer.example") == target
    assert set(keys) <= set(rows_of(database, ThreadKey, "digest", "conversation_id"))
    with pytest.raises(Conflict), database.write() as connection:
        merging.undo(connection, database, kept, by="Ann", now=now)


def test_an_undone_merge_without_news_leaves_no_trace(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    desk.route(envelope("one", subject="Refund please", text="Please refund order 11."))
    desk.route(envelope("two", subject="I was hacked", text="I was hacked, help."))
    source, target = home_of(database, "two@customer.example"), home_of(database, "one@customer.example")
    before, keys = state_of(database, source, target), sorted(rows_of(database, ThreadKey, "digest", "conversation_id"))
    with database.write() as connection:
        now = read_clock(connection)
        kept = merging.merge(connection, database, source_id=source, target_id=target, by="Ann", now=now)
    [merged] = state_of(database, target)
    assert (merged["emergency"], merged["priority"]) == (True, "urgent")
    with database.write() as connection:
        merging.undo(connection, database, kept, by="Ann", now=now)
    assert state_of(database, source, target) == before
    assert sorted(rows_of(database, ThreadKey, "digest", "conversation_id")) == keys


def test_messages_that_are_split_off_take_their_thread_with_them(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    one = envelope("one", subject="Refund please", text="Please refund order 11.")
    two = envelope(
        "two", subject="Re: Refund please", text="And I cannot log in.", in_reply_to=(one.rfc_message_id or "",)
    )
    desk.route(one)
    desk.route(two)
    home, before = home_of(database, one.rfc_message_id or ""), state_of(database)
    ids = {row[1]: row[0] for row in rows_of(database, Message, "id", "rfc_message_id")}
    before = state_of(database, home)
    with database.write() as connection:
        now = read_clock(connection)
        for wrong in ([ids[one.rfc_message_id]], list(ids.values())):
            with pytest.raises(PermanentError):
                merging.split(connection, conversation_id=home, message_ids=wrong, by="Ann", now=now)
        new, kept = merging.split(
            connection, conversation_id=home, message_ids=[ids[two.rfc_message_id]], by="Ann", now=now
        )
    desk.route(
        envelope("three", subject="Re: Refund please", text="Still not.", in_reply_to=(two.rfc_message_id or "",))
    )
    assert home_of(database, "two@customer.example") == home_of(database, "three@customer.example") == new != home
    with database.write() as connection:
        merging.undo(connection, database, kept, by="Ann", now=now)
    assert {home_of(database, f"{key}@customer.example") for key in ("one", "two", "three")} == {home}
    [after] = state_of(database, home)
    assert after | {"last_message_at": None} == before[0] | {"last_message_at": None}


def test_conversations_of_two_customers_are_never_merged(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    desk.route(envelope("one"))
    desk.route(envelope("two", sender=BOB))
    source, target = home_of(database, "one@customer.example"), home_of(database, "two@customer.example")
    with database.write() as connection, pytest.raises(PermanentError):
        merging.merge(connection, database, source_id=source, target_id=target, by="Ann", now=read_clock(connection))
