"""What `omniyard up` does before its processes start: check, take the data folder, migrate, and plan what runs.

It needs half of the desk's libraries: `up` imports it while the template of the daemons imports theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.http.permissions import Role
from cli.commands.check.surroundings import check_surroundings
from cli.processes.leftovers import end_leftovers, only_one
from cli.processes.ports import check_free, listeners
from cli.processes.screen import DeskOpening
from cli.processes.supervisor_process import LESSON, THRESHOLDS, Plan
from cli.processes.template import Template
from router.errors import ConfigError
from router.settings import Settings
from store.db.engine import Database
from store.db.keys import desk_key
from store.db.migrate import upgrade
from store.db.open import open_database
from store.desk.agents import add_agent, list_agents
from workers.answering.silence import is_training_due
from workers.broker.embedded import EmbeddedBroker
from workers.training.first_model import is_due
from workers.training.lessons import EXAMPLES_CHANGED, examples_changed

if TYPE_CHECKING:
    from cli.demo.settings import Ports

_FIRST_AGENT: Final = "admin"
_LOG: Final = "desk.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskStart:
    """What `up` was asked for. daemons: the Procfile's commands.  ports: the demo's, None for a real desk."""

    settings: Settings
    file: Path
    data: Path
    daemons: Mapping[str, list[str]]
    environment: Mapping[str, str]
    ports: Ports | None


@contextmanager
def prepared(start: DeskStart, *, template: Template) -> Iterator[Plan]:
    """Prepare everything, and hold the data folder for this process.

    Raises ConfigError or Conflict if this machine or the folder cannot be used.
    """
    settings, data = start.settings, start.data
    if not start.ports:
        _require(settings, file=start.file)
    with _usable(data), only_one(data) as lock:
        ended = end_leftovers(data, but=template.process_id)
        addresses = listeners(settings)
        for address in addresses:
            check_free(address)
        broker = None if settings.omniyard.broker else EmbeddedBroker(data)
        if broker:
            broker.prepare()
        desk_key(settings, purpose="originals")
        where, token = _prepare_database(settings, is_demo=start.ports is not None)
        first = is_due(settings, start.file)
        if not first and examples_changed(settings, start.file):
            print(f"omniyard: {EXAMPLES_CHANGED}", file=sys.stderr)
        opening = DeskOpening(
            name=settings.omniyard.name_in("en"),
            desk=str(addresses[0]),
            channels=tuple((name, c.intake_words if c.enabled else "off") for name, c in settings.channels.items()),
            data=str(data),
            log=str(data / _LOG),
            database=where,
            broker=f"embedded Valkey on {broker.address}" if broker else repr(settings.omniyard.broker),
            first_token=token,
            taken_over=ended,
        )
        yield Plan(
            commands=_commands(start, learns=first),
            daemons=tuple(start.daemons),
            environment=start.environment,
            opening=opening,
            data=str(data) if broker else "",
            lock=lock.fileno(),
            template=template.handed_over(),
        )


def _commands(start: DeskStart, *, learns: bool) -> dict[str, list[str]]:
    commands = dict(start.daemons)
    if start.ports:
        commands["demo"] = _demo(start.settings, start.ports)
    if learns:
        commands[LESSON] = [sys.executable, "-m", "workers.training.first_model"]
    if is_training_due(start.settings):
        commands[THRESHOLDS] = [sys.executable, "-m", "workers.answering.first_thresholds"]
    return commands


def _require(settings: Settings, *, file: Path) -> None:
    """Raise ConfigError, one line a problem, if this machine lacks what the file needs: no daemon could start."""
    found = check_surroundings(settings, today=datetime.now(settings.omniyard.timezone).date())
    missing = [finding.sentence(str(file)) for finding in found if finding.level == "error"]
    if missing:
        raise ConfigError("\n".join(missing))


@contextmanager
def _usable(data: Path) -> Iterator[None]:
    """Turn what the file system refuses into a ConfigError that names the file."""
    try:
        yield
    except OSError as error:
        what = error.filename or data
        raise ConfigError(
            f"the data folder {data} cannot be used ({what}: {error.strerror}); "
            "change [omniyard] data, or who may write there"
        ) from error


def _prepare_database(settings: Settings, *, is_demo: bool) -> tuple[str, str]:
    """Migrate the database; return where it is and, if there was no agent yet, the first agent's token."""
    database = open_database(settings)
    try:
        upgrade(database)
        return database.shown, _first_token(database, is_demo=is_demo)
    finally:
        database.close()


def _first_token(database: Database, *, is_demo: bool) -> str:
    with database.write() as connection:
        if list_agents(connection):
            return ""
        if is_demo:
            from cli.demo.settings import COLLEAGUES  # noqa: PLC0415  (a real desk needs no demo)

            for name, role in COLLEAGUES.items():
                add_agent(connection, name=name, role=role)
        return add_agent(connection, name=_FIRST_AGENT, role=Role.ADMIN.value)[1]


def _demo(settings: Settings, ports: Ports) -> list[str]:
    """Return the command of the process that runs the demo's providers and customers."""
    mail = next(address for channel in settings.channels.values() if (address := channel.listens_on))
    at = {"twilio": ports.twilio, "x": ports.x, "telegram": ports.telegram, "app": ports.app, "wechat": ports.wechat}
    named = {name: str(port) for name, port in at.items()}
    named |= {"voice": str(ports.voice), "mail": mail, "desk": settings.omniyard.listen}
    return [sys.executable, "-m", "cli.demo", *(word for name, value in named.items() for word in (f"--{name}", value))]
