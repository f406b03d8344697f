"""The guard: whole batches through a child process, and what happens when the child dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from connectors.base import RawMessage
from connectors.email.sandbox.parent import Guard
from connectors.originals import unpack
from router.envelope import from_json
from router.errors import PermanentError

ROOT = Path(__file__).parents[4]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAIN = b"From: Li Lei <li@example.com>\r\nSubject: Locked\r\nMessage-ID: <1@example.com>\r\n\r\nPlease unlock.\r\n"


def raw(key: str, content: bytes, defect: str = "") -> RawMessage:
    return RawMessage(source_key=key, content=content, received_at=NOW, defect=defect)


@pytest.fixture(scope="module")
def guard():
    with Guard() as one:
        yield one


def test_a_batch_comes_back_in_order_with_its_originals(guard):
    batch = [raw(f"1:{n}", PLAIN.replace(b"Locked", b"Locked %d" % n)) for n in range(120)]
    arrivals = guard.normalise_batch(batch, channel="mail")
    assert [arrival.source_key for arrival in arrivals] == [message.source_key for message in batch]
    for number, (message, arrival) in enumerate(zip(batch, arrivals, strict=True)):
        assert from_json(arrival.envelope).subject == f"Locked {number}"
        assert unpack(arrival.original, size=arrival.size) == message.content
        assert arrival.content_hash == sha256(message.content).digest()
        assert arrival.unreadable == ""


def test_an_empty_batch_needs_no_reader():
    assert Guard().normalise_batch([], channel="mail") == []


def test_a_message_that_could_not_be_fetched_is_a_visible_stub(guard):
    batch = [raw("1:1", PLAIN), raw("1:2", b"", "The server will not give this mail."), raw("1:3", PLAIN)]
    first, stub, last = guard.normalise_batch(batch, channel="mail")
    assert first.unreadable == last.unreadable == ""
    assert stub.unreadable == "The server will not give this mail."
    assert from_json(stub.envelope).defects == ("The server will not give this mail.",)


def test_an_attachment_is_found_again_by_its_part(guard):
    content = (
        b"From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\n"
        b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nAAEC\n--x--\n"
    )
    (arrival,) = guard.normalise_batch([raw("1:1", content)], channel="mail")
    (attachment,) = from_json(arrival.envelope).attachments
    assert (attachment.name, attachment.size) == ("a.pdf", 3)
    assert guard.attachment(content, attachment.part) == b"\x00\x01\x02"
    with pytest.raises(PermanentError):
        guard.attachment(content, 99)


POISONED = "tests.connectors.poisoned_reader"


def poison(kind: bytes) -> bytes:
    return (
        b"From: Mallory <mallory@example.net>\nSubject: poison\nMessage-ID: <p@example.net>\n\nPOISON-" + kind + b"\n"
    )


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (b"SEGV", "SIGSEGV"),
        (b"EXIT", "the reader ended"),
        (b"SLEEP", "more than 2 seconds"),
        (b"SPIN", "more than 1.5 seconds"),
        (b"MEMORY", "more memory"),
        (b"OPEN", "OSError"),
        (b"SOCKET", "OSError"),
    ],
)
def test_one_poisoned_mail_becomes_a_stub_and_its_batch_is_read(kind, why):
    batch = [raw("1:1", PLAIN), raw("1:2", poison(kind)), raw("1:3", PLAIN)]
    with Guard(reader=POISONED, batch_seconds=2.0 if kind == b"SLEEP" else 600.0) as guard:
        first, stub, last = guard.normalise_batch(batch, channel="mail")
    assert from_json(first.envelope).subject == from_json(last.envelope).subject == "Locked"
    assert why in stub.unreadable
    envelope = from_json(stub.envelope)
    assert (envelope.sender.handle, envelope.subject) == ("mallory@example.net", "poison")
    assert envelope.rfc_message_id == "p@example.net"
    assert envelope.defects == (stub.unreadable,)
    assert unpack(stub.original, size=stub.size) == poison(kind)


def test_a_guard_whose_reader_was_killed_starts_another(guard):
    guard.normalise_batch([raw("1:1", PLAIN)], channel="mail")
    os.kill(guard.reader_id, signal.SIGKILL)
    (arrival,) = guard.normalise_batch([raw("1:2", PLAIN)], channel="mail")
    assert arrival.unreadable == ""


def test_a_reader_ends_when_its_guard_is_gone():
    program = (
        "from connectors.email.sandbox.parent import Guard\nfrom connectors.base import RawMessage\n"
        "from datetime import UTC, datetime\nimport os, signal\nguard = Guard()\n"
        "guard.normalise_batch([RawMessage(source_key='1', content=b'', received_at=datetime.now(UTC))], channel='c')\n"
        "print(guard.reader_id, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=False, cwd=ROOT)
    reader = int(done.stdout)
    deadline = time.monotonic() + 60
    while is_running(reader) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(reader)


def is_running(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_the_reader_has_no_secret(guard, monkeypatch):
    monkeypatch.setenv("SUPPORT_MAIL_PASSWORD", "swordfish")
    with Guard() as fresh:
        fresh.normalise_batch([raw("1:1", PLAIN)], channel="mail")
        assert b"swordfish" not in Path(f"/proc/{fresh.reader_id}/environ").read_bytes()


def test_a_batch_of_large_mails_is_read_in_portions(guard):
    large = [raw(f"1:{n}", PLAIN + b"x" * 12_000_000) for n in range(5)]
    arrivals = guard.normalise_batch(large, channel="mail")
    assert [arrival.unreadable for arrival in arrivals] == [""] * 5
    assert all(len(from_json(arrival.envelope).text) <= 1_000_000 for arrival in arrivals)


def test_threads_with_a_guard_each_read_at_once():
    def read(number: int) -> set[str]:
        with Guard() as own:
            arrivals = own.normalise_batch([raw(f"{number}:{n}", PLAIN) for n in range(200)], channel="mail")
            return {arrival.unreadable for arrival in arrivals}

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(read, range(4))) == {""}


def test_a_stub_shows_who_wrote_and_what_about():
    content = b"From: =?utf-8?B?5p2O6Zu3?=\n <LI@example.com>\nSubject: =?gb2312?B?1cu1pQ==?=\nMessage-ID: <1@x>\n\n"
    (arrival,) = Guard().normalise_batch([raw("1:1", content, "The mail is too large.")], channel="mail")
    envelope = from_json(arrival.envelope)
    assert (envelope.sender.handle, envelope.sender.name) == ("li@example.com", "李雷")
    assert (envelope.subject, envelope.rfc_message_id) == ("账单", "1@x")


def test_a_stop_signal_to_the_whole_group_does_not_end_the_reader():
    with Guard() as guard:
        guard.normalise_batch([raw("1:1", PLAIN)], channel="mail")
        reader = guard.reader_id
        for stop in (signal.SIGINT, signal.SIGTERM):
            os.kill(reader, stop)
        (arrival,) = guard.normalise_batch([raw("1:2", PLAIN)], channel="mail")
        assert (arrival.unreadable, guard.reader_id) == ("", reader)
    assert not is_running(reader)
