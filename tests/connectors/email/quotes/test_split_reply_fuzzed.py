"""For any mail, the splitting of words and the reading of reports end, and no word is lost."""

# ruff: noqa: E501

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.email.quotes.lines import is_quoted
from connectors.email.quotes.split_reply import split_reply
from router.envelope import Party, PartyKind
from router.origin.bounces import Cover, Section, read_bounce

LINES = st.sampled_from([
    "", " ", "Hello", "> old", ">", ">> older", ">From me", "On Mon, 16 Nov 2026, Desk <a@b.example> wrote:", "wrote:", "-- ", "--",
    "---", "____", "From: Desk <a@b.example>", "Sent: Monday", "To: Bob", "Subject: Refund", "发件人：客服", "主题：退款",
    "-----Original Message-----", "---------- Forwarded message ---------", "Sent from my iPhone", "发自我的iPhone", "| |", "|",
    "在 2026-11-16，客服 <a@b.example> 写道：", "a@b.example:", "550 5.1.1 no such user", "<bob@b.example>:", "RCPT TO:<x@y.example>",
])  # fmt: skip
TEXTS = st.one_of(st.lists(st.one_of(LINES, st.text(max_size=40)), max_size=30).map("\n".join), st.text(max_size=300))
TAGS = st.sampled_from([
    "<div class=gmail_quote>", "<blockquote type=cite>", "</blockquote>", "</div>", "<hr id=zwchr>", "<div id=appendonsend>",
    "<includetail>", "<div class=gmail_signature>", "<p>", "<br>", "<style>", "</style>", "<", "&lt;", "<!--", "<blockquote>",
])  # fmt: skip
PAGES = st.lists(st.one_of(TAGS, LINES, st.text(max_size=20)), max_size=30).map("".join)


@settings(max_examples=300, deadline=None)
@given(TEXTS, PAGES)
def test_no_word_is_lost_or_made_up(text: str, page: str) -> None:
    words = split_reply(text, html=page)
    assert sorted(f"{words.text}\n{words.quoted}\n{words.signature}".split()) == sorted(text.split())


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_no_line_that_is_marked_as_quoted_is_new_unless_the_mail_has_no_other_words(text: str) -> None:
    words = split_reply(text)
    assert words.quoted == "" or not any(map(is_quoted, words.text.split("\n")))


@settings(max_examples=200, deadline=None)
@given(
    TEXTS,
    st.sampled_from(["text/plain", "message/delivery-status", "message/feedback-report", "message/rfc822"]),
    st.booleans(),
)
def test_any_report_is_read_without_an_exception(text: str, media_type: str, daemon: bool) -> None:
    sender = Party(PartyKind.EMAIL, "mailer-daemon@x.example" if daemon else "x@sns.amazonaws.com")
    cover = Cover(sender=sender, subject="failure notice", headers={"return-path": "<>"})
    bounce = read_bounce(cover, sections=[Section(media_type=media_type, text=text)])
    assert bounce is None or all("@" in each.address for each in bounce.recipients)
