"""Reading events: by number, and only those of the reader's teams."""

from __future__ import annotations

from store.db.engine import Database
from store.events.append import NewEvent, append_events
from store.events.feed import events_after, newest_number, number_events
from tests.desk import RECEIVED_AT
from tests.inbox_builder import Builder


def test_who_is_limited_to_teams_gets_their_events_and_those_of_no_conversation(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        cases = [build.conversation(team=team) for team in ("payments", "risk")]
        append_events(connection, [NewEvent("a.b", case, at=RECEIVED_AT) for case in (*cases, None)])
        number_events(connection, after=0, limit=2)
        number_events(connection, after=2, limit=2)
    with database.read() as connection:
        assert [event.number for event in events_after(connection, 0, limit=9, teams=["risk"])] == [2, 3]
        assert [event.team for event in events_after(connection, 0, limit=9)] == ["payments", "risk", None]
        assert newest_number(connection) == 3
