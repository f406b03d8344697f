"""No input makes the splitting of words slow (reliability T35), and double the input costs double the time."""

# ruff: noqa: E501

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from connectors.email.words import split_reply

SIZE = 100_000
# The processor's time, for the machine may be busy with something else.
LIMIT_SECONDS = 0.2

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


def is_under(limit: float, measure: Callable[[], float]) -> bool:
    """Measure up to five times: neighbours can only make it slower."""
    return any(measure() < limit for _ in range(5))


def seconds(unit: str, *, size: int, html: bool = False) -> float:
    text = unit * (size // len(unit.encode()))
    started = time.process_time()
    split_reply("a\n" * 2_000 if html else text, html=text if html else "")
    return time.process_time() - started


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_hostile_text_costs_its_share(unit: str) -> None:
    assert is_under(LIMIT_SECONDS, lambda: seconds(unit, size=SIZE))


@pytest.mark.parametrize("unit", PAGES, ids=repr)
def test_hostile_html_costs_its_share(unit: str) -> None:
    assert is_under(LIMIT_SECONDS, lambda: seconds(unit, size=SIZE, html=True))


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_twice_the_text_costs_twice_the_time(unit: str) -> None:
    once = min(seconds(unit, size=SIZE // 2) for _ in range(2))
    # A quadratic rule would cost four times as much; below some milliseconds the clock says nothing.
    assert is_under(3 * max(once, 0.005), lambda: seconds(unit, size=SIZE))


def test_a_plain_mail_costs_microseconds() -> None:
    mail = (
        "Hello,\n\nI cannot log in since Monday. The code never arrives.\nMy order is 20261122-8841.\n\nThanks\nBob\n"
    )

    def microseconds() -> float:
        started = time.process_time()
        for _ in range(1_000):
            split_reply(mail)
        return (time.process_time() - started) * 1_000

    # 5 microseconds when the machine is quiet; the promise is 20.
    assert is_under(20, microseconds)
