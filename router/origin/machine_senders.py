"""Words of automatic senders, one table per place: subjects of absence notes, names of mailboxes.

A header decides before any word (`router/origin/automatic.py`); words find the programs that set no header.
"""

from __future__ import annotations

from typing import Final

# Beginnings of absence notes' subjects, in lower case. Sources: Exchange's and Outlook's "Automatic reply" in its
# interface languages, Gmail's vacation responder, Lotus Notes, KMail, QQ Mail, 163, Foxmail, and what people type.
_VACATION: Final = (
    # English
    "automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "auto-response", "autoresponse",
    "automatic response", "automated reply", "automated response", "auto:", "autoresponder", "vacation reply",
    "out of office", "out-of-office", "out of the office", "out of office autoreply", "ooo:", "away from my mail",
    "away from the office", "on vacation", "vacation message", "i am out of the office", "i'm out of the office",
    # Chinese, simplified and traditional
    "自动回复", "自动答复", "自动回覆", "自动应答", "自動回覆", "自動回復", "自動答覆", "自動回應", "休假自动回复",
    "外出自动回复", "外出自動回覆", "不在办公室", "不在辦公室", "外出时的自动答复",
    # Japanese, Korean
    "自動返信", "自動応答", "不在通知", "不在応答", "자동 회신", "자동회신", "자동 응답", "부재중",
    # German, Dutch
    "automatische antwort", "abwesenheitsnotiz", "abwesend", "abwesenheit", "autom. antwort", "auto-antwort",
    "automatisch antwoord", "automatische beantwoording", "afwezigheidsbericht", "afwezig",
    # French, Italian, Spanish, Portuguese, Catalan, Romanian
    "réponse automatique", "reponse automatique", "absence du bureau", "absent du bureau", "message d'absence",
    "risposta automatica", "fuori sede", "fuori ufficio", "assente dall'ufficio",
    "respuesta automática", "respuesta automatica", "fuera de la oficina", "fuera de oficina", "respuesta de ausencia",
    "resposta automática", "resposta automatica", "fora do escritório", "ausência temporária", "resposta automàtica",
    "răspuns automat", "raspuns automat",
    # Danish, Norwegian, Swedish, Finnish, Icelandic
    "automatisk svar", "autosvar", "fraværsbesked", "fravær", "ikke til stede", "ikke på kontoret", "automatiskt svar",
    "frånvaromeddelande", "frånvarande", "automaattinen vastaus", "poissa toimistolta", "poissaoloviesti",
    "sjálfvirkt svar",
    # Polish, Czech, Slovak, Hungarian, Slovenian, Croatian, Serbian
    "automatyczna odpowiedź", "odpowiedź automatyczna", "autoodpowiedź", "poza biurem", "nieobecność",
    "automatická odpověď", "mimo kancelář", "automatická odpoveď", "mimo kancelárie", "automatikus válasz",
    "házon kívül", "samodejni odgovor", "automatski odgovor", "automatski odziv", "аутоматски одговор",
    # Estonian, Latvian, Lithuanian
    "automaatvastus", "automaatne vastus", "automātiskā atbilde", "automātiska atbilde", "automatinis atsakymas",
    # Russian, Ukrainian, Bulgarian
    "автоматический ответ", "автоответ", "автоматична відповідь", "автовідповідь", "автоматичен отговор",
    "вне офиса", "нет на месте",
    # Greek, Turkish, Hebrew, Arabic, Persian
    "αυτόματη απάντηση", "εκτός γραφείου", "otomatik yanıt", "otomatik cevap", "ofis dışında",
    "מענה אוטומטי", "תשובה אוטומטית", "رد تلقائي", "الرد التلقائي", "پاسخ خودکار",
    # Thai, Vietnamese, Indonesian, Malay, Hindi
    "ตอบกลับอัตโนมัติ", "การตอบกลับอัตโนมัติ", "trả lời tự động", "thư trả lời tự động", "balasan otomatis",
    "balasan automatik", "स्वचालित उत्तर", "स्वत: उत्तर",
)  # fmt: skip
# After the phrase the subject ends, or names the original subject. "Out of office hours support?" is a question.
_AFTER_PHRASE: Final = ":：-–—[(（|,，.!。！"
# Local parts that no person reads or writes, without their punctuation (RFC 5321 section 4.5.1 has postmaster,
# RFC 3834 section 2 the rest).
_DEAF: Final = ("noreply", "donotreply", "nepasrepondre", "nichtantworten", "noresponder", "neodgovori", "bounce")
_DAEMONS: Final = frozenset({"mailerdaemon", "maildaemon", "mailsystem", "maildeliverysubsystem"})
# The address of Exchange's own mail: reports on deliveries and of journals.
_EXCHANGE: Final = "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e"
_ROBOTS: Final = frozenset({"postmaster", "daemon", "listserv", "majordomo", "root", "nobody", "cron", "uucp", "news"})
_WITHOUT_PUNCTUATION: Final = str.maketrans("", "", "-_.+= <>")


def is_vacation_subject(subject: str) -> bool:
    """Return whether a subject is that of an absence note."""
    said = subject.casefold().lstrip()
    if not said.startswith(_VACATION):
        return False
    return any(_ends(phrase, said[len(phrase) :]) for phrase in _VACATION if said.startswith(phrase))


def is_mail_daemon(address: str) -> bool:
    """Return whether the address is a mail system's own, which sends only reports."""
    return address.partition("@")[0].translate(_WITHOUT_PUNCTUATION).casefold() in _DAEMONS or is_exchange(address)


def is_exchange(address: str) -> bool:
    """Return whether the address is that of Exchange itself, the same in all installations."""
    return address.partition("@")[0].casefold() == _EXCHANGE


def is_deaf(address: str) -> bool:
    """Return whether the address says that mail to it is not read."""
    bare = address.partition("@")[0].translate(_WITHOUT_PUNCTUATION).casefold()
    return "noreply" in bare or bare.startswith(_DEAF)


def is_robot(address: str) -> bool:
    """Return whether such an address usually belongs to a program; it may belong to a person (RFC 3834 section 2)."""
    local = address.partition("@")[0].casefold()
    return (
        local.startswith("owner-")
        or local.endswith(("-owner", "-request", "-bounces"))
        or local.translate(_WITHOUT_PUNCTUATION) in _ROBOTS
    )


def _ends(phrase: str, rest: str) -> bool:
    rest = rest.lstrip()
    return phrase[-1] == ":" or not rest or rest[0] in _AFTER_PHRASE
