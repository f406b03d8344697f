"""Bytes that contradict their label: what a person wrote is read, and the contradiction is said."""

from __future__ import annotations

from base64 import b64encode, encodebytes
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.mail import contradictions
from connectors.base import RawMessage
from connectors.email.mime import charsets, transfer
from connectors.email.mime.normalise import attachment_content, normalise
from tests.growth import grows_linearly

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOCKED = "我的账户被锁定了，请帮我解锁。"
FOOTER = "--\nYou get this because you are on the list"


def mail(body, *, encoding="8bit", charset="utf-8", kind="text/plain", more="", subject=b"x"):
    fields = f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n{more}\n"
    head = b"From: li@example.com\nTo: s@example.net\nSubject: " + subject + b"\nMIME-Version: 1.0\n"
    return head + fields.encode() + body


def in_parts(part):
    fields, _, body = part.partition(b"Content-Type")
    top = fields + b"Content-Type: multipart/mixed; boundary=edge\n\n--edge\n"
    return top + b"Content-Type" + body + b"\n--edge--\n"


def read(content):
    return normalise(RawMessage(source_key="1", content=content, received_at=NOW), channel="mail")


def both(content):
    return [read(content), read(in_parts(content))]


def test_no_character_of_the_matrix_is_lost():
    result = contradictions.measure(Path())
    assert result["deleted characters"] == 0
    assert result["right"] >= 0.99
    assert result["right of these"] >= 0.99


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Grüße aus Köln, 5=20 Euro".encode("latin-1"), "iso-8859-1", "Grüße aus Köln, 5  Euro"),
        (LOCKED.encode() + b"=\n" + "订单".encode(), "utf-8", f"{LOCKED}订单"),
        ("卡".encode("gbk") + b"=BF=A8 ok", "gbk", "卡卡 ok"),
    ],
)
def test_bytes_that_quoted_printable_forbids_are_kept(body, charset, text):
    for envelope in both(mail(body, charset=charset, encoding="quoted-printable")):
        assert envelope.text == text
        assert transfer.NOT_QUOTED in envelope.defects


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("Please call me, it is urgent!", "utf-8", None),
        ("Thanks", "utf-8", None),
        # These consist of base64's symbols and blanks, in a number that base64 has too.
        ("somebody took all my money yesterday", "utf-8", None),
        (f"{LOCKED} card 7712", "utf-8", None),
        (f"{LOCKED}\nThanks", "gb2312", None),
    ],
)
def test_words_that_were_never_encoded_are_read(body, charset, text):
    for envelope in both(mail(body.encode(charset), charset=charset, encoding="base64")):
        assert envelope.text == (text or body)
        assert transfer.NOT_ENCODED in envelope.defects


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "big5"])
@pytest.mark.parametrize("footer", [FOOTER, "Thanks\nthe list", "____\n退订请回复", "Thanks"])
def test_what_follows_base64_is_text(charset, footer):
    said = "我的帳戶被鎖定了，請幫我解鎖。" if charset == "big5" else LOCKED
    body = encodebytes(said.encode(charset)) + b"\n" + footer.encode()
    for envelope in both(mail(body, charset=charset, encoding="base64")):
        assert envelope.text.startswith(said)
        assert envelope.text.endswith(footer)


def test_base64_in_several_runs_is_one_text():
    body = b64encode(LOCKED.encode()) + b"\n" + b64encode("订单 1".encode())
    for envelope in both(mail(body, encoding="base64")):
        assert envelope.text == f"{LOCKED}订单 1"
        assert envelope.defects == ()


def test_a_file_that_was_never_encoded_is_kept():
    part = mail(b"%PDF-1.4\n\xe2\xe3\xcf\xd3 1 0 obj", kind="application/pdf; name=a.pdf", encoding="base64")
    content = in_parts(part)
    (attachment,) = read(content).attachments
    assert attachment_content(content, attachment.part) == b"%PDF-1.4\n\xe2\xe3\xcf\xd3 1 0 obj"


@pytest.mark.parametrize("label", ["us-ascii", "utf-8", "iso-8859-1", "gb2312", "x-unknown"])
@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-2022-jp", "残高を教えてください"),
        ("iso-2022-kr", "환불해 주세요"),
        ("hz", "请退款给我"),
        ("utf-16", "请退款给我 now"),
        ("big5", "我的帳戶被盜了"),
        ("gb18030", "我的卡丢了，请挂失"),
        ("shift_jis", "パスワードを忘れました"),
        ("euc-kr", "돈을 송금했는데 아직 도착하지 않았습니다"),
    ],
)
def test_clear_evidence_in_the_bytes_counts_more_than_the_label(charset, text, label):
    decoded = charsets.read(text.encode(charset), label)
    assert decoded.text == text
    assert label in decoded.defect or charsets.codec_for(label) == charsets.codec_for(charset)


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("iso-8859-1", "Où est mon argent? Le paiement a échoué."),
        ("iso-8859-1", "¿Dónde está mi dinero, señor Núñez?"),
        ("iso-8859-1", "Größe, Füße, ÜBERPRÜFUNG"),
        ("koi8-r", "деньги"),
        ("koi8-r", "ПОМОГИТЕ СРОЧНО"),
        ("windows-1251", "Здравствуйте, перевод не пришёл на мой счёт"),
        ("iso-8859-7", "Πού είναι τα χρήματά μου"),
        ("windows-1256", "أين أموالي"),
        ("tis-620", "ฉันไม่สามารถเข้าสู่ระบบได้"),
        ("windows-1250", "Zapomněl jsem heslo"),
        ("euc-kr", "비밀번호를 잊어버렸어요"),
        ("gb2312", "薪酬"),
        ("gbk", "朱镕基"),
        ("big5", "陳"),
    ],
)
def test_a_true_label_is_believed(charset, text):
    assert charsets.read(text.encode(charset), charset) == charsets.Decoded(text)


@pytest.mark.parametrize(
    "text", ["Réclamation à traiter", "Não recebi o código de verificação", "Größe", "Señor Núñez"]
)
@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "us-ascii", "big5"])
def test_an_undeclared_latin_subject_is_latin_whatever_the_body_is(text, charset):
    envelope = read(mail(b"hello", charset=charset, subject=text.encode("latin-1")))
    assert envelope.subject == text


def test_a_charset_named_elsewhere_reads_a_short_subject():
    assert read(mail("请解锁。".encode("gbk"), charset="gb2312", subject="喆".encode("gbk"))).subject == "喆"
    assert read(mail("請解鎖。".encode("big5"), charset="big5", subject="陳".encode("big5"))).subject == "陳"


def test_two_charsets_in_one_text_are_read_line_by_line():
    body = LOCKED.encode() + b"\n" + "本邮件来自外部网关，请小心".encode("gbk")
    assert read(mail(body)).text == f"{LOCKED}\n本邮件来自外部网关，请小心"


@pytest.mark.parametrize(
    "unit",
    ["aGVsbG8=\n", "Thanks\n", "Hello, you\n", "\n", "=", "aGVs" * 20 + "\nx y\n", "a", "\xd6\xd0 ", "é\n"],
)
def test_every_reading_is_linear(unit):
    for charset in ("utf-8", "gb2312", "iso-8859-1"):
        assert grows_linearly(
            lambda text, charset=charset: transfer.read_text(text.encode("latin-1"), charset, is_plain=True),
            unit,
            size=40_000,
        )


@pytest.mark.parametrize(
    "unit", ["\x1b$B", "\x1b$)C\x0e!!\x0f", "~{VP~}", "\xd6\xd0", "a\xe9", "\xe9\n\xd6\xd0\n", "\x00\xd6"]
)
@pytest.mark.parametrize("label", ["", "us-ascii", "iso-8859-1", "utf-8", "big5", "iso-2022-jp"])
def test_every_charset_is_decided_in_linear_time(unit, label):
    assert grows_linearly(lambda text: charsets.decode(text.encode("latin-1"), label), unit, size=40_000)


def test_a_label_with_hidden_characters_is_shown_without_them():
    assert charsets.read(LOCKED.encode("gbk"), "x\0-\u202eno").defect.startswith("A text is labelled x-no, but")
