"""What a blocked sender writes waits in quarantine, unanswered; after the block it can be replayed."""

from __future__ import annotations

from pathlib import Path

from store.contacts.blocked import block_sender
from store.db.engine import Database, read_clock
from store.inbound.quarantine import list_quarantined, replay
from store.tables.messages import ContactRow, MessageRow
from store.tables.operations import EventRow
from tests.desk import BOB, Desk, envelope


def test_a_blocked_senders_mail_waits_in_quarantine(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    desk.route(envelope("first", text="buy now"))
    contact = desk.rows(ContactRow)[0]

    def block(*, blocked: bool) -> None:
        with database.write() as connection:
            now = read_clock(connection)
            block_sender(connection, contact.id, blocked=blocked, by="Ming", now=now)

    block(blocked=True)
    block(blocked=True)
    desk.route(envelope("second", text="buy it today"), envelope("bob", text="a question", sender=BOB))

    said = [row.text for row in desk.rows(MessageRow)]
    assert sorted(said) == ["a question", "buy now"]
    with database.read() as connection:
        [held] = list_quarantined(connection, limit=10)
    assert "sender_blocked" in held.reason
    kinds = desk.rows(EventRow, "kind")
    assert (kinds.count("contact.blocked"), kinds.count("inbound.quarantined")) == (1, 1)

    block(blocked=False)
    with database.write() as connection:
        replay(connection, [held.id], by="Ming")
    desk.route()
    assert len(desk.rows(MessageRow)) == 3
