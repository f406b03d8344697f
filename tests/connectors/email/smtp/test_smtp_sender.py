"""Outgoing mail: its contents, and the meaning of each answer of a real server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from connectors.email.smtp.login import Timeouts
from connectors.email.smtp.sender import SmtpSender
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.origin.automatic import recognise
from router.origin.verdicts import OriginKind
from router.settings.channels.mail import MailSendSettings
from router.settings.secret import Secret
from tests.servers.mailservers import make_certificate
from tests.servers.mailsink import DROP, MailSink, Sink
from tests.servers.ports import free_port

ID = UUID("019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01")
TOKEN = "K7QF2MXD4-9F3A61C20B"
# The login without TLS is intended here.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
LONG_ID = "a" * 200 + "@" + "b" * 60 + ".example"


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def serve(sink: Sink) -> Iterator[Callable[..., MailSink]]:
    running: list[MailSink] = []

    def start(**more: Any) -> MailSink:
        running.append(MailSink(sink, **more))
        return running[-1]

    yield start
    for each in running:
        each.stop()


@pytest.fixture
def connect() -> Iterator[Callable[..., SmtpSender]]:
    opened: list[SmtpSender] = []

    def open_one(port: int, *, host: str = "127.0.0.1", timeouts: Timeouts | None = None, **more: Any) -> SmtpSender:
        settings = MailSendSettings(**{"host": host, "port": port, "security": "none"} | more)
        waits = timeouts or Timeouts(command=5, final_dot=10)
        opened.append(SmtpSender("mail", settings, address="help@desk.example", name="钱包客服", timeouts=waits))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def sender(serve: Callable[..., MailSink], connect: Callable[..., SmtpSender]) -> SmtpSender:
    return connect(serve().port)


def outgoing(**over: Any) -> Outgoing:
    values: dict[str, Any] = {
        "outbound_id": ID,
        "attempt_id": UUID(int=1),
        "attempt": 1,
        "channel": "mail",
        "recipient": "ann@customer.example",
        "text": "We look into it.",
        "subject": "Re: A question",
        "rfc_message_id": f"{TOKEN}.{ID.hex}@desk.example",
        "dated_at": datetime(2026, 11, 20, 4, 0, tzinfo=UTC),
    }
    return Outgoing(**values | over)


# --- Contents of a mail -----------------------------------------------------------------------------------------------


def test_a_reply_arrives_with_what_threads_it(sender: SmtpSender, sink: Sink) -> None:
    references = ("first@a.example", LONG_ID, "odd id with blanks")
    mail = outgoing(in_reply_to=LONG_ID, references=references, copies=("bob@customer.example",))

    assert sender.send(mail) == Receipt(verdict=SendVerdict.ACCEPTED)

    (taken,) = sink.taken
    assert (taken.path, taken.recipients) == ("help@desk.example", ("ann@customer.example", "bob@customer.example"))
    read = taken.mail
    assert read["Message-ID"] == f"<{TOKEN}.{ID.hex}@desk.example>"
    assert (read["In-Reply-To"], read["References"]) == (f"<{LONG_ID}>", f"<first@a.example> <{LONG_ID}>")
    assert (read["Date"], read["Cc"]) == ("Fri, 20 Nov 2026 04:00:00 +0000", "bob@customer.example")
    assert str(read["From"]) == "钱包客服 <help@desk.example>"
    assert (read["Auto-Submitted"], read["Reply-To"]) == (None, None)
    assert b"=?" not in taken.content.split(b"References:")[1].split(b"\r\nFrom")[0]


def test_every_attempt_sends_the_same_bytes(sender: SmtpSender, sink: Sink) -> None:
    sender.send(outgoing())
    sender.send(outgoing(attempt=2, attempt_id=UUID(int=2)))

    assert sink.taken[0].content == sink.taken[1].content
    assert sink.connections == 2


@pytest.mark.parametrize(
    "text", ["你好，\n我们正在处理。", "." * 3 + "\n.\n..hidden", "x" * 5000, "a\r\nb\nc\rd", "Ärger 😀 \u2028 end"]
)
def test_words_arrive_as_they_were_written(sender: SmtpSender, sink: Sink, text: str) -> None:
    sender.send(outgoing(text=text, subject="关于您的退款 " * 9))

    read = sink.taken[0].mail
    assert "".join(read.get_content().split()) == "".join(text.split())
    assert read["Subject"] == ("关于您的退款 " * 9).strip()
    assert max(map(len, sink.taken[0].content.split(b"\r\n"))) <= 998
    assert sink.taken[0].content.isascii()


def test_an_automatic_mail_says_so_and_its_return_path_is_null(sender: SmtpSender, sink: Sink) -> None:
    sender.send(outgoing(automatic=True))

    (taken,) = sink.taken
    assert taken.path == ""
    assert taken.mail["Auto-Submitted"] == "auto-replied"
    raw = RawMessage(source_key="1", content=taken.content, received_at=datetime.now(UTC))
    envelope = normalise(raw, channel="mail")
    assert recognise(envelope, own_addresses=frozenset()).kind is not OriginKind.PERSON


def test_a_provider_that_takes_no_null_path_gets_ours(sender: SmtpSender, sink: Sink) -> None:
    sink.answers["MAIL"] = ["550 null sender not allowed"]

    assert sender.send(outgoing(automatic=True)).verdict is SendVerdict.ACCEPTED
    assert sink.taken[0].path == "help@desk.example"


def test_answers_come_back_to_an_address_with_the_token(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink
) -> None:
    connect(serve().port, plus_address=True).send(outgoing(reply_token=TOKEN))

    assert sink.taken[0].mail["Reply-To"] == f"help+{TOKEN}@desk.example"


# CR LF in every place that holds another person's words.
@pytest.mark.parametrize("evil", ["x\r\nBcc: all@customer.example", "x\nBcc: a@b.example", "x\rBcc: a@b.example"])
@pytest.mark.parametrize("where", ["subject", "recipient", "copies", "rfc_message_id", "in_reply_to", "references"])
def test_no_line_break_makes_a_field(sender: SmtpSender, sink: Sink, where: str, evil: str) -> None:
    value: object = (evil,) if where in {"copies", "references"} else evil
    if where in {"recipient", "rfc_message_id"}:
        value = f"{evil}@customer.example"

    receipt = sender.send(outgoing(**{where: value}))

    assert receipt.verdict in {SendVerdict.ACCEPTED, SendVerdict.REFUSED}
    for taken in sink.taken:
        assert taken.mail["Bcc"] is None
        assert taken.recipients == ("ann@customer.example",)
    assert bool(sink.taken) == (where in {"subject", "in_reply_to", "references"})


@pytest.mark.parametrize(
    "address", ["", "ann", "a@b@c", "<a@b.example>", "a b@c.example", '"a"@b.example', "a@b,c@d.e"]
)
def test_an_address_that_is_none_is_refused_before_anything_leaves(
    sender: SmtpSender, sink: Sink, address: str
) -> None:
    receipt = sender.send(outgoing(recipient=address))

    assert receipt.verdict is SendVerdict.REFUSED
    assert sink.connections == 0
    assert not address or address not in receipt.why


def test_an_address_beyond_ascii_needs_a_server_that_knows_it(sender: SmtpSender, sink: Sink) -> None:
    assert sender.send(outgoing(recipient="用户@customer.example")).verdict is SendVerdict.ACCEPTED
    assert sink.taken[0].recipients == ("用户@customer.example",)


# --- Meaning of answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "answer", "verdict", "whole_channel"),
    [
        ("MAIL", "450 busy", SendVerdict.NOT_SENT, True),
        ("MAIL", "553 sender not owned", SendVerdict.NOT_SENT, True),
        ("MAIL", "552 too big", SendVerdict.REFUSED, False),
        ("MAIL", "421 closing", SendVerdict.NOT_SENT, True),
        ("RCPT", "451 greylisted", SendVerdict.NOT_SENT, False),
        ("RCPT", "550 no such user ann@customer.example", SendVerdict.REFUSED, False),
        ("RCPT", DROP, SendVerdict.NOT_SENT, True),
        ("DATA", "451 later", SendVerdict.NOT_SENT, False),
        ("DATA", "452 full", SendVerdict.NOT_SENT, False),
        ("DATA", "554 spam", SendVerdict.REFUSED, False),
        ("DATA", DROP, SendVerdict.UNKNOWN, False),
        ("DATA", "lost", SendVerdict.UNKNOWN, False),
    ],
)
def test_each_answer_has_its_meaning(
    sender: SmtpSender, sink: Sink, stage: str, answer: str, verdict: SendVerdict, whole_channel: bool
) -> None:
    sink.answers[stage] = [answer]

    receipt = sender.send(outgoing())

    assert (receipt.verdict, receipt.whole_channel) == (verdict, whole_channel), receipt.why
    assert "ann@" not in receipt.why
    assert len(sink.taken) == (answer == "lost")
    # After each of them the next mail is sent.
    assert sender.send(outgoing()).verdict is SendVerdict.ACCEPTED


def test_a_server_that_is_silent_after_the_final_dot_is_waited_for(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink
) -> None:
    sender = connect(serve().port, timeouts=Timeouts(command=0.5, final_dot=20))
    sink.answers["DATA"] = [1.5]

    assert sender.send(outgoing()).verdict is SendVerdict.ACCEPTED
    assert len(sink.taken) == 1


def test_a_server_that_never_answers_the_final_dot_leaves_it_unknown(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink
) -> None:
    sender = connect(serve().port, timeouts=Timeouts(command=5, final_dot=0.3))
    sink.answers["DATA"] = [2.0]

    assert sender.send(outgoing()).verdict is SendVerdict.UNKNOWN


def test_refused_copies_are_reported_and_the_others_are_sent(sender: SmtpSender, sink: Sink) -> None:
    sink.answers["RCPT"] = [None, "550 no such user", None, "451 later"]
    copies = tuple(f"c{number}@customer.example" for number in range(3))

    receipt = sender.send(outgoing(copies=copies))

    assert (receipt.verdict, receipt.why) == (SendVerdict.ACCEPTED, "2 of 3 copies were refused (451, 550)")
    assert sink.taken[0].recipients == ("ann@customer.example", "c1@customer.example")


def test_one_connection_carries_many_mails(sender: SmtpSender, sink: Sink) -> None:
    for _ in range(5):
        sender.send(outgoing())

    assert (sink.connections, len(sink.taken)) == (1, 5)


def test_a_connection_that_was_closed_while_idle_is_opened_again(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink
) -> None:
    server = serve()
    sender = connect(server.port)
    sender.send(outgoing())
    server.hang_up()

    assert sender.send(outgoing()).verdict is SendVerdict.ACCEPTED
    assert (sink.connections, len(sink.taken)) == (2, 2)


def test_a_server_that_does_not_listen_is_not_sent_for_the_whole_channel(connect: Callable[..., SmtpSender]) -> None:
    receipt = connect(free_port()).send(outgoing())

    assert (receipt.verdict, receipt.whole_channel) == (SendVerdict.NOT_SENT, True)
    assert "Connection refused" in receipt.why


def test_a_name_that_does_not_exist_is_not_sent(connect: Callable[..., SmtpSender]) -> None:
    sender = connect(25, host="smtp.nowhere.invalid", security="starttls")

    assert sender.send(outgoing()).verdict is SendVerdict.NOT_SENT
    assert "the host name does not exist" in sender.probe().findings[0]


@pytest.mark.parametrize("greeting", [b"421 busy\r\n", b"554 go away\r\n", b"", None])
def test_a_server_that_refuses_the_session_is_not_sent(
    connect: Callable[..., SmtpSender], greeting: bytes | None
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                if greeting is None:
                    done.wait(5)
                else:
                    connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        sender = connect(listener.getsockname()[1], timeouts=Timeouts(command=0.5))
        receipt = sender.send(outgoing())
        done.set()
        thread.join()

    assert (receipt.verdict, receipt.whole_channel) == (SendVerdict.NOT_SENT, True)


# --- Logging in -------------------------------------------------------------------------------------------------------


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("MAIL_PASSWORD", "correct horse 密码")
    monkeypatch.setenv("MAIL_TOKEN", "ya29.token")
    return {"username": "help@desk.example"}


@pytest.mark.parametrize("login", ["password", "oauth_token"])
def test_it_logs_in_by_password_and_by_token(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink, account: dict[str, Any], login: str
) -> None:
    sink.accounts["help@desk.example"] = "ya29.token" if login == "oauth_token" else "correct horse 密码"
    secret = Secret("env:MAIL_TOKEN" if login == "oauth_token" else "env:MAIL_PASSWORD")

    sender = connect(serve().port, **account, **{login: secret})

    assert sender.probe().ok
    assert sender.send(outgoing()).verdict is SendVerdict.ACCEPTED


@pytest.mark.parametrize("login", ["password", "oauth_token"])
def test_a_refused_login_stops_the_channel_with_a_sentence_and_no_secret(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink, account: dict[str, Any], login: str
) -> None:
    sink.accounts["help@desk.example"] = "another"
    secret = Secret("env:MAIL_TOKEN" if login == "oauth_token" else "env:MAIL_PASSWORD")
    sender = connect(serve().port, **account, **{login: secret})

    receipt, health = sender.send(outgoing()), sender.probe()

    assert (receipt.verdict, receipt.whole_channel) == (SendVerdict.NOT_SENT, True)
    assert "is refused" in receipt.why
    assert not health.ok
    assert not any(word in receipt.why for word in ("horse", "ya29", "help@desk"))


def test_tls_is_checked_and_a_private_authority_can_be_named(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink, tmp_path: Path
) -> None:
    make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    port = serve(tls=context).port

    stranger = connect(port, host="localhost", security="starttls").send(outgoing())
    known = connect(port, host="localhost", security="starttls", ca_file=str(tmp_path / "server.pem"))

    assert (stranger.verdict, "ca_file" in stranger.why) == (SendVerdict.NOT_SENT, True)
    assert known.send(outgoing()).verdict is SendVerdict.ACCEPTED


def test_a_server_without_starttls_gets_no_mail(
    connect: Callable[..., SmtpSender], serve: Callable[..., MailSink], sink: Sink
) -> None:
    receipt = connect(serve().port, security="starttls").send(outgoing())

    assert (receipt.verdict, "security" in receipt.why) == (SendVerdict.NOT_SENT, True)
    assert sink.taken == []
