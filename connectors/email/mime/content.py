"""Read a mail's content: the new words, the quoted ones, and the page that shows both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from connectors.email.mime import charsets, html, limits
from connectors.email.mime.alternatives import stands_in
from connectors.email.mime.attachments import safe_name
from connectors.email.mime.bodies import Bodies, read_text
from connectors.email.mime.html import page_to_text, title_of, without_tags
from connectors.email.mime.invitations import invitation_text, outlook_files, outlook_text
from connectors.email.mime.parts import Part
from connectors.email.quotes.split_reply import split_reply
from router.message_limits import PAGE_DEFECT, WORDS_DEFECT

_HTML: Final = "text/html"
_OUTLOOK: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class MailContent:
    """text, quoted, signature: as in Envelope.  page: sanitised HTML.  pictures: Content-IDs that the page shows.

    shown: the page's pieces, by the number of their part.
    """

    text: str
    quoted: str = ""
    signature: str = ""
    page: str = ""
    pictures: frozenset[str] = frozenset()
    defects: tuple[str, ...] = ()
    shown: Mapping[int, str] = field(default_factory=dict)


def read_content(bodies: Bodies, *, hint: charsets.Hint) -> MailContent:
    """Read the parts to be shown. hint: see `charsets.decode`."""
    content = _read(bodies, hint=hint)
    return content if content.text or content.quoted or content.signature else _described(bodies, content, hint=hint)


def _described(bodies: Bodies, content: MailContent, *, hint: charsets.Hint) -> MailContent:
    """Say what came in a mail without words: an invitation's own words, or those in Outlook's file."""
    for part in bodies.attached:
        text = ""
        if part.media_type == "text/calendar":
            text = invitation_text(read_text(part, hint=hint).text)
        elif part.media_type in _OUTLOOK or part.filename.lower() == "winmail.dat":
            text = outlook_text(part.content)
            names = ", ".join(safe_name(name) for name in outlook_files(part.content)[:_MOST_NAMES])
            holds = f" It holds: {names}." if names else ""
            note = f"The mail came as winmail.dat, which only Outlook can open (TNEF).{holds}"
            content = replace(content, defects=(*content.defects, note))
        if text:
            return replace(content, text=text[: limits.TEXT_CHARACTERS])
    return content


def _read(bodies: Bodies, *, hint: charsets.Hint) -> MailContent:
    if all(part.media_type != _HTML for part in bodies.html):
        defects: dict[str, None] = {}
        text = "\n".join(_text(part, hint=hint, defects=defects) for part in bodies.text)
        return _split(text, source="", footer=_footer(bodies), defects=defects)
    return _Pages(bodies, hint).read()


def _text(part: Part, *, hint: charsets.Hint, defects: dict[str, None]) -> str:
    decoded = read_text(part, hint=hint)
    if decoded.defect:
        defects[decoded.defect] = None
    return decoded.text


def _footer(bodies: Bodies) -> str:
    return "\n".join(filter(None, [part.footer for part in bodies.text]))


def _split(text: str, *, source: str, footer: str, defects: dict[str, None]) -> MailContent:
    if len(text) > limits.TEXT_CHARACTERS:
        text = text[: limits.TEXT_CHARACTERS]
        defects[WORDS_DEFECT] = None
    words = split_reply(text, html=source)
    if source and not words.text and (words.quoted or words.signature):
        # Some programs put all of a new mail into the element of their quotes: then only the words themselves tell.
        words = split_reply(text)
    said = f"{words.text}\n\n{footer.strip()}" if footer else words.text
    return MailContent(said[: limits.TEXT_CHARACTERS], words.quoted, words.signature, defects=tuple(defects))


class _Pages:
    """Reads a mail that has HTML. Each part is decoded and sanitised once, however often it is used."""

    def __init__(self, bodies: Bodies, hint: charsets.Hint) -> None:
        self._bodies = bodies
        self._defects: dict[str, None] = {}
        parts = {part.number: part for part in (*bodies.text, *bodies.html)}
        self._texts = {each: _text(part, hint=hint, defects=self._defects) for each, part in parts.items()}
        self._source = "\n".join(self._texts[part.number] for part in bodies.html if part.media_type == _HTML)
        self._shown = self._show()

    def read(self) -> MailContent:
        text = "\n".join(map(self._words, self._bodies.text))
        # A plain part without a letter is a mailer's filler; the text is in the page.
        is_plain = bool(self._bodies.text) and self._bodies.text[0].media_type != _HTML
        if not text.strip() or (is_plain and stands_in(text, source=self._source, page=self._page_words)):
            text = self._page_words()
        page = self._page()
        content = _split(
            text, source=self._source if self._shown else "", footer=_footer(self._bodies), defects=self._defects
        )
        pictures = html.cids(self._source)
        return MailContent(
            content.text, content.quoted, content.signature, page, pictures, content.defects, shown=self._shown
        )

    def _page(self) -> str:
        """Return the page to keep; empty if it is larger than a message may be: its words are still kept."""
        page = "\n".join(self._shown.values())
        if len(page) <= limits.PAGE_CHARACTERS:
            return page
        self._defects[PAGE_DEFECT] = None
        return ""

    def _page_words(self) -> str:
        return "\n".join(map(self._words, self._bodies.html))

    def _show(self) -> dict[int, str]:
        """Return each part as harmless HTML; empty if the whole is too large to be parsed."""
        if len(self._source) > limits.HTML_CHARACTERS:
            self._defects[PAGE_DEFECT] = None
            return {}
        if not html.is_reasonable(self._source):
            self._defects["The HTML is nested too deep or too wide to be shown."] = None
            return {}
        return {part.number: self._harmless(part) for part in self._bodies.html}

    def _harmless(self, part: Part) -> str:
        text = self._texts[part.number]
        return html.sanitise(text) if part.media_type == _HTML else html.as_html(text)

    def _words(self, part: Part) -> str:
        text = self._texts[part.number]
        if part.media_type != _HTML:
            return text
        if part.number not in self._shown:
            return without_tags(text)
        words = page_to_text(self._shown[part.number])
        title = title_of(text)
        return f"{title}\n{words}" if title and not words.startswith(title) else words
