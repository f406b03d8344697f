"""Recognise the lines of a mail that introduce a quote: separators, attributions ("On ... wrote:"), quoted headers.

Every test reads a bounded number of characters and lines, so that the whole stays linear on any input.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from connectors.email.quotes.markers import (
    ABOVE_THIS_LINE,
    DEVICES,
    FORWARDED,
    FRAMED_SIGN_OFFS,
    LABELS,
    NO_DEVICES,
    ORIGINAL,
    SIGN_OFFS,
    STARTERS,
    VERBS,
)


class LineMark(StrEnum):
    """The role of a line."""

    NEW = "new"
    QUOTED = "quoted"
    SIGNATURE = "signature"


class QuoteOpening(StrEnum):
    """How a quote begins."""

    ATTRIBUTION = "attribution"
    HEADERS = "headers"
    SEPARATOR = "separator"
    FORWARD = "forward"


# An attribution with two long names and addresses; when a mailer folds it, it takes four lines.
_ATTRIBUTION_CHARACTERS: Final = 400
_ATTRIBUTION_LINES: Final = 4
# A quoted header section: eight fields, some folded, every second line blank.
_HEADER_LINES: Final = 24
_SIGN_OFF_CHARACTERS: Final = 100
_SIGN_OFF_WORDS: Final = 12
_SEPARATOR_CHARACTERS: Final = 120

# The first two letters of all sign-offs: few other lines begin so, and each pair has few sign-offs.
SIGNED: Final = frozenset(words[:2] for words in (*SIGN_OFFS, *(begin for begin, _ in FRAMED_SIGN_OFFS)))
_SIGN_OFFS: Final = {key: tuple(words for words in SIGN_OFFS if words[:2] == key) for key in SIGNED}
_FRAMED: Final = {key: [frame for frame in FRAMED_SIGN_OFFS if frame[0][:2] == key] for key in SIGNED}
_DASHES: Final = "-‐‑‒–—―_=*~#|+>·•.<"
_AROUND_ATTRIBUTION: Final = "*_- \t\xa0"
_ORNAMENT: Final = _DASHES + " \t\xa0　"
_COLONS: Final = ":："
_ROLES: Final = {label: role for role, labels in LABELS.items() for label in labels}
# The longest label has twenty letters; some programs insert blanks into theirs.
_LABEL_CHARACTERS: Final = 36
_BEFORE_LABEL: Final = " \t\xa0　*_|>"
_AFTER_LABEL: Final = ":：|"
_YEAR: Final = re.compile(r"(?:19|20)\d\d(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2}|\d{4}\s?[年년]|[\u0660-\u0669]{4}")
_TIME: Final = re.compile(r"\d{1,2}[:.h時时点]\s?\d{2}|\d{1,2}\s?[AaPp]\.?[Mm]")
_MESSAGE_OF: Final = re.compile(r"\W{0,5}message du\b", re.IGNORECASE)
_GOES_ON: Final = re.compile(r"[,;:，；：]\s?\S")
# The labels of a date that receipts have too.
_PLAIN_DATE: Final = re.compile(r"\W{0,9}(?:date|time|日\s{0,3}期|时\s{0,3}间|時\s{0,3}間)\W", re.IGNORECASE)
_WEEKDAY: Final = re.compile(r"\b(?:mon|tue|wed|thu|fri|sat|sun)|(?:星期|周|週|礼拜)[一二三四五六日天]", re.IGNORECASE)
_STAMP: Final = re.compile(r"\d\d:\d\d(?::\d\d)? [+-]\d{4}\b")
_ADDRESS: Final = re.compile(r"[<(\[\"'“”=:][^<>\s@]{1,64}@[^<>\s@]{1,190}|[^<>\s@]{1,64}@[^<>\s@]{1,190}[>)\]\"”]")


def _alternatives(words: Sequence[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_LATIN: Final = [verb for verb in VERBS if verb[0] < "\u0e00"]
_OTHER: Final = [verb for verb in VERBS if verb[0] >= "\u0e00"]
_VERB: Final = re.compile(rf"(?<!\w)(?:{_alternatives(_LATIN)})(?!\w)|{_alternatives(_OTHER)}")
_VERB_AT_END: Final = re.compile(
    rf"(?:(?<!\w)(?:{_alternatives(_LATIN)})|{_alternatives(_OTHER)})\s?(?:\([^()]{{0,60}}\)|\[[^\[\]]{{0,60}}\])?\s*[:：]*\Z"
)
_STARTER: Final = re.compile(
    rf"\W{{0,3}}(?:(?:{_alternatives([word for word in STARTERS if word[-1] < chr(0x0E00)])})[\s.,:]"
    rf"|(?:{_alternatives([word for word in STARTERS if word[-1] >= chr(0x0E00)])})|\d{{1,4}}\s?[-./年년]\s?\d)"
)
_ADDRESS_ENDS: Final = ">)]"
_OWN_ADDRESS: Final = re.compile(r"<?[^\s<>@]{1,64}@[^\s<>@]{1,190}>?")
_ADDRESS_AT_END: Final = re.compile(r"@[^\s@]{1,190}[>)\]\"]+\s*[:：]\Z|@[^\s@<>]{1,190}\s*[:：]\Z")


def is_quoted(line: str) -> bool:
    """Return whether a line is marked as quoted (RFC 3676 section 4.5).

    mbox writes `>From ` into people's own words, and some people draw `>>> look here <<<` or `> look here <`.
    """
    bare = line.lstrip()
    if not bare.startswith((">", "＞")):
        return False
    drawn = bare.startswith((">>", "> ")) and bare.rstrip().endswith(("<<", " <")) and "<" not in bare.rstrip(" <")
    return not bare.startswith(">From ") and not drawn


def written_out(line: str) -> str:
    """Return the line with plain blanks: QQ Mail writes `&nbsp;` into the text around its words for a quote."""
    return line.replace("&nbsp;", " ") if "&nbsp;" in line else line


def is_rule(line: str) -> bool:
    """Return whether a line consists of drawn characters, without words."""
    bare = line.strip()
    return len(bare) >= 3 and not bare.strip(_ORNAMENT) and bare[0] in "-‐–—_=*~"


def separator(line: str, *, above: str) -> QuoteOpening | None:
    """Return what a line such as `----- Original Message -----` or `---- Bob wrote ----` opens.

    above: the line before it; below a drawn line the words need no dashes of their own.
    """
    bare = written_out(line).strip()
    words = bare.strip(_ORNAMENT + _COLONS)
    if not words or len(bare) > _SEPARATOR_CHARACTERS:
        return None
    text = " ".join(words.split()).casefold()
    drawn = len(bare[: bare.find(words)].strip("| \t")) > 1
    if text in FORWARDED and (drawn or bare[-1] in _COLONS or is_rule(above)):
        return QuoteOpening.FORWARD
    if text in ORIGINAL and (drawn or is_rule(above)):
        return QuoteOpening.SEPARATOR
    if not drawn:
        return None
    named = bare[-1] in _DASHES and _VERB_AT_END.search(text)
    return QuoteOpening.SEPARATOR if named or any(phrase in text for phrase in ABOVE_THIS_LINE) else None


def role_of(line: str) -> str:
    """Return which header field a line quotes: from, sent, to, cc or subject; empty if none."""
    head = line[:_LABEL_CHARACTERS].lstrip(_BEFORE_LABEL)
    for end, letter in enumerate(head):
        if letter in _AFTER_LABEL:
            label = head[:end].rstrip(_BEFORE_LABEL).casefold()
            # Orange writes the date without a colon of its own: `Message du 17/11/26 10:00`.
            if label.startswith("message du ") and label[11:12].isdigit():
                return "sent"
            return _ROLES.get(label) or _ROLES.get("".join(label.split()), "")
    return ""


def headers_end(lines: Sequence[str], start: int) -> int:
    """Return the index after the quoted header section that begins at `start`; `start` if none begins there.

    People also list "From, To, Date" of a payment: a mail's section has a subject, or a dated author with an address.
    """
    roles: dict[str, int] = {}
    strangers = 0
    for index in range(start, min(start + _HEADER_LINES, len(lines))):
        line = lines[index].lstrip("> ") if lines[index][:1] == ">" else lines[index]
        if not line.strip(_ORNAMENT):
            continue
        role = role_of(line)
        if role in roles and role != "cc":
            break
        if role:
            roles[role] = index
            strangers = 0
            continue
        strangers += 1
        # One other line is the second line of a long field; a second one belongs to the mail's own words.
        if strangers > 1 or not roles:
            break
    return max(roles.values()) + 1 if _is_section(lines, roles) else start


def _is_section(lines: Sequence[str], roles: dict[str, int]) -> bool:
    if "from" not in roles:
        # Without an author, only a timestamp that no person would write shows that a program wrote it.
        stamped = "sent" in roles and _STAMP.search(lines[roles["sent"]][:_ATTRIBUTION_CHARACTERS])
        return bool(stamped) and "to" in roles and "@" in lines[roles["to"]][:_ATTRIBUTION_CHARACTERS]
    addressed = bool(_ADDRESS.search(lines[roles["from"]][:_ATTRIBUTION_CHARACTERS]))
    if "subject" in roles and len(roles) >= 3:
        # Payer, payee and purpose of a payment have the same labels, but no mail address, and at most a plain date.
        dated = "sent" in roles and _is_sent(lines[roles["sent"]][:_ATTRIBUTION_CHARACTERS])
        return dated or any("@" in lines[at][:_ATTRIBUTION_CHARACTERS] for at in roles.values())
    if "sent" in roles and _MESSAGE_OF.match(lines[roles["sent"]]):
        return True
    return addressed and ("sent" in roles or "subject" in roles)


def _is_sent(line: str) -> bool:
    """Return whether a date is that of a mail: its label says so, or it has a weekday, which no receipt prints."""
    return not _PLAIN_DATE.match(line) or _WEEKDAY.search(line) is not None


def attribution_start(lines: Sequence[str], end: int, *, floor: int, followed: bool) -> int | None:
    """Return where the attribution begins whose last line is `lines[end]`; None if that line ends none.

    floor: the first line that may belong to it.  followed: lines that are known to be quoted follow directly.
    """
    first = max(floor, end - _ATTRIBUTION_LINES + 1)
    if not followed and not _may_attribute(
        " ".join(line[-_ATTRIBUTION_CHARACTERS:] for line in lines[first : end + 1])
    ):
        return None
    fallback: int | None = None
    window = ""
    for start in range(end, first - 1, -1):
        line = lines[start].strip()
        if not line or len(window) + len(line) > _ATTRIBUTION_CHARACTERS or is_quoted(line):
            break
        window = f"{line} {window}" if window else line
        text = window.strip(_AROUND_ATTRIBUTION)
        if not text or not _is_attribution(text, followed=followed):
            continue
        if _STARTER.match(text.casefold()):
            return start
        if fallback is None or _goes_on_above(lines[fallback]):
            fallback = start
    return fallback


def is_only_address(line: str) -> bool:
    """Return whether a line is one address: Foxmail writes the sender's own below its ruler, above the quote."""
    return len(line) <= _ATTRIBUTION_CHARACTERS and _OWN_ADDRESS.fullmatch(line.strip()) is not None


def is_bare_attribution(line: str) -> bool:
    """Return whether a line above a marked quote gives only date and author: `2011/4/7 Bob <bob@b.example>`."""
    text = line.strip()
    if not text[:1].isdigit() or text[-1] not in _ADDRESS_ENDS or len(text) > _ATTRIBUTION_CHARACTERS:
        return False
    dated = _YEAR.match(text)
    return dated is not None and _ADDRESS.search(text) is not None


def _goes_on_above(line: str) -> bool:
    """Return whether the line continues a folded one: it begins with a time, an address or a small letter."""
    bare = line.lstrip()
    return bare[:1] in "<([" or bare[:1].isdigit() or bare[:1].islower()


def _may_attribute(text: str) -> bool:
    """Return, by a cheap test, whether the line could be an attribution without a quote below it."""
    return bool(_YEAR.search(text) or ("@" in text and _VERB.search(text.casefold())))


def _is_attribution(text: str, *, followed: bool) -> bool:
    dated = _YEAR.search(text)
    if not (followed or dated or "@" in text):
        return False
    folded = text.casefold()
    if text[-1] not in _COLONS:
        starts = dated and _STARTER.match(folded)
        return bool(starts and _ADDRESS.search(text) and _VERB_AT_END.search(folded))
    if dated and _TIME.search(text) and _ADDRESS_AT_END.search(text):
        return True
    verb, addressed = _VERB.search(folded), _ADDRESS.search(text)
    if followed:
        return bool(verb or dated or addressed)
    return verb is not None and _says_who(folded, verb=verb, dated=bool(dated), addressed=addressed)


def _says_who(folded: str, *, verb: re.Match[str], dated: bool, addressed: re.Match[str] | None) -> bool:
    """Return whether the words around "wrote" give enough of author and date to come from a program."""
    starts = dated and bool(_STARTER.match(folded))
    if _VERB_AT_END.search(folded, verb.start()):
        return starts or addressed is not None
    return starts or (dated and addressed is not None and addressed.start() < verb.start())


def is_sign_off(line: str) -> bool:
    """Return whether a line is a phone's or a program's signature, such as `Sent from my iPhone`."""
    if len(line) > _SIGN_OFF_CHARACTERS:
        return False
    text = line.strip("*_ \t\xa0-—|.").casefold()
    key = text[:2]
    if key not in SIGNED:
        return False
    if not text.startswith(_SIGN_OFFS[key]) or text[-1:] in "?!？！。,，;":
        frames = _FRAMED[key]
        if not frames or not any(text.startswith(begin) and text.endswith(end) for begin, end in frames):
            return False
    if len(text.split()) > _SIGN_OFF_WORDS or any(word in text for word in NO_DEVICES):
        return False
    # "Sent from my desk, the form fails": a sentence goes on; a phone's signature names a phone.
    goes_on = _GOES_ON.search(text)
    return goes_on is None or any(word in text[: goes_on.start()] for word in DEVICES)
