"""Sub-intents: `intents/CATEGORY.toml` next to the operator's file has examples of what customers write.

A separate file, because sixty sentences in two languages would hide the settings that operators edit daily.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from router.errors import ConfigError
from router.settings.files import read_file
from router.settings.findings import Finding
from router.settings.model import Settings
from router.settings.values import Frozen, Language, Name

FEWEST_EXAMPLES: Final = 5
"""A category with fewer is not learnt, and its keywords decide: one example is always held back for the report."""
ADVISED_EXAMPLES: Final = 20
"""Measured: a category with 5 is recognised half as often as its neighbours, with 10 three times in four."""


_Read = TypeVar("_Read")

Texts = dict[Language, tuple[str, ...]]


class IntentSettings(Frozen):
    """`[NAME]` in `intents/CATEGORY.toml`.

    title: by language; counts as an example too.  examples: by language, as customers write them.
    hands: more examples by author and language; training holds each author back in turn.
    """

    title: dict[Language, str] = Field(default_factory=dict)
    examples: dict[Language, tuple[str, ...]]
    hands: dict[Name, Texts] = Field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every example, whatever its language and author."""
        return tuple(text for _, text in self.by_hand)

    @property
    def by_hand(self) -> tuple[tuple[str, str], ...]:
        """Every example after its author; an empty author for the plain examples."""
        hands = {"": self.examples, **self.hands}
        return tuple((hand, text) for hand, told in hands.items() for texts in told.values() for text in texts)


Intents = Mapping[str, Mapping[str, IntentSettings]]
"""Category -> sub-intent -> what it says."""

Negatives = Mapping[str, tuple[tuple[str, str], ...]]
"""`lookalikes` and `foreign` -> author and text: what sounds like a danger, and what is not the desk's business."""

NEGATIVES: Final = ("lookalikes", "foreign")

_FILE: Final = TypeAdapter(dict[Name, IntentSettings])
_NEGATIVES: Final = TypeAdapter(dict[Name, dict[Name, Texts]])


def read_intents(text: str, *, file: str) -> dict[str, IntentSettings]:
    """Return the sub-intents that a file's text describes.

    Raises ConfigError, one line a problem.
    """
    return _read(_FILE, text, file=file)


def _read(expected: TypeAdapter[_Read], text: str, *, file: str) -> _Read:
    try:
        return expected.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from error
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def load_negatives(config: Path) -> Negatives:
    """Return the texts in `negatives/` next to the operator's file: no danger, or no business of the desk.

    Raises ConfigError if a file cannot be read.
    """
    folder = config.parent / "negatives"
    return {name: _negatives(folder / f"{name}.toml") for name in NEGATIVES if (folder / f"{name}.toml").is_file()}


def _negatives(file: Path) -> tuple[tuple[str, str], ...]:
    kinds = _read(_NEGATIVES, read_file(file), file=str(file))
    by_hand = ((hand, told) for hands in kinds.values() for hand, told in hands.items())
    return tuple((hand, text) for hand, told in by_hand for texts in told.values() for text in texts)


def load_intents(config: Path, settings: Settings) -> dict[str, dict[str, IntentSettings]]:
    """Return the sub-intents of every category that has a file. config: the operator's file.

    Another desk's file may stand in the same folder: where no name fits, none of the intents are this desk's.
    Raises ConfigError if a file cannot be read, says something odd, or is named like no category while others are.
    """
    files = sorted((config.parent / "intents").glob("*.toml"))
    strangers = [file.name for file in files if file.stem not in settings.categories]
    if len(strangers) == len(files):
        return {}
    if strangers:
        raise ConfigError(
            f"{config.parent / 'intents'}: {', '.join(strangers)}: no category of {config.name} is called so"
        )
    return {file.stem: read_intents(read_file(file), file=str(file)) for file in files}


def examine_examples(settings: Settings, intents: Intents) -> list[Finding]:
    """Return which categories have too few examples to be learnt, or fewer than they should.

    A category without any is left to its keywords, and to whatever no other category wants.
    """
    return [finding for name in settings.categories for finding in _examined(name, settings, intents)]


def _examined(name: str, settings: Settings, intents: Intents) -> Iterator[Finding]:
    counts = Counter({intent: len(said.texts) for intent, said in intents.get(name, {}).items()})
    count = counts.total() + len(settings.categories[name].examples)
    place = ("categories", name, "examples")
    if 0 < count < FEWEST_EXAMPLES:
        message = f"{count} examples; with fewer than {FEWEST_EXAMPLES} the classifier may leave it to its keywords"
        yield Finding(place=place, message=message, level="warning")
    elif 0 < count < ADVISED_EXAMPLES:
        message = f"{count} examples; with {ADVISED_EXAMPLES} the classifier would know it better"
        yield Finding(place=place, message=message, level="warning")
