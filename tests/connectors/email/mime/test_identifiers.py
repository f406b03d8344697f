"""Message-IDs as programs write them: one canonical form, whichever way a reply quotes it."""

from __future__ import annotations

import pytest

from connectors.email.mime.addresses import parse_addresses
from connectors.email.mime.headers import decode_words, open_mail
from connectors.email.mime.identifiers import identifiers, message_id
from tests.growth import grows_linearly


def fields(text):
    return open_mail(text.encode() + b"\n\nhi")[0]


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x> <b@x>", ("a@x", "b@x")),
        ("<a@x><b@x>", ("a@x", "b@x")),
        ("<a@x>\nIn-Reply-To: <b@x>", ("a@x", "b@x")),
        ("<a@x>\nIn-Reply-To: <a@x>", ("a@x",)),
        ("=?utf-8?B?PGFAeD4=?=", ("a@x",)),
        ("=?us-ascii?Q?=3Ca=40x=3E_=3Cb=40x=3E?=", ("a@x", "b@x")),
        ("=?utf-8?q?=3Ca=2Eb?=\n =?utf-8?q?=40x=3E?=", ("a.b@x",)),
        ("<a.b\n c@x>", ("a.bc@x",)),
        ("<a.b\n\tc@x>", ("a.bc@x",)),
        ("< 2026 a@x >", ("2026a@x",)),
        ("a@x b@x", ("a@x", "b@x")),
        ("a@x, b@x", ("a@x", "b@x")),
        ("<a@x", ("a@x",)),
        # RFC 822 wrote words here; an address among them is no id.
        ("Your message of Monday <a@x>", ("a@x",)),
        ("Message from li@example.com of Monday", ()),
        ("", ()),
    ],
)
def test_every_id_is_found_in_its_canonical_form(value, ids):
    assert identifiers(fields(f"In-Reply-To: {value}"), "in-reply-to") == ids


@pytest.mark.parametrize("own", ["<2026 100000.77@x>", "<2026\n 100000.77@x>", "=?utf-8?q?=3C2026100000=2E77=40x=3E?="])
@pytest.mark.parametrize("quoted", ["<2026 100000.77@x>", "<2026100000.77@x>", "<2026\n\t100000.77@x>"])
def test_an_id_with_a_blank_is_found_again_however_a_reply_quotes_it(own, quoted):
    mail = fields(f"Message-ID: {own}\nReferences: {quoted}")
    assert (message_id(mail),) == identifiers(mail, "references")


@pytest.mark.parametrize("unit", ["<", "<a@x>", "a@x ", "<a ", "=?utf-8?q?", "=?utf-8?q?a?", "?=E9", "< \n "])
def test_ids_and_words_are_read_in_linear_time(unit):
    def read(text):
        return identifiers(fields(f"References: {text}"), "references"), decode_words(text)

    assert grows_linearly(read, unit, size=15_000)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("=?utf-8?Q?Where is it? =E9=80=80=E6=AC=BE?=", "Where is it? 退款"),
        ("=?utf-8?Q?Why?=E9=80=80?=", "Why?退"),
        ("=?utf-8?Q?a? b? c?= d", "a? b? c d"),
        ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a?=Bar =?utf-8?Q?b?=", "aBar b"),
        ("=?utf-8?Q?a? =?utf-8?Q?b?=", "=?utf-8?Q?a? b"),
    ],
)
def test_a_word_with_a_blank_or_a_question_mark_is_decoded_as_far_as_it_can_be(word, text):
    assert decode_words(word) == text


@pytest.mark.parametrize(
    ("value", "handle"),
    [
        ("李 <li@例子.中国>", "li@xn--fsqu00a.xn--fiqs8s"),
        ("李 <li@xn--fsqu00a.xn--fiqs8s>", "li@xn--fsqu00a.xn--fiqs8s"),
        ("李雷@例子.中国", "李雷@xn--fsqu00a.xn--fiqs8s"),
        ("Li <li@BÜCHER.example>", "li@xn--bcher-kva.example"),
        ("li＠example.com", "li@example.com"),
        ("Li <ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ>", "li@example.com"),
        ("li@例子。中国", "li@xn--fsqu00a.xn--fiqs8s"),
        ("<mailto:li@example.com>", "li@example.com"),
        ("mailto:li@example.com", "li@example.com"),
        ("Li <MAILTO:li@example.com?subject=x>", "li@example.com"),
        ("Li [mailto:li@example.com]", "li@example.com"),
        ('"mailto:ceo@bank.example" <x@evil.example>', "x@evil.example"),
    ],
)
def test_one_address_has_one_handle(value, handle):
    assert [party.handle for party in parse_addresses(value)] == [handle]


@pytest.mark.parametrize("subject", ["\x1b$B!!", "\x1b$B\x01\x01 x", "\x1b$BA", "~{VP~}\x1b$B"])
def test_no_damaged_escape_gives_a_zero(subject):
    assert "\0" not in fields(f"Subject: {subject}").text("subject")
