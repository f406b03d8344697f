"""Quotes that a mail's HTML marks: the structures that programs write, shortened by hand."""

# ruff: noqa: E501

from __future__ import annotations

import pytest

from connectors.email.mime.html import to_text
from connectors.email.quotes.split_reply import split_reply

NEW = "My refund has not arrived."
OLD = "Dear customer, your refund is on its way."
WHO = "On Mon, Nov 16, 2026 at 9:41 AM Desk &lt;desk@wallet.example&gt; wrote:"
HEADERS = "<b>发件人:</b> 客服 &lt;desk@wallet.example&gt;<br><b>发送时间:</b> 2026年11月16日<br><b>主题:</b> 退款<br>"

PAGES = {
    "Gmail": f'<div dir="ltr">{NEW}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{WHO}<br></div>'
    f'<blockquote class="gmail_quote" style="border-left:1px solid rgb(204,204,204)">{OLD}</blockquote></div>',
    "Apple Mail": f'<body>{NEW}<br><div><blockquote type="cite"><div>On 16 Nov 2026, at 09:41, Desk wrote:</div>'
    f"<div>{OLD}</div></blockquote></div></body>",
    "Thunderbird": f'<p>{NEW}</p><div class="moz-cite-prefix">Am 16.11.26 um 09:41 schrieb Desk:<br></div>'
    f'<blockquote type="cite" cite="mid:1@b"><p>{OLD}</p></blockquote>',
    "Outlook": f'<div class="WordSection1"><p class="MsoNormal">{NEW}</p><div style="border:none;border-top:solid '
    f'#E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p><b>From:</b> Desk<br><b>Sent:</b> Monday</p></div><p>{OLD}</p></div>',
    "Outlook, web": f'<div>{NEW}</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Desk<br>'
    f"<b>Subject:</b> Refund</div><div>{OLD}</div>",
    "Outlook, phone": f'<div>{NEW}</div><div id="mail-editor-reference-message-container"><div>{OLD}</div></div>',
    "Hotmail": f'<div>{NEW}<br></div><hr id="stopSpelling"><div>Date: Mon, 16 Nov 2026</div><p>{OLD}</p>',
    "Yahoo": f'<div>{NEW}</div><div id="yahoo_quoted_123" class="yahoo_quoted"><div>{OLD}</div></div>',
    "QQ Mail": f"<div>{NEW}</div><div><includetail><div>------------------ 原始邮件 ------------------</div>"
    f"<div>{HEADERS}</div><div>{OLD}</div></includetail></div>",
    "Foxmail": f'<div>{NEW}</div><blockquote style="margin-left:0.5em"><div>&nbsp;</div><div style="border:none;'
    f'border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm 0cm 0cm"><div>{HEADERS}</div></div><div>{OLD}</div></blockquote>',
    "163": f'<div>{NEW}</div><div id="divNeteaseMailCard"></div><p>在 2026-11-16 09:41:12，"客服" &lt;desk@w.example&gt; 写道：</p>'
    f'<blockquote id="isReplyContent" style="BORDER-LEFT: #ccc 1px solid">{OLD}</blockquote>',
    "Mail Master": f'<div>{NEW}</div><div class="ntes-mailmaster-quote"><div>---- 回复的原邮件 ----</div><p>{OLD}</p></div>',
    "GMX": f'<div>{NEW}</div><div name="quote" style="border-left:2px solid #C3D9E5"><div>{OLD}</div></div>',
    "Zimbra": f'<div>{NEW}</div><hr id="zwchr" data-marker="__DIVIDER__"><div><b>From: </b>Desk</div><div>{OLD}</div>',
    "Proton": f'<div>{NEW}</div><div class="protonmail_quote">{WHO}<blockquote class="protonmail_quote" type="cite">'
    f"{OLD}</blockquote></div>",
    "Zoho": f'<div>{NEW}</div><div class="zmail_extra"><div>{OLD}</div></div>',
    "Yandex": f"<div>{NEW}</div><div>{WHO}</div><blockquote><p>{OLD}</p></blockquote>",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_what_a_program_marks_as_quoted_is_not_new(page: str) -> None:
    words = split_reply(to_text(page), html=page)
    assert words.text == NEW
    assert OLD in words.quoted


def test_the_plain_form_of_the_same_mail_is_cut_where_the_page_says() -> None:
    page = f'<div><b>{NEW}</b></div><div class="protonmail_quote">Our desk said <a href="https://a.example">here</a>: {OLD}</div>'
    plain = f"*{NEW}*\n\nOur desk said here [1]: {OLD}\n\n[1] https://a.example\n"
    assert split_reply(plain, html=page).text == f"*{NEW}*"


def test_answers_between_marked_quotes_are_new() -> None:
    page = (
        f'<div dir="ltr"><div class="gmail_quote"><div class="gmail_attr">{WHO}</div><blockquote class="gmail_quote">'
        'Which card do you mean?</blockquote><div>The blue one.</div><blockquote class="gmail_quote">Since when does it '
        "not work?</blockquote><div>Since Monday.</div></div></div>"
    )
    assert split_reply(to_text(page), html=page).text == "The blue one.\n\nSince Monday."


def test_a_marked_signature_is_kept_apart() -> None:
    page = f'<div>{NEW}</div><br><div class="gmail_signature" data-smartmail="gmail_signature">Bob Smith<br>Wallet Ltd</div>'
    words = split_reply(to_text(page), html=page)
    assert (words.text, words.signature) == (NEW, "Bob Smith\nWallet Ltd")


def test_an_indented_paragraph_is_no_quote() -> None:
    page = f'<div>{NEW}</div><blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>As I said.</div></blockquote>'
    assert split_reply(to_text(page), html=page).text.split("\n")[-1] == "As I said."


def test_a_forwarded_page_without_words_of_its_own_is_what_is_said() -> None:
    page = (
        '<div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: <b>Bank</b> '
        "&lt;a@bank.example&gt;<br>Subject: Alert<br></div><div>A login from Mars.</div></div>"
    )
    assert "A login from Mars." in split_reply(to_text(page), html=page).text


@pytest.mark.parametrize(
    "page",
    [
        f'<div>{NEW}</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg">From: Desk</div><div>Old words.</div>',
        f'<div>{NEW}</div><hr><div id="divRplyFwdMsg">From: Desk</div><div>Old words.</div>',
        f"<div>{NEW}</div><hr><blockquote type=cite>From: Desk<br>Old words.</blockquote>",
    ],
)
def test_the_drawn_line_above_a_marked_quote_is_no_word(page: str) -> None:
    assert split_reply(f"{NEW}\n\n________________________________\nFrom: Desk\n\nOld words.", html=page).text == NEW
