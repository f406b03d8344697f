"""Check texts: placeholders of replies, keywords of categories."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Final

from router.settings.findings import Finding, Place, nearest, shown
from router.settings.model import CategorySettings, Settings
from router.text.fact_kinds import FACT_KINDS

PLACEHOLDERS: Final = ("reference", "next_opening", "desk", "missing_facts", "status_link")
# The desk's own words that fill a placeholder are in these.
_LANGUAGES_OF_OUR_WORDS: Final = frozenset({"zh", "en"})


def check_words(settings: Settings) -> Iterator[Finding]:
    """Find unknown placeholders, emergencies without keywords, and keywords of two categories."""
    for name, reply in settings.replies.items():
        if not reply.text:
            yield Finding(place=("replies", name, "text"), message='expected a text by language such as en = "..."')
        for language, text in reply.text.items():
            yield from _placeholders(("replies", name, "text", language), text)
            if "{status_link}" in text and settings.omniyard.public_url is None:
                message = "{status_link} is empty; set [omniyard] public_url, or remove the placeholder"
                yield Finding(place=("replies", name, "text", language), message=message)
    yield from _mixed_languages(settings)
    for name, category in settings.categories.items():
        yield from _category(("categories", name), category)
    for name in settings.facts.keys() - set(FACT_KINDS):
        message = f"there is no fact of this kind; {nearest(name, FACT_KINDS)}"
        yield Finding(place=("facts", name), message=message)
    yield from _shared_keywords(settings)
    yield from _unrouted_emergencies(settings)
    yield from _contagious(settings)


def _mixed_languages(settings: Settings) -> Iterator[Finding]:
    """Find replies of a third language in which a placeholder is filled with the desk's own English words."""
    required = {fact for category in settings.categories.values() for fact in category.facts}
    for name, reply in settings.replies.items():
        for language, text in reply.text.items():
            if language.partition("-")[0] in _LANGUAGES_OF_OUR_WORDS:
                continue
            place = ("replies", name, "text", language)
            if "{next_opening}" in text:
                message = "{next_opening} is in English within this text: the desk has it in Chinese and English"
                yield Finding(place=place, message=message, level="warning")
            unnamed = sorted(fact for fact in required if not _has_title(settings.fact_titles.get(fact, {}), language))
            if "{missing_facts}" in text and unnamed:
                names = ", ".join(unnamed)
                message = (
                    f"{{missing_facts}} is in English within this text; expected a title in {language} of facts {names}"
                )
                yield Finding(place=place, message=message, level="warning")


def _has_title(titles: Mapping[str, str], language: str) -> bool:
    return not {language, language.partition("-")[0], "und"}.isdisjoint(titles)


def _placeholders(place: Place, text: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding(place=place, message="expected a text that is not empty")
    try:
        fields = [_written(*part) for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        yield Finding(place=place, message="a brace has no partner; for a literal brace write {{ or }}")
        return
    for field in fields:
        if field not in PLACEHOLDERS:
            hint = nearest(field, PLACEHOLDERS)
            yield Finding(place=place, message=f"unknown placeholder {{{field}}}; {hint}")


def _written(_: str, field: str | None, width: str | None, conversion: str | None) -> str:
    # A reply needs no conversion or width, and a width may be a million.
    return f"{field}{'!' if conversion else ''}{conversion or ''}{':' if width else ''}{width or ''}"


def _category(place: Place, category: CategorySettings) -> Iterator[Finding]:
    if category.emergency and not category.keywords:
        message = "an emergency needs keywords, whatever a model decides; expected keywords"
        yield Finding(place=(*place, "emergency"), message=message)
    for number, word in enumerate(category.keywords):
        if not word.strip():
            yield Finding(place=(*place, "keywords", number), message="expected a word that is not empty")
    for number, hint in enumerate(category.hints):
        if not all(part.strip() for part in hint.split("+")):
            where, expected = (*place, "hints", number), 'expected "word" or "word + word"'
            yield Finding(place=where, value=shown(hint), message=expected)
    if category.hints and not category.emergency:
        message = "no effect: hints are for categories with emergency = true"
        yield Finding(place=(*place, "hints"), message=message, level="warning")
    for number, fact in enumerate(category.facts):
        if fact not in FACT_KINDS:
            message = f"there is no fact of this kind; {nearest(fact, FACT_KINDS)}"
            yield Finding(place=(*place, "facts", number), value=shown(fact), message=message)


def _shared_keywords(settings: Settings) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for name, category in settings.categories.items():
        for number, word in enumerate(category.keywords):
            folded = _folded(word)
            if folded in owners:
                owner = "listed twice" if owners[folded] == name else f'also a keyword of "{owners[folded]}"'
                place = ("categories", name, "keywords", number)
                yield Finding(place=place, value=shown(word), message=owner, level="warning")
            owners.setdefault(folded, name)


def _unrouted_emergencies(settings: Settings) -> Iterator[Finding]:
    emergencies = [name for name, category in settings.categories.items() if category.emergency]
    if emergencies and not any(route.when and route.when.emergency for route in settings.routes):
        message = "no route has emergency = true, so an emergency waits like any other message"
        yield Finding(place=("categories", emergencies[0], "emergency"), message=message, level="warning")


def _contagious(settings: Settings) -> Iterator[Finding]:
    """Find replies that contain an emergency's keyword: a customer who quotes the reply would raise the alarm."""
    alarms = [word for category in settings.categories.values() if category.emergency for word in category.keywords]
    for name, reply in settings.replies.items():
        for language, text in reply.text.items():
            word = next((word for word in alarms if word.strip() and _folded(word) in _folded(text)), None)
            if word:
                message = f"it contains {shown(word)}, an emergency's keyword; a customer who quotes it would raise one"
                yield Finding(place=("replies", name, "text", language), message=message, level="warning")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
