"""Mails whose structure is damaged: what was written and attached is there, and only boundaries cut."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import RawMessage
from connectors.email.mime.normalise import attachment_content, normalise
from tests.growth import grows_linearly

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEAD = "From: li@example.com\nMIME-Version: 1.0\n"
TEXT = "--X\nContent-Type: text/plain\n\nhi\n"
PAGE = "--X\nContent-Type: text/html\n\n<p>hi</p>\n"


def file(name):
    return f"--X\nContent-Type: application/pdf; name={name}\n\nx\n"


def inner(subtype):
    return f"--X\nContent-Type: multipart/{subtype}; boundary=X\n\n"


def read(text):
    raw = RawMessage(source_key="1", content=(HEAD + text).encode(), received_at=NOW)
    return normalise(raw, channel="mail")


def names(envelope):
    return [each.name for each in envelope.attachments]


MIXED = "Content-Type: multipart/mixed; boundary=X\n\n"


@pytest.mark.parametrize(
    ("text", "files"),
    [
        (inner("alternative") + TEXT + PAGE + "--X--\n" + file("a.pdf") + "--X--\n", ["a.pdf"]),
        (inner("related") + TEXT + file("a.pdf") + "--X--\n" + file("b.pdf") + file("c.pdf") + "--X--\n",
         ["a.pdf", "b.pdf", "c.pdf"]),
        (file("a.pdf") + inner("alternative") + TEXT + "--X--\n--X--\n", ["a.pdf"]),
        (inner("related") + inner("alternative") + TEXT + PAGE + "--X--\n" + file("a.pdf") + "--X--\n"
         + file("b.pdf") + "--X--\n", ["a.pdf", "b.pdf"]),
        # Only one of the two is ended.
        (inner("mixed") + TEXT + file("a.pdf") + "--X--\n", ["a.pdf"]),
    ],
)  # fmt: skip
def test_parts_with_one_boundary_keep_their_files(text, files):
    envelope = read(MIXED + text)
    assert envelope.text == "hi"
    assert sorted(names(envelope)) == files
    for attachment in envelope.attachments:
        assert attachment_content((HEAD + MIXED + text).encode(), attachment.part).strip() == b"x"


@pytest.mark.parametrize("line", ["--------------", "-----", "--==--==--", "--my-words"])
@pytest.mark.parametrize("declared", ["multipart/mixed; boundary=lost", "multipart/mixed", "multipart/alternative"])
def test_a_line_of_dashes_is_no_lost_boundary(line, declared):
    words = f"Dear all\n{line}\nmy card was stolen\n{line}\nBye"
    assert read(f"Content-Type: {declared}\n\n{words}\n").text == words


@pytest.mark.parametrize(
    ("types", "body", "text"),
    [
        (["multipart/mixed; boundary=X", "text/plain"], TEXT + "--X--\n", "hi"),
        (["text/plain", "multipart/mixed; boundary=X"], TEXT + "--X--\n", "hi"),
        (["text/plain; charset=utf-8", "multipart/mixed; boundary=X"], "only words\n", "only words"),
        (["multipart/mixed; boundary=Y", "multipart/mixed; boundary=X"], TEXT + "--X--\n", "hi"),
        (["multipart/mixed; boundary=X", "multipart/mixed; boundary=Y"], TEXT + "--X--\n", "hi"),
        # Words before the delimiter would be lost with the multipart.
        (["multipart/mixed; boundary=X", "text/plain"], "words\n" + TEXT + "--X--\n", None),
        # RFC 8621 section 4.1.3 reads the last where both fit.
        (["text/html", "text/plain"], "1 < 2\n", "1 < 2"),
    ],
)
def test_of_two_types_the_one_that_fits_the_body_is_read(types, body, text):
    fields = "".join(f"Content-Type: {each}\n" for each in types)
    wanted = text or body.strip()
    assert read(f"{fields}\n{body}").text == wanted
    within = "Content-Type: multipart/mixed; boundary=out\n\n--out\n" + f"{fields}\n{body}--out--\n"
    assert read(within).text == wanted


@pytest.mark.parametrize("unit", [inner("mixed"), TEXT, "--X--\n", "boundary=X\n", "--X\n", "-----\n"])
@pytest.mark.parametrize("top", [MIXED, "Content-Type: multipart/mixed\nContent-Type: text/plain\n\n"])
def test_repair_is_linear(unit, top):
    def work(text):
        try:
            read(top + inner("mixed") + text)
        except Exception as error:  # noqa: BLE001
            assert type(error).__name__ == "UnreadableMail"  # noqa: PT017

    assert grows_linearly(work, unit, size=20_000)
