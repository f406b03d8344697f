"""`omniyard systemd`: write units for a server from the Procfile, so that the two cannot differ."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.processes.procfile import ProcfileEntry, read_procfile

_TARGET: Final = """\
[Unit]
Description=Omniyard: every process of the desk
Wants={wants}

[Install]
WantedBy=multi-user.target
"""
# Thirty seconds: a daemon finishes its page within twenty of SIGTERM (docs/operations.md).
_SERVICE: Final = """\
[Unit]
Description=Omniyard: {name}
PartOf=omniyard.target
After=network-online.target postgresql.service valkey.service redis.service
Wants=network-online.target

[Service]
ExecStart={command}
WorkingDirectory={folder}
EnvironmentFile=-{secrets}
Environment=OMNIYARD_CONFIG={config} PYTHONUNBUFFERED=1
User={user}
Restart=always
RestartSec=2
TimeoutStopSec=30
KillMode=mixed
UMask=0077
ReadWritePaths={folder}
# What a process of the desk never needs: `systemd-analyze security UNIT` names each.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
PrivateUsers=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectProc=invisible
ProcSubset=pid
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
# Names are looked up by a local socket and netlink where the system is configured so.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
# Not without @resources: the process that reads mail limits itself (setrlimit).
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
# A fault fills its own unit and not the machine; `systemctl edit UNIT` changes them.
MemoryMax=2G
TasksMax=256

[Install]
WantedBy=omniyard.target
"""


def systemd_command(
    folder: Annotated[Path | None, typer.Argument(help="Where to write them; if not given, print them.")] = None,
    *,
    config: Annotated[Path, typer.Option(help="The configuration file.")] = Path("/etc/omniyard/channels.toml"),
    data: Annotated[Path, typer.Option(help="The working folder; `data` of the configuration is in it.")] = Path(
        "/var/lib/omniyard"
    ),
    secrets: Annotated[Path, typer.Option(help="A file of NAME=value lines with the env: secrets.")] = Path(
        "/etc/omniyard/secrets"
    ),
    user: Annotated[str, typer.Option(help="The user that runs it.")] = "omniyard",
    python: Annotated[Path, typer.Option(help="The Python that Omniyard is installed in.")] = Path(sys.executable),
) -> None:
    """Write one systemd service per Procfile line, and a target that starts them all.

    Example: omniyard systemd /etc/systemd/system && systemctl enable --now omniyard.target
    """
    places = {"config": str(config), "folder": str(data), "secrets": str(secrets), "user": user}
    units = make_units(read_procfile(), python=str(python), places=places)
    for name, text in units.items():
        if folder is None:
            print(f"# {name}\n{text}")
        else:
            (folder / name).write_text(text, encoding="utf-8")
            # Units hold no secret, and systemd complains about units that it alone may read.
            (folder / name).chmod(0o644)
            typer.echo(str(folder / name))


def make_units(daemons: tuple[ProcfileEntry, ...], *, python: str, places: dict[str, str]) -> dict[str, str]:
    """Return the units by file name. places: `config`, `folder`, `secrets` and `user` of the services."""
    services = {
        f"omniyard-{daemon.name}.service": _SERVICE.format(
            name=daemon.name, command=shlex.join(daemon.command(python)), **places
        )
        for daemon in daemons
    }
    return {"omniyard.target": _TARGET.format(wants=" ".join(services)), **services}
