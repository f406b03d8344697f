"""Free ports of this machine for servers that start a moment later, and again on the same port."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from typing import Final

from router.errors import TransientError

_HOST: Final = "127.0.0.1"
# Below the ports that systems give to clients (Linux from 32768, others from 49152): no connection takes one of these
# between its choice and the start of its server, or while that server is down.
_OURS: Final = range(12_000, 20_000)


def free_ports(many: int) -> list[int]:
    """Return that many different free ports of loopback.

    Raises TransientError when there are not as many.
    """
    found: list[int] = []
    with ExitStack() as held:
        for port in random.sample(_OURS, len(_OURS)):
            if len(found) == many:
                return found
            if _hold(held.enter_context(socket.socket()), port):
                found.append(port)
    raise TransientError(f"{many} free ports of {_HOST} from {_OURS.start} to {_OURS.stop - 1} were not found")


def _hold(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind((_HOST, port))
    except OSError:
        return False
    return True
