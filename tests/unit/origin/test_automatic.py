"""Persons and automatic senders, and when an automatic reply is allowed (RFC 3834)."""

# ruff: noqa: E501

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.envelope import Bounce, Envelope, Party, PartyKind
from router.origin.automatic import may_autorespond, recognise
from router.origin.verdicts import Origin, OriginKind
from router.reason import Reason, ReasonKey

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


def verdict(envelope: Envelope) -> tuple[OriginKind, bool]:
    origin = recognise(envelope, own_addresses=OWN)
    allowed, why = may_autorespond(envelope, origin=origin, own_addresses=OWN)
    assert why
    assert bool(origin.why) is (origin.kind is not OriginKind.PERSON)
    return origin.kind, allowed


def test_a_persons_mail_is_a_persons_and_may_be_answered() -> None:
    headers = (("return-path", "<bob@example.com>"), ("content-type", "multipart/alternative; boundary=x"))
    assert verdict(mail(*headers)) == (OriginKind.PERSON, True)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("auto-submitted", "auto-replied", OriginKind.AUTO_REPLIED),
        ("auto-submitted", "Auto-Replied (vacation)", OriginKind.AUTO_REPLIED),
        ("auto-submitted", "auto-generated; type=x", OriginKind.AUTO_GENERATED),
        # RFC 5436 section 2.7.1, and words that are not invented yet.
        ("auto-submitted", 'auto-notified; owner-email="a@b"', OriginKind.AUTO_GENERATED),
        ("auto-submitted", "not-thought-of", OriginKind.AUTO_GENERATED),
        ("auto-submitted", "no", OriginKind.PERSON),
        ("auto-submitted", "No (a person)", OriginKind.PERSON),
        ("precedence", "bulk", OriginKind.BULK),
        ("precedence", "List", OriginKind.BULK),
        ("precedence", "junk", OriginKind.BULK),
        ("precedence", "auto_reply", OriginKind.AUTO_REPLIED),
        ("precedence", "first-class", OriginKind.PERSON),
        ("x-precedence", "bulk", OriginKind.BULK),
        ("list-id", "<news.example.com>", OriginKind.BULK),
        ("list-unsubscribe", "<mailto:x@example.com>", OriginKind.BULK),
        ("mailing-list", "list a@example.com", OriginKind.BULK),
        ("x-autoreply", "yes", OriginKind.AUTO_REPLIED),
        ("x-autoreply", "no", OriginKind.PERSON),
        ("x-autorespond", "Out of office", OriginKind.AUTO_REPLIED),
        ("x-mail-autoreply", "true", OriginKind.AUTO_REPLIED),
        ("x-post-messageclass", "9; Autoresponder", OriginKind.AUTO_REPLIED),
        ("x-fc-machinegenerated", "true", OriginKind.AUTO_GENERATED),
        ("x-cron-env", "<HOME=/root>", OriginKind.AUTO_GENERATED),
        ("x-failed-recipients", "a@b.example", OriginKind.BOUNCE),
        ("x-omniyard", "auto-reply", OriginKind.OURSELVES),
        ("return-path", "<>", OriginKind.AUTO_GENERATED),
        ("content-type", "multipart/report; report-type=delivery-status; boundary=x", OriginKind.BOUNCE),
        ("content-type", 'multipart/report; boundary=x; report-type="feedback-report"', OriginKind.BOUNCE),
        ("content-type", "multipart/report; report-type=disposition-notification", OriginKind.AUTO_REPLIED),
        # Tencent's servers put it on people's mail; it is no sign of bulk.
        ("feedback-id", "qq.com:qybglogicsvrgz:qybglogicsvrgz1a-0", OriginKind.PERSON),
    ],
)
def test_one_header_tells_and_no_machine_is_answered(name: str, value: str, kind: OriginKind) -> None:
    assert verdict(mail((name, value))) == (kind, kind is OriginKind.PERSON)


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
    assert verdict(mail(subject=subject)) == (OriginKind.AUTO_REPLIED, False)


@pytest.mark.parametrize(
    "subject",
    ["Re: Automatic reply: x", "自动回复功能不能用", "Out of office hours support?", "回复：自动回复", "Auto loan", ""],
)
def test_a_person_may_write_about_absence_notes(subject: str) -> None:
    assert verdict(mail(subject=subject)) == (OriginKind.PERSON, True)


@pytest.mark.parametrize(
    ("handle", "kind"),
    [
        ("mailer-daemon@example.com", OriginKind.BOUNCE),
        ("mailerdaemon@example.com", OriginKind.BOUNCE),
        ("no-reply@example.com", OriginKind.AUTO_GENERATED),
        ("do_not_reply@example.com", OriginKind.AUTO_GENERATED),
        ("notifications-noreply@example.com", OriginKind.AUTO_GENERATED),
        ("bounces+123@example.com", OriginKind.AUTO_GENERATED),
        ("postmaster@example.com", OriginKind.PERSON),
        ("owner-news@example.com", OriginKind.PERSON),
        ("news-request@example.com", OriginKind.PERSON),
        ("support@wallet.example", OriginKind.OURSELVES),
        ("support+K7QF2MXD4-9F3A61C20B@wallet.example", OriginKind.OURSELVES),
        ("alarms@wallet.example", OriginKind.OURSELVES),
        ("", OriginKind.PERSON),
    ],
)
def test_addresses_that_programs_use_are_never_answered(handle: str, kind: OriginKind) -> None:
    assert verdict(mail(handle=handle)) == (kind, False)


def test_a_parsed_report_is_a_bounce_from_any_sender() -> None:
    assert verdict(mail(handle="support@wallet.example", bounce=Bounce())) == (OriginKind.BOUNCE, False)


@pytest.mark.parametrize("value", ["All", "OOF", "DR, OOF, AutoReply"])
def test_a_sender_who_wants_no_automatic_answer_gets_none(value: str) -> None:
    assert verdict(mail(("x-auto-response-suppress", value))) == (OriginKind.PERSON, False)


def test_delivery_receipts_alone_may_be_suppressed() -> None:
    assert verdict(mail(("x-auto-response-suppress", "DR, RN, NRN"))) == (OriginKind.PERSON, True)


def test_mail_that_does_not_name_us_is_not_answered() -> None:
    other = Party(PartyKind.EMAIL, "all@example.com")
    assert verdict(mail(to=other)) == (OriginKind.PERSON, False)
    assert verdict(mail(to=other, cc=(DESK,))) == (OriginKind.PERSON, True)


def test_an_answer_that_would_come_back_is_not_sent() -> None:
    assert verdict(mail(reply_to=(DESK,))) == (OriginKind.PERSON, False)
    assert verdict(mail(("x-loop", "desk@example.com"))) == (OriginKind.PERSON, False)


def test_a_desk_that_names_no_address_still_answers_people() -> None:
    assert may_autorespond(mail(), origin=Origin(OriginKind.PERSON), own_addresses=frozenset())[0]


def test_every_sign_is_reported() -> None:
    origin = recognise(mail(("auto-submitted", "auto-replied"), ("precedence", "bulk")), own_addresses=OWN)
    assert origin.kind is OriginKind.AUTO_REPLIED
    assert origin.why == (
        Reason(ReasonKey.AUTO_SUBMITTED, {"keyword": "auto-replied"}),
        Reason(ReasonKey.PRECEDENCE, {"precedence": "bulk"}),
    )


def test_a_machine_that_only_its_words_give_away_is_heard_but_not_answered() -> None:
    note = mail(subject="Re: your case", text="I am out of the office until Monday.")
    assert verdict(note) == (OriginKind.PERSON, False)
    assert may_autorespond(note, origin=Origin(OriginKind.PERSON), own_addresses=OWN)[1] == Reason(
        ReasonKey.TEXT_IS_MACHINES
    )
