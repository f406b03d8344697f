"""The stream: it resumes without gaps or repetitions, and a change wakes the streams of its own session alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

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
    transport = httpx.AsyncHTTPTransport(local_address=f"127.0.1.{number + 1}")
    client = httpx.AsyncClient(base_url=f"{desk.url}/chat/site", transport=transport, headers=SAME, timeout=20)
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
            await asyncio.sleep(0.01)
        raise AssertionError(f"no {words} in {self.text}")


def test_a_line_wakes_the_streams_of_its_session_and_no_other(desk: LiveDesk) -> None:
    async def run() -> int:
        clients = [await visitor(desk, number) for number in range(12)]
        readers = [Reader(client, after=1) for client in clients]
        for reader in readers:
            await reader.has("event: state")
        await quiet(desk)
        before = desk.chats.waker.woken
        await write(clients[7], "only mine")
        await readers[7].has("only mine")
        await quiet(desk)
        for reader in readers:
            reader.task.cancel()
        for client in clients:
            await client.aclose()
        assert sum("only mine" in reader.text for reader in readers) == 1
        return desk.chats.waker.woken - before

    assert asyncio.run(run()) == 1


async def quiet(desk: LiveDesk) -> None:
    """Wait until three looks in a row woke nothing."""
    for _ in range(100):
        before = desk.chats.waker.woken
        await asyncio.sleep(0.8)
        if desk.chats.waker.woken == before:
            return


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


def test_a_stop_ends_all_streams_within_five_seconds(desk: LiveDesk) -> None:
    async def run() -> float:
        client = await visitor(desk, 60)
        reader = Reader(client)
        await reader.has("event: state")
        began = time.monotonic()
        desk.chats.stop()
        await asyncio.wait([reader.task], timeout=20)
        await client.aclose()
        return time.monotonic() - began

    try:
        assert asyncio.run(run()) < 5
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
