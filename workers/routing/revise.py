"""Change earlier messages as later ones say; one that overtook its message waits for it.

A revision is no message of its own: its row ends as a duplicate of the message that it changes. A change that shows an
emergency calls people like a new message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from router.analysis import Analysis
from router.envelope import Envelope, Revision, RevisionKind
from router.reason import Reason, ReasonKey
from router.threads.correlation import Correlation
from router.threads.sign_kind import SignKind
from store.events.append import EventKind
from store.inbound import claims
from store.inbound.claims import Claim, ClaimedInbound
from store.inbound.outcome import write_outcome
from store.inbound.revisions import MessageChange, RevisableMessage, change_messages, revisable
from workers.routing.arrival import Incoming, attachment_rows, fetched_files
from workers.routing.batch_history import candidate_of
from workers.routing.brain import Brain
from workers.routing.placement import Placement
from workers.routing.record import Recorder

# How long a change waits for its message: a provider repeats for a day, a queue of ours may hold a weekend.
WAITS_FOR: Final = timedelta(days=7)
_LOOK_AGAIN: Final = timedelta(seconds=5)
_LONGEST_WAIT: Final = timedelta(minutes=10)
_KINDS: Final = {
    RevisionKind.EDITED: EventKind.MESSAGE_EDITED,
    RevisionKind.WITHDRAWN: EventKind.MESSAGE_WITHDRAWN,
    RevisionKind.COMPLETED: EventKind.MESSAGE_COMPLETED,
}


def revision_of(row: ClaimedInbound, envelope: Envelope) -> Revision | None:
    """Return what a row changes; None for a message of its own, which the first version under a key is too."""
    revision = envelope.revision
    is_first = revision is not None and row.source_key == revision.of
    return None if is_first else revision


@dataclass(frozen=True, slots=True)
class _Found:
    """done: row -> the inbound row of its message.  waiting: rows before their message.  hopeless: row -> why."""

    done: dict[UUID, UUID] = field(default_factory=dict)
    waiting: dict[UUID, timedelta] = field(default_factory=dict)
    hopeless: dict[UUID, str] = field(default_factory=dict)


def settle_revisions(
    connection: Connection, claimed: Claim, pairs: Sequence[tuple[ClaimedInbound, Analysis]], *, brain: Brain
) -> None:
    """Apply the revisions of a batch, after its messages are written; in the same transaction. claimed: held."""
    found = _Found()
    # The lower order first; the same message twice in a batch is read again in between.
    for row, analysis in sorted(pairs, key=lambda pair: _order(pair[1])):
        revision = analysis.envelope.revision
        if revision is None:
            raise AssertionError("callers look first")
        target = revisable(connection, channel=row.channel, keys=[revision.of]).get(revision.of)
        if target is None:
            _wait(row, claimed, found)
            continue
        found.done[row.id] = target.inbound_id
        _apply(
            connection,
            Incoming(row, analysis, target.contact_id),
            target,
            revision=revision,
            brain=brain,
            now=claimed.now,
        )
    claims.finish_duplicates(connection, claimed, firsts=found.done)
    claims.finish_unanswerable(connection, claimed, reasons=found.hopeless)
    claims.put_off(connection, claimed, waits=found.waiting)


def _order(analysis: Analysis) -> tuple[int, str]:
    revision = analysis.envelope.revision
    return (revision.order, revision.of) if revision else (0, "")


def _wait(row: ClaimedInbound, claimed: Claim, found: _Found) -> None:
    age = claimed.now - row.accepted_at
    if age > WAITS_FOR:
        found.hopeless[row.id] = Reason(ReasonKey.CHANGED_MESSAGE_NEVER_CAME).line
    else:
        found.waiting[row.id] = min(max(age / 2, _LOOK_AGAIN), _LONGEST_WAIT)


def _apply(
    connection: Connection,
    incoming: Incoming,
    target: RevisableMessage,
    *,
    revision: Revision,
    brain: Brain,
    now: datetime,
) -> None:
    recorder = Recorder(brain, now)
    change = _change(incoming.analysis, target, revision=revision, at=incoming.row.received_at)
    added = _new_files(incoming, target)
    if change:
        change_messages(connection, [change])
        payload = {"message_id": str(target.message_id), "inbound_id": str(incoming.row.id)}
        recorder.event(_KINDS[revision.kind], target.conversation.conversation_id, payload=payload)
    if added:
        recorder.outcome.attachments.extend(added)
        recorder.outcome.fetched_files.extend(fetched_files(incoming, added))
    if change and target.incoming and not change.withdrawn_at:
        _hear(incoming, target, recorder=recorder)
    write_outcome(connection, outcome=recorder.outcome, handed_out=(), outage_customers=0, now=recorder.now)


def _change(analysis: Analysis, target: RevisableMessage, *, revision: Revision, at: datetime) -> MessageChange | None:
    """Return what the message becomes; None where a later change is in it already, or it was withdrawn."""
    nothing = MessageChange(
        message_id=target.message_id,
        conversation_id=target.conversation.conversation_id,
        order=target.revision,
        withdrawn_at=at,
    )
    if revision.kind is RevisionKind.WITHDRAWN:
        return None if target.withdrawn else nothing
    if target.withdrawn or revision.order <= target.revision:
        return None
    return replace(
        nothing,
        withdrawn_at=None,
        order=revision.order,
        text=analysis.shown.text,
        quoted=analysis.shown.quoted or None,
        indexed=analysis.indexed,
        fingerprint=analysis.fingerprint,
        edited_at=at if revision.kind is RevisionKind.EDITED else None,
    )


def _new_files(incoming: Incoming, target: RevisableMessage) -> list[Mapping[str, object]]:
    rows = attachment_rows(incoming, message_id=target.message_id)
    names = {name for _, name in target.files}
    # What comes as a reference gets its hash when it is fetched: here it is known by its name.
    return [
        row
        for row in rows
        if (row["sha256"], row["name"]) not in target.files and (row["sha256"] or row["name"] not in names)
    ]


def _hear(incoming: Incoming, target: RevisableMessage, *, recorder: Recorder) -> None:
    """Call people if the changed words show an emergency, or ask whether they do."""
    table, analysis = recorder.brain.table, incoming.analysis
    candidate = candidate_of(target.conversation)
    decision = table.decide(analysis, now=recorder.now)
    otherwise = table.decide(analysis, now=recorder.now, emergency=not decision.emergency)
    correlation = Correlation(candidate, SignKind.CHAT, Reason(ReasonKey.MESSAGE_WAS_CHANGED))
    placement = Placement(incoming, candidate, correlation, decision, message_id=target.message_id, otherwise=otherwise)
    recorder.raise_alarm(placement)
