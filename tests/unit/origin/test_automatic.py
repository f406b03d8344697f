"""People and machines told apart, and when a machine may answer (reliability T31; RFC 3834)."""

# ruff: noqa: E501

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.envelope import Bounce, Envelope, Party, PartyKind
from router.origin.automatic import Kind, Origin, may_autorespond, recognise

OWN = frozenset({"support@wallet.example", "alarms@wallet.example"})
DESK = Party(PartyKind.EMAIL, "support@wallet.example")


def mail(
    *headers: tuple[str, str],
    handle: str = "bob@example.com",
    subject: str = "Help",
    to: Party = DESK,
    **fields: object,
) -> Envelope:
    return Envelope(
        channel="m",
        source_key="1",
        sender=Party(PartyKind.EMAIL, handle),
        received_at=datetime(2026, 11, 22, tzinfo=UTC),
        subject=subject,
        to=(to,),
        machine_headers=headers,
        **fields,  # type: ignore[arg-type]
    )


def verdict(envelope: Envelope) -> tuple[Kind, bool]:
    origin = recognise(envelope, own_addresses=OWN)
    allowed, why = may_autorespond(envelope, origin=origin, own_addresses=OWN)
    assert why
    assert bool(origin.reasons) is (origin.kind is not Kind.PERSON)
    return origin.kind, allowed


def test_a_persons_mail_is_a_persons_and_may_be_answered() -> None:
    headers = (("return-path", "<bob@example.com>"), ("content-type", "multipart/alternative; boundary=x"))
    assert verdict(mail(*headers)) == (Kind.PERSON, True)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("auto-submitted", "auto-replied", Kind.AUTO_REPLIED),
        ("auto-submitted", "Auto-Replied (vacation)", Kind.AUTO_REPLIED),
        ("auto-submitted", "auto-generated; type=x", Kind.AUTO_GENERATED),
        # RFC 5436 section 2.7.1, and words that are not invented yet.
        ("auto-submitted", 'auto-notified; owner-email="a@b"', Kind.AUTO_GENERATED),
        ("auto-submitted", "not-thought-of", Kind.AUTO_GENERATED),
        ("auto-submitted", "no", Kind.PERSON),
        ("auto-submitted", "No (a person)", Kind.PERSON),
        ("precedence", "bulk", Kind.BULK),
        ("precedence", "List", Kind.BULK),
        ("precedence", "junk", Kind.BULK),
        ("precedence", "auto_reply", Kind.AUTO_REPLIED),
        ("precedence", "first-class", Kind.PERSON),
        ("x-precedence", "bulk", Kind.BULK),
        ("list-id", "<news.example.com>", Kind.BULK),
        ("list-unsubscribe", "<mailto:x@example.com>", Kind.BULK),
        ("mailing-list", "list a@example.com", Kind.BULK),
        ("x-autoreply", "yes", Kind.AUTO_REPLIED),
        ("x-autoreply", "no", Kind.PERSON),
        ("x-autorespond", "Out of office", Kind.AUTO_REPLIED),
        ("x-mail-autoreply", "true", Kind.AUTO_REPLIED),
        ("x-post-messageclass", "9; Autoresponder", Kind.AUTO_REPLIED),
        ("x-fc-machinegenerated", "true", Kind.AUTO_GENERATED),
        ("x-cron-env", "<HOME=/root>", Kind.AUTO_GENERATED),
        ("x-failed-recipients", "a@b.example", Kind.BOUNCE),
        ("x-omniyard", "auto-reply", Kind.OURSELVES),
        ("return-path", "<>", Kind.AUTO_GENERATED),
        ("content-type", "multipart/report; report-type=delivery-status; boundary=x", Kind.BOUNCE),
        ("content-type", 'multipart/report; boundary=x; report-type="feedback-report"', Kind.BOUNCE),
        ("content-type", "multipart/report; report-type=disposition-notification", Kind.AUTO_REPLIED),
        # Tencent's servers put it on people's mail; it is no sign of bulk.
        ("feedback-id", "qq.com:qybglogicsvrgz:qybglogicsvrgz1a-0", Kind.PERSON),
    ],
)
def test_one_header_tells_and_no_machine_is_answered(name: str, value: str, kind: Kind) -> None:
    assert verdict(mail((name, value))) == (kind, kind is Kind.PERSON)


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your ticket", "Out of Office: Re: Your ticket", "Autoreply: Hello", "Auto: hello", "自动回复：您的工单",
        "自动回复", "自動回覆: 您的工單", "自动答复: 工单", "休假自动回复:在外出差", "自動返信：お問い合わせ", "자동 회신: 문의",
        "Automatische Antwort: Ihre Anfrage", "Abwesenheitsnotiz", "Réponse automatique : Votre demande",
        "Respuesta automática: Su caso", "Resposta automática: pedido", "Risposta automatica: ticket",
        "Automatisch antwoord: vraag", "Automatiskt svar: fråga", "Automatisk svar: sag", "Automaattinen vastaus: asia",
        "Odpowiedź automatyczna: sprawa", "Automatická odpověď: dotaz", "Automatikus válasz: kérdés",
        "Автоматический ответ: вопрос", "Автоматична відповідь: питання", "Otomatik yanıt: soru", "Αυτόματη απάντηση: ερώτηση",
        "מענה אוטומטי: שאלה", "رد تلقائي: سؤال", "ตอบกลับอัตโนมัติ: คำถาม", "Trả lời tự động: câu hỏi", "Balasan otomatis: tiket",
    ],
)  # fmt: skip
def test_an_absence_note_is_known_by_its_subject_in_many_languages(subject: str) -> None:
    assert verdict(mail(subject=subject)) == (Kind.AUTO_REPLIED, False)


@pytest.mark.parametrize(
    "subject",
    ["Re: Automatic reply: x", "自动回复功能不能用", "Out of office hours support?", "回复：自动回复", "Auto loan", ""],
)
def test_a_person_may_write_about_absence_notes(subject: str) -> None:
    assert verdict(mail(subject=subject)) == (Kind.PERSON, True)


@pytest.mark.parametrize(
    ("handle", "kind"),
    [
        ("mailer-daemon@example.com", Kind.BOUNCE),
        ("mailerdaemon@example.com", Kind.BOUNCE),
        ("no-reply@example.com", Kind.AUTO_GENERATED),
        ("do_not_reply@example.com", Kind.AUTO_GENERATED),
        ("notifications-noreply@example.com", Kind.AUTO_GENERATED),
        ("bounces+123@example.com", Kind.AUTO_GENERATED),
        ("postmaster@example.com", Kind.PERSON),
        ("owner-news@example.com", Kind.PERSON),
        ("news-request@example.com", Kind.PERSON),
        ("support@wallet.example", Kind.OURSELVES),
        ("support+K7QF2MXD4-9F3A61C20B@wallet.example", Kind.OURSELVES),
        ("alarms@wallet.example", Kind.OURSELVES),
        ("", Kind.PERSON),
    ],
)
def test_addresses_that_programs_use_are_never_answered(handle: str, kind: Kind) -> None:
    assert verdict(mail(handle=handle)) == (kind, False)


def test_a_report_that_was_read_is_a_bounce_whoever_sent_it() -> None:
    assert verdict(mail(handle="support@wallet.example", bounce=Bounce())) == (Kind.BOUNCE, False)


@pytest.mark.parametrize("value", ["All", "OOF", "DR, OOF, AutoReply"])
def test_a_sender_who_wants_no_automatic_answer_gets_none(value: str) -> None:
    assert verdict(mail(("x-auto-response-suppress", value))) == (Kind.PERSON, False)


def test_delivery_receipts_alone_may_be_suppressed() -> None:
    assert verdict(mail(("x-auto-response-suppress", "DR, RN, NRN"))) == (Kind.PERSON, True)


def test_mail_that_does_not_name_us_is_not_answered() -> None:
    other = Party(PartyKind.EMAIL, "all@example.com")
    assert verdict(mail(to=other)) == (Kind.PERSON, False)
    assert verdict(mail(to=other, cc=(DESK,))) == (Kind.PERSON, True)


def test_an_answer_that_would_come_back_is_not_sent() -> None:
    assert verdict(mail(reply_to=(DESK,))) == (Kind.PERSON, False)
    assert verdict(mail(("x-loop", "desk@example.com"))) == (Kind.PERSON, False)


def test_a_desk_that_names_no_address_still_answers_people() -> None:
    assert may_autorespond(mail(), origin=Origin(Kind.PERSON), own_addresses=frozenset())[0]


def test_every_sign_is_told() -> None:
    origin = recognise(mail(("auto-submitted", "auto-replied"), ("precedence", "bulk")), own_addresses=OWN)
    assert origin.kind is Kind.AUTO_REPLIED
    assert origin.reasons == ("Auto-Submitted: auto-replied (RFC 3834 section 5)", "Precedence: bulk")
