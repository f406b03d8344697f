"""A Valkey with a replica and Sentinels, as separate processes: for tests and for `benchmarks.fleet`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from workers.broker.embedded import _program

PASSWORD = "valkey-hunter2"
MASTER = "desk"
# How long the master may be silent before its Sentinels replace it.
_DOWN_MILLISECONDS = 1500
_FILE = "valkey.conf"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server listens."""

    host: str
    port: int


def server_command(folder: Path, place: Place, *, master: Place | None = None) -> list[str]:
    """Write the configuration of a server, or of a replica of `master`; return the command that starts it."""
    rows = {
        "bind": place.host,
        "port": place.port,
        "dir": folder,
        "requirepass": PASSWORD,
        "masterauth": PASSWORD,
        "save": '""',
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "repl-diskless-sync-delay": 0,
        "loglevel": "warning",
    }
    return _command(folder, rows, more=[f"replicaof {master.host} {master.port}"] if master else [])


def sentinel_command(folder: Path, place: Place, *, master: Place, quorum: int) -> list[str]:
    """Write the configuration of a Sentinel that watches `master`; return the command that starts it.

    One that returns goes on with its own file: under a new name, its old one would count as one more that is away.
    """
    if (folder / _FILE).exists():
        return [_program(), str(folder / _FILE), "--sentinel"]
    rows = {"bind": place.host, "port": place.port, "dir": folder, "loglevel": "warning"}
    watched = [
        f"sentinel monitor {MASTER} {master.host} {master.port} {quorum}",
        f"sentinel auth-pass {MASTER} {PASSWORD}",
        f"sentinel down-after-milliseconds {MASTER} {_DOWN_MILLISECONDS}",
        f"sentinel failover-timeout {MASTER} 6000",
    ]
    return [*_command(folder, rows, more=watched), "--sentinel"]


def address(sentinels: Sequence[Place]) -> str:
    """Return the broker's address for clients."""
    return f"sentinel://:{PASSWORD}@{','.join(f'{place.host}:{place.port}' for place in sentinels)}/{MASTER}"


def role(place: Place) -> str:
    """Return "master" or "slave", or nothing while the server does not answer."""
    with redis.Redis(host=place.host, port=place.port, password=PASSWORD, socket_timeout=1) as client:
        try:
            return str(client.info("replication")["role"])
        except redis.RedisError:
            return ""


def has_replica(place: Place) -> bool:
    """Return whether a replica follows this master, and has all that it had."""
    with redis.Redis(host=place.host, port=place.port, password=PASSWORD, socket_timeout=1) as client:
        try:
            return client.info("replication").get("slave0", {}).get("state") == "online"
        except redis.RedisError:
            return False


def start(command: Sequence[str], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a server or a Sentinel; its output goes to `log`."""
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file)


def _command(folder: Path, rows: Mapping[str, object], *, more: Sequence[str]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    # A Sentinel writes what it finds into its own file.
    file = folder / _FILE
    file.write_text("".join(f"{line}\n" for line in (*(f"{key} {value}" for key, value in rows.items()), *more)))
    return [_program(), str(file)]
