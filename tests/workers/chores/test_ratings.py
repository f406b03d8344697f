"""Customers get a rating question once per closing, at most every thirty days, through the outbound ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from router.conversation_status import Status
from store.conversations.changes import Change, change, lock
from store.conversations.ratings import last_closing, list_ratings, rate, score_of, take_closings
from store.conversations.sla import change_status
from store.db.engine import Database
from store.tables.case_records import RatingRow
from store.tables.messages import ContactRow, ConversationRow
from store.tables.operations import OutboundRow
from tests.desk import BOB, TOML, Desk, envelope
from workers.chores.publish_events import Publisher
from workers.chores.ratings import RatingAsker

ASKS = (
    TOML.replace('data = "{data}"', 'data = "{data}"\nrating = "how"\npublic_url = "https://desk.example"').replace(
        "[channels.sales]", '[channels.mail.send]\nhost = "127.0.0.1"\nsecurity = "none"\n[channels.sales]'
    )
    + '\n[replies.how]\ntext = {{ en = "How was {{reference}}? {{status_link}}" }}\n'
)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=ASKS)


def close(desk: Desk, number: int, status: Status = Status.RESOLVED) -> None:
    case = desk.rows(ConversationRow, "id")[number]
    with desk.database.write() as connection:
        change_status(connection, conversation_id=case, status=status, at=datetime.now(UTC), by="Li")


def test_each_closing_is_asked_about_once_and_no_customer_twice_within_thirty_days(desk: Desk) -> None:
    publisher = Publisher(desk.database, takeover=timedelta(seconds=60))
    asker = RatingAsker(desk.database, desk.brain)

    def look() -> int:
        while publisher.once():
            pass
        return asker.once()

    # Given cases of two customers, one on a channel without sending, and one closed before the first pass
    desk.route(envelope("1"), envelope("2", sender=BOB), envelope("3", subject="Another"))
    desk.route(envelope("4", sender=BOB, channel="sales", subject="Sales"))
    close(desk, 0)
    assert look() == 0
    # When they are closed
    for number in (1, 2, 3):
        close(desk, number)
    # Then two get a question, as rows of the ledger, with a link
    assert look() == 2
    assert look() == 0
    texts = [text for text in desk.rows(OutboundRow, "text") if text.startswith("How was")]
    assert [text for text in texts if "-" in text.partition("?")[0]] == [], "the short reference"
    assert len(texts) == 2
    assert all("https://desk.example/case/" in text for text in texts)
    # And a case that is closed again is not asked about again within thirty days, but later
    close(desk, 1, Status.OPEN)
    close(desk, 1)
    assert look() == 0
    desk.change(RatingRow, asked_at=datetime.now(UTC) - timedelta(days=31))
    # And an erased customer gets no question, nor does a case that was merged into another
    close(desk, 2, Status.OPEN)
    desk.change(ContactRow, erased_at=datetime.now(UTC))
    close(desk, 2)
    assert look() == 0
    desk.change(ContactRow, erased_at=None)
    close(desk, 1, Status.OPEN)
    assert look() == 0
    close(desk, 1)
    assert look() == 1


def test_a_batch_of_closings_takes_as_many_queries_as_one_closing(desk: Desk) -> None:
    publisher = Publisher(desk.database, takeover=timedelta(seconds=60))
    queries: list[str] = []
    sa.event.listen(desk.database.engine, "before_cursor_execute", lambda *arguments: queries.append(arguments[2]))

    def look() -> tuple[int, int]:
        while publisher.once():
            pass
        queries.clear()
        with desk.database.write() as connection:
            closings, _ = take_closings(connection)
        return len(closings), len(queries)

    desk.route(*(envelope(str(number), subject=f"Case {number}") for number in range(6)))
    look()
    close(desk, 0)
    one, queries_of_one = look()
    for number in range(1, 6):
        close(desk, number)
    assert (one, *look()) == (1, 5, queries_of_one)


def test_a_closing_is_rated_once_and_the_next_closing_again(desk: Desk) -> None:
    desk.route(envelope("1"))
    (case,) = desk.rows(ConversationRow, "id")
    with desk.database.read() as connection:
        assert last_closing(connection, case) is None
    close(desk, 0)
    for expected in (True, False):
        with desk.database.write() as connection:
            closing = last_closing(connection, case)
            assert closing
            score = 5 if expected else 1
            said = rate(connection, closing=closing, conversation_id=case, score=score, masked="good")
            assert (said, score_of(connection, closing)) == (expected, 5)
    close(desk, 0, Status.OPEN)
    with desk.database.read() as connection:
        assert last_closing(connection, case) is None
    close(desk, 0)
    with desk.database.write() as connection:
        again = last_closing(connection, case)
        assert again
        assert again != closing
        assert score_of(connection, again) is None
        rate(connection, closing=again, conversation_id=case, score=2, masked="")
    with desk.database.read() as connection:
        (newest,) = list_ratings(connection, limit=1)
        assert [row.score for row in list_ratings(connection, limit=9, teams=[newest.team])] == [2, 5]
        assert list_ratings(connection, limit=9, teams=["empty"]) == []
        before = (newest.rated_at, newest.closing)
        assert [row.score for row in list_ratings(connection, limit=9, before=before)] == [5]


def test_a_forged_case_is_closed_without_a_question_to_the_owner_of_the_address(
    database: Database, tmp_path: Path
) -> None:
    desk = Desk(database, tmp_path, toml=ASKS.replace("[omniyard]", '[omniyard]\nauthserv_id = "mx.desk.example"'))
    asker = RatingAsker(desk.database, desk.brain)
    assert asker.once() == 0
    desk.route(envelope("1", authentication=("mx.desk.example; dmarc=fail",)), envelope("2", sender=BOB))
    for number in range(2):
        close(desk, number)
    while Publisher(desk.database, takeover=timedelta(seconds=60)).once():
        pass
    assert asker.once() == 1
    assert [row.recipient for row in desk.rows(OutboundRow) if row.text.startswith("How was")] == [BOB.handle]


def test_no_question_follows_what_was_none_of_ours(desk: Desk) -> None:
    publisher, asker = Publisher(desk.database, takeover=timedelta(seconds=60)), RatingAsker(desk.database, desk.brain)
    desk.route(envelope("1", text="Our summer catalogue"), envelope("2", sender=BOB))
    while publisher.once():
        pass
    assert asker.once() == 0
    for id_, category in zip(desk.rows(ConversationRow, "id"), ("", None), strict=True):
        with desk.database.write() as connection:
            wanted = Change(status=Status.RESOLVED, category=category)
            change(connection, lock(connection, id_), wanted=wanted, by="Li", now=datetime.now(UTC))
    while publisher.once():
        pass
    assert asker.once() == 1
