"""Send due messages on one kind of channel: claim and commit, send, settle; one commit per message.

The transaction that claims the next message also writes the result of the last one. A message that the provider may
have accepted is never sent again, except mail, because its receivers recognise it by its Message-ID.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from connectors.sender_contract import Outgoing, OutgoingFile, Receipt, Sender, SendVerdict
from router.delivery import AFTER_NOT_SENT
from router.errors import OmniyardError, TransientError
from router.masking.mask import mask
from router.reason import Reason, ReasonKey
from router.replies.markup import below_as_html, has_markup, to_html, to_plain
from router.settings.model import DeskSettings
from router.threads.correlation import make_token
from store.chat.cases import add_answer
from store.db.engine import Database
from store.events.append import EventKind
from store.outbound import ledger, limits
from store.outbound.answer_files import files_of, sent_files
from store.outbound.delivery_receipts import note_outcome
from store.outbound.ledger import OutboundClaim
from store.outbound.provider_ids import keep_other_ids
from store.outbound.replies import note_answer, put_back
from store.tables.operations import AGENT_MAIL, AUTO_REPLY, ONE_TIME_CODE
from workers.routing.brain import Brain
from workers.runtime.failpoints import reach
from workers.sending.preflight import Preflight


def outgoing_of(row: OutboundClaim, *, key: bytes, desk: DeskSettings, files: Sequence[OutgoingFile] = ()) -> Outgoing:
    """Return the message of a row. key: signs thread tokens.  desk: its name stands next to our address."""
    answered = (row.in_reply_to,) if row.in_reply_to else ()
    return Outgoing(
        outbound_id=row.id,
        # A row without an attempt is only reconciled, never sent.
        attempt_id=row.token or UUID(int=0),
        attempt=row.attempts,
        channel=row.channel,
        recipient=row.recipient,
        copies=tuple(row.copies or ()),
        subject=row.subject,
        text=_under(to_plain(row.text) if row.rich else row.text, row.below),
        html=_under_html(row) if row.rich and has_markup(row.text) else "",
        blind_copies=tuple(row.blind_copies or ()),
        sender_name=row.sender_name or desk.name_in(row.language),
        files=tuple(files),
        rfc_message_id=row.rfc_message_id,
        dated_at=row.dated_at or row.created_at,
        in_reply_to=row.in_reply_to,
        references=tuple(row.ancestors or answered),
        automatic=row.kind in {AUTO_REPLY, ONE_TIME_CODE, AGENT_MAIL},
        reply_token=_reply_token(row, key=key),
        template=row.template,
        variables=row.variables or {},
    )


def _reply_token(row: OutboundClaim, *, key: bytes) -> str:
    # What an agent answers to a mail of ours joins no customer's case.
    return "" if row.kind == AGENT_MAIL else make_token(key, reference=row.reference, contact_id=row.contact_id)


def _under(text: str, below: str) -> str:
    return f"{text}\n\n{below}" if below else text


def _under_html(row: OutboundClaim) -> str:
    return to_html(row.text) + (f"<br>{below_as_html(row.below)}" if row.below else "")


# The longest pause of an unreachable channel: an outage delays messages by minutes, not hours.
_LONGEST_PAUSE: Final = timedelta(minutes=5)
# A provider's clock may be behind ours.
_CLOCKS_APART: Final = timedelta(minutes=5)
_DEAD_AT_ONCE: Final = 100
# After so many messages that must not leave, the transaction ends: on SQLite no other process can write meanwhile.
_REMOVED_AT_ONCE: Final = 20

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingPace:
    """The pauses and limits of sending; tests and benchmarks use shorter ones.

    first_look, next_look, looks: when we ask the provider for an unknown message, and how often without a result.
    looking: for how long only one process looks for a message.
    repeat_after, repeats: when mail with an unknown result is sent again, and how often.
    attempts: how many certain failures a message may have before a person decides.
    stale: an automatic reply that could not be sent for so long is dropped.
    """

    first_look: timedelta = timedelta(seconds=30)
    next_look: timedelta = timedelta(minutes=10)
    looks: int = 2
    looking: timedelta = timedelta(minutes=2)
    repeat_after: timedelta = timedelta(minutes=15)
    repeats: int = 2
    attempts: int = 12
    stale: timedelta = timedelta(days=1)


USUAL_PACE: Final = SendingPace()


class InFlight:
    """The attempts that this process is making; it renews their leases as long as it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, OutboundClaim] = {}

    def put(self, lane: str, row: OutboundClaim | None) -> None:
        """Set the message that a lane is sending; None for none."""
        with self._lock:
            self._rows.pop(lane, None)
            if row:
                self._rows[lane] = row

    def renew(self, database: Database, *, lease: timedelta) -> None:
        """Renew the leases of all messages in flight."""
        with self._lock:
            tokens = [row.token for row in self._rows.values() if row.token]
        if tokens:
            with database.write() as connection:
                ledger.renew(connection, tokens=tokens, lease=lease)


class Deliverer:
    """Sends with the senders of one kind of channel; used by one thread.

    lane: the kind's name.  senders: by channel.
    """

    def __init__(
        self,
        database: Database,
        brain: Brain,
        *,
        lane: str,
        senders: Mapping[str, Sender],
        in_flight: InFlight,
        stopped: threading.Event,
        pace: SendingPace = USUAL_PACE,
    ) -> None:
        self._database, self._brain, self._pace = database, brain, pace
        self.lane, self._senders, self._in_flight, self._stopped = lane, senders, in_flight, stopped
        self._lease = 2 * brain.settings.omniyard.takeover
        self._preflight = Preflight(database, brain.settings, senders=senders, attempts=pace.attempts, stale=pace.stale)
        self._ended: tuple[OutboundClaim, Receipt] | None = None
        self._failures: dict[str, int] = {}
        self._paused: dict[str, float] = {}
        self._last_channel, self._removed = "", 0
        self._claimed_at = 0.0

    def once(self) -> int:
        """Settle unclear messages and send all due ones; return how many were tried."""
        if self._ended:
            # The database was unreachable when the last message was sent.
            self._turn(claims=False)
        with self._database.read() as connection:
            due = ledger.due(connection, channels=[*self._senders])
            if not any((due.queued, due.dead, due.unknown)) or limits.frozen(connection):
                return 0
        if due.dead:
            self._bury()
        if due.unknown:
            self._look()
        return self._send() if due.queued else 0

    def _send(self) -> int:
        tried = 0
        while not self._stopped.is_set() and ((row := self._turn()) or self._removed):
            if row:
                self._ended = (row, self._attempt(row))
                tried += 1
        if self._ended:
            self._turn(claims=False)
        return tried

    def _turn(self, *, claims: bool = True) -> OutboundClaim | None:
        """Record the result of the last message and claim the next, in one commit."""
        reach("deliver.before")
        try:
            with self._database.write() as connection:
                if self._ended:
                    self._settle(connection, *self._ended)
                claimed = self._claim(connection) if claims else None
                reach("deliver.written")
        except TransientError:
            raise
        except Exception:
            # A retry of this write would fail too: the lease ends, and the message is looked for as unknown.
            self._ended = None
            self._in_flight.put(self.lane, None)
            raise
        self._ended = None
        # The first byte must be sent before the lease ends, counted from here.
        self._claimed_at = time.monotonic()
        self._in_flight.put(self.lane, claimed)
        reach("deliver.claimed")
        return claimed

    def _claim(self, connection: Connection) -> OutboundClaim | None:
        channels, self._removed = self._open_channels(), 0
        while channels and self._removed < _REMOVED_AT_ONCE and not limits.frozen(connection):
            row = ledger.next_queued(connection, channel=channels[0])
            if row is None:
                channels.pop(0)
            elif removed := self._preflight.remove(connection, row):
                self._removed += removed
            else:
                self._last_channel = row.channel
                return ledger.begin(connection, row, lease=self._lease)
        return None

    def _open_channels(self) -> list[str]:
        """Return the channels without a pause; the first is the one after the channel that sent last."""
        now, channels = time.monotonic(), [*self._senders]
        after = channels.index(self._last_channel) + 1 if self._last_channel in channels else 0
        return [channel for channel in channels[after:] + channels[:after] if self._paused.get(channel, 0.0) <= now]

    def _attempt(self, row: OutboundClaim) -> Receipt:
        if time.monotonic() - self._claimed_at > self._lease.total_seconds():
            return Receipt(verdict=SendVerdict.NOT_SENT, why=Reason(ReasonKey.SENDER_OVERSLEPT).line)
        try:
            outgoing = self._outgoing(row, files=self._files(row))
        except OmniyardError as error:
            # Its files cannot be read now, so nothing was sent.
            unread = Reason(ReasonKey.SENDING_FAILED, {"error": type(error).__name__})
            return Receipt(verdict=SendVerdict.NOT_SENT, why=unread.line)
        try:
            receipt = self._senders[row.channel].send(outgoing)
        except Exception as error:  # noqa: BLE001  (after any error, a byte may have been sent)
            _log.exception("outbound.sender_failed", outbound_id=str(row.id))
            why = Reason(ReasonKey.SENDING_FAILED, {"error": type(error).__name__})
            receipt = Receipt(verdict=SendVerdict.UNKNOWN, why=why.line)
        reach("deliver.sent")
        self._note_channel(row.channel, receipt)
        _log.info("outbound.tried", outbound_id=str(row.id), channel=row.channel, verdict=receipt.verdict)
        return receipt

    def _files(self, row: OutboundClaim) -> list[OutgoingFile]:
        if row.kind == AUTO_REPLY:
            return []
        with self._database.read() as connection:
            found = files_of(connection, row.id)
        return [OutgoingFile(name=each.name, media_type=each.media_type, content=each.content) for each in found]

    def _note_channel(self, channel: str, receipt: Receipt) -> None:
        if not receipt.whole_channel:
            self._failures.pop(channel, None)
            return
        failures = self._failures[channel] = self._failures.get(channel, 0) + 1
        pause = receipt.retry_after or min(AFTER_NOT_SENT.after(failures, chance=random.random()), _LONGEST_PAUSE)  # noqa: S311
        self._paused[channel] = time.monotonic() + pause.total_seconds()
        _log.warning("channel.cannot_send", channel=channel, why=receipt.why, pause=round(pause.total_seconds()))

    def _settle(self, connection: Connection, row: OutboundClaim, receipt: Receipt) -> None:
        why = receipt.why
        if receipt.verdict is SendVerdict.ACCEPTED:
            self._sent(connection, row, receipt)
        elif receipt.verdict is SendVerdict.REFUSED:
            if ledger.settle_failed(connection, row, why=why):
                note_outcome(connection, row, EventKind.OUTBOUND_FAILED, why=why)
                put_back(connection, row)
        elif receipt.verdict is SendVerdict.NOT_SENT:
            wait = receipt.retry_after or AFTER_NOT_SENT.after(row.attempts, chance=random.random())  # noqa: S311
            if receipt.whole_recipient:
                ledger.rest_recipient(connection, row, why=why, wait=wait)
            else:
                ledger.settle_not_sent(connection, row, why=why, wait=wait, counts=not receipt.whole_channel)
        elif ledger.settle_unknown(connection, row, why=why, look_after=self._first_look(row)):
            note_outcome(connection, row, EventKind.OUTBOUND_UNKNOWN, why=why)

    def _sent(self, connection: Connection, row: OutboundClaim, receipt: Receipt) -> None:
        if ledger.settle_sent(connection, row, provider_id=receipt.provider_id, why=receipt.why):
            keep_other_ids(connection, row.id, receipt.other_ids, channel=row.channel)
            note_outcome(connection, row, EventKind.OUTBOUND_SENT, why=receipt.why)
            note_answer(connection, row)
            self._write_line(connection, row)

    def _write_line(self, connection: Connection, row: OutboundClaim) -> None:
        """Write the line that the visitor of a chat sees: it is sent once this transaction commits."""
        settings = self._brain.settings.channels.get(row.channel)
        if settings and settings.chat_page:
            automatic, text = row.kind == AUTO_REPLY, mask(row.text).text
            files = sent_files(connection, [row.id]).get(row.id, [])
            add_answer(
                connection,
                row.conversation_id,
                outbound_id=row.id,
                author=row.author or "",
                text=text,
                automatic=automatic,
                files=[
                    {"name": each.name, "size": each.size, "file": str(each.id), "picture": each.is_picture}
                    for each in files
                ],
            )

    def _first_look(self, row: OutboundClaim) -> timedelta:
        repeatable = self._senders[row.channel].repeatable
        return self._pace.repeat_after if repeatable else self._pace.first_look

    def _bury(self) -> None:
        """Mark the messages of a dead process as unknown."""
        with self._database.write() as connection:
            dead = ledger.expired(connection, channels=[*self._senders], limit=_DEAD_AT_ONCE)
            for row in dead:
                why = Reason(ReasonKey.SENDER_DIED).line
                ledger.settle_unknown(connection, row, why=why, look_after=self._first_look(row))
                note_outcome(connection, row, EventKind.OUTBOUND_UNKNOWN, why=why)

    def _look(self) -> None:
        """Look for the result of unknown messages, once each."""
        looked_at: set[UUID] = set()
        while not self._stopped.is_set():
            with self._database.write() as connection:
                row = ledger.unknown(connection, channels=[*self._senders], again_after=self._pace.looking)
            if row is None or row.id in looked_at:
                return
            looked_at.add(row.id)
            self._look_for(row)

    def _look_for(self, row: OutboundClaim) -> None:
        sender, since = self._senders[row.channel], (row.claimed_at or row.created_at) - _CLOCKS_APART
        found, counts = None, True
        try:
            found = sender.reconcile(self._with_others(row, since=since), since=since)
        except TransientError as error:
            _log.warning("outbound.cannot_look", channel=row.channel, error=str(error))
            counts = False
        with self._database.write() as connection:
            if found:
                self._settle(connection, row, found)
            else:
                self._decide(connection, row, repeatable=sender.repeatable, counts=counts)
            reach("deliver.looked")

    def _with_others(self, row: OutboundClaim, *, since: datetime) -> Outgoing:
        with self._database.read() as connection:
            others = ledger.provider_ids(connection, channel=row.channel, recipient=row.recipient, since=since)
        return replace(self._outgoing(row), others=others)

    def _outgoing(self, row: OutboundClaim, *, files: Sequence[OutgoingFile] = ()) -> Outgoing:
        return outgoing_of(row, key=self._brain.key, desk=self._brain.settings.omniyard, files=files)

    def _decide(self, connection: Connection, row: OutboundClaim, *, repeatable: bool, counts: bool) -> None:
        """Decide what happens to an unknown message that was not found."""
        if repeatable and row.repeats < self._pace.repeats:
            ledger.repeat(connection, row)
            return
        looks, unknown_for = row.looks + int(counts), row.now - (row.unknown_at or row.now)
        exhausted = looks >= self._pace.looks and unknown_for >= self._pace.next_look
        if not (repeatable or exhausted):
            ledger.looked_in_vain(connection, row, look_after=self._pace.next_look, counts=counts)
            return
        unclear = Reason(ReasonKey.NO_CLEAR_ANSWER, {"attempts": row.attempts})
        why = (unclear if repeatable else Reason(ReasonKey.NOT_FOUND_AT_PROVIDER)).line
        if ledger.hand_over(connection, row, why=why):
            note_outcome(connection, row, EventKind.OUTBOUND_NEEDS_PERSON, why=why)
            put_back(connection, row)
