"""The publisher numbers events without gaps, in the order of writing, even if a publisher dies."""

from __future__ import annotations

import os
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from benchmarks.rig import wait_until
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.events.append import NewEvent, append_events
from store.events.feed import FeedEvent, events_after
from store.tables.operations import EventRow
from tests import forks
from tests.desk import RECEIVED_AT
from workers.chores.publish_events import Publisher, PublishingPace

SOON = timedelta(seconds=1)
# A publisher in a process of its own, which an armed failpoint ends; it prints the number of events found before.
PUBLISH = """
import sys, datetime
from store.db.engine import Database
from workers.chores.publish_events import Publisher
publisher = Publisher(Database(sys.argv[1]), takeover=datetime.timedelta(seconds=0.2))
for _ in range(400):
    publisher.once()
"""


def write(database: Database, *kinds: str) -> None:
    with database.write() as connection:
        append_events(connection, [NewEvent(kind, at=RECEIVED_AT) for kind in kinds])


def published(database: Database, *, after: int = 0) -> list[FeedEvent]:
    with database.read() as connection:
        return events_after(connection, after, limit=10_000)


def kinds(database: Database) -> list[tuple[int, str]]:
    return [(event.number, event.kind) for event in published(database)]


def test_events_are_numbered_in_the_order_of_writing_regardless_of_their_ids(database: Database) -> None:
    # Given two events whose ids run backwards, as the clocks of two machines may
    publisher = Publisher(database, takeover=SOON)
    ids = sorted((new_id() for _ in range(2)), reverse=True)
    for number, id_ in enumerate(ids):
        row = {"id": id_, "kind": f"written.{number}", "payload": {}, "at": RECEIVED_AT}
        with database.write() as connection:
            connection.execute(sa.insert(table_of(EventRow)).values(row))
    # When they are published
    assert publisher.once() == 2
    assert publisher.once() == 0
    # Then it is in the order in which they were written
    assert kinds(database) == [(1, "written.0"), (2, "written.1")]
    publisher.release()


def test_what_is_written_is_published_without_a_pause(database: Database) -> None:
    # Given a publisher that looks every minute, and waits as long for what was announced
    pace = PublishingPace(busy=60, idle=60, quiet=60)
    publisher = Publisher(database, takeover=timedelta(seconds=60), pace=pace)
    publisher.start()
    # When events are written
    write(database, "written.0")
    publisher.written()
    # Then they are published, long before the next look
    wait_until(lambda: kinds(database) == [(1, "written.0")], seconds=30)
    # And what comes right after them waits for company
    write(database, "written.1")
    publisher.written()
    publisher.stop(seconds=30)
    assert kinds(database) == [(1, "written.0")]


def test_a_late_commit_gets_a_later_number(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's writers take turns")
    publisher = Publisher(database, takeover=SOON)
    with database.write() as slow:
        append_events(slow, [NewEvent("slow.begun", at=RECEIVED_AT)])
        write(database, "quick.done")
        publisher.once()
    publisher.once()
    assert kinds(database) == [(1, "quick.done"), (2, "slow.begun")]


def test_one_process_is_the_publisher_and_another_takes_over(database: Database) -> None:
    first, second = (Publisher(database, takeover=SOON) for _ in range(2))
    write(database, "a.one")
    assert (first.once(), second.once()) == (1, 0)
    # Given that the first has lost its lease without knowing
    with database.write() as connection:
        connection.execute(sa.text("UPDATE lease SET token = :token"), {"token": UUID(int=0).hex})
    write(database, "a.two")
    # Then it numbers nothing
    assert first.once() == 0
    assert kinds(database) == [(1, "a.one")]


@pytest.mark.parametrize("place", ["publish.before", "publish.written", "publish.after"])
def test_a_publisher_that_is_killed_leaves_no_gap_and_repeats_nothing(
    database: Database, database_url: str, place: str
) -> None:
    # Given a publisher that dies at a certain step
    write(database, *(f"event.{number}" for number in range(700)))
    environment = {**os.environ, "OMNIYARD_FAILPOINTS": f"{place}=kill"}
    died = forks.run(["-c", PUBLISH, database_url], env=environment)
    assert died.returncode < 0
    # When another takes over
    heir = Publisher(database, takeover=timedelta(seconds=0.2))
    while len(published(database)) < 700:
        heir.once()
    # Then the numbers are those of the order of writing
    assert kinds(database) == [(number + 1, f"event.{number}") for number in range(700)]
    heir.release()
