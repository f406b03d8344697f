"""In which of its own folders a mail program kept a mail: what was sent by us, thrown away, or never sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from enum import StrEnum
from typing import Final


class FolderRole(StrEnum):
    """A folder of a mail program that says something about the mail in it."""

    SENT = "sent"
    DRAFTS = "drafts"
    SPAM = "spam"
    TRASH = "trash"


# Names of folders and of Google's labels in the languages of our users, in lower case.
_NAMES: Final = {
    FolderRole.SENT: (
        *("sent", "sent mail", "sent items", "sent messages", "已发邮件", "已发送邮件", "已发送", "寄件備份", "已傳送"),
        *("gesendet", "gesendete elemente", "messages envoyés", "envoyés", "enviados", "送信済み", "送信済みメール"),
        *("보낸편지함", "отправленные", "inviati", "posta inviata", "verzonden", "enviadas", "itens enviados"),
    ),
    FolderRole.DRAFTS: (
        *(
            "draft",
            "drafts",
            "草稿",
            "草稿箱",
            "草稿匣",
            "entwürfe",
            "brouillons",
            "borradores",
            "下書き",
            "임시보관함",
        ),
        *("черновики", "bozze", "concepten", "rascunhos"),
    ),
    FolderRole.SPAM: (
        *("spam", "junk", "junk e-mail", "junk email", "bulk mail", "垃圾邮件", "垃圾郵件", "迷惑メール", "스팸함"),
        *(
            "спам",
            "indésirables",
            "courrier indésirable",
            "correo no deseado",
            "posta indesiderata",
            "ongewenste e-mail",
        ),
    ),
    FolderRole.TRASH: (
        *("trash", "bin", "deleted", "deleted items", "deleted messages", "已删除邮件", "已删除", "垃圾箱", "垃圾桶"),
        *("刪除的郵件", "papierkorb", "gelöschte elemente", "corbeille", "papelera", "ゴミ箱", "휴지통", "корзина"),
        *("cestino", "prullenbak", "lixeira"),
    ),
}
_OF_NAME: Final = {name: placement for placement, names in _NAMES.items() for name in names}

# What exporters write above the first field that the mail came with; a sender's own field of that name stands lower.
_EXPORTER: Final = re.compile(rb"(X-GM-[\w-]+|X-Gmail-[\w-]+|X-Mozilla-[\w-]+):((?:[^\n]|\n[ \t])*)\n", re.IGNORECASE)
# nsMsgMessageFlags of Thunderbird: deleted, and still in the file until it is compacted.
_EXPUNGED: Final = 0x0008


def role_by_folder(name: str) -> frozenset[FolderRole]:
    """Return what the name of a folder says; nothing for a name that is not known."""
    last = name.strip().strip('"').rpartition("/")[2].lstrip(".").removesuffix(".mbox").casefold()
    return frozenset({_OF_NAME[last]} if last in _OF_NAME else ())


def role_by_labels(content: bytes) -> frozenset[FolderRole]:
    """Return what the exporter's fields at the top of a mail say: Google Takeout's labels, Thunderbird's status."""
    found: set[FolderRole] = set()
    at, text = 0, content[:65_536].replace(b"\r\n", b"\n")
    while field := _EXPORTER.match(text, at):
        at = field.end()
        name, value = field[1].lower(), field[2].strip()
        if name == b"x-gmail-labels":
            found |= _labels(value)
        elif name == b"x-mozilla-status" and re.fullmatch(rb"[0-9a-fA-F]{1,8}", value):
            found |= {FolderRole.TRASH} if int(value, 16) & _EXPUNGED else set()
    return frozenset(found)


def role_by_flags(flags: Iterable[str]) -> frozenset[FolderRole]:
    r"""Return what flags say: a maildir's T and D, or IMAP's `\Deleted` and `\Draft`."""
    of_flag = {
        "T": FolderRole.TRASH,
        "D": FolderRole.DRAFTS,
        r"\deleted": FolderRole.TRASH,
        r"\draft": FolderRole.DRAFTS,
    }
    keys = (flag if len(flag) == 1 else flag.casefold() for flag in flags)
    return frozenset(of_flag[key] for key in keys if key in of_flag)


def _labels(value: bytes) -> set[FolderRole]:
    raw = re.sub(r"\n[ \t]", " ", value.decode("utf-8", "replace"))
    try:
        text = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError):
        text = raw
    labels = (label.strip().strip('"').casefold() for label in text.split(","))
    return {_OF_NAME[label] for label in labels if label in _OF_NAME}
