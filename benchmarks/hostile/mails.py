"""Mails built to kill, stall or fool their reader: one name each."""

from __future__ import annotations

import base64
import io
import random
import zipfile
from collections.abc import Callable
from typing import Final

from benchmarks.hostile.pages import (
    MIXED,
    attached,
    broken_formatting,
    deep_html,
    deep_quotes,
    deep_tables,
    html_openings,
    mail,
    many_attributes,
    wide_table,
)


def deep_nesting() -> bytes:
    levels = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(5_000))
    return mail("deep_nesting", levels + b"\ndeep down\n")


def deep_forwards() -> bytes:
    return mail("deep_forwards", b"Content-Type: message/rfc822\n\n" * 5_000 + b"Subject: in\n\ndeep down\n")


def many_parts() -> bytes:
    return mail("many_parts", MIXED + b"\n" + b"--edge\n\nx\n" * 100_000 + b"--edge--\n")


def many_headers() -> bytes:
    return mail("many_headers", b"".join(b"X-%d: y\n" % n for n in range(200_000)) + b"\nhello\n")


def many_addresses() -> bytes:
    to = b",\n ".join(b"Person %d <person%d@example.com>" % (n, n) for n in range(5_000))
    return mail("many_addresses", b"Cc: " + to + b"\n\nhello\n")


def many_authors() -> bytes:
    people = b", ".join(b"a%d@example.com" % n for n in range(5_000))
    return b"From: " + people + b"\nSubject: many_authors\n\nhello\n"


def many_parameters() -> bytes:
    return mail(
        "many_parameters", b"Content-Type: text/plain" + b"".join(b"; a%d=1" % n for n in range(3_000)) + b"\n\nhello\n"
    )


def many_extended_parameters() -> bytes:
    names = b"".join(b";\n filename*%d*=utf-8''%%e4%%bd%%a0" % n for n in range(3_000))
    return mail(
        "many_extended_parameters", MIXED + b"\n--edge\nContent-Disposition: attachment" + names + b"\n\nx\n--edge--\n"
    )


def open_brackets() -> bytes:
    return b"From: " + b"(" * 500 + b"\nSubject: open_brackets\n\nhello\n"


def many_open_brackets() -> bytes:
    return b"From: " + b"(<[" * 200_000 + b" <mallory@example.net>\nSubject: many_open_brackets\n\nhello\n"


def open_quotes() -> bytes:
    return b'From: "' + b'\\"' * 30_000 + b" <mallory@example.net>\nSubject: open_quotes\n\nhello\n"


def bad_base64() -> bytes:
    return mail("bad_base64", b"Content-Transfer-Encoding: base64\n\n!!!! not =base= 64 aGVsbG8gd29ybGQ \xff\xfe===\n")


def bad_quoted_printable() -> bytes:
    return mail("bad_quoted_printable", b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=ZZ=\n==4=" * 50_000)


def wrong_charset() -> bytes:
    body = "我的账户被锁定了，请帮我解锁。".encode("gb18030")
    return mail("wrong_charset", b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body)


def unknown_charset() -> bytes:
    return mail("unknown_charset", b"Content-Type: text/plain; charset=x-klingon-7\n\n\xc4\xe3\xba\xc3\xa3\xac hello\n")


def codec_that_is_no_charset() -> bytes:
    return mail(
        "codec_that_is_no_charset", b"Content-Type: text/plain; charset=zlib\n\nx\x9c\x03\x00\x00\x00\x00\x01\n"
    )


def random_bytes() -> bytes:
    return mail("random_bytes", b"\n" + random.Random(7).randbytes(2_000_000))


def nothing_but_noise() -> bytes:
    return random.Random(8).randbytes(300_000)


def uuencode() -> bytes:
    lines = b"#0V%T\n" * 2_000
    return mail("uuencode", b"\nSee the file.\n\nbegin 644 ../../cat.txt\n" + lines + b"`\nend\n\nRegards\n")


def endless_uuencode() -> bytes:
    return mail("endless_uuencode", b"\n" + b"begin 644 a\n" * 100_000)


def tnef() -> bytes:
    stream = b"\x78\x9f\x3e\x22\x01\x00" + b"\x02\x10\x80\x01\x00\xff\xff\xff\x7f" + b"A" * 4_000
    return mail(
        "tnef", MIXED + b"\n--edge\n\nsee file\n" + attached(b"winmail.dat", stream, kind=b"application/ms-tnef")
    )


def tnef_of_tiny_attributes() -> bytes:
    stream = b"\x78\x9f\x3e\x22\x01\x00" + b"\x02\x10\x80\x01\x00\x00\x00\x00\x00\x00\x00" * 200_000
    return mail("tnef_of_tiny_attributes", MIXED + attached(b"winmail.dat", stream, kind=b"application/ms-tnef"))


def oversize() -> bytes:
    return mail("oversize", b"\n" + b"sixty megabytes of this\n" * 2_500_000)


def largest() -> bytes:
    block = base64.encodebytes(random.Random(9).randbytes(18_000_000))
    head = b"\n--edge\nContent-Type: video/mp4; name=a.mp4\nContent-Transfer-Encoding: base64\n\n"
    return mail("largest", MIXED + b"\n--edge\n\nsee film\n" + head + block + b"\n--edge--\n")


def largest_text() -> bytes:
    return mail("largest_text", b"Content-Type: text/plain; charset=gbk\n\n" + "退款失败，".encode("gbk") * 2_400_000)


def one_long_line() -> bytes:
    return mail("one_long_line", b"\n" + b"x" * 20_000_000)


def one_long_header() -> bytes:
    return mail("one_long_header", b"X-Long: " + b"y " * 5_000_000 + b"\n\nhello\n")


def endless_folding() -> bytes:
    return b"From: mallory@example.net\nSubject: a" + b"\n \t" * 1_000_000 + b"b\n\nhello\n"


def many_encoded_words() -> bytes:
    return b"From: mallory@example.net\nSubject: " + b"=?utf-8?B?5L2g?=\n " * 100_000 + b"\n\nhello\n"


def encoded_word_openings() -> bytes:
    return b"From: mallory@example.net\nSubject: " + b"=?utf-8?q?" * 100_000 + b"\n\nhello\n"


def endless_references() -> bytes:
    return mail("endless_references", b"References: " + b"<a@b> " * 200_000 + b"\n\nhello\n")


def reference_openings() -> bytes:
    return mail("reference_openings", b"References: " + b"<" * 500_000 + b"\nMessage-ID: <\n\nhello\n")


def zip_bomb() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 40_000_000)
    return mail("zip_bomb", MIXED + attached(b"bomb.zip", sink.getvalue(), kind=b"application/zip"))


def picture_bomb() -> bytes:
    # A PNG whose header claims 50,000 by 50,000 pixels.
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3P\0\0\xc3P\x08\x06\0\0\0"
    return mail("picture_bomb", MIXED + attached(b"bomb.png", header, kind=b"image/png"))


def right_to_left_name() -> bytes:
    return mail(
        "right_to_left_name", MIXED + attached("invoice\u202efdp.exe".encode(), b"MZ", kind=b"application/octet-stream")
    )


def climbing_name() -> bytes:
    return mail("climbing_name", MIXED + attached(b"../../../etc/cron.d/x", b"x", kind=b"application/octet-stream"))


def endless_name() -> bytes:
    return mail("endless_name", MIXED + attached(b"a" * 100_000 + b".pdf", b"x", kind=b"application/pdf"))


def name_in_quotes() -> bytes:
    return b'From: "ceo@example.com" <mallory@example.net>\nSubject: name_in_quotes\n\nhello\n'


def blanks_in_author() -> bytes:
    return b"From: Mallory" + b" " * 60_000 + b"@ <mallory@example.net>\nSubject: blanks_in_author\n\nhello\n"


def blanks_in_media_type() -> bytes:
    blanks = b" " * 60_000
    return mail(
        "blanks_in_media_type", b"Content-Type: text/plain; charset=" + blanks + b"?;" + blanks + b"\xff\n\n\xff\n"
    )


def nul_bytes() -> bytes:
    return mail("nul_bytes", b"X: a\0b\n\nhe\0llo\0\n" + b"\0" * 100_000)


def only_boundaries() -> bytes:
    return mail("only_boundaries", MIXED + b"\n" + b"--edge--\n--edge\n" * 50_000)


def boundary_of_nothing() -> bytes:
    return mail("boundary_of_nothing", b'Content-Type: multipart/mixed; boundary=""\n\n' + b"--\n\nx\n" * 50_000)


def boundary_of_its_parent() -> bytes:
    return mail("boundary_of_its_parent", (MIXED + b"\n--edge\n") * 200 + b"\nhello\n--edge--\n")


def dates_beyond_time() -> bytes:
    return mail("dates_beyond_time", b"Date: Fri, 99 Dec 99999999999999999999 99:99:99 +9999\n\nhello\n")


def blanks() -> bytes:
    return mail("blanks", b"\n" + b" " * 1_000_000 + b"x")


def quote_signs() -> bytes:
    return mail("quote_signs", b"\n" + b">" * 100_000 + b"\n" + b"> " * 50_000 + b"\n" + b"On On On On " * 20_000)


def bare_returns() -> bytes:
    return b"From: mallory@example.net\rSubject: bare_returns\r\rhello\r" * 1_000


def empty() -> bytes:
    return b""


_ALL: Final[tuple[Callable[[], bytes], ...]] = (
    deep_nesting, deep_forwards, many_parts, many_headers, many_addresses, many_authors, many_parameters,
    many_extended_parameters, open_brackets, many_open_brackets, open_quotes, bad_base64, bad_quoted_printable,
    wrong_charset, unknown_charset, codec_that_is_no_charset, random_bytes, nothing_but_noise, uuencode,
    endless_uuencode, tnef, tnef_of_tiny_attributes, oversize, largest, largest_text, one_long_line, one_long_header,
    endless_folding, many_encoded_words, encoded_word_openings, endless_references, reference_openings, deep_html,
    deep_tables, deep_quotes, broken_formatting, many_attributes, html_openings, wide_table, zip_bomb, picture_bomb,
    right_to_left_name, climbing_name, endless_name, name_in_quotes, blanks_in_author,
    blanks_in_media_type, nul_bytes, only_boundaries, boundary_of_nothing,
    boundary_of_its_parent, dates_beyond_time, blanks, quote_signs, bare_returns, empty,
)  # fmt: skip
NAMES: Final = tuple(build.__name__ for build in _ALL)


def hostile_mail(name: str) -> bytes:
    """Return the hostile mail of that name; `NAMES` lists the names."""
    return next(build() for build in _ALL if build.__name__ == name)
