"""A reader that some mails kill, each in its own way: what a bug in compiled code would do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from connectors.email.sandbox import child

_honest = child.normalise


def poisoned(message: Any, *, channel: str) -> Any:
    content = message.content
    if b"POISON-SEGV" in content:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"POISON-EXIT" in content:
        os._exit(3)
    if b"POISON-SLEEP" in content:
        time.sleep(60)
    if b"POISON-SPIN" in content:
        spin()
    if b"POISON-MEMORY" in content:
        return [bytearray(64 * 1024 * 1024) for _ in range(64)]
    if b"POISON-OPEN" in content:
        Path("/etc/hostname").read_bytes()
    if b"POISON-SOCKET" in content:
        __import__("socket").socket()
    return _honest(message, channel=channel)


def spin() -> None:
    while True:
        pass


if __name__ == "__main__":
    child.normalise = poisoned
    # What ends a mail here is what it does; on a busy machine its processor time takes longer than a reader may live.
    child._WALL_SECONDS = 600
    child.main()
