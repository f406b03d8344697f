"""`omniyard up`: run the whole desk on this machine with one command."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.processes.leftovers import marked
from cli.processes.procfile import read_procfile
from cli.processes.template import template_of
from cli.terminal import ConfigOption
from router.errors import ConfigError
from router.operator_file import USUAL_DATA, VARIABLE, find_settings

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


def up_command(config: ConfigOption = None, demo: DemoOption = False, port: PortOption = None) -> None:
    """Start every process of the Procfile, with an embedded broker and SQLite where the configuration names none.

    Shows the processes' log lines, then the desk's addresses and the first sign-in; requests and messages that go
    well are only in the log file. A process that dies is restarted. Ctrl-C stops
    everything; a second Ctrl-C does not wait. Processes left by a killed `omniyard up` are ended by the next one.

    Example: omniyard up --config config/channels.toml
    """
    if port and not demo:
        raise ConfigError("--port is for --demo; the port of your own desk is [omniyard] listen in its configuration")
    ports = None
    secrets: Mapping[str, str] = {}
    if demo:
        from cli.demo.settings import SECRETS, demo_ports, write_settings  # noqa: PLC0415  (a real desk needs no demo)

        ports, secrets = demo_ports(desk=port), SECRETS
        config = write_settings(_DEMO_DATA.resolve(), ports)
    daemons = {daemon.name: daemon.command() for daemon in read_procfile()}
    found = find_settings(config)
    with closing(template_of(daemons, environment={})) as template:
        # It imports what the daemons need, while this process imports what the preparation needs, reads the
        # settings and prepares. All wait for it, so it starts before the settings are known.
        if probable := _probable_data(found):
            template.open(_environment(probable, file=found, secrets=secrets))
        from cli.processes.preparation import DeskStart, prepared  # noqa: PLC0415
        from cli.processes.supervisor_process import become_supervisor  # noqa: PLC0415
        from router.settings.files import load_settings  # noqa: PLC0415

        settings, file = load_settings(config), found.resolve()
        data = _data_folder(settings.omniyard.data)
        environment = _environment(data, file=file, secrets=secrets)
        template.open(environment)
        start = DeskStart(
            settings=settings, file=file, data=data, daemons=daemons, environment=environment, ports=ports
        )
        with prepared(start, template=template) as plan:
            become_supervisor(plan)


def _probable_data(file: Path) -> Path | None:
    """Return the data folder that the file seems to name; None if the file has a mistake, which is explained later."""
    # A pipe can be read only once.
    if not file.is_file():
        return None
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("omniyard", {}).get("data", USUAL_DATA)
        return Path(said).resolve()
    except (OSError, RuntimeError, ValueError, TypeError, AttributeError):
        return None


def _data_folder(name: str) -> Path:
    try:
        return Path(name).resolve()
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"[omniyard] data is no name of a folder ({error})") from error


def _environment(data: Path, *, file: Path, secrets: Mapping[str, str]) -> Mapping[str, str]:
    readable = {"OMNIYARD_LOG": "text", "PYTHONUNBUFFERED": "1"}
    return {**readable, **os.environ, **secrets, **marked(data), VARIABLE: str(file.resolve())}
