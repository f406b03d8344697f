"""Turn the text of the operator's file into Settings, or report each wrong key with its line and what was expected."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from router.errors import ConfigError
from router.settings.checks.calendars import check_calendars
from router.settings.checks.channels import check_channels
from router.settings.checks.listeners import check_listeners
from router.settings.checks.references import check_references
from router.settings.checks.routes import check_promises, check_routes
from router.settings.checks.texts import check_words
from router.settings.checks.webhooks import check_webhooks
from router.settings.findings import Finding, Place
from router.settings.mistakes import mistakes
from router.settings.model import Settings


def crosscheck(settings: Settings, *, document: Mapping[str, object]) -> Iterator[Finding]:
    """Find contradictions in settings whose tables are each valid.

    document: the parsed file, for the names of tables that are not valid.
    """
    yield from check_references(settings, document=document)
    yield from check_calendars(settings)
    yield from check_channels(settings)
    yield from check_listeners(settings)
    yield from check_promises(settings)
    yield from check_routes(settings)
    yield from check_words(settings)
    yield from check_webhooks(settings)


# tomllib gives the position only within its message (and as attributes from Python 3.14 on).
_WHERE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
# A table as the parser names it: ('channels', 'mail').
_TABLE: Final = re.compile(r"\(('[^']*',? ?)+\)")
_NAME: Final = re.compile(r"'([^']*)'")
# What was expected, by what the parser says: of a text in no quotes or in Chinese ones, and of a key that stands twice.
_EXPECTED: Final[Mapping[str, str]] = {
    "Invalid value": 'expected a text in "straight quotes", a number, true, false, a [list] or a { table }',
    "Cannot overwrite a value": "expected each key once in its table",
}
# Left out as a whole if one of its routes is wrong; elsewhere only the entry is left out, of `[omniyard]` the key.
_WHOLE: Final = frozenset({"routes"})
# What stands in for a wrong key whose absence would be reported elsewhere, although the file has it.
_PRESENT: Final[Mapping[Place, str]] = {("omniyard", "public_url"): "https://desk.invalid"}


@dataclass(frozen=True, slots=True)
class Examination:
    """The content of a file, and all its errors and warnings, by line.

    settings: None if there is an error.
    """

    settings: Settings | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make the file unusable."""
        return tuple(finding for finding in self.findings if finding.level == "error")


def read_settings(text: str, *, file: str = "channels.toml") -> Settings:
    """Return the settings of the TOML `text`.

    file: the name used in errors.
    Raises ConfigError whose message has one line per problem, all of them at once.
    """
    examination = _examine(text)
    if examination.settings is None:
        found = _located(examination, text=text)
        # pydantic's own error repeats the file's values, also secrets: it must not be chained to ours.
        raise ConfigError("\n".join(finding.sentence(file) for finding in found.errors)) from None
    return examination.settings


def examine_settings(text: str) -> Examination:
    """Return the settings of the TOML `text`, and every error and warning with its line."""
    return _located(_examine(text), text=text)


def _examine(text: str) -> Examination:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Examination(None, (_not_toml(str(error), text=text),))
    try:
        settings = Settings.model_validate(document)
    except ValidationError as error:
        wrong = mistakes(error, document=document)
        return Examination(None, (*wrong, *_of_the_rest(wrong, document=document)))
    findings = tuple(crosscheck(settings, document=document))
    refused = any(finding.level == "error" for finding in findings)
    return Examination(None if refused else settings, findings)


def _of_the_rest(wrong: Sequence[Finding], *, document: Mapping[str, object]) -> list[Finding]:
    """Return the findings of the cross-checks in the valid tables."""
    broken: set[Place] = {finding.place[: 1 if finding.place[0] in _WHOLE else 2] for finding in wrong}
    sound = {section: content for section, content in document.items() if (section,) not in broken}
    rest = {section: _without(broken, section, content) for section, content in sound.items()}
    settings = Settings.model_validate({"routes": (), **rest})
    return [finding for finding in crosscheck(settings, document=document) if finding.place[:1] not in broken]


def _without(broken: AbstractSet[Place], section: str, content: object) -> object:
    if not isinstance(content, Mapping):
        return content
    sound = {name: table for name, table in content.items() if (section, name) not in broken}
    return sound | {name: _PRESENT[section, name] for name in content if (section, name) in broken & _PRESENT.keys()}


def _not_toml(error: str, *, text: str) -> Finding:
    where = _WHERE.search(error)
    line = int(where[1]) if where and where[1] else text.count("\n") + 1
    said = _TABLE.sub(lambda found: f"[{'.'.join(_NAME.findall(found[0]))}]", _WHERE.sub("", error))
    expected = f"; {_EXPECTED[said]}" if said in _EXPECTED else ""
    return Finding(place=(), message=f"not valid TOML: {said}{expected}", line=line)


def _located(examination: Examination, *, text: str) -> Examination:
    findings = examination.findings
    if any(not finding.line for finding in findings):
        # Without a finding, the parser that knows lines is not loaded.
        from router.settings.lines import locate  # noqa: PLC0415

        findings = locate(findings, text=text)
    return replace(examination, findings=findings)
