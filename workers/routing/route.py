"""Route a batch: claim, analyse, decide, write. Workers compete on any number of machines; each write names its claim.

A batch that fails is released and routed again one message at a time, so that a poison message fails alone. One that
another session's lock held up is written once more as a whole first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from router.analysis import Analysis
from router.envelope import from_json
from router.errors import Contended, LeaseLost, PermanentError, TransientError
from router.reason import Reason, ReasonKey
from store.chat.cases import note_cases
from store.chat.mail import note_mails
from store.contacts.identities import Handle, known_contacts, lock_contacts, propose_contacts
from store.db.engine import Database
from store.events.append import EventKind, NewEvent, append_events
from store.inbound import claims
from store.inbound.claims import Claim, ClaimedInbound, DueRows
from store.inbound.outcome import Outcome, write_outcome
from store.tables.messages import Direction, InboundState
from workers.routing.arrival import Incoming
from workers.routing.brain import Brain
from workers.routing.decide import Verdicts, decide_batch
from workers.routing.draft import Drafts, draft_batch
from workers.routing.reading_turn import ReadingTurn
from workers.routing.recall import recall
from workers.routing.revise import revision_of, settle_revisions
from workers.runtime.failpoints import reach

BATCH: Final = 200
# The pause after the database was unreachable: short for users, long enough not to overload it.
_PATIENCE: Final = timedelta(seconds=5)
_LONGEST_HANDLE: Final = 512
_SHOWN_OF_LONG: Final = 100
_FAILED_ALONE: Final = timedelta(seconds=10)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is known of a batch before its transaction.

    senders: their displayed names.  proposed: ids for those of them who have no contact.
    messages: with the contacts as they are known now.  changes: revisions of earlier messages.
    """

    senders: Mapping[Handle, str]
    proposed: Mapping[Handle, UUID]
    handles: Sequence[Handle]
    messages: Sequence[Incoming]
    changes: Sequence[tuple[ClaimedInbound, Analysis]]
    drafts: Drafts


class MessageRouter:
    """Routes batches for one worker process; several threads may call its methods at the same time.

    Light messages go first: see `store.inbound.claims`. Batches of them are claimed and read one after another: two
    threads share one interpreter, so both batches would be done only when the second one is.

    routed: called after the commit of each batch.
    """

    def __init__(self, database: Database, brain: Brain, *, routed: Callable[[], None] = lambda: None) -> None:
        self._database, self._brain, self._routed = database, brain, routed
        self._lease = 2 * brain.settings.omniyard.takeover
        self._turn = ReadingTurn()

    def route_batch(self, ids: Collection[UUID]) -> int:
        """Route those of `ids` that are due and free, and the oldest due rows; return how many were claimed."""
        return self._in_turn(partial(claims.claim_batch, limit=BATCH, ids=ids, lease=self._lease))

    def route_oldest(self) -> int:
        """Route the oldest due batch; return how many rows were claimed."""
        return self._in_turn(partial(claims.claim_batch, limit=BATCH, lease=self._lease))

    def route_urgent(self) -> int:
        """Route a few urgent messages, whatever else is due; return how many were claimed."""
        return self._work(self._claimed(DueRows.URGENT, partial(claims.claim_urgent, lease=self._lease)))

    def route_ordinary(self) -> int:
        """Route the oldest due batch, whatever urgent messages are due; return how many rows were claimed."""
        return self._in_turn(partial(claims.claim_ordinary, limit=BATCH, lease=self._lease))

    def route_heavy(self) -> int:
        """Route one heavy message, whatever light ones are due; return 1 if there was one."""
        return self._work(self._claimed(DueRows.HEAVY, partial(claims.claim_heavy, lease=self._lease)))

    def route_alone(self) -> int:
        """Route one message of a batch that died or failed; return 1 if there was one."""
        return self._work(self._claimed(DueRows.TRIED, partial(claims.claim_alone, lease=self._lease)))

    def _in_turn(self, claim: Callable[[Connection], Claim]) -> int:
        """Claim a batch and route it when it is this thread's turn; a heavy message does not keep others waiting."""
        with self._turn:
            claimed = self._claimed(DueRows.NEW, claim)
            if not (claimed and claimed.is_heavy):
                return self._work(claimed)
        return self._work(claimed)

    def _claimed(self, which: DueRows, claim: Callable[[Connection], Claim]) -> Claim | None:
        """Claim rows if any is due: most bells are for rows that an earlier batch has taken along."""
        with self._database.read() as connection:
            if not claims.is_due(connection, which):
                return None
        with self._database.write() as connection:
            return claim(connection)

    def _work(self, claimed: Claim | None) -> int:
        if not claimed:
            return 0
        if claimed.rows:
            reach("route.claimed")
            try:
                self._route(claimed)
            except LeaseLost:
                # Another worker has these messages now; our writes were rolled back.
                _log.warning("route.lease_lost", messages=len(claimed.rows))
            except TransientError as error:
                _log.warning("route.postponed", messages=len(claimed.rows), error=str(error))
                self._postpone(claimed, error)
            except Exception as error:  # noqa: BLE001  (one batch must not end the worker: its rows record the failure)
                self._failed(claimed, error)
        return len(claimed.rows)

    def _route(self, claimed: Claim) -> None:
        started = time.perf_counter()
        if claimed.rows[0].attempts > claims.MOST_ATTEMPTS:
            self._give_up(claimed, reason=Reason(ReasonKey.WORKERS_DIED))
            return
        claimed, opened = self._unsealed(claimed)
        envelopes = [from_json(text) for text in opened]
        analyses = self._brain.read_batch(envelopes)
        reach("route.read")
        try:
            verdicts = self._written(claimed, analyses)
        except Contended as error:
            # Another session's lock is no message's fault. One by one, two hundred messages would take minutes.
            _log.warning("route.again", messages=len(claimed.rows), error=str(error))
            verdicts = self._written(claimed, analyses)
        self._routed()
        reach("route.after")
        _report(claimed, verdicts, milliseconds=round((time.perf_counter() - started) * 1000))

    def _written(self, claimed: Claim, analyses: Sequence[Analysis]) -> Verdicts:
        batch = self._prepare(claimed, analyses)
        # The rest mostly waits for the database: another thread reads the next batch meanwhile.
        self._turn.pass_on()
        with self._database.write() as connection:
            verdicts = self._settle(connection, claimed, batch)
            reach("route.written")
        return verdicts

    def _unsealed(self, claimed: Claim) -> tuple[Claim, list[str]]:
        """Return the rows that could be decrypted, with their envelopes; only the others are postponed or fail.

        Raises the last row's error if none could be decrypted.
        """
        opened: dict[UUID, str] = {}
        shut: dict[UUID, TransientError | PermanentError] = {}
        for row in claimed.rows:
            try:
                opened[row.id] = self._database.sealer.open_text(row.envelope)
            except (TransientError, PermanentError) as error:
                shut[row.id] = error
                if len(shut) == len(claimed.rows):
                    raise
        for row in claimed.rows:
            if why := shut.get(row.id):
                aside = replace(claimed, rows=(row,))
                if isinstance(why, TransientError):
                    self._postpone(aside, why)
                else:
                    self._failed(aside, why)
        return replace(claimed, rows=tuple(row for row in claimed.rows if row.id in opened)), [*opened.values()]

    def _prepare(self, claimed: Claim, analyses: Sequence[Analysis]) -> _Batch:
        """Do what needs no lock, with the contacts as they are now."""
        pairs = [*zip(claimed.rows, analyses, strict=True)]
        changes = [pair for pair in pairs if revision_of(pair[0], pair[1].envelope)]
        if changes:
            pairs = [pair for pair in pairs if not revision_of(pair[0], pair[1].envelope)]
        handles = [handle_of(analysis, content_hash=row.content_hash) for row, analysis in pairs]
        senders = {handle: analysis.shown.contact_name for handle, (_, analysis) in zip(handles, pairs, strict=True)}
        with self._database.read() as connection:
            known = known_contacts(connection, senders)
        proposed = propose_contacts(senders, known=known)
        contacts = known | proposed
        batch = [
            Incoming(row, analysis, contacts[handle]) for (row, analysis), handle in zip(pairs, handles, strict=True)
        ]
        drafts = draft_batch(batch, brain=self._brain, now=claimed.now)
        return _Batch(senders, proposed, handles, batch, changes, drafts)

    def _settle(self, connection: Connection, claimed: Claim, batch: _Batch) -> Verdicts:
        claims.hold(connection, claimed)
        verdicts = self._decide(connection, claimed, batch) if batch.messages else Verdicts()
        if batch.changes:
            settle_revisions(connection, claimed, batch.changes, brain=self._brain)
        return verdicts

    def _decide(self, connection: Connection, claimed: Claim, prepared: _Batch) -> Verdicts:
        contacts = lock_contacts(connection, senders=prepared.senders, now=claimed.now, proposed=prepared.proposed)
        pairs = zip(prepared.messages, prepared.handles, strict=True)
        batch = [incoming.of(contacts[handle]) for incoming, handle in pairs]
        new = {contact_id for handle, contact_id in prepared.proposed.items() if contacts[handle] == contact_id}
        known = recall(connection, batch, brain=self._brain, now=claimed.now, new_contacts=new)
        reach("route.locked")
        outcomes, verdicts = decide_batch(batch, history=known, brain=self._brain, drafts=prepared.drafts)
        reach("route.decided")
        for outcome in outcomes:
            write_outcome(
                connection,
                outcome=outcome,
                handed_out=self._brain.handed_out,
                outage_customers=self._brain.settings.omniyard.outage_customers,
                now=claimed.now,
            )
            self._note_chats(connection, outcome)
        claims.finish(connection, claimed, state=InboundState.ROUTED, ids=verdicts.routed)
        claims.finish_duplicates(connection, claimed, firsts=verdicts.duplicates)
        claims.finish_unanswerable(connection, claimed, reasons=verdicts.unanswerable)
        return verdicts

    def _note_chats(self, connection: Connection, outcome: Outcome) -> None:
        """Record the conversation of each chat line, and show the conversation's other messages in the chat."""
        channels = self._brain.settings.channels
        shown = {name for name, channel in channels.items() if channel.chat_page}
        lines = [row for row in outcome.messages if row["channel"] in shown and row["inbound_id"]]
        note_cases(connection, {row["inbound_id"]: row["conversation_id"] for row in lines})
        if shown:
            # A conversation that this batch opens belongs to a chat only if a line of the chat is in it.
            opened = {row["id"] for row in outcome.conversations} - {row["conversation_id"] for row in lines}
            others = [row for row in outcome.messages if row["channel"] not in shown]
            joined = [row for row in others if row["conversation_id"] not in opened]
            note_mails(connection, [row for row in joined if row["direction"] == Direction.INCOMING])

    def _postpone(self, claimed: Claim, error: TransientError) -> None:
        """Release the batch; its messages then go one by one, because one of them may cause the failure.

        An attempt with a single message does not count: an outage of hours quarantines nothing.
        """
        try:
            with self._database.write() as connection:
                if len(claimed.rows) > 1:
                    claims.give_back(connection, claimed, reason=str(error), wait=_PATIENCE)
                else:
                    claims.forget_attempt(connection, claimed, reason=str(error), wait=_PATIENCE)
        except TransientError:
            # The sweep finds the rows when the lease ends.
            _log.warning("route.lease_left_to_end", messages=len(claimed.rows))

    def _failed(self, claimed: Claim, error: Exception) -> None:
        # The type only, because an exception's text may quote the customer's.
        kind = type(error).__name__
        reason = Reason(ReasonKey.ROUTING_FAILED, {"error": kind})
        _log.error("route.failed", messages=len(claimed.rows), attempts=claimed.rows[0].attempts, error=kind)
        if claimed.rows[0].attempts >= claims.MOST_ATTEMPTS:
            self._give_up(claimed, reason=reason)
            return
        wait = timedelta(0) if claimed.rows[0].attempts == 1 else _FAILED_ALONE
        with self._database.write() as connection:
            claims.give_back(connection, claimed, reason=reason.line, wait=wait)

    def _give_up(self, claimed: Claim, *, reason: Reason) -> None:
        with self._database.write() as connection:
            ids = claims.quarantine(connection, claimed, reason=reason.line)
            payloads = [{"inbound_id": str(row_id), "why": reason.to_json()} for row_id in ids]
            append_events(
                connection,
                [NewEvent(EventKind.INBOUND_QUARANTINED, None, payload, at=claimed.now) for payload in payloads],
            )
        _log.error("route.quarantined", inbound_ids=[str(row_id) for row_id in ids], reason=str(reason.key))


def handle_of(analysis: Analysis, *, content_hash: bytes) -> Handle:
    """Return the handle that identifies the message's customer.

    A sender without an address gets a handle from the message's hash, the same in every mailbox. A handle too long for
    an index (2,704 bytes on PostgreSQL) is cut and ends with its hash; RFC 5321 section 4.5.3.1 allows 320 bytes.
    """
    sender = analysis.correspondent.party
    handle = sender.handle or f"?{content_hash.hex()}"
    if len(handle.encode()) > _LONGEST_HANDLE:
        handle = f"{handle[:_SHOWN_OF_LONG]}#{sha256(handle.encode()).hexdigest()}"
    return Handle(sender.kind.value, handle)


def _report(claimed: Claim, verdicts: Verdicts, *, milliseconds: int) -> None:
    _log.info(
        "batch.routed",
        messages=len(claimed.rows),
        routed=len(verdicts.routed),
        duplicates=len(verdicts.duplicates),
        quarantined=len(verdicts.unanswerable),
        ms=milliseconds,
    )
