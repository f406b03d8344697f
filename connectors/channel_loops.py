"""One thread per channel: poll, store, settle, pause; a failing channel backs off without affecting others."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from connectors.base import Arrival, Batch, Connector, Cursor, PausingConnector, PushGate, WakeableConnector
from connectors.keeper import Keeper, Ownership, Report
from connectors.lease_renewal import Renewal, RenewedLease
from connectors.watchdog import Watchdog
from router.backoff import Backoff
from router.errors import ConfigError, LeaseLost, OmniyardError, PermanentError, RateLimited, TransientError

# One second is enough for a dropped connection; after five minutes a desk should notice that a provider is back.
AFTER_FAILURE: Final = Backoff(first=timedelta(seconds=1), longest=timedelta(minutes=5), spread=0.2)
# A provider may lock an account after repeated refused logins: slower from the start, at most a quarter of an hour.
AFTER_REFUSAL: Final = Backoff(first=timedelta(seconds=30), longest=timedelta(minutes=15), spread=0.2)

# How often to try to take the channel's lease: with a lease of 15 s a killed owner is replaced within 20 s.
ASK_AGAIN: Final = 5.0

# How long a step may take before the watchdog ends the process. A batch of 32 MiB at 50 kB/s takes eleven minutes,
# a batch full of hostile mail is parsed one by one; calls to the store have deadlines of seconds.
_STEP: Final = 900.0
_CALL: Final = 60.0

# A provider's wait is respected, but no longer than this, so that an operator's fix takes effect.
_LONGEST_LIMIT: Final = 6 * 3600.0

# While more batches follow, the operator's figures are written no more often than this.
_REPORT_EVERY: Final = 2.0
# How often a listener that refused no sender reports that it is alive.
_STILL_LISTENING_EVERY: Final = 20.0
_LOOK_AT_LISTENER_EVERY: Final = 10.0

# How often a channel checks for a callback: a customer would notice a longer wait, and a check is one index read.
_LOOK_FOR_WAKES: Final = 1.0

_log: Final = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FetchedBatch:
    """A batch as it was fetched, and its parsed messages."""

    batch: Batch
    arrivals: Sequence[Arrival]


class Prefetch:
    """One batch that is being fetched by a thread of its own."""

    def __init__(self, take: Callable[[], FetchedBatch], *, name: str) -> None:
        self._future: Future[FetchedBatch] = Future()
        # No executor: its threads keep a process from ending, and a provider may not answer for a long time.
        threading.Thread(target=self._run, args=(take,), name=f"{name} ahead", daemon=True).start()

    def result(self) -> FetchedBatch:
        """Wait for the batch. Raises the error of fetching it."""
        return self._future.result()

    def wait(self) -> None:
        """Wait until the connector is free again, whatever the result."""
        self._future.exception()

    def _run(self, take: Callable[[], FetchedBatch]) -> None:
        try:
            self._future.set_result(take())
        except BaseException as error:  # noqa: BLE001  (`result` raises it again)
            self._future.set_exception(error)


class _Lane:
    """What both kinds of lane have: an end that other threads ask for, and a rest after a failure."""

    def __init__(self, channel: str, *, keeper: Keeper, watchdog: Watchdog) -> None:
        self.channel, self._keeper, self._watchdog = channel, keeper, watchdog
        self._stopped = threading.Event()
        self._failures = 0

    def _report_failure(self, said: str, *, seconds: float) -> None:
        """Show operators the error of a channel, and rest for so many seconds."""
        self._watchdog.expect(self.channel, within=_CALL)
        self._keeper.report(Report(channel=self.channel, ok=False, error=said))
        self._rest(seconds)

    def _rest(self, seconds: float) -> None:
        self._watchdog.expect(self.channel, within=seconds + _CALL)
        self._stopped.wait(seconds)


class PollLane(_Lane):
    """Runs one polled channel in one thread; while it stores a batch, a second thread fetches and parses the next."""

    def __init__(  # noqa: PLR0913  (the parts of a daemon)
        self,
        connector: Connector,
        *,
        poll: float,
        keeper: Keeper,
        renewal: Renewal,
        watchdog: Watchdog,
        reach: Callable[[str], None],
        ask_again: float = ASK_AGAIN,
        topic: str = "",
    ) -> None:
        super().__init__(connector.channel, keeper=keeper, watchdog=watchdog)
        self._connector, self._poll, self._topic = connector, poll, topic
        self._renewal, self._reach, self._ask_again = renewal, reach, ask_again
        self._interruptible = threading.Event()
        self._reported = 0.0
        self._ahead: Prefetch | None = None

    def run(self) -> None:
        """Own the channel and poll it, repeatedly, until stopped."""
        while not self._stopped.is_set():
            try:
                self._own_and_poll()
            except LeaseLost:
                self._rest(self._ask_again)
            except OmniyardError as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001  (the outer loop of a channel: it logs and goes on)
                _log.exception("channel.crashed", channel=self.channel)
                self._fail(error)
        self._connector.close()
        self._watchdog.forget(self.channel)

    def stop(self) -> None:
        """Finish the current batch and end; a wait and a fetch are interrupted. Callable from another thread."""
        self._stopped.set()
        if self._interruptible.is_set():
            self._connector.close()

    def _own_and_poll(self) -> None:
        # Thirty channels that start together load thirty parsers; on a busy machine that takes longer than any call.
        self._watchdog.expect(self.channel, within=_STEP)
        self._keeper.prepare(self.channel)
        self._watchdog.expect(self.channel, within=_CALL)
        ownership = self._keeper.own(self.channel)
        if ownership is None:
            self._rest(self._ask_again)
            return
        with self._renewal.holding(self.channel, ownership, on_lost=self._connector.close) as holding:
            _log.info("channel.owned", channel=self.channel)
            try:
                self._reach("own.after")
                self._poll_while_owned(ownership, holding)
            finally:
                # The connector's own position may be ahead of what is stored.
                self._connector.close()
                if ahead := self._ahead:
                    self._ahead = None
                    ahead.wait()

    def _poll_while_owned(self, ownership: Ownership, holding: RenewedLease) -> None:
        cursor = ownership.cursor
        while not self._stopped.is_set():
            if holding.lost:
                raise LeaseLost
            taken = self._next(cursor, ownership, holding)
            if taken is None:
                continue
            batch = taken.batch
            if batch.more and batch.cursor:
                self._ahead = Prefetch(partial(self._take, batch.cursor, ownership), name=self.channel)
            cursor = self._keep(taken, ownership, cursor)
            self._failures = 0
            if not batch.more:
                self._sleep()

    def _next(self, cursor: Cursor | None, ownership: Ownership, holding: RenewedLease) -> FetchedBatch | None:
        """Return a batch, or None after a failure and its pause: the lease stays ours meanwhile.

        Otherwise two processes would alternate in calling a provider that has refused us.
        """
        self._watchdog.expect(self.channel, within=_STEP)
        ahead, self._ahead = self._ahead, None
        self._interruptible.set()
        try:
            return ahead.result() if ahead else self._take(cursor, ownership)
        except OmniyardError as error:
            if not holding.lost:
                self._fail(error)
            return None
        finally:
            self._interruptible.clear()

    def _take(self, cursor: Cursor | None, ownership: Ownership) -> FetchedBatch:
        batch = self._connector.fetch(cursor)
        self._reach("fetch.after")
        return FetchedBatch(batch, ownership.read(batch))

    def _keep(self, taken: FetchedBatch, ownership: Ownership, cursor: Cursor | None) -> Cursor | None:
        batch, trouble = taken.batch, ""
        news = batch.messages or batch.reports or batch.calls or batch.notice
        if news or batch.cursor not in {None, cursor}:
            self._watchdog.expect(self.channel, within=_STEP)
            ownership.accept(batch, taken.arrivals)
            self._watchdog.expect(self.channel, within=_STEP)
            self._wait_for_ahead()
            trouble = self._settle(batch)
        self._report(batch, trouble)
        return batch.cursor or cursor

    def _wait_for_ahead(self) -> None:
        """Wait until no prefetch uses the connector; a fetch is interrupted if the lane is stopped."""
        if self._ahead:
            self._interruptible.set()
            if self._stopped.is_set():
                self._connector.close()
            self._ahead.wait()
            self._interruptible.clear()

    def _settle(self, batch: Batch) -> str:
        """Tell the provider; return the error. The batch is stored in any case."""
        self._reach("settle.before")
        self._watchdog.expect(self.channel, within=_STEP)
        try:
            self._connector.settle(batch)
        except OmniyardError as error:
            _log.warning("channel.unsettled", channel=self.channel, error=str(error))
            return str(error)
        finally:
            self._reach("settle.after")
        return ""

    def _sleep(self) -> None:
        # A provider's rate limit may last longer than the poll; a loop that waits for its end does not stand still.
        pause = self._connector.pause() if isinstance(self._connector, PausingConnector) else 0.0
        self._watchdog.expect(self.channel, within=max(self._poll, pause) + _CALL)
        self._interruptible.set()
        try:
            if not self._stopped.is_set():
                self._wait()
        finally:
            self._interruptible.clear()

    def _wait(self) -> None:
        """Wait for the next poll, or until a callback in another process wakes this channel."""
        connector = self._connector
        if not self._topic or not isinstance(connector, WakeableConnector):
            connector.wait(self._poll)
            return
        until = time.monotonic() + self._poll
        while not self._stopped.is_set() and (left := until - time.monotonic()) > 0:
            if token := self._keeper.take_wake(self._topic):
                connector.wake(token)
                return
            self._connector.wait(min(left, _LOOK_FOR_WAKES))

    def _report(self, batch: Batch, trouble: str) -> None:
        now = time.monotonic()
        if batch.more and not trouble and now - self._reported < _REPORT_EVERY:
            return
        self._reported = now
        self._watchdog.expect(self.channel, within=_CALL)
        self._keeper.report(
            Report(channel=self.channel, ok=not trouble, error=trouble, waiting=batch.waiting, held=batch.held)
        )

    def _fail(self, error: Exception) -> None:
        if self._stopped.is_set():
            return
        self._failures += 1
        refused = isinstance(error, PermanentError | ConfigError)
        backoff = AFTER_REFUSAL if refused else AFTER_FAILURE
        seconds = backoff.after(self._failures, chance=random.random()).total_seconds()  # noqa: S311  (jitter)
        if isinstance(error, RateLimited):
            seconds = max(seconds, min(error.seconds, _LONGEST_LIMIT))
        said = _sentence_of(error)
        _log.warning(
            "channel.sick", channel=self.channel, error=said, failures=self._failures, pause_seconds=round(seconds, 1)
        )
        self._report_failure(said, seconds=seconds)


class GateLane(_Lane):
    """Keeps one listener open. It needs no lease: source keys detect repetitions, and the port has one owner anyway.

    A second process on the same machine finds the address taken, asks again every five seconds, and takes over
    when the first one ends. Processes on other machines listen as well, on addresses of their own.
    """

    def __init__(self, gate: PushGate, *, keeper: Keeper, watchdog: Watchdog) -> None:
        super().__init__(gate.channel, keeper=keeper, watchdog=watchdog)
        self._gate = gate

    def run(self) -> None:
        """Listen until stopped; listen again when the listener has ended."""
        while not self._stopped.is_set():
            try:
                self._listen()
            except TransientError as error:
                _log.warning("channel.not_listening", channel=self.channel, error=str(error))
                self._rest(ASK_AGAIN)
            except Exception as error:  # noqa: BLE001  (the outer loop of a channel: it logs and goes on)
                self._fail(error)
            finally:
                self._gate.close()
        self._watchdog.forget(self.channel)

    def stop(self) -> None:
        """Answer the senders that wait for an answer, and end. Callable from another thread."""
        self._stopped.set()

    def _listen(self) -> None:
        self._watchdog.expect(self.channel, within=_CALL)
        self._gate.open(self._keeper.take)
        _log.info("channel.listening", channel=self.channel)
        self._failures = 0
        report_at = 0.0
        while not self._stopped.is_set():
            self._watchdog.expect(self.channel, within=_CALL)
            self._gate.check()
            refused = self._gate.take_refusals()
            if refused or time.monotonic() >= report_at:
                self._keeper.report(Report(channel=self.channel, ok=True, refused=refused))
                report_at = time.monotonic() + _STILL_LISTENING_EVERY
            self._rest(_LOOK_AT_LISTENER_EVERY)

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        known, said = isinstance(error, OmniyardError), _sentence_of(error)
        _log.error("channel.sick", channel=self.channel, error=said, failures=self._failures, exc_info=not known)
        seconds = AFTER_FAILURE.after(self._failures, chance=random.random()).total_seconds()  # noqa: S311  (jitter)
        self._report_failure(said, seconds=seconds)


def _sentence_of(error: Exception) -> str:
    """Return what operators read of an error; the text of an unknown one may hold a secret or words of a customer."""
    return str(error) if isinstance(error, OmniyardError) else f"an error of ours: {type(error).__name__}"
