"""The listener: 250 only after the commit, and no trick of a client gets more than one mail in."""

from __future__ import annotations

import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.rig import wait_until
from connectors.base import Batch
from connectors.email.smtp.listener import SmtpGate
from router.errors import PermanentError, TransientError
from router.settings.channels.mail import SmtpSettings
from router.settings.secret import Secret
from tests.servers.mailservers import make_certificate, trusting
from tests.servers.ports import free_port

MAIL = b"From: li@customer.example\r\nTo: support@wallet.example\r\nSubject: Hello\r\n\r\nHello.\r\n"


@dataclass
class Kept:
    """The mails that the listener passed on. It can delay and fail the storing. began: a commit has begun."""

    batches: list[Batch] = field(default_factory=list)
    error: Exception | None = None
    began: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.released.set()

    def accept(self, batch: Batch) -> None:
        """Store a batch, or fail."""
        self.began.set()
        self.released.wait(120)
        if self.error:
            raise self.error
        self.batches.append(batch)

    @property
    def messages(self) -> list[bytes]:
        """The mails in the order in which they were stored."""
        return [message.content for batch in self.batches for message in batch.messages]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def listen(kept: Kept) -> Iterator[Callable[..., SmtpGate]]:
    """Open listeners; all are closed at the end."""
    opened: list[SmtpGate] = []

    def start(**options) -> SmtpGate:
        settings = SmtpSettings(kind="smtp", listen=f"127.0.0.1:{free_port()}", **options)
        gate = SmtpGate("desk-mail", settings)
        gate.open(kept.accept)
        opened.append(gate)
        return gate

    yield start
    kept.released.set()
    for gate in opened:
        gate.close()


def client(gate: SmtpGate) -> smtplib.SMTP:
    return smtplib.SMTP(*gate.address, timeout=60)


def send(gate: SmtpGate, content: bytes = MAIL, to: str = "support@wallet.example") -> dict[str, tuple[int, bytes]]:
    with client(gate) as sender:
        return sender.sendmail("li@customer.example", [to], content)


def converse(gate: SmtpGate, *lines: bytes) -> bytes:
    """Send bytes exactly as they are, one write at a time, then QUIT, and return all answers."""
    with socket.create_connection(gate.address, timeout=60) as connection:
        answers = connection.recv(4096)
        for line in lines:
            connection.sendall(line)
            answers += connection.recv(4096)
        connection.sendall(b"QUIT\r\n")
        while more := connection.recv(4096):
            answers += more
    return answers


def test_a_mail_is_kept_as_it_came_with_the_trace_of_who_sent_it(listen, kept):
    send(listen())
    [batch] = kept.batches
    [message] = batch.messages
    assert message.content == b"Return-Path: <li@customer.example>\r\n" + MAIL
    assert message.source_key == f"sha256:{hashlib.sha256(message.content).hexdigest()}"
    assert (batch.channel, batch.cursor, batch.backfill) == ("desk-mail", None, False)
    assert message.received_at.utcoffset() is not None


def test_a_reply_of_several_lines_does_not_wait_for_the_client_to_acknowledge_the_first(listen, kept):
    gate = listen()
    with client(gate) as talking:
        talking.ehlo()
        (session,) = gate._running.slots
        line = session.transport.get_extra_info("socket")
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_bounce_shows_its_empty_path(listen, kept):
    with client(listen()) as sender:
        sender.sendmail("", ["support@wallet.example"], MAIL)
    assert kept.messages[0].startswith(b"Return-Path: <>\r\n")


def test_the_answer_comes_only_after_the_commit(listen, kept):
    # Given: a commit that takes its time.
    gate = listen()
    kept.released.clear()
    answered = threading.Event()
    sender = threading.Thread(target=lambda: (send(gate), answered.set()))
    sender.start()
    # Then
    assert kept.began.wait(60)
    assert not answered.wait(0.2)
    kept.released.set()
    sender.join()
    assert answered.is_set()
    assert len(kept.messages) == 1


@pytest.mark.parametrize("error", [TransientError("the disk is full"), PermanentError("no"), RuntimeError("a bug")])
def test_a_mail_that_could_not_be_kept_gets_a_temporary_refusal(listen, kept, error):
    gate = listen()
    kept.error = error
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(gate)
    assert refused.value.smtp_code == 451
    kept.error = None
    send(gate)
    assert len(kept.messages) == 1


def test_an_identical_mail_has_an_identical_key(listen, kept):
    gate = listen()
    send(gate)
    send(gate)
    assert len({message.source_key for batch in kept.batches for message in batch.messages}) == 1


def test_twenty_senders_at_once_share_commits_and_each_gets_250(listen, kept):
    # Given: the first commit is under way while nineteen others arrive.
    gate = listen()
    kept.released.clear()
    answers: list[object] = []
    bodies = [MAIL + b"%d\r\n" % number for number in range(20)]
    senders = [threading.Thread(target=lambda body=body: answers.append(send(gate, body))) for body in bodies]
    for sender in senders:
        sender.start()
    wait_until(lambda: gate._running._gathering._unanswered == 20, seconds=60)
    # When
    kept.released.set()
    for sender in senders:
        sender.join()
    # Then
    assert answers == [{}] * 20
    assert sorted(kept.messages) == sorted(b"Return-Path: <li@customer.example>\r\n" + body for body in bodies)
    assert len(kept.batches) <= 5


@pytest.mark.parametrize("announced", [True, False], ids=["announced by SIZE", "found out"])
def test_a_mail_that_is_too_large_is_refused_for_good(listen, kept, announced):
    gate = listen(largest=2_000)
    with client(gate) as sender:
        sender.ehlo()
        options = ["SIZE=3000"] if announced else []
        code, _ = sender.mail("li@customer.example", options)
        if not announced:
            sender.rcpt("support@wallet.example")
            code, _ = sender.data(MAIL + b"x" * 70 + b"\r\n" + b"y" * 2_500)
        assert code == 552
        # The session goes on.
        sender.rset()
        sender.sendmail("li@customer.example", ["support@wallet.example"], MAIL)
    assert len(kept.messages) == 1


def test_a_mail_without_an_end_is_cut_off(listen, kept):
    gate = listen(largest=2_000)
    with socket.create_connection(gate.address, timeout=5) as connection:
        connection.recv(4096)
        for line in (b"EHLO x\r\n", b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n", b"DATA\r\n"):
            connection.sendall(line)
            connection.recv(4096)
        with pytest.raises(ConnectionError):
            flood(connection)
    assert not kept.messages


def flood(connection: socket.socket) -> None:
    for _ in range(10_000):
        connection.sendall(b"x" * 65_536)


def test_a_line_of_a_hundred_thousand_bytes_is_taken(listen, kept):
    send(listen(), MAIL + b"x" * 100_000 + b"\r\n")
    assert len(kept.messages[0]) > 100_000


def test_an_unknown_recipient_is_refused_and_a_known_one_is_not(listen, kept):
    gate = listen(recipients=("Support@wallet.example", "@help.wallet.example"))
    for address in ("support@WALLET.example", "support+token@wallet.example", "anybody@help.wallet.example"):
        assert send(gate, to=address) == {}
    for address in ("boss@wallet.example", "support@elsewhere.example", "support"):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(gate, to=address)
        assert refused.value.recipients[address][0] == 550
    assert len(kept.messages) == 3


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n\x00.\r\n"])
def test_nothing_but_crlf_dot_crlf_ends_a_mail(listen, kept, end):
    # Given: a second mail is hidden behind what a sloppy server takes for the end of the first
    # (SMTP smuggling: CVE-2023-51764, GHSA-pr2m-px7j-xg65).
    hidden = end + b"MAIL FROM:<boss@wallet.example>\r\nRCPT TO:<support@wallet.example>\r\nDATA\r\nhidden"
    answers = converse(
        listen(),
        b"EHLO x\r\n",
        b"MAIL FROM:<li@customer.example>\r\n",
        b"RCPT TO:<support@wallet.example>\r\n",
        b"DATA\r\n",
        MAIL + hidden + b"\r\n.\r\n",
    )
    assert answers.count(b"250 2.0.0 OK, it is kept") == 1
    [content] = kept.messages
    assert b"hidden" in content


def test_a_dot_at_the_start_of_a_line_comes_through(listen, kept):
    send(listen(), MAIL + b".\r\n..two\r\n")
    assert kept.messages[0].endswith(b"\r\n.\r\n..two\r\n")


def test_lmtp_answers_for_each_recipient(listen, kept):
    gate = listen(protocol="lmtp", recipients=("@wallet.example",))
    answers = converse(
        gate,
        b"LHLO x\r\n",
        b"MAIL FROM:<li@customer.example>\r\n",
        b"RCPT TO:<support@wallet.example>\r\n",
        b"RCPT TO:<nobody@elsewhere.example>\r\n",
        b"RCPT TO:<refunds@wallet.example>\r\n",
        b"DATA\r\n",
        MAIL + b".\r\n",
    )
    assert answers.count(b"250 2.0.0 OK, it is kept") == 2
    assert answers.count(b"550 ") == 1
    assert len(kept.messages) == 1


def test_lmtp_says_later_for_each_recipient(listen, kept):
    kept.error = TransientError("the database is away")
    with smtplib.LMTP(*listen(protocol="lmtp").address) as sender:
        sender.ehlo()
        sender.mail("li@customer.example")
        sender.rcpt("a@wallet.example")
        sender.rcpt("b@wallet.example")
        assert [sender.data(MAIL)[0], sender.getreply()[0]] == [451, 451]


def test_lmtp_says_too_large_for_each_recipient(listen, kept):
    with smtplib.LMTP(*listen(protocol="lmtp", largest=2_000).address) as sender:
        sender.ehlo()
        sender.mail("li@customer.example")
        sender.rcpt("a@wallet.example")
        sender.rcpt("b@wallet.example")
        assert [sender.data(MAIL + b"y" * 3_000)[0], sender.getreply()[0]] == [552, 552]


def test_starttls_is_offered_with_a_certificate_and_forgets_what_was_sent_before(listen, kept, tmp_path):
    make_certificate(tmp_path)
    gate = listen(tls_certificate=str(tmp_path / "server.pem"), tls_key=Secret(f"file:{tmp_path / 'server.key'}"))
    with client(gate) as sender:
        sender.ehlo()
        assert sender.has_extn("starttls")
        sender.starttls(context=trusting(tmp_path / "server.pem"))
        assert isinstance(sender.sock, ssl.SSLSocket)
        sender.sendmail("li@customer.example", ["support@wallet.example"], MAIL)
    assert len(kept.messages) == 1


def test_a_certificate_that_does_not_work_is_named(listen, tmp_path):
    make_certificate(tmp_path)
    with pytest.raises(PermanentError, match=r"none\.pem"):
        listen(tls_certificate=str(tmp_path / "none.pem"), tls_key=Secret(f"file:{tmp_path / 'server.key'}"))


def test_an_address_that_is_taken_is_tried_again(listen, kept):
    first = listen()
    second = SmtpGate("desk-mail", SmtpSettings(kind="smtp", listen=f"127.0.0.1:{first.address[1]}"))
    with pytest.raises(TransientError, match="cannot listen"):
        second.open(kept.accept)
    assert second.probe().ok
    first.close()
    second.open(kept.accept)
    second.check()
    second.close()


@pytest.mark.parametrize("address", ["2525", ":2525", "127.0.0.1:post", "127.0.0.1:99999", "nowhere"])
def test_an_address_that_is_none_is_refused(kept, address):
    gate = SmtpGate("desk-mail", SmtpSettings.model_construct(kind="smtp", listen=address))
    with pytest.raises((PermanentError, TransientError)):
        gate.open(kept.accept)
    assert not gate.probe().ok


def test_closing_answers_every_waiting_sender(listen, kept):
    # Given: a commit under way.
    gate = listen()
    kept.released.clear()
    results: list[object] = []
    sender = threading.Thread(target=lambda: results.append(send(gate)))
    sender.start()
    assert kept.began.wait(60)
    # When
    threading.Timer(0.4, kept.released.set).start()
    gate.close()
    sender.join()
    # Then
    assert results == [{}]
    with pytest.raises(TransientError):
        gate.check()


def test_too_many_senders_get_a_temporary_refusal(listen, kept):
    gate = listen()
    # Of one address only half of all places.
    waiting = [client(gate) for _ in range(32)]
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        client(gate)
    assert refused.value.smtp_code == 421
    for sender in waiting:
        sender.close()
    # The listener learns of it when it gets a turn.
    wait_until(lambda: not list(gate._running.slots), seconds=60)
    send(gate)
    assert len(kept.messages) == 1


def test_a_sender_that_leaves_in_the_middle_leaves_nothing(listen, kept):
    gate = listen()
    with socket.create_connection(gate.address) as connection:
        connection.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nSubject: half")
    send(gate)
    assert len(kept.messages) == 1


def test_a_probe_reads_the_certificate(tmp_path: Path):
    (tmp_path / "no.pem").write_text("no certificate")
    settings = SmtpSettings(
        kind="smtp",
        listen=f"127.0.0.1:{free_port()}",
        tls_certificate=str(tmp_path / "no.pem"),
        tls_key=Secret(f"file:{tmp_path / 'no.pem'}"),
    )
    assert not SmtpGate("desk-mail", settings).probe().ok
