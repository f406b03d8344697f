"""Find the mail addresses in a field, also in a malformed one (RFC 5322 sections 3.4 and 4.4).

One pass over tokens, no recursion: 500 open brackets cost as much as 500 letters. The display name is shown
but never trusted: an address inside quotes, a comment or an encoded word is a name.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import Final

from connectors.email.mime import limits
from connectors.email.mime.headers import decode_words
from router.envelope import Party, PartyKind

# The form of nearly every field: one mailbox, a plain or quoted name, no comment.
_PLAIN: Final = re.compile(
    r'\s*(?:"([^"\\]*)"|([^"<>@,;:\\()\[\]]*))\s*<\s*([^\s<>@,;:"()\[\]\\]+@[^\s<>@,;:"()\[\]\\]+)\s*>\s*'
)
_BARE: Final = re.compile(r'\s*([^\s<>@,;:"()\[\]\\]+@[^\s<>@,;:"()\[\]\\]+)\s*')
# This pattern's cost grows with the square of a run of blanks; the reader below is linear.
_LONGEST_PLAIN: Final = 300
_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"?|([<>(),;:])|\\(.)|([^\s"<>(),;:\\]+)|(\s+)', re.DOTALL)
_INVISIBLE: Final = re.compile(r"[\x00-\x1f\x7f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
# Markers inside the reader; no field contains them once it is unfolded and zeros are removed.
_QUOTED: Final = "\x00"
_BLANK: Final = "\x01"
_CLOSED: Final = "\x02"
_QUOTED_LOCAL: Final = re.compile(f"{_QUOTED}([^{_CLOSED}]*){_CLOSED}(@.+)")
_ROUTE: Final = re.compile(r"^(?:@[^:]*:)+")


def parse_addresses(value: str) -> list[Party]:
    """Return the mailboxes of an unfolded field whose 8-bit bytes are text already, at most `limits.ADDRESSES`.

    Groups are expanded into their members. A mailbox without an address is left out.
    """
    if not value.isascii():
        value = value.replace("\uff20", "@")
    if len(value) <= _LONGEST_PLAIN:
        single = _PLAIN.fullmatch(value)
        if single is not None:
            return [_party(single[3], single[1] if single[1] is not None else single[2])]
        bare = _BARE.fullmatch(value)
        if bare is not None:
            return [_party(bare[1], "")]
    found = _Reader().read(value[: limits.FIELD_CHARACTERS])
    # `Lei, Li <li@example.com>`: next to an address a bare word is half a name, not a local mailbox.
    return [party for party in found if "@" in party.handle] or found


def clean_name(name: str) -> str:
    """Return a display name on one line, without characters that hide or reverse text."""
    if not name:
        return ""
    if not name.isascii() or "=?" in name:
        name = _INVISIBLE.sub(" ", decode_words(name))
    elif not name.isprintable():
        name = _INVISIBLE.sub(" ", name)
    name = " ".join(name.split())
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1].strip()
    return name[: limits.NAME_CHARACTERS]


def handle_of(address: str) -> str:
    """Return the comparable form of an address: lower case, no blanks, no route (RFC 5322 section 4.4), no `mailto:`.

    The domain stands in its ASCII form (RFC 5891), which mail servers know and which no look-alike letters can forge.
    """
    if not address.isprintable():
        address = _INVISIBLE.sub("", address)
    address = (address if '"' in address else "".join(address.split())).lower()
    if address[:1] == address[-1:] and address[:1] in {"'", '"'}:
        address = address[1:-1]
    if address[:1] == "@":
        address = _ROUTE.sub("", address)
    if address[:7] == "mailto:":
        # RFC 6068: what follows a question mark is no part of the address.
        address = address[7:].partition("?")[0]
    if not address.isascii():
        address = _in_ascii(address)
    return address.rstrip(".")[: limits.MESSAGE_ID_CHARACTERS]


def _in_ascii(address: str) -> str:
    """Return the address with full-width letters as plain ones and its domain in ASCII, as far as that is possible."""
    local, at, domain = unicodedata.normalize("NFKC", address[: limits.MESSAGE_ID_CHARACTERS]).lower().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.replace("\u3002", ".").encode("idna").decode("ascii")
    return f"{local}{at}{domain}"


def _party(address: str, name: str) -> Party:
    shown = clean_name(name)
    handle = handle_of(address)
    return Party(PartyKind.EMAIL, handle, "" if shown.lower() == handle else shown)


class _Reader:
    """Collects the words of one mailbox until a comma, a semicolon or the end of the field."""

    def __init__(self) -> None:
        self.found: list[Party] = []
        self.words: list[str] = []
        self.inside: list[str] | None = None
        self.comments: list[str] = []
        self.depth = 0

    def read(self, value: str) -> list[Party]:
        for match in _TOKEN.finditer(value):
            if len(self.found) >= limits.ADDRESSES:
                return self.found
            if self.depth:
                self._comment(match)
            else:
                self._token(match)
        self._close()
        return self.found[: limits.ADDRESSES]

    def _comment(self, match: re.Match[str]) -> None:
        sign = match[2]
        self.depth += (sign == "(") - (sign == ")")
        if self.depth:
            self.comments.append(match[0])

    def _token(self, match: re.Match[str]) -> None:
        sign = match[2]
        if sign == "(":
            self.depth = 1
        elif sign == "<":
            # A second bracket before the first was closed: the words before it were part of a name.
            self.words.extend(self.inside or ())
            self.inside = []
        elif sign in {">", ",", ";"}:
            self._close()
        elif sign == ":" and self.inside is None:
            # A group's name; its members follow (RFC 5322 section 3.4).
            self.words.clear()
        else:
            self._word(match)

    def _word(self, match: re.Match[str]) -> None:
        if match[1] is not None:
            text = re.sub(r"\\(.)", r"\1", match[1])
            # Inside brackets, quotes belong to the local part, unless they enclose the whole address.
            if self.inside is not None:
                self.inside.append(text if "@" in text else f'"{text}"')
                return
            # Mark quoted words, in one piece: an address in quotes is a name, unless the quotes are a local part's.
            closed = _CLOSED if match[0][-1:] == '"' and len(match[0]) > 1 else ""
            self.words.append(f"{_QUOTED}{text.replace(' ', _BLANK)}{closed}")
            return
        text = match[3] or match[0]
        (self.words if self.inside is None else self.inside).append(text)

    def _close(self) -> None:
        address, name = self._split()
        party = _party(address, name or "".join(self.comments))
        if party.handle:
            self.found.append(party)
        self.words, self.inside, self.comments = [], None, []

    def _split(self) -> tuple[str, str]:
        """Separate the address from the name."""
        if self.inside is not None:
            return "".join(self.inside).strip(), _plain("".join(self.words))
        text = "".join(self.words).strip()
        if not text:
            return "", ""
        return _loose(text)


def _loose(text: str) -> tuple[str, str]:
    # No brackets: the last word with an @ that is not in quotes is the address, the rest is the name.
    words = text.split()
    for word in reversed(words):
        quoted = _QUOTED_LOCAL.fullmatch(word)
        if quoted is not None or ("@" in word and not word.startswith((_QUOTED, "=?"))):
            address = f'"{_plain(quoted[1])}"{quoted[2]}' if quoted is not None else _plain(word).strip("[]'")
            return address, _plain(" ".join(other for other in words if other is not word))
    if len(words) == 1 and not words[0].startswith((_QUOTED, "=?")):
        # A local mailbox such as `root` (RFC 822 section 6.2.2 allowed it without a domain on the same host).
        return _plain(words[0]).strip("[]'"), ""
    return "", ""


def _plain(text: str) -> str:
    return text.replace(_QUOTED, "").replace(_CLOSED, "").replace(_BLANK, " ")
