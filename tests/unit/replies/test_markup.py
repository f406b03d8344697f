"""The markup of answers as HTML and as plain text, and that nothing else in them is HTML."""

from __future__ import annotations

import time

import pytest

from router.replies.markup import below_as_html, has_markup, to_html, to_plain
from router.replies.quotation import below, quote


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("**您好**，请看", "<p><strong>您好</strong>，请看</p>", "您好，请看"),
        ("one\ntwo", "<p>one<br>\ntwo</p>", "one\ntwo"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>", "- a\n- b"),
        ("1. a\n2. b", "<ol>\n<li>a</li>\n<li>b</li>\n</ol>", "1. a\n2. b"),
        ("[here](https://a.example/?x=1)", '<p><a href="https://a.example/?x=1">here</a></p>', "here (https://a.example/?x=1)"),
        # Neither a tag nor a link to anything but the web, a mail address or a telephone.
        ("<b>x</b> & <script>", "<p>&lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;</p>", "<b>x</b> & <script>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>", "[x](javascript:alert(1))"),
        ("[x](data:text/html,y)", "<p>[x](data:text/html,y)</p>", "[x](data:text/html,y)"),
        ("2 * 3 * 4 and a_b_c #1 `x`", "<p>2 * 3 * 4 and a_b_c #1 `x`</p>", "2 * 3 * 4 and a_b_c #1 `x`"),
        ("![y](https://z)", '<p>!<a href="https://z">y</a></p>', "!y (https://z)"),
    ],
)  # fmt: skip
def test_bold_lists_and_links_are_all_there_is(text: str, html: str, plain: str) -> None:
    assert to_html(text).replace("<br />", "<br>") == html
    assert to_plain(text) == plain


@pytest.mark.parametrize(
    ("text", "marked"), [("plain\n\nwords", False), ("2 * 3", False), ("- a", True), ("**a**", True)]
)
def test_words_without_markup_need_no_html(text: str, marked: bool) -> None:
    assert has_markup(text) is marked


def test_a_signature_and_a_quotation_stand_below() -> None:
    from datetime import UTC, datetime  # noqa: PLC0415
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    at = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    quoted = quote("一\n<b>", name="李", at=at, zone=ZoneInfo("Asia/Shanghai"), language="zh-Hans")
    text = below(signature="Amy", quotation=quoted)
    assert text == "-- \nAmy\n\n李 于 2026-11-20 12:00 CST 写道：\n> 一\n> <b>"
    assert below_as_html(text).endswith("写道：<br><blockquote>一<br>&lt;b&gt;<br></blockquote>")
    assert below(signature="", quotation="") == ""


@pytest.mark.parametrize("unit", ["**a ", "[a", "[a](", "- ", "> ", "*_", "[](", "\\*"])
def test_no_text_takes_long(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    began = time.process_time()
    to_html(text)
    to_plain(text)
    assert time.process_time() - began < 3
