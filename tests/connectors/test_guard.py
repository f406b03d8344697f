"""The guard: whole pages through a child process, and what happens when the child dies."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from connectors.base import RawMessage
from connectors.email.guard import Guard
from connectors.email.originals import unpack
from router.envelope import from_json
from router.errors import PermanentError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAIN = b"From: Li Lei <li@example.com>\r\nSubject: Locked\r\nMessage-ID: <1@example.com>\r\n\r\nPlease unlock.\r\n"


def raw(key: str, content: bytes, defect: str = "") -> RawMessage:
    return RawMessage(source_key=key, content=content, received_at=NOW, defect=defect)


@pytest.fixture(scope="module")
def guard():
    with Guard() as one:
        yield one


def test_a_page_comes_back_in_order_with_its_originals(guard):
    page = [raw(f"1:{n}", PLAIN.replace(b"Locked", b"Locked %d" % n)) for n in range(120)]
    arrivals = guard.normalise_page(page, channel="mail")
    assert [arrival.source_key for arrival in arrivals] == [message.source_key for message in page]
    for number, (message, arrival) in enumerate(zip(page, arrivals, strict=True)):
        assert from_json(arrival.envelope).subject == f"Locked {number}"
        assert unpack(arrival.original, size=arrival.size) == message.content
        assert arrival.content_hash == sha256(message.content).digest()
        assert arrival.unreadable == ""


def test_an_empty_page_needs_no_reader():
    assert Guard().normalise_page([], channel="mail") == []


def test_a_message_that_could_not_be_fetched_is_a_visible_stub(guard):
    page = [raw("1:1", PLAIN), raw("1:2", b"", "The server will not give this mail."), raw("1:3", PLAIN)]
    first, stub, last = guard.normalise_page(page, channel="mail")
    assert first.unreadable == last.unreadable == ""
    assert stub.unreadable == "The server will not give this mail."
    assert from_json(stub.envelope).defects == ("The server will not give this mail.",)


def test_an_attachment_is_found_again_by_its_part(guard):
    content = (
        b"From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\n"
        b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nAAEC\n--x--\n"
    )
    (arrival,) = guard.normalise_page([raw("1:1", content)], channel="mail")
    (attachment,) = from_json(arrival.envelope).attachments
    assert (attachment.name, attachment.size) == ("a.pdf", 3)
    assert guard.attachment(content, attachment.part) == b"\x00\x01\x02"
    with pytest.raises(PermanentError):
        guard.attachment(content, 99)
