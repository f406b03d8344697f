"""The feed, as a tool reads it that keeps dying: every number once, in order, none missing."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from store.db.engine import Database
from store.desk.agents import add_agent, revoke_agent
from store.events.append import NewEvent, append_events
from tests.api.conftest import settings_in
from tests.desk import RECEIVED_AT
from tests.servers.ports import free_port
from workers.chores.publish_events import Publisher

ROOT = Path(__file__).parents[2]
# One writer: transactions of various lengths, some of which are rolled back.
WRITE = """
import datetime, random, sys, time
from store.db.engine import Database
from store.events.append import NewEvent, append_events
database, dice = Database(sys.argv[1]), random.Random(sys.argv[2])
now, written = datetime.datetime.now(datetime.UTC), 0
while written < 400:
    kinds = [f"w{sys.argv[2]}.n{written + number}" for number in range(dice.randrange(1, 6))]
    fails = dice.random() < 0.2
    try:
        with database.write() as connection:
            append_events(connection, [NewEvent(kind, at=now) for kind in kinds])
            time.sleep(dice.random() / 100)
            if fails:
                raise KeyError
    except KeyError:
        continue
    written += len(kinds)
    time.sleep(dice.random() / 100)
print(written)
"""
PUBLISH = """
import datetime, sys, time
from store.db.engine import Database
from workers.chores.publish_events import Publisher
publisher = Publisher(Database(sys.argv[1]), takeover=datetime.timedelta(seconds=0.5))
while True:
    publisher.once()
    time.sleep(0.01)
"""


class Served:
    """The desk on a port, with a token of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.port = free_port()
        app = create_app(settings_in(folder), database=database)
        self.tail = app.state.desk.tail
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_config=None)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        with database.write() as connection:
            self.token = add_agent(connection, name="tool", role="viewer")[1]
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def open(self, *, after: int) -> httpx.Client:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "text/event-stream",
            "Last-Event-ID": str(after),
        }
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", headers=headers, timeout=120)

    def stop(self) -> None:
        self.tail.stop()
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture
def served(database: Database, tmp_path: Path) -> Iterator[Served]:
    running = Served(database, tmp_path)
    yield running
    running.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start scripts; whatever becomes of the test, none runs after it."""
    started: list[subprocess.Popen[bytes]] = []

    def run(script: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", script, *arguments]
        more = {**os.environ, **environment}
        started.append(subprocess.Popen(command, cwd=ROOT, env=more, stdout=subprocess.PIPE))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def follow(served: Served, seen: list[tuple[int, str]], *, most: int) -> None:
    """Read some events of a new stream, then drop the connection."""
    with served.open(after=seen[-1][0] if seen else 0) as client, client.stream("GET", "/events/stream") as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                seen.append((event["number"], event["kind"]))
                most -= 1
                if most <= 0:
                    return


def test_a_reader_that_is_killed_a_hundred_times_sees_every_number_once_and_in_order(
    served: Served,
    database_url: str,
    tmp_path: Path,
    start: Callable[..., subprocess.Popen[bytes]],
) -> None:
    # Given two processes that write, and publishers that die
    writers = [start(WRITE, database_url, str(number)) for number in range(2)]
    marks = tmp_path / "marks"
    marks.mkdir()
    armed = {
        "OMNIYARD_FAILPOINTS": "publish.written=kill,publish.after=kill",
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    for _ in range(3):
        start(PUBLISH, database_url, **armed)
    # When a reader dies a hundred times
    dice = random.Random(7)
    seen: list[tuple[int, str]] = []
    for _ in range(100):
        follow(served, seen, most=dice.randrange(1, 9))
    written = sum(int(writer.communicate(timeout=120)[0]) for writer in writers)
    follow(served, seen, most=written - len(seen))
    # Then it has seen each number once, each writer's in its own order, and some publishers are dead
    assert [number for number, _ in seen] == list(range(1, written + 1))
    for writer in range(2):
        own = [kind for _, kind in seen if kind.startswith(f"w{writer}.")]
        assert own == [f"w{writer}.n{number}" for number in range(len(own))]
    assert len(own) >= 400
    assert {mark.name for mark in marks.iterdir()} == {"publish.written", "publish.after"}


def test_a_stream_ends_when_its_token_is_revoked_and_a_batch_tells_where_to_go_on(
    served: Served, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.event_stream._RECHECK_SECONDS", 0.2)
    publisher = Publisher(database, takeover=timedelta(seconds=5))
    with database.write() as connection:
        append_events(connection, [NewEvent(f"event.{number}", at=RECEIVED_AT) for number in range(3)])
    publisher.once()
    with served.open(after=2) as client:
        batch = client.get("/events", params={"after": 1, "limit": 1}).json()
        assert ([event["number"] for event in batch["events"]], batch["next_after"]) == ([2], 2)
        assert client.get("/events", params={"after": 3}).json() == {"events": [], "next_after": 3}
        assert client.get("/events/stream", headers={"Accept": "*/*"}).status_code == 406
        for wrong in ("x", "-1", "9" * 20, "1 OR 1"):
            assert client.get("/events/stream", headers={"Last-Event-ID": wrong}).status_code == 422
        assert client.get("/events", params={"after": 2**63 - 1}).json()["next_after"] == 2**63 - 1
        assert client.get("/events", params={"after": 2**63}).status_code == 422
        with client.stream("GET", "/events/stream") as answer:
            lines = answer.iter_lines()
            assert [next(lines) for _ in range(4)][2:] == ["id: 3", "event: event.2"]
            with database.write() as connection:
                revoke_agent(connection, name="tool")
            assert [line for line in lines if line.startswith("id:")] == []
        assert client.get("/events").status_code == 401
    publisher.release()
