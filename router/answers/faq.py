"""All answers of the FAQ, read from the texts of its files, and what is wrong with them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from router.answers.faq_file import FaqText, SendRule, read_faq_file
from router.answers.ways import Evidence, WayToAsk
from router.errors import ConfigError
from router.settings.intents import Intents
from router.text.plain import fold

# An answer never asks for these: it would teach customers to give them away.
_ASKS_FOR_SECRET: Final = re.compile(
    r"(?:(?:send|tell|give|reply with|write) (?:us|me) (?:your|the) (?:password|pin|code|one-time code|cvv))|"
    r"(?:(?<!不要把)(?<!请不要)(?:把|将)?您?的?(?:密码|验证码|支付密码|安全码)(?:告诉|发给|提供给|回复)我们|(?:告诉|发给|提供)我们?您的(?:密码|验证码|支付密码|安全码))"
)
LANGUAGES: Final = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Faq:
    """The answers in force.

    texts: by id, then by language.  problems: why a file is not among them, one line each.
    """

    texts: Mapping[str, Mapping[str, FaqText]]
    problems: tuple[str, ...] = ()

    @property
    def files(self) -> Iterator[FaqText]:
        """Every answer in every language."""
        return (text for of_answer in self.texts.values() for text in of_answer.values())

    def of(self, answer: str, *, language: str) -> FaqText | None:
        """Return an answer in a language, or in another if it has none in that; None for an unknown one."""
        texts = self.texts.get(answer, {})
        return texts.get(language) or next(iter(texts.values()), None)

    def rule(self, answer: str) -> SendRule:
        """Return the most that the machine may do with an answer: what the most careful of its files says."""
        rules = [text.send for text in self.texts.get(answer, {}).values()]
        return max(rules, key=list(SendRule).index, default=SendRule.NEVER)

    def holding(self, today: date) -> Faq:
        """Return the answers that are valid on a day."""
        kept: dict[str, dict[str, FaqText]] = {}
        for text in self.files:
            if text.holds_on(today):
                kept.setdefault(text.id, {})[text.language] = text
        return Faq(kept, self.problems)

    def ways(self, intents: Intents) -> list[WayToAsk]:
        """Return every way to ask: titles, the files' own ways, and the examples of their sub-intents."""
        ways = [way for text in self.files for way in _own_ways(text)]
        for answer, texts in self.texts.items():
            for name in dict.fromkeys(name for text in texts.values() for name in text.intents):
                ways += _of_intent(answer, name, intents=intents)
        return ways

    def evidence(self) -> list[Evidence]:
        """Return the words of the answers."""
        return [Evidence(text.id, plain) for text in self.files for plain in text.paragraphs]


def read_faq(files: Sequence[tuple[str, str]], *, before: Faq | None = None) -> Faq:
    """Return the answers of files: pairs of name and text.

    before: the answers until now: a broken file leaves its old answer in force.
    """
    texts: dict[str, dict[str, FaqText]] = defaultdict(dict)
    problems: list[str] = []
    old = {text.file: text for text in before.files} if before else {}
    for name, text in files:
        try:
            read: FaqText | None = read_faq_file(text, file=name)
        except ConfigError as error:
            problems += str(error).splitlines()
            read = old.get(name)
        if read:
            texts[read.id][read.language] = read
    return Faq(dict(texts), tuple(problems))


def examine_faq(faq: Faq, *, intents: Intents, categories: Collection[str], today: date) -> list[str]:
    """Return warnings, one line each."""
    known = {name for of_category in intents.values() for name in of_category}
    found = [*faq.problems, *_equal_questions(faq)]
    if not known and (naming := sum(bool(text.intents) for text in faq.files)):
        found.append(f"{naming} files name sub-intents, but the desk has none: the folder intents is missing or broken")
    found += _without_category(faq, categories=categories)
    for text in faq.files:
        found += _examined(text, known=known, today=today)
    for answer, texts in faq.texts.items():
        found += [f"{answer}: no text in {one}" for one in LANGUAGES if one not in texts]
    return found


def out_of_force(faq: Faq, *, today: date) -> list[str]:
    """Return why files are not in force as they are: broken ones with the line, and those whose last day has passed."""
    return [*faq.problems, *(_passed(text) for text in faq.files if text.until and text.until < today)]


def _passed(text: FaqText) -> str:
    return f"{text.file}: until {text.until} has passed; it is neither sent nor offered"


def _without_category(faq: Faq, *, categories: Collection[str]) -> Iterator[str]:
    """Yield one line for each category that files name and the desk lacks, however many its files are."""
    files: dict[str, list[str]] = {}
    for text in faq.files:
        if text.category not in categories:
            files.setdefault(text.category, []).append(text.file)
    for category, named in files.items():
        others = f" and {len(named) - 1} more" if len(named) > 1 else ""
        yield f"{named[0]}{others}: no category is called {category}; /help shows it all the same: delete or rename it"


def _examined(text: FaqText, *, known: Collection[str], today: date) -> Iterator[str]:
    for name in text.intents:
        # Without any the one line above says it.
        if known and name not in known:
            yield f"{text.file}: intents: no sub-intent is called {name}"
    if text.until and text.until < today:
        yield _passed(text)
    if _ASKS_FOR_SECRET.search(fold(text.body)):
        yield f"{text.file}: an answer must not ask for a password or a code"


def _equal_questions(faq: Faq) -> Iterator[str]:
    asked: dict[str, str] = {}
    for text in faq.files:
        for way in (text.title, *text.also):
            other = asked.setdefault(re.sub(r"\W", "", fold(way)), text.id)
            if other != text.id:
                yield f"{text.file}: {way!r} is a way to ask {other} too"


def _own_ways(text: FaqText) -> Iterator[WayToAsk]:
    yield WayToAsk(text.id, text.title, group=f"{text.id}/title")
    for number, way in enumerate(text.also):
        yield WayToAsk(text.id, way, group=f"{text.id}/also/{number}")


def _of_intent(answer: str, name: str, *, intents: Intents) -> Iterator[WayToAsk]:
    for said in (of_category[name] for of_category in intents.values() if name in of_category):
        # The hands wrote each example in two languages: the one must not be found by the other in a test.
        for hand, texts in {"": said.examples, **said.hands}.items():
            for of_language in texts.values():
                for number, text in enumerate(of_language):
                    yield WayToAsk(answer, text, group=f"{name}/{hand}/{number}")


def negatives_of(faq: Faq, intents: Intents) -> list[WayToAsk]:
    """Return the examples of sub-intents that no answer names: questions without an answer."""
    named = {name for text in faq.files for name in text.intents}
    free = {name for of_category in intents.values() for name in of_category} - named
    return [way for name in sorted(free) for way in _of_intent("", name, intents=intents)]
