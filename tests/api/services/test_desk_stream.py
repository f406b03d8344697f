"""The stream of the open pages: one look for all, told to those who may see it, resumed from a number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest
from fastapi import FastAPI
from sqlalchemy.engine import Connection

from api.pages.live.rows import ChangedRows
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader, DeskStream
from api.services.event_stream import Tail
from router.event_kinds import EventKind
from store.db.engine import Database
from store.db.ids import new_id
from store.events.feed import events_after
from tests.inbox_builder import NOON, Builder

ALL = DeskReader(agent_id=new_id(), name="Ming", sees_only=None, language="en")
RISK = DeskReader(agent_id=new_id(), name="Li", sees_only=frozenset({"risk"}), language="zh")


def each_event(_: Connection, look: DeskLook) -> Sequence[DeskNotice]:
    return [
        DeskNotice(
            kind="row", key=str(event.conversation_id), data=dict.fromkeys(look.languages, f"{event.number}"),
            is_for=lambda reader, team=event.team: reader.sees(team), number=event.number,
        )
        for event in look.events
    ]  # fmt: skip


class Looks:
    """Counts the looks that had events."""

    def __init__(self) -> None:
        self.busy = 0

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        self.busy += bool(look.events)
        return each_event(connection, look)


def stream_of(database: Database, source: Callable[[Connection, DeskLook], Sequence[DeskNotice]]) -> DeskStream:
    stream = DeskStream(Tail(database), database, now=lambda: NOON)
    stream.add(source)
    return stream


async def lines_of(records: AsyncIterator[str], *, until: str) -> str:
    said = ""
    async with asyncio.timeout(20):
        async for lines in records:
            said += lines
            if until in said:
                break
    return said


def opened(stream: DeskStream, reader: DeskReader, *, after: int | None) -> AsyncIterator[str]:
    return stream.records(reader, after=after, is_welcome=lambda: True)


def happen(database: Database, *teams: str) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for team in teams:
            build.event(build.conversation(team=team))


def test_one_look_serves_all_and_each_gets_what_they_may_see(database: Database) -> None:
    looks = Looks()
    stream = stream_of(database, looks)

    async def both() -> tuple[str, str]:
        theirs = (
            lines_of(opened(stream, ALL, after=0), until="id: 2"),
            lines_of(opened(stream, RISK, after=0), until="id: 2"),
        )
        tasks = [asyncio.create_task(each) for each in theirs]
        await asyncio.sleep(0)
        await asyncio.to_thread(happen, database, "payments", "risk")
        everything, risk = await asyncio.gather(*tasks)
        return everything, risk

    everything, risk = asyncio.run(both())
    assert ('id: 1\ndata: {"kind": "row", "id": 1, "data": 1}' in everything, "id: 1\n" in risk) == (True, False)
    assert 'id: 2\ndata: {"kind": "row", "id": 2, "data": 2}' in risk
    assert looks.busy <= 2, "not one look an agent"


def test_browsers_that_come_at_once_share_one_look(database: Database) -> None:
    asked = 0

    def count(_: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        nonlocal asked
        asked += 1
        return ()

    async def many() -> None:
        stream = stream_of(database, count)
        await asyncio.gather(*(lines_of(opened(stream, ALL, after=None), until='"reset"') for _ in range(10)))

    asyncio.run(many())
    assert asked <= 2


def test_a_browser_resumes_where_it_was_and_loads_again_after_a_long_absence(database: Database) -> None:
    happen(database, "payments", "payments")
    stream = stream_of(database, each_event)

    async def away() -> tuple[str, str, str]:
        first = await lines_of(opened(stream, ALL, after=1), until="id: 2")
        same = await lines_of(opened(stream, ALL, after=1), until="id: 2")
        # Before what this process knows, and in a language that no one had read then.
        before = await lines_of(opened(stream, ALL, after=0), until='"reset"')
        assert await lines_of(opened(stream, replace(ALL, language="zh"), after=1), until='"reset"')
        return first, same, before

    first, same, before = asyncio.run(away())
    assert "reset" not in first + same
    assert '"row"' not in before


def test_a_slow_browser_gets_the_newest_state_of_each_row_once(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation()
        for _ in range(5):
            build.event(case, EventKind.MESSAGE_RECEIVED)
    said = asyncio.run(lines_of(opened(stream_of(database, each_event), ALL, after=0), until="id: 5"))
    assert said.count('"row"') == 1


def test_a_look_that_fails_tells_the_browsers_to_ask_and_goes_on(database: Database) -> None:
    class Fails(Exception):
        """A fault of a source."""

    def fail(_: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        if look.events:
            raise Fails
        return ()

    happen(database, "payments")
    said = asyncio.run(lines_of(opened(stream_of(database, fail), ALL, after=0), until='"reset"'))
    assert '"row"' not in said


def test_a_place_is_given_back_when_a_browser_leaves(database: Database) -> None:
    stream = stream_of(database, each_event)

    async def come_and_go() -> None:
        for _ in range(20):
            records = opened(stream, ALL, after=None)
            await anext(records)
            await records.aclose()  # type: ignore[attr-defined]

    asyncio.run(come_and_go())
    assert asyncio.run(lines_of(opened(stream, ALL, after=None), until='"reset"'))


@pytest.mark.parametrize(("moved", "told"), [(False, {"row"}), (True, {"row", "gone"})])
def test_a_row_is_rendered_once_a_language_and_leaves_the_team_that_it_left(
    app: FastAPI, database: Database, *, moved: bool, told: set[str]
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(team="payments", subject="<b>5 & 6</b>")
        build.event(case, EventKind.CONVERSATION_MOVED if moved else EventKind.MESSAGE_RECEIVED)
    desk = app.state.desk
    with database.read() as connection:
        look = DeskLook(events=events_after(connection, 0, limit=9), readers=[ALL, ALL, RISK], now=NOON)
        notices = ChangedRows(desk, app.state.templates)(connection, look)
    [row] = [each for each in notices if each.kind == "row"]
    assert {each.kind for each in notices} == told
    assert row.data.keys() == {"en", "zh"}
    assert "&lt;b&gt;5 &amp; 6&lt;/b&gt;" in row.data["en"]
    assert (row.is_for(ALL), row.is_for(RISK)) == (True, False)
    assert all(each.is_for(RISK) and not each.is_for(ALL) for each in notices if each.kind == "gone")
