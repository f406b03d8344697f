"""The normaliser: one unusual mail per case (tests/data/mail), and what a person should see of it."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from connectors.base import RawMessage
from connectors.email.mime.headers import Headers
from connectors.email.mime.normalise import attachment_content, normalise
from connectors.email.mime.tree import TreeCopy
from router.envelope import Envelope, from_json, to_json
from router.errors import NotFound

MAIL = Path(__file__).parents[3] / "data" / "mail"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# The fourth line only looks like a field: it is part of a text.
TRIMMED = "one é\n\ntwo é\nContent-Transfer-Encoding: base64;\nthree é"


def content(name: str) -> bytes:
    return (MAIL / f"{name}.eml").read_bytes()


def read(name: str) -> Envelope:
    return normalise(RawMessage(source_key="1:1", content=content(name), received_at=NOW), channel="mail")


@pytest.mark.parametrize(
    ("name", "subject", "text"),
    [
        # A label says less than the bytes: GB 2312 means GB 18030, Shift JIS means Windows-31J, ASCII means nothing.
        ("gbk_text_labelled_gb2312", "gbk text labelled gb2312", "朱镕基的账户被锁定了，喆。"),
        ("gb18030_beyond_the_plane", "gb18030 beyond the plane", "𠮷野家"),
        ("gbk_labelled_utf8", "gbk labelled utf8", "我的钱包里的钱被人转走了。"),
        ("utf8_labelled_ascii", "utf8 labelled ascii", "余额不对"),
        ("utf16_text", "utf16 text", "退款失败"),
        ("iso2022jp_vendor_characters", "iso2022jp vendor characters", "① done 株"),
        ("euc_jp_labelled_iso2022jp", "euc jp labelled iso2022jp", "返金をお願いします。"),
        ("charset_in_meta_only", "charset in meta only", "余额"),
        # Raw 8-bit fields are read in the charset that the mail names elsewhere.
        ("raw_gbk_headers", "账户被锁定", "请解锁。"),
        ("raw_big5_subject", "帳戶被鎖定", "請解鎖帳戶。"),
        ("raw_shift_jis_subject", "アカウント表示", "①返金をお願いします。"),
        ("raw_koi8_subject", "Не могу войти", "Верните деньги."),
        ("raw_utf8_headers", "账户被锁定 ✓", "你好"),
        # No charset is declared anywhere: the detector decides.
        ("undeclared_gbk", "退款失败", "我的账户被锁定了，请帮我解锁。"),
        ("undeclared_western", "undeclared western", "Où est mon argent? Le paiement a échoué."),
        # Encoded words (RFC 2047) as senders write them.
        ("character_split_between_words", "账户被锁定", "hi"),
        ("blanks_in_encoded_word", "Mein Konto über [1] end", "hi"),
        ("word_without_padding", "你好!", "hi"),
        ("line_break_in_encoded_word", "one Bcc: evil@example.net", "hi"),
        ("zero_in_encoded_word", "ab", "hi"),
        # Structure.
        ("alternative", "alternative", "plain words"),
        ("alternative_with_empty_plain", "alternative with empty plain", "only here"),
        ("text_after_attachment", "text after attachment", "before\nafter"),
        ("nested_and_empty_parts", "nested and empty parts", "words"),
        ("no_closing_boundary", "no closing boundary", "words"),
        ("boundary_without_semicolon", "boundary without semicolon", "words"),
        ("boundary_missing", "boundary missing", "words"),
        ("boundary_not_folded", "boundary not folded", "words"),
        ("nested_multipart_without_parts", "nested multipart without parts", "words"),
        ("closing_boundary_glued_to_text", "closing boundary glued to text", "words"),
        ("multipart_without_parts", "multipart without parts", "words that no part holds"),
        ("inner_boundary_ends_the_outer", "inner boundary ends the outer", "one"),
        # Of two fields of one name the last is read (RFC 8621 section 4.1.3); in a text they are words.
        ("content_type_twice", "content type twice", "1 < 2 and é"),
        (
            "content_type_twice_in_a_part",
            "content type twice in a part",
            "one é\n\ntwo\nContent-Type: text/html\nContent-Type: text/plain",
        ),
        ("encoding_with_trimmings", "encoding with trimmings", TRIMMED),
        ("encoding_with_comment", "encoding with comment", "café"),
        (
            "text_right_below_the_delimiter",
            "text right below the delimiter",
            "My account is locked.\n账户: 123\n\nThanks",
        ),
        ("forwarded_message", "forwarded message", "see below"),
        ("uuencoded_file", "uuencoded file", "See the list.\n\n\nThanks"),
        ("smime_signed", "smime signed", "signed words"),
        ("pgp_signed", "pgp signed", "signed words"),
        ("calendar_invitation", "calendar invitation", "Please come."),
        ("format_flowed_delsp", "format flowed delsp", "我的账户被锁定了。"),
        ("text_file_attached", "text file attached", "words"),
        ("page_attached", "page attached", "words"),
        ("broken_base64_text", "broken base64 text", "你好，吗"),
        ("broken_base64_file", "broken base64 file", "words"),
        ("quoted_printable", "quoted printable", "München has a long line, 5=5 and a stray = sign"),
        ("reply_behind_the_end_of_html", "reply behind the end of html", "first\n\nbehind"),
        ("html_blocks", "html blocks", "one\n\ntwo\nthree\n\nfour\n\nfive\n\nsix\n\na b\n\nx  y\nz"),
        # Header sections.
        ("mailbox_file_line", "mailbox", "hi"),
        ("empty_lines_first", "late start", "hi"),
        ("no_empty_line", "no gap", "hello there, no empty line\nmore words"),
        ("stray_line_in_header", "stray", "hi"),
        ("bare_returns", "bare returns", "hi\nthere"),
        ("folded_fields", "one two three", "hi"),
    ],
)
def test_subject_and_words_are_what_a_person_would_read(name, subject, text):
    envelope = read(name)
    assert envelope.subject == subject
    assert envelope.text == text


@pytest.mark.parametrize(
    ("name", "handle", "shown"),
    [
        ("raw_gbk_headers", "li@example.com", "李雷"),
        ("name_poses_as_address", "x@evil.example", "support@bank.example"),
        ("address_in_comment", "x@evil.example", "ceo@bank.example"),
        ("address_in_encoded_word", "x@evil.example", '"CEO" <ceo@bank.example>'),
        ("whole_field_in_encoded_word", "li@example.com", ""),
        ("two_authors", "a@example.com", ""),
        ("two_from_fields", "a@example.com", ""),
        ("quoted_local_part", '"li lei"@example.com', ""),
        ("address_in_two_brackets", "li@example.com", "Li"),
        ("unclosed_quote", "li@example.com", ""),
        ("unclosed_bracket", "li@example.com", "Li Lei"),
        ("comma_in_bare_name", "li@example.com", "Li"),
        ("name_with_hidden_characters", "li@example.com", "Li Lei"),
        ("zero_in_encoded_word", "li@example.com", "LiLei"),
        ("no_author", "li@example.com", ""),
        ("mail_system_without_address", "", "MAILER-DAEMON"),
    ],
)
def test_the_author_is_the_address_and_never_the_name(name, handle, shown):
    sender = read(name).sender
    assert (sender.handle, sender.name) == (handle, shown)


@pytest.mark.parametrize("name", ["two_authors", "two_from_fields"])
def test_several_authors_are_noted(name):
    assert "The mail names more than one author." in read(name).defects


def test_a_group_is_opened_and_its_members_listed():
    envelope = read("group_of_recipients")
    assert [(party.handle, party.name) for party in envelope.to] == [
        ("a@example.com", ""),
        ("b@example.com", "B, C"),
        ("c@example.com", ""),
    ]
    assert envelope.cc == ()


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("text_after_attachment", [("a.pdf", "application/pdf", 4)]),
        # An unnamed picture gets a name from us.
        ("picture_without_name_in_page", [("picture-2.png", "image/png", 16)]),
        ("picture_with_name_in_page", [("shot.png", "image/png", 16)]),
        ("forwarded_message", [("", "message/rfc822", 51)]),
        ("uuencoded_file", [("list.csv", "application/octet-stream", 12)]),
        ("transfer_encoding_uuencode", [("list.csv", "application/octet-stream", 12)]),
        ("winmail_dat", [("winmail.dat", "application/ms-tnef", 6)]),
        # RFC 1847: a signature is not a file from the sender.
        ("smime_signed", []),
        ("pgp_signed", []),
        ("smime_wrapped", [("smime.p7m", "application/pkcs7-mime", 4)]),
        ("calendar_invitation", [("", "text/calendar", 29)]),
        ("nested_multipart_without_parts", [("", "multipart/mixed", 23)]),
        ("text_file_attached", [("log.txt", "text/plain", 9)]),
        ("page_attached", [("page.html", "text/html", 9)]),
        ("only_a_file", [("statement.pdf", "application/pdf", 8)]),
        ("file_name_rfc2231", [("账单.pdf", "application/pdf", 4)]),
        ("file_name_rfc2231_gbk_in_pieces", [("账单.pdf", "application/pdf", 4)]),
        ("file_name_encoded_word", [("账单.pdf", "application/pdf", 4)]),
        ("file_name_encoded_words_split", [("账单.pdf", "application/pdf", 4)]),
        ("file_name_raw_gbk", [("账单.pdf", "application/pdf", 4)]),
        ("file_name_only_in_content_type", [("bill.pdf", "application/pdf", 4)]),
        ("file_name_that_climbs", [("passwd.pdf", "application/pdf", 4)]),
        ("file_name_right_to_left", [("billfdp.exe", "application/pdf", 4)]),
        ("file_name_of_a_device", [("_con.txt", "application/pdf", 4)]),
        ("file_name_dot_file", [("htaccess", "application/pdf", 4)]),
    ],
)
def test_files_are_named_as_sent_and_safe_to_save(name, files):
    found = read(name).attachments
    assert [(each.name, each.media_type, each.size) for each in found] == files


def test_every_attachment_is_found_again_in_its_original():
    for path in sorted(MAIL.glob("*.eml")):
        for attachment in read(path.stem).attachments:
            assert len(attachment_content(path.read_bytes(), attachment.part)) == attachment.size, path.stem
    with pytest.raises(NotFound):
        attachment_content(content("alternative"), 7)


def test_a_uuencoded_file_is_decoded():
    (attachment,) = read("uuencoded_file").attachments
    assert attachment_content(content("uuencoded_file"), attachment.part) == b"hello, world"


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("pgp_encrypted", "The mail is encrypted (RFC 1847 section 2.2); its words cannot be read here."),
        ("smime_wrapped", "The mail is wrapped by S/MIME (RFC 8551 section 3.2); see its attachment."),
        ("multipart_without_parts", "The mail claims to have parts and has none; its whole body is shown as text."),
    ],
)
def test_shells_that_hide_the_words_are_named(name, note):
    assert note in read(name).defects


@pytest.mark.parametrize(
    "word",
    ["script", "steal", "evil.example", "style", "svg", "form", "input", "iframe", "object", "src", "meta", "base",
     "link", "video", "background", "javascript", "onload", "onclick", "@import"],
)  # fmt: skip
def test_html_is_harmless(word):
    # The address of a picture that an agent may ask for: no browser loads it from there.
    html = re.sub(r'data-remote="[^"]*"', "", read("active_html").html.lower())
    assert word not in html.replace("noopener noreferrer nofollow", "")


def test_honest_links_and_words_survive_sanitising():
    html = read("active_html").html
    assert 'href="https://example.com/x"' in html
    assert "Pay" in html


def test_a_picture_of_the_mail_itself_is_marked_for_the_page():
    assert 'data-cid="p1@x"' in read("picture_with_name_in_page").html


def test_flowed_lines_are_joined():
    envelope = read("format_flowed")
    assert envelope.text == "A long line that was broken softly.\nFrom here on."


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("date_of_the_epoch", None),
        ("date_far_ahead", NOW),
        ("date_in_an_impossible_zone", None),
        ("date_old_form", datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
        ("date_leap_second", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("alternative", datetime(2026, 3, 2, 1, 0, tzinfo=UTC)),
        ("two_authors", None),
    ],
)
def test_a_date_is_read_clamped_or_none(name, moment):
    assert read(name).sent_at == moment


def test_threads_are_read_without_brackets_and_comments():
    envelope = read("folded_fields")
    assert envelope.references == ("a@x", "b@x", "c@x")
    assert envelope.in_reply_to == ("c@x",)
    assert read("message_id_without_brackets").rfc_message_id == "1234@example.com"


def test_reply_to_is_kept_apart_from_the_author():
    envelope = read("return_address_differs")
    assert envelope.sender.handle == "li@example.com"
    assert [(party.handle, party.name) for party in envelope.reply_to] == [("other@example.net", "Li")]


@pytest.mark.parametrize("path", sorted(MAIL.glob("*.eml")), ids=lambda path: path.stem)
def test_every_envelope_survives_its_own_json(path):
    envelope = read(path.stem)
    document = to_json(envelope)
    assert from_json(document) == envelope
    # Databases refuse it in text.
    assert b"\\u0000" not in document
    assert asdict(envelope)["channel"] == "mail"


@pytest.mark.parametrize("stray", [b"\x0b", b"\x0c", b"\x1c"])
def test_a_report_whose_field_looks_like_two_is_read_all_the_same(stray):
    # Given: what the fast parser handed on to the second one.
    mail = (
        b"From: <postmaster@example.org>\nSubject: Delivery Status\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        b"Original-Recipient: <li@example.com>" + stray + b"Action: failed\n\n"
        b"--b--\n"
    )
    message = message_from_bytes(mail, policy=policy.compat32)
    # When
    root = TreeCopy(Headers({}, mail), mail).copy_standard(message)
    # Then
    assert root.children[0].content == b"Original-Recipient: <li@example.com> Action: failed\n\n"
