"""Check what a valid file needs on this machine: readable secrets, existing files, known holidays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel

from router.errors import ConfigError
from router.generated.purposes import Purpose
from router.hours.calendar import coverage_warning
from router.hours.from_settings import build_calendars
from router.hours.holidays import public_holidays
from router.settings.findings import Finding, Level, Place
from router.settings.machine_answers import ModelEndpointSettings
from router.settings.model import DeskSettings, Settings
from router.settings.secret import Secret
from router.webhook_signature import read_keys
from store.db.encryption import can_seal
from store.db.postgresql_address import missing_files, misspelt_parameters, plain_address, uncertain_hosts
from workers.broker.sentinel import is_sentinel, read_sentinel
from workers.generated.prompt_files import load_prompt

_DATABASES: Final = frozenset({"postgresql", "postgresql+psycopg", "sqlite"})
_BROKERS: Final = frozenset({"redis", "rediss", "sentinel", "unix"})
_UNSEALED: Final = (
    "nothing can be sealed, because the package cryptography cannot be loaded: card numbers and passwords that "
    "customers type stay readable in every copy of the database; install cryptography"
)
_UNSHARED: Final = (
    "a database that several machines may share needs one `key` for all of them: what one machine seals, "
    "another cannot open; put the same `key` into each file"
)
# The least that `store.db.keys` takes.
_KEY_BYTES: Final = 32
# Of so many random hexadecimal digits, fewer different ones come once in a million keys.
_DIFFERENT: Final = 8
_PLACEHOLDER: Final = re.compile(r"change.?me|example|secret|password|omniyard|replace", re.IGNORECASE)
_FILES: Final = frozenset({"ca_file", "tls_certificate"})


def check_surroundings(settings: Settings, *, today: date) -> Iterator[Finding]:
    """Find what would stop these settings from working here. A disabled channel gives only warnings."""
    findings = list(_needs(("omniyard",), settings.omniyard, level="error"))
    yield from findings or _addresses(settings.omniyard)
    if not findings:
        yield from _own_key(settings.omniyard)
        yield from (
            Finding(place=("omniyard", key), message=message, level="warning")
            for key, message in sealing_concerns(settings.omniyard)
        )
    yield from _needs(("desk",), settings.desk, level="error")
    for name, channel in settings.channels.items():
        place = ("channels", name)
        yield from _needs(place, channel, level="error" if channel.enabled else "warning")
    for name, webhook in settings.webhooks.items():
        place = ("webhooks", name)
        findings = list(_needs(place, webhook, level="error" if webhook.enabled else "warning"))
        yield from findings or _keys((*place, "secret"), webhook.secret)
    if settings.answers.model:
        yield from _needs(("answers", "model"), settings.answers.model, level="error")
        yield from _prompts(settings.answers.model)
    yield from _holidays(settings, today=today)


def _prompts(model: ModelEndpointSettings) -> Iterator[Finding]:
    for purpose in Purpose:
        if purpose.configured in model.purposes:
            try:
                load_prompt(purpose)
            except ConfigError as error:
                yield Finding(place=("answers", "model"), message=str(error))


def _addresses(desk: DeskSettings) -> Iterator[Finding]:
    # The value contains a password, so only its beginning is shown.
    for key, secret, schemes, example in (
        ("database", desk.database, _DATABASES, "postgresql://omniyard@db.internal/omniyard"),
        ("broker", desk.broker, _BROKERS, "redis://cache.internal:6379/0"),
    ):
        problem = _of_address(secret.reveal(), schemes=schemes) if secret is not None else ""
        if problem:
            yield Finding(place=("omniyard", key), message=f'expected an address such as "{example}"; {problem}')


def _own_key(desk: DeskSettings) -> Iterator[Finding]:
    key = desk.key.reveal() if desk.key is not None else None
    if key is not None and len(key.encode()) < _KEY_BYTES:
        message = f"too short; expected at least {_KEY_BYTES} random characters"
        yield Finding(place=("omniyard", "key"), message=message)
    elif key is not None and (len(set(key)) < _DIFFERENT or _PLACEHOLDER.search(key)):
        message = "it can be guessed; expected random characters, such as `openssl rand -hex 32` prints"
        yield Finding(place=("omniyard", "key"), message=message, level="warning")


def sealing_concerns(desk: DeskSettings) -> Iterator[tuple[str, str]]:
    """Yield what prevents sealing originals, or opening them again: the setting, and a sentence."""
    if not can_seal():
        yield "key", _UNSEALED
    if desk.key is None and desk.database is not None and desk.database.reveal().startswith("postgresql"):
        yield "database", _UNSHARED


def _of_address(text: str, *, schemes: frozenset[str]) -> str:
    """Return what is wrong with an address, without any part that may be a password."""
    is_postgresql = text.startswith("postgresql")
    if is_sentinel(text):
        return _of_sentinel(text)
    try:
        found = urlsplit(plain_address(text) if is_postgresql else text)
        scheme, port = found.scheme, found.port
    except ValueError:
        return "its host or port cannot be read"
    if "://" not in text or scheme not in schemes:
        return f"it begins with none of {', '.join(f'{known}://' for known in sorted(schemes))}"
    if port == 0:
        return "its port is 0"
    problems = (*misspelt_parameters(text), *missing_files(text), *uncertain_hosts(text)) if is_postgresql else ()
    return "; ".join(problems)


def _of_sentinel(text: str) -> str:
    try:
        read_sentinel(text)
    except ValueError as error:
        return str(error)
    return ""


def _keys(place: Place, secret: Secret) -> Iterator[Finding]:
    try:
        read_keys(secret.reveal())
    except ConfigError as error:
        yield Finding(place=place, message=str(error))


def _needs(place: Place, table: BaseModel, *, level: Level) -> Iterator[Finding]:
    for key, value in table:
        if isinstance(value, BaseModel):
            yield from _needs((*place, key), value, level=level)
        if isinstance(value, dict):
            yield from _needs_each((*place, key), value, level=level)
        if isinstance(value, tuple):
            yield from _needs_each((*place, key), dict(enumerate(value, start=1)), level=level)
        problem = _unreadable(value) if isinstance(value, Secret) else ""
        if key in _FILES and isinstance(value, str):
            problem = "" if Path(value).is_file() else f"there is no file {value}"
        if problem:
            yield Finding(place=(*place, key), message=problem, level=level)


def _needs_each(place: Place, table: Mapping[str, object] | Mapping[int, object], *, level: Level) -> Iterator[Finding]:
    for key, value in table.items():
        if isinstance(value, Secret) and (problem := _unreadable(value)):
            yield Finding(place=(*place, key), message=problem, level=level)


def _unreadable(secret: Secret) -> str:
    try:
        secret.reveal()
    except ConfigError as error:
        return str(error)
    return ""


def _holidays(settings: Settings, *, today: date) -> Iterator[Finding]:
    unknown = list(_unknown_countries(settings))
    if unknown:
        yield from unknown
        return
    # A calendar that takes its holidays from another would repeat its warning.
    own = {name for name, calendar in settings.calendars.items() if calendar.holidays not in {None, "none"}}
    for name, calendar in build_calendars(settings).items():
        warning = coverage_warning(calendar, today=today) if name in own else None
        if warning:
            yield Finding(place=("calendars", name, "holidays"), message=warning, level="warning")


def _unknown_countries(settings: Settings) -> Iterator[Finding]:
    for name, calendar in settings.calendars.items():
        if calendar.holidays not in {None, "none"}:
            try:
                public_holidays(calendar.holidays or "")
            except ConfigError as error:
                yield Finding(place=("calendars", name, "holidays"), message=str(error))
