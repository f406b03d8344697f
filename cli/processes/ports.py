"""The addresses that this desk listens on, and which process holds one that is taken."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.errors import ConfigError, Conflict
from router.settings import Settings

# `st` of /proc/net/tcp: TCP_LISTEN of the kernel's tcp_states.h.
_LISTENING: Final = "0A"


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that a daemon of this desk listens on. key: the setting that names it."""

    key: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listeners(settings: Settings) -> tuple[Listener, ...]:
    """Return every address in the settings, the desk's first."""
    channels = ((name, channel) for name, channel in settings.channels.items() if channel.enabled)
    rows = [("[omniyard] listen", settings.omniyard.listen)]
    rows += [(f"[channels.{name}] listen", address) for name, c in channels if (address := c.listens_on)]
    return tuple(_listener(key, value) for key, value in rows)


def check_free(listener: Listener) -> None:
    """Return if the address is free.

    Raises Conflict that names the process which holds it, or ConfigError when this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    try:
        # A machine without IPv6 has not even the socket.
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((listener.host, listener.port))
    except (OSError, UnicodeError) as error:
        raise _explained(listener, error) from error


def _listener(key: str, value: str) -> Listener:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f'{key} = "{value}": expected an address and a port, such as "127.0.0.1:8080"')
    return Listener(key, host.strip("[]"), int(port))


def _explained(listener: Listener, error: OSError | UnicodeError) -> Exception:
    if isinstance(error, UnicodeError):
        return ConfigError(f"{listener} is no address of a machine; change {listener.key}")
    if error.errno == errno.EADDRINUSE:
        holder = next(_holders(listener.port), "another process")
        return Conflict(f"{listener} is taken by {holder}; stop that, or change {listener.key}")
    if error.errno == errno.EACCES:
        return ConfigError(f"{listener}: ports below 1024 need root; change {listener.key}")
    return ConfigError(f"{listener} cannot be used ({error.strerror}); change {listener.key}")


def _holders(port: int) -> Iterator[str]:
    """Yield the processes that listen on the port, as far as /proc shows them."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in sockets:
                process = link.parts[2]
                name = Path("/proc", process, "comm").read_text(encoding="utf-8", errors="replace").strip()
                yield f"process {process} ({name})"
        except OSError:
            # It has ended meanwhile, or belongs to another user.
            continue


def _inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.access(table, os.R_OK):
            continue
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]
