"""The hostile set, mail by mail: each ends as an envelope or a visible stub, and does not delay the next mail."""

from __future__ import annotations

import os
import resource
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.hostile.mails import NAMES, hostile_mail
from connectors.base import RawMessage
from connectors.email.sandbox.parent import Guard
from router.envelope import from_json

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEALTHY = b"From: Li Lei <li@example.com>\r\nSubject: Locked\r\n\r\nPlease unlock.\r\n"
# These hold nothing to show to a person, except that they came.
NAMELESS = {"nothing_but_noise", "empty", "open_brackets", "many_open_brackets"}
STUBS = {"deep_nesting", "deep_forwards", "oversize", "boundary_of_its_parent"}


@pytest.fixture(scope="module")
def guard():
    with Guard() as one:
        yield one


def read(guard: Guard, name: str):
    batch = [
        RawMessage(source_key=key, content=content, received_at=NOW)
        for key, content in (("1", HEALTHY), ("2", hostile_mail(name)), ("3", HEALTHY))
    ]
    started = worked(guard)
    arrivals = guard.normalise_batch(batch, channel="mail")
    return arrivals, worked(guard) - started


def worked(guard: Guard) -> float:
    """Return the seconds of processor time of this process and of its readers, the running one included."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() + ended.ru_utime + ended.ru_stime
    if guard.reader_id:
        fields = Path(f"/proc/{guard.reader_id}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_mail_is_shown_and_does_not_delay_its_neighbours(guard, name):
    (first, hostile, last), seconds = read(guard, name)
    assert seconds < 5
    assert from_json(first.envelope).text == from_json(last.envelope).text == "Please unlock."
    envelope = from_json(hostile.envelope)
    assert bool(hostile.unreadable) == (name in STUBS), hostile.unreadable
    assert envelope.sender.handle or name in NAMELESS
    assert len(hostile.envelope) < 4_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_mail_leaves_the_reader_alive_and_small(guard, name):
    reader = guard.reader_id
    read(guard, name)
    assert guard.reader_id == reader
    if name in {"largest", "largest_text", "oversize", "random_bytes", "one_long_line"}:
        status = Path(f"/proc/{reader}/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0])
        assert peak < 256_000, "kilobytes"


def envelope_of(guard: Guard, name: str):
    return from_json(read(guard, name)[0][1].envelope)


def test_many_parts_are_cut_with_a_note(guard):
    assert "Parts beyond the first 500 were not read." in envelope_of(guard, "many_parts").defects


def test_many_addresses_are_cut_with_a_note(guard):
    envelope = envelope_of(guard, "many_addresses")
    assert len(envelope.cc) == 200
    assert "Only the first 200 addresses of cc were read." in envelope.defects


def test_many_authors_are_noted_and_the_first_stands(guard):
    envelope = envelope_of(guard, "many_authors")
    assert envelope.sender.handle == "a0@example.com"
    assert "The mail names more than one author." in envelope.defects


def test_a_wrong_charset_is_seen_through(guard):
    assert envelope_of(guard, "wrong_charset").text == "我的账户被锁定了，请帮我解锁。"


def test_a_uuencoded_file_is_an_attachment_with_a_safe_name(guard):
    envelope = envelope_of(guard, "uuencode")
    assert [attachment.name for attachment in envelope.attachments] == ["cat.txt"]
    assert envelope.text.startswith("See the file.")
    assert "begin" not in envelope.text + envelope.signature + envelope.quoted


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("right_to_left_name", "invoicefdp.exe"),
        ("climbing_name", "x"),
        ("endless_name", "a" * 146 + ".pdf"),
        ("zip_bomb", "bomb.zip"),
        ("picture_bomb", "bomb.png"),
    ],
)
def test_a_hostile_file_name_is_made_safe_and_its_file_left_closed(guard, name, shown):
    (attachment,) = envelope_of(guard, name).attachments
    assert attachment.name == shown
    assert attachment.size < 100_000


def test_html_that_would_stall_a_browser_is_shown_as_text_only(guard):
    for name in ("deep_html", "deep_quotes", "deep_tables", "many_attributes"):
        envelope = envelope_of(guard, name)
        assert envelope.html == "", name
        assert envelope.text in {"deep down", "hello"}
        assert "The HTML is nested too deep or too wide to be shown." in envelope.defects


def test_a_name_never_gives_the_identity(guard):
    envelope = envelope_of(guard, "name_in_quotes")
    assert (envelope.sender.handle, envelope.sender.name) == ("mallory@example.net", "ceo@example.com")


def test_an_impossible_date_is_no_date(guard):
    assert envelope_of(guard, "dates_beyond_time").sent_at is None
