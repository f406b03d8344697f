"""`omniyard up`: run the whole desk on this machine with one command."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
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
from cli.processes.log_file import LogFile
from cli.processes.ports import check_free, listeners
from cli.processes.procfile import read_procfile
from cli.processes.screen import DeskOpening, LogLines, show_opening
from cli.processes.supervisor import Command, Supervisor
from cli.terminal import ConfigOption
from router.errors import ConfigError, TransientError
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

BROKER: Final = "broker"
LESSON: Final = "learning"
# Separate from the data of a real desk.
_DEMO_DATA: Final = Path("var/demo")
_FIRST_AGENT: Final = "admin"
_LOG: Final = "desk.log"
_BROKER_SECONDS: Final = 10.0
_READY_SECONDS: Final = 20.0
# After this many failures, Redis starts without its append-only file: a corrupt one fails every time.
_HOPELESS: Final = 2


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
            held.enter_context(only_one(data))
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
            settings=settings,
            data=data,
            log=data / _LOG,
            desk=addresses[0],
            database=where,
            broker=f"embedded Valkey on {broker.address}" if broker else repr(settings.omniyard.broker),
            first_token=token,
            taken_over=ended,
        )
        more: dict[str, Command] = {"demo": _always(_demo(settings, ports))} if ports else {}
        if first:
            more[LESSON] = _always([sys.executable, "-m", "workers.training.first_model"])
        _run(_environment(data, file=file, demo=demo), opening=opening, broker=broker, more=more)


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
    named = {name: str(port) for name, port in at.items()} | {"mail": mail, "desk": settings.omniyard.listen}
    return [sys.executable, "-m", "cli.demo", *(word for name, value in named.items() for word in (f"--{name}", value))]


def _run(
    environment: dict[str, str], *, opening: DeskOpening, broker: EmbeddedBroker | None, more: dict[str, Command]
) -> None:
    commands: dict[str, Command] = {BROKER: _restartable(broker)} if broker else {}
    commands |= {daemon.name: _always(daemon.command()) for daemon in read_procfile()} | more
    lines = LogLines(list(commands), file=LogFile(opening.log))
    supervisor = Supervisor(commands, environment=environment, speak=lines, last=BROKER, once={LESSON})
    try:
        if broker:
            _start_broker(supervisor, broker=broker, lines=lines)
        supervisor.run(each_tick=_Reveal(supervisor, opening=opening, lines=lines))
        lines.release()
        print("Stopping. Ctrl-C again does not wait.", file=sys.stderr)
    finally:
        supervisor.stop()
        lines.close()


def _always(words: list[str]) -> Command:
    return lambda _: words


def _restartable(broker: EmbeddedBroker) -> Command:
    def command(failures: int) -> list[str]:
        if failures >= _HOPELESS:
            broker.set_aside()
        return broker.prepare()

    return command


def _start_broker(supervisor: Supervisor, *, broker: EmbeddedBroker, lines: LogLines) -> None:
    supervisor.start(BROKER)
    try:
        broker.wait_until_ready(_BROKER_SECONDS)
    except TransientError as error:
        # The broker is only a doorbell: without it the sweep finds the work, and the supervisor starts it again.
        lines(BROKER, str(error))


class _Reveal:
    """Shows the screen once: when the desk answers, or when the wait for it ends."""

    def __init__(self, supervisor: Supervisor, *, opening: DeskOpening, lines: LogLines) -> None:
        self._supervisor, self._opening, self._lines = supervisor, opening, lines
        self._end = time.monotonic() + _READY_SECONDS
        self._shown = False

    def __call__(self) -> None:
        if self._shown:
            return
        ready = _is_ready(f"http://{self._opening.desk}/readyz")
        if ready or time.monotonic() > self._end:
            # What the processes said at their start stands above: the address and the first sign-in come last.
            self._lines.release()
            show_opening(self._opening, processes=self._supervisor.processes(), ready=ready)
            self._shown = True


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=0.5) as answer:  # noqa: S310  (our own address)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
