"""The frames of the hostile mails, and those whose body is a page of HTML."""

from __future__ import annotations

import base64
from typing import Final

_HEAD: Final = b"From: Mallory <mallory@example.net>\nTo: support@example.com\nMessage-ID: <%s@example.net>\n"
MIXED: Final = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="edge"\n'
HTML: Final = b"MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n"


def mail(name: str, rest: bytes) -> bytes:
    """Return a mail of that name; `rest` is the rest of its header section and its body."""
    return _HEAD % name.encode() + b"Subject: " + name.encode() + b"\n" + rest


def attached(name: bytes, content: bytes, *, kind: bytes) -> bytes:
    """Return a last part of a `MIXED` mail: a file."""
    return (
        b"\n--edge\nContent-Type: " + kind + b'\nContent-Disposition: attachment; filename="' + name + b'"\n'
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(content) + b"\n--edge--\n"
    )


def deep_html() -> bytes:
    return mail("deep_html", HTML + b"\n" + b"<div><b><i>" * 60_000 + b"deep down\n")


def deep_tables() -> bytes:
    return mail("deep_tables", HTML + b"\n" + b"<table><tr><td>" * 20_000 + b"deep down\n")


def deep_quotes() -> bytes:
    return mail("deep_quotes", HTML + b"\n" + b"<blockquote>" * 100_000 + b"deep down\n")


def broken_formatting() -> bytes:
    return mail("broken_formatting", HTML + b"\n" + b"<a><b><p><table>" * 5_000 + b"</b></a>" * 5_000)


def many_attributes() -> bytes:
    return mail("many_attributes", HTML + b"\n<p " + b"".join(b"a%d=1 " % n for n in range(100_000)) + b">hello\n")


def html_openings() -> bytes:
    return mail("html_openings", HTML + b"\n" + b"<!--<![CDATA[<" * 200_000)


def wide_table() -> bytes:
    return mail("wide_table", HTML + b"\n<table><tr>" + b"<td colspan=1000>x" * 50_000 + b"</table>")
