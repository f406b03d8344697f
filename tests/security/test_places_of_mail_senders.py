"""The places of the SMTP listener: bounds by address, by silence, by recipients, and by the time for one mail."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from connectors.base import Page
from connectors.email.smtp.listener import SmtpGate
from router.settings.channels import SmtpSettings
from tests.mailservers import free_port

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


def _forget(page: Page) -> None:
    del page


def connect(address: tuple[str, int], host: str = "127.0.0.1") -> tuple[socket.socket, bytes]:
    """Return a connection, and the first line that the listener says."""
    opened = socket.create_connection(address, timeout=20, source_address=(host, 0))
    return opened, opened.recv(4096)


def said_until_closed(connection: socket.socket) -> bytes:
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
            assert said_until_closed(silent).startswith(b"421 4.4.2")
            third.sendall(MAIL)
            while b"354" not in third.recv(4096):
                pass
            # Now each one transfers a mail.
            refused, said = connect(address, "127.0.1.4")
            refused.close()
            assert said.startswith(b"421 4.7.0 Too many connections")


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
        assert reply in said_until_closed(connection)


def test_recipients_beyond_the_bound_are_put_off_and_the_others_get_the_mail(listen: Listen) -> None:
    with smtplib.SMTP(*listen(recipients_per_mail=3), timeout=20) as client:
        put_off = client.sendmail("a@b.example", [f"c{number}@d.example" for number in range(5)], b"Subject: x\r\n")
    assert {name: code for name, (code, _) in put_off.items()} == {"c3@d.example": 452, "c4@d.example": 452}
