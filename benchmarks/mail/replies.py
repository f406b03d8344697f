"""How exactly the new words of a mail are found: ours, the standard library alone and mail-parser-reply alone.

The expected answers are other projects' own. Two kinds are not plain words, and every reader is measured by one rule:
the forum's answers are Markdown, with quotes between the lines marked by `>` or [quote]: the new words are the
rest; talon's answers (clients) count the signature to the reply: text, or text with the signature, is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from mailparser_reply import EmailReplyParser
from mailparser_reply.constants import MAIL_LANGUAGES

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from connectors.email.quotes.split_reply import split_reply
from router.origin.automatic import recognise
from router.origin.verdicts import OriginKind

_CORPORA: Final = ("bodies", "clients", "languages", "forum")
_QUOTED_BLOCK: Final = re.compile(r"\[quote\].*?\[/quote\]", re.DOTALL)
_EMPHASIS: Final = re.compile(r"(\*\*|\*|_)(?=\S)(.+?)(?<=\S)\1")
# Mails whose expected answer differs from the purpose of our reader.
_REASONS: Final = {
    "mpr_email_2_1_test_gmail_header.txt": "the expected answer keeps a drawn line above the quoted header; ours counts "
    "drawn lines to the quote",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What one reader returns as the new words, and as the signature."""

    text: str
    signature: str = ""


def measure(corpora: Path) -> dict[str, Any]:
    """Return how many mails each reader gets exactly right, by corpus and in total, and our misses with reasons."""
    table = {name: _count(corpora / "replies", read) for name, read in _READERS.items()}
    misses = table["ours"].pop("misses")
    for reader in table.values():
        reader.pop("misses", None)
    return {**table, "misses": misses, "forum, who wrote": _kinds(corpora / "replies" / "forum")}


def _rows(folder: Path) -> Iterator[dict[str, Any]]:
    lines = (folder / "expected.jsonl").read_text("utf-8").splitlines()
    yield from (json.loads(line) for line in lines)


def _count(folder: Path, read: Callable[[Path], Reply]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    misses: list[dict[str, str]] = []
    right = verbatim = total = 0
    for corpus in _CORPORA:
        rows = [row for row in _rows(folder / corpus) if row["reply"] is not None]
        replies = [(row, _read(read, folder / corpus / row["file"])) for row in rows]
        found = sum(_is_right(corpus, row["reply"], reply) for row, reply in replies)
        result[corpus] = f"{found}/{len(rows)}"
        right, total = right + found, total + len(rows)
        verbatim += sum(_squeeze(row["reply"]) == _squeeze(reply.text) for row, reply in replies)
        misses += [_miss(row, reply) for row, reply in replies if not _is_right(corpus, row["reply"], reply)]
    shares = {"exact": round(right / total, 4), "verbatim, markup and all": round(verbatim / total, 4)}
    return {**result, **shares, "misses": misses}


def _miss(row: dict[str, Any], reply: Reply) -> dict[str, str]:
    why = _REASONS.get(row["file"], "not understood yet")
    return {"file": row["file"], "expected": row["reply"][:300], "read": reply.text[:300], "why": why}


def _read(read: Callable[[Path], Reply], path: Path) -> Reply:
    try:
        return read(path)
    # A reader that raises has read nothing, and the table must show that.
    except Exception:  # noqa: BLE001
        return Reply("")


def _is_right(corpus: str, answer: str, reply: Reply) -> bool:
    wanted = _new_words(answer)
    signed = _bare(f"{reply.text}\n{reply.signature}")
    return wanted == _bare(reply.text) or (corpus == "clients" and wanted == signed)


def _new_words(answer: str) -> str:
    """Return the new words of an expected answer: the forum's keep what a reply quotes between the lines."""
    own = [line for line in _QUOTED_BLOCK.sub("", answer).split("\n") if not line.startswith(">")]
    return _bare("\n".join(own))


def _bare(text: str) -> str:
    return _squeeze(_EMPHASIS.sub(r"\2", text))


def _squeeze(text: str) -> str:
    return " ".join(text.split())


def _ours(path: Path) -> Reply:
    if path.suffix == ".txt":
        words = split_reply(path.read_text("utf-8"))
        return Reply(words.text, words.signature)
    raw = RawMessage(source_key="1", content=path.read_bytes(), received_at=datetime.now(UTC))
    envelope = normalise(raw, channel="bench")
    return Reply(envelope.text, envelope.signature)


def _standard(path: Path) -> Reply:
    if path.suffix == ".txt":
        return Reply(path.read_text("utf-8"))
    message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=policy.default)
    body = message.get_body(("plain", "html"))
    return Reply(str(body.get_content()) if body is not None else "")


def _public(path: Path) -> Reply:
    languages = [language for language in MAIL_LANGUAGES if language != "david"]
    return Reply(EmailReplyParser(languages=languages).parse_reply(_standard(path).text) or "")


_READERS: Final[dict[str, Callable[[Path], Reply]]] = {
    "ours": _ours,
    "standard library": _standard,
    "mail-parser-reply": _public,
}


def _kinds(folder: Path) -> dict[str, Any]:
    """Return how many of the forum's mails are classified correctly as bounce, machine or person."""
    wrong = []
    rows = list(_rows(folder))
    for row in rows:
        raw = RawMessage(source_key="1", content=(folder / row["file"]).read_bytes(), received_at=datetime.now(UTC))
        kind = recognise(normalise(raw, channel="bench"), own_addresses=frozenset()).kind
        automatic = kind in {OriginKind.AUTO_GENERATED, OriginKind.AUTO_REPLIED, OriginKind.BULK}
        if (kind is OriginKind.BOUNCE, automatic) != (row["is_bounce"], row["is_auto"]):
            wrong.append({"file": row["file"], "read": kind.value})
    return {"right": f"{len(rows) - len(wrong)}/{len(rows)}", "misses": wrong}
