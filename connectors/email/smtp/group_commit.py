"""Group commit: store mails that arrive at the same time as one batch, and answer each sender 250 after the commit."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final

import structlog

from connectors.base import Batch, RawMessage
from router.errors import OmniyardError

_log: Final = structlog.get_logger()

# A larger batch would keep its first sender waiting longer than the saved commit is worth.
_MESSAGES_A_BATCH: Final = 100
_BYTES_A_BATCH: Final = 8_388_608
# While many send at once, batches begin no sooner after one another: ten mails in one cost little more than one mail.
_PACE_SECONDS: Final = 0.04
_LOOK_SECONDS: Final = 0.005

# RFC 5321 section 4.5.3.2.6 lets senders wait ten minutes for this answer; many wait for one. A repeat is safe.
_ANSWER_WITHIN: Final = 60.0

KEPT: Final = "250 2.0.0 OK, it is kept"
LATER: Final = "451 4.3.0 It could not be kept now, please try again"


@dataclass(frozen=True, slots=True)
class _Waiting:
    message: RawMessage
    answer: asyncio.Future[str]


class GroupCommit:
    """Collects messages on an event loop and passes batches to `accept` in a separate thread.

    talking: how many senders may hand over a message soon; when as many wait for their answers, no more is to come.
    """

    def __init__(
        self,
        channel: str,
        *,
        accept: Callable[[Batch], None],
        thread: Executor,
        clock: Callable[[], datetime],
        talking: Callable[[], int] = lambda: 0,
    ) -> None:
        self._channel, self._accept, self._thread, self._clock = channel, accept, thread, clock
        self._talking, self._next_at = talking, 0.0
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self.bytes_waiting = 0
        self._unanswered = 0
        self.all_answered = asyncio.Event()
        self.all_answered.set()

    async def keep(self, content: bytes) -> str:
        """Return the reply for the sender, once the message is on disk or storing it has failed.

        The source key is computed from the bytes, so a sender who missed our answer may send them again.
        """
        key = f"sha256:{hashlib.sha256(content).hexdigest()}"
        message = RawMessage(source_key=key, content=content, received_at=self._clock())
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._count(1, len(content))
        try:
            self._queue.put_nowait(_Waiting(message, answer))
            return await asyncio.wait_for(answer, _ANSWER_WITHIN)
        except TimeoutError:
            _log.warning("smtp.too_slow", channel=self._channel, seconds=_ANSWER_WITHIN)
            return LATER
        finally:
            self._count(-1, -len(content))

    def _count(self, answers: int, size: int) -> None:
        self._unanswered += answers
        self.bytes_waiting += size
        if self._unanswered:
            self.all_answered.clear()
        else:
            self.all_answered.set()

    async def run(self) -> None:
        """Store batch after batch, until cancelled; while one is being written, the next one is collected."""
        while True:
            batch = await self._gather()
            if not batch:
                continue
            reply = await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, batch)
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_result(reply)

    async def _gather(self) -> list[_Waiting]:
        batch = [await self._queue.get()]
        await self._wait_for_others()
        room = _BYTES_A_BATCH - len(batch[0].message.content)
        while room > 0 and len(batch) < _MESSAGES_A_BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
            room -= len(batch[-1].message.content)
        # A sender whose wait has timed out was already asked to try again.
        return [waiting for waiting in batch if not waiting.answer.done()]

    async def _wait_for_others(self) -> None:
        """Wait until the next batch may begin: the first after a silence at once."""
        while monotonic() < self._next_at and self._queue.qsize() + 1 < self._awaited():  # noqa: ASYNC110  (no event)
            await asyncio.sleep(_LOOK_SECONDS)
        self._next_at = monotonic() + _PACE_SECONDS

    def _awaited(self) -> int:
        return min(self._talking(), _MESSAGES_A_BATCH)

    def _keep(self, waiting: list[_Waiting]) -> str:
        # The same bytes twice in one batch are one message, and both senders get the 250.
        messages = {each.message.source_key: each.message for each in waiting}
        try:
            self._accept(Batch(channel=self._channel, messages=tuple(messages.values())))
        except OmniyardError as error:
            _log.warning("smtp.not_kept", channel=self._channel, messages=len(messages), error=str(error))
            return LATER
        except Exception:  # noqa: BLE001  (whatever it was, these mails must come again and the next ones go on)
            _log.exception("smtp.not_kept", channel=self._channel, messages=len(messages))
            return LATER
        return KEPT
