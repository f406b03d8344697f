"""Our processes on the hosts of a fleet, and what they share: the configuration, the secrets, the addresses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.fleet.network import Host, kill_all
from benchmarks.fleet.plan import CONNECTORS, OURS, WEBS, WORKERS
from benchmarks.mailbox import AUTHSERV_ID
from benchmarks.rig import CHANNEL, MAILBOX, ROOT, USER
from store.db.engine import Database
from tests.servers.mailservers import MailServer

WEB_PORT: Final = 8080
SMTP_PORT: Final = 2525
# A third of what the takeover of a page may take: its claim lasts twice this.
TAKEOVER: Final = "10s"
_MODULES: Final = {
    **dict.fromkeys(CONNECTORS, "connectors"),
    **dict.fromkeys(WORKERS, "workers"),
    **dict.fromkeys(WEBS, "api"),
}
# Debian's package faketime.
_FAKETIME: Final = next((str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), "")
_STOP_SECONDS: Final = 30
_STARTED: Final = b"--- started"


@dataclass(kw_only=True)
class FleetDesk:
    """What writers and the books need (`benchmarks.rig.Served`), and the processes of each host.

    code: by host, the folder of the release that runs there.
    """

    folder: Path
    hosts: Mapping[str, Host]
    mail: MailServer
    database: Database
    broker_url: str
    web_port: int
    smtp_port: int
    channels: str
    secrets: Mapping[str, str]
    code: dict[str, Path] = field(default_factory=lambda: dict.fromkeys(OURS, ROOT))
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def write_config(self, *, public_url: str) -> None:
        """Write the configuration of every host: only their data folders differ."""
        shipped = (ROOT / "config" / "channels.toml").read_text(encoding="utf-8")
        mailbox = MAILBOX.format(channel=CHANNEL, port=self.mail.port, user=USER, page=100, calendar="office")
        for name in self.hosts:
            keys = [
                f'listen = "127.0.0.1:{WEB_PORT}"',
                f'data = "{self.folder / name}"',
                'database = "env:OMNIYARD_FLEET_DATABASE"',
                'broker = "env:OMNIYARD_FLEET_BROKER"',
                'key = "env:OMNIYARD_FLEET_KEY"',
                f'takeover = "{TAKEOVER}"',
                f'authserv_id = "{AUTHSERV_ID}"',
                f'public_url = "{public_url}"',
            ]
            text = shipped.replace("[omniyard]", "\n".join(["[omniyard]", *keys]), 1)
            text = text.replace('#assign = "round_robin"', 'assign = "round_robin"', 1)
            (self.folder / name).mkdir(exist_ok=True)
            self.config(name).write_text(text + mailbox + self.channels, encoding="utf-8")

    def config(self, name: str) -> Path:
        """Return a host's configuration."""
        return self.folder / f"{name}.toml"

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of a host's processes."""
        return {
            **os.environ,
            **self.secrets,
            "OMNIYARD_CONFIG": str(self.config(name)),
            "OMNIYARD_RIG_PASSWORD": self.mail.password,
            "OMNIYARD_FLEET_DATABASE": self.database.url.render_as_string(hide_password=False),
            "OMNIYARD_FLEET_BROKER": self.broker_url,
            "OMNIYARD_FLEET_KEY": "4f1d7a90c26b85e34f1d7a90c26b85e3",
        }

    def start(self, name: str, *, clock: str = "") -> None:
        """Start a host's process. clock: how far its clock is off, such as "+60s"."""
        shifted = {"LD_PRELOAD": _FAKETIME, "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if clock else {}
        command = self.hosts[name].command(sys.executable, "-m", _MODULES[name])
        with (self.folder / f"{name}.log").open("ab") as log:
            log.write(_STARTED + f" {time.time():.1f} {clock}\n".encode())
            self.processes[name] = subprocess.Popen(
                command, cwd=self.code[name], env={**self.environment(name), **shifted}, stdout=log, stderr=log
            )

    def start_all(self) -> None:
        """Start every host's process."""
        for name in OURS:
            self.start(name)

    def stop(self, name: str) -> None:
        """Stop a host's process as an operator does; kill it when it does not end in time."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_all(self.hosts[name].pids)

    def is_up(self) -> bool:
        """Return whether each host's process has said something since its start: it is open then."""
        logs = ((self.folder / f"{name}.log").read_bytes() for name in self.processes)
        return all(b'"event"' in log.rpartition(_STARTED)[2] for log in logs)

    def revive(self) -> list[str]:
        """Start what has ended by itself, as systemd does; return the hosts."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in ended:
            self.start(name)
        return ended

    def migrate(self, place: Path) -> str:
        """Run `omniyard migrate` of the release at `place`, on the first worker's host; return what it says."""
        name = WORKERS[0]
        command = self.hosts[name].command(sys.executable, "-m", "cli", "migrate")
        done = subprocess.run(
            command, cwd=place, env=self.environment(name), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"omniyard migrate: {done.stderr.strip()}")
        return done.stdout.strip()


def has_faketime() -> bool:
    """Return whether clocks can be shifted here."""
    return bool(_FAKETIME)
