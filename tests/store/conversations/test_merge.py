"""Merging and splitting conversations while mail still arrives for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.rig import wait_until
from router.errors import Conflict, PermanentError, Stale
from router.threads.correlation import make_token
from store.contacts.erasure import erase_contact
from store.conversations import merge as merging
from store.conversations.lists import Filter, list_conversations
from store.conversations.read import where_now
from store.conversations.regroupings.undo import undo_regrouping
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.db.keys import desk_key
from store.outbound import replies
from store.tables.case_records import RegroupingRow
from store.tables.messages import ConversationRow, IdentityRow, MessageRow, ThreadKeyRow, digest
from tests.desk import BOB, Desk, envelope


def rows_of(database: Database, model: Any, *names: str) -> list[tuple[Any, ...]]:
    table = table_of(model)
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*(table.c[name] for name in names)))]


def home_of(database: Database, rfc_message_id: str) -> Any:
    table = table_of(MessageRow)
    with database.read() as connection:
        statement = sa.select(table.c.conversation_id).where(table.c.rfc_message_id == rfc_message_id)
        return connection.execute(statement).scalar_one()


def state_of(database: Database, *ids: Any) -> list[dict[str, Any]]:
    table = table_of(ConversationRow)
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
    before, keys = (
        state_of(database, source, target),
        sorted(rows_of(database, ThreadKeyRow, "digest", "conversation_id")),
    )
    [(reference, contact)] = [
        (row[1], row[2])
        for row in rows_of(database, ConversationRow, "id", "reference", "contact_id")
        if row[0] == source
    ]

    # When they are merged, and mail comes that answers the first, by Message-ID and by our token
    with database.write() as connection:
        now = read_clock(connection)
        kept = merging.merge(connection, source_id=source, target_id=target, by="Ann", now=now)
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
        merging.merge(connection, source_id=source, target_id=target, by="Ann", now=now)

    # When it is undone, then both are as they were, and what came meanwhile stays where it came to
    with database.write() as connection:
        undo_regrouping(connection, kept, by="Ann", now=now)
    after = state_of(database, source, target)
    assert [row for row in after if row["id"] == source] == [row for row in before if row["id"] == source]
    assert home_of(database, "one@customer.example") == source
    assert home_of(database, "three@customer.example") == target
    assert set(keys) <= set(rows_of(database, ThreadKeyRow, "digest", "conversation_id"))
    with pytest.raises(Conflict), database.write() as connection:
        undo_regrouping(connection, kept, by="Ann", now=now)


def test_an_undone_merge_without_news_leaves_no_trace(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    desk.route(envelope("one", subject="Refund please", text="Please refund order 11."))
    desk.route(envelope("two", subject="I was hacked", text="I was hacked, help."))
    source, target = home_of(database, "two@customer.example"), home_of(database, "one@customer.example")
    before, keys = (
        state_of(database, source, target),
        sorted(rows_of(database, ThreadKeyRow, "digest", "conversation_id")),
    )
    with database.write() as connection:
        now = read_clock(connection)
        kept = merging.merge(connection, source_id=source, target_id=target, by="Ann", now=now)
    [merged] = state_of(database, target)
    assert (merged["emergency"], merged["priority"]) == (True, "urgent")
    with database.write() as connection:
        undo_regrouping(connection, kept, by="Ann", now=now)
    assert state_of(database, source, target) == before
    assert sorted(rows_of(database, ThreadKeyRow, "digest", "conversation_id")) == keys


def test_messages_that_are_split_off_take_their_thread_with_them(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    one = envelope("one", subject="Refund please", text="Please refund order 11.")
    two = envelope(
        "two", subject="Re: Refund please", text="And I cannot log in.", in_reply_to=(one.rfc_message_id or "",)
    )
    desk.route(one)
    desk.route(two)
    home, before = home_of(database, one.rfc_message_id or ""), state_of(database)
    ids = {row[1]: row[0] for row in rows_of(database, MessageRow, "id", "rfc_message_id")}
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
        undo_regrouping(connection, kept, by="Ann", now=now)
    assert {home_of(database, f"{key}@customer.example") for key in ("one", "two", "three")} == {home}
    [after] = state_of(database, home)
    assert after | {"last_message_at": None} == before[0] | {"last_message_at": None}


def test_conversations_of_two_customers_are_never_merged(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    desk.route(envelope("one"))
    desk.route(envelope("two", sender=BOB))
    source, target = home_of(database, "one@customer.example"), home_of(database, "two@customer.example")
    with database.write() as connection, pytest.raises(PermanentError):
        merging.merge(connection, source_id=source, target_id=target, by="Ann", now=read_clock(connection))


def open_conversations(database: Database, tmp_path: Path) -> list[Any]:
    desk = Desk(database, tmp_path)
    mails = (
        envelope("one", subject="Refund", text="Please refund order 11."),
        envelope("two", subject="My address", text="I have moved to Harbour Road 5."),
        envelope("three", subject="Invoice copy", text="Kindly send an invoice copy for March."),
    )
    for mail in mails:
        desk.route(mail)
    return [home_of(database, mail.rfc_message_id or "") for mail in mails]


def merge(database: Database, source: Any, target: Any) -> Any:
    with database.write() as connection:
        now = read_clock(connection)
        return merging.merge(connection, source_id=source, target_id=target, by="Ann", now=now)


def wait_for_lock(database: Database) -> None:
    """Return once a session waits for a lock of PostgreSQL's."""
    waiting = sa.text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")

    def waits() -> bool:
        with database.read() as connection:
            return connection.execute(waiting).first() is not None

    wait_until(waits, seconds=60)


@pytest.mark.parametrize("order", ["chain", "circle", "split", "unlink", "note"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nothing_is_done_to_a_conversation_that_is_merged_while_one_waits_for_it(
    database: Database, tmp_path: Path, order: str
) -> None:
    # Given a merge of the second conversation that has not ended
    one, two, three = open_conversations(database, tmp_path)
    [message] = [row[0] for row in rows_of(database, MessageRow, "id", "conversation_id") if row[1] == two]

    def late() -> None:
        with database.write() as connection:
            now = read_clock(connection)
            doing: dict[str, Callable[[], object]] = {
                "chain": lambda: merging.merge(connection, source_id=one, target_id=two, by="Ann", now=now),
                "circle": lambda: merging.merge(connection, source_id=three, target_id=two, by="Ann", now=now),
                "split": lambda: merging.split(
                    connection, conversation_id=two, message_ids=[message], by="Ann", now=now
                ),
                "unlink": lambda: merging.unlink(connection, conversation_id=two, by="Ann", now=now),
                "note": lambda: replies.lock_answerable(connection, two),
            }
            doing[order]()

    # When another agent acts on it meanwhile, the action is refused once the merge has ended
    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            now = read_clock(connection)
            merging.merge(connection, source_id=two, target_id=three, by="Bob", now=now)
            waits = pool.submit(late)
            wait_for_lock(database)
        with pytest.raises(Conflict, match="was merged into"):
            waits.result()
    merged = dict(rows_of(database, ConversationRow, "id", "merged_into"))
    assert merged == {one: None, two: three, three: None}


def test_the_way_to_a_merged_conversation_ends_even_in_a_circle(database: Database, tmp_path: Path) -> None:
    one, two, three = open_conversations(database, tmp_path)
    merge(database, one, two)
    merge(database, two, three)
    with database.read() as connection:
        assert where_now(connection, [one, two, three]) == {one: three, two: three}
    table = table_of(ConversationRow)
    with database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == three).values(merged_into=one))
    with database.read() as connection:
        assert where_now(connection, [one]) == {one: three}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_merge_with_a_version_holds_no_conversation_while_it_waits_for_the_senders(
    database: Database, tmp_path: Path
) -> None:
    one, two, _ = open_conversations(database, tmp_path)
    table, identity = table_of(ConversationRow), table_of(IdentityRow)

    def late() -> None:
        with database.write() as connection:
            now = read_clock(connection)
            merging.merge(connection, source_id=one, target_id=two, by="Ann", now=now, version=version)

    with database.read() as connection:
        version = connection.execute(sa.select(table.c.version).where(table.c.id == one)).scalar_one()
    with ThreadPoolExecutor(1) as pool:
        with database.write() as connection:
            connection.execute(sa.select(identity.c.id).with_for_update()).all()
            waits = pool.submit(late)
            wait_for_lock(database)
            connection.execute(sa.select(table.c.id).where(table.c.id == one).with_for_update(nowait=True)).all()
            connection.execute(sa.update(table).where(table.c.id == one).values(version=version + 1))
        with pytest.raises(Stale):
            waits.result()


def test_a_message_that_the_other_only_quoted_is_its_own_after_the_merge(database: Database, tmp_path: Path) -> None:
    one, two, _ = open_conversations(database, tmp_path)
    key = digest("one@customer.example")
    with database.write() as connection:
        quoted = {"digest": key, "conversation_id": two, "own": False}
        connection.execute(sa.insert(table_of(ThreadKeyRow)).values(quoted))
    before = sorted(rows_of(database, ThreadKeyRow, "digest", "conversation_id", "own"))
    assert (key, one, True) in before
    kept = merge(database, one, two)
    after = rows_of(database, ThreadKeyRow, "digest", "conversation_id", "own")
    assert [row[1:] for row in after if row[0] == key] == [(two, True)]
    with database.write() as connection:
        undo_regrouping(connection, kept, by="Ann", now=read_clock(connection))
    assert sorted(rows_of(database, ThreadKeyRow, "digest", "conversation_id", "own")) == before


def test_an_erased_customers_merge_keeps_no_words_of_theirs_and_is_not_undone(
    database: Database, tmp_path: Path
) -> None:
    # Given an emergency that was merged: the evidence of its alarm is kept for undoing it
    desk = Desk(database, tmp_path)
    desk.route(envelope("one", subject="Refund please", text="Please refund order 11."))
    desk.route(envelope("two", subject="Help", text="I was hacked, help."))
    source, target = home_of(database, "two@customer.example"), home_of(database, "one@customer.example")
    kept = merge(database, source, target)
    assert "hacked" in str(rows_of(database, RegroupingRow, "moved", "before", "after"))
    # When the customer is erased
    [contact] = {row[0] for row in rows_of(database, ConversationRow, "contact_id")}
    with database.write() as connection:
        erase_contact(connection, contact, by="Ann", reason="asked", now=read_clock(connection))
    # Then nothing of it is left, and nothing can bring it back
    assert rows_of(database, RegroupingRow, "moved", "before", "after") == [({}, {}, {})]
    with pytest.raises(Conflict), database.write() as connection:
        undo_regrouping(connection, kept, by="Ann", now=read_clock(connection))
