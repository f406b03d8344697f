"""Mail in files: maildir, mbox, eml."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.email.mail_files import open_archive
from router.errors import PermanentError

SEPARATOR = b"From li@customer.example Thu Jan  4 10:11:12 2024\n"


def maildir(root: Path, **files: bytes) -> Path:
    """Make a maildir; `cur__NAME` and `new__NAME` give the files' names."""
    for name in ("cur", "new", "tmp"):
        (root / name).mkdir(parents=True)
    for name, content in files.items():
        folder, _, file = name.partition("__")
        (root / folder / file).write_bytes(content)
    return root


def contents(kind: str, path: Path, **options) -> list[bytes]:
    return [message.content for message in open_archive(kind, path, **options).read()]


def test_a_maildir_is_read_by_delivery_with_keys_that_outlive_flags(tmp_path):
    # Given
    path = maildir(tmp_path / "mail")
    (path / "cur" / "1700000002.M1.host:2,S").write_bytes(b"Subject: second\r\n\r\n")
    (path / "new" / "1700000001.M9.host").write_bytes(b"Subject: first\r\n\r\n")
    (path / "new" / "999.M9.host").write_bytes(b"Subject: oldest\r\n\r\n")
    archive = open_archive("maildir", path)
    assert archive.count() == 3
    before = [message.source_key for message in archive.read()]
    # When
    (path / "new" / "1700000001.M9.host").rename(path / "cur" / "1700000001.M9.host:2,RS")
    # Then
    assert before == ["maildir:999.M9.host", "maildir:1700000001.M9.host", "maildir:1700000002.M1.host"]
    assert [message.source_key for message in archive.read()] == before


def test_a_maildir_that_people_use_meanwhile_loses_nothing(tmp_path):
    path = maildir(tmp_path / "mail", new__1700000001_a=b"one", new__1700000002_b=b"two", new__1700000003_c=b"three")
    reading = open_archive("maildir", path).read()
    assert next(reading).content == b"one"
    (path / "new" / "1700000002_b").rename(path / "cur" / "1700000002_b:2,S")
    (path / "new" / "1700000003_c").unlink()
    assert [message.content for message in reading] == [b"two"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_an_mbox_is_cut_at_its_separators_and_quoting_comes_off(tmp_path, ending):
    # Given: quoted and unquoted lines that look like separators, 8-bit bytes, no end to the last line.
    first = b"Subject: a\n\n>From here on\n>>From there on\nFrom the beginning\n\nFrom now on all is well\n"
    second = b"Subject: \xc4\xe3\xba\xc3\n\n\xff\xfe\x00 bytes"
    path = tmp_path / "box"
    text = SEPARATOR + first + b"\n" + SEPARATOR + second
    path.write_bytes(text.replace(b"\n", ending))
    # Then
    unquoted = first.replace(b"\n>From", b"\nFrom").replace(b"\n>>From", b"\n>From")
    assert contents("mbox", path) == [unquoted.replace(b"\n", ending), second.replace(b"\n", ending)]
    assert open_archive("mbox", path).count() == 2


@pytest.mark.parametrize(
    "separator",
    [
        b"From li@customer.example Thu Jan  4 10:11:12 2024\n",
        b"From - Thu Jan 04 10:11:12 2024\n",
        b"From MAILER-DAEMON Thu Jan  4 10:11 2024\n",
        b"From li@customer.example Thu Jan  4 10:11:12 CET 2024\n",
        b"From li@customer.example Thu Jan  4 10:11:12 +0000 2024\n",
        b"From li@customer.example Thu Jan  4 10:11:12 2024 +0100\n",
        b'From "li the customer"@example Thu Jan  4 10:11:12 2024\n',
    ],
)
def test_separators_come_in_many_dialects(tmp_path, separator):
    path = tmp_path / "box"
    path.write_bytes(separator + b"Subject: a\n\nA\n\n" + separator + b"Subject: b\n\nB\n")
    assert contents("mbox", path) == [b"Subject: a\n\nA\n", b"Subject: b\n\nB\n"]
    received = next(open_archive("mbox", path).read()).received_at
    assert received.replace(second=0) == datetime(2024, 1, 4, 10, 11, tzinfo=UTC)


def test_the_key_of_a_mail_in_an_mbox_is_its_bytes(tmp_path):
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + b"Subject: a\n\nA\n")
    [message] = open_archive("mbox", path).read()
    assert message.source_key == f"sha256:{hashlib.sha256(message.content).hexdigest()}"


def test_what_is_no_mbox_is_refused(tmp_path):
    path = tmp_path / "box"
    path.write_bytes(b"Subject: a\n\nA\n")
    with pytest.raises(PermanentError, match="not an mbox"):
        contents("mbox", path)
    path.write_bytes(b"")
    assert contents("mbox", path) == []


def test_a_large_mail_in_an_mbox_is_cut_and_its_key_is_of_all_its_bytes(tmp_path):
    # Given: two mails that differ in their last byte only.
    path = tmp_path / "box"
    large = b"Subject: large\n\n" + b"x" * 3_000_000
    path.write_bytes(SEPARATOR + large + b"1\n\n" + SEPARATOR + large + b"2\n\n" + SEPARATOR + b"Subject: b\n\nB\n")
    # When
    one, two, small = open_archive("mbox", path, largest=2_000_000).read()
    # Then
    assert len(one.content) == 262_144
    assert "3000018 bytes" in one.defect
    assert one.source_key == f"sha256:{hashlib.sha256(large + b'1' + chr(10).encode()).hexdigest()}"
    assert one.source_key != two.source_key
    assert (small.content, small.defect) == (b"Subject: b\n\nB\n", "")


def test_a_quoted_looking_piece_of_an_endless_line_is_no_separator(tmp_path):
    # Given: the line is read in pieces of a mebibyte, and the second piece begins like a separator.
    path = tmp_path / "box"
    line = b"x" * 1_048_576 + SEPARATOR + b">From x\n"
    path.write_bytes(SEPARATOR + b"Subject: a\n\n" + line)
    assert contents("mbox", path) == [b"Subject: a\n\n" + line.replace(b">From", b"From")]


@pytest.mark.parametrize("body", [b">From x\n" * 100_000, b"\n" * 400_000, b">" * 400_000 + b"\n", b"From \n" * 70_000])
def test_reading_takes_time_in_proportion_to_the_bytes(tmp_path, body):
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + b"Subject: a\n\n" + body)
    began = time.process_time()
    assert len(contents("mbox", path)) == 1
    assert time.process_time() - began < 2


def test_five_thousand_mails_of_an_mbox_come_lazily(tmp_path):
    path = tmp_path / "box"
    path.write_bytes(b"".join(SEPARATOR + b"Subject: n%d\n\nA\n\n" % number for number in range(5_000)))
    archive = open_archive("mbox", path)
    assert archive.count() == 5_000
    reading = archive.read()
    assert next(reading).content == b"Subject: n0\n\nA\n"
    assert sum(1 for _ in reading) == 4_999


def test_single_mails_are_read_from_a_file_or_a_folder_by_name(tmp_path):
    (tmp_path / "b.eml").write_bytes(b"Subject: b\n\n")
    (tmp_path / "a.eml").write_bytes(b"Subject: a\n\n")
    (tmp_path / "notes.txt").write_bytes(b"nothing")
    assert contents("eml", tmp_path) == [b"Subject: a\n\n", b"Subject: b\n\n"]
    assert contents("eml", tmp_path / "b.eml") == [b"Subject: b\n\n"]
    assert open_archive("eml", tmp_path).count() == 2


def test_a_single_mail_that_is_too_large_is_cut(tmp_path):
    (tmp_path / "a.eml").write_bytes(b"Subject: a\n\n" + b"x" * 3_000_000)
    [message] = open_archive("eml", tmp_path, largest=2_000_000).read()
    assert len(message.content) == 262_144
    assert message.defect


@pytest.mark.parametrize(
    ("header", "received"),
    [
        (b"Received: from a by b; Thu, 4 Jan 2024 10:11:12 +0800\n", datetime(2024, 1, 4, 2, 11, 12, tzinfo=UTC)),
        (
            b"Received: from a\n\tby b (a; comment)\n\t; Thu, 4 Jan 2024 10:11:12 +0800\nReceived: by c; never\n",
            datetime(2024, 1, 4, 2, 11, 12, tzinfo=UTC),
        ),
        (b"Received: by c; never\n", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        (b"Date: Thu, 4 Jan 2024 10:11:12 +0800\n", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
        (b"Received: x; Thu, 4 Jan 2024 99:11:12 +9999\n", datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)),
    ],
    ids=["Received", "folded", "unreadable", "Date is the sender's word", "no such hour"],
)
def test_a_mail_was_received_when_its_last_server_says_or_when_its_file_was_written(tmp_path, header, received):
    path = tmp_path / "a.eml"
    path.write_bytes(header + b"Subject: a\n\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert next(open_archive("eml", path).read()).received_at == received


@pytest.mark.parametrize("kind", ["maildir", "mbox", "eml"])
def test_what_is_not_there_is_named(tmp_path, kind):
    with pytest.raises(PermanentError, match="nowhere"):
        open_archive(kind, tmp_path / "nowhere")
