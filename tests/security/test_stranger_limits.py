"""Memory and places of the web process: what a client may hold by being slow, numerous or large, on a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.desk import Desk
from api.http.connections import Connections, bounded_by
from store.desk.agents import add_agent
from tests.api.conftest import settings_in
from tests.migrated import new_database

LIMITS = """
[channels.form]
kind = "web"
per_hour = 1
[limits]
connections = 30
connections_per_address = 20
request_within = "WITHIN"
upload_within = "WITHIN"
answer_within = "1s"
uploads = 3
uploads_per_address = 2
streams = 4
streams_per_token = 2
streams_for_admins = 1
pages_per_minute = 40
searches_per_minute = 5
"""
FORM = "POST /contact HTTP/1.1\r\nHost: desk\r\nSec-Fetch-Site: same-origin\r\n"
TYPE = "Content-Type: multipart/form-data; boundary=edge\r\n"


class Served:
    """A desk on a real port. Each test comes from addresses of its own. within: the time for a request."""

    def __init__(self, folder: Path, *, within: str) -> None:
        self.database = new_database(folder / "desk.db")
        limits = LIMITS.replace("WITHIN", within)
        settings = settings_in(folder / "data", more='trusted_proxies = ["127.9.9.9"]\n' + limits)
        app = create_app(settings, database=self.database)
        self.desk: Desk = app.state.desk
        places = Connections(settings.limits, refusals=self.desk.refusals, proxies=settings.omniyard.trusted_proxies)
        config = uvicorn.Config(app, http=bounded_by(places), port=0, log_config=None, proxy_headers=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_for(lambda: self._server.started)
        self.port: int = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self.desk.tail.stop()
        self._server.should_exit = True
        self._thread.join()
        self.database.close()

    def token(self, name: str, role: str = "agent") -> str:
        with self.database.write() as connection:
            return add_agent(connection, name=name, role=role)[1]

    def connect(self, host: str) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(host, 0))

    def client(self, host: str, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.HTTPTransport(local_address=host)
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", transport=transport, timeout=60, headers=headers)

    def refused(self, limit: str) -> float:
        value = self.desk.meter.registry.get_sample_value("omniyard_refusals_total", {"limit": limit})
        return value or 0


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def answer_of(connection: socket.socket) -> str:
    """Return what the server says until it closes the connection, or until an answer without a length ends."""
    said = b""
    while part := connection.recv(65_536):
        said += part
    return said.decode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    started = Served(tmp_path_factory.mktemp("served"), within="1s")
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk on which nothing that a test has begun ends by itself, however long the rest of it takes."""
    started = Served(tmp_path_factory.mktemp("patient"), within="1h")
    try:
        yield started
    finally:
        started.stop()


@pytest.mark.parametrize("begun", ["", "GET / HTT", "GET /help HTTP/1.1\r\nHost: desk\r\nX-Slow: "])
def test_a_header_that_does_not_arrive_ends_the_connection(served: Served, begun: str) -> None:
    with served.connect("127.0.1.1") as connection:
        connection.sendall(begun.encode())
        assert answer_of(connection).startswith("HTTP/1.1 408")
    assert served.refused("slow_header")


@pytest.mark.parametrize("size", [100, 50_000, 5_000_000])
def test_a_body_that_does_not_arrive_is_refused_in_words(served: Served, size: int) -> None:
    with served.connect("127.0.1.2") as connection:
        connection.sendall(f"{FORM}{TYPE}Content-Length: {size}\r\n\r\n--edge".encode())
        said = answer_of(connection)
    assert said.startswith("HTTP/1.1 408")
    assert "did not arrive in the time" in said


def test_connections_of_one_address_are_bounded_and_a_newcomer_replaces_one_without_a_request(patient: Served) -> None:
    with ExitStack() as opened:
        # A trusted proxy stands for many clients: only the bound of all counts for it.
        for _ in range(40):
            opened.enter_context(patient.connect("127.9.9.9"))
        with patient.client("127.0.1.3") as client:
            assert client.get("/healthz").status_code == 200
        own = [opened.enter_context(patient.connect("127.0.1.4")) for _ in range(21)]
        assert answer_of(own[-1]).startswith("HTTP/1.1 503")
    assert patient.refused("connections_of_address") == 1
    assert patient.refused("connections") >= 10


def test_uploads_at_once_are_bounded_by_address_and_in_all(patient: Served) -> None:
    begun = f"{FORM}{TYPE}Content-Length: 5000000\r\n\r\n--edge".encode()
    with ExitStack() as opened:
        kept = [opened.enter_context(patient.connect(f"127.0.2.{number}")) for number in (1, 1, 2)]
        for connection in kept:
            connection.sendall(begun)
        for host, status, name in (("127.0.2.1", "429", "uploads_of_address"), ("127.0.2.3", "503", "uploads")):
            with patient.connect(host) as connection:
                connection.sendall(begun)
                said = connection.recv(65_536).decode()
            assert said.startswith(f"HTTP/1.1 {status}"), said
            assert "retry-after: 10" in said.lower()
            assert patient.refused(name) == 1


def test_a_large_body_waits_in_a_file_and_arrives_whole(patient: Served) -> None:
    head = 'Content-Disposition: form-data; name="file"; filename="a.bin"'
    body = f"--edge\r\n{head}\r\n\r\n{'x' * 3_000_000}\r\n--edge--\r\n".encode()
    headers = {"Content-Type": "multipart/form-data; boundary=edge", "Sec-Fetch-Site": "same-origin"}
    with patient.client("127.0.2.9") as client:
        answer = client.post("/contact", content=body, headers=headers)
    # The form is read to its end, and what it lacks is found.
    assert answer.status_code == 422


def test_the_pace_of_an_address_is_asked_before_its_body_is_read(served: Served) -> None:
    assert served.desk.visitors.messages.takes("127.0.3.1", now=served.desk.now())
    with served.connect("127.0.3.1") as connection:
        # Not one byte of the body follows.
        connection.sendall(f"{FORM}{TYPE}Content-Length: 5000000\r\n\r\n".encode())
        said = connection.recv(65_536).decode()
    assert said.startswith("HTTP/1.1 429")


def test_requests_that_are_sent_ahead_are_not_queued(served: Served) -> None:
    with served.connect("127.0.3.4") as connection:
        connection.sendall(b"GET /static/mark.svg HTTP/1.1\r\nHost: desk\r\n\r\n" * 50)
        assert answer_of(connection).count("HTTP/1.1 200") == 1


def test_help_and_searches_have_a_pace_for_each_address(served: Served) -> None:
    token = served.token("searches")
    with served.client("127.0.3.2", token) as client, served.client("127.0.3.3", token) as other:
        pages = [client.get("/help").status_code for _ in range(41)]
        searches = [client.get("/api/v1/search?q=refund").status_code for _ in range(6)]
        assert (pages.count(200), pages[-1]) == (40, 429)
        assert (searches.count(200), searches[-1]) == (5, 429)
        assert other.get("/help").status_code == other.get("/api/v1/search?q=refund").status_code == 200
    assert (served.refused("pages"), served.refused("searches")) == (1, 1)


def test_visitors_do_not_wait_for_each_others_questions(served: Served) -> None:
    answers = served.desk.visitors.answers
    with answers._lock:
        assert answers.suggest("my money is gone", language="en") == []
    taken = [served.desk.visitors.questions.takes("", now=served.desk.now()) for _ in range(6)]
    assert (taken.count(True), taken[-1]) == (5, False)


def test_streams_are_bounded_by_token_and_keep_places_for_admins(served: Served) -> None:
    tokens = {name: served.token(name, role) for name, role in (("a", "agent"), ("b", "agent"), ("c", "admin"))}
    accept = {"Accept": "text/event-stream"}
    # An iterator that is thrown away would close its stream.
    read = []
    with ExitStack() as opened:

        def stream(name: str) -> int:
            client = opened.enter_context(served.client("127.0.4.1", tokens[name]))
            answer = opened.enter_context(client.stream("GET", "/api/v1/events/stream", headers=accept))
            if answer.status_code == 200:
                read.append(answer.iter_bytes())
                assert next(read[-1])
            return answer.status_code

        assert [stream(name) for name in ("a", "a", "a")] == [200, 200, 429]
        # Three of four places are for all, and the last one is an administrator's.
        assert [stream(name) for name in ("b", "b", "c", "c")] == [200, 503, 200, 503]
    assert (served.refused("streams_of_token"), served.refused("streams")) == (1, 2)
