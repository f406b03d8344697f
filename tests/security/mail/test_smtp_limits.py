"""The places of the SMTP listener: bounds by address, by silence, by recipients, and by the time for one mail."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.base import Batch, utc_now
from connectors.email.smtp.group_commit import GroupCommit
from connectors.email.smtp.listener import SmtpGate
from connectors.email.smtp.mail_data import read_mail
from connectors.email.smtp.session import SessionFactory, SmtpHandler
from connectors.email.smtp.session_slots import MOST_BYTES, SMALL, SessionSlots
from router.settings.channels.mail import SmtpSettings
from tests.servers.ports import free_port

Listen = Callable[..., tuple[str, int]]
MAIL = b"EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"


@pytest.fixture
def listen() -> Iterator[Listen]:
    with ExitStack() as opened:

        def start(**options: object) -> tuple[str, int]:
            values = {"kind": "smtp", "listen": f"127.0.0.1:{free_port()}", **options}
            gate = SmtpGate("mail", SmtpSettings.model_validate(values))
            gate.open(_forget)
            opened.callback(gate.close)
            return gate.address

        yield start


def _forget(batch: Batch) -> None:
    del batch


def connect(address: tuple[str, int], host: str = "127.0.0.1") -> tuple[socket.socket, bytes]:
    """Return a connection, and the first line that the listener says."""
    opened = socket.create_connection(address, timeout=20, source_address=(host, 0))
    return opened, opened.recv(4096)


def text_until_closed(connection: socket.socket) -> bytes:
    said = b""
    while part := connection.recv(4096):
        said += part
    return said


def test_one_address_takes_no_more_than_its_places(listen: Listen) -> None:
    address = listen(connections_per_address=2)
    greetings = [connect(address, host) for host in ("127.0.1.1", "127.0.1.1", "127.0.1.1", "127.0.1.2")]
    assert [said[:3] for _, said in greetings] == [b"220", b"220", b"421", b"220"]
    for connection, _ in greetings:
        connection.close()


def test_a_newcomer_replaces_the_longest_silence_and_no_mail_in_transfer(listen: Listen) -> None:
    address = listen(connections=2)
    (busy, _), (silent, _) = connect(address, "127.0.1.1"), connect(address, "127.0.1.2")
    with busy, silent:
        busy.sendall(MAIL)
        while b"354" not in busy.recv(4096):
            pass
        with connect(address, "127.0.1.3")[0] as third:
            assert text_until_closed(silent).startswith(b"421 4.4.2")
            third.sendall(MAIL)
            while b"354" not in third.recv(4096):
                pass
            # Now each one transfers a mail.
            refused, said = connect(address, "127.0.1.4")
            refused.close()
            assert said.startswith(b"421 4.7.0 Too many connections")


@dataclass(eq=False)
class Transfer:
    """A session in a mail that has begun so many seconds ago."""

    age: float
    said: str = ""
    heard_at: float = 0.0
    is_in_mail: bool = True
    bytes_held: int = 0

    @property
    def mail_began_at(self) -> float:
        return time.monotonic() - self.age

    def end(self, reply: str) -> None:
        self.said = reply

    def close(self) -> None: ...

    def put_off(self) -> None: ...


@pytest.mark.parametrize(
    ("crowd", "age", "ends"),
    [
        (8, 60.0, True),  # mails without an end, of one address
        (8, 5.0, False),  # a mail server that sends much at once
        (3, 60.0, False),  # no crowd
    ],
)
def test_mails_without_an_end_of_one_address_shut_out_no_other(crowd: int, age: float, ends: bool) -> None:
    settings = SmtpSettings.model_validate({"kind": "smtp", "listen": "127.0.0.1:1", "connections": 8})
    slots = SessionSlots("mail", settings, bytes_waiting=lambda: 0)
    held = [Transfer(age + number) for number in range(8)]
    for number, session in enumerate(held):
        assert slots.admit(session, host="203.0.113.1" if number < crowd else f"198.51.100.{number}") == ""

    refusal = slots.admit(Transfer(0.0), host="192.0.2.1")
    assert (refusal == "", len(list(slots))) == (ends, 8)
    # Of the crowd the oldest one; and for a newcomer of the crowd itself none.
    assert [bool(session.said) for session in held] == [False] * (crowd - 1) + [ends] + [False] * (8 - crowd)
    assert slots.admit(Transfer(0.0), host="203.0.113.1").startswith("421")


@pytest.mark.parametrize(
    ("option", "sent", "reply"),
    [
        ("idle", b"EHLO a\r\n", b"421 4.4.2 You were silent"),
        ("message_within", MAIL + b"Subject: slow\r\n", b"421 4.4.2 This mail takes too long"),
    ],
)
def test_a_slow_client_loses_its_place(listen: Listen, option: str, sent: bytes, reply: bytes) -> None:
    connection, _ = connect(listen(**{option: "1s"}))
    with connection:
        connection.sendall(sent)
        assert reply in text_until_closed(connection)


def test_recipients_beyond_the_bound_are_put_off_and_the_others_get_the_mail(listen: Listen) -> None:
    with smtplib.SMTP(*listen(recipients_per_mail=3), timeout=20) as client:
        put_off = client.sendmail("a@b.example", [f"c{number}@d.example" for number in range(5)], b"Subject: x\r\n")
    assert {name: code for name, (code, _) in put_off.items()} == {"c3@d.example": 452, "c4@d.example": 452}


class CountedSlots(SessionSlots):
    """Remembers the most bytes that were held at once."""

    most = 0

    @property
    def is_full(self) -> bool:
        self.most = max(self.most, self.bytes_held)
        return super().is_full


async def _send_large(port: int, host: str, *, line: bytes, size: int) -> bytes:
    """Send a mail of this size, and return the last thing that the listener says."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
    said = b""
    try:
        for command in (*MAIL.splitlines(keepends=True), line * (size // len(line)) + b".\r\n"):
            writer.write(command)
            await writer.drain()
            said = (await reader.readline() if command[:4] != b"EHLO" else await reader.readuntil(b"HELP\r\n")) or said
    except (OSError, asyncio.IncompleteReadError):
        said = said if said[:1] == b"4" else b"cut"
    finally:
        writer.close()
    return said


async def _flood(hosts: list[str], *, line: bytes, size: int) -> tuple[list[bytes], CountedSlots]:
    settings = SmtpSettings.model_validate({"kind": "smtp", "listen": "127.0.0.1:1"})
    with ThreadPoolExecutor(1) as thread:
        gathering = GroupCommit("mail", accept=_forget, thread=thread, clock=utc_now)
        slots = CountedSlots("mail", settings, bytes_waiting=lambda: gathering.bytes_waiting)
        rules = SmtpHandler(gathering, settings, slots=slots)
        factory = SessionFactory(rules, settings, tls=None, slots=slots)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(factory, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        running = asyncio.create_task(gathering.run())
        said = await asyncio.gather(*(_send_large(port, host, line=line, size=size) for host in hosts))
        while list(slots):  # noqa: ASYNC110  (the listener has no event for it)
            await asyncio.sleep(0)
        running.cancel()
        server.close()
    return said, slots


def test_large_mails_of_one_address_hold_a_bounded_memory_and_another_address_gets_through() -> None:
    hosts = ["127.0.2.1"] * 8 + ["127.0.2.2"]
    said, slots = asyncio.run(_flood(hosts, line=b"x" * 65_534 + b"\r\n", size=20_000_000))

    assert slots.most <= MOST_BYTES + len(hosts) * 2 * SMALL
    # The older ones arrive, the newest ones are put off, and every place is free again.
    assert said[-1].startswith(b"250")
    assert {answer[:3] for answer in said} <= {b"250", b"421", b"452", b"cut"}
    assert b"250" in {answer[:3] for answer in said[:-1]}
    assert slots.take_counts()["bytes"] > 0


def test_refusals_are_counted_until_they_are_taken() -> None:
    values = {"kind": "smtp", "listen": f"127.0.0.1:{free_port()}", "recipients": ["@d.example"], "largest": 1024}
    gate = SmtpGate("mail", SmtpSettings.model_validate(values | {"recipients_per_mail": 1}))
    gate.open(_forget)
    try:
        with smtplib.SMTP(*gate.address, timeout=20) as client:
            client.sendmail("a@b.example", ["c@d.example", "x@elsewhere.example", "e@d.example"], b"Subject: x\r\n")
            # A client that does not announce the size.
            client.mail("a@b.example")
            client.rcpt("c@d.example")
            assert client.data(b"Subject: x\r\n\r\n" + b"x" * 2000)[0] == 552
        assert gate.take_refusals() == {"no_mailbox": 1, "recipients": 1, "too_large": 1}
        assert gate.take_refusals() == {}
    finally:
        gate.close()


@pytest.mark.parametrize(
    "line", [b"\r\n", b"..\r\n", b"x.\r\n", b"x" * 70 + b"\r\n", b"x" * 100_000 + b"\r\n", b"x" * 65_533 + b"\r\n"]
)
def test_a_mail_takes_no_more_memory_than_it_has_bytes(line: bytes) -> None:
    content = line * (300_000 // len(line))

    async def receive() -> bytes | None:
        reader = asyncio.StreamReader(limit=65_536)
        reader.feed_data(content + b".\r\n")
        return await read_mail(reader, first=b"Return-Path: <>\r\n", largest=len(content))

    tracemalloc.start()
    try:
        mail = asyncio.run(receive())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert mail == b"Return-Path: <>\r\n" + content.replace(b"..\r\n", b".\r\n")
    # In the stream, in the buffer, which may be half empty, and in the result.
    assert peak < 5 * len(content)


_GROWS = """
from pathlib import Path
from connectors.freed_memory import unmap_large_blocks

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def grown(size):
    block = bytearray()
    while len(block) < size:
        block += bytes(65_536)
    return block

unmap_large_blocks()
before, kept = resident(), []
for number in range(12):
    mails = [grown(4_000_000 + 500_000 * each) for each in range(4)]
    # Something small that lives on lies behind what is freed.
    kept.append(bytes(100_000))
    del mails
print((resident() - before) / 22_000_000)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_memory_of_large_mails_is_given_back() -> None:
    printed = subprocess.run([sys.executable, "-c", _GROWS], capture_output=True, text=True, check=True).stdout
    assert float(printed) < 0.5


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b".\r\n", b""),  # an empty mail
        (b"\r\n.\r\n", b"\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b".x\r\na.\r\n.\r\n", b"x\r\na.\r\n"),
        (b"a\n.\nb\r.\r\nc\r\n.\r\n", b"a\n.\nb\r.\r\nc\r\n"),  # nothing else ends it
        (b"a" * 40 + b"\r\n.\r\n", b"a" * 40 + b"\r\n"),  # exactly the largest
        (b"a" * 41 + b"\r\n.\r\n", None),
        (b"a" * 500 + b"\r\n" + b"b." * 300 + b"\r\n.\r\n", None),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_a_mail_ends_where_its_client_ended_it_however_it_is_cut(sent: bytes, kept: bytes | None, step: int) -> None:
    async def receive() -> tuple[bytes | None, bytes]:
        reader = asyncio.StreamReader(limit=16)
        reading = asyncio.create_task(read_mail(reader, first=b"R: <>\r\n", largest=42))
        everything = sent + b"NOOP\r\n"
        for at in range(0, len(everything), step):
            reader.feed_data(everything[at : at + step])
            await asyncio.sleep(0)
        # What the client says after its mail is the next command.
        return await reading, await reader.readline()

    assert asyncio.run(receive()) == (None if kept is None else b"R: <>\r\n" + kept, b"NOOP\r\n")
