"""Intake: commit a batch's originals, its rows and the cursor at once, then ring the bell (the claim-check pattern).

It implements `Keeper` for the connectors' daemon.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from connectors.base import MAIL, Arrival, Batch, Cursor, NamedReport
from connectors.email.dkim_check import SignatureCheck
from connectors.email.sandbox.parent import Guard
from connectors.keeper import Ownership, Report
from connectors.normalise import normalise_batch
from router.errors import OmniyardError
from router.phone_call import CallLimits
from store.calls.phone_calls import note_call
from store.db import leases
from store.db.encryption import Sealer
from store.db.engine import Database
from store.desk.held_back import note_refusals
from store.inbound import cursors, wakes
from store.inbound.accept import Accepted, InboundMessage, accept
from store.outbound.delivery_receipts import note_delivery
from store.outbound.provider_ids import outbound_of
from workers.broker.doorbell import Bell
from workers.intake.first_look import FirstLook
from workers.runtime.failpoints import reach

# A killed owner's channel is taken over within this and one retry: well under half a minute.
LEASE: Final = timedelta(seconds=15)

_log = structlog.get_logger()


class Intake:
    """Stores mail for all channels of a process; its methods are thread-safe.

    mail: the polled channels whose mail needs a parser process.  new_guard: makes the guard of one parser.
    signatures: verifies signatures of mail; its guards must have been made for that.  None verifies none.
    look: finds what may be an emergency; without it all messages wait for their turn.
    """

    def __init__(
        self,
        database: Database,
        *,
        bell: Bell,
        lease: timedelta = LEASE,
        mail: Collection[str] = (),
        new_guard: Callable[[], Guard] = Guard,
        signatures: SignatureCheck | None = None,
        look: FirstLook | None = None,
    ) -> None:
        self._signatures, self._look = signatures, look
        self._database, self._bell, self._lease, self._mail = database, bell, lease, mail
        self._new_guard = new_guard
        # Loading a reader keeps one processor busy; more at once only make each of them slower.
        self._loading = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._threads = threading.local()
        self._guards: list[Guard] = []
        self._readers: dict[str, Guard] = {}

    def prepare(self, channel: str) -> None:
        """See `Keeper`."""
        if channel in self._mail:
            # A parser takes a second to load; loaded now, it can parse the first batch at once.
            with self._loading:
                self._reader(channel).warm()

    def own(self, channel: str) -> Ownership | None:
        """See `Keeper`."""
        with self._database.write() as connection:
            name = _lease_name(channel)
            token = leases.take_lease(connection, name=name, holder=self._holder, lasts=self._lease)
            position = cursors.read_position(connection, channel=channel) if token else None
        return (
            LeasedChannel(self, channel=channel, token=token, cursor=Cursor(*position) if position else None)
            if token
            else None
        )

    def take(self, batch: Batch) -> None:
        """See `Keeper`."""
        self.keep(batch)

    def keep(self, batch: Batch) -> Accepted:
        """Normalise and commit a batch that was pushed, then ring for it.

        Raises TransientError when it cannot be stored now.
        """
        return self.commit(batch, self._read(batch, self._guard), token=None)

    def read(self, batch: Batch) -> list[Arrival]:
        """Normalise a batch of a polled channel."""
        return self._read(batch, partial(self._reader, batch.channel))

    def commit(self, batch: Batch, arrivals: Sequence[Arrival], *, token: UUID | None) -> Accepted:
        """Commit a batch, then ring for it. token: of the channel's lease, confirmed in the same commit.

        Raises LeaseLost when the lease is gone, TransientError when the batch cannot be stored now.
        """
        reach("accept.before")
        accepted = self._write(batch, arrivals, token=token)
        reach("accept.after")
        self._bell.ring(accepted.ids, urgent=accepted.urgent)
        if batch.messages:
            _log.info(
                "batch.accepted",
                channel=batch.channel,
                messages=len(batch.messages),
                known=accepted.known,
                conflicts=accepted.conflicts,
            )
        return accepted

    def report(self, report: Report) -> None:
        """See `Keeper`."""
        try:
            with self._database.write() as connection:
                if report.ok:
                    cursors.note_poll(connection, channel=report.channel, waiting=report.waiting, held=report.held)
                    if report.refused:
                        note_refusals(connection, channel=report.channel, refused=report.refused)
                else:
                    cursors.note_error(connection, channel=report.channel, error=report.error)
        except OmniyardError as error:
            _log.warning("channel.report_lost", channel=report.channel, error=str(error))

    def take_wake(self, topic: str) -> str:
        """See `Keeper`."""
        try:
            # A look each second must not take SQLite's only lock.
            with self._database.read() as connection:
                if not wakes.is_woken(connection, topic):
                    return ""
            with self._database.write() as connection:
                return wakes.take_wake(connection, topic)
        except OmniyardError as error:
            _log.warning("channel.wake_lost", topic=topic, error=str(error))
            return ""

    def renew(self, channel: str, *, token: UUID) -> None:
        """Renew the channel's lease."""
        with self._database.write() as connection:
            leases.renew_lease(connection, name=_lease_name(channel), token=token, lasts=self._lease)

    def release(self, channel: str, *, token: UUID) -> None:
        """Release the channel's lease."""
        try:
            with self._database.write() as connection:
                leases.release_lease(connection, name=_lease_name(channel), token=token)
        except OmniyardError as error:
            _log.warning("channel.release_lost", channel=channel, error=str(error))

    def close(self) -> None:
        """End the parser processes."""
        for guard in self._guards:
            guard.close()

    def _write(self, batch: Batch, arrivals: Sequence[Arrival], *, token: UUID | None) -> Accepted:
        # Sealed before the transaction, so that no lock is held meanwhile.
        urgent = self._look.urgent(arrivals) if self._look and not batch.backfill else frozenset[str]()
        deliveries = [
            delivery_of(arrival, sealer=self._database.sealer, urgent=arrival.source_key in urgent)
            for arrival in arrivals
        ]
        with self._database.write() as connection:
            if token is not None:
                leases.confirm_lease(connection, name=_lease_name(batch.channel), token=token)
            accepted = accept(connection, channel=batch.channel, deliveries=deliveries, backfill=batch.backfill)
            reports = _note_reports(connection, batch.reports, channel=batch.channel)
            for news in batch.calls:
                # A list is read after the fact: it reaches none of the menu's other limits.
                note_call(connection, batch.channel, news=news, limits=CallLimits(missed_after=batch.missed_after))
            if batch.cursor is not None:
                cursors.move_cursor(
                    connection,
                    channel=batch.channel,
                    epoch=batch.cursor.epoch,
                    position=batch.cursor.position,
                    notice=batch.notice,
                )
            reach("accept.written")
        return replace(accepted, reports=reports) if reports else accepted

    def _read(self, batch: Batch, guard: Callable[[], Guard]) -> list[Arrival]:
        if not batch.messages:
            return []
        if batch.form == MAIL:
            arrivals = guard().normalise_batch(batch.messages, channel=batch.channel)
            check = self._signatures
            return check.note(batch.messages, arrivals, guard=guard()) if check else arrivals
        return normalise_batch(batch.messages, channel=batch.channel, form=batch.form)

    def _reader(self, channel: str) -> Guard:
        # One child process per polled channel: a hostile batch on one does not delay another.
        if channel not in self._readers:
            self._readers[channel] = self._new_guard()
            self._guards.append(self._readers[channel])
        return self._readers[channel]

    def _guard(self) -> Guard:
        # The same for pushed batches: there each thread has one.
        guard: Guard | None = getattr(self._threads, "guard", None)
        if guard is None:
            guard = self._threads.guard = self._new_guard()
            self._guards.append(guard)
        return guard


class LeasedChannel:
    """See `connectors.keeper.Ownership`."""

    def __init__(self, intake: Intake, *, channel: str, token: UUID, cursor: Cursor | None) -> None:
        self._intake, self._channel, self._token = intake, channel, token
        self.cursor = cursor

    def read(self, batch: Batch) -> list[Arrival]:
        """See `Ownership`."""
        return self._intake.read(batch)

    def accept(self, batch: Batch, arrivals: Sequence[Arrival]) -> None:
        """See `Ownership`."""
        self._intake.commit(batch, arrivals, token=self._token)

    def renew(self) -> None:
        """See `Ownership`."""
        self._intake.renew(self._channel, token=self._token)

    def release(self) -> None:
        """See `Ownership`."""
        self._intake.release(self._channel, token=self._token)


def _lease_name(channel: str) -> str:
    return f"channel:{channel}"


def delivery_of(arrival: Arrival, *, sealer: Sealer, urgent: bool = False) -> InboundMessage:
    """Return an arrival as the store takes it, sealed. urgent: it may be an emergency."""
    envelope = arrival.envelope.decode()
    return InboundMessage(
        source_key=arrival.source_key,
        envelope=sealer.seal_text(envelope),
        weight=len(envelope),
        original=sealer.seal(arrival.original),
        size=arrival.size,
        content_hash=arrival.content_hash,
        received_at=arrival.received_at,
        unreadable=arrival.unreadable,
        completes=arrival.completes,
        urgent=urgent,
    )


def _note_reports(connection: Connection, reports: Sequence[NamedReport], *, channel: str) -> dict[str, bool]:
    """Record the reports on a channel's messages; return by key whether each is about a message of the channel."""
    found: dict[str, bool] = {}
    for each in reports:
        ours = outbound_of(
            connection, channel=channel, outbound_id=each.outbound_id, provider_id=each.report.provider_id
        )
        found[each.key] = ours is not None
        if ours is not None:
            # A message that left in parts has several ids: the report's own says nothing more.
            report = each.report if each.outbound_id else replace(each.report, provider_id="")
            note_delivery(connection, ours, report)
    return found
