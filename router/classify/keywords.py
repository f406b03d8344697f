"""Find the operator's keywords in a text, in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from router.text.plain import fold

_HAN_OR_KANA: Final = re.compile(r"[\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class KeywordRules:
    """Every category's keywords, compiled; build with `compile_rules`."""

    owners: Mapping[str, tuple[str, ...]]
    latin: re.Pattern[str] | None
    han: re.Pattern[str] | None

    def find(self, folded: str) -> dict[str, tuple[str, ...]]:
        """Return category -> the keywords found in a folded text, in order of appearance."""
        hits: dict[str, dict[str, None]] = {}
        for pattern in (self.latin, self.han):
            for word in pattern.findall(folded) if pattern else ():
                for owner in self.owners[word]:
                    hits.setdefault(owner, {})[word] = None
        return {owner: tuple(words) for owner, words in hits.items()}


def compile_rules(keywords: Mapping[str, Iterable[str]]) -> KeywordRules:
    """Compile category -> keywords. Latin keywords match whole words, Chinese ones anywhere."""
    owners: dict[str, tuple[str, ...]] = {}
    for category, words in keywords.items():
        for word in dict.fromkeys(map(fold, words)):
            owners[word] = (*owners.get(word, ()), category)
    owners.pop("", None)
    han = [word for word in owners if _HAN_OR_KANA.search(word)]
    latin = [word for word in owners if not _HAN_OR_KANA.search(word)]
    return KeywordRules(owners, _pattern(latin, r"\b(?:", r")(?!\w)"), _pattern(han, "(?:", ")"))


def _pattern(words: list[str], before: str, after: str) -> re.Pattern[str] | None:
    if not words:
        return None
    # Longest first, so that "locked account" wins over "locked"; grouped by first character, so that the engine skips
    # all words that begin with another character.
    by_first: dict[str, list[str]] = {}
    for word in sorted(words, key=len, reverse=True):
        by_first.setdefault(word[0], []).append(re.escape(word[1:]))
    groups = (f"{re.escape(first)}(?:{'|'.join(rests)})" for first, rests in by_first.items())
    return re.compile(before + "|".join(groups) + after)
