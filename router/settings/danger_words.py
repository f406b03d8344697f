"""The vocabulary of `danger.toml`: which words, standing together, tell of a danger; and how the file is read."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationError

from router.errors import ConfigError
from router.settings.findings import Finding, nearest
from router.settings.values import Frozen, Name, Switch, Whole

Strength = Literal["clear", "hint"]
Scope = Literal["sentence", "near", "text", "ahead", "behind", "before", "directly"]

KEYWORDS: Final = "keywords"
"""The group and the pair that stand for the keywords of emergency categories; the file itself may not define them."""


def _spoken(words: tuple[str, ...]) -> tuple[str, ...]:
    blank = next((word for word in words if not word.replace("...", "").strip(" .*|")), None)
    if blank is not None:
        raise ValueError(f'expected words, not "{blank}"')
    return words


Words = Annotated[tuple[str, ...], AfterValidator(_spoken)]


class GroupWords(Frozen):
    """`[groups.NAME]`: words of one meaning, by language; `router.danger.phrases` says how they are written."""

    en: Words = ()
    zh: Words = ()


class PairRule(Frozen):
    """`[pairs.NAME]`: groups that must meet.

    strength: a clear pair is an emergency by itself; a hint is possible danger, which a model weighs.
    within: how many words, or Chinese characters, may stand between two of the groups.
    next_sentence: the groups may also stand in two sentences that follow each other.
    unless: groups that explain the pair when they stand in the same sentence, the one before or the one after.
    keeps: softeners that do not apply to this pair.
    """

    needs: tuple[str, ...] = Field(min_length=1)
    strength: Strength = "clear"
    within: Whole = Field(default=14, ge=0)
    next_sentence: Switch = False
    unless: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()


class Softener(Frozen):
    """`[softeners.NAME]`: words that say a pair tells of no danger now.

    scope: "near" is the sentence, the one before and the one after; "text" the whole message; "ahead" the sentence up
    to the last group of the pair; "behind" the clause of the pair, where it ends behind the pair's words; "before" the
    few words before a group; "directly" what ends where a group begins.
    unless: groups that say there is danger all the same, in the same sentence; for the scope "text" anywhere.
    beside: for the scope "behind", groups of a pair whose words may stand elsewhere in the sentence.
    """

    scope: Scope = "sentence"
    unless: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    en: Words = ()
    zh: Words = ()


class DangerWords(Frozen):
    """The whole file; an empty one turns pairs off."""

    groups: dict[Name, GroupWords] = Field(default_factory=dict)
    pairs: dict[Name, PairRule] = Field(default_factory=dict)
    softeners: dict[Name, Softener] = Field(default_factory=dict)


def read_danger_words(text: str, *, file: str = "danger.toml") -> DangerWords:
    """Return what the TOML `text` says.

    Raises ConfigError, one line a problem, each with file, line, key and what was expected.
    """
    findings, words = _examine(text)
    if words is None:
        if any(not one.line for one in findings):
            # A valid file must not load the parser that knows lines.
            from router.settings.lines import locate  # noqa: PLC0415

            findings = [*locate(findings, text=text)]
        raise ConfigError("\n".join(one.sentence(file) for one in findings)) from None
    return words


def _examine(text: str) -> tuple[list[Finding], DangerWords | None]:
    from router.settings.mistakes import mistakes  # noqa: PLC0415

    try:
        document = tomllib.loads(text)
        words = DangerWords.model_validate(document)
    except tomllib.TOMLDecodeError as error:
        return [Finding(place=(), message=f"not valid TOML: {error}", line=_line_of(str(error), text=text))], None
    except ValidationError as error:
        return mistakes(error, document=document, root=DangerWords), None
    findings = [*_unknown_names(words), *_unknown_cancels(words)]
    return findings, None if findings else words


def _line_of(error: str, *, text: str) -> int:
    where = re.search(r"line (\d+)", error)
    return int(where[1]) if where else text.count("\n") + 1


def _unknown_names(words: DangerWords) -> Iterator[Finding]:
    """Find names that the file does not define, or defines twice."""
    for name in words.groups:
        if name in words.softeners or name == KEYWORDS:
            taken = "a softener" if name in words.softeners else "the keywords of channels.toml"
            yield Finding(place=("groups", name), message=f"this name stands for {taken}; expected another name")
    for name, rule in words.pairs.items():
        if name == KEYWORDS:
            message = "this name stands for the keywords of channels.toml; expected another name"
            yield Finding(place=("pairs", name), message=message)
        for key, named, known in (
            ("needs", rule.needs, words.groups),
            ("unless", rule.unless, words.groups),
            ("keeps", rule.keeps, words.softeners),
        ):
            for number, each in enumerate(named):
                if each not in known:
                    kind = "softener" if key == "keeps" else "group"
                    yield _unknown(each, known, kind=kind, place=("pairs", name, key, number))


def _unknown_cancels(words: DangerWords) -> Iterator[Finding]:
    """Find groups that softeners name and the file does not define."""
    for name, softener in words.softeners.items():
        for key, named in (("unless", softener.unless), ("beside", softener.beside)):
            for number, each in enumerate(named):
                if each not in words.groups:
                    yield _unknown(each, words.groups, kind="group", place=("softeners", name, key, number))


def _unknown(name: str, known: Iterable[str], *, kind: str, place: tuple[str | int, ...]) -> Finding:
    return Finding(place=place, value=f'"{name}"', message=f"no {kind} has this name; {nearest(name, known)}")
