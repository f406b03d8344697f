"""Read whole batches of hostile mail in a child process with limits; if it dies, this process continues."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from connectors.base import Arrival, RawMessage
from connectors.email.mime import limits
from connectors.email.sandbox.frames import BATCH, PART, SIGNED, FrameError, read_frame, write_frame
from connectors.email.sandbox.stubs import stub
from connectors.originals import pack
from router.envelope import OWN_SENT_FOLDER, Envelope, from_json, to_json
from router.errors import PermanentError, TransientError

# Loading takes a second on a busy machine; a reader that is not ready after this will not become ready.
_START_SECONDS: Final = 60.0
# An ordinary batch of fifty mails takes a fiftieth of it.
_BATCH_SECONDS: Final = 20.0
# How much is sent to the reader at once, so that it stays well below its memory limit.
_PORTION_BYTES: Final = 32 * 1024 * 1024
_PORTION_MESSAGES: Final = 500
# A message has three fields in a request, and four in an answer.
_ANSWER_FIELDS: Final = 4
# Signals that mean out of time, or a fault in compiled code. Not SIGKILL: that comes from outside.
_BY_MAIL: Final = {signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}
_ROOT: Final = Path(__file__).resolve().parents[3]


class ReaderDied(TransientError):
    """The reader ended or was killed while it held mail.

    by_mail: true if the mail ended the reader, false if it was killed from outside.
    """

    def __init__(self, message: str, *, by_mail: bool = False) -> None:
        super().__init__(message)
        self.by_mail = by_mail


class Guard:
    """Owns one reader. Belongs to one thread; starts its reader when it is first needed."""

    def __init__(
        self,
        *,
        reader: str = "connectors.email.sandbox.child",
        batch_seconds: float = _BATCH_SECONDS,
        signatures: bool = False,
    ) -> None:
        """reader: the module that runs in the child; tests give one that misbehaves.

        signatures: whether it is to verify signatures, for which it loads another library.
        """
        self._module, self._arguments = reader, ["signatures"] if signatures else []
        self._batch_seconds = batch_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def reader_id(self) -> int:
        """The process id of the reader; 0 when none runs."""
        return self._process.pid if self._process is not None else 0

    def warm(self) -> None:
        """Start the reader now and not with the first mail. Raises TransientError when none can be started."""
        if self._connection is None:
            self._start()

    def normalise_batch(self, messages: Sequence[RawMessage], *, channel: str) -> list[Arrival]:
        """Return an Arrival for each message, in order; an unreadable one comes as a stub with `unreadable` set.

        Raises TransientError only when no reader can be started.
        """
        arrivals: list[Arrival] = []
        for portion in _portions(messages):
            if len(portion) == 1 and _refusal(portion[0]):
                arrivals.append(_stubbed(portion[0], channel=channel, why=_refusal(portion[0])))
            else:
                arrivals += self._read_or_stub(portion, channel)
        return arrivals

    def attachment(self, original: bytes, part: int) -> bytes:
        """Return the decoded bytes of one attachment of an original, as `Attachment.part` names it.

        Raises PermanentError when the mail has no such part or cannot be read, TransientError when no reader starts.
        """
        try:
            why, content = self._ask([PART, original, b"%d" % part], expected=2)
        except ReaderDied as error:
            raise PermanentError(f"Part {part} cannot be read: {error}") from error
        if why:
            raise PermanentError(why.decode("utf-8", "replace"))
        return content

    def signed_by(self, original: bytes, *, keys: Mapping[str, bytes]) -> tuple[str, ...]:
        """Return the domains that signed a mail with one of these keys (TXT records by their names).

        Raises TransientError when the mail ends the reader, or none starts.
        """
        pairs = [part for name, key in keys.items() for part in (name.encode("ascii"), key)]
        (domains,) = self._ask([SIGNED, original, *pairs], expected=1)
        return tuple(domains.decode().splitlines())

    def close(self) -> None:
        """End the reader. The guard may be used again and then starts another reader."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.wait()

    def _read_or_stub(self, portion: Sequence[RawMessage], channel: str) -> list[Arrival]:
        try:
            return self._read(portion, channel)
        except ReaderDied as error:
            if len(portion) == 1 and error.by_mail:
                return [_stubbed(portion[0], channel=channel, why=f"The mail cannot be read: {error}")]
        return [self._alone(message, channel) for message in portion]

    def _alone(self, message: RawMessage, channel: str) -> Arrival:
        """Read one mail of a portion whose reader failed. A second reader is tried unless the first was too slow."""
        for _ in range(2):
            try:
                return self._read([message], channel)[0]
            except ReaderDied as error:
                why = f"The mail cannot be read: {error}"
                if error.by_mail:
                    break
        return _stubbed(message, channel=channel, why=why)

    def _read(self, portion: Sequence[RawMessage], channel: str) -> list[Arrival]:
        request = [BATCH, channel.encode()]
        for message in portion:
            key = message.source_key.encode("utf-8", "surrogateescape")
            request += (key, message.received_at.isoformat().encode(), message.content)
        answer = self._ask(request, expected=_ANSWER_FIELDS * len(portion))
        return [
            _arrival(message, answer[_ANSWER_FIELDS * index : _ANSWER_FIELDS * (index + 1)])
            for index, message in enumerate(portion)
        ]

    def _ask(self, request: Sequence[bytes], *, expected: int) -> list[bytes]:
        connection = self._connection or self._start()
        try:
            connection.settimeout(self._batch_seconds)
            write_frame(connection, request)
            answer = read_frame(connection)
        except TimeoutError as error:
            self.close()
            raise ReaderDied(f"it takes more than {self._batch_seconds:.0f} seconds.", by_mail=True) from error
        except (OSError, FrameError) as error:
            raise self._collect_exit() from error
        if len(answer) != expected:
            self.close()
            raise ReaderDied("the reader's answer has the wrong length.")
        return answer

    def _collect_exit(self) -> ReaderDied:
        """Reap the dead reader and return the reason of its end."""
        process = self._process
        code = None
        if process is not None:
            try:
                code = process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                process.kill()
        self.close()
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return ReaderDied(f"the reader was ended by {name}.", by_mail=-code in _BY_MAIL)
        return ReaderDied("the reader ended.")

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            # A bare environment: ours holds the operator's secrets. `-P` keeps the working directory out of the
            # search path, where a folder called `email` would hide the standard library's.
            environment = {
                "PYTHONPATH": str(_ROOT),
                "PATH": os.defpath,
                "LANG": "C.UTF-8",
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", self._module, *self._arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=environment,
            )
        self._connection = ours
        ours.settimeout(_START_SECONDS)
        try:
            read_frame(ours)
        except (OSError, FrameError) as error:
            raise TransientError(f"The process that reads mail does not start: {self._collect_exit()}") from error
        return ours


def _portions(messages: Sequence[RawMessage]) -> Iterator[list[RawMessage]]:
    portion: list[RawMessage] = []
    size = 0
    for message in messages:
        alone = bool(_refusal(message))
        full = size + len(message.content) > _PORTION_BYTES or len(portion) >= _PORTION_MESSAGES
        if portion and (alone or full):
            yield portion
            portion, size = [], 0
        if alone:
            yield [message]
            continue
        portion.append(message)
        size += len(message.content)
    if portion:
        yield portion


def _refusal(message: RawMessage) -> str:
    if message.defect:
        return message.defect
    if len(message.content) > limits.RAW_BYTES:
        return f"The mail has {len(message.content)} bytes; at most {limits.RAW_BYTES} are read."
    return ""


def _arrival(message: RawMessage, answer: Sequence[bytes]) -> Arrival:
    envelope, original, content_hash, unreadable = answer
    return Arrival(
        source_key=message.source_key,
        envelope=to_json(_placed(from_json(envelope), message)) if message.from_sent else envelope,
        original=original,
        size=len(message.content),
        content_hash=content_hash,
        received_at=message.received_at,
        unreadable=unreadable.decode("utf-8", "replace"),
    )


def _placed(envelope: Envelope, message: RawMessage) -> Envelope:
    """Return the envelope with our mark if the message was read from our own folder of sent mail."""
    marks = (OWN_SENT_FOLDER,) if message.from_sent else ()
    return replace(envelope, machine_headers=(*envelope.machine_headers, *marks))


def _stubbed(message: RawMessage, *, channel: str, why: str) -> Arrival:
    return Arrival(
        source_key=message.source_key,
        envelope=to_json(_placed(stub(message, channel=channel, why=why), message)),
        original=pack(message.content),
        size=len(message.content),
        content_hash=sha256(message.content).digest(),
        received_at=message.received_at,
        unreadable=why,
    )
