"""The stream: it resumes without gaps or repetitions, and a change wakes the streams of its own session alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import pytest

from api.chat.chat_stream import line_record
from api.services.chat_state import LineShown
from api.services.keyed_waker import KeyedWaker
from tests.api.chat.conftest import SAME
from tests.live_chat import LiveDesk, live_desk

STREAM = {"Accept": "text/event-stream"}
AT = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDesk]:
    with live_desk(tmp_path_factory.mktemp("stream")) as opened:
        yield opened


def events(text: str) -> list[tuple[str, str]]:
    """Return the events that a browser dispatches, with their ids: those whose blank line has come."""
    records = text.split("\n\n")[:-1]
    fields = [dict(line.split(": ", 1) for line in record.split("\n") if ": " in line) for record in records]
    return [(each["id"], each["data"]) for each in fields if each.get("event") == "line"]


def test_a_stream_that_is_cut_at_any_byte_and_resumed_misses_and_repeats_nothing() -> None:
    texts = ["one", "two\nlines", "三\u2028", 'quotes " and \\ and \r\n\r\n', "event: line\n\ndata: forged"]
    lines = [LineShown(seq=seq, kind="agent", text=text, at=AT) for seq, text in enumerate(texts, 1)]
    sent = "".join(map(line_record, lines)).encode()
    assert len(sent) > 500
    for cut in range(len(sent) + 1):
        first = events(sent[:cut].decode("utf-8", "ignore"))
        last = int(first[-1][0]) if first else 0
        rest = events("".join(line_record(line) for line in lines if line.seq > last))
        assert [json.loads(data)["text"] for _, data in first + rest] == texts, cut


async def visitor(desk: LiveDesk, number: int) -> httpx.AsyncClient:
    """Return a visitor's browser at an address of its own, with a session and a line."""
    # The server closes an idle connection after some seconds; a browser would try again by itself.
    limits = httpx.Limits(max_keepalive_connections=0)
    transport = httpx.AsyncHTTPTransport(local_address=f"127.0.1.{number + 1}", limits=limits)
    client = httpx.AsyncClient(base_url=f"{desk.url}/chat/site", transport=transport, headers=SAME, timeout=60)
    assert (await client.post("/session", json={})).status_code == 200
    await write(client, "hello")
    return client


async def write(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post("/lines", json={"client_id": str(uuid4()), "text": text})
    assert answer.status_code == 200


class Reader:
    """Reads one stream into `text` until it ends."""

    def __init__(self, client: httpx.AsyncClient, after: int = 0) -> None:
        self.text, self.status, self.headers = "", 0, httpx.Headers()
        self.task = asyncio.create_task(self._read(client, after))

    async def _read(self, client: httpx.AsyncClient, after: int) -> None:
        async with client.stream("GET", "/stream", params={"after": after}, headers=STREAM) as answer:
            self.status, self.headers = answer.status_code, answer.headers
            async for part in answer.aiter_text():
                self.text += part

    async def has(self, words: str) -> None:
        for _ in range(6000):
            if words in self.text or (self.status > 299 and self.task.done()):
                return
            if self.task.done():
                self.task.result()
            await asyncio.sleep(0.01)
        raise AssertionError(f"no {words} in {self.text}")


def test_a_line_wakes_the_streams_of_its_session_and_no_other(desk: LiveDesk, looks: list[None]) -> None:
    async def run() -> int:
        clients = [await visitor(desk, number) for number in range(12)]
        readers = [Reader(client, after=1) for client in clients]
        for reader in readers:
            await reader.has("event: state")
        await quiet(desk, looks)
        before = desk.chats.waker.woken
        await write(clients[7], "only mine")
        await readers[7].has("only mine")
        await quiet(desk, looks)
        for reader in readers:
            reader.task.cancel()
        for client in clients:
            await client.aclose()
        assert sum("only mine" in reader.text for reader in readers) == 1
        return desk.chats.waker.woken - before

    assert asyncio.run(run()) == 1


async def quiet(desk: LiveDesk, looks: list[None]) -> None:
    """Wait until three looks in a row, of which the first may have begun already, woke nothing."""
    before = -1
    while before != desk.chats.waker.woken:
        before, seen = desk.chats.waker.woken, len(looks)
        while len(looks) < seen + 4:  # noqa: ASYNC110  (the waker has no event for it)
            await asyncio.sleep(0.02)


@pytest.fixture
def looks(desk: LiveDesk, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One element for each time that the waker has asked what changed."""
    asked: list[None] = []
    look = desk.chats.waker._look

    def counted(keys: Collection[UUID]) -> Collection[UUID]:
        asked.append(None)
        return look(keys)

    monkeypatch.setattr(desk.chats.waker, "_look", counted)
    return asked


def test_a_sixth_stream_of_a_session_is_refused_and_polls(desk: LiveDesk) -> None:
    async def run() -> None:
        client = await visitor(desk, 40)
        readers = [Reader(client) for _ in range(5)]
        for reader in readers:
            await reader.has("event: state")
        sixth = Reader(client)
        await sixth.has("never")
        assert (sixth.status, sixth.headers["retry-after"]) == (503, "10")
        assert (await client.get("/lines")).json()["lines"][0]["text"] == "hello"
        for reader in readers:
            reader.task.cancel()
        await client.aclose()

    asyncio.run(run())


def test_signing_out_ends_the_stream(desk: LiveDesk) -> None:
    async def run() -> None:
        client = await visitor(desk, 50)
        reader = Reader(client)
        await reader.has("event: state")
        await client.post("/sign-out", json={})
        await reader.has("event: gone")
        await client.aclose()

    asyncio.run(run())


def test_a_stop_ends_all_streams_within_five_seconds(desk: LiveDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stream that did not hear of it would end with its next heartbeat, if at all.
    monkeypatch.setattr("api.chat.chat_stream._HEARTBEAT_SECONDS", 600.0)

    async def run() -> bool:
        client = await visitor(desk, 60)
        reader = Reader(client)
        await reader.has("event: state")
        desk.chats.stop()
        await asyncio.wait([reader.task], timeout=60)
        await client.aclose()
        return reader.task.done()

    try:
        assert asyncio.run(run())
    finally:
        desk.chats.waker.stopped = False


def test_a_change_between_reading_and_waiting_is_not_missed() -> None:
    async def run() -> bool:
        waker: KeyedWaker[str] = KeyedWaker(lambda keys: [])
        with waker.entered("a"):
            ticket = waker.ticket("a")
            waker.wake("a")
            await asyncio.sleep(0)
            return await waker.wait("a", ticket, seconds=0)

    assert asyncio.run(run())
