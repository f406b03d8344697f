"""Deliver outgoing webhooks: each target has a thread of its own, so that a slow target delays no other.

A target's lease lets one process at a time deliver to it. Only the oldest undelivered event of a conversation is sent
at a time, so events arrive in order. Events in flight in a killed process are sent again with the same `webhook-id`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from pydantic_core import to_json
from sqlalchemy.engine import Connection

from connectors.safe_http import post
from router.backoff import Backoff
from router.errors import LeaseLost, OmniyardError, TransientError
from router.settings.model import WebhookSettings
from router.webhook_signature import next_pause, read_keys, sign, wants
from store.db import leases
from store.db.engine import Database
from store.events import webhook_deliveries
from store.events.webhook_deliveries import DeliveryRecord, Failed
from workers.runtime.failpoints import reach

_AT_ONCE: Final = 8
# Longer than any batch may take, because each delivery has a time limit.
_LEASE: Final = timedelta(seconds=60)
# A failing target gets one event at a time, at growing intervals.
_IDLE: Final = Backoff(first=timedelta(seconds=0.5), longest=timedelta(minutes=1))
_AFTER_TROUBLE_SECONDS: Final = 10.0
_GONE: Final = 410

_log = structlog.get_logger()


def fan_out_step(webhooks: Mapping[str, WebhookSettings]) -> Callable[[Connection, int], int]:
    """Return the publisher's step that queues new events for the targets that want them."""
    wanted = {name: partial(wants, each.events) for name, each in webhooks.items() if each.enabled}

    def step(connection: Connection, after: int) -> int:
        return webhook_deliveries.fan_out(connection, after=after, wanted=wanted)

    return step


def body_of(row: DeliveryRecord) -> bytes:
    """Return the body for the target. Source: Standard Webhooks, "Payload structure"."""
    data = {"number": row.number, "id": row.event_id, "conversation_id": row.conversation_id, **row.payload}
    return to_json({"type": row.kind, "timestamp": row.at, "data": data})


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of one attempt. error: empty if the target accepted the event."""

    row: DeliveryRecord
    error: str = ""
    retry_after: timedelta | None = None
    is_hopeless: bool = False


class Target:
    """Delivers to one target from `start` to `stop`. seconds: the time limit of one attempt."""

    def __init__(self, database: Database, name: str, *, settings: WebhookSettings, seconds: float = 15.0) -> None:
        self._database, self.name, self._settings, self._seconds = database, name, settings, seconds
        self._lease_name, self._holder = f"webhook:{name}", f"{socket.gethostname()}:{os.getpid()}"
        self._token: UUID | None = None
        self._ask_at, self._renew_at, self._failures = 0.0, 0.0, 0
        self._stopped = threading.Event()
        # The pool starts its threads for the first events and reuses them.
        self._attempts = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"webhook-{name}")
        self._thread = threading.Thread(target=self._run, name=f"webhook-{name}", daemon=True)

    def start(self) -> None:
        """Start to deliver, as soon as the target's lease is free."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Finish the attempts in flight and release the lease."""
        self._stopped.set()
        self._thread.join(seconds)
        self._attempts.shutdown(wait=False)

    def once(self) -> int:
        """Deliver the next events in parallel; return how many the target accepted.

        Raises ConfigError if the secret cannot be used.
        """
        if not self._own():
            return 0
        keys = read_keys(self._settings.secret.reveal())
        with self._database.read() as connection:
            rows = webhook_deliveries.next_deliveries(
                connection, target=self.name, limit=1 if self._failures else _AT_ONCE
            )
        if not rows:
            return 0
        reach("webhook.before")
        outcomes = list(self._attempts.map(partial(self._attempt, keys=keys), rows))
        reach("webhook.sent")
        return self._settle(outcomes)

    def release(self) -> None:
        """Release the lease, so that another process can deliver at once."""
        if self._token is not None:
            with self._database.write() as connection:
                leases.release_lease(connection, name=self._lease_name, token=self._token)
            self._token = None

    def _own(self) -> bool:
        now = monotonic()
        if self._token is None and now >= self._ask_at:
            self._ask_at = now + _LEASE.total_seconds() / 6
            with self._database.write() as connection:
                self._token = leases.take_lease(connection, name=self._lease_name, holder=self._holder, lasts=_LEASE)
            self._renew_at = now + _LEASE.total_seconds() / 3
        if self._token is not None and now >= self._renew_at:
            with self._database.write() as connection:
                self._renew(connection, self._token)
        return self._token is not None

    def _renew(self, connection: Connection, token: UUID) -> None:
        leases.renew_lease(connection, name=self._lease_name, token=token, lasts=_LEASE)
        self._renew_at = monotonic() + _LEASE.total_seconds() / 3

    def _attempt(self, row: DeliveryRecord, *, keys: Sequence[bytes]) -> _Outcome:
        body = body_of(row)
        signed = sign(body, keys=keys, webhook_id=f"evt_{row.event_id.hex}", at=datetime.now(UTC))
        headers = {"Content-Type": "application/json", "User-Agent": "Omniyard", **signed}
        private = self._settings.allow_private
        try:
            answer = post(self._settings.url, body=body, headers=headers, allow_private=private, seconds=self._seconds)
        except OmniyardError as error:
            return _Outcome(row, str(error))
        except Exception as error:  # noqa: BLE001  (an unexpected error of one delivery must not stop the others)
            return _Outcome(row, f"an internal error: {type(error).__name__}")
        if 200 <= answer.status < 300:
            return _Outcome(row)
        why = f"the target answered {answer.status}"
        if 300 <= answer.status < 400:
            why += ", a redirect, which we do not follow"
        return _Outcome(row, why, answer.retry_after, is_hopeless=answer.status == _GONE)

    def _settle(self, outcomes: Sequence[_Outcome]) -> int:
        taken = [outcome.row.id for outcome in outcomes if not outcome.error]
        failed = [_failed(outcome) for outcome in outcomes if outcome.error]
        if self._token is None:
            return 0
        with self._database.write() as connection:
            self._renew(connection, self._token)
            webhook_deliveries.settle_deliveries(connection, delivered=taken, failed=failed)
        self._failures = 0 if taken else self._failures + 1
        if failed:
            _log.warning("webhook.failed", target=self.name, events=len(failed), error=failed[0].error)
        dead = sum(each.again_in is None for each in failed)
        if dead:
            _log.error("webhook.gave_up", target=self.name, events=dead)
        return len(taken)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._stopped.wait(self._turn())
        try:
            self.release()
        except TransientError as error:
            _log.warning("webhook.release_lost", target=self.name, error=str(error))

    def _turn(self) -> float:
        """Deliver some events; return how many seconds to wait before the next."""
        try:
            if self.once():
                return 0.0
        except LeaseLost:
            self._token = None
        except OmniyardError as error:
            _log.warning("webhook.postponed", target=self.name, error=str(error))
            return _AFTER_TROUBLE_SECONDS
        except Exception:  # noqa: BLE001  (the thread's outer loop: whatever it was, the next pass is due)
            _log.exception("webhook.failed", target=self.name)
            return _AFTER_TROUBLE_SECONDS
        return _IDLE.after(self._failures + 1).total_seconds()


def targets(database: Database, webhooks: Mapping[str, WebhookSettings]) -> list[Target]:
    """Return a companion of the worker for each enabled target."""
    return [Target(database, name, settings=each) for name, each in webhooks.items() if each.enabled]


def _failed(outcome: _Outcome) -> Failed:
    row = outcome.row
    trying_for = datetime.now(UTC) - row.tried_since if row.tried_since else timedelta(0)
    pause = next_pause(row.attempts + 1, trying_for=trying_for, asked_for=outcome.retry_after)
    return Failed(id=row.id, error=outcome.error, again_in=None if outcome.is_hopeless else pause)
