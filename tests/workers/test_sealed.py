"""The database holds customers' texts only masked or encrypted, and originals are deleted on time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.base import Batch, RawMessage
from connectors.originals import unpack
from router.envelope import from_json
from router.reason import Reason, ReasonKey
from store.conversations.messages import find_original
from store.db.bulk import table_of
from store.db.encryption import Sealer
from store.db.engine import Database
from store.inbound.quarantine import list_quarantined
from store.inbound.retention import forget_originals
from store.inbound.stored_messages import stored_batch
from store.tables.messages import InboundRow, MessageRow, OriginalRow
from tests.desk import Desk, envelope
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

NUMBER = "4111 1111 1111 1111"
MAIL = f"""From: Ann {NUMBER} <ann@customer.example>
To: support@desk.example
Subject: my card {NUMBER}
Message-ID: <one@customer.example>
Date: Mon, 2 Nov 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

My card number is {NUMBER} and my password is hunter2pass
> my old card was {NUMBER}
--b
Content-Type: text/plain
Content-Disposition: attachment; filename="card {NUMBER}.txt"

{NUMBER}
--b--
""".replace("\n", "\r\n").encode()
PIECES = (b"4111111111111111", NUMBER.encode(), b"hunter2pass")


@pytest.fixture
def sealed(database_url: str) -> Iterator[Database]:
    pytest.importorskip("cryptography")
    opened = Database(database_url, sealer=Sealer(lambda: b"k" * 32))
    yield opened
    opened.close()


def dump(database: Database) -> bytes:
    """Return every value of every table, and on SQLite the bytes of the files."""
    found = []
    inspector = sa.inspect(database.engine)
    # An index without content cannot be selected from; its words are in the file, which the code below reads.
    names = [name for name in inspector.get_table_names() if name != "search_words"]
    with database.read() as connection:
        for name in names:
            rows = connection.execute(sa.text(f'SELECT * FROM "{name}"')).all()
            found += [value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row]
    if database.is_sqlite:
        path = Path(database.url.database)
        found += [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    return b"\n".join(bytes(each) for each in found)


def test_a_dump_of_the_database_holds_no_secret_and_the_desk_still_reads_its_originals(
    sealed: Database, tmp_path: Path
) -> None:
    # Given a desk whose originals are sealed, and a mail with secrets in every place
    desk = Desk(sealed, tmp_path)
    intake = Intake(sealed, bell=Bell(lambda: None))
    raw = [RawMessage(source_key="1", content=MAIL, received_at=datetime(2026, 11, 2, 10, tzinfo=UTC))]
    intake.take(Batch(channel="mail", messages=raw, cursor=None))
    intake.close()
    unread = dump(sealed)
    desk.route()

    # Then the database holds no secret before or after routing
    for piece in PIECES:
        assert piece not in unread
        assert piece not in dump(sealed)
    (message,) = desk.rows(MessageRow)
    assert "**** 1111" in message.text

    # And permitted users can still read the bytes and simulate another file
    with sealed.read() as connection:
        packed = find_original(connection, message.id)
        (stored,), _ = stored_batch(connection, since=datetime(2026, 1, 1, tzinfo=UTC), after=None, limit=9)
    assert unpack(packed.content, size=packed.size) == MAIL
    assert NUMBER in from_json(stored.envelope).subject

    # When their time is over, the originals are deleted; the masked text stays
    now = datetime.now(UTC)
    with sealed.write() as connection:
        assert forget_originals(connection, before=now - timedelta(days=1), limit=9) == 0
        assert forget_originals(connection, before=now + timedelta(days=1), limit=9) == 1
        assert stored_batch(connection, since=datetime(2026, 1, 1, tzinfo=UTC), after=None, limit=9) == ([], None)
    assert desk.rows(OriginalRow) == []
    assert len(desk.rows(MessageRow)) == 1


def test_a_quarantined_message_keeps_its_bytes_and_a_discarded_one_is_still_listed(
    sealed: Database, tmp_path: Path
) -> None:
    intake = Intake(sealed, bell=Bell(lambda: None))
    raw = [RawMessage(source_key=str(n), content=MAIL, received_at=datetime(2026, 11, 2, tzinfo=UTC)) for n in (1, 2)]
    intake.take(Batch(channel="mail", messages=raw, cursor=None))
    intake.close()
    table, later = table_of(InboundRow), datetime.now(UTC) + timedelta(days=1)
    with sealed.write() as connection:
        connection.execute(sa.update(table).values(state="quarantined"))
        connection.execute(sa.update(table).where(table.c.source_key == "1").values(discarded_at=later))
        assert forget_originals(connection, before=later, limit=9) == 1
        (waiting,) = list_quarantined(connection, limit=9)
        (discarded,) = list_quarantined(connection, discarded=True, limit=9)
    assert NUMBER in from_json(waiting.envelope).text
    assert from_json(discarded.envelope).text == ""


def test_only_a_row_that_cannot_be_decrypted_is_set_aside(sealed: Database, tmp_path: Path) -> None:
    # Given a page of which one row was damaged, and one was sealed by a machine with another key
    desk = Desk(sealed, tmp_path)
    desk.accept(*(envelope(f"{number}") for number in range(6)))
    table, other = table_of(InboundRow).c, Sealer(lambda: b"o" * 32)
    with sealed.write() as connection:
        for key, text in (("2", sealed.sealer.seal_text("{}")[:-8] + "AAAAAAA="), ("4", other.seal_text("{}"))):
            connection.execute(sa.update(table_of(InboundRow)).where(table.source_key == key).values(envelope=text))
    # When it is routed once
    assert desk.router.route_oldest() == 6
    # Then the others are routed in that one attempt
    rows = {row.source_key: row for row in desk.rows(InboundRow)}
    assert [key for key, row in sorted(rows.items()) if row.state == "routed"] == ["0", "1", "3", "5"]
    assert (rows["2"].reason, rows["2"].attempts) == (
        Reason(ReasonKey.ROUTING_FAILED, {"error": "PermanentError"}).line,
        1,
    )
    assert "sealed with a key that this process does not have" in rows["4"].reason
    assert rows["4"].attempts == 0
    # And the damaged one goes alone until a person sees it
    for _ in range(8):
        desk.let_waits_end()
        desk.router.route_alone()
    assert {row.source_key: row.state for row in desk.rows(InboundRow)}["2"] == "quarantined"
