"""The text of an automatic answer: the operator's words, their title as the source, and two ways out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.answers.faq_file import FaqText


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLinks:
    """Where an answer leads; empty without a public address.

    help: the help centre's page.  judge: the page with the two buttons.
    """

    help: str = ""
    judge: str = ""


@dataclass(frozen=True, slots=True)
class _AnswerWords:
    automatic: str
    source: str
    more: str
    offered: str
    ways_by_link: str
    ways_by_word: str
    fits: str


_WORDS: Final = {
    "en": _AnswerWords(
        automatic="This is an automatic answer.",
        source="From our help pages: “{title}” {link}",
        more="The whole answer: {link}",
        offered="These answers of our help pages may fit. This message was written automatically:",
        ways_by_link="“That answers it” or “I want a person”: {link}",
        ways_by_word="Reply “that answers it” if it does, or “person” if you want a person.",
        fits="A person reads your message too, unless you say that it is answered.",
    ),
    "zh": _AnswerWords(
        automatic="这是系统自动回答。",
        source="来源：帮助中心《{title}》{link}",
        more="完整内容：{link}",
        offered="帮助中心的以下内容可能对您有用（本消息由系统自动发送）：",
        ways_by_link="“已解决”或“转人工”：{link}",
        ways_by_word="如已解决，请回复“已解决”；需要人工服务，请回复“人工”。",
        fits="除非您表示已解决，客服仍会阅读您的留言。",
    ),
}


def answer_words(text: FaqText, *, links: AnswerLinks, desk: str) -> str:
    """Return what is sent of an answer, in its language."""
    words = _WORDS[text.language]
    body, is_whole = text.sent_text()
    link = f"{links.help}#{text.anchor}" if links.help else ""
    parts = [words.automatic, body]
    if not is_whole and link:
        parts.append(words.more.format(link=link))
    parts.append(words.source.format(title=text.title, link=link).strip())
    return "\n\n".join([*parts, _ways_out(words, links), desk]) + "\n"


def offer_words(texts: Sequence[FaqText], *, links: AnswerLinks, desk: str, language: str) -> str:
    """Return the titles that are offered, each with its place. texts: in the customer's language where there is one."""
    words = _WORDS[language]
    lines = [f"- {text.title}{f' {links.help}#{text.anchor}' if links.help else ''}" for text in texts]
    return "\n\n".join([words.offered, "\n".join(lines), _ways_out(words, links), desk]) + "\n"


def _ways_out(words: _AnswerWords, links: AnswerLinks) -> str:
    ways = words.ways_by_link.format(link=links.judge) if links.judge else words.ways_by_word
    return f"{ways}\n{words.fits}"


# How customers say in words that an answer was the right one; folded.
_SAID_IT_FITS: Final = frozenset(
    {
        "that answers it",
        "answers it",
        "that answered it",
        "answered",
        "solved",
        "已解决",
        "解决了",
        "已經解決",
        "已解決",
        "解決了",
    }
)


def says_it_fits(text: str) -> bool:
    """Return whether a message is the reply by which a customer accepts an answer."""
    return text.casefold().strip(" \t\r\n.!。！\"“”'") in _SAID_IT_FITS


def answer_language(language: str) -> str:
    """Return the language of the FAQ for a customer's language (BCP 47)."""
    return "zh" if language.startswith("zh") else "en"
