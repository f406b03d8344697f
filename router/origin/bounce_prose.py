"""Read reports that mail systems write in prose: which addresses were not reached, and by what code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from router.bounce_words import ASIDE_LABELS, ASIDES, DELAYS, EXPIRED, RETURNED, SENTENCES
from router.envelope import BouncedRecipient

# Chinese and Japanese put no blank between an address and the words around it, so letters beyond ASCII end one.
# A domain has no two dots in a row: sendmail writes "bob@b.example...User unknown".
_ADDRESS: Final = re.compile(r"[\w.!#$%&*+/=?^`{}~-]{1,128}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,20}", re.ASCII)
# RFC 6531 allows them in an address nevertheless: looked for only where there is no other.
_WIDE_ADDRESS: Final = re.compile(
    r"[^\s<>@,;:\"'()\[\]\\|：（），。；、]{1,128}@[^\s<>@,;:\"'()\[\]\\|：（），。；、]{1,253}"
)
_ROUTE: Final = re.compile(r"^(?:smtp|rfc822|mailto|for|to)=", re.IGNORECASE)
# An address that stands for itself: alone on its line, or before what went wrong with it.
_HEADING: Final = re.compile(
    r"^[\s>*•\"'-]{0,40}(?:\d{1,3}[.)]\s)?<?[\"']?(?P<address>[^\s<>@,;:\"'()\[\]\\|]{1,128}@[^\s<>@,;:\"'()\[\]\\|]{1,253})"
    r"[\"']?>?\s*(?:$|[:;,(\[]|\.\.\.|on\s|\u0020-)"
)
# RFC 3463 in prose; what has a fourth number is an Internet address or a version.
_ENHANCED: Final = re.compile(r"(?<![\d.\[])([45]\.\d\.\d{1,3})(?!\.?\d)")
_CODE: Final = re.compile(r"(?:^|[\s:(<\"#=>])([45]\d\d)(?=[ \-#:]\s?\D)", re.MULTILINE)
_HEADER: Final = re.compile(
    r"^(?:received|return-path|from|to|subject|date|message-id|mime-version|content-type|dkim-signature|"
    r"arc-seal|x-[\w-]{2,40}|delivered-to|reply-to): ?",
    re.IGNORECASE,
)
# Sendmail's word for the address that we wrote to, when an alias led elsewhere.
_EXPANDED: Final = "(expanded from:"
_HEADERS_IN_A_ROW: Final = 3
_MOST_RECIPIENTS: Final = 100
_DIAGNOSTIC_CHARACTERS: Final = 500


def find_addresses(text: str) -> list[str]:
    """Return the mail addresses in a text, in order, as written."""
    found = [match[0] for match in _ADDRESS.finditer(text)] or [match[0] for match in _WIDE_ADDRESS.finditer(text)]
    bare = (_ROUTE.sub("", address).strip(".`*") for address in found)
    return [address for address in bare if "@" in address and not address.startswith("@")]


def split_returned(note: str) -> tuple[str, str]:
    """Split what a mail system wrote from the message that it returns below; that is empty if there is none."""
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
    """Return whom a note says a message did not reach.

    given: addresses that are known already; the note is then asked for the reasons alone.
    own: addresses that the note names without meaning them, in lower case.
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
    """Return where which address is named, by the strongest kind of line that names any."""
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
