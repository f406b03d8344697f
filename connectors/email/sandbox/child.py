"""The reader: a child process that parses hostile mail so that no other process has to.

It starts with no secrets in its environment, loads everything it will need, then gives up files, sockets,
children and most of its memory, and answers frames until its guard closes the socket.
"""

from __future__ import annotations

import encodings
import gc
import importlib
import pkgutil
import resource
import signal
import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from hashlib import sha256
from types import FrameType
from typing import Final

from connectors.base import RawMessage
from connectors.email.mime.normalise import attachment_content, normalise
from connectors.email.mime.parts import UnreadableMail
from connectors.email.sandbox.dkim_signatures import signed_by
from connectors.email.sandbox.frames import PART, SIGNED, FrameError, read_frame, write_frame
from connectors.email.sandbox.stubs import stub
from connectors.originals import Packer
from router.envelope import to_json
from router.errors import NotFound

# Codecs for platforms that we do not support.
_ABSENT: Final = frozenset({"mbcs", "oem"})
_SAMPLES: Final = (
    b"From: a@example.com\nSubject: =?gb2312?B?xOO6ww==?=\nDate: Mon, 5 Jan 2026 10:00:00 +0800\n\nHello\n",
    b"From: a@example.com\nContent-Type: text/html\n\n<html><body><p>Hello <b>you</b><table><tr><td>1</table>\n",
    b"From: \xc4\xe3\xba\xc3 <a@example.com>\nDate: never\nSubject: \xd6\xd0\xb9\xfa\xb5\xc4\n\n\xc4\xe3\xba\xc3\n",
    b"From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n",
    (
        b"From: a@example.com\nContent-Type: multipart/mixed; boundary=x\n\n"
        b"--x\nContent-Type: text/plain; name*=utf-8''a\nContent-Transfer-Encoding: base64\n\n!!!!\n--x--\n"
    ),
)  # fmt: skip


def warm() -> None:
    """Import every codec, and read and write one mail for each path through the libraries: later no file opens."""
    for module in pkgutil.iter_modules(encodings.__path__):
        if module.name not in _ABSENT:
            importlib.import_module(f"encodings.{module.name}")
    for sample in _SAMPLES:
        to_json(normalise(RawMessage(source_key="", content=sample, received_at=datetime.now(UTC)), channel=""))
        message_from_bytes(sample).as_bytes()
    if "signatures" in sys.argv[1:]:
        signed_by(_SAMPLES[0], keys={})


# A mail of 25 MB needs about 150 MB here; a mail that needs more was built to do so.
_MEMORY_BYTES: Final = 512 * 1024 * 1024
# The reader gives up on a mail after one to two of these ticks of CPU time and continues with the next.
_TICK_SECONDS: Final = 1.5
# The kernel kills a reader that hangs in one mail (compiled code cannot be interrupted).
_SECONDS_A_BATCH: Final = 10
# Ends a reader whose guard is gone and that waits for something, which should not happen.
_WALL_SECONDS: Final = 30


class TooSlow(Exception):
    """The mail takes too long to read."""


def main() -> None:
    """Serve the guard at the other end of the socket on standard input."""
    # Ctrl-C and systemd signal the whole process group; only the guard ends this process, by closing the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection = socket.socket(fileno=sys.stdin.fileno())
    warm()
    # What is loaded now stays: the garbage collector does not need to scan it with every batch.
    gc.freeze()
    _give_up_powers()
    reader = _Reader()
    signal.signal(signal.SIGPROF, reader.tick)
    signal.setitimer(signal.ITIMER_PROF, _TICK_SECONDS, _TICK_SECONDS)
    write_frame(connection, [b"ready"])
    try:
        while True:
            request = read_frame(connection)
            _allow_one_batch()
            write_frame(connection, reader.answer(request))
            signal.alarm(0)
    except (FrameError, OSError):
        return


def _give_up_powers() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    # No descriptor can be opened any more: no file and no socket, so no network either.
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _allow_one_batch() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + _SECONDS_A_BATCH + 1, hard))
    signal.alarm(_WALL_SECONDS)


class _Reader:
    """Answers requests. A timer on our own CPU time ends the reading of one mail, not of its batch."""

    def __init__(self) -> None:
        self._packer = Packer()
        self._turn = self._reading = self._ticked = 0

    def tick(self, _signal: int, _frame: FrameType | None) -> None:
        """Raise TooSlow if the same mail was already being read at the last tick."""
        if self._reading and self._reading == self._ticked:
            raise TooSlow
        self._ticked = self._reading

    def answer(self, request: Sequence[bytes]) -> list[bytes]:
        """Answer one frame: a batch of mails, or one part of a mail."""
        if request[0] == PART:
            return self._part(request[1], int(request[2]))
        if request[0] == SIGNED:
            return self._signed(request[1], request[2:])
        channel = request[1].decode()
        answers: list[bytes] = []
        for index in range(2, len(request), 3):
            message = RawMessage(
                source_key=request[index].decode("utf-8", "surrogateescape"),
                received_at=datetime.fromisoformat(request[index + 1].decode()),
                content=request[index + 2],
            )
            answers += self._one(message, channel)
        return answers

    def _one(self, message: RawMessage, channel: str) -> tuple[bytes, bytes, bytes, bytes]:
        self._turn += 1
        self._reading = self._turn
        try:
            envelope, unreadable = _read(message, channel)
        finally:
            self._reading = 0
        return envelope, self._packer.pack(message.content), sha256(message.content).digest(), unreadable.encode()

    def _signed(self, original: bytes, keys: Sequence[bytes]) -> list[bytes]:
        self._turn += 1
        self._reading = self._turn
        try:
            names = [name.decode("ascii") for name in keys[::2]]
            return ["\n".join(signed_by(original, keys=dict(zip(names, keys[1::2], strict=True)))).encode()]
        except (TooSlow, MemoryError, RecursionError):
            return [b""]
        finally:
            self._reading = 0

    def _part(self, original: bytes, part: int) -> list[bytes]:
        try:
            return [b"", attachment_content(original, part)]
        except (NotFound, UnreadableMail) as error:
            return [str(error).encode(), b""]


def _read(message: RawMessage, channel: str) -> tuple[bytes, str]:
    try:
        return to_json(normalise(message, channel=channel)), ""
    except UnreadableMail as error:
        why = str(error)
    except TooSlow:
        why = f"The mail takes more than {_TICK_SECONDS} seconds to read."
    except MemoryError:
        why = "The mail takes more memory to read than is allowed."
    except RecursionError:
        why = "The mail is nested too deeply."
    # Any exception that a hostile mail raises in a library must end in a stub, and the next mail must be read.
    except Exception as error:  # noqa: BLE001
        why = f"The mail cannot be read: {type(error).__name__}."
    return to_json(stub(message, channel=channel, why=why)), why


if __name__ == "__main__":
    main()
