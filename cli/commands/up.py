"""`omniyard up`: run the whole desk on this machine with one command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from api.http.permissions import Role
from cli.commands.check.surroundings import check_surroundings
from cli.demo.settings import SECRETS, Ports, free_ports, write_settings
from cli.processes.leftovers import end_leftovers, marked, only_one
from cli.processes.ports import check_free, listeners
from cli.processes.procfile import read_procfile
from cli.processes.screen import DeskOpening
from cli.processes.supervise import LESSON, Plan, become_supervisor
from cli.terminal import ConfigOption
from router.errors import ConfigError
from router.settings import Settings
from router.settings.files import VARIABLE, find_settings, load_settings
from store.db.engine import Database
from store.db.keys import desk_key
from store.db.migrate import upgrade
from store.db.open import open_database
from store.desk.agents import add_agent, list_agents
from workers.broker.embedded import EmbeddedBroker
from workers.training.first_model import is_due
from workers.training.learn import EXAMPLES_CHANGED, examples_changed

PortOption = Annotated[
    int | None,
    typer.Option("--port", help="The port of the demo's desk, so that it runs next to another desk.", min=1, max=65535),
]
DemoOption = Annotated[
    bool,
    typer.Option("--demo", help="Show a desk with customers on every channel; needs no account and no configuration."),
]

# Separate from the data of a real desk.
_DEMO_DATA: Final = Path("var/demo")
_FIRST_AGENT: Final = "admin"
_LOG: Final = "desk.log"


def up_command(config: ConfigOption = None, demo: DemoOption = False, port: PortOption = None) -> None:
    """Start every process of the Procfile, with an embedded broker and SQLite where the configuration names none.

    Shows the processes' log lines, then the desk's addresses and the first sign-in; requests and messages that go
    well are only in the log file. A process that dies is restarted. Ctrl-C stops
    everything; a second Ctrl-C does not wait. Processes left by a killed `omniyard up` are ended by the next one.

    Example: omniyard up --config config/channels.toml
    """
    if port and not demo:
        raise ConfigError("--port is for --demo; the port of your own desk is [omniyard] listen in its configuration")
    ports = free_ports(desk=port) if demo else None
    if ports:
        config = write_settings(_DEMO_DATA.resolve(), ports)
    settings, file = load_settings(config), find_settings(config).resolve()
    if not demo:
        _require(settings, file=file)
    data = _data_folder(settings)
    with ExitStack() as held:
        with _usable(data):
            lock = held.enter_context(only_one(data))
            ended = end_leftovers(data)
            addresses = listeners(settings)
            for address in addresses:
                check_free(address)
            broker = None if settings.omniyard.broker else EmbeddedBroker(data)
            if broker:
                broker.prepare()
            desk_key(settings, purpose="originals")
            where, token = _prepare(settings)
            first = is_due(settings, file)
            if not first and examples_changed(settings, file):
                print(f"omniyard: {EXAMPLES_CHANGED}", file=sys.stderr)
        opening = DeskOpening(
            name=settings.omniyard.name,
            desk=str(addresses[0]),
            channels=tuple((name, c.intake_words if c.enabled else "off") for name, c in settings.channels.items()),
            data=str(data),
            log=str(data / _LOG),
            database=where,
            broker=f"embedded Valkey on {broker.address}" if broker else repr(settings.omniyard.broker),
            first_token=token,
            taken_over=ended,
        )
        commands = {daemon.name: daemon.command() for daemon in read_procfile()}
        daemons = tuple(commands)
        if ports:
            commands["demo"] = _demo(settings, ports)
        if first:
            commands[LESSON] = [sys.executable, "-m", "workers.training.first_model"]
        plan = Plan(
            commands=commands,
            daemons=daemons,
            environment=_environment(data, file=file, demo=demo),
            opening=opening,
            data=str(data) if broker else "",
            lock=lock.fileno(),
        )
        become_supervisor(plan)


def _require(settings: Settings, *, file: Path) -> None:
    """Raise ConfigError, one line a problem, if this machine lacks what the file needs: no daemon could start."""
    found = check_surroundings(settings, today=datetime.now(settings.omniyard.timezone).date())
    missing = [finding.sentence(str(file)) for finding in found if finding.level == "error"]
    if missing:
        raise ConfigError("\n".join(missing))


def _data_folder(settings: Settings) -> Path:
    try:
        return Path(settings.omniyard.data).resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"[omniyard] data is no name of a folder ({error})") from error


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


def _prepare(settings: Settings) -> tuple[str, str]:
    """Migrate the database; return where it is and, if there was no agent yet, the first agent's token."""
    database = open_database(settings)
    try:
        upgrade(database)
        return database.shown, _first_token(database)
    finally:
        database.close()


def _first_token(database: Database) -> str:
    with database.write() as connection:
        if list_agents(connection):
            return ""
        return add_agent(connection, name=_FIRST_AGENT, role=Role.ADMIN.value)[1]


def _environment(data: Path, *, file: Path, demo: bool) -> dict[str, str]:
    readable = {"OMNIYARD_LOG": "text", "PYTHONUNBUFFERED": "1"}
    return {**readable, **os.environ, **(SECRETS if demo else {}), **marked(data), VARIABLE: str(file)}


def _demo(settings: Settings, ports: Ports) -> list[str]:
    """Return the command of the process that runs the demo's providers and customers."""
    mail = next(address for channel in settings.channels.values() if (address := channel.listens_on))
    at = {"twilio": ports.twilio, "x": ports.x, "telegram": ports.telegram, "app": ports.app, "wechat": ports.wechat}
    named = {name: str(port) for name, port in at.items()}
    named |= {"voice": str(ports.voice), "mail": mail, "desk": settings.omniyard.listen}
    return [sys.executable, "-m", "cli.demo", *(word for name, value in named.items() for word in (f"--{name}", value))]
