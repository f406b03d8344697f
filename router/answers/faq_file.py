"""One answer of the FAQ in one language: the file `CATEGORY--NAME.LANGUAGE.md`.

    also: How long does a refund take?
    intents: refund_not_arrived
    send: offer
    until: 2027-06-30

    # When does my refund arrive?

    The shop starts a refund; ...

The head is optional and may stand between two lines of `---`. A key that may be repeated has one value a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from router.errors import ConfigError

FILE_NAME: Final = re.compile(r"([a-z0-9_]+)--([a-z0-9-]+)\.(en|zh)\.md")
_HEAD: Final = re.compile(r"(?:>\s*)?([a-z_]+):\s*(.*)")
_ALSO: Final = re.compile(r">\s*also:\s*(.*)")
_LONGEST_WAY: Final = 200
# Longer answers are sent as their first paragraph and a link.
_LONGEST_SENT: Final = 1_200


class SendRule(StrEnum):
    """The most that the machine may do with an answer."""

    ANSWER = "answer"
    OFFER = "offer"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqText:
    """One answer in one language.

    also: more ways to ask, as customers write them.  intents: sub-intents whose examples are ways to ask it as well.
    since, until: the days on which it holds; None for no limit.  owner: the person who keeps it.
    body: Markdown.
    """

    category: str
    name: str
    language: str
    title: str
    body: str
    file: str
    also: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    send: SendRule = SendRule.ANSWER
    since: date | None = None
    until: date | None = None
    owner: str = ""

    @property
    def id(self) -> str:
        """The answer's id, the same in each language."""
        return f"{self.category}--{self.name}"

    @property
    def anchor(self) -> str:
        """Its id on the help centre's page."""
        return f"{self.category}-{self.name}"

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The paragraphs of the body as plain text."""
        return tuple(filter(None, (plain_text(part) for part in re.split(r"\n\s*\n", self.body))))

    def holds_on(self, today: date) -> bool:
        """Return whether the answer is valid on a day."""
        return (self.since is None or self.since <= today) and (self.until is None or today <= self.until)

    def sent_text(self) -> tuple[str, bool]:
        """Return what is sent of it, and whether that is the whole answer."""
        whole = plain_text(self.body)
        return (whole, True) if len(whole) <= _LONGEST_SENT else (self.paragraphs[0][:_LONGEST_SENT], False)


def read_faq_file(text: str, *, file: str) -> FaqText:
    """Return the answer that a file describes.

    file: its name, which says category, name and language.
    Raises ConfigError, one line a problem: file, line, and what was expected.
    """
    named = FILE_NAME.fullmatch(file.rpartition("/")[2])
    if named is None:
        raise ConfigError(f"{file}: expected a name such as refund--when.en.md")
    reading = _Reading(file)
    title, start = reading.head(text.splitlines())
    body = "\n".join(reading.ways(text.splitlines()[start:], first=start + 1)).strip()
    if not title:
        reading.wrong(1, "no question; expected a line such as # When does my refund arrive?")
    elif not body:
        reading.wrong(start, "no answer follows the question")
    if reading.problems:
        raise ConfigError("\n".join(reading.problems))
    return reading.answer(title, body=body, named=named)


class _Reading:
    """Collects the keys and problems of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._also: list[str] = []
        self._intents: list[str] = []
        self._send = SendRule.ANSWER
        self._days: dict[str, date] = {}
        self._owner = self._title = ""
        self.problems: list[str] = []

    def wrong(self, line: int, message: str) -> None:
        """Note a problem."""
        self.problems.append(f"{self._file}:{line}: {message}")

    def head(self, lines: Sequence[str]) -> tuple[str, int]:
        """Read the keys up to the question; return it, and the number of lines up to it."""
        for number, line in enumerate(lines, start=1):
            bare = line.strip()
            if bare.startswith("# "):
                return bare.removeprefix("# ").strip(), number
            if bare in {"", "---"}:
                if bare and self._title:
                    return self._title, number
                continue
            if (found := _HEAD.fullmatch(bare)) is None:
                self.wrong(number, f"expected KEY: VALUE or # and the question, not {bare[:40]!r}")
                return "", number
            self._take(number, found[1], found[2].strip().strip('"'))
        return self._title, len(lines)

    def ways(self, lines: Sequence[str], *, first: int) -> Iterator[str]:
        """Yield the lines of the body; `> also: ...` right after the question is a way to ask."""
        in_body = False
        for number, line in enumerate(lines, start=first):
            found = None if in_body else _ALSO.fullmatch(line.strip())
            if found:
                self._take(number, "also", found[1].strip())
            else:
                in_body = in_body or bool(line.strip())
                yield line

    def _take(self, number: int, key: str, value: str) -> None:
        if not value:
            self.wrong(number, f"{key}: expected a value")
        elif key == "also":
            self._way(number, value)
        elif key == "intents":
            self._intents += [each.strip() for each in value.strip("[]").split(",") if each.strip()]
        elif key == "send":
            self._rule(number, value)
        elif key in {"since", "until"}:
            self._day(number, key, value)
        elif key == "owner":
            self._owner = value
        elif key == "title":
            self._title = value
        else:
            self.wrong(number, f"unknown key {key}; expected title, also, intents, send, since, until or owner")

    def _way(self, number: int, value: str) -> None:
        if len(value) > _LONGEST_WAY:
            self.wrong(number, f"also: {len(value)} characters; expected one sentence of at most {_LONGEST_WAY}")
        else:
            self._also.append(value)

    def _rule(self, number: int, value: str) -> None:
        if value not in set(SendRule):
            self.wrong(number, f'send: expected "answer", "offer" or "never", not {value[:40]!r}')
        else:
            self._send = SendRule(value)

    def _day(self, number: int, key: str, value: str) -> None:
        try:
            self._days[key] = date.fromisoformat(value)
        except ValueError:
            self.wrong(number, f"{key}: expected a day such as 2027-06-30, not {value[:40]!r}")

    def answer(self, title: str, *, body: str, named: re.Match[str]) -> FaqText:
        """Return the answer that was read."""
        return FaqText(
            category=named[1],
            name=named[2],
            language=named[3],
            title=title,
            body=body,
            file=self._file,
            also=tuple(dict.fromkeys(self._also)),
            intents=tuple(dict.fromkeys(self._intents)),
            send=self._send,
            since=self._days.get("since"),
            until=self._days.get("until"),
            owner=self._owner,
        )


_MARKS: Final = re.compile(r"\*\*|__|`")
_LINK: Final = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def plain_text(markdown: str) -> str:
    """Return Markdown as text for a mail or a short message: lists stay lists, marks go."""
    text = _LINK.sub(r"\1 (\2)", _MARKS.sub("", markdown))
    text = re.sub(r"(?<!\*)\*([^*\n]+)\*", r"\1", text)
    return re.sub(r"^#+\s*", "", text, flags=re.MULTILINE).strip()
