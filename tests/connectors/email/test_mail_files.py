"""Mail in files: maildir, mbox, eml."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import RawMessage
from connectors.email.folder_roles import FolderRole
from connectors.email.mail_files import LARGEST, Archive, FiledMail, Kind
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


def messages(kind: Kind, path: Path, *, largest: int = LARGEST) -> list[RawMessage]:
    return [mail.raw for mail in Archive(kind, path, largest=largest).read()]


def contents(kind: Kind, path: Path, *, largest: int = LARGEST) -> list[bytes]:
    return [message.content for message in messages(kind, path, largest=largest)]


def filed(kind: Kind, path: Path) -> tuple[list[FiledMail], Archive]:
    archive = Archive(kind, path)
    return list(archive.read()), archive


def test_a_maildir_is_read_by_delivery_with_keys_that_outlive_flags(tmp_path):
    # Given
    path = maildir(tmp_path / "mail")
    (path / "cur" / "1700000002.M1.host:2,S").write_bytes(b"Subject: second\r\n\r\n")
    (path / "new" / "1700000001.M9.host").write_bytes(b"Subject: first\r\n\r\n")
    (path / "new" / "999.M9.host").write_bytes(b"Subject: oldest\r\n\r\n")
    archive = Archive("maildir", path)
    assert archive.count() == 3
    before = [mail.raw.source_key for mail in archive.read()]
    # When
    (path / "new" / "1700000001.M9.host").rename(path / "cur" / "1700000001.M9.host:2,RS")
    # Then
    assert before == ["maildir:999.M9.host", "maildir:1700000001.M9.host", "maildir:1700000002.M1.host"]
    assert [mail.raw.source_key for mail in archive.read()] == before


def test_a_maildir_that_people_use_meanwhile_loses_nothing(tmp_path):
    path = maildir(tmp_path / "mail", new__1700000001_a=b"one", new__1700000002_b=b"two", new__1700000003_c=b"three")
    reading = Archive("maildir", path).read()
    assert next(reading).raw.content == b"one"
    (path / "new" / "1700000002_b").rename(path / "cur" / "1700000002_b:2,S")
    (path / "new" / "1700000003_c").unlink()
    assert [mail.raw.content for mail in reading] == [b"two"]


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
    assert Archive("mbox", path).count() == 2


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
    received = next(Archive("mbox", path).read()).raw.received_at
    assert received.replace(second=0) == datetime(2024, 1, 4, 10, 11, tzinfo=UTC)


def test_the_key_of_a_mail_in_an_mbox_is_its_bytes(tmp_path):
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + b"Subject: a\n\nA\n")
    [message] = messages("mbox", path)
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
    one, two, small = messages("mbox", path, largest=2_000_000)
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
    archive = Archive("mbox", path)
    assert archive.count() == 5_000
    reading = archive.read()
    assert next(reading).raw.content == b"Subject: n0\n\nA\n"
    assert sum(1 for _ in reading) == 4_999


def test_single_mails_are_read_from_a_file_or_a_folder_by_name(tmp_path):
    (tmp_path / "b.eml").write_bytes(b"Subject: b\n\n")
    (tmp_path / "a.eml").write_bytes(b"Subject: a\n\n")
    (tmp_path / "notes.txt").write_bytes(b"nothing")
    assert contents("eml", tmp_path) == [b"Subject: a\n\n", b"Subject: b\n\n"]
    assert contents("eml", tmp_path / "b.eml") == [b"Subject: b\n\n"]
    assert Archive("eml", tmp_path).count() == 2


def test_a_single_mail_that_is_too_large_is_cut(tmp_path):
    (tmp_path / "a.eml").write_bytes(b"Subject: a\n\n" + b"x" * 3_000_000)
    [message] = messages("eml", tmp_path, largest=2_000_000)
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
    assert next(Archive("eml", path).read()).raw.received_at == received


A, B = b"From: a@x.example\nSubject: a\n\nA\n", b"From: b@x.example\nSubject: b\n\nB\n"


@pytest.mark.parametrize(
    "separator",
    [
        b"From \n",
        b"From\x20\x20\n",
        b"From -\n",
        b"From - \n",
        b"From li@customer.example\n",
        b"From li@customer.example 2026-11-27 10:00:00\n",
        b"From li@customer.example 2026-11-27T10:00:00+08:00\n",
        b"From li@customer.example Fri, 27 Nov 2026 10:00:00 +0800\n",
        b"From li@customer.example Fre Nov 27 10:00:00 2026\n",
        b"From li@customer.example 1795773600\n",
        b"From ???@??? Fri Nov 27 10:00:00 2026\n",
        b"From MAILER-DAEMON 27.11.2026 10:00\n",
        b"From 1700000000000000001@xxx Fri Nov 27 02:00:00 +0000 2026\n",
    ],
)
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_a_from_line_before_a_header_field_starts_a_message_whatever_its_date(tmp_path, separator, ending, mark):
    path = tmp_path / "box"
    path.write_bytes(mark + (separator + A + b"\n" + separator + B).replace(b"\n", ending))
    kept = b"\n" if ending == b"\r" else ending
    assert contents("mbox", path) == [A.replace(b"\n", kept), B.replace(b"\n", kept)]


@pytest.mark.parametrize(
    "separator",
    [
        SEPARATOR,
        b"From li@customer.example 2026-11-27 10:00:00\n",
        b"From li@customer.example Fri, 27 Nov 2026 10:00:00 +0800\n",
    ],
)
def test_a_dated_separator_needs_no_blank_line_before_it(tmp_path, separator):
    path = tmp_path / "box"
    path.write_bytes(separator + A + separator + B + separator + A)
    mails, archive = filed("mbox", path)
    assert [mail.raw.content for mail in mails] == [A, B, A]
    assert archive.remarks.doubtful == 0


@pytest.mark.parametrize(
    "text",
    [
        b"From the beginning\nno blank before\n",
        b"\nFrom my side: all is well\nhttps://shop.example/\n",
        b"\nFrom the start it was slow\n",
        b"\nFrom Monday on\nWe: open at nine\n",
        b"line\nFrom li@customer.example\n\n",
    ],
)
def test_a_sentence_is_no_separator(tmp_path, text):
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + A + text)
    mails, archive = filed("mbox", path)
    assert [mail.raw.content for mail in mails] == [(A + text).removesuffix(b"\n\n") + b"\n" * text.endswith(b"\n\n")]
    assert archive.remarks.doubtful == 0


@pytest.mark.parametrize("text", [b"\nFrom here on\nSubject: x\n", b"From li@x.example\nTo: me\n"])
def test_a_line_that_may_be_a_separator_and_was_taken_as_text_is_counted(tmp_path, text):
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + A + text + b"\n" + SEPARATOR + B)
    mails, archive = filed("mbox", path)
    assert [mail.raw.content for mail in mails] == [A + text, B]
    assert archive.remarks.doubtful == 1


def test_content_length_keeps_separators_in_a_text_that_was_not_quoted(tmp_path):
    # Given: mboxcl2 quotes nothing; a forwarded mailbox stands in the text.
    body = b"Look:\n\n" + SEPARATOR + A + b"\n>From the desk\n"
    path = tmp_path / "box"
    first = b"Subject: forwarded\nContent-Length: %d\n\n" % len(body) + body
    path.write_bytes(SEPARATOR + first + b"\n" + SEPARATOR + B)
    mails, archive = filed("mbox", path)
    assert [mail.raw.content for mail in mails] == [first, B]
    assert archive.remarks.doubtful == 1


@pytest.mark.parametrize("length", [0, 1, 3, 40, 10_000, 10**11])
def test_a_content_length_that_is_not_true_hides_no_message(tmp_path, length):
    path = tmp_path / "box"
    first = b"Subject: a\nContent-Length: %d\n\nA\n" % length
    path.write_bytes(SEPARATOR + first + b"\n" + SEPARATOR + B)
    assert contents("mbox", path) == [first, B]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_packed_files_are_unpacked_and_damaged_ones_named(tmp_path, pack):
    path = tmp_path / "box.packed"
    path.write_bytes(pack(SEPARATOR + A + b"\n" + SEPARATOR + B))
    assert contents("mbox", path) == [A, B]
    path.write_bytes(pack(A * 100)[:-12])
    with pytest.raises(PermanentError, match=r"box\.packed cannot be"):
        contents("eml", path)


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, r"Outlook \.msg"),
        (b"!BDN" + b"\0" * 100, r"\.pst"),
        (b"PK\x03\x04" + b"\0" * 100, "ZIP"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xfeF\0r\0o\0m\0", "UTF-16"),
        (b"\x7fELF\x02\x01\0\0", "not text"),
    ],
    ids=["msg", "pst", "zip", "pdf", "UTF-16", "binary"],
)
def test_what_is_not_mail_is_refused_in_words(tmp_path, beginning, words):
    path = tmp_path / "f.eml"
    path.write_bytes(beginning)
    for kind in ("eml", "mbox"):
        with pytest.raises(PermanentError, match=words):
            contents(kind, path)
    folder = maildir(tmp_path / "mail", new__1=beginning, new__2=A)
    mails, archive = filed("maildir", folder)
    assert [mail.raw.content for mail in mails] == [A]
    assert len(archive.remarks.refused) == 1


@pytest.mark.parametrize("content", [b"", b"hello\n", b"<html><body>x</body></html>", b'{"a": 1}\n'])
def test_a_text_without_header_fields_is_not_a_mail(tmp_path, content):
    (tmp_path / "a.eml").write_bytes(content)
    (tmp_path / "b.EML").write_bytes(B)
    with pytest.raises(PermanentError):
        contents("eml", tmp_path / "a.eml")
    mails, archive = filed("eml", tmp_path)
    assert [mail.raw.content for mail in mails] == [B]
    assert len(archive.remarks.refused) == 1


PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist>\n<plist version="1.0"><dict/></plist>\n'


@pytest.mark.parametrize(
    "wrapped",
    [
        b"\xef\xbb\xbf" + A,
        b"%d\n" % len(A) + A + PLIST,
        b"%d         \r\n" % len(A) + A + PLIST,
        b"%d\n" % len(A) + A,
        b"1\n" + A + PLIST,
        b"99999\n" + A + PLIST,
        SEPARATOR + A,
        b">" + SEPARATOR + A,
        b"\n\r\n" + A,
    ],
    ids=["BOM", "emlx", "emlx CRLF", "no plist", "count too low", "count too high", "separator", "quoted", "blank"],
)
def test_what_a_program_wrote_around_a_mail_is_no_part_of_it(tmp_path, wrapped):
    (tmp_path / "1.EMLX").write_bytes(wrapped)
    (tmp_path / "._1.emlx").write_bytes(b"\0\5\x16\7")
    assert contents("eml", tmp_path) == [A]


@pytest.mark.parametrize(
    ("top", "places"),
    [
        (b"X-Gmail-Labels: Sent,Important\n", {FolderRole.SENT}),
        (b"X-GM-THRID: 1\nX-Gmail-Labels: Spam,Trash\n", {FolderRole.SPAM, FolderRole.TRASH}),
        (b"X-Gmail-Labels: =?UTF-8?B?5bey5Y+R6YKu5Lu2LOmHjeimgQ==?=\n", {FolderRole.SENT}),
        (b"X-Gmail-Labels: =?UTF-8?Q?=E8=8D=89=E7=A8=BF?=\n", {FolderRole.DRAFTS}),
        (b"X-Gmail-Labels: Projects/Spam,Sentinel\n", set()),
        (b"X-Mozilla-Status: 0009\n", {FolderRole.TRASH}),
        (b"X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00800000\n", set()),
        (b"Received: by us; never\nX-Gmail-Labels: Spam\n", set()),
    ],
)
def test_exporters_say_at_the_top_of_a_mail_where_it_lay(tmp_path, top, places):
    path = tmp_path / "box"
    path.write_bytes(SEPARATOR + top + A)
    [mail], _ = filed("mbox", path)
    assert mail.places == places
    assert mail.raw.from_sent == (FolderRole.SENT in places)


def test_flags_of_a_maildir_say_trash_and_draft_on_every_file_system(tmp_path):
    path = maildir(tmp_path / "mail")
    for name in ("1.a:2,ST", "2.b;2,D", "3.c!2,RS", "4.d:2,S.gz", "5.e"):
        (path / "cur" / name).write_bytes(A)
    maildir(path / ".Sent", cur__9=B)
    mails, archive = filed("maildir", path)
    assert [set(mail.places) for mail in mails] == [{FolderRole.TRASH}, {FolderRole.DRAFTS}, set(), set(), set()]
    assert archive.remarks.aside == ["the sub-folder .Sent"]
    [sent], _ = filed("maildir", path / ".Sent")
    assert sent.raw.from_sent


@pytest.mark.parametrize("kind", ["maildir", "mbox", "eml"])
def test_what_is_not_there_is_named(tmp_path, kind):
    with pytest.raises(PermanentError, match="nowhere"):
        Archive(kind, tmp_path / "nowhere")
