"""Which words of a mail are its text, and which pictures are its files."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from connectors.base import RawMessage
from connectors.email.mime.alternatives import stands_in
from connectors.email.mime.html import take_pictures
from connectors.email.mime.invitations import invitation_text, outlook_text
from connectors.email.mime.normalise import attachment_content, normalise
from connectors.email.quotes.split_reply import split_reply
from router.origin.automatic import recognise
from tests.growth import grows_linearly

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEAD = "From: li@example.com\nMIME-Version: 1.0\n"
PICTURE = b"\x89PNG\r\n\x1a\nnot really a picture"
DATA = f"data:image/png;base64,{b64encode(PICTURE).decode()}"


def read(text):
    raw = RawMessage(source_key="1", content=(HEAD + text).encode(), received_at=NOW)
    return normalise(raw, channel="mail")


def alternative(plain, page):
    return read(
        "Content-Type: multipart/alternative; boundary=X\n\n--X\nContent-Type: text/plain; charset=utf-8\n\n"
        f"{plain}\n--X\nContent-Type: text/html; charset=utf-8\n\n{page}\n--X--\n"
    )


@pytest.mark.parametrize(
    "plain",
    [
        "Your mail program cannot show HTML.",
        "This is an HTML message. Please use an email client that can show it.",
        "您的邮件客户端不支持HTML格式，请用网页版查看。",
        "View this email in your browser:\nhttps://example.com/view/1",
        "[Cette version texte n'est pas disponible, ouvrez le message HTML]",
        "This is a multi-part message in MIME format.",
        "????????? 8812 ?????",
        "??????，?????",
        "\ufffd\ufffd\ufffd\ufffd\ufffd",
        "Newsletter system v2",
    ],
)
def test_a_plain_part_that_only_stands_in_for_the_page_is_not_the_text(plain):
    assert alternative(plain, "<p>我的转账 8812 不见了，钱也扣了。</p>").text == "我的转账 8812 不见了，钱也扣了。"


@pytest.mark.parametrize(
    ("plain", "page"),
    [
        ("My browser shows no HTML on your page", "<p>My browser shows no HTML on your page</p>"),
        ("The form does not support Chinese", "<div>The <b>form</b> does not support Chinese</div>"),
        ("网页无法显示我的余额", "<p>网页无法显示我的余额</p>"),
        ("为什么？？？？", "<p>为什么？？？？</p>"),
        ("Where is it????", "<p>Where is it????</p>"),
        ("Refund please", "<p>Refund&nbsp;please</p>"),
        ("Grüße", "<p>Gr&uuml;&szlig;e</p>"),
        ("words", "<img src='cid:x'>"),
    ],
)  # fmt: skip
def test_a_plain_part_with_the_pages_words_is_the_text(plain, page):
    assert alternative(plain, page).text == plain


@pytest.mark.parametrize(
    "opening", ['<div class="gmail_quote">', '<blockquote type="cite">', '<div class="moz-signature">']
)
def test_a_page_that_is_all_quote_has_its_words_as_text(opening):
    words = "My account was hacked. I did not make the payment."
    assert read(f"Content-Type: text/html\n\n{opening}<div>{words}</div></div>\n").text == words
    assert alternative(words, f"{opening}<div>{words}</div>").text == words


def test_an_empty_reply_stays_empty():
    above = "On Mon, 2 Mar 2026, Desk &lt;desk@x.example&gt; wrote:"
    quote = f"<div class='gmail_quote'>{above}<blockquote>Hi</blockquote></div>"
    assert read(f"Content-Type: text/html\n\n{quote}\n").text == ""


RELATED_PAGE = "--X\nContent-Type: text/html\nContent-ID: <page@x>\n\n<p>See <img src='cid:p@x'></p>\n"
RELATED_PICTURE = "--X\nContent-Type: image/png\nContent-ID: <p@x>\n\nq\n"


@pytest.mark.parametrize("start", ['; start="<page@x>"', "; start=page@x", "; type=text/html", ""])
def test_the_root_of_related_parts_may_stand_anywhere(start):
    parts = RELATED_PICTURE + RELATED_PAGE + "--X--\n"
    envelope = read(f"Content-Type: multipart/related; boundary=X{start}\n\n{parts}")
    assert envelope.text == "See"
    assert [(each.name, each.content_id) for each in envelope.attachments] == [("picture-1.png", "p@x")]


@pytest.mark.parametrize("src", [f'src="{DATA}"', f"src='{DATA}'", f"src={DATA} ", f'style="background: url({DATA})"'])
def test_a_picture_within_the_page_is_a_file_of_the_mail(src):
    text = f"Content-Type: text/html\n\n<p>see <img {src}> here <img src='http://t.example/p.gif' width=1></p>\n"
    envelope = read(text)
    (attachment,) = envelope.attachments
    assert (attachment.name, attachment.media_type) == ("picture-1.png", "image/png")
    assert attachment_content((HEAD + text).encode(), attachment.part) == PICTURE
    if "src" in src:
        assert f'data-cid="{attachment.content_id}"' in envelope.html


def test_an_unnamed_picture_that_no_page_shows_has_a_name_too():
    text = "Content-Type: multipart/mixed; boundary=X\n\n--X\n\nhi\n--X\nContent-Type: image/jpeg\n\nq\n--X--\n"
    assert [each.name for each in read(text).attachments] == ["picture-2.jpg"]


@pytest.mark.parametrize(
    ("calendar", "text"),
    [
        ("BEGIN:VEVENT\nSUMMARY:Call about\n  a refund\nDTSTART;TZID=Asia/Shanghai:20261201T100000\nEND:VEVENT",
         "Invitation: Call about a refund\nWhen: 2026-12-01 10:00 Asia/Shanghai"),
        ("METHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:x\\, y\nDTSTART;VALUE=DATE:20261201\nLOCATION:Phone\nEND:VEVENT",
         "Invitation withdrawn: x, y\nWhen: 2026-12-01\nWhere: Phone"),
        ('BEGIN:VEVENT\nSUMMARY:x\nORGANIZER;CN="Li: Lei":mailto:li@example.com\nEND:VEVENT',
         "Invitation: x\nFrom: Li: Lei <li@example.com>"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR", ""),
    ],
)  # fmt: skip
def test_an_invitation_alone_says_what_and_when(calendar, text):
    assert invitation_text(calendar) == text
    assert read(f"Content-Type: text/calendar\n\n{calendar}\n").text == text


def attribute(number, value):
    return b"\x01" + number.to_bytes(2, "little") + b"\x02\x00" + len(value).to_bytes(4, "little") + value + b"\0\0"


def outlook(*attributes):
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(attributes)


def test_a_file_of_outlook_alone_gives_its_text_or_a_word_about_it():
    content = outlook(attribute(0x800C, b"My card was stolen.\0"), attribute(0x8010, b"scan.pdf\0"))
    head = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
    envelope = read(head + b64encode(content).decode())
    assert envelope.text == "My card was stolen."
    note = "The mail came as winmail.dat, which only Outlook can open (TNEF)."
    assert f"{note} It holds: scan.pdf." in envelope.defects
    assert note in read(head + b64encode(outlook()).decode()).defects


@pytest.mark.parametrize("unit", ["BEGIN:VEVENT\nSUMMARY:x\n", "\n ", "A;B=", 'A;B="', "DTSTART:", "a:"])
def test_an_invitation_is_read_in_linear_time(unit):
    assert grows_linearly(invitation_text, unit, size=16_000)
    assert grows_linearly(lambda text: outlook_text(b"\x78\x9f\x3e\x22" + text.encode()), unit, size=16_000)


@pytest.mark.parametrize("unit", ["data:image/png;base64,", "data:image/", "a", DATA, "data:image/png;a;", "data: \n"])
def test_pictures_are_taken_in_linear_time(unit):
    assert grows_linearly(lambda text: take_pictures(text.encode(), first=1), unit, size=40_000)


@pytest.mark.parametrize("unit", ["?", "html ", "中文 ", "https://", "view this "])
def test_stand_ins_are_found_in_linear_time(unit):
    assert grows_linearly(lambda text: stands_in(text, source=text, page=lambda: text), unit, size=40_000)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ("Precedence: never-bounce\nPrecedence: bulk\n", "bulk"),
        ("Precedence: list\nPrecedence: normal\n", "bulk"),
        ("Auto-Submitted: no\nAuto-Submitted: auto-replied\n", "auto_replied"),
        ("Precedence: normal\nPrecedence: first-class\n", "person"),
    ],
)
def test_every_field_of_a_name_is_read(fields, kind):
    origin = recognise(read(f"{fields}\nhi\n"), own_addresses=frozenset())
    assert origin.kind.value.replace("-", "_") == kind


FRENCH = 'De : "Desk" <desk@x.example>\nA : ann@cust.example\n'
FOXMAIL = "发件人： desk\n发送时间： 2026-11-27 10:00\n收件人： ann\n主题： 账单\n我们已经收到。"


@pytest.mark.parametrize(
    "quote",
    [
        f"Message du : 17/11/2026 10:00\n{FRENCH}Sujet : Compte\n\nBonjour",
        f"Message du 17/11/26 10:00\n{FRENCH}Objet : Compte\n\nBonjour",
        "Message du : 17/11/2026\nDe : desk@x.example\nA : moi\n\nBonjour",
        f"> Message du 17/11/26 10:00\n> {FRENCH.replace('A :', '> A :')}> Objet : Compte\n> \n> Bonjour",
        "Den man. 16. nov. 2026 kl. 09:41 skrev Desk <\ndesk@x.example>:\n\nhei",
        "På man. 16. nov. 2026 kl. 09:41 skrev Desk <\n\ndesk@x.example>:\n\nhei",
        "16. nov. 2026 kl. 09:41 skrev Desk <desk@x.example\n>:\n\nhei",
        f"ann@cust.example\n \n{FOXMAIL}",
        f"<ann@cust.example>\n\n{FOXMAIL}",
    ],
)
def test_what_a_program_writes_above_a_quote_belongs_to_it(quote):
    assert split_reply(f"The new words.\n\n{quote}").text == "The new words."


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("> See your points <\nHello\n> Unsubscribe <", "> See your points <\nHello\n> Unsubscribe <"),
        ("Hello\n\n> quoted <b>\n> more", "Hello"),
        ("Hello.\n\nSent from my desk, the form fails again\nPlease help",
         "Hello.\n\nSent from my desk, the form fails again\nPlease help"),
        ("Hi\n\nSent from my office: the door is shut", "Hi\n\nSent from my office: the door is shut"),
        ("Hi\n\nSent from my iPhone, please excuse typos", "Hi"),
        ("Hi\n\n发自我的手机，请见谅", "Hi"),
        ("-- \nBob Smith\nACME\n\nMy card was stolen, please block it.", "My card was stolen, please block it."),
        ("--\nBob\n\nMy card is lost.\n\nOn Mon, 2 Mar 2026, Desk <d@x.example> wrote:\n> Hi", "My card is lost."),
        ("Hello\n\nSent from my iPhone\n\nPS: my card ends in 1234", "Hello\n\nPS: my card ends in 1234"),
    ],
)  # fmt: skip
def test_the_writers_own_words_are_the_text(text, new):
    assert split_reply(text).text == new


@pytest.mark.parametrize("follows", ["<blockquote>", "<blockquote style='margin-top: 0px'>"])
def test_foxmails_ruler_begins_the_quote(follows):
    ruler = "<hr style='width: 210px; height: 1px;' color='#b5c4df' size='1' align='left'>"
    below = f"<div>Ann Lee<br>ann@cust.example</div>{follows}<div>我们已经收到。</div></blockquote>"
    page = f"<div>还没有收到。</div>{ruler}{below}"
    assert read(f"Content-Type: text/html; charset=utf-8\n\n{page}\n").text == "还没有收到。"


@pytest.mark.parametrize(
    "unit", ["<\n", "<a@b\n>:\n", "<\na@b>:\n", "Message du 1:\n", "a@b.c\n\n", "Sent from my x, y\n\n", "> a <\n"]
)
def test_new_rules_for_quotes_are_linear(unit):
    assert grows_linearly(split_reply, unit, size=40_000)


def test_a_long_field_of_a_machine_that_its_library_encoded_is_read_decoded():
    long = "https://letters.example/leave?customer=12345678901234567890123456789012345678901234567890"
    mail = EmailMessage()
    mail["From"], mail["List-Unsubscribe"] = "news@letters.example", f"<{long}>"
    mail.set_content("hello")

    assert "=?utf-8?" in mail.as_string()
    assert dict(read(mail.as_string()).machine_headers)["list-unsubscribe"] == f"<{long}>"
