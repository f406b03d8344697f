"""Outgoing webhooks against a real server: signed, in order, retried until accepted, never to internal networks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from connectors.safe_http import Forbidden, post
from router.errors import TransientError
from router.settings.model import WebhookSettings
from store.db.bulk import table_of
from store.db.engine import Database
from store.events.append import NewEvent, append_events
from store.events.webhook_deliveries import count_deliveries, list_deliveries, replay_deliveries
from store.tables.operations import DeliveryRow
from tests import forks
from tests.desk import RECEIVED_AT
from tests.inbox_builder import Builder
from workers.chores.publish_events import Publisher
from workers.chores.webhooks import Target, fan_out_step
from workers.runtime.failpoints import WEBHOOKS

KEY = b"a key of thirty-two bytes, aye!!"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
DELIVER = """
import sys
from router.settings.model import WebhookSettings
from store.db.bulk import table_of
from store.db.engine import Database
from workers.chores.webhooks import Target
settings = WebhookSettings(url=sys.argv[2], secret="env:HOOK_SECRET", allow_private=True)
target = Target(Database(sys.argv[1]), "tool", settings=settings)
while target.once():
    pass
"""


@dataclass
class Receiver:
    """A target's server. answers: statuses of the next requests, 200 afterwards; a float waits that many seconds."""

    url: str = ""
    answers: list[int | float] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.paths.append(self.path)
            answer = receiver.answers.pop(0) if receiver.answers else 200
            if isinstance(answer, float):
                time.sleep(answer)
                return
            if answer == 200:
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answer)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def settings(url: str, **more: Any) -> WebhookSettings:
    return WebhookSettings.model_validate({"url": url, "secret": "env:HOOK_SECRET", "allow_private": True} | more)


class House:
    """A publisher and its targets over one database."""

    def __init__(self, database: Database, **webhooks: WebhookSettings) -> None:
        self.database = database
        self.publisher = Publisher(database, takeover=timedelta(seconds=60), steps=(fan_out_step(webhooks),))
        self.targets = {name: Target(database, name, settings=each, seconds=1) for name, each in webhooks.items()}

    def tell(self, *kinds: str, case: UUID | None = None) -> None:
        with self.database.write() as connection:
            append_events(connection, [NewEvent(kind, case, {"by": "Li"}, at=RECEIVED_AT) for kind in kinds])
        while self.publisher.once():
            pass

    def dead(self) -> list[str]:
        with self.database.read() as connection:
            return [row.kind for row in list_deliveries(connection, state="dead", limit=10)]

    def skip(self, wait: timedelta) -> None:
        """Make every waiting event due."""
        with self.database.write() as connection:
            rows = list_deliveries(connection, state="queued", limit=100)
            for row in rows:
                values = {"id": row.id, "due": row.due_at - wait, "since": (row.tried_since or row.created_at) - wait}
                table = table_of(DeliveryRow)
                statement = sa.update(table).where(table.c.id == row.id)
                connection.execute(statement.values(due_at=values["due"], tried_since=values["since"]))


def test_events_arrive_signed_and_each_conversations_in_order(database: Database, receiver: Receiver) -> None:
    # Given a target for some kinds, whose first answer is an error
    house = House(database, tool=settings(receiver.url, events=["conversation.*", "message.queued"]))
    with database.write() as connection:
        build = Builder(connection)
        first, second = build.conversation(), build.conversation()
    receiver.answers = [500]
    house.tell("conversation.opened", "sla.warned", "message.queued", case=first)
    # When the first event fails
    assert house.targets["tool"].once() == 0
    house.tell("conversation.opened", case=second)
    # Then the rest of its conversation waits, and another conversation does not
    assert house.targets["tool"].once() == 1
    assert receiver.events()[0]["data"]["conversation_id"] == str(second)
    house.skip(timedelta(minutes=1))
    while house.targets["tool"].once():
        pass
    assert receiver.kinds() == ["conversation.opened", "conversation.opened", "message.queued"]
    # And each is signed as Standard Webhooks says
    for headers, body in receiver.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    event = receiver.events()[-1]
    assert (event["data"]["number"], event["data"]["by"], event["timestamp"][:10]) == (3, "Li", "2026-03-02")
    with database.read() as connection:
        assert count_deliveries(connection) == {}


def test_an_event_refused_for_a_day_is_listed_and_can_be_replayed(database: Database, receiver: Receiver) -> None:
    house = House(database, tool=settings(receiver.url))
    target = house.targets["tool"]
    house.tell("a.one", "a.two")
    # Given a target that answers 410 to one event, and fails for a day for the other
    receiver.answers = [410, 302, 503]
    for _ in range(2):
        assert target.once() == 0
        house.skip(timedelta(hours=25))
    # Then both are listed, and nothing followed the redirect
    assert sorted(house.dead()) == ["a.one", "a.two"]
    assert set(receiver.paths) == {"/hook"}
    # And a replay delivers them
    with database.write() as connection:
        assert replay_deliveries(connection, target="tool") == 2
        assert replay_deliveries(connection, target="tool") == 0
    while target.once():
        pass
    assert sorted(receiver.kinds()) == ["a.one", "a.two"]


def test_a_slow_target_delays_no_other(database: Database, receiver: Receiver) -> None:
    house = House(database, slow=settings(receiver.url), quick=settings(receiver.url + "/quick"))
    house.tell(*(f"a.n{number}" for number in range(3)))
    receiver.answers = [1.5]
    for target in house.targets.values():
        target.start()
    wait_for(lambda: receiver.paths.count("/hook/quick") == 3)
    for target in house.targets.values():
        target.stop(seconds=10)


# A kill is tested on both databases; a failure or a freeze takes the same code path on both.
@pytest.mark.parametrize(
    ("database_url", "action"),
    [("sqlite", "kill"), ("postgresql", "kill"), ("sqlite", "raise"), ("postgresql", "hang:1.5")],
    indirect=["database_url"],
)
@pytest.mark.parametrize("place", WEBHOOKS)
def test_a_sender_that_dies_fails_or_freezes_repeats_at_most_its_events_in_flight(
    database: Database, database_url: str, receiver: Receiver, tmp_path: Path, place: str, action: str
) -> None:
    house = House(database, tool=settings(receiver.url))
    house.tell("a.one", "a.two")
    armed = {"OMNIYARD_FAILPOINTS": f"{place}={action}", "OMNIYARD_FAILPOINT_MARKS": str(tmp_path)}
    sender = forks.start(["-c", DELIVER, database_url, receiver.url], env={**os.environ, **armed})
    frozen = action.startswith("hang")
    wait_for((tmp_path / place).exists if frozen else lambda: sender.poll() is not None)
    # As if its lease had ended.
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM lease")
    while house.targets["tool"].once():
        pass
    # The process that wakes finds that another has its lease, and settles nothing.
    assert sender.wait(20) == (-signal.SIGKILL if action == "kill" else 1)
    assert (tmp_path / place).exists()
    assert house.targets["tool"].once() == 0
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(set(ids)) == 2
    assert len(ids) == (4 if place == "webhook.sent" or frozen else 2)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "[::1]", "2130706433", "0x7f.1", "0.0.0.0", "169.254.169.254", "10.1.2.3", "192.168.0.1"),
        *("100.100.100.200", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00::1]", "[fe80::1]"),
        *("[ff02::1]", "224.0.0.1", "255.255.255.255", "localhost"),
    ],
)
def test_nothing_is_posted_to_our_own_networks(host: str) -> None:
    with pytest.raises(Forbidden):
        post(f"http://{host}:9/", body=b"", headers={}, seconds=1)


def test_an_endless_name_lookup_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def resolve(*_: object, **__: object) -> list[Any]:
        # Like a resolver whose servers do not answer.
        answered.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(TransientError, match="not resolved within"):
        post("https://hooks.example/", body=b"{}", headers={}, seconds=0.1)
    answered.set()


def test_a_target_that_answers_byte_by_byte_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer:
                try:
                    while True:
                        peer.sendall(b"H")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(TransientError):
            post(url, body=b"{}", headers={}, allow_private=True, seconds=0.3)
        thread.join()


def wait_for(holds: Any) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
