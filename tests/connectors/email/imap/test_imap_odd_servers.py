"""The polled mailbox on servers that answer otherwise than RFC 3501 says, made of a real one and a proxy."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from connectors.base import Batch
from connectors.email.imap.connector import ImapConnector
from connectors.email.imap.fetch import _item_of
from router.errors import TransientError
from tests.connectors.conftest import Mailbox, mail
from tests.servers.mailproxies import Rule

NOT_CONNECTED = b" BAD User is authenticated but not connected.\r\n"
Odd = Callable[..., tuple[ImapConnector, Mailbox]]


def refusing_connections(pattern: bytes, *, connections: int, reply: bytes = NOT_CONNECTED) -> Callable[[], Rule]:
    """Refuse what matches on the first connections for as long as they last, as Exchange does."""
    opened = 0

    def make() -> Rule:
        nonlocal opened
        opened += 1
        mine = opened

        def rule(tag: bytes, command: bytes) -> bytes | None:
            return tag + reply if mine <= connections and re.search(pattern, command) else None

        return rule

    return make


def answering(pattern: bytes, answer: Callable[[int], bytes], *, times: int = 10**6) -> Callable[[], Rule]:
    """Answer a FETCH of one message that matches with this in place of the server's answer."""
    left = times

    def rule(tag: bytes, command: bytes) -> bytes | None:
        nonlocal left
        found = re.match(rb"UID FETCH (\d+) \((.*)\)", command)
        if not found or not re.match(pattern, found[2]) or not left:
            return None
        left -= 1
        return answer(int(found[1])) + tag + b" OK FETCH completed\r\n"

    return lambda: rule


def listed(uid: int, size: bytes) -> bytes:
    return b'* 1 FETCH (UID %d RFC822.SIZE %s INTERNALDATE "02-Nov-2026 09:00:00 +0800")\r\n' % (uid, size)


def body(uid: int, name: bytes, content: bytes) -> bytes:
    return b"* 1 FETCH (UID %d %s {%d}\r\n%s)\r\n" % (uid, name, len(content), content)


@pytest.fixture
def odd(dovecot_mailbox, connect, proxy):
    """One mail waits on a server with this rule; the connector has read up to it."""

    def make(rule: Callable[[], Rule], **options) -> Batch:
        start = connect(dovecot_mailbox).fetch(None).cursor
        dovecot_mailbox.deliver("one")
        connector = connect(dovecot_mailbox, through=proxy(dovecot_mailbox, rule=rule), **options)
        return connector.fetch(start)

    return make


@pytest.mark.parametrize("pattern", [b"^EXAMINE", b"^UID SEARCH"], ids=["open", "search"])
@pytest.mark.parametrize("reply", [NOT_CONNECTED, b" NO [UNAVAILABLE] Mailbox is offline\r\n"], ids=["BAD", "NO"])
def test_a_refusal_to_open_or_search_a_folder_reconnects(dovecot_mailbox, connect, proxy, pattern, reply):
    # Given: each connection refuses for as long as it lives; only another log-in helps.
    start = connect(dovecot_mailbox).fetch(None).cursor
    dovecot_mailbox.deliver("one")
    through = proxy(dovecot_mailbox, rule=refusing_connections(pattern, connections=2, reply=reply))
    connector = connect(dovecot_mailbox, through=through)
    # When
    for _ in range(2):
        with pytest.raises(TransientError):
            connector.fetch(start)
    # Then
    assert [message.content for message in connector.fetch(start).messages] == [mail("one")]
    assert through.connections == 3


def test_a_refusal_to_open_a_folder_for_marking_reconnects(dovecot_mailbox, connect, proxy):
    start = connect(dovecot_mailbox).fetch(None).cursor
    dovecot_mailbox.deliver("one")
    through = proxy(dovecot_mailbox, rule=refusing_connections(b"^SELECT", connections=1))
    connector = connect(dovecot_mailbox, through=through, after="seen")
    batch = connector.fetch(start)
    with pytest.raises(TransientError):
        connector.settle(batch)
    connector.settle(batch)
    assert through.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"* SEARCH 1 2\r\n* SEARCH 3\r\n",
        b"* SEARCH 1\r\n* SEARCH\r\n* SEARCH 2\r\n* SEARCH 3\r\n",
        b"* SEARCH 3 2\r\n* SEARCH 2 1\r\n",
        b"* SEARCH 1 2 3 (MODSEQ 917162500)\r\n* SEARCH\r\n",
    ],
)
def test_an_answer_to_search_in_several_lines_adds_up(dovecot_mailbox, connect, proxy, answer):
    start = connect(dovecot_mailbox).fetch(None).cursor
    dovecot_mailbox.deliver("one", "two", "three")

    def rule(tag: bytes, command: bytes) -> bytes | None:
        return answer + tag + b" OK SEARCH completed\r\n" if command.startswith(b"UID SEARCH UID") else None

    batch = connect(dovecot_mailbox, through=proxy(dovecot_mailbox, rule=lambda: rule)).fetch(start)
    assert [message.content for message in batch.messages] == [mail("one"), mail("two"), mail("three")]


@pytest.mark.parametrize("size", [b"NIL", b'"unknown"', b'""'])
def test_a_mail_of_unknown_size_is_asked_for_up_to_the_limit(odd, size):
    batch = odd(answering(b"RFC822.SIZE", lambda uid: listed(uid, size)))
    assert [(message.content, message.defect) for message in batch.messages] == [(mail("one"), "")]


def test_of_a_large_mail_of_unknown_size_the_header_is_kept_and_the_limit_named(dovecot_mailbox, connect, proxy):
    start = connect(dovecot_mailbox).fetch(None).cursor
    dovecot_mailbox.server.deliver(dovecot_mailbox.user, [mail("large", "x" * 5_000)])
    rule = answering(b"RFC822.SIZE", lambda uid: listed(uid, b"NIL"))
    batch = connect(dovecot_mailbox, through=proxy(dovecot_mailbox, rule=rule), largest=2_000).fetch(start)
    assert batch.messages[0].content.startswith(b"From: Li")
    assert "more than 2000 bytes" in batch.messages[0].defect


def test_a_body_shorter_than_its_size_is_asked_for_again(odd):
    batch = odd(answering(rb"BODY.PEEK\[\]", lambda uid: body(uid, b"BODY[]", b"From: Li\r\n"), times=1))
    assert [(message.content, message.defect) for message in batch.messages] == [(mail("one"), "")]


@pytest.mark.parametrize(
    "content", [b"", b"\r\n", mail("one")[:40], mail("one")[:-70]], ids=["empty", "blank", "in header", "no text"]
)
def test_a_body_that_stays_shorter_than_its_size_is_a_stub_and_never_a_mail_without_a_sender(odd, content):
    batch = odd(answering(rb"BODY.PEEK\[\]( |<|$)", lambda uid: body(uid, b"BODY[]", content)))
    [message] = batch.messages
    assert f"returned {len(content)} of the {len(mail('one'))} bytes" in message.defect
    assert message.content.startswith(b"From: Li")


def test_a_mail_whose_size_was_only_estimated_is_whole(odd):
    batch = odd(answering(b"RFC822.SIZE", lambda uid: listed(uid, b"%d" % (len(mail("one")) + 9))))
    assert [(message.content, message.defect) for message in batch.messages] == [(mail("one"), "")]


@pytest.mark.parametrize("name", [b"BODY[HEADER]", b"BODY[HEADER]<0>", b"body[header]<0.262144>", b"RFC822.HEADER"])
def test_the_header_of_a_mail_is_known_under_any_name(dovecot_mailbox, connect, proxy, name):
    start = connect(dovecot_mailbox).fetch(None).cursor
    dovecot_mailbox.server.deliver(dovecot_mailbox.user, [mail("large", "x" * 5_000)])
    rule = answering(rb"BODY.PEEK\[HEADER\]", lambda uid: body(uid, name, b"Subject: large\r\n\r\n"))
    batch = connect(dovecot_mailbox, through=proxy(dovecot_mailbox, rule=rule), largest=2_000).fetch(start)
    assert batch.messages[0].content == b"Subject: large\r\n\r\n"


@pytest.mark.parametrize("name", [b"BODY[]", b"BODY[]<0>", b"BODY[]<0.26214401>", b"body.peek[]", b"RFC822"])
def test_the_body_of_a_mail_is_known_under_any_name(odd, name):
    batch = odd(answering(rb"BODY.PEEK\[\]", lambda uid: body(uid, name, mail("other") + b"\r\n")))
    assert [message.content for message in batch.messages] == [mail("other") + b"\r\n"]


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({}, ["plain", "deleted"]),
        ({"take_drafts": True}, ["plain", "draft", "deleted"]),
        ({"take_deleted": False}, ["plain"]),
        ({"take_deleted": False, "take_drafts": True}, ["plain", "draft"]),
    ],
)
def test_drafts_and_deleted_mail_are_taken_as_the_keys_say(mailbox, connect, options, taken):
    # Given
    start = connect(mailbox).fetch(None).cursor
    client = mailbox.server.client(mailbox.user)
    for subject, flags in (("plain", ()), ("draft", (rb"\Draft",)), ("deleted", (rb"\Deleted",))):
        client.append("INBOX", mail(subject), flags=flags)
    # Then
    connector = connect(mailbox, **options)
    batch = connector.fetch(start)
    assert [message.content for message in batch.messages] == [mail(subject) for subject in taken]
    assert not connector.fetch(batch.cursor).messages
    client.logout()


def test_a_polled_folder_of_sent_mail_says_so(dovecot_mailbox, connect):
    client = dovecot_mailbox.server.client(dovecot_mailbox.user)
    client.create_folder("Sent")
    connector = connect(dovecot_mailbox, folder="Sent")
    start = connector.fetch(None).cursor
    client.append("Sent", mail("ours"))
    assert [message.from_sent for message in connector.fetch(start).messages] == [True]
    client.logout()


def test_other_items_are_not_taken_for_a_body():
    assert _item_of(b"BODY[TEXT]") != b"BODY[]"
    assert _item_of(b"BODY[1]<0>") != b"BODY[]"
