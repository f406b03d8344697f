"""Answers to the operator's own systems: sent once or collected until confirmed; their files, fetched safely."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import WebhookRequest
from connectors.registry import open_senders
from router.errors import NotFound
from store.conversations.messages import find_fetched, missing_files
from store.tables.gates import FetchedFileRow
from store.tables.messages import AttachmentRow, ConversationRow
from store.tables.operations import AUTO_REPLY, EventRow, OutboundRow
from tests.custom_desk import CustomDesk, message, signed
from tests.fakes.custom_app import App
from tests.fakes.server import DemoAnswer, FakeServer, Fault
from tests.workers.custom.answers import deliver_lane, queue, reply
from workers.chores.fetch_files import MOST_ATTEMPTS, FileFetcher
from workers.intake.provider_webhooks import Unsigned
from workers.sending.pull_outbox import Collected, Outbox

COLLECT = "[channels.app.send]\ncollect = true"


@pytest.fixture
def app() -> Iterator[App]:
    server = App()
    yield server
    server.stop()


def desk_with(database, tmp_path, monkeypatch, more: str) -> CustomDesk:
    desk = CustomDesk(database, tmp_path, monkeypatch, more=more)
    monkeypatch.setenv("OUR_SECRET", "whsec_YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcywgYXllISE=")
    return desk


def deliver(desk: CustomDesk) -> None:
    deliver_lane(desk, "custom")


def way(app: App, more: str = "") -> str:
    return f'[channels.app.send]\nurl = "{app.base}/answers"\nsecret = "env:OUR_SECRET"\nallow_private = true\n{more}'


def states(desk: CustomDesk) -> list[str]:
    return [row.state for row in desk.rows(OutboundRow)]


def test_an_agents_answer_reaches_their_system_and_its_status_comes_back(database, tmp_path, monkeypatch, app):
    desk = desk_with(database, tmp_path, monkeypatch, way(app))
    desk.push(message())
    reply(desk, "it is on its way")
    deliver(desk)
    (sent,) = app.known.values()
    assert (sent["text"], sent["user"]) == ("it is on its way", {"id": "u-7"})
    read = {"type": "delivery", "ours": sent["id"], "status": "read"}
    late = {"type": "delivery", "id": "theirs-1", "status": "delivered"}
    assert [desk.ask(each).status for each in (read, late, read)] == [200, 200, 200]
    assert desk.rows(OutboundRow, "delivery") == ["read"]


def test_of_statuses_one_of_no_message_of_ours_tells_nothing(database, tmp_path, monkeypatch, app):
    desk = desk_with(database, tmp_path, monkeypatch, way(app))
    unknown = [{"ours": str(uuid.uuid4())}, {"id": "theirs-9"}]
    answers = [desk.ask({"type": "delivery", "status": "read"} | each) for each in unknown]
    assert [answer.status for answer in answers] == [404, 404]
    assert desk.ask({"type": "ping"}).status == 200


@pytest.mark.parametrize(("deduplicates", "posts", "state"), [(True, 2, "sent"), (False, 1, "needs_person")])
def test_checks_10_and_11_an_unclear_attempt(database, tmp_path, monkeypatch, app, deduplicates, posts, state):
    desk = desk_with(database, tmp_path, monkeypatch, way(app, f"deduplicates = {str(deduplicates).lower()}"))
    desk.push(message())
    reply(desk, "it is on its way")
    app.script(Fault(lose=True))
    for _ in range(4):
        deliver(desk)
        desk.change(OutboundRow, due_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (len(app.asked), len(app.known), states(desk)) == (posts, 1, [state])


def test_a_second_answer_waits_for_the_first(database, tmp_path, monkeypatch, app):
    desk = desk_with(database, tmp_path, monkeypatch, way(app))
    desk.push(message(), message("m-2", user={"id": "u-8"}))
    app.script(Fault(answer=DemoAnswer(503, headers={"Retry-After": "3600"})))
    for words, user in (("first", "u-7"), ("second", "u-7"), ("to another", "u-8")):
        reply(desk, words, to=user)
    for _ in range(2):
        deliver(desk)
    assert [each["text"] for each in app.known.values()] == ["to another"]


def test_what_is_collected_and_not_confirmed_comes_again(database, tmp_path, monkeypatch):
    desk = desk_with(database, tmp_path, monkeypatch, COLLECT)
    desk.push(message())
    reply(desk, "first")
    reply(desk, "second")
    quick = Outbox(desk.settings, desk.database, lease=timedelta(0))
    (one,), (again,) = quick.hand_out("app"), quick.hand_out("app")
    assert (one.text, again.outbound_id) == ("first", one.outbound_id)
    steady = Outbox(desk.settings, desk.database)
    assert [each.text for each in steady.hand_out("app")] == ["first"]
    # The second waits for the first, which is on its way.
    assert steady.hand_out("app") == []
    assert steady.settle("app", [Collected(one.outbound_id, "theirs-1")]) == {one.outbound_id: True}
    assert [each.text for each in steady.hand_out("app")] == ["second"]
    assert sorted(states(desk)) == ["sending", "sent"]
    assert open_senders(desk.settings).get("custom") is None


def test_what_their_system_refuses_goes_back_to_its_agent(database, tmp_path, monkeypatch):
    desk = desk_with(database, tmp_path, monkeypatch, COLLECT)
    desk.push(message())
    reply(desk, "first")
    outbox = Outbox(desk.settings, desk.database)
    (one,) = outbox.hand_out("app")
    other = uuid.uuid4()
    said = outbox.settle("app", [Collected(one.outbound_id, refused="no_user"), Collected(other)])
    assert said == {one.outbound_id: True, other: False}
    assert (states(desk), desk.rows(ConversationRow, "status")) == (["failed"], ["open"])


def test_only_their_system_collects(database, tmp_path, monkeypatch, app):
    now = datetime.now(UTC)
    desk = desk_with(database, tmp_path, monkeypatch, COLLECT)
    desk.push(message())
    reply(desk, "first")
    (item,) = desk.webhooks.collect("app", signed(b""), limit=1, now=now)
    assert (item["user"], item["text"]) == ({"id": "u-7"}, "first")
    with pytest.raises(Unsigned):
        desk.webhooks.collect("app", WebhookRequest(body=b"", headers={}), limit=1, now=now)
    with pytest.raises(NotFound):
        desk.webhooks.collect("mail", signed(b""), limit=1, now=now)


# Nothing that a machine wrote leaves on a public channel, whatever queued it.


@pytest.mark.parametrize("collected", [False, True])
def test_no_machine_answers_in_public(database, tmp_path, monkeypatch, app, collected):
    more = f"public = true\n{COLLECT if collected else way(app)}"
    desk = desk_with(database, tmp_path, monkeypatch, more)
    # Routing would answer: the office is closed, and its route has a reply
    desk.use(desk.settings)
    desk.close()
    desk.push(message())
    assert desk.rows(OutboundRow) == []
    # And what another part queues is dropped before it leaves
    queue(desk, kind=AUTO_REPLY)
    if collected:
        assert Outbox(desk.settings, desk.database).hand_out("app") == []
    else:
        deliver(desk)
    assert (states(desk), app.asked) == (["cancelled"], [])
    # While a person may
    reply(desk, "write to us privately")
    if not collected:
        deliver(desk)
        assert [each["text"] for each in app.known.values()] == ["write to us privately"]


# Files


class Files(FakeServer):
    def answer(self, asked) -> DemoAnswer:
        if asked.path == "/elsewhere":
            return DemoAnswer(302, headers={"Location": "http://127.0.0.2:1/secret"})
        if asked.path == "/moved":
            return DemoAnswer(302, headers={"Location": "/1.pdf"})
        return DemoAnswer(content=b"%PDF-1.7 " + b"x" * 5000)


@pytest.fixture
def files() -> Iterator[Files]:
    server = Files()
    yield server
    server.stop()


def fetched(desk: CustomDesk, url: str, *, seconds: float = 15.0, sha256: str = "") -> tuple[str, str]:
    """Let a message name a file and fetch it; return its state and the reason."""
    desk.push(message(f"m-{uuid.uuid4()}", files=[{"name": "a.pdf", "url": url, "sha256": sha256}]))
    FileFetcher(desk.database, desk.settings, seconds=seconds).once()
    ((state, error),) = desk.rows(FetchedFileRow, "state", "error")
    return state, error


def test_a_file_that_came_as_a_reference_is_fetched_and_described(database, tmp_path, monkeypatch, files):
    desk = desk_with(database, tmp_path, monkeypatch, "private_files = true")
    content = b"%PDF-1.7 " + b"x" * 5000
    assert fetched(desk, f"{files.base}/moved", sha256=hashlib.sha256(content).hexdigest()) == ("fetched", "")
    ((file_id, media_type, size),) = desk.rows(AttachmentRow, "id", "media_type", "size")
    assert (media_type, size) == ("application/pdf", len(content))
    with desk.database.read() as connection:
        assert find_fetched(connection, file_id).content.size == len(content)
        assert missing_files(connection, [file_id]) == {}
    # Its address, which may hold a key, is not kept.
    assert desk.rows(FetchedFileRow, "url") == [""]


@pytest.mark.parametrize(
    ("url", "more", "words"),
    [
        ("http://127.0.0.1:9/x", "", "forbidden"),
        ("http://10.0.0.1/x", "", "forbidden"),
        ("http://[::ffff:127.0.0.1]/x", "", "forbidden"),
        ("{files}/elsewhere", "private_files = true", "forbidden"),
        ("{files}/big", "private_files = true\nlargest = 1024", "large"),
        ("{files}/1", 'private_files = true\nfile_hosts = ["files.example"]', "forbidden"),
        ("{files}/1", "private_files = true", "changed"),
    ],
)
def test_a_file_that_must_not_be_had_is_a_sentence(database, tmp_path, monkeypatch, files, url, more, words):
    desk = desk_with(database, tmp_path, monkeypatch, more)
    state, error = fetched(desk, url.format(files=files.base), sha256="0" * 64 if words == "changed" else "")
    assert (state, error) == ("failed", words)
    assert [asked.path for asked in files.asked if asked.path == "/secret"] == []


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]])
def test_a_name_that_leads_inside_is_never_connected(database, tmp_path, monkeypatch, files, answers):
    desk = desk_with(database, tmp_path, monkeypatch, "")
    monkeypatch.setattr(socket, "getaddrinfo", resolver({"files.example": answers}))
    assert fetched(desk, f"http://files.example:{files.port}/1") == ("failed", "forbidden")
    assert files.asked == []


def test_a_name_that_is_rebound_after_its_judgement_changes_nothing(database, tmp_path, monkeypatch, files):
    desk, connected = desk_with(database, tmp_path, monkeypatch, ""), []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise OSError

    # The name leads to a public host when it is judged, and inside whenever it is asked again
    monkeypatch.setattr(socket, "getaddrinfo", resolver({"files.example": ["93.184.216.34"]}, then=["127.0.0.1"]))
    monkeypatch.setattr(socket, "create_connection", connect)
    state, _ = fetched(desk, f"http://files.example:{files.port}/1")
    assert (state, connected, files.asked) == ("waiting", ["93.184.216.34"], [])


def resolver(names: dict[str, list[str]], *, then: list[str] | None = None):
    """Return a `getaddrinfo` that knows these names too. then: what the second question gets."""
    asked, usual = [], socket.getaddrinfo

    def answer(host: str, port: int, *args: object, **options: object):
        if host not in names:
            return usual(host, port, *args, **options)
        found = then if then and host in asked else names[host]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    return answer


class Endless(FakeServer):
    """Sends `total` bytes, `at_once` of them at a time, with a pause between."""

    def __init__(self, *, total: int, at_once: int, pause: float, announced: bool) -> None:
        self.total, self.at_once, self.pause, self.announced, self.sent = total, at_once, pause, announced, 0
        super().__init__()

    def serve(self, handler) -> None:
        handler.send_response(200)
        handler.close_connection = True
        if self.announced:
            handler.send_header("Content-Length", str(self.total))
        handler.end_headers()
        with contextlib.suppress(OSError):
            while self.sent < self.total and not self.stopped.wait(self.pause):
                handler.wfile.write(b"x" * self.at_once)
                self.sent += self.at_once


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_of_200_mb_is_left_after_the_limit(database, tmp_path, monkeypatch, announced):
    desk = desk_with(database, tmp_path, monkeypatch, "private_files = true\nlargest = 1048576")
    host = Endless(total=200_000_000, at_once=65_536, pause=0, announced=announced)
    assert fetched(desk, f"{host.base}/1", seconds=60) == ("failed", "large")
    host.stop()
    # What the sockets buffer, at most.
    assert host.sent < 20_000_000


def test_a_slow_drip_ends_with_the_time_and_not_with_the_file(database, tmp_path, monkeypatch):
    desk = desk_with(database, tmp_path, monkeypatch, "private_files = true")
    host = Endless(total=1_000_000, at_once=1, pause=0.05, announced=True)
    # Each byte comes long before a socket gives up.
    assert fetched(desk, f"{host.base}/1", seconds=0.5)[0] == "waiting"
    host.stop()
    assert host.sent < 1_000
    assert inspect.signature(FileFetcher).parameters["seconds"].default <= 15


def test_a_slow_file_is_tried_again_and_given_up_after_a_day(database, tmp_path, monkeypatch, files):
    desk = desk_with(database, tmp_path, monkeypatch, "private_files = true")
    files.script(Fault(hang=3.0))
    state, error = fetched(desk, f"{files.base}/1", seconds=0.3)
    assert (state, bool(error)) == ("waiting", True)
    with desk.database.read() as connection:
        (file_id,) = desk.rows(AttachmentRow, "id")
        assert missing_files(connection, [file_id]) == {file_id: ""}
    # A process that died while fetching left a lease; when it ends another one goes on
    desk.make_due(FetchedFileRow, lease_until=datetime.now(UTC) - timedelta(seconds=1), attempts=MOST_ATTEMPTS - 1)
    files.script(Fault(answer=DemoAnswer(500)))
    FileFetcher(desk.database, desk.settings).once()
    assert desk.rows(FetchedFileRow, "state") == ["failed"]


def test_an_event_tells_of_a_status_of_ours(database, tmp_path, monkeypatch, app):
    desk = desk_with(database, tmp_path, monkeypatch, way(app))
    desk.push(message())
    reply(desk, "hello")
    deliver(desk)
    (sent,) = app.known.values()
    failed = {"type": "delivery", "ours": sent["id"], "status": "failed", "code": "blocked"}
    assert json.loads(desk.ask(failed).text)["accepted"][0]["duplicate"] is False
    assert "outbound.failed" in desk.rows(EventRow, "kind")
    assert desk.rows(OutboundRow, "error") == ["their system could not deliver it (blocked)"]
