"""Parse bounce reports in prose: which addresses were not reached, and the status code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from router.envelope import BouncedRecipient

# Phrases of mail systems that report in prose, one table per place; all in lower case.
# Sources: qmail's QSBMF, Exim, sendmail, Postfix, Exchange, Domino, Yahoo, Google, Mail.ru, NetEase (163, 126), QQ
# Mail, Coremail, Aliyun, Sina and the Japanese carriers, as they write in mail.

# In a subject. A person's subject rarely contains one; with a matching sender or sentence it is certain.
SUBJECTS: Final = (
    "undeliver", "delivery status", "delivery failure", "delivery failed", "delivery has failed", "delivery report",
    "delivery notification", "delivery problem", "delivery error", "delivery delayed", "delivery warning",
    "returned mail", "returned to sender", "returning to sender", "returning message", "failure notice",
    "mail failure", "mail system error", "mail error", "not delivered", "non-delivery", "nondeliver", "non delivery",
    "could not be delivered", "cannot be delivered", "couldn't be delivered", "message delivery has failed",
    "unable to deliver", "processing error", "mail failed", "delayed mail", "delivery attempts", "not be sent",
    "email delivery", "mail delivery", "has not yet been delivered", "returned email", "rejected mail", "bounce",
    "user unknown", "unknown user", "no such user", "failed mail",
    "address not found", "message blocked", "message rejected", "loop alert", "are not member",
    "退信", "投递失败", "无法投递", "未送达", "发送失败", "无法送达", "被退回", "投递状态", "邮件系统", "系统通知",
    "傳遞失敗", "無法傳遞", "退件", "未傳遞", "無法寄送", "投遞失敗", "寄送失敗",
    "メールエラー", "配信できません", "配信不能", "配信失敗", "送信できません", "不達",
    "未達", "配達不能", "エラーメール",
    "반송", "전송 실패", "배달 실패", "전달되지", "보낼 수 없", "배달되지",
    "unzustellbar", "zustellung", "nicht zugestellt", "rückläufer", "nicht zustellbar",
    "non remis", "non distribu", "échec de la remise", "non délivr", "n'a pas été remis", "échec d'envoi",
    "no se puede entregar", "no entregado", "no se pudo entregar", "devuelto", "devolución", "fallo en la entrega",
    "não entregue", "não foi possível entregar", "falha na entrega", "devolvid", "não entreg",
    "non recapitabile", "mancata consegna", "mancato recapito", "impossibile consegnare", "non consegnat",
    "onbestelbaar", "niet bezorgd", "niet afgeleverd", "kan niet worden bezorgd", "kunne ikke leveres", "ikke levert",
    "kan ikke leveres", "ikke leveret", "olevererbart", "kunde inte levereras", "kan inte levereras",
    "kan ej levereras", "ei voitu toimittaa", "toimitus epäonnistui", "toimittaminen epäonnistui",
    "nie można dostarczyć",
    "nie dostarczono", "niedostarczon", "niedoręczon", "zwrot wiadomości", "nedoručiteln", "nelze doručit",
    "nedoručen", "nedoručiteľn", "kézbesíthetetlen", "kézbesítési", "не доставлено", "недоставлен",
    "не может быть доставлен", "не удалось доставить", "сбой доставки", "не вдалося доставити",
    "недоставлено", "iletilemedi", "teslim edilemedi",
    "αδυναμία παράδοσης", "δεν παραδόθηκε", "nu a putut fi livrat", "nelivrat", "не може да бъде доставено",
    "לא נמסרה", "לא ניתן למסור", "تعذر تسليم", "لم يتم تسليم", "ไม่สามารถส่ง", "không gửi được", "không thể gửi",
    "tidak terkirim", "tidak dapat dikirim", "gagal dikirim",
)  # fmt: skip

# In the local part of an address of a program. It counts only together with a subject and a sentence.
MACHINES: Final = (
    "mail", "smtp", "daemon", "system", "admin", "server", "service", "reply", "notif", "gateway", "mta", "report",
    "error", "delivery", "exchange", "root",
)  # fmt: skip

# In the text: a mail system's statement about a message, in the first sentence of its report.
SENTENCES: Final = (
    "could not be delivered", "couldn't be delivered", "cannot be delivered", "can not be delivered",
    "unable to deliver", "wasn't able to deliver", "was not able to deliver", "were not able to deliver",
    "weren't able to deliver", "delivery to the following", "delivery of the following", "delevery to the following",
    "did not reach the following", "did not reach some or all", "could not be reached", "did not receive",
    "has not yet been delivered", "was not delivered", "has not been delivered", "not been delivered",
    "not delivered to the following", "had permanent fatal", "had transient non-fatal", "failed recipients",
    "failed addresses", "failed permanently", "delivery failed", "delivery has failed", "delivery failure",
    "error delivering your mail", "failed to deliver", "delivery problems", "delivery attempts",
    "error was detected while processing", "error occurred while trying to deliver", "encountered an error",
    "undeliverable to", "undeliverable address", "returned because", "returned to sender", "mail has been returned",
    "automatically rejected", "rejected by a remote", "user unknown", "unknown user", "no such user",
    "invalid recipient", "invalid final delivery", "has been postponed", "has been delayed",
    "delivery of email to this address",
    "intended recipient:", "error-for:", "incorrectly constructed", "blocked by our", "mailbox is full",
    "account is disabled", "recipient address rejected", "mailbox unavailable", "message you sent",
    "non-delivery report", "was undeliverable",
    "couldn't find or gain access", "wasn't delivered to", "couldn't deliver", "there was a problem delivering",
    "not a member of this mailing list", "are not member", "duplicated message-id", "loop alert",
    "no valid recipients", "does not have a final email delivery point", "addressee unknown", "mta-blocked",
    "无法投递", "无法送达", "投递失败", "退回", "退信", "未能送达", "无法发送", "发送失败", "收件人不存在",
    "邮箱已满", "拒收", "未能投递", "未送达", "無法傳遞", "無法送達", "無法投遞", "退件", "寄送失敗", "被退回",
    "送信できません", "配信できません", "配信されません", "届けることができません", "送信に失敗", "お届けでき",
    "宛先不明", "配送できません", "전송하지 못", "배달하지 못", "전달하지 못", "보내지 못", "배달되지 않",
    "konnte nicht zugestellt", "nicht zugestellt werden", "n'a pas pu etre delivre", "n'a pas pu être",
    "n'existe pas", "no se pudo entregar", "no ha podido ser entregado", "não pôde ser entregue", "não foi entregue",
    "impossibile recapitare", "non è stato possibile", "kon niet worden bezorgd", "kon niet worden afgeleverd",
    "kunne ikke leveres", "kunde inte levereras", "ei voitu toimittaa", "nie mogła zostać dostarczona",
    "nie można dostarczyć", "nemohla být doručena", "nelze doručit", "не может быть доставлено",
    "не удалось доставить",
    "не было доставлено", "iletilemedi", "teslim edilemedi",
)  # fmt: skip

# The system has not given up (RFC 3464 section 2.3.3: delayed).
DELAYS: Final = (
    "has not yet been delivered", "not yet been delivered", "been delayed", "will be retried", "will be attempted",
    "warning message only", "just a warning", "only a warning", "continue to try", "continue to attempt",
    "will keep trying", "keep trying", "been postponed", "still trying", "transient non-fatal", "delivery delayed",
    "message delayed", "temporary failure:", "will try again", "将继续尝试", "会继续尝试", "稍后重试", "延迟送达",
    "延遲", "继续投递", "再送します", "再試行",
)  # fmt: skip
# A temporary condition lasted too long: RFC 3463 section 3.5, X.4.7.
EXPIRED: Final = ("retry timeout exceeded", "retry time not reached")

# Lines with addresses other than the one that was not reached.
ASIDES: Final = (
    "mail from", "contact", "please", "postmaster", "http:", "https:", "assistance", "question", "help@", "abuse@",
    "support@", "to unsubscribe", "message-id", "reporting-mta", "return-path", "gave this error",
    "the original message was received", "was generated during", "mailer-daemon", "noreply", "no-reply",
)  # fmt: skip
ASIDE_LABELS: Final = ("from:", "to:", "cc:", "subject:", "reply-to:", "references:", "sender:", "list-", "received:")

# The lines above the returned message.
RETURNED: Final = (
    "is a copy of the message", "is a copy of your message", "copy of the original message",
    "original message follow",
    "original message below", "original message header", "header of the original message", "message headers follow",
    "message header follow", "unsent message below", "returned mail follows", "returned mail ---",
    "returned message ---", "original message ---", "message text follows", "original mail as follows",
    "start of returned message", "lines of your original message", "old message:", "copy of the message header",
    "undelivered message you sent", "your message reads", "message body suppressed", "forwarded message ---",
    "--- 原始邮件", "---原始邮件", "--- 原邮件", "original message---", "-original message",
    "below the next line is a copy",
    "message header is", "text of your message", "-------original message", "summary of the undelivered",
)  # fmt: skip


# Chinese and Japanese have no blank between an address and the words around it, so letters beyond ASCII end one.
# A domain has no two dots in a row: sendmail writes "bob@b.example...User unknown".
_ADDRESS: Final = re.compile(r"[\w.!#$%&*+/=?^`{}~-]{1,128}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,20}", re.ASCII)
# RFC 6531 allows them in an address nevertheless: search for these only if there is no other address.
_WIDE_ADDRESS: Final = re.compile(
    r"[^\s<>@,;:\"'()\[\]\\|：（），。；、]{1,128}@[^\s<>@,;:\"'()\[\]\\|：（），。；、]{1,253}"
)
_ROUTE: Final = re.compile(r"^(?:smtp|rfc822|mailto|for|to)=", re.IGNORECASE)
# An address alone on its line, or before its error.
_HEADING: Final = re.compile(
    r"^[\s>*•\"'-]{0,40}(?:\d{1,3}[.)]\s)?<?[\"']?(?P<address>[^\s<>@,;:\"'()\[\]\\|]{1,128}@[^\s<>@,;:\"'()\[\]\\|]{1,253})"
    r"[\"']?>?\s*(?:$|[:;,(\[]|\.\.\.|on\s|\u0020-)"
)
# RFC 3463 status codes in prose; a fourth number makes it an IP address or a version.
_ENHANCED: Final = re.compile(r"(?<![\d.\[])([45]\.\d\.\d{1,3})(?!\.?\d)")
_CODE: Final = re.compile(r"(?:^|[\s:(<\"#=>])([45]\d\d)(?=[ \-#:]\s?\D)", re.MULTILINE)
_HEADER: Final = re.compile(
    r"^(?:received|return-path|from|to|subject|date|message-id|mime-version|content-type|dkim-signature|"
    r"arc-seal|x-[\w-]{2,40}|delivered-to|reply-to): ?",
    re.IGNORECASE,
)
# Sendmail's phrase before the address that we wrote to, if an alias led to another address.
_EXPANDED: Final = "(expanded from:"
_HEADERS_IN_A_ROW: Final = 3
_MOST_RECIPIENTS: Final = 100
_DIAGNOSTIC_CHARACTERS: Final = 500


def find_addresses(text: str) -> list[str]:
    """Return the mail addresses in a text, in order, unchanged."""
    found = [match[0] for match in _ADDRESS.finditer(text)] or [match[0] for match in _WIDE_ADDRESS.finditer(text)]
    bare = (_ROUTE.sub("", address).strip(".`*") for address in found)
    return [address for address in bare if "@" in address and not address.startswith("@")]


def split_returned(note: str) -> tuple[str, str]:
    """Split a report into the mail system's text and the returned message below; that is empty if there is none."""
    lines = note.split("\n")
    run = 0
    for index, line in enumerate(lines):
        bare = line.strip()
        if not bare:
            run = 0
            continue
        if _is_announcement(bare):
            return "\n".join(lines[:index]), "\n".join(lines[index + 1 :])
        run = run + 1 if _HEADER.match(line) or (run and line[:1] in " \t") else 0
        if run >= _HEADERS_IN_A_ROW:
            return "\n".join(lines[: index - run + 1]), "\n".join(lines[index - run + 1 :])
    return note, ""


def read_prose(note: str, *, subject: str, given: Sequence[str], own: frozenset[str]) -> list[BouncedRecipient]:
    """Return the recipients that a note reports as not reached.

    given: addresses that are known already; then only the reasons are read from the note.
    own: addresses in the note that are not recipients, in lower case.
    """
    lines = note.split("\n")
    marks = [(0, address) for address in given] or _marks(lines, own)
    marks = marks[:_MOST_RECIPIENTS]
    action = "delayed" if any(word in f"{subject}\n{note}".casefold() for word in DELAYS) else "failed"
    general = _status(note) or _status(subject)
    found = []
    for place, (index, address) in enumerate(marks):
        end = marks[place + 1][0] if place + 1 < len(marks) else len(lines)
        block = "" if given else "\n".join(lines[index : max(end, index + 1)])
        diagnostic = " ".join(block.split())[:_DIAGNOSTIC_CHARACTERS]
        status = _status(block) or general
        found.append(BouncedRecipient(address=address, action=action, status=status, diagnostic=diagnostic))
    return found


def _is_announcement(line: str) -> bool:
    said = line.casefold()
    return len(said) < 120 and any(words in said for words in RETURNED)


def _marks(lines: Sequence[str], own: frozenset[str]) -> list[tuple[int, str]]:
    """Return each address and its line, from the strongest kind of line that contains any."""
    headings: list[tuple[int, str]] = []
    blamed: list[tuple[int, str]] = []
    named: list[tuple[int, str]] = []
    for index, line in enumerate(lines):
        if "@" not in line:
            continue
        said = line.casefold()
        if _HEADING.match(line) or _EXPANDED in said:
            tier = headings
        elif said.lstrip().startswith(ASIDE_LABELS) or any(word in said for word in ASIDES):
            continue
        elif _ENHANCED.search(line) or _CODE.search(line) or any(words in said for words in SENTENCES):
            tier = blamed
        else:
            tier = named
        tier += [(index, address) for address in find_addresses(line) if address.lower() not in own]
    return headings or blamed or named


def _status(text: str) -> str:
    enhanced = _ENHANCED.search(text)
    if enhanced:
        return enhanced[1]
    code = _CODE.search(text)
    if code:
        return f"{code[1][0]}.0.0"
    said = text.casefold()
    return "4.4.7" if any(words in said for words in EXPIRED) else ""
