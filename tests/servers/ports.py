"""Free ports of loopback for servers that a test starts and may start again on the same port."""

from __future__ import annotations

import itertools
import os
import random
import socket

# Below the range from which the kernel gives ports to clients and to servers that ask for any: none of those can
# take a port between its choice here and the start of its server, nor while that server is down.
_FIRST, _PORTS, _SLICES = 20_000, 12_000, 8
_SLICE = _PORTS // _SLICES


def _slice_of_process() -> int:
    # Test processes of one run choose from slices of their own.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    return (int(worker) if worker.isdecimal() else random.randrange(_SLICES)) % _SLICES


_NUMBERS = itertools.count(random.randrange(_SLICE))


def free_port() -> int:
    """Return a free port of loopback that this process has not chosen lately.

    Raises:
        RuntimeError: no port of this process's slice is free.
    """
    first = _FIRST + _slice_of_process() * _SLICE
    for number in itertools.islice(_NUMBERS, _SLICE):
        port = first + number % _SLICE
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port of loopback from {first} to {first + _SLICE - 1} is free")
