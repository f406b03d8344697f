"""Say in words what an invitation (iCalendar, RFC 5545) or a file of Outlook's (TNEF, MS-OXTNEF) holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from connectors.email.mime import charsets

_CHARACTERS: Final = 64 * 1024
_MOST_LINES: Final = 2_000
_LINE: Final = re.compile(r"([A-Za-z-]{1,40})((?:;[^:;\"]{0,200}(?:\"[^\"]{0,200}\")?){0,9}):(.*)", re.DOTALL)
_ZONE: Final = re.compile(r"TZID=\"?([^;:\"]{1,80})", re.IGNORECASE)
_NAME: Final = re.compile(r"CN=(?:\"([^\"]{1,80})\"|([^;:\"]{1,80}))", re.IGNORECASE)
_MOMENT: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})[0-9]{2}(Z?))?")
_METHODS: Final = {"CANCEL": "Invitation withdrawn", "REPLY": "Reply to an invitation", "COUNTER": "Counter-proposal"}
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")
# MS-OXTNEF section 2.1.3: a signature, a key, then attributes of level, id, length, value and checksum.
_TNEF: Final = b"\x78\x9f\x3e\x22"
_TNEF_HEAD: Final = 6
_BODY: Final = 0x800C
_TITLE: Final = 0x8010
_MOST_ATTRIBUTES: Final = 1_000


def invitation_text(text: str) -> str:
    """Return what is planned, when, where and by whom, one line each; empty if the calendar holds no event."""
    found: dict[str, str] = {}
    inside = False
    method = ""
    for line in _lines(text[:_CHARACTERS]):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        name, parameters, value = match[1].upper(), match[2], match[3].strip()
        if name == "METHOD":
            method = value.upper()
        elif name in {"BEGIN", "END"} and value.upper() in {"VEVENT", "VTODO"}:
            if inside:
                break
            inside = True
        elif inside and value:
            found.setdefault(name, _spoken(name, parameters, value))
    return "\n".join(_sentences(found, method)) if inside else ""


def _lines(text: str) -> Iterator[str]:
    """Yield the lines, unfolded (RFC 5545 section 3.1)."""
    unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    return islice(iter(unfolded.split("\n")), _MOST_LINES)


def _spoken(name: str, parameters: str, value: str) -> str:
    if name.startswith("DT"):
        return _moment(value, parameters)
    if name == "ORGANIZER":
        address = re.sub(r"(?i)^mailto:", "", value)
        called = _NAME.search(parameters)
        return f"{called[1] or called[2]} <{address}>" if called is not None else address
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _moment(value: str, parameters: str) -> str:
    match = _MOMENT.match(value)
    if match is None:
        return value
    day = f"{match[1]}-{match[2]}-{match[3]}"
    if match[4] is None:
        return day
    zone = _ZONE.search(parameters)
    moment = f"{day} {match[4]}:{match[5]}"
    if match[6]:
        return f"{moment} UTC"
    return moment if zone is None else f"{moment} {zone[1]}"


def _sentences(found: dict[str, str], method: str) -> Iterator[str]:
    yield f"{_METHODS.get(method, 'Invitation')}: {found.get('SUMMARY', '-')}"
    start, end = found.get("DTSTART", ""), found.get("DTEND", "")
    if start:
        yield f"When: {start}{f' to {end}' if end else ''}"
    if "LOCATION" in found:
        yield f"Where: {found['LOCATION']}"
    if "ORGANIZER" in found:
        yield f"From: {found['ORGANIZER']}"
    if "DESCRIPTION" in found:
        yield f"\n{found['DESCRIPTION']}"


def outlook_text(content: bytes) -> str:
    """Return the text in a TNEF file; empty if it has none as plain text."""
    return "\n".join(_decoded(value) for number, value in _attributes(content) if number == _BODY).strip()


def outlook_files(content: bytes) -> list[str]:
    """Return the names of the files in a TNEF file."""
    return [_decoded(value).strip() for number, value in _attributes(content) if number == _TITLE]


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    if not content.startswith(_TNEF):
        return
    at = _TNEF_HEAD
    for _ in range(_MOST_ATTRIBUTES):
        if at + 9 > len(content):
            return
        number = int.from_bytes(content[at + 1 : at + 3], "little")
        length = int.from_bytes(content[at + 5 : at + 9], "little")
        yield number, content[at + 9 : at + 9 + min(length, _CHARACTERS)]
        at += 9 + length + 2


def _decoded(value: bytes) -> str:
    return charsets.decode(value.rstrip(b"\0"), "windows-1252").replace("\r\n", "\n").replace("\0", "")
