"""No input makes the splitting of words slow; its cost grows linearly."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from connectors.email.quotes.split_reply import split_reply
from tests.growth import grows_linearly

SIZE = 100_000

UNITS = [
    " ", "\n", " \n", "\t", "\xa0", "\r", "\u2028", "On ", "On\n", "On a wrote:\n", "On 2012 wrote:\n", "wrote:\n", "wrote (",
    "wrote (a:\n", "<a@b>:\n", "On Mon 2012-01-01 10:10 a@b <a@b\n", "On Mon 2012-01-01 <a@b> wrote:\n>\n", "x:\n", ":", "：\n",
    "<a@b> 2012-01-01 10:10:\n>\n", "写道：\n", "在2021年1月1日，写道：\n>\n", "schrieb ", "a écrit :\n", "@", "<@", "a@", "\"@", "a@b.c ",
    ">", ">\n", ">>>>", "> a\nb\n", "＞\n", "-", "-\n", "--\n", "-- \n", "---\n", "----- x -----\n", "—\n", "_", "_\n", "____\n",
    "*\n", "* *\n", "|", "|a|\n", "| From |\n", "#-", "From: a\n", "From: a\nTo: b\n", "From: a\nTo: b\nDate: x\nCc: y\n", "From:\n\n",
    "From: a\nx\n", "To: a@b\n\n", "发件人：a\n", "Begin forwarded message:\n>\n", "----- Original Message -----\n>\n",
    "Sent from my iPhone\n", "Sent from my iPhone\n\n", "a\n\nSent from my iPhone\n", "发自我的iPhone\n\n", "1/1/11 ", "2012-01-01 ",
]  # fmt: skip
PAGES = [
    "<blockquote>", "<blockquote type=cite>a</blockquote>b", "<div class=gmail_quote>", "<div class=gmail_quote>a</div>b", "blockquote",
    "<blockquote type=cite>", "<hr id=zwchr>a", "a<br>", "<", "<p", "&nbsp;", "<div id=divRplyFwdMsg>a</div>",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_hostile_text_costs_its_share(unit: str) -> None:
    assert grows_linearly(lambda text: split_reply(text, html=""), unit, size=SIZE // 4)


@pytest.mark.parametrize(
    "unit", [" ", "\t", " -", "x ", "--- ", " On Mon, ", " On Mon, a wrote: ", "wrote: "], ids=repr
)
def test_a_hostile_line_that_may_share_an_attribution_costs_its_share(unit: str) -> None:
    assert grows_linearly(lambda text: split_reply(f"Bob wrote:\nx{text}", html=""), unit, size=SIZE // 4)


@pytest.mark.parametrize("unit", PAGES, ids=repr)
def test_hostile_html_costs_its_share(unit: str) -> None:
    assert grows_linearly(lambda html: split_reply("a\n" * 2_000, html=html), unit, size=SIZE // 4)
