"""Accept: the rows of a batch, also for messages sent twice, in another order or with the same key."""

from __future__ import annotations

from threading import Barrier, Thread

import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound.accept import accept
from store.tables.messages import InboundRow, OriginalRow
from store.tables.operations import EventRow
from tests.store.accepted import column, count, delivery, keep


def test_a_batch_leaves_a_row_and_an_original_each(database: Database) -> None:
    accepted = keep(database, delivery("1:1", b"one"), delivery("1:2", b"two"))

    assert len(accepted.ids) == 2
    assert sorted(map(str, column(database, "source_key"))) == ["1:1", "1:2"]
    assert count(database, table_of(OriginalRow)) == 2


def test_a_batch_that_comes_five_times_overlapping_adds_no_row(database: Database) -> None:
    batch = [delivery(f"1:{uid}", str(uid).encode()) for uid in range(10)]
    keep(database, *batch)

    for start in range(5):
        again = keep(database, *reversed(batch[start:]), batch[start])
        assert again.ids == ()

    assert count(database, table_of(InboundRow)) == 10


def test_other_bytes_under_a_known_key_are_a_second_row_and_an_alarm(database: Database) -> None:
    keep(database, delivery("1:1", b"one"))

    accepted = keep(database, delivery("1:1", b"other"))
    keep(database, delivery("1:1", b"other"))

    assert accepted.conflicts == 1
    assert sorted(map(bool, column(database, "conflict"))) == [False, True]
    with database.read() as connection:
        assert connection.execute(sa.select(table_of(EventRow).c.kind)).scalars().all() == ["inbound.conflict"]


def test_one_key_in_two_channels_is_two_messages(database: Database) -> None:
    keep(database, delivery("1:1"), channel="mail")
    keep(database, delivery("1:1"), channel="sales")

    assert count(database, table_of(InboundRow)) == 2


def test_what_cannot_be_read_is_kept_and_put_aside_with_the_reason(database: Database) -> None:
    accepted = keep(database, delivery("1:1", unreadable="its parts nest 5000 deep"))

    assert accepted.ids == ()
    assert column(database, "state") == ["quarantined"]
    assert column(database, "reason") == ["its parts nest 5000 deep"]
    assert count(database, table_of(OriginalRow)) == 1


def test_sixteen_at_once_with_one_message_make_one_row(database: Database) -> None:
    barrier, accepted = Barrier(16), []

    def deliver() -> None:
        barrier.wait()
        accepted.append(keep(database, delivery("SM1")))

    threads = [Thread(target=deliver) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(accepted) == 16
    assert sum(len(each.ids) for each in accepted) == 1
    assert count(database, table_of(InboundRow)) == 1


def test_a_rolled_back_batch_leaves_nothing(database: Database) -> None:
    try:
        with database.write() as connection:
            accept(connection, channel="mail", deliveries=[delivery("1:1")], backfill=False)
            raise RuntimeError
    except RuntimeError:
        pass

    assert count(database, table_of(InboundRow)) == 0
