"""What a page says by itself, and which of its words are English. A plain module."""

from __future__ import annotations

import re
from html.parser import HTMLParser

LATIN = re.compile(r"[A-Za-z][A-Za-z'’]*")
# Names and abbreviations of the trade, which Chinese agents write so: of formats, places of a mail, units, keys.
TERMS = {
    *("Omniyard", "omniyard", "up", "agent", "add", "quarantine", "SLA", "VIP", "P", "KB", "MB", "B", "eml"),
    *("English", "EN"),
    *("RFC", "DKIM", "Reply-To", "Reply", "To", "From", "j", "k", "u", "r", "t", "e", "s", "X", "Telegram", "E"),
    *("Ctrl", "Enter", "Tab", "Esc", "K"),
    *("wallet", "support", "CST", "Auto", "Submitted", "auto", "replied"),
}
# What a customer or a colleague wrote, the desk's own name and names of people stand in these elements or fields.
UNSPOKEN = {"code", "kbd", "script", "textarea"}
WRITTEN = {"text", "glimpse", "handle", "me", "brand", "name"}


class Spoken(HTMLParser):
    """The words that a page says by itself: its text and what is read aloud, without what people wrote."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._open: list[bool] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        is_written = bool(WRITTEN & set((given.get("class") or "").split())) or tag in UNSPOKEN
        if not self._hidden and not is_written:
            self.said += [given[name] or "" for name in ("title", "aria-label", "placeholder", "alt") if name in given]
        if tag not in {"br", "img", "input", "meta", "link", "path", "rect", "line", "hr", "circle"}:
            self._open.append(is_written)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Leave out what holds no text."""

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(data)

    @property
    def _hidden(self) -> bool:
        return any(self._open)


def english_of(page: str) -> set[str]:
    """Return the Latin words that a page says, without names, addresses and terms."""
    text = re.sub(
        r"\S+@\S+|[\w.-]+:\d+|[\w.-]+\.example|\b[0-9A-Z]{9}\b|\b[0-9a-f-]{16,}\b", " ", "\n".join(Spoken(page).said)
    )
    return {word for word in LATIN.findall(text) if word not in TERMS}
